import time

import numpy as np
import pytest

from keras_isa import datasets

tfds = pytest.importorskip("tensorflow_datasets")


def test_where_it_looks(store, tmp_path, eights, monkeypatch, grey_digits):
    x, y = eights[0][..., None], eights[1]
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert len(datasets.load("tfds:eights")[0]) == 120
    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(ValueError, match=f"{tmp_path}/home/tensorflow_datasets"):
        datasets.load("tfds:eights")


def test_versions_and_configurations(store, tmp_path, eights, grey_digits):
    x, y = eights[0][..., None], eights[1]
    for version, count in (("1.2.0", 110), ("1.10.0", 120)):
        splits = {"train": (x[:count], y[:count]), "test": (x, y)}
        store("eights", splits, grey_digits(), version)
    (tmp_path / "eights" / "2.0.0").mkdir()  # begun and not finished
    (tmp_path / "eights" / "incomplete.A_3.0.0").mkdir()

    def count(source):
        return len(datasets.load(source, data_dir=tmp_path)[0])

    assert count("tfds:eights") == 120
    assert count("tfds:eights:1.2.0") == 110
    with pytest.raises(ValueError, match="which is not there"):
        count("tfds:eights:2.0.0")
    store("sized", {"train": (x, y), "test": (x, y)}, grey_digits(), config="8x8")
    assert count("tfds:sized") == count("tfds:sized/8x8") == count("tfds:sized/8x8:1.0.0") == 120
    store("sized", {"train": (x, y), "test": (x, y)}, grey_digits(), config="other")
    with pytest.raises(ValueError, match="one of the configurations 8x8, other"):
        count("tfds:sized")
    train, _ = datasets.load("tfds:sized/8x8", data_dir=tmp_path)
    assert train.name == "tfds:sized/8x8"


def test_absent_sets_are_named_at_once(tmp_path):
    begin = time.perf_counter()
    for source in ("tfds:mnist", "tfds:imagenet_resized/64x64", "tfds:tiny_imagenet:1.0.0"):
        with pytest.raises(ValueError, match="prepared in .*which is not there") as caught:
            datasets.load(source, data_dir=tmp_path)
        message = str(caught.value)
        for part in (source, str(tmp_path), "download=True (--download)", "keras-isa prepare"):
            assert part in message
        assert "\n" not in message
    assert time.perf_counter() - begin < 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["tfds:", "tfds:a b", "tfds:a:3", "tfds:../x", "tfds:a/b/c"])
def test_bad_names_are_refused(source, tmp_path):
    with pytest.raises(ValueError, match="`source` must be tfds:NAME"):
        datasets.load(source, data_dir=tmp_path)


class LocalDigits(tfds.core.GeneratorBasedBuilder):
    """Digits that TFDS can prepare without a network."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(8, 8, 1), encoding_format="png")
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {"image": image, "copy": image, "label": tfds.features.ClassLabel(num_classes=10)}
            ),
            supervised_keys=("copy", "label"),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0), "test": self._generate_examples(40)}

    def _generate_examples(self, start):
        from sklearn.datasets import load_digits

        bunch = load_digits()
        for i in range(start, start + 40):
            image = (bunch.images[i] * 15).astype("uint8")[..., None]
            yield i, {"image": 0 * image, "copy": image, "label": int(bunch.target[i])}


def test_download_on_request(tmp_path, eights, rows):
    with pytest.raises(ValueError, match="which is not there"):
        datasets.load("tfds:local_digits", data_dir=tmp_path)
    train, _ = datasets.load("tfds:local_digits", data_dir=tmp_path, download=True)
    x, y = eights[0][..., None], eights[1]
    np.testing.assert_array_equal(rows(train.x, train.y), rows(x[:40], y[:40]))  # what it names
    assert len(datasets.load("tfds:local_digits", data_dir=tmp_path)[1]) == 40  # it stays


class UnreachableDigits(LocalDigits):
    """Digits of a server that does not answer."""

    def _split_generators(self, dl_manager):
        raise ConnectionError("no\nanswer")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unreachable_digits", "TFDS can prepare in .*no answer"),
        ("no_such_set", "a set that TFDS can prepare"),
        ("tiny_imagenet", "tiny-imagenet-200.zip"),
    ],
)
def test_what_cannot_be_downloaded(tmp_path, name, message):
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(f"tfds:{name}", data_dir=tmp_path, download=True)
    assert "\n" not in str(caught.value)
