"""What all parametrisations have in common."""

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.parametrizations import Identity, Parametrization, parametrization_of
from keras_isa.parametrizations.base import MOST_EXPANSION, checked_shapes

TEXTS = [
    "identity",
    "multi_formation:2",
    "multi_formation:3:shared",
    "bases:4",
    "bases:5:2",
    "quantized:8",
    "multi_formation:2+quantized:3",
    "bases:4+quantized:6",
]
SHAPE, CLASSES, COUNTS = (6, 8, 2), 3, (1, 2, 3)


@pytest.mark.parametrize("text", TEXTS)
def test_decode_gives_the_images_that_rows_says(text, values):
    parametrization = parametrization_of(text)
    stored = values(parametrization, SHAPE, CLASSES, COUNTS)
    images, labels = parametrization.decode(stored, SHAPE)
    rows = sum(parametrization.rows(COUNTS))
    assert tuple(images.shape) == (rows, *SHAPE)
    assert tuple(labels.shape) == (rows, CLASSES)


@pytest.mark.parametrize("text", TEXTS)
def test_encode_gives_values_of_the_shapes_and_is_kept_by_decode(text, rng):
    """Storing what follows from a set stores the same set."""
    parametrization = parametrization_of(text)
    rows = sum(parametrization.rows(COUNTS))
    images = rng.normal(size=(rows, *SHAPE)).astype("float32")
    labels = np.repeat(np.eye(CLASSES), parametrization.rows(COUNTS), axis=0).astype("float32")
    stored = parametrization.encode(images, labels)
    shapes = checked_shapes(parametrization, SHAPE, CLASSES, COUNTS)
    assert {name: value.shape for name, value in stored.items()} == shapes
    assert all(value.dtype == "float32" for value in stored.values())
    found = keras.ops.convert_to_numpy(parametrization.decode(stored, SHAPE)[1])
    np.testing.assert_allclose(found, labels)


@pytest.mark.parametrize("text", TEXTS)
def test_files_hold_what_was_trained_with(text, values):
    parametrization = parametrization_of(text)
    stored = values(parametrization, SHAPE, CLASSES, COUNTS)
    shapes = parametrization.shapes(SHAPE, CLASSES, COUNTS)
    arrays = parametrization.pack(stored)
    expected = parametrization.file_shapes(shapes)
    assert {name: (a.shape, str(a.dtype)) for name, a in arrays.items()} == expected
    back = parametrization.unpack(arrays, shapes)
    assert {name: value.shape for name, value in back.items()} == shapes
    for before, after in zip(
        parametrization.decode(stored, SHAPE), parametrization.decode(back, SHAPE), strict=True
    ):
        before, after = map(keras.ops.convert_to_numpy, (before, after))
        np.testing.assert_allclose(after, before, atol=2e-6)


@pytest.mark.parametrize("text", [text for text in TEXTS if "quantized" not in text])
def test_gradients_are_those_of_finite_differences(text, values, rng):
    parametrization = parametrization_of(text)
    stored = values(parametrization, SHAPE, CLASSES, COUNTS)
    rows = sum(parametrization.rows(COUNTS))
    weights = rng.normal(size=(rows, *SHAPE)).astype("float32")
    weights = keras.ops.convert_to_tensor(weights)

    def loss(pieces):
        images, labels = parametrization.decode(dict(zip(stored, pieces, strict=True)), SHAPE)
        return keras.ops.sum(weights * images**2) + keras.ops.sum(labels**3), ()

    tensors = [keras.ops.convert_to_tensor(value) for value in stored.values()]
    _, gradients = backend.current().value_and_grad(loss)(tensors)
    for place, (name, value) in enumerate(stored.items()):
        direction = rng.normal(size=value.shape).astype("float32")
        ends = []
        for sign in (1, -1):
            moved = list(stored.values())
            moved[place] = value + sign * 1e-2 * direction
            ends.append(float(loss(moved)[0]))
        slope = float(np.sum(direction * keras.ops.convert_to_numpy(gradients[place])))
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(slope, rel=2e-2, abs=0.3), name


def test_sizes_that_explode_are_refused():
    # A million labels of two classes beside one basis of a single number.
    with pytest.raises(ValueError, match=f"at most {MOST_EXPANSION} times as many numbers"):
        checked_shapes(parametrization_of("bases:1:8"), (1000, 1000, 3), 2, (500_000, 500_000))


def test_a_subclass_says_what_it_is_for():
    class Silent(Parametrization):
        pass

    with pytest.raises(TypeError, match="Silent does not define `shapes`"):
        checked_shapes(Silent(), SHAPE, CLASSES, COUNTS)
    with pytest.raises(TypeError, match="decode"):
        Silent().decode({}, SHAPE)
    with pytest.raises(TypeError, match="encode"):
        Silent().encode(np.zeros(1), np.zeros(1))


def test_identity_gives_the_variables_themselves():
    stored = {"images": object(), "labels": object()}
    assert Identity().decode(stored, SHAPE) == (stored["images"], stored["labels"])
