"""Images and labels of a batch, and what else is in it."""

import numpy as np
import pytest

from keras_isa.inputs.pairs import unpack_batch, warn_of_unused

X, Y = np.zeros((2, 3)), np.array([0, 1])


@pytest.mark.parametrize("name", ["sample_weight", "sample_weights", "weight", "Weights"])
def test_weights_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"`x` .*sample weights are not supp.* the key {name}$"):
        unpack_batch({"image": X, "label": Y, name: np.array([1.0, 5.0])}, "x")
    batch = {"image": X, "label": Y, name: None}
    assert unpack_batch(batch, "x") == (X, Y)
    warn_of_unused(batch, "x")


def test_what_is_not_used_is_named():
    batch = {"id": [7, 8], "image": X, "label": Y, "mask": X, "box": None, 3: "c"}
    with pytest.warns(UserWarning, match="'image' and 'label' are used, and not 'id', 'mask', 3$"):
        warn_of_unused(batch, "x")
    for batch in ({"x": X, "y": Y}, (X, Y), (X, Y, None)):
        warn_of_unused(batch, "x")


def test_what_is_no_batch_is_said_with_what_to_do():
    with pytest.raises(ValueError, match="one part of a dictionary .*from_arrays.*text 'train'"):
        unpack_batch("train", "x")
    image = pytest.importorskip("PIL.Image").new("L", (3, 2))
    with pytest.raises(ValueError, match=r"`x` .*single images; .*DataLoader.*size \(3, 2\)"):
        unpack_batch((image, 0), "x")
    for number in (0, np.int64(0)):
        with pytest.raises(ValueError, match="`x` .*leave out `enumerate`.* a tuple of 2$"):
            unpack_batch((number, (X, Y)), "x")


def test_several_arrays_of_labels():
    images = np.zeros((3, 2, 2))
    for labels in ((Y[[0, 1, 0]],) * 2, [[0, 1, 0]] * 2, {"kind": Y, "age": Y}):
        with pytest.raises(ValueError, match="`x` .*several labels per image .* of 2 in place"):
            unpack_batch((images, labels), "x")
    for labels in (
        [[[1, 2], [1]], [[2]]],
        [np.array([1])] * 3,
        list(np.eye(3)),
        ["a", "b", "c"],
        [],
    ):
        assert unpack_batch((images, labels), "x") == (images, labels)
