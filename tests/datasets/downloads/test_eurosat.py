import shutil

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.downloads.eurosat import CLASS_NAMES


def write(folder, samples, suffix="jpg"):
    for number, name in enumerate(CLASS_NAMES):
        for i in range(5):
            pixels = samples.images(1, (64, 64, 3), 5 * number + i)[0]
            kind = {"jpg": "JPEG", "tif": "TIFF"}[suffix]
            samples.written(folder / name / f"{name}_{i}.{suffix}", samples.encoded(pixels, kind))
    return folder


@pytest.mark.parametrize("place", ["2750", "EuroSAT_RGB", "EuroSAT/2750"])
def test_the_folder_above(format_samples, tmp_path, place):
    write(tmp_path / "download" / place, format_samples)
    with pytest.warns(UserWarning, match="has no test part: a fixed fifth of it, 10 of 50"):
        train, test = datasets.load(tmp_path / "download")
    assert train.class_names == CLASS_NAMES and train.image_shape == (64, 64, 3)
    assert (len(train), np.bincount(test.y).tolist()) == (40, [1] * 10)
    same, _ = datasets.load(tmp_path / "download" / place, split=0.2)
    np.testing.assert_array_equal(train.x, same.x)


def test_tables_beside_it_are_not_used(format_samples, tmp_path):
    write(tmp_path / "EuroSAT", format_samples)
    (tmp_path / "EuroSAT" / "train.csv").write_text("")
    with pytest.warns(UserWarning, match="train.csv not used; the classes are those of the f"):
        datasets.load(tmp_path, split=0.2)


@pytest.mark.parametrize("place", ["tif", "ds/images/remote_sensing/otherDatasets/sentinel_2/tif"])
def test_thirteen_bands(format_samples, tmp_path, place):
    write(tmp_path / "download" / place, format_samples, "tif")
    for source in (tmp_path / "download", tmp_path / "download" / place):
        with pytest.raises(ValueError, match="red, green and blue form.*13 bands of 16 bits"):
            datasets.load(source)


def test_both_forms_in_one_folder_as_on_kaggle(format_samples, tmp_path):
    write(tmp_path / "download" / "EuroSATallBands", format_samples, "tif")
    write(tmp_path / "download" / "EuroSAT", format_samples)
    with pytest.warns(UserWarning, match="EuroSATallBands not used; only one folder of the ten"):
        train, test = datasets.load(tmp_path / "download", split=0.2)
    assert (len(train), len(test)) == (40, 10)


@pytest.mark.parametrize("named", ["eurosat", "mine"])
def test_divided_by_the_user(format_samples, tmp_path, named):
    for part in ("train", "test"):
        write(tmp_path / "es" / part, format_samples)
    first = next((tmp_path / "es" / "train" / "Forest").iterdir())
    first.unlink()
    train, test = datasets.load(tmp_path / "es")
    assert (len(train), len(test)) == (49, 50)
    with pytest.raises(ValueError, match="has a test part of its own|`split`"):
        datasets.load(tmp_path / "es", split=0.4)
    assert datasets.prepare(named, tmp_path / "es", tmp_path / "set.npz").train == 49


def test_divided_by_the_user_and_packed(format_samples, tmp_path):
    for part in ("train", "test"):
        write(tmp_path / "es" / part, format_samples)
    packed = shutil.make_archive(str(tmp_path / "es"), "zip", tmp_path / "es")
    assert len(datasets.load(packed)[1]) == 50
    with pytest.raises(ValueError, match="as it is distributed, without a test part"):
        datasets.prepare("eurosat", packed, tmp_path / "set.npz")


def test_other_images_beside_the_ten_classes(format_samples, tmp_path):
    write(tmp_path / "2750", format_samples)
    image = format_samples.encoded(format_samples.images(1, (64, 64, 3))[0])
    format_samples.written(tmp_path / "cats" / "1.png", image)
    with pytest.raises(ValueError, match="holds eurosat in 2750 and other data in cats; pass"):
        datasets.load(tmp_path, split=0.2)
    made = datasets.prepare("eurosat", tmp_path, tmp_path / "set.npz", split=0.2)
    assert (made.train, made.test) == (40, 10)
