import time

import numpy as np
import pytest

from keras_isa import datasets

tfds = pytest.importorskip("tensorflow_datasets")


def examples(images, labels):
    for key, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield key, {"image": image, "label": int(label)}


@pytest.fixture
def store(tmp_path):
    """Writes prepared sets, as TFDS does it, into `tmp_path`."""
    from keras_isa.datasets.tfds import quiet

    def store(name, splits, features, version="1.0.0", **options):
        splits = {split: list(examples(*arrays)) for split, arrays in splits.items()}
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


def grey_digits(names="abcdefghij"):
    return {
        "image": tfds.features.Image(shape=(8, 8, 1), encoding_format="png"),
        "label": tfds.features.ClassLabel(names=list(names)),
    }


def rows(x, y):
    """Images and labels as sorted rows: TFDS stores a set in an order of its own."""
    table = np.column_stack([np.asarray(x[:]).reshape(len(x), -1), y])
    return table[np.lexsort(table.T)]


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
@pytest.mark.parametrize("test", ["test", "validation"])
def test_both_formats(store, tmp_path, eights, file_format, test):
    x, y = eights[0][..., None], eights[1]
    splits = {"train": (x[:80], y[:80]), test: (x[80:], y[80:])}
    shards = tfds.download.DownloadConfig(num_shards=3)
    store("eights", splits, grey_digits(), file_format=file_format, download_config=shards)
    assert len(list(tmp_path.glob("eights/1.0.0/*-train.*"))) == 3
    train, held = datasets.load("tfds:eights", data_dir=tmp_path)
    assert train.name == held.name == "tfds:eights"
    assert train.class_names == held.class_names == tuple("abcdefghij")
    assert train.x.dtype == np.uint8 and train.image_shape == (8, 8, 1)
    np.testing.assert_array_equal(rows(train.x, train.y), rows(x[:80], y[:80]))
    np.testing.assert_array_equal(rows(held.x, held.y), rows(x[80:], y[80:]))
    some, _ = datasets.load("tfds:eights", data_dir=tmp_path, classes=["d", "b"], image_size=4)
    assert some.class_names == ("d", "b") and some.image_shape == (4, 4, 1)
    kept = np.isin(train.y, [1, 3])
    np.testing.assert_array_equal(some.y, np.where(train.y[kept] == 3, 0, 1))


def test_where_it_looks(store, tmp_path, eights, monkeypatch):
    x, y = eights[0][..., None], eights[1]
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert len(datasets.load("tfds:eights")[0]) == 120
    monkeypatch.delenv("TFDS_DATA_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with pytest.raises(ValueError, match=f"{tmp_path}/home/tensorflow_datasets"):
        datasets.load("tfds:eights")


def test_versions_and_configurations(store, tmp_path, eights):
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
    with pytest.raises(ValueError, match="it is not there"):
        count("tfds:eights:2.0.0")
    store("sized", {"train": (x, y), "test": (x, y)}, grey_digits(), config="8x8")
    assert count("tfds:sized") == count("tfds:sized/8x8") == count("tfds:sized/8x8:1.0.0") == 120
    store("sized", {"train": (x, y), "test": (x, y)}, grey_digits(), config="other")
    with pytest.raises(ValueError, match="one of the configurations 8x8, other"):
        count("tfds:sized")
    train, _ = datasets.load("tfds:sized/8x8", data_dir=tmp_path)
    assert train.name == "tfds:sized/8x8"


def test_the_test_part(store, tmp_path, eights):
    x, y = eights[0][..., None], eights[1]
    unlabelled = (x[:5], np.full(5, -1))
    splits = {"train": (x[:80], y[:80]), "test": unlabelled, "validation": (x[80:], y[80:])}
    store("questions", splits, grey_digits())
    _, test = datasets.load("tfds:questions", data_dir=tmp_path)
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x[80:], y[80:]))
    store("only_train", {"train": (x, y)}, grey_digits(), file_format="array_record")
    train, test = datasets.load("tfds:only_train", data_dir=tmp_path)
    both = np.concatenate([rows(train.x, train.y), rows(test.x, test.y)])
    np.testing.assert_array_equal(both[np.lexsort(both.T)], rows(x, y))
    assert len(test) == 24 and np.abs(np.bincount(test.y) - np.bincount(y) / 5).max() < 1
    again = datasets.load("tfds:only_train", data_dir=tmp_path)[1]
    np.testing.assert_array_equal(again.x, test.x)
    store("only_test", {"test": (x, y)}, grey_digits())
    with pytest.raises(ValueError, match="must have a split train.*only_test.* with test"):
        datasets.load("tfds:only_test", data_dir=tmp_path)


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_images_of_several_sizes(store, tmp_path, crops, file_format):
    from keras_isa.datasets.images import fit_image

    pictures = crops(0, 8, (20, 30), (41, 25))
    features = {
        "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
        "label": tfds.features.ClassLabel(num_classes=4),
    }
    labels = np.arange(8) % 4
    splits = {"train": (pictures, labels), "test": (pictures[:2], labels[:2])}
    store("photos", splits, features, file_format=file_format, disable_shuffling=True)
    with pytest.raises(ValueError, match=r"`image_size` \(--image-size\) must be given"):
        datasets.load("tfds:photos", data_dir=tmp_path)
    train, _ = datasets.load("tfds:photos", data_dir=tmp_path, image_size=(10, 15))
    assert train.class_names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(train.y, labels)
    np.testing.assert_array_equal(train.x, [fit_image(one, (10, 15)) for one in pictures])


def test_floats_and_flat_features(store, tmp_path, eights):
    x, y = eights[0] / np.float32(240), eights[1]
    label = tfds.features.ClassLabel(num_classes=10)
    for name, values in (("floats", x), ("flat", x.reshape(120, -1))):
        features = {
            "image": tfds.features.Tensor(shape=values.shape[1:], dtype=np.float32),
            "label": label,
        }
        store(name, {"train": (values, y), "test": (values[:9], y[:9])}, features)
        train, _ = datasets.load(f"tfds:{name}", data_dir=tmp_path)
        np.testing.assert_array_equal(rows(train.x, train.y), rows(values, y))
    assert train.image_shape == (64,)
    with pytest.raises(ValueError, match="`image_size` must be None for flat features"):
        datasets.load("tfds:flat", data_dir=tmp_path, image_size=4)


def test_other_features_are_left_alone(tmp_path, eights):
    from keras_isa.datasets.tfds import quiet

    features = {**grey_digits(), "notes": tfds.features.Sequence(np.int64)}
    with quiet():
        tfds.dataset_builders.store_as_tfds_dataset(
            name="noted",
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={
                split: [
                    (key, {**example, "notes": list(range(key))})
                    for key, example in examples(eights[0][:20, ..., None], eights[1][:20])
                ]
                for split in ("train", "test")
            },
            data_dir=tmp_path,
        )
    train, _ = datasets.load("tfds:noted", data_dir=tmp_path, classes=[2, 5])
    assert len(train) == np.count_nonzero(np.isin(eights[1][:20], [2, 5]))


def test_other_kinds_of_sets_are_refused(store, tmp_path, eights):
    x, y = eights[0][..., None], eights[1]
    regression = {"image": grey_digits()["image"], "label": tfds.features.Scalar(np.int64)}
    store("regression", {"train": (x, y)}, regression)
    with pytest.raises(ValueError, match="image classification.*regression' with image, label"):
        datasets.load("tfds:regression", data_dir=tmp_path)


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_damaged_sets_are_refused(store, tmp_path, eights, file_format):
    x, y = eights[0][..., None], eights[1]
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits(), file_format=file_format)
    (file,) = tmp_path.glob("eights/1.0.0/*-train.*")
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(ValueError, match="`source` must be an undamaged set.*eights/1.0.0") as e:
        datasets.load("tfds:eights", data_dir=tmp_path)
    assert "\n" not in str(e.value)
    (tmp_path / "eights" / "1.0.0" / "dataset_info.json").write_text("{")
    with pytest.raises(ValueError, match="`source` must be an undamaged set"):
        datasets.load("tfds:eights", data_dir=tmp_path)


def test_training_images_without_labels_are_refused(store, tmp_path, eights):
    x, y = eights[0][..., None], np.where(eights[1] == 3, -1, eights[1])
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits())
    with pytest.raises(ValueError, match="a class for every training image"):
        datasets.load("tfds:eights", data_dir=tmp_path)


def test_absent_sets_are_named_at_once(tmp_path):
    begin = time.perf_counter()
    for source in ("tfds:mnist", "tfds:imagenet_resized/64x64", "tfds:tiny_imagenet:1.0.0"):
        with pytest.raises(ValueError, match="set prepared in .*it is not there") as caught:
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


def test_what_does_not_fit_into_memory_is_refused(store, tmp_path, eights, monkeypatch):
    from keras_isa import memory

    x, y = eights[0][..., None], eights[1]
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits())
    monkeypatch.setattr(memory, "available_bytes", lambda: 240 * 64 - 1)
    with pytest.raises(ValueError, match="tfds:eights in memory needs .*--format npy --output"):
        datasets.load("tfds:eights", data_dir=tmp_path)
    some, _ = datasets.load("tfds:eights", data_dir=tmp_path, classes=["a"])  # these do
    assert len(some) == np.count_nonzero(y == 0)


class LocalDigits(tfds.core.GeneratorBasedBuilder):
    """Digits that TFDS can prepare without a network."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict({**grey_digits(), "copy": grey_digits()["image"]}),
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


def test_download_on_request(tmp_path, eights):
    with pytest.raises(ValueError, match="it is not there"):
        datasets.load("tfds:local_digits", data_dir=tmp_path)
    train, _ = datasets.load("tfds:local_digits", data_dir=tmp_path, download=True)
    x, y = eights[0][..., None], eights[1]
    np.testing.assert_array_equal(rows(train.x, train.y), rows(x[:40], y[:40]))  # what it names
    assert len(datasets.load("tfds:local_digits", data_dir=tmp_path)[1]) == 40  # it stays


@pytest.mark.parametrize(
    ("name", "message"),
    [("no_such_set", "a set that TFDS can prepare"), ("tiny_imagenet", "tiny-imagenet-200.zip")],
)
def test_what_cannot_be_downloaded(tmp_path, name, message):
    with pytest.raises(ValueError, match=message) as caught:
        datasets.load(f"tfds:{name}", data_dir=tmp_path, download=True)
    assert "\n" not in str(caught.value)
