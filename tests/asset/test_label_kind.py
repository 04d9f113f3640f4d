"""Soft labels are told from those of classes."""

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.asset.label_kind import labels_are_learned

ONE_HOT = np.eye(3, dtype="float32")


def of(labels, learn_labels=False):
    images = np.ones((3, 2, 2, 1), "float32")
    return DistilledData.from_arrays(images, labels, learn_labels=learn_labels)


@pytest.mark.parametrize("labels", [ONE_HOT, ONE_HOT - 1 / 3, (ONE_HOT - 1 / 3) / 0.3**0.5])
def test_labels_of_classes_are_not_learned_at_any_scale(labels):
    assert not labels_are_learned(of(labels))
    assert labels_are_learned(of(labels, learn_labels=True))


def test_one_class_and_rows_with_targets_say_nothing():
    images = np.ones((2, 4), "float32")
    for options in ({"images_per_class": 2}, {"images_per_class": 2, "task": "regression"}):
        labels = np.array([[1.0], [0.5]], "float32")
        assert not labels_are_learned(
            DistilledData.from_arrays(images, labels, learn_labels=False, **options)
        )


@pytest.mark.parametrize(
    "change",
    [[(0, 1, 0.2)], [(0, 0, -0.3)], [(k, k, -2.0) for k in range(3)]],
    ids=["another class", "one own", "all own are least"],
)
def test_others_are(change):
    labels = ONE_HOT.copy()
    for row, column, by in change:
        labels[row, column] += by
    assert labels_are_learned(of(labels))
