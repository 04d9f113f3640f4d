import functools

import keras
import numpy as np
import pytest

from keras_isa import backend
from keras_isa.layers.evaluation_augmentation import OPERATIONS, EvaluationAugmentation


def make_images(shape, seed=0):
    # No zeros, so that every zero in a result is a fill.
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype("float32")


def keys(count):
    generator = keras.random.SeedGenerator(11)
    return [generator.next() for _ in range(count)]


def augment(operations, images, key, seed=0):
    operations = (operations,) if isinstance(operations, str) else operations
    return keras.ops.convert_to_numpy(compiled_augment(operations, seed, images.shape)(images, key))


@functools.cache
def compiled_augment(operations, seed, shape):
    """The augmentation of one call, as networks on a set get it."""
    del shape  # a function for each: given a second shape, TensorFlow's forgets height and width
    return backend.current().compiled(EvaluationAugmentation(operations, seed=seed).augment)


def test_flip_mirrors_exactly_about_half_of_the_images():
    images = make_images((200, 6, 9, 3))
    result = augment("flip", images, keys(1)[0])
    same = (result == images).all(axis=(1, 2, 3))
    mirrored = (result == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert np.all(same ^ mirrored)
    assert 70 <= mirrored.sum() <= 130


def moments(images):
    """Centre of mass and orientation-free spread of bright blobs on black, per image."""
    weight = images[..., 0] / images[..., 0].sum(axis=(1, 2), keepdims=True)
    y, x = np.mgrid[: images.shape[1], : images.shape[2]].astype("float64")
    center_y, center_x = (weight * y).sum((1, 2)), (weight * x).sum((1, 2))
    spread = (weight * ((y - center_y[:, None, None]) ** 2)).sum((1, 2))
    return center_y, center_x, spread


def blobs(count, height, width, at_y=0.0, at_x=0.0, sigma=3.0):
    y, x = np.mgrid[:height, :width].astype("float64")
    y, x = y - (height - 1) / 2 - at_y, x - (width - 1) / 2 - at_x
    blob = np.exp(-(y**2 + x**2) / (2 * sigma**2))
    return np.repeat(blob[None, :, :, None], count, axis=0).astype("float32")


def test_translate_moves_by_at_most_an_eighth_of_each_side():
    center_y, center_x, _ = moments(augment("translate", blobs(300, 48, 64), keys(1)[0]))
    shift_y, shift_x = center_y - 23.5, center_x - 31.5
    assert np.abs(shift_y).max() <= 6.01 and shift_y.max() > 5 and shift_y.min() < -5
    assert np.abs(shift_x).max() <= 8.01 and shift_x.max() > 7 and shift_x.min() < -7
    assert abs(np.corrcoef(shift_y, shift_x)[0, 1]) < 0.2


def test_rotate_turns_by_at_most_fifteen_degrees():
    images = blobs(300, 65, 65, at_x=20.0)
    center_y, center_x, _ = moments(augment("rotate", images, keys(1)[0]))
    angles = np.degrees(np.arctan2(center_y - 32, center_x - 32))
    assert np.abs(angles).max() <= 15.05 and angles.max() > 13.5 and angles.min() < -13.5
    np.testing.assert_allclose(np.hypot(center_y - 32, center_x - 32), 20, atol=0.05)


def test_crop_zooms_log_uniformly_and_enlarged_windows_stay_inside():
    center_y, _, spread = moments(augment("crop", blobs(400, 64, 64), keys(1)[0]))
    log_zoom = np.log(np.sqrt(spread) / 3.0)
    assert log_zoom.max() <= np.log(1.25) + 0.01 and log_zoom.min() >= np.log(0.8) - 0.02
    np.testing.assert_allclose(log_zoom.mean(), 0.0, atol=0.03)
    np.testing.assert_allclose(log_zoom.std(), np.log(1.25) / np.sqrt(3), atol=0.02)
    shrunk = log_zoom < -0.01
    np.testing.assert_allclose(center_y[shrunk], 31.5, atol=1e-3)
    assert center_y[~shrunk].std() > 1
    # An enlargement has no zeros from outside of the image.
    full = augment("crop", make_images((400, 16, 16, 3)), keys(1)[0])
    assert np.all(full[log_zoom > 0.01] > 0.2)
    assert np.any(full[log_zoom < -0.15] == 0)


@pytest.mark.parametrize(
    "shape, side", [((60, 8, 8, 1), 2), ((60, 20, 13, 3), 3), ((9, 3, 3, 1), 1)]
)
def test_cutout_zeroes_one_square_inside_each_image(shape, side):
    images = make_images(shape)
    result = augment("cutout", images, keys(1)[0])
    gone = result == 0
    np.testing.assert_array_equal(result[~gone], images[~gone])
    np.testing.assert_array_equal(gone.sum(axis=(1, 2, 3)), side * side * shape[3])
    corners = set()
    for mask in gone[..., 0]:
        y, x = np.nonzero(mask)
        assert np.ptp(y) == side - 1 and np.ptp(x) == side - 1
        corners.add((y.min(), x.min()))
    assert len(corners) > 3
    if len(images) == 60:
        assert {0, shape[1] - side} <= {y for y, _ in corners}


def test_color_of_grey_images_is_brightness_and_contrast():
    images = make_images((500, 8, 8, 1))
    result = augment("color", images, keys(1)[0])
    brightness = result.mean((1, 2, 3)) - images.mean((1, 2, 3))
    contrast = np.log(result.std((1, 2, 3)) / images.std((1, 2, 3)))
    for values in (brightness, contrast):
        assert np.abs(values).max() <= 0.2501
        np.testing.assert_allclose(values.mean(), 0, atol=0.03)
        np.testing.assert_allclose(values.std(), 0.25 / np.sqrt(3), atol=0.015)
    assert abs(np.corrcoef(brightness, contrast)[0, 1]) < 0.15
    # Brightness and contrast are an affine function of each image.
    centred = images - images.mean((1, 2, 3), keepdims=True)
    again = centred * np.exp(contrast)[:, None, None, None] + result.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(result, again, atol=1e-5)


def test_color_of_rgb_images_scales_the_distance_from_grey_too():
    images = make_images((500, 8, 8, 3))
    result = augment("color", images, keys(1)[0])
    grey_in, grey_out = images.mean(-1), result.mean(-1)
    contrast = np.log(grey_out.std((1, 2)) / grey_in.std((1, 2)))
    chroma_in, chroma_out = images - grey_in[..., None], result - grey_out[..., None]
    saturation = np.log(chroma_out.std((1, 2, 3)) / chroma_in.std((1, 2, 3))) - contrast
    for values in (contrast, saturation):
        assert np.abs(values).max() <= 0.2501
        np.testing.assert_allclose(values.std(), 0.25 / np.sqrt(3), atol=0.015)
    factor = np.exp(saturation + contrast)[:, None, None, None]
    np.testing.assert_allclose(chroma_out, chroma_in * factor, atol=1e-5)


def test_each_call_draws_one_operation_uniformly():
    images = make_images((6, 8, 8, 1))
    operations = ("flip", "cutout", "color")
    counts = dict.fromkeys(operations, 0)
    for key in keys(90):
        result = augment(operations, images, key, seed=1)
        if (result == 0).any():
            counts["cutout"] += 1
            assert np.all((result == images) | (result == 0))
        elif np.array_equal(np.sort(result, axis=2), np.sort(images, axis=2)):
            counts["flip"] += 1
        else:
            counts["color"] += 1
    assert min(counts.values()) >= 15, counts


def test_a_drawn_operation_gives_the_same_result_in_any_company():
    # Operations that were not drawn change nothing: each result is that of one operation alone.
    images = make_images((5, 10, 8, 3))
    seen = set()
    for key in keys(40):
        result = augment(OPERATIONS, images, key, seed=1)
        matches = [
            name
            for name in OPERATIONS
            if np.allclose(result, augment(name, images, key), atol=1e-6)
        ]
        assert len(matches) == 1
        seen.update(matches)
    assert seen == set(OPERATIONS)


def test_training_switch_and_determinism_by_seed():
    images = make_images((4, 8, 8, 1))

    def run(seed):
        layer = EvaluationAugmentation(("rotate",), seed=seed)
        return [keras.ops.convert_to_numpy(layer(images, training=True)) for _ in range(2)]

    first, again, other = run(0), run(0), run(1)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first[0], other[0])
    layer = EvaluationAugmentation(seed=0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(images)), images)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer(images, training=False)), images)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="traces with JAX")
def test_vectorized_map_and_jit_agree_with_single_calls():
    import jax

    images = make_images((4, 8, 6, 3))
    layer = EvaluationAugmentation(OPERATIONS, seed=0)
    many = np.stack([np.asarray(key) for key in keys(6)])
    mapped = jax.jit(
        lambda keys: keras.ops.vectorized_map(lambda key: layer.augment(images, key), keys)
    )(many)
    assert mapped.shape == (6, 4, 8, 6, 3)
    for place, key in enumerate(many):
        np.testing.assert_allclose(mapped[place], layer.augment(images, key), atol=1e-5)
        for other in range(place):
            assert not np.allclose(mapped[place], mapped[other], atol=1e-3)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_gradients_are_those_of_a_linear_map(gradients, operation):
    images = make_images((3, 8, 8, 3))
    layer = EvaluationAugmentation((operation,), seed=0)
    key = keys(1)[0]

    def total(images):
        return keras.ops.sum(layer.augment(images, key) ** 2)

    (gradient,) = gradients(total, images)
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 0
    direction = make_images(images.shape, seed=1)
    step = 1e-2
    numeric = (total(images + step * direction) - total(images - step * direction)) / (2 * step)
    np.testing.assert_allclose((gradient * direction).sum(), numeric, rtol=2e-3)


def test_config_serialisation_and_use_in_a_model(tmp_path):
    layer = EvaluationAugmentation(("flip", "crop"), seed=4, name="augment")
    config = layer.get_config()
    assert config["operations"] == ["flip", "crop"] and config["seed"] == 4
    model = keras.Sequential([keras.Input((8, 8, 1)), layer])
    assert model.output_shape == (None, 8, 8, 1)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.layers[0].get_config() == config
    images = make_images((4, 8, 8, 1))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(again(images, training=True)),
        keras.ops.convert_to_numpy(model(images, training=True)),
    )


@pytest.mark.parametrize("operations", [(), ("flip", "flip"), ("flip", "shear"), "spin"])
def test_wrong_operations_are_named(operations):
    with pytest.raises(ValueError, match="`operations` must name one or more of flip"):
        EvaluationAugmentation(operations)


def test_wrong_rank_is_named():
    layer = EvaluationAugmentation(seed=0)
    with pytest.raises(ValueError, match=r"`images` must have the shape \(B, H, W, C\)"):
        layer.augment(np.zeros((8, 8, 1), "float32"), keys(1)[0])
