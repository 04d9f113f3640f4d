import keras
import numpy as np
import pytest

from keras_isa.layers.siamese_augmentation import (
    OPERATIONS,
    SiameseAugmentation,
    checked_operations,
    suited_operations,
)


def make_images(shape, seed=0):
    # No zeros, so that every zero in a result is a fill.
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype("float32")


def keys(count):
    generator = keras.random.SeedGenerator(11)
    return [generator.next() for _ in range(count)]


def augment(layer, batches, key):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, layer.augment(batches, key))


def augment_each(operation, images):
    """Augments in one call in which every image has its own parameters."""
    return augment(SiameseAugmentation((operation,), seed=0, per_image=True), images, keys(1)[0])


# ------------------------------------------------------------------------ one for all


@pytest.mark.parametrize("operation", OPERATIONS)
def test_real_and_synthetic_images_see_the_same_transformation(operation):
    layer = SiameseAugmentation((operation,), seed=0)
    real = make_images((5, 12, 9, 3))
    real[4] = real[0]
    changed = []
    for key in keys(12):
        new_real, new_synthetic = augment(layer, (real, real[1:3]), key)
        np.testing.assert_array_equal(new_synthetic, new_real[1:3])
        np.testing.assert_array_equal(new_real[4], new_real[0])
        changed.append(not np.array_equal(new_real, real))
    assert any(changed)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_per_image_draws_differ_within_and_between_batches(operation):
    layer = SiameseAugmentation((operation,), seed=0, per_image=True)
    same = np.repeat(make_images((1, 16, 16, 3)), 12, axis=0)
    first, second = augment(layer, [same, same], keys(1)[0])
    assert not np.array_equal(first, second)
    distinct = {image.tobytes() for image in np.concatenate([first, second])}
    assert len(distinct) == 2 if operation == "flip" else len(distinct) > 8


def test_transformations_differ_between_calls():
    images = make_images((2, 16, 16, 3))
    for operation in OPERATIONS:
        layer = SiameseAugmentation((operation,), seed=0)
        results = {augment(layer, images, key).tobytes() for key in keys(12)}
        assert len(results) == 2 if operation == "flip" else len(results) > 8, operation


def test_each_call_applies_one_operation_drawn_uniformly():
    # Operations that were not drawn change no bit: each result is that of one operation alone. On
    # images of this size hardly any draw leaves an image unchanged, so no two operations agree.
    images = make_images((3, 40, 32, 3))
    layer = SiameseAugmentation(seed=1)
    alone = {name: SiameseAugmentation((name,), seed=1) for name in OPERATIONS}
    drawn = []
    for number, key in enumerate(keys(300)):
        active, _ = layer.draw(1, key)
        (name,) = [name for name, chosen in active.items() if float(chosen) == 1.0]
        drawn.append(name)
        if number < 12:
            result = augment(layer, images, key)
            for other, single in alone.items():
                same = np.array_equal(result, augment(single, images, key))
                assert same == (other == name)
    # 50 draws of each are expected, with a standard deviation of 6.5.
    counts = [drawn.count(name) for name in OPERATIONS]
    assert min(counts) > 25 and max(counts) < 75, counts


# ------------------------------------------------------------------------ the published ranges


def assert_uniform(values, low, high):
    width = high - low
    assert low - 1e-3 * width <= values.min() < low + 0.02 * width
    assert high - 0.02 * width < values.max() <= high + 1e-3 * width
    np.testing.assert_allclose(values.mean(), (low + high) / 2, atol=0.06 * width)
    np.testing.assert_allclose(values.std(), width / np.sqrt(12), rtol=0.1)


def test_brightness_and_contrast_of_grey_images():
    images = make_images((500, 8, 8, 1))
    result = augment_each("color", images)
    brightness = result.mean((1, 2, 3)) - images.mean((1, 2, 3))
    contrast = result.std((1, 2, 3)) / images.std((1, 2, 3))
    assert_uniform(brightness, -0.5, 0.5)
    assert_uniform(contrast, 0.5, 1.5)
    assert abs(np.corrcoef(brightness, contrast)[0, 1]) < 0.15


def test_saturation_scales_the_distance_from_grey():
    images = make_images((500, 8, 8, 3))
    result = augment_each("color", images)
    grey_in, grey_out = images.mean(-1), result.mean(-1)
    contrast = grey_out.std((1, 2)) / grey_in.std((1, 2))
    chroma_in, chroma_out = images - grey_in[..., None], result - grey_out[..., None]
    saturation = chroma_out.std((1, 2, 3)) / chroma_in.std((1, 2, 3)) / contrast
    assert_uniform(contrast, 0.5, 1.5)
    assert_uniform(saturation, 0.0, 2.0)
    factor = (saturation * contrast)[:, None, None, None]
    np.testing.assert_allclose(chroma_out, chroma_in * factor, atol=1e-5)


def test_crop_moves_by_every_whole_number_of_pixels_up_to_an_eighth():
    images = make_images((400, 16, 9, 1))
    result = augment_each("crop", images)
    padded = np.pad(images, [(0, 0), (2, 2), (1, 1), (0, 0)])
    moves = {}
    for y in range(-2, 3):  # 12.5 % of 16
        for x in range(-1, 2):  # 12.5 % of 9, to the nearest pixel
            moved = padded[:, 2 + y : 18 + y, 1 + x : 10 + x]
            moves[y, x] = (moved == result).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(sum(moves.values()), 1)
    assert min(found.sum() for found in moves.values()) >= 10


def test_cutout_is_half_as_high_and_wide_and_may_fall_outside():
    images = make_images((400, 8, 6, 3))
    result = augment_each("cutout", images)
    gone = result == 0
    np.testing.assert_array_equal(result[~gone], images[~gone])
    found = set()
    for mask in gone:
        y, x, _ = np.nonzero(mask)
        assert mask.sum() == (np.ptp(y) + 1) * (np.ptp(x) + 1) * 3  # a full rectangle
        found.add((y.min(), y.max() + 1, x.min(), x.max() + 1))
    # The centre of four rows is one of nine lines between rows, that of three columns one of six.
    rows = {(max(0, centre - 2), min(8, centre + 2)) for centre in range(9)}
    columns = {(max(0, centre - 1), min(6, centre + 2)) for centre in range(6)}
    assert {span[:2] for span in found} == rows
    assert {span[2:] for span in found} == columns


def test_flip_mirrors_exactly_about_half_of_the_images():
    images = make_images((200, 6, 9, 3))
    result = augment_each("flip", images)
    same = (result == images).all(axis=(1, 2, 3))
    mirrored = (result == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert np.all(same ^ mirrored)
    assert 70 <= mirrored.sum() <= 130


def blobs(count, height, width, at_x=0.0):
    y, x = np.mgrid[:height, :width].astype("float64")
    y, x = y - (height - 1) / 2, x - (width - 1) / 2 - at_x
    blob = np.exp(-(y**2 + x**2) / (2 * 3.0**2))
    return np.repeat(blob[None, :, :, None], count, axis=0).astype("float32")


def centres_and_spreads(images):
    """Centre of mass from the middle, and standard deviation, along y and x."""
    weight = images[..., 0] / images[..., 0].sum(axis=(1, 2), keepdims=True)
    y, x = np.mgrid[: images.shape[1], : images.shape[2]].astype("float64")
    y, x = y - (images.shape[1] - 1) / 2, x - (images.shape[2] - 1) / 2
    centre_y, centre_x = (weight * y).sum((1, 2)), (weight * x).sum((1, 2))
    spread_y = np.sqrt((weight * (y - centre_y[:, None, None]) ** 2).sum((1, 2)))
    spread_x = np.sqrt((weight * (x - centre_x[:, None, None]) ** 2).sum((1, 2)))
    return centre_y, centre_x, spread_y, spread_x


def test_scale_draws_height_and_width_by_themselves_about_the_centre():
    result = augment_each("scale", blobs(1600, 40, 48))
    centre_y, centre_x, spread_y, spread_x = centres_and_spreads(result)
    np.testing.assert_allclose(centre_y, 0, atol=1e-3)
    np.testing.assert_allclose(centre_x, 0, atol=1e-3)
    for spread in (spread_y, spread_x):
        # Between two pixels, d from one, bilinear sampling adds d (1 - d) to the variance: 1/6 on
        # the average.
        window = np.sqrt(3.0**2 + 1 / 6) / spread
        assert 1 / 1.2 - 0.01 <= window.min() < 0.86 and 1.17 < window.max() <= 1.2 + 0.01
        np.testing.assert_allclose(window.mean(), (1.2 + 1 / 1.2) / 2, atol=0.008)
        np.testing.assert_allclose(window.std(), (1.2 - 1 / 1.2) / np.sqrt(12), atol=0.01)
    assert abs(np.corrcoef(spread_y, spread_x)[0, 1]) < 0.2


def test_rotate_turns_by_at_most_fifteen_degrees():
    centre_y, centre_x, _, _ = centres_and_spreads(augment_each("rotate", blobs(300, 65, 65, 20.0)))
    assert_uniform(np.degrees(np.arctan2(centre_y, centre_x)), -15, 15)
    np.testing.assert_allclose(np.hypot(centre_y, centre_x), 20, atol=0.05)


# ------------------------------------------------------------------------ as a layer


def test_training_switch_structure_and_determinism_by_seed():
    batches = {"real": make_images((4, 8, 8, 1)), "synthetic": make_images((2, 8, 8, 1))}

    def run(seed):
        layer = SiameseAugmentation(("rotate",), seed=seed)
        return [
            keras.tree.map_structure(keras.ops.convert_to_numpy, layer(batches, training=True))
            for _ in range(2)
        ]

    first, again, other = run(0), run(0), run(1)
    for name, images in batches.items():
        assert first[0][name].shape == images.shape
        np.testing.assert_array_equal(first[0][name], again[0][name])
        np.testing.assert_array_equal(first[1][name], again[1][name])
        assert not np.allclose(first[0][name], first[1][name])
        assert not np.allclose(first[0][name], other[0][name])
    layer = SiameseAugmentation(seed=0)
    for unchanged in (layer(batches), layer(batches, training=False)):
        for name, images in batches.items():
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(unchanged[name]), images)
    images = batches["real"]
    assert isinstance(layer((images, images), training=True), tuple)
    assert isinstance(layer([images], training=True), list)
    assert layer(images, training=True).shape == images.shape


def test_integers_become_floats_and_half_precision_stays():
    layer = SiameseAugmentation(("color",), seed=0)
    key = keys(1)[0]
    assert augment(layer, np.ones((2, 4, 4, 1), "uint8"), key).dtype == "float32"
    half = keras.ops.cast(make_images((2, 4, 4, 1)), "bfloat16")
    assert keras.backend.standardize_dtype(layer.augment(half, key).dtype) == "bfloat16"


def test_config_serialisation_and_use_in_a_model(tmp_path):
    layer = SiameseAugmentation(("flip", "cutout"), seed=4, per_image=True, name="augment")
    config = layer.get_config()
    assert config["operations"] == ["flip", "cutout"]
    assert config["seed"] == 4 and config["per_image"] is True
    inputs = [keras.Input((8, 8, 1)), keras.Input((8, 8, 1), batch_size=2)]
    model = keras.Model(inputs, layer(inputs))
    assert [tuple(output.shape) for output in model.outputs] == [(None, 8, 8, 1), (2, 8, 8, 1)]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_layer("augment").get_config() == config
    batches = [make_images((4, 8, 8, 1)), make_images((2, 8, 8, 1))]
    for one, two in zip(again(batches, training=True), model(batches, training=True), strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(two)
        )


def test_every_compiled_step_of_fit_draws_anew():
    layer = SiameseAugmentation(seed=0)
    model = keras.Sequential([keras.Input((8, 8, 1)), layer, keras.layers.Flatten()])
    model.add(keras.layers.Dense(1))
    model.compile("sgd", "mse")
    before = keras.ops.convert_to_numpy(layer.seed_generator.state).copy()
    history = model.fit(make_images((8, 8, 8, 1)), np.ones((8, 1)), batch_size=4, verbose=0)
    after = keras.ops.convert_to_numpy(layer.seed_generator.state)
    assert np.isfinite(history.history["loss"][0])
    assert not np.array_equal(before, after)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="traces with JAX")
def test_vectorized_map_and_jit_agree_with_single_calls():
    import jax

    batches = (make_images((4, 8, 6, 3)), make_images((2, 8, 6, 3)))
    layer = SiameseAugmentation(seed=0)
    many = np.stack([np.asarray(key) for key in keys(6)])
    mapped = jax.jit(
        lambda keys: keras.ops.vectorized_map(lambda key: layer.augment(batches, key), keys)
    )(many)
    for place, key in enumerate(many):
        for one, single in zip(mapped, layer.augment(batches, key), strict=True):
            np.testing.assert_allclose(one[place], single, atol=1e-5)
    assert len({np.asarray(images).tobytes() for images in mapped[0]}) > 2


@pytest.mark.parametrize("operations", [(), ("flip", "flip"), ("flip", "translate"), "spin"])
def test_wrong_operations_are_named(operations):
    with pytest.raises(ValueError, match="`operations` must name one or more of color, crop, cut"):
        SiameseAugmentation(operations)


def test_wrong_batches_are_named():
    layer = SiameseAugmentation(seed=0)
    images = make_images((2, 8, 8, 1))
    with pytest.raises(ValueError, match=r"must have the shape \(B, H, W, C\).*flat features"):
        layer((images, images.reshape(2, 64)), training=True)
    with pytest.raises(ValueError, match="one height and width. Received: 6 x 8, 8 x 8"):
        layer((images, images[:, :6]), training=True)


def test_operations_that_suit_a_shape_and_their_check():
    assert suited_operations((8, 8, 3)) == OPERATIONS
    assert suited_operations((8, 8, 1)) == tuple(one for one in OPERATIONS if one != "flip")
    assert suited_operations((8, 3)) == suited_operations((30,)) == ()
    assert checked_operations("augmentation", []) == ()
    assert checked_operations("augmentation", ["crop"]) == ("crop",)
    with pytest.raises(ValueError, match="`augmentation`"):
        checked_operations("augmentation", ["blur"])
