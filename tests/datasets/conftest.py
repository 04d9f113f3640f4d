"""Real images in the forms that the sources come in."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def photos():
    """Two photographs `(427, 640, 3)` that come with scikit-learn."""
    from sklearn.datasets import load_sample_images

    return load_sample_images().images


@pytest.fixture(scope="session")
def crops(photos):
    """Gives `count` different pieces of a photograph, of the sizes that are asked for in turn."""

    def cut(photo, count, *sizes):
        places = np.random.default_rng(photo).integers(0, 250, (count, 2))
        return [
            photos[photo][top : top + height, left : left + width]
            for (top, left), (height, width) in zip(
                places, [sizes[i % len(sizes)] for i in range(count)], strict=True
            )
        ]

    return cut


@pytest.fixture(scope="session")
def eights():
    """120 digits, `(120, 8, 8)` uint8 from 0 to 240, and their labels; every class occurs."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return (bunch.images[:120] * 15).astype("uint8"), bunch.target[:120].astype("int32")


@pytest.fixture
def image_file():
    """Writes pixels `(H, W)` or `(H, W, 3)` as a file, and makes its folder."""
    from PIL import Image

    def write(path, pixels, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return path

    return write


@pytest.fixture
def image_folder(tmp_path, crops, image_file):
    """Writes photographs of two classes as `train/CLASS/FILE` and `<test>/CLASS/FILE`."""

    def write(test="test", sizes=((12, 12),), counts=(6, 3), root=tmp_path / "photos"):
        for part, count in zip(("train", test), counts, strict=True):
            for photo, name in enumerate(("china", "flower")):
                images = crops(photo, sum(counts), *sizes)
                images = images[:count] if part == "train" else images[-count:]
                for i, pixels in enumerate(images):
                    image_file(root / part / name / f"{i:03d}.png", pixels)
        return root

    return write


@pytest.fixture
def tiny_imagenet(tmp_path, crops, image_file):
    """Writes two classes in the layout of Tiny ImageNet; the first image is grey."""

    def write(root=tmp_path / "tiny-imagenet-200"):
        names = ("n07734744", "n01443537")
        annotations = []
        for photo, name in enumerate(names):
            pictures = crops(photo, 5, (64, 64))
            for i, pixels in enumerate(pictures[:3]):
                pixels = pixels[..., 0] if photo == i == 0 else pixels
                image_file(root / "train" / name / "images" / f"{name}_{i}.JPEG", pixels)
            for i, pixels in enumerate(pictures[3:]):
                file = f"val_{2 * i + photo}.JPEG"
                image_file(root / "val" / "images" / file, pixels)
                annotations.append(f"{file}\t{name}\t0\t0\t62\t62")
        (root / "wnids.txt").write_text("\n".join(names) + "\n")
        (root / "words.txt").write_text("n01443537\tgoldfish\nn07734744\tmushroom\n")
        (root / "val" / "val_annotations.txt").write_text("\n".join(annotations) + "\n")
        return root

    return write


@pytest.fixture
def imagenette(tmp_path, crops, image_file):
    """Writes the ten classes of Imagenette or Imagewoof, images of several sizes."""
    from keras_isa.datasets.downloads.layouts import LAYOUTS

    def write(name="imagenette128", root=tmp_path / "imagenette2-160"):
        for number, folder in enumerate(LAYOUTS[name].names):
            pictures = crops(number % 2, 3, (160, 213), (200, 160), (160, 160))
            for i, pixels in enumerate(pictures):
                pixels = pixels[..., 0] if number == i == 0 else pixels
                part = "val" if i == 2 else "train"
                image_file(root / part / folder / f"{folder}_{i}.JPEG", pixels)
        return root

    return write


@pytest.fixture
def store(tmp_path):
    """Writes prepared sets, as TFDS does it, into `tmp_path`."""
    import tensorflow_datasets as tfds

    from keras_isa.datasets.tfds import quiet

    def store(name, splits, features, version="1.0.0", **options):
        splits = {split: list(enumerate(_examples(*arrays))) for split, arrays in splits.items()}
        with quiet():
            tfds.dataset_builders.store_as_tfds_dataset(
                name=name,
                version=version,
                features=tfds.features.FeaturesDict(features),
                split_datasets=splits,
                data_dir=tmp_path,
                **options,
            )

    return store


def _examples(images, labels, others=None):
    """With what `others` hold for each name, one value per example."""
    others = others or {}
    for image, label, *rest in zip(images, labels, *others.values(), strict=True):
        label = label if isinstance(label, str) else int(label)
        yield {"image": image, "label": label, **dict(zip(others, rest, strict=True))}


@pytest.fixture
def grey_digits():
    """Gives the features of a set of grey images 8x8, with one class for each letter."""
    import tensorflow_datasets as tfds

    def features(names="abcdefghij"):
        return {
            "image": tfds.features.Image(shape=(8, 8, 1), encoding_format="png"),
            "label": tfds.features.ClassLabel(names=list(names)),
        }

    return features


@pytest.fixture
def rows():
    """Images and labels as sorted rows: TFDS stores a set in an order of its own."""

    def sort(x, y):
        table = np.column_stack([np.asarray(x[:]).reshape(len(x), -1), y])
        return table[np.lexsort(table.T)]

    return sort


@pytest.fixture(scope="session")
def write_npz():
    """Writes an `.npz` file of small arrays, which may be changed or left out, and returns them."""

    def write(path, **changes):
        generator = np.random.default_rng(0)
        arrays = {
            "x_train": generator.integers(0, 256, (6, 4, 4), "uint8"),
            "y_train": np.array([0, 1, 2, 0, 1, 2], "uint8"),
            "x_test": generator.integers(0, 256, (3, 4, 4), "uint8"),
            "y_test": np.array([2, 0, 2], "uint8"),
        } | changes
        arrays = {key: array for key, array in arrays.items() if array is not None}
        np.savez_compressed(path, **arrays)
        return arrays

    return write
