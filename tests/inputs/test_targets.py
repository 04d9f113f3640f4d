"""Targets of a regression: numbers as they are, everything else refused with help."""

import numpy as np
import pytest

from keras_isa.inputs.class_labels import check_labels
from keras_isa.inputs.targets import check_targets, group_ids, target_names


def test_numbers_of_every_kind_become_a_table_of_float64():
    for y in ([1, 2], [1.0, 2.0], np.array([1, 2], "uint8"), np.array([[1.0], [2.0]], "float32")):
        found = check_targets(y, 2, "y")
        assert found.dtype == np.float64 and found.tolist() == [[1.0], [2.0]]
    assert check_targets(np.ones((4, 3)), 4, "y", 3).shape == (4, 3)


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (["a", "b"], TypeError, "`y` must hold numbers for task='regression'"),
        ([True, False], TypeError, "`y` must hold numbers"),
        ([1j, 2j], TypeError, "`y` must hold numbers"),
        ([1.0, float("nan")], ValueError, "finite targets; .* nan at row 1"),
        ([[1.0, np.inf], [0.0, 0.0]], ValueError, "finite targets; .* inf"),
        ([1.0], ValueError, "1 rows of targets for 2"),
        (np.zeros((2, 2, 2)), ValueError, r"shape \(N,\) or \(N, K\)"),
        (np.zeros((2, 0)), ValueError, "shape"),
        (np.zeros((2, 2)), ValueError, "hold 3 targets per row. Received: 2"),
    ],
)
def test_what_is_no_target_is_refused(y, error, words):
    number = 3 if isinstance(y, np.ndarray) and y.shape == (2, 2) else None
    with pytest.raises(error, match=words):
        check_targets(y, 2, "y", number)


@pytest.mark.parametrize("y", [[0.5, 1.5], [[0.5, 1.5], [2.5, 0.5]]])
def test_fractions_as_classes_say_how_to_ask_for_regression(y):
    with pytest.raises((TypeError, ValueError), match="task='regression'.*--task regression"):
        check_labels(y, 2, "y")


def test_whole_floats_stay_a_mistake_about_classes():
    with pytest.raises(TypeError, match=r"astype\('int32'\)") as found:
        check_labels([0.0, 1.0], 2, "y")
    assert "regression" not in str(found.value)


def test_rows_of_targets_are_one_group_and_classes_are_their_own():
    assert group_ids(np.array([2, 0])).tolist() == [2, 0]
    assert group_ids(np.zeros((3, 2))).tolist() == [0, 0, 0]


def test_names_come_from_frames_and_series():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"height": [1.0], "weight": [2.0]})
    assert target_names(frame) == ("height", "weight")
    assert target_names(frame["weight"]) == ("weight",)
    assert target_names(np.zeros((2, 2))) is None
