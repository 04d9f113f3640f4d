import keras
import numpy as np
import pytest
from scipy import ndimage

from keras_isa.ops.affine import (
    adjust_color,
    affine_parameters,
    apply_affine,
    as_images,
    cut_out,
)

SHAPES = [(5, 8, 8, 1), (4, 12, 7, 3), (3, 32, 32, 3)]


def make_images(shape, seed=0):
    # No zeros, so that every zero in a result is a fill.
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype("float32")


def warp(images, **parameters):
    result = apply_affine(images, affine_parameters(**parameters))
    return keras.ops.convert_to_numpy(result)


@pytest.mark.parametrize("shape", SHAPES)
def test_identity_map_changes_no_bit(shape):
    images = make_images(shape)
    np.testing.assert_array_equal(warp(images), images)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "angle, zoom, offset", [(0.2, 1.0, (0, 0)), (-0.25, 1.2, (0.7, -0.4)), (0.0, 0.8, (-1.3, 2.6))]
)
def test_affine_against_scipy(shape, angle, zoom, offset):
    images = make_images(shape)
    result = warp(
        images, angle=angle, zoom_y=zoom, zoom_x=zoom, offset_y=offset[0], offset_x=offset[1]
    )
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    center = (np.array(shape[1:3]) - 1) / 2
    for image, mine in zip(images, result, strict=True):
        for channel in range(shape[3]):
            expected = ndimage.affine_transform(
                image[..., channel].astype("float64"),
                linear,
                offset=center + offset - linear @ center,
                order=1,
                mode="grid-constant",
            )
            np.testing.assert_allclose(mine[..., channel], expected, atol=2e-5)


def test_a_quarter_turn_is_clockwise():
    images = make_images((2, 9, 9, 3))
    turned = warp(images, angle=np.pi / 2)
    np.testing.assert_allclose(turned, np.rot90(images, -1, axes=(1, 2)), atol=1e-5)


def test_parameters_are_per_image():
    images = make_images((3, 8, 10, 1))
    shifts = np.array([0.0, 2.0, -3.0], "float32")
    result = warp(images, offset_x=shifts)
    np.testing.assert_array_equal(result[0], images[0])
    np.testing.assert_array_equal(result[1, :, :-2], images[1, :, 2:])
    np.testing.assert_array_equal(result[1, :, -2:], 0)
    np.testing.assert_array_equal(result[2, :, 3:], images[2, :, :-3])
    np.testing.assert_array_equal(result[2, :, :3], 0)


def test_far_away_is_all_zero():
    np.testing.assert_array_equal(warp(make_images((2, 8, 8, 1)), offset_y=50.0), 0)


def test_flip_mirrors_exactly():
    images = make_images((3, 6, 9, 2))
    result = warp(images, flip=np.array([True, False, True]))
    expected = np.stack([images[0][:, ::-1], images[1], images[2][:, ::-1]])
    np.testing.assert_array_equal(result, expected)


def test_zooms_are_separate():
    # Twice as tall: the middle rows, each seen between its neighbours; the columns stay.
    images = make_images((1, 4, 5, 1))
    tall = warp(images, zoom_y=2.0)
    rows = images[0, [0, 1, 1, 2]] * 0.25 + images[0, [1, 1, 2, 2]] * 0.75
    rows[1] = images[0, 1] * 0.75 + images[0, 2] * 0.25
    rows[2] = images[0, 1] * 0.25 + images[0, 2] * 0.75
    rows[3] = images[0, 2] * 0.75 + images[0, 3] * 0.25
    np.testing.assert_allclose(tall[0], rows, atol=1e-6)
    wide = warp(images.transpose(0, 2, 1, 3), zoom_x=2.0)
    np.testing.assert_allclose(wide, tall.transpose(0, 2, 1, 3), atol=1e-6)


def test_neutral_colours_and_an_empty_cut_out_change_no_bit():
    images = make_images((3, 5, 6, 3))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(adjust_color(images)), images)
    same = cut_out(images, top=1, left=2, height=0, width=0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(same), images)


@pytest.mark.parametrize("shape", [(5, 12), (8, 8, 1), (None, None, None, 3)])
def test_what_is_no_batch_of_images_is_named(shape):
    images = keras.KerasTensor(shape) if None in shape else np.zeros(shape, "float32")
    with pytest.raises(ValueError, match=r"`images` must have the shape \(B, H, W, C\), with"):
        as_images(images, "float32")


# ------------------------------------------------ the same numbers and gradients on every backend

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

# Writes function(images) and the gradient of <function(images), weights> for every case.
SCRIPT = f"""
import sys
import keras, numpy as np
from keras_isa.ops import affine

CASES = {CASES!r}

def value_and_gradient(function, images, weights):
    backend = keras.backend.backend()
    if backend == "jax":
        import jax
        @jax.jit
        def both(images):
            result, pull_back = jax.vjp(function, images)
            return result, pull_back(weights)[0]
        return both(images)
    if backend == "tensorflow":
        import tensorflow as tf
        @tf.function
        def both(images):
            with tf.GradientTape() as tape:
                tape.watch(images)
                result = function(images)
                total = tf.reduce_sum(result * weights)
            return result, tape.gradient(total, images)
        return both(tf.constant(images))
    import torch
    images = torch.tensor(images, requires_grad=True)
    result = function(images)
    (result * torch.tensor(weights)).sum().backward()
    return result.detach(), images.grad

def case(name):
    values = {{key: np.array(value, "float32") for key, value in CASES[name].items()}}
    if "affine" in name:
        return lambda images: affine.apply_affine(images, affine.affine_parameters(**values))
    function = affine.adjust_color if "color" in name else affine.cut_out
    return lambda images: function(images, **values)

given = np.load(sys.argv[1])
found = {{}}
for name in CASES:
    result, gradient = value_and_gradient(case(name), given["images"], given["weights"])
    found[name], found[name + " gradient"] = np.asarray(result), np.asarray(gradient)
np.savez(sys.argv[2], backend=keras.backend.backend(), **found)
"""


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


def test_values_and_gradients_are_those_of_the_definition_on(on_backend):
    rng = np.random.default_rng(0)
    images, weights = rng.normal(size=(2, *SHAPE)).astype("float32")
    found = on_backend(SCRIPT, images=images, weights=weights)
    for name, values in CASES.items():
        reference = REFERENCES[name.split()[-1]]

        def function(images, reference=reference, values=values):
            return reference(images, **values)

        np.testing.assert_allclose(found[name], function(images), atol=1e-5, err_msg=name)
        gradient = reference_gradient(function, weights)
        np.testing.assert_allclose(found[f"{name} gradient"], gradient, atol=1e-5, err_msg=name)
