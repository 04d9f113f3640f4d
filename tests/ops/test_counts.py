"""The numbers of images of each class."""

import warnings

import numpy as np
import pytest

from keras_isa.ops.counts import checked_counts, class_counts, simplest

NAMES = ("cat", "dog", "ship")


def test_an_integer_is_the_same_for_all():
    assert class_counts(3, [3, 4, 5]) == (3, 3, 3)
    assert class_counts(np.int64(2), [3, 4, 5]) == (2, 2, 2)


def test_an_integer_must_be_there_for_every_class():
    with pytest.raises(ValueError, match="must not exceed the 3 images of class dog"):
        class_counts(4, [5, 3, 9], NAMES)


@pytest.mark.parametrize("wanted", [{"ship": 3, "cat": 1, "dog": 2}, {0: 1, "dog": 2, 2: 3}])
def test_a_mapping_by_name_or_number(wanted):
    assert class_counts(wanted, [9, 9, 9], NAMES) == (1, 2, 3)


def test_a_mapping_takes_what_there_is_and_warns():
    with pytest.warns(UserWarning, match=r"class dog \(1 of 5\), ship \(2 of 3\)"):
        assert class_counts({"cat": 2, "dog": 5, "ship": 3}, [9, 1, 2], NAMES) == (2, 1, 2)


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        ({"cat": 1, "dog": 1}, "Missing: ship"),
        ({"cat": 1, "dog": 1, "ship": 1, "plane": 1}, "'plane'"),
        ({"cat": 1, 0: 2, "dog": 1, "ship": 1}, "0"),
        ({"cat": 1, "dog": 0, "ship": 1}, "0"),
        ({"cat": 1, "dog": True, "ship": 1}, "True"),
        ({"cat": 1, "dog": 1.5, "ship": 1}, "1.5"),
        ({"cat": 1, 3: 1}, "3"),
    ],
)
def test_mappings_that_are_refused(wanted, named):
    with pytest.raises(ValueError, match="`images_per_class` must") as error:
        class_counts(wanted, [9, 9, 9], NAMES)
    assert named in str(error.value)


def brute_force_shares(available, total):
    """The largest remainder, image by image: the class furthest below its share gets one."""
    exact = [total * count / sum(available) for count in available]
    shares = [max(1, int(share)) for share in exact]
    while sum(shares) < total:
        shares[max(range(len(shares)), key=lambda k: (exact[k] - shares[k], -k))] += 1
    return tuple(shares)


@pytest.mark.parametrize(
    "available", [[100, 200, 300], [50, 50, 50], [1000, 1, 10], [7, 11, 13], [333, 333, 334]]
)
@pytest.mark.parametrize("mean", [1, 2, 5])
def test_proportional_shares(available, mean):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = class_counts(f"proportional:{mean}", available)
    expected = brute_force_shares(available, 3 * mean)
    assert counts == tuple(min(c, a) for c, a in zip(expected, available, strict=True))
    assert min(counts) >= 1


def test_proportional_without_a_number_is_ten_on_average():
    assert class_counts("proportional", [100, 300]) == class_counts("proportional:10", [100, 300])
    assert class_counts("proportional", [100, 300]) == (5, 15)


def test_proportional_takes_what_there_is_and_warns():
    with pytest.warns(UserWarning, match="fewer images than asked for"):
        assert class_counts("proportional:20", [10, 20]) == (10, 20)


@pytest.mark.parametrize("word", ["equal", "proportional:0", "proportional:x", "", "proportional "])
def test_other_words_are_refused(word):
    with pytest.raises(ValueError, match='"proportional:N"'):
        class_counts(word, [9, 9])


def test_a_class_without_images_is_refused():
    with pytest.raises(ValueError, match="class dog has none"):
        class_counts({"cat": 1, "dog": 1, "ship": 1}, [9, 0, 9], NAMES)


@pytest.mark.parametrize("count", [0, -1, 2.5, True, "1", None])
def test_counts_are_positive_integers(count):
    with pytest.raises(ValueError, match="`images_per_class` must be a positive integer"):
        checked_counts(count, 3)


def test_one_number_per_class():
    assert checked_counts([1, 2, 3], 3) == (1, 2, 3)
    with pytest.raises(ValueError, match="one number per class, 3"):
        checked_counts([1, 2], 3)
    assert simplest((2, 2, 2)) == 2
    assert simplest((1, 2)) == (1, 2)
