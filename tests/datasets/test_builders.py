import shutil

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.downloads.layouts import IMAGENETTE, LAYOUTS
from keras_isa.datasets.images import fit_image, read_image

tfds = pytest.importorskip("tensorflow_datasets")


def build(name, data_dir, manual_dir):
    from keras_isa.datasets.builders import BUILDERS
    from keras_isa.datasets.tfds import quiet

    with quiet():
        builder = BUILDERS[name](data_dir=data_dir)
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(manual_dir=manual_dir)
        )
    return builder


def as_set(images):
    return {image.tobytes() for image in images}


def test_tiny_imagenet(tiny_imagenet, tmp_path):
    root = tiny_imagenet()
    builder = build("tiny_imagenet", tmp_path / "data", root)
    assert builder.info.full_name == "tiny_imagenet/1.0.0"
    assert builder.info.supervised_keys == ("image", "label")
    train, test = datasets.load("tfds:tiny_imagenet", data_dir=tmp_path / "data")
    assert train.class_names == test.class_names == ("goldfish", "mushroom")
    assert (train.x.shape, test.x.shape) == ((6, 64, 64, 3), (4, 64, 64, 3))
    for label, folder in enumerate(("n01443537", "n07734744")):
        files = sorted((root / "train" / folder / "images").iterdir())
        assert as_set(train.x[train.y == label]) == as_set(read_image(f, 3) for f in files)
        files = [root / "val" / "images" / f"val_{i}.JPEG" for i in (1 - label, 3 - label)]
        assert as_set(test.x[test.y == label]) == as_set(read_image(f, 3) for f in files)


def test_by_the_name_tfds_knows(tiny_imagenet, tmp_path):
    import keras_isa.datasets.builders  # noqa: F401 (makes the name known)

    builder = tfds.builder("tiny_imagenet", data_dir=tmp_path / "data")
    assert "tiny-imagenet-200.zip" in builder.MANUAL_DOWNLOAD_INSTRUCTIONS


@pytest.mark.parametrize("name", ["imagenette128", "imagewoof128"])
def test_imagenette_and_imagewoof(imagenette, tmp_path, name):
    root = imagenette(name)
    build(name, tmp_path / "data", root.parent)  # the folder above serves too
    train, test = datasets.load(f"tfds:{name}", data_dir=tmp_path / "data")
    assert train.class_names == tuple(LAYOUTS[name].names.values())
    assert (train.x.shape, test.x.shape) == ((20, 128, 128, 3), (10, 128, 128, 3))
    wnids = sorted(LAYOUTS[name].names)
    for label in (0, 7):
        files = sorted((root / "val" / wnids[label]).iterdir())
        expected = fit_image(read_image(files[0], 3), (128, 128))
        np.testing.assert_array_equal(test.x[test.y == label][0], expected)


def test_names_are_in_the_order_of_the_folders():
    assert list(IMAGENETTE) == sorted(IMAGENETTE) and IMAGENETTE["n01440764"] == "tench"
    assert list(LAYOUTS["imagewoof128"].names) == sorted(LAYOUTS["imagewoof128"].names)


def test_an_archive_in_the_manual_directory(tiny_imagenet, tmp_path):
    root = tiny_imagenet()
    shutil.make_archive(root, "zip", root.parent, root.name)
    manual = tmp_path / "manual"
    manual.mkdir()
    root.with_suffix(".zip").rename(manual / "tiny-imagenet-200.zip")
    shutil.rmtree(root)
    build("tiny_imagenet", tmp_path / "data", manual)
    assert len(datasets.load("tfds:tiny_imagenet", data_dir=tmp_path / "data")[0]) == 6


def test_a_manual_directory_without_the_images(tmp_path):
    (tmp_path / "manual" / "other").mkdir(parents=True)
    with pytest.raises(ValueError, match="must be tiny-imagenet-200.zip or the folder it unpacks"):
        build("tiny_imagenet", tmp_path / "data", tmp_path / "manual")
