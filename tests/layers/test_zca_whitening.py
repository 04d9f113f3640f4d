"""ZCA whitening: numbers, inverse, all kinds of input, and errors."""

import importlib.util

import keras
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.inputs.arrays import StoredImages, to_numpy
from keras_isa.layers import pixel_statistics
from keras_isa.layers.zca_whitening import ZCAWhitening

RNG = np.random.default_rng(0)


def correlated(count, shape, seed=0):
    """Images with correlated pixels and a mean image, in pixel units."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    mixing = rng.normal(size=(size, size)) * np.exp(-np.linspace(0, 3, size))
    rows = rng.normal(size=(count, size)) @ mixing + rng.normal(size=size) * 2
    rows = 128 + 60 * (rows - rows.mean()) / rows.std()
    return rows.reshape(count, *shape)


def parts_of(images, blocks):
    """The sub-images of every image, by slicing: `(blocks**2, n, d)`."""
    if images.ndim == 2:
        return images[np.newaxis]
    return np.stack(
        [
            images[:, i::blocks, j::blocks].reshape(len(images), -1)
            for i in range(blocks)
            for j in range(blocks)
        ]
    )


def direct(train, images, regularization=0.1, blocks=1, standardize=True):
    """Whitens `images` directly by the formula, in two passes and float64."""
    train, images = train.astype("float64"), images.astype("float64")
    axes = tuple(range(train.ndim - 1))
    if standardize:
        mean, std = train.mean(axis=axes), train.std(axis=axes)
        std = np.where(std > 0, std, 1)
        train, images = (train - mean) / std, (images - mean) / std
    centre = train.mean(axis=0)
    parts = parts_of(train - centre, blocks)
    covariance = np.mean([part.T @ part / len(part) for part in parts], axis=0)
    size, rows = len(covariance), blocks**2 * len(train)
    ridge = regularization * np.trace(covariance) / size
    values, left = (a[..., ::-1] for a in np.linalg.eigh(covariance))
    factors = 1 / np.sqrt(np.maximum(values, 0) + ridge)
    if rows < size:
        # The published rule, with one direction less per block because of the mean.
        factors[rows - blocks**2 :] = 1
    matrix = left @ np.diag(factors) @ left.T
    result = np.empty_like(images)
    if images.ndim == 2:
        return (images - centre) @ matrix
    for k, part in enumerate(parts_of(images - centre, blocks)):
        result[:, k // blocks :: blocks, k % blocks :: blocks] = (part @ matrix).reshape(
            len(images), images.shape[1] // blocks, images.shape[2] // blocks, -1
        )
    return result


CASES = {
    "colour": (200, (4, 6, 3), 1, 0.1, True),
    "grey": (60, (5, 4, 1), 1, 0.1, True),
    "two channels": (60, (4, 4, 2), 1, 0.5, True),
    "four channels": (90, (3, 2, 4), 1, 0.1, True),
    "flat": (50, (12,), 1, 0.1, True),
    "one feature": (50, (1,), 1, 0.1, True),
    "not standardised": (60, (4, 4, 1), 1, 0.1, False),
    "no ridge": (200, (4, 4, 1), 1, 0.0, True),
    "as many images as pixels": (18, (3, 3, 2), 1, 0.1, True),
    "fewer images than pixels": (7, (4, 4, 3), 1, 0.1, True),
    "two images": (2, (4, 4, 3), 1, 0.1, True),
    "blocks": (80, (4, 8, 3), 2, 0.1, True),
    "three by three blocks": (80, (6, 3, 2), 3, 0.1, True),
    "few blocks": (5, (8, 8, 2), 2, 0.1, True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_result_equals_the_formula(case):
    count, shape, blocks, regularization, standardize = case
    train, images = correlated(count, shape), correlated(5, shape, seed=1)
    layer = ZCAWhitening(regularization, blocks=blocks, standardize=standardize)
    assert layer.adapt(train) is layer
    expected = direct(train, images, regularization, blocks, standardize)
    result = np.array(layer(images.astype("float32")))
    assert result.dtype == "float32" and result.shape == images.shape
    scale = np.abs(expected).max()
    assert np.abs(expected - (images - train.mean()) / train.std()).max() > 0.1 or shape == (1,)
    np.testing.assert_allclose(result, expected, atol=1e-4 * max(scale, 1))
    np.testing.assert_allclose(layer.inverse(result), images, atol=0.05)


def whitened(layer, images):
    return np.array(layer(images.astype("float32")))


def unequal_batches(images):
    """Yields batches in one buffer, some of them empty, as loaders may do."""
    buffer = np.empty_like(images)
    start = 0
    for size in (1, 0, 2, 40, 5, 10**6):
        batch = images[start : start + size]
        buffer[: len(batch)] = batch
        yield buffer[: len(batch)]
        start += size


@pytest.mark.parametrize("count", [6, 47, 48, 200])
@pytest.mark.parametrize("blocks", [1, 2])
def test_however_images_come_the_result_is_the_same(monkeypatch, count, blocks):
    images = correlated(count, (4, 4, 3)).clip(0, 255).astype("uint8")
    expected = whitened(ZCAWhitening(blocks=blocks).adapt(images), images[:5])
    monkeypatch.setattr(pixel_statistics, "_PRODUCT_ROWS", 20)
    rows = RNG.permutation(count)
    shuffled = images.copy()
    shuffled[rows] = images
    for given in (
        unequal_batches(images),
        [images],
        StoredImages(images),
        StoredImages(shuffled).select(rows),
        images.astype("float64"),
    ):
        result = whitened(ZCAWhitening(blocks=blocks).adapt(given), images[:5])
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_arrays_are_read_in_parts(monkeypatch):
    images = correlated(100, (4, 4, 1))
    expected = whitened(ZCAWhitening().adapt(images), images[:5])
    monkeypatch.setattr(pixel_statistics, "CHUNK_BYTES", 8 * 16 * 7)
    lengths = []

    class Source:
        shape, dtype = images.shape, images.dtype

        def __getitem__(self, rows):
            lengths.append(len(images[rows]))
            return images[rows]

    result = whitened(ZCAWhitening().adapt(StoredImages(Source())), images[:5])
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert max(lengths) == 7 and sum(lengths) == 100


def test_covariance_of_whitened_images():
    images = correlated(500, (3, 3, 2))
    covariance = np.cov(
        whitened(ZCAWhitening(0.0).adapt(images), images).reshape(500, -1).T, bias=True
    )
    np.testing.assert_allclose(covariance, np.eye(18), atol=1e-3)
    layer = ZCAWhitening(0.1).adapt(images)
    result = whitened(layer, images).reshape(500, -1)
    np.testing.assert_allclose(result.mean(axis=0), 0, atol=1e-4)
    # s / (s + r) along each direction: the ridge keeps all variances below 1.
    flat = ((images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))).reshape(500, -1)
    values = np.linalg.eigvalsh(np.cov(flat.T, bias=True))
    expected = values / (values + 0.1 * values.mean())
    found = np.linalg.eigvalsh(np.cov(result.T, bias=True))
    np.testing.assert_allclose(found, np.sort(expected), atol=1e-4)
    assert found.max() < 1


def test_a_small_spread_on_a_large_mean_is_not_lost():
    images = correlated(100, (3, 3, 1)) / 100
    expected = np.array(ZCAWhitening(standardize=False).adapt(images).scale.value)
    layer = ZCAWhitening(standardize=False).adapt(images + 1e6)
    np.testing.assert_allclose(layer.scale, expected, rtol=1e-5)


@pytest.mark.parametrize("regularization", [0.0, 0.1])
@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("value", [0.1, 255.0])
@pytest.mark.parametrize("count", [1, 100])
def test_images_without_variance_stay(count, value, blocks, regularization):
    images = np.full((count, 4, 4, 3), value)
    layer = ZCAWhitening(regularization, blocks=blocks).adapt(images)
    np.testing.assert_allclose(whitened(layer, images), 0, atol=1e-6)
    np.testing.assert_allclose(whitened(layer, images + 2), 2, atol=1e-4)
    np.testing.assert_allclose(layer.inverse(whitened(layer, images)), images, atol=1e-4)


def test_a_single_image_is_only_standardised():
    image = correlated(1, (4, 4, 3))
    other = correlated(2, (4, 4, 3), seed=5)
    result = whitened(ZCAWhitening(0.1).adapt(image), other)
    expected = (other - image) / image.std(axis=(0, 1, 2))
    np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.parametrize("regularization", [0.0, 0.1])
@pytest.mark.parametrize("count", [10, 80])
def test_constant_pixels_and_repeated_ones(regularization, count):
    images = correlated(count, (4, 4, 2))
    images[:, 0] = 7.7
    images[:, 1, 0] = images[:, 1, 1]
    layer = ZCAWhitening(regularization).adapt(images)
    result = whitened(layer, images)
    assert np.isfinite(result).all() and np.abs(result).max() < 50
    np.testing.assert_allclose(result[:, 0], 0, atol=1e-4)
    np.testing.assert_allclose(layer.inverse(result), images, atol=0.05)
    if regularization and count == 80:
        np.testing.assert_allclose(result, direct(images, images), atol=1e-3)


def test_real_images_come_back(digits):
    train, _ = digits
    for blocks in (1, 2):
        layer = ZCAWhitening(blocks=blocks).adapt(train.x)
        result = layer(train.x)
        assert float(np.abs(np.array(result)).max()) < 100
        top = float(np.max(train.x))
        np.testing.assert_allclose(layer.inverse(result), train.x, atol=1e-3 * top)


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_model_is_saved_with_it(tmp_path, blocks):
    images = correlated(30, (4, 4, 3))
    layer = ZCAWhitening(0.2, blocks=blocks, name="white").adapt(images)
    network = keras.Sequential([keras.Input((4, 4, 3)), layer])
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert not loaded.trainable_variables and len(loaded.variables) == 5
    batch = images[:3].astype("float32")
    np.testing.assert_array_equal(loaded(batch), layer(batch))
    restored = loaded.layers[-1]
    assert (restored.regularization, restored.blocks, restored.name) == (0.2, blocks, "white")
    assert [v.name for v in restored.variables] == [
        "channel_mean",
        "channel_std",
        "mean",
        "eigenvectors",
        "scale",
    ]


@pytest.mark.parametrize("count", [1, 9, 60])
def test_distilled_data_is_saved_with_it(tmp_path, count):
    images = correlated(count, (4, 4, 3))
    layer = ZCAWhitening(blocks=1).adapt(images)
    distilled = DistilledData.from_samples(
        correlated(4, (4, 4, 3), seed=3), np.arange(4) % 2, 1, preprocessing=layer
    )
    distilled.save(tmp_path / "set.keras")
    loaded = keras.saving.load_model(tmp_path / "set.keras")
    assert isinstance(loaded.preprocessing, ZCAWhitening)
    for space in ("model", "pixels"):
        np.testing.assert_array_equal(
            loaded.to_numpy(space=space)[0], distilled.to_numpy(space=space)[0]
        )
    np.testing.assert_array_equal(whitened(loaded, images), whitened(layer, images))


def test_it_is_adapted_again_to_as_many_directions_only():
    first, second = correlated(40, (4, 4, 1)), correlated(50, (4, 4, 1), seed=9)
    layer = ZCAWhitening().adapt(first).adapt(second)
    expected = whitened(ZCAWhitening().adapt(second), first)
    np.testing.assert_allclose(whitened(layer, first), expected, atol=1e-5)
    for other in (first[:9], correlated(40, (4, 2, 2))):
        with pytest.raises(ValueError, match="make a new layer. Received"):
            layer.adapt(other)


def test_float32_under_mixed_precision():
    images = correlated(40, (4, 4, 1))
    policy = keras.config.dtype_policy()
    expected = whitened(ZCAWhitening().adapt(images), images)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(whitened(ZCAWhitening().adapt(images), images), expected)
    finally:
        keras.config.set_dtype_policy(policy)


# ---------------------------------------------------------------- what it refuses


def test_whitening_beyond_memory_is_refused_before_anything_is_read():
    class Unreadable:
        shape, dtype = (10**6, 512, 512, 3), np.dtype("uint8")

        def __getitem__(self, rows):
            raise AssertionError("read")

    with pytest.raises(ValueError) as error:
        ZCAWhitening().adapt(StoredImages(Unreadable()))
    message = str(error.value)
    assert message.startswith("whitening 786,432 features needs 24,739.0 GB of memory and ")
    assert "use blocks=2" in message and "standardize" in message and "\n" not in message
    with pytest.raises(ValueError, match="whitening 196,608 features needs 1,546.2 GB") as error:
        ZCAWhitening(blocks=2).adapt(StoredImages(Unreadable()))
    assert "blocks=2" not in str(error.value)


def test_whitening_of_128_pixels_says_what_it_needs(monkeypatch):
    monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 16 * 10**9)
    images = np.broadcast_to(np.uint8(0), (60_000, 128, 128, 3))
    with pytest.raises(ValueError, match="49,152 features needs 96.6 GB .* 16.0 GB are free"):
        ZCAWhitening().adapt(images)


def test_images_of_unknown_number_are_refused_when_they_become_too_many(monkeypatch):
    images = correlated(100, (4, 4, 3))
    monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 60_000)
    with pytest.raises(ValueError, match=r"whitening 48 features needs 9.2e-05 GB"):
        ZCAWhitening().adapt(images[k : k + 10] for k in range(0, 100, 10))
    ZCAWhitening().adapt([images[:10]])


@pytest.mark.parametrize(
    ("options", "images", "error", "message"),
    [
        ({"blocks": 0}, None, ValueError, "`blocks` must be a positive integer. Received: "),
        ({"blocks": 2.0}, None, ValueError, "`blocks` must be a positive integer. Received: "),
        ({"regularization": -0.1}, None, ValueError, "`regularization` must be .*Received"),
        ({"regularization": np.nan}, None, ValueError, "`regularization` must be .*Received"),
        ({}, np.zeros((0, 2, 2, 1)), ValueError, "at least one image. Received"),
        ({}, [], ValueError, "at least one image. Received"),
        ({}, np.zeros((3, 4, 4)), ValueError, r"use `Standardization` for sequences. Received"),
        ({}, np.zeros(3), ValueError, r"`images` must be images .* Received"),
        ({"blocks": 2}, np.zeros((3, 4)), ValueError, r"with blocks=1; .* Received"),
        ({"blocks": 2}, np.zeros((3, 4, 5, 1)), ValueError, "multiples of `blocks`, .* Received"),
        ({}, [np.zeros((2, 4, 4, 1)), np.zeros((2, 4, 5, 1))], ValueError, "the same for all"),
        ({}, np.full((3, 2, 2, 1), np.nan), ValueError, "finite pixels. Received"),
        ({}, np.full((3, 2, 2, 1), "a"), TypeError, "real numbers. Received"),
        ({}, np.full((3, 2, 2, 1), 1j), TypeError, "real numbers. Received"),
    ],
)
def test_bad_arguments_are_refused(options, images, error, message):
    with pytest.raises(error, match=message) as raised:
        ZCAWhitening(**options).adapt(images)
    assert "\n" not in str(raised.value)


def test_use_that_does_not_fit_is_refused():
    layer = ZCAWhitening()
    images = correlated(4, (2, 2, 3)).astype("float32")
    for use in (layer, layer.inverse):
        with pytest.raises(ValueError, match="must be adapted"):
            use(images)
    layer.adapt(images)
    for use in (layer, layer.inverse):
        with pytest.raises(ValueError, match=r"\(n, 2, 2, 3\). Received"):
            use(images[..., :1])


# ---------------------------------------------------------------- backends


def test_result_and_gradient_are_those_of_the_formula(gradients):
    """On the active backend; sets that another backend saved are in tests/parity."""
    train = correlated(60, (4, 6, 3))
    images = correlated(5, (4, 6, 3), seed=1).clip(0, 255).round()
    layer = ZCAWhitening(0.1, blocks=2).adapt(train)
    expected = direct(train, images, blocks=2)
    model = layer(images.astype("float32"))
    np.testing.assert_allclose(to_numpy(model), expected, atol=1e-4)
    np.testing.assert_allclose(to_numpy(layer(images.astype("uint8"))), expected, atol=1e-4)
    np.testing.assert_allclose(to_numpy(layer.inverse(model)), images, atol=0.02)
    single = to_numpy(ZCAWhitening().adapt(train[:1])(images))
    np.testing.assert_allclose(single, (images - train[0]) / train[0].std(axis=(0, 1)), atol=1e-4)
    (gradient,) = gradients(lambda x: keras.ops.square(layer(x)), images)
    # |W x + b|^2 has the gradient 2 W (W x + b); W by the linear part of the formula.
    zero = direct(train, np.zeros_like(images), blocks=2)
    spread = train.std(axis=(0, 1, 2))
    # W applied to v is direct(x) - direct(0) for x = v * spread, and W is symmetric.
    expected = 2 * (direct(train, expected * spread, blocks=2) - zero) / spread
    np.testing.assert_allclose(gradient, expected, atol=1e-4)


# ---------------------------------------------------------------- real colour images


@pytest.mark.slow
def test_whitening_of_cifar10(data_dir):
    spec = importlib.util.spec_from_file_location("load_packed", data_dir / "load_packed.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    images = module.load_packed(data_dir / "cifar10_part2_webp.npz")["x_test"][:4000]
    layer = ZCAWhitening(0.1).adapt(images)
    sample = images[:200]
    result = whitened(layer, sample)
    np.testing.assert_allclose(result, direct(images, sample), atol=1e-3)
    np.testing.assert_allclose(layer.inverse(result), sample, atol=1e-3 * 255)
