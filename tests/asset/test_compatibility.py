"""Whether data have the shape and the classes of a set."""

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.asset.compatibility import check_shape, take_class_names

NAMES = ("ant", "bee", "cat")


def test_names_of_its_own_must_be_those_of_the_data():
    distilled = DistilledData((3, 3, 1), 3, 1, class_names=NAMES)
    take_class_names(distilled, NAMES)
    take_class_names(distilled, None)
    with pytest.raises(ValueError, match=r"same order.*select_classes\(.*bee, ant, cat instead"):
        take_class_names(distilled, ("bee", "ant", "cat"))
    assert distilled.class_names == NAMES


def test_numbers_in_another_order_are_names_to_a_set_that_holds_something():
    empty = DistilledData((3, 3, 1), 3, 1)
    filled = DistilledData.from_arrays(np.ones((3, 3, 3, 1), "float32"), np.eye(3, dtype="float32"))
    with pytest.raises(ValueError, match="same order"):
        take_class_names(filled, ("1", "0", "2"))
    for distilled, names in ((filled, NAMES), (empty, ("1", "0", "2"))):
        take_class_names(distilled, names)
        assert distilled.class_names == names


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((4, 4, 1), r"images .*of shape \(3, 3, 1\), as the distilled set; resize them"),
        ((3, 3, 3), r"of shape \(3, 3, 1\), as the distilled set, with 1 channels"),
        ((9,), r"Received: .* of shape \(9,\)"),
    ],
)
def test_another_shape_is_refused(shape, message):
    check_shape([3, 3, 1], (3, 3, 1), "x")
    with pytest.raises(ValueError, match=f"`x` must hold .*{message}"):
        check_shape(shape, (3, 3, 1), "x")
