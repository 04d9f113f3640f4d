import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_isa.datasets import Dataset, split_train_validation


def numbered(counts):
    """A dataset whose images are all different: image i holds the number i in every pixel."""
    y = np.concatenate([np.full(count, i) for i, count in enumerate(counts)])
    y = np.random.default_rng(1).permutation(y)
    x = np.arange(len(y), dtype="float32")[:, None, None] * np.ones((1, 2, 2), "float32")
    return Dataset.from_arrays(x, y, pixel_range=(0, 1000))


def ids(dataset):
    return dataset.x[:, 0, 0, 0].astype(int)


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 30), min_size=2, max_size=6).filter(lambda c: max(c) > 1),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32),
)
def test_every_image_lands_in_one_part_and_no_class_is_emptied(counts, fraction, seed):
    dataset = numbered(counts)
    fit, validation = split_train_validation(dataset, fraction, seed)
    assert sorted([*ids(fit), *ids(validation)]) == list(range(sum(counts)))
    for part in (fit, validation):
        assert (np.diff(ids(part)) > 0).all()
        np.testing.assert_array_equal(part.y, dataset.y[ids(part)])
        assert part.class_names == dataset.class_names
        assert part.pixel_range == (0.0, 1000.0)
    assert (fit.split, validation.split) == ("train", "validation")
    kept = np.bincount(fit.y, minlength=len(counts))
    taken = np.bincount(validation.y, minlength=len(counts))
    assert kept.min() >= 1
    assert np.all(taken <= np.floor(fraction * np.array(counts)) + 1)
    assert 1 <= len(validation) <= max(1, round(fraction * sum(counts)))


def test_shares_are_equal_and_the_total_is_right():
    fit, validation = split_train_validation(numbered([50, 30, 20]), 0.1, seed=3)
    assert np.bincount(validation.y).tolist() == [5, 3, 2]
    assert np.bincount(fit.y).tolist() == [45, 27, 18]
    # Ten classes of five: a tenth is five images, which rounding class by class would miss.
    _, validation = split_train_validation(numbered([5] * 10), 0.1, seed=3)
    assert len(validation) == 5 and np.bincount(validation.y).max() == 1


def test_seed_decides():
    dataset = numbered([40, 40])
    first = ids(split_train_validation(dataset, 0.25, seed=7)[1])
    np.testing.assert_array_equal(first, ids(split_train_validation(dataset, 0.25, seed=7)[1]))
    assert set(first) != set(ids(split_train_validation(dataset, 0.25, seed=8)[1]))


def test_no_fraction_no_validation():
    dataset = numbered([3, 3])
    assert split_train_validation(dataset, 0.0, seed=0) == (dataset, None)


def test_digits(digits):
    fit, validation = split_train_validation(digits[0], 0.1, seed=0)
    assert (len(fit), len(validation)) == (1293, 144)
    assert np.abs(np.bincount(validation.y) - np.bincount(digits[0].y) / 10).max() < 1


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, np.nan, "0.1", None])
def test_bad_fractions_are_refused(fraction):
    with pytest.raises(ValueError, match=r"`fraction` must be in \[0, 1\). Received: fraction="):
        split_train_validation(numbered([3, 3]), fraction, 0)


@pytest.mark.parametrize("seed", [-1, 0.5, None, True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="`seed` must be a non-negative integer. Received: seed="):
        split_train_validation(numbered([3, 3]), 0.5, seed)


def test_nothing_to_spare_is_refused():
    with pytest.raises(ValueError, match="`y` must have a class with two images or more"):
        split_train_validation(numbered([1, 1, 1]), 0.5, 0)


def test_rows_of_a_regression_are_divided_as_one_class():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(50, 2))
    dataset = Dataset.from_arrays(rng.normal(size=(50, 3)), y, task="regression")
    fit, validation = split_train_validation(dataset, 0.2, seed=3)
    assert (len(fit), len(validation)) == (40, 10)
    together = np.concatenate([fit.y, validation.y])
    assert sorted(together[:, 0].tolist()) == sorted(y[:, 0].tolist())
