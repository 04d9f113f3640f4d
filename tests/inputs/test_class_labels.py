"""Labels of every kind become class numbers and names, or an error names the wrong label."""

import warnings

import numpy as np
import pytest

from keras_isa.inputs.class_labels import (
    check_classes,
    check_every_class_present,
    check_labels,
    find_class_names,
    infer_classes,
    refuse_positions,
)


def test_names_become_numbers():
    found = check_labels(["dog", "cat", "dog"], 3, "y", class_names=("cat", "dog"))
    assert found.dtype == np.int32 and found.tolist() == [1, 0, 1]
    # Numbers stay numbers where names are known.
    assert check_labels([1, 0], 2, "y", class_names=("cat", "dog")).tolist() == [1, 0]


def test_names_without_the_names_of_all_classes_are_refused():
    with pytest.raises(TypeError, match="`y` must be class numbers .*names if .class_names. are"):
        check_labels(["dog", "cat"], 2, "y")


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (["cat", "fox"], ValueError, "`y` must hold names out of cat, dog. .*'fox' at index 1"),
        (["cat"], ValueError, "`y` must hold one label per image"),
        ([["cat", "a"], ["dog", "b"]], ValueError, "`y` must hold one class number per image"),
        ([0.5, 1.0], TypeError, "`y` must be class numbers"),
    ],
)
def test_bad_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        check_labels(labels, 2, "y", class_names=("cat", "dog"))


def test_an_error_names_few_of_many_classes():
    names = [f"class {i}" for i in range(1000)]
    with pytest.raises(ValueError, match="class 9 and 990 more. Received: 'x'") as caught:
        check_labels(["x"], 1, "y", class_names=names)
    assert len(str(caught.value)) < 300


def test_names_in():
    assert find_class_names(["b", "a", "b"], "y") == ("a", "b")
    assert find_class_names(np.array(["b", "a"], object), "y") == ("a", "b")
    assert find_class_names([b"b", b"a"], "y") == ("a", "b")
    assert find_class_names(["10", "9", "1"], "y") == ("1", "9", "10")
    for labels in (["chêne".encode("latin1"), b"a"], np.array(["chêne".encode("latin1"), b"a"])):
        with pytest.raises(ValueError, match=r"`y` must hold names in UTF-8; .*b'ch.xeane' at ind"):
            find_class_names(labels, "y")
    with pytest.raises(ValueError, match=r"not end in a zero byte.*b'a.x00' at index 1"):
        find_class_names([b"a", b"a\0"], "y")
    for labels in ([1, 0], []):
        assert find_class_names(labels, "y") is None
    with pytest.raises(ValueError, match="`y` must have no missing .* Received: None at index 0"):
        find_class_names([None, "a"], "y")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["cat", "dog", "cat "], "same way everywhere. Received: 'cat' and 'cat '"),
        (["caf\xe9", "cafe\u0301"], r"Received: 'cafe\\u0301' and 'caf\\xe9'"),
        (["cat", " ", "dog"], "add the missing name .*Received: ' ' at index 1"),
    ],
)
def test_names_that_are_no_classes_of_their_own(labels, message):
    with pytest.raises(ValueError, match=f"`y` must .*{message}"):
        find_class_names(labels, "y")


@pytest.mark.parametrize("word", ["nan", "None", "null", "<NA>", "NaT"])
def test_words_that_stand_for_no_value_are_said(word):
    for dtype in ("U", "S"):
        labels = np.array(["cat", word, "dog", word], dtype)
        with pytest.warns(UserWarning, match=f"'{word}', which often .* 2 .* index 1$"):
            assert set(find_class_names(labels, "y")) == {"cat", "dog", word}
    assert find_class_names(["nano", "Nanny", "cat"], "y") == ("Nanny", "cat", "nano")


def test_infinite_labels():
    with pytest.raises(ValueError, match="a class for every image. Received: inf at index 1"):
        check_labels([0.0, np.inf], 2, "y")


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (np.eye(3), ValueError, r"use `.argmax\(axis=1\)` on one-hot labels"),
        ([[1, 1], [0, 1]], ValueError, "several classes .*with 2 classes in row 0"),
        ([[0.2, 0.8], [0.5, 0.5]], ValueError, "soft labels .* with 0.2 at row 0, column 0"),
        ([[3.0, np.nan]] * 2, ValueError, "with 3.0 at row 0, column 0"),
        ([0, -1], ValueError, "Received: a label -1 at index 1$"),
        (
            [0, -100, -1],
            ValueError,
            "without a label .*label -100 at index 1, the first of 2",
        ),
        (np.zeros((2, 1, 1), int), ValueError, r"`.ravel\(\)` removes the other .*\(2, 1, 1\)"),
        ([[0, 1, 2, 1]], ValueError, r"`.ravel\(\)` removes the other axes. .*\(1, 4\)"),
        ([["a", "b"]], ValueError, r"`.ravel\(\)` removes the other axes"),
        ([[0, 1, 0]], ValueError, r"use `.argmax\(axis=1\)` on one-hot labels"),
        ([0, 2**40], ValueError, "hold class numbers that fit int32"),
        (
            [True, False],
            TypeError,
            r"dtype=bool, True at .*`.astype\('uint8'\)` turns them",
        ),
        (
            [1.0, 0.0],
            TypeError,
            r"dtype=float64, 1.0 at .*`.astype\('int32'\)` turns them",
        ),
        ([1.0, 0.5], TypeError, "dtype=float64, 0.5 at index 1$"),
    ],
)
def test_an_error_says_what_to_do_with_other_labels(labels, error, message):
    with pytest.raises(error, match=f"`y` must .*{message}"):
        check_labels(labels, len(labels), "y")


def test_class_numbers_with_gaps_are_renumbered():
    with pytest.warns(UserWarning, match="1, 5, 26, and not all from 0 to 26: .* from 0 to 2 and"):
        names, numbers = infer_classes([5, 26, 1, 5], 4, "y")
    assert names == ("1", "5", "26") and numbers.tolist() == [1, 2, 0, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert infer_classes([1, 0], 2, "y")[0] == ("0", "1")


def test_every_class_must_have_a_number_in_range_and_an_image():
    labels = np.array([0, 2, 2], "int32")
    check_classes(labels, 3, "y")
    with pytest.raises(ValueError, match="classes from 0 to 1. .* 2 at index 1, the first of 2"):
        check_classes(labels, 2, "y")
    with pytest.raises(ValueError, match="class 1 has no images. .* 2 different labels, for 3 cl"):
        check_every_class_present(labels, 3, "y")


class Column:
    """What NumPy and the library see of an ordered `Categorical` or an `Enum`."""

    def __init__(self, values, dtype):
        self.values, self.dtype = values, dtype

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, object)


class Categories:
    categories = ("small", "huge", "middle")

    def __init__(self, ordered):
        self.ordered = ordered


class Enum:
    categories = ("small", "huge", "middle")


def test_an_ordered_column_keeps_its_order():
    values = ["huge", "small", "huge"]
    for dtype in (Categories(True), Enum()):
        names, numbers = infer_classes(Column(values, dtype), 3, "y")
        assert names == ("small", "huge") and numbers.tolist() == [1, 0, 1]
    assert infer_classes(Column(values, Categories(False)), 3, "y")[0] == ("huge", "small")


def test_numbers_that_would_be_positions_of_names_are_refused():
    for labels in ([1], np.array([[1]], "uint8")):
        with pytest.raises(ValueError, match="`b` must hold class names as `a` .*1 would be 'dog'"):
            refuse_positions(labels, ["cat", "dog"], "b", "a")
    refuse_positions([0, 1], ["0", "1", "unknown"], "b", "a")
    with pytest.raises(ValueError, match="2 would be 'unknown'"):
        refuse_positions([0, 2], ["0", "1", "unknown"], "b", "a")
