"""The distilled set: making, using, and storing one."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.asset.loading import load as load_set
from keras_isa.inputs.arrays import StoredImages
from keras_isa.layers import Standardization, ZCAWhitening

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pixels():
    """Images `(24, 4, 5, 3)` uint8, every one different, and their classes."""
    return RNG.integers(0, 256, (24, 4, 5, 3)).astype("uint8"), np.arange(24) % 4


def make(pixels, images_per_class=2, **options):
    return DistilledData.from_samples(*pixels, images_per_class, **options)


@pytest.mark.parametrize(("classes", "scale"), [(4, np.sqrt(0.4)), (10, 1.0), (100, np.sqrt(10))])
def test_first_labels_are_centred_and_scaled(classes, scale):
    x = RNG.normal(size=(classes, 2, 2, 1))
    distilled = DistilledData.from_samples(x, np.arange(classes), 1)
    expected = (np.eye(classes) - 1 / classes) / scale
    np.testing.assert_allclose(distilled.to_numpy()[1], expected, atol=1e-6)


class Halved(keras.layers.Layer):
    def call(self, images):
        return keras.ops.cast(images, "float32") / 2


class Undone(Halved):
    def inverse(self, images):
        return 2 * images


def test_preprocessing_must_have_a_way_back(pixels):
    with pytest.raises(TypeError, match="`preprocessing` must have a method `inverse`.*Halved"):
        make(pixels, preprocessing=Halved())


def test_preprocessing_by_default_standardises(pixels):
    x = pixels[0]
    distilled = make(pixels)
    assert isinstance(distilled.preprocessing, Standardization)
    result = np.array(distilled(x))
    np.testing.assert_allclose(result.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_without_preprocessing_both_spaces_are_pixels(pixels):
    distilled = make(pixels, preprocessing=None)
    model, real = (distilled.to_numpy(space)[0] for space in ("model", "pixels"))
    np.testing.assert_array_equal(model, real)
    assert set(model.ravel()) <= set(range(256))
    result = distilled(pixels[0])
    assert keras.ops.dtype(result) == "float32"
    np.testing.assert_array_equal(result, pixels[0])


def aligned(shape):
    """Random float32 numbers where XLA would like them: it then uses their memory as it is."""
    memory = np.empty(4 * np.prod(shape) + 64, "uint8")
    start = -memory.ctypes.data % 64
    array = memory[start : start + 4 * np.prod(shape)].view("float32").reshape(shape)
    array[:] = RNG.normal(size=shape)
    return array


def test_from_arrays_copies():
    images, labels = aligned((6, 2, 2, 1)), aligned((6, 3))
    distilled = DistilledData.from_arrays(images, labels, class_names=("a", "b", "c"))
    assert (distilled.num_classes, distilled.images_per_class) == (3, 2)
    wanted = images.copy(), labels.copy()
    images[:] = labels[:] = 0
    taken = distilled.to_numpy()
    for result, expected in zip(taken, wanted, strict=True):
        np.testing.assert_array_equal(result, expected)
        result[:] = 0
    np.testing.assert_array_equal(distilled.to_numpy()[0], wanted[0])


def test_unequal_classes(pixels, tmp_path):
    distilled = make(pixels, {0: 1, 1: 3, 2: 2, 3: 4})
    assert distilled.images_per_class == distilled.class_counts == (1, 3, 2, 4)
    assert distilled.class_ids.tolist() == [0, 1, 1, 1, 2, 2, 3, 3, 3, 3]
    images, labels = distilled.to_numpy(space="pixels")
    assert images.shape == (10, 4, 5, 3)
    assert labels.argmax(axis=1).tolist() == distilled.class_ids.tolist()
    x, y = pixels
    rows = [np.abs(x - image).max(axis=(1, 2, 3)).argmin() for image in images]
    assert y[rows].tolist() == distilled.class_ids.tolist() and len(set(rows)) == 10
    distilled.save(tmp_path / "set.keras")
    loaded = keras.saving.load_model(tmp_path / "set.keras")
    assert loaded.class_counts == (1, 3, 2, 4)
    np.testing.assert_array_equal(loaded.to_numpy()[0], distilled.to_numpy()[0])
    again = DistilledData.from_arrays(*distilled.to_numpy(), images_per_class=(1, 3, 2, 4))
    assert again.class_ids.tolist() == distilled.class_ids.tolist()


def test_flat_features(pixels, tmp_path):
    x = pixels[0].reshape(24, 60)
    for kind in ("standardize", "zca", "none"):
        distilled = make((x, pixels[1]), preprocessing=kind)
        assert distilled.images.shape == (8, 60) and distilled.image_shape == (60,)
        model = np.array(distilled(x))
        assert model.shape == (24, 60)
        if kind == "standardize":  # each feature by itself
            np.testing.assert_allclose(model.mean(axis=0), 0, atol=1e-5)
        distilled.save(tmp_path / "flat.keras")
        loaded = keras.saving.load_model(tmp_path / "flat.keras")
        np.testing.assert_array_equal(loaded(x), model)
        np.testing.assert_array_equal(loaded.to_numpy("pixels")[0], distilled.to_numpy("pixels")[0])


def test_sequences(tmp_path):
    x = np.random.default_rng(0).normal(size=(24, 7, 3)) * [1, 10, 100]
    x, y = x.astype("float32"), np.arange(24) % 4
    distilled = DistilledData.from_samples(x, y, (1, 2, 2, 1), axes="NTF")
    assert distilled.image_shape == (7, 3) and distilled.images.shape == (6, 7, 3)
    np.testing.assert_allclose(np.array(distilled(x)).std(axis=(0, 1)), 1, rtol=1e-4)
    distilled.save(tmp_path / "series.keras")
    for load in (keras.saving.load_model, load_set):
        loaded = load(tmp_path / "series.keras")
        np.testing.assert_array_equal(loaded(x), distilled(x))
        for space in ("model", "pixels"):
            for one, other in zip(loaded.to_numpy(space), distilled.to_numpy(space), strict=True):
                np.testing.assert_array_equal(one, other)
    again = DistilledData.from_arrays(
        *distilled.to_numpy(), images_per_class=distilled.class_counts
    )
    assert again.image_shape == (7, 3)
    for kind in ("zca", "block_zca"):
        with pytest.raises(ValueError, match=f"'standardize' or 'none' for sequences.*{kind}"):
            DistilledData.from_samples(x, y, 1, axes="NTF", preprocessing=kind)
    with pytest.raises(ValueError, match="use `Standardization` for sequences"):
        ZCAWhitening().adapt(x)


def test_preprocess_takes_any_number_of_images(pixels, monkeypatch):
    from keras_isa.asset import views

    distilled = make(pixels, preprocessing="zca")
    expected = np.array(distilled(pixels[0]))
    chunks = views.chunks
    monkeypatch.setattr(views, "CHUNK", 7)
    monkeypatch.setattr(views, "chunks", lambda images: chunks(images, 7))
    np.testing.assert_allclose(distilled.preprocess(pixels[0]), expected, atol=1e-5)
    np.testing.assert_allclose(distilled.preprocess(StoredImages(pixels[0])), expected, atol=1e-5)
    assert not distilled.elementwise and make(pixels).elementwise


def test_what_is_trained(pixels):
    assert len(make(pixels).trainable_variables) == 2
    (trained,) = make(pixels, learn_labels=False).trainable_variables
    assert trained.shape == (8, 4, 5, 3)


def test_pixels_and_model_space_go_back_and_forth(pixels):
    distilled = make(pixels)
    distilled.images.assign(RNG.normal(size=(8, 4, 5, 3)) * 3)
    in_pixels, labels = distilled.to_numpy(space="pixels")
    assert in_pixels.min() < -1 and in_pixels.max() > 256  # nothing is clipped
    model, same_labels = distilled.to_numpy()
    np.testing.assert_array_equal(labels, same_labels)
    np.testing.assert_allclose(distilled(in_pixels), model, atol=1e-3)
    back = distilled.preprocessing.inverse(distilled(pixels[0]))
    np.testing.assert_allclose(back, pixels[0], atol=1e-3 * 255)


@pytest.mark.parametrize(("size", "sizes"), [(None, [8]), (3, [3, 3, 2]), (8, [8]), (50, [8])])
def test_batches_go_once_through_the_set(pixels, size, sizes):
    distilled = make(pixels)
    for space in ("model", "pixels"):
        batches = list(distilled.batches(size, space))
        assert [len(images) for images, _ in batches] == sizes
        for part, expected in zip(
            zip(*batches, strict=True), distilled.to_numpy(space), strict=True
        ):
            np.testing.assert_array_equal(np.concatenate(part), expected)


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_batch_sizes_out_of_range_are_refused(pixels, size):
    with pytest.raises(ValueError, match="`batch_size` must be a positive integer. Received"):
        list(make(pixels).batches(size))


def test_to_tf(pixels):
    pytest.importorskip("tensorflow")
    distilled = make(pixels)
    batches = list(distilled.to_tf(3, space="pixels").as_numpy_iterator())
    assert [len(images) for images, _ in batches] == [3, 3, 2]
    for part, expected in zip(
        zip(*batches, strict=True), distilled.to_numpy("pixels"), strict=True
    ):
        np.testing.assert_array_equal(np.concatenate(part), expected)


def test_float32_under_mixed_precision(pixels):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        distilled = make(pixels)
        assert keras.ops.dtype(distilled(pixels[0])) == "float32"
    finally:
        keras.config.set_dtype_policy(policy)
    assert distilled.images.dtype == distilled.labels.dtype == "float32"


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("image_shape", {"image_shape": (4, 4, 1, 1)}),
        ("image_shape", {"image_shape": (4, 0, 1)}),
        ("image_shape", {"image_shape": ()}),
        ("num_classes", {"num_classes": 0}),
        ("num_classes", {"num_classes": 2.0}),
        ("images_per_class", {"images_per_class": 0}),
        ("images_per_class", {"images_per_class": True}),
        ("images_per_class", {"images_per_class": (1, 0)}),
        ("images_per_class", {"images_per_class": (1, 2, 3)}),
        ("class_names", {"class_names": ("one",)}),
        ("pixel_range", {"pixel_range": (1.0, 0.0)}),
        ("pixel_range", {"pixel_range": (0.0,)}),
    ],
)
def test_arguments_out_of_range_are_refused(argument, options):
    options = {"image_shape": (4, 4, 1), "num_classes": 2, "images_per_class": 1, **options}
    with pytest.raises((ValueError, TypeError), match=f"`{argument}` must .*Received"):
        DistilledData(**options)


def test_unknown_spaces_are_refused(pixels):
    with pytest.raises(ValueError, match="`space` must be one of 'model', 'pixels'.*'image'"):
        make(pixels).to_numpy("image")
