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
    # The picture is twice as tall: the middle rows are interpolated, and the columns stay.
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
