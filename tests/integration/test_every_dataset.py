"""Every data set of the paper, from what a user downloads to an evaluated set, at its true size.

Images are scikit-learn's digits, tinted and brought to the shape of each data set, or those of
MNIST and Fashion-MNIST where the folder of real sets is there. They are written the way that each
data set is distributed. Networks are narrow and batches small: what is shown is the pipeline.
"""

import numpy as np
import pytest
from PIL import Image

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, datasets, presets

NARROW = {"pool_size": 2, "batch_size": 16, "steps": 3, "epochs": 1}
RECIPE = {"steps": 2, "warmup_steps": 1}
# WordNet numbers of the ten classes, as the archives have them.
IMAGENETTE = "n01440764 n02102040 n02979186 n03000684 n03028079 n03394916 n03417042 n03425413"
IMAGEWOOF = "n02086240 n02087394 n02088364 n02089973 n02093754 n02096294 n02099601 n02105641"
IMAGENETTE = [*IMAGENETTE.split(), "n03445777", "n03888257"]
IMAGEWOOF = [*IMAGEWOOF.split(), "n02111889", "n02115641"]

# Name, image shape, classes, kind of preprocessing, and whether the regression joins mirror images.
CASES = {
    "digits": ((8, 8, 1), 10, "Standardization", False),
    "mnist": ((28, 28, 1), 10, "Standardization", False),
    "fashion_mnist": ((28, 28, 1), 10, "Standardization", False),
    "cifar10": ((32, 32, 3), 10, "ZCAWhitening", True),
    "cifar100": ((32, 32, 3), 100, "ZCAWhitening", True),
    "tiny_imagenet": ((64, 64, 3), 200, "ZCAWhitening", True),
    "imagenet64": ((64, 64, 3), 1000, "ZCAWhitening", False),
    "imagenette128": ((128, 128, 3), 10, "ZCAWhitening", True),
    "imagewoof128": ((128, 128, 3), 10, "ZCAWhitening", True),
}


# ---------------------------------------------------------------- what a user has downloaded


@pytest.fixture(scope="module")
def pictures():
    """`pictures(count, size)` gives real digits as RGB images, each with a tint of its own."""
    from sklearn.datasets import load_digits

    grey = load_digits().images / 16.0

    def make(count, size):
        rng = np.random.default_rng(count)
        for index in range(count):
            tint = rng.uniform(0.3, 1.0, 3)
            image = Image.fromarray(
                (255 * grey[index % len(grey), ..., None] * tint).astype("uint8")
            )
            yield image.resize(size, Image.BILINEAR)

    return make


def arrays(images, classes, test_size):
    """The keys of an .npz file from stacked images, classes in turn."""
    y = np.arange(len(images)) % classes
    train = len(images) - test_size
    return {"x_train": images[:train], "y_train": y[:train], "x_test": images[train:]} | {
        "y_test": y[train:]
    }


def stacked(pictures, count, shape):
    images = np.stack([np.asarray(image) for image in pictures(count, shape[:2])])
    return images if shape[2] == 3 else images[..., 0]


def real_images(name, request):
    """The first images of a real set, or `None` where the folder is not there."""
    file = {"mnist": "mnist.npz", "fashion_mnist": "fashion_mnist.npz"}.get(name)
    folder = request.config.rootpath.parent / "shared" / "data"
    if file is None or not (folder / file).is_file():
        return None
    with np.load(folder / file) as archive:
        return {key: archive[key][:400] for key in ("x_train", "y_train", "x_test", "y_test")}


def write_jpegs(folder, pictures, size):
    folder.mkdir(parents=True)
    for index, image in enumerate(pictures):
        image.save(folder / f"{folder.name}_{size[0]}_{index}.JPEG")


def write_tiny_imagenet(root, pictures):
    numbers = [f"n{k:08d}" for k in range(200)]
    root.mkdir()
    (root / "wnids.txt").write_text("\n".join(numbers))
    (root / "words.txt").write_text("\n".join(f"{n}\tthing {n}" for n in numbers))
    images = pictures(600, (64, 64))
    for number in numbers:
        folder = root / "train" / number / "images"
        write_jpegs(folder, [next(images) for _ in range(2)], (64, 64))
    write_jpegs(root / "val" / "images", (next(images) for _ in range(200)), (64, 64))
    names = sorted(path.name for path in (root / "val" / "images").iterdir())
    (root / "val" / "val_annotations.txt").write_text(
        "\n".join(f"{name}\t{numbers[k]}\t0\t0\t63\t63" for k, name in enumerate(names))
    )


def write_imagenette(root, pictures, numbers):
    for index, number in enumerate(numbers):
        size = ((160, 213), (240, 160))[index % 2]
        write_jpegs(root / "train" / number, pictures(4, size), size)
        write_jpegs(root / "val" / number, pictures(1, size), size)


@pytest.fixture
def download(tmp_path, pictures, request):
    """`download(name)` writes what a user has of a data set and returns where it lies."""

    def write(name):
        shape, classes, *_ = CASES[name]
        if name == "digits":
            return "digits"
        if name == "tiny_imagenet":
            write_tiny_imagenet(tmp_path / "tiny-imagenet-200", pictures)
            return tmp_path / "tiny-imagenet-200"
        if name.endswith("128"):
            numbers = IMAGENETTE if name == "imagenette128" else IMAGEWOOF
            write_imagenette(tmp_path / "160", pictures, numbers)
            return tmp_path / "160"
        parts = real_images(name, request)
        if parts is None:
            parts = arrays(stacked(pictures, 3 * classes, shape), classes, test_size=classes)
        np.savez(tmp_path / f"{name}.npz", **parts)
        return tmp_path / f"{name}.npz"

    return write


# ---------------------------------------------------------------- the whole way


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if shape[0] > 32 or classes > 10 or name == "fashion_mnist"  # which is as mnist
        else name
        for name, (shape, classes, *_) in CASES.items()
    ],
)
def test_from_the_download_to_the_evaluation(name, download, tmp_path):
    shape, classes, preprocessing, flip = CASES[name]
    source = download(name)
    if name == "digits":
        train, test = datasets.load(source)
    else:
        datasets.prepare(name, source, tmp_path / "prepared", kind="tfds")
        train, test = datasets.load(f"tfds:{name}", data_dir=tmp_path / "prepared")
    assert train.image_shape == test.image_shape == shape
    assert train.num_classes == classes and train.x.dtype == ("f4" if name == "digits" else "u1")

    settings = presets.settings_for(train, 1, accelerated=True)
    assert presets.preset_for(train, accelerated=True) == name
    assert settings.flip is flip
    # More features than synthetic images: fewer leave the regression without a solution.
    width = 16 if classes == 1000 else 4
    # Nearly all of a small case is compilation, and one block compiles fastest.
    network = {"width": width, **({"depth": 1} if shape[0] <= 32 else {})}
    recipe = {**settings.recipe, **RECIPE, **network}
    settings = settings.with_changes(**NARROW, **network, recipe=recipe)
    distilled = DistilledData.from_samples(
        train.x,
        train.y,
        1,
        preprocessing=settings.preprocessing,
        class_names=train.class_names,
        pixel_range=train.pixel_range,
    )
    assert type(distilled.preprocessing).__name__ == preprocessing
    assert getattr(distilled.preprocessing, "blocks", 1) == (2 if shape[0] == 128 else 1)
    trainer = FRePoTrainer.from_settings(settings, distilled)
    start = distilled.to_numpy()[0]
    trainer.fit(train, verbose=0)
    assert int(trainer.optimizer.iterations.value) == NARROW["steps"]
    images, labels = distilled.to_numpy()
    assert images.shape == (classes, *shape) and np.isfinite(images).all()
    assert np.isfinite(labels).all() and np.abs(images - start).max() > 0

    distilled.save(tmp_path / "set.keras")
    loaded = keras_isa.load(tmp_path / "set.keras")
    np.testing.assert_array_equal(loaded.to_numpy("pixels")[0], distilled.to_numpy("pixels")[0])
    # Back from model space to pixels, on images that the whitening was made of.
    pixels = np.asarray(train.x[:8], "float32")
    low, high = train.pixel_range
    back = np.asarray(loaded.preprocessing.inverse(loaded(pixels)))
    np.testing.assert_allclose(back, pixels, atol=1e-3 * (high - low))
    result = keras_isa.evaluate(loaded, test, repeats=1).to_dict()
    assert 0 <= result["accuracy_mean"] <= 1 and 0 <= result["krr_accuracy_mean"] <= 1
