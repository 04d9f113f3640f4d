"""What is done to images, its values and its gradients, on the active backend."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_isa import backend
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import evaluation_augmentation, siamese_augmentation
from keras_isa.layers.augmentation import draw_operation
from keras_isa.ops import affine
from keras_isa.ops.random import KeySequence


def value_and_gradient(function, weights):
    """Makes `call(images, *rest)`, compiled where the backend compiles.

    It gives `function(images, *rest)`, and the gradient of its product with `weights` to the
    images.
    """
    engine = backend.current()

    def loss(arrays, *rest):
        result = function(arrays[0], *rest)
        return ops.sum(result * ops.convert_to_tensor(weights)), result

    compiled = engine.compiled(engine.value_and_grad(loss))

    def call(images, *rest):
        (_, result), (gradient,) = compiled([engine.to_device(images)], *rest)
        return to_numpy(result), to_numpy(gradient)

    return call


# ------------------------------------------------------------------------ with given parameters

SHAPE = (2, 5, 6, 3)
CASES = {
    "affine": dict(
        angle=[0.2, -0.25], zoom_y=[1.2, 0.9], zoom_x=[0.85, 1.1], offset_y=[0.7, -1.3],
        offset_x=[-0.4, 2.6], flip=[True, False],
    ),
    "shared affine": dict(angle=0.1, zoom_y=0.9, zoom_x=1.15, offset_x=0.3),
    "color": dict(brightness=[0.3, -0.5], saturation=[1.9, 0.1], contrast=[0.6, 1.4]),
    "shared color": dict(brightness=[0.2], saturation=[0.5], contrast=[1.3]),
    "cutout": dict(top=[-1, 2], left=[4, 0], height=[3, 2], width=[3, 2]),
    "shared cutout": dict(top=3, left=1, height=4, width=2),
}  # fmt: skip


def reference_affine(images, angle=0.0, zoom_y=1.0, zoom_x=1.0, offset_y=0.0, offset_x=0.0,
                     flip=False):  # fmt: skip
    """Each output pixel by itself, in float64: what bilinear sampling with a zero fill means."""
    count, height, width, _ = images.shape
    values = [np.broadcast_to(value, count) for value in (angle, zoom_y, zoom_x, offset_y,
                                                          offset_x, flip)]  # fmt: skip
    result = np.zeros(images.shape)
    for n, (turn, tall, wide, down, right, mirror) in enumerate(zip(*values, strict=True)):
        for row, column in np.ndindex(height, width):
            y = (row - (height - 1) / 2) / tall
            x = (column - (width - 1) / 2) / wide * (-1 if mirror else 1)
            source_y = np.cos(turn) * y - np.sin(turn) * x + down + (height - 1) / 2
            source_x = np.sin(turn) * y + np.cos(turn) * x + right + (width - 1) / 2
            # The hat functions of the rows and of the columns are the bilinear weights.
            near_y = np.maximum(0, 1 - np.abs(source_y - np.arange(height)))
            near_x = np.maximum(0, 1 - np.abs(source_x - np.arange(width)))
            result[n, row, column] = np.einsum("y,x,yxc->c", near_y, near_x, images[n])
    return result


def reference_color(images, brightness, saturation, contrast):
    result = images.astype("float64").copy()
    for n in range(len(images)):
        added, chroma, spread = (values[n % len(values)] for values in
                                 (brightness, saturation, contrast))  # fmt: skip
        image = result[n] + added
        grey = image.mean(-1, keepdims=True)
        image = grey + chroma * (image - grey)
        result[n] = image.mean() + spread * (image - image.mean())
    return result


def reference_cutout(images, top, left, height, width):
    result = images.astype("float64").copy()
    corners = (np.broadcast_to(values, len(images)) for values in (top, left, height, width))
    for image, y, x, rows, columns in zip(result, *corners, strict=True):
        image[max(y, 0) : y + rows, max(x, 0) : x + columns] = 0
    return result


REFERENCES = {"affine": reference_affine, "color": reference_color, "cutout": reference_cutout}


def reference_gradient(function, weights):
    """The transposed Jacobian times `weights`, from the images of single pixels: exact."""
    start = function(np.zeros(SHAPE))
    gradient = np.zeros(SHAPE)
    # No case mixes the images of a batch, so that one pixel of each can be lit at a time.
    for pixel in np.ndindex(SHAPE[1:]):
        lit = np.zeros(SHAPE)
        lit[(slice(None), *pixel)] = 1.0
        gradient[(slice(None), *pixel)] = ((function(lit) - start) * weights).sum((1, 2, 3))
    return gradient


def operation_of(name):
    """A case of `CASES` as a function of the images."""
    values = {key: np.array(value, "float32") for key, value in CASES[name].items()}
    if "affine" in name:
        return lambda images: affine.apply_affine(images, affine.affine_parameters(**values))
    function = affine.adjust_color if "color" in name else affine.cut_out
    return lambda images: function(images, **values)


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_the_definition(name):
    images, weights = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")
    found, found_gradient = value_and_gradient(operation_of(name), weights)(images)

    def function(images):
        return REFERENCES[name.split()[-1]](images, **CASES[name])

    np.testing.assert_allclose(found, function(images), atol=1e-5)
    np.testing.assert_allclose(found_gradient, reference_gradient(function, weights), atol=1e-5)


# ------------------------------------------------------------------------ drawn by layers


def evaluation():
    """The layer with all of its operations, its call, and its function of images and a key."""
    layer = evaluation_augmentation.EvaluationAugmentation(
        evaluation_augmentation.OPERATIONS, seed=2
    )
    return layer, lambda images: layer(images, training=True), layer.augment


def siamese():
    """As `evaluation`; the images come as two batches."""
    layer = siamese_augmentation.SiameseAugmentation(seed=2)

    def called(images):
        return ops.concatenate(layer((images[:2], images[2:]), training=True))

    def function(images, key):
        return ops.concatenate(layer.augment((images[:2], images[2:]), key))

    return layer, called, function


def key_for(operation, operations):
    """A key that draws the operation."""
    generator = keras.random.SeedGenerator(0)
    while True:
        key = generator.next()
        drawn = draw_operation(operations, KeySequence(key))
        if float(drawn[operation]) == 1.0:
            return key


@pytest.mark.parametrize("made", [evaluation, siamese])
def test_a_layer_runs_and_has_exact_gradients(made):
    images, weights = np.random.default_rng(0).normal(size=(2, 3, 12, 10, 3)).astype("float32")
    layer, called, function = made()
    compiled = value_and_gradient(function, weights)
    # The key that the first call of the layer draws.
    expected, _ = compiled(images, keras.random.SeedGenerator(2).next())
    np.testing.assert_allclose(to_numpy(called(images)), expected, atol=1e-5)
    for operation in layer.operations:
        key = key_for(operation, layer.operations)
        start, _ = compiled(np.zeros_like(images), key)
        result, gradient = compiled(images, key)
        assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0.1, operation
        # A linear map A with a constant: <A x, y> = <x, A' y>.
        there = ((result - start).astype("float64") * weights).sum()
        back = (images.astype("float64") * gradient).sum()
        np.testing.assert_allclose(there, back, rtol=1e-4, atol=1e-3, err_msg=operation)
