import numpy as np
import pytest

from keras_isa.datasets.classes import class_numbers, renumber


def test_names_and_numbers_are_found_in_their_order():
    assert class_numbers(["eel", 0], ["cat", "dog", "eel"]) == [2, 0]
    assert class_numbers((np.int64(1),), ["cat", "dog"]) == [1]


@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ([], ValueError, "`classes` must name at least one class"),
        (["cat", "fox"], ValueError, "`classes` must be out of cat,dog,eel.*'fox'"),
        ([3], ValueError, "numbers from 0 to 2. Received: 3"),
        ([-1], ValueError, "numbers from 0 to 2. Received: -1"),
        (["cat", 0], ValueError, "each class once. Received: 'cat' twice"),
        ("cat", TypeError, "`classes` must be a sequence"),
        ([1.0], TypeError, "names or class numbers. Received: 1.0"),
        ([True], TypeError, "names or class numbers. Received: True"),
    ],
)
def test_bad_classes_are_refused(classes, error, message):
    with pytest.raises(error, match=message):
        class_numbers(classes, ["cat", "dog", "eel"])


def test_chosen_classes_are_renumbered():
    rows, labels = renumber(np.array([0, 1, 2, 2, 0]), [2, 0])
    assert rows.tolist() == [0, 2, 3, 4] and labels.tolist() == [1, 0, 0, 1]
    rows, labels = renumber(np.array([], int), [3])
    assert rows.size == labels.size == 0 and labels.dtype == np.int32
