import numpy as np
import pytest

from keras_isa import datasets

tfds = pytest.importorskip("tensorflow_datasets")


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
@pytest.mark.parametrize("test", ["test", "validation"])
def test_both_formats(store, tmp_path, eights, file_format, test, grey_digits, rows):
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


def test_the_test_part(store, tmp_path, eights, grey_digits, rows):
    x, y = eights[0][..., None], eights[1]
    unlabelled = (x[:5], np.full(5, -1))
    splits = {"train": (x[:80], y[:80]), "test": unlabelled, "validation": (x[80:], y[80:])}
    store("questions", splits, grey_digits())
    with pytest.warns(UserWarning, match="tfds:questions: test not used; .* with labels are all"):
        _, test = datasets.load("tfds:questions", data_dir=tmp_path)
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x[80:], y[80:]))
    secret = (x[80:], np.where(np.arange(40) % 4, y[80:], -1))
    splits = {"train": (x[:80], y[:80]), "test": secret, "validation": secret, "extra": secret}
    store("some", splits, grey_digits())
    with (
        pytest.warns(UserWarning, match="tfds:some: 10 images of test not used; they have no la"),
        pytest.warns(UserWarning, match="tfds:some: validation, extra not used; a training part"),
    ):
        _, test = datasets.load("tfds:some", data_dir=tmp_path)
    kept = secret[1] >= 0
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x[80:][kept], y[80:][kept]))
    store("only_train", {"train": (x, y)}, grey_digits(), file_format="array_record")
    train, test = datasets.load("tfds:only_train", data_dir=tmp_path)
    both = np.concatenate([rows(train.x, train.y), rows(test.x, test.y)])
    np.testing.assert_array_equal(both[np.lexsort(both.T)], rows(x, y))
    assert len(test) == 24 and np.abs(np.bincount(test.y) - np.bincount(y) / 5).max() < 1
    again = datasets.load("tfds:only_train", data_dir=tmp_path)[1]
    np.testing.assert_array_equal(again.x, test.x)


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


def test_floats_and_flat_features(store, tmp_path, eights, rows):
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


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_damaged_sets_are_refused(store, tmp_path, eights, file_format, grey_digits):
    x, y = eights[0][..., None], eights[1]
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits(), file_format=file_format)
    features = tmp_path / "eights" / "1.0.0" / "features.json"
    text = features.read_text()
    for damaged in (
        text[: len(text) // 2],
        text.replace("image_feature.Image", "image_feature.Ima"),
    ):
        features.write_text(damaged)
        with pytest.raises(
            ValueError, match="`source` must be an undamaged set.*eights/1.0.0"
        ) as e:
            datasets.load("tfds:eights", data_dir=tmp_path)
        assert "\n" not in str(e.value)
    features.write_text(text)
    (file,) = tmp_path.glob("eights/1.0.0/*-train.*")
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(ValueError, match="`source` must be an undamaged set.*eights/1.0.0") as e:
        datasets.load("tfds:eights", data_dir=tmp_path)
    assert "\n" not in str(e.value)
    (tmp_path / "eights" / "1.0.0" / "dataset_info.json").write_text("{")
    with pytest.raises(ValueError, match="`source` must be an undamaged set"):
        datasets.load("tfds:eights", data_dir=tmp_path)


def test_training_images_without_labels_are_refused(store, tmp_path, eights, grey_digits):
    x, y = eights[0][..., None], np.where(eights[1] == 3, -1, eights[1])
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits())
    with pytest.raises(ValueError, match="a class for every training image"):
        datasets.load("tfds:eights", data_dir=tmp_path)


def test_what_does_not_fit_into_memory_is_refused(
    store, tmp_path, eights, monkeypatch, grey_digits
):
    from keras_isa import memory

    x, y = eights[0][..., None], eights[1]
    store("eights", {"train": (x, y), "test": (x, y)}, grey_digits())
    monkeypatch.setattr(memory, "available_bytes", lambda: 240 * 64 - 1)
    with pytest.raises(ValueError, match="tfds:eights in memory needs .*--format npy --output"):
        datasets.load("tfds:eights", data_dir=tmp_path)
    some, _ = datasets.load("tfds:eights", data_dir=tmp_path, classes=["a", "b"])  # these do
    assert len(some) == np.count_nonzero(y < 2)


def test_class_numbers_without_images_are_left_out(store, tmp_path, eights, grey_digits, rows):
    x, y = eights[0][..., None], eights[1] % 3 + 1  # as emnist/letters, which begins at 1
    features = grey_digits([str(number) for number in range(6)])
    store("letters", {"train": (x[:90], y[:90]), "test": (x[90:], y[90:])}, features)
    with pytest.warns(UserWarning, match="tfds:letters: class 0, class 4, class 5 not used; the"):
        train, test = datasets.load("tfds:letters", data_dir=tmp_path)
    assert train.class_names == test.class_names == ("1", "2", "3")
    np.testing.assert_array_equal(rows(train.x, train.y + 1), rows(x[:90], y[:90]))
    store("stray", {"train": (x[:90], y[:90]), "test": (x[90:], y[90:] + 1)}, features)
    stray = np.count_nonzero(y[90:] == 3)
    with pytest.warns(UserWarning, match=f"tfds:stray: .* so {stray} test images of them are no"):
        _, test = datasets.load("tfds:stray", data_dir=tmp_path)
    kept = y[90:] < 3
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x[90:][kept], y[90:][kept]))


def test_the_training_split():
    from keras_isa.datasets.tfds import _training_split

    assert _training_split(["test", "train", "training"], "tfds:a", None) == "train"
    assert _training_split(["dev", "Training"], "tfds:a", None) == "Training"
    assert _training_split(["anything"], "tfds:a", None) == "anything"
    assert _training_split(["dev"], "tfds:a", 0.5) == "dev"
    for splits in (["dev"], ["training", "trn"], ["one", "two"], []):
        with pytest.raises(ValueError, match="must have a split train, or only one split"):
            _training_split(splits, "tfds:a", None)


def test_sets_of_one_split(store, tmp_path, eights, grey_digits):
    x, y = eights[0][..., None], eights[1]
    for name, split in (("one", "train"), ("other", "everything")):
        store(name, {split: (x, y)}, grey_digits())
        said = f"tfds:{name}, split {split}, has no test part: a fixed fifth of it, 24 of 120"
        with pytest.warns(UserWarning, match=said):
            train, test = datasets.load(f"tfds:{name}", data_dir=tmp_path)
        assert (len(train), len(test)) == (96, 24)
        assert len(datasets.load(f"tfds:{name}", data_dir=tmp_path, split=0.5)[1]) == 60
    store("tested", {"test": (x, y)}, grey_digits())
    with pytest.raises(ValueError, match="a split train.*--split 0.2.*'tfds:tested' with test"):
        datasets.load("tfds:tested", data_dir=tmp_path)
    train, test = datasets.load("tfds:tested", data_dir=tmp_path, split=0.5)
    assert (len(train), len(test)) == (60, 60)
    store("both", {"train": (x, y), "test": (x, y)}, grey_digits())
    with pytest.raises(ValueError, match="`split` must not be given unless .*no test part"):
        datasets.load("tfds:both", data_dir=tmp_path, split=0.2)


def test_axes_of_numbers(store, tmp_path, eights, grey_digits, rows):
    y = eights[1][:40]
    x = np.random.default_rng(0).normal(size=(40, 3, 8, 9)).astype("float32")
    label = grey_digits()["label"]
    store(
        "first",
        {"train": (x, y), "test": (x, y)},
        {"image": tfds.features.Tensor(shape=(3, 8, 9), dtype=np.float32), "label": label},
    )
    with pytest.warns(UserWarning, match="tfds:first, image.* read as channels-first"):
        train, _ = datasets.load("tfds:first", data_dir=tmp_path)
    assert train.image_shape == (8, 9, 3)
    np.testing.assert_array_equal(rows(train.x, train.y), rows(np.moveaxis(x, 1, -1), y))
    waves = x.reshape(40, 72, 3)
    numbers = tfds.features.Tensor(shape=(72, 3), dtype=np.float32)
    store("waves", {"train": (waves, y), "test": (waves, y)}, {"image": numbers, "label": label})
    train, _ = datasets.load("tfds:waves", data_dir=tmp_path, axes="NTF")
    assert train.image_shape == (72, 3) and train.axes == "NTF"
    store("grey", {"train": (eights[0][..., None], eights[1])}, grey_digits())
    with pytest.raises(ValueError, match="`axes` must not be given unless `source` holds arrays"):
        datasets.load("tfds:grey", data_dir=tmp_path, axes="NCHW")


def test_a_test_part_alone_is_for_evaluation(store, tmp_path, eights, grey_digits, rows):
    x, y = eights[0][..., None], eights[1]
    store("tested", {"test": (x, y)}, grey_digits())
    with pytest.warns(UserWarning, match="tfds:tested has no training part: all of its 120"):
        train, test = datasets.sources.load_test("tfds:tested", tuple("abc"), data_dir=tmp_path)
    assert train is None and test.split == "test" and test.class_names == tuple("abcdefghij")
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x, y))
    store("both", {"train": (x[:90], y[:90]), "test": (x, y)}, grey_digits())
    train, test = datasets.sources.load_test("tfds:both", (), data_dir=tmp_path, classes=["c", "a"])
    assert train.class_names == test.class_names == ("c", "a")
    store("questions", {"test": (x, np.full(120, -1))}, grey_digits())
    with pytest.raises(ValueError, match="must have a split train"):
        datasets.sources.load_test("tfds:questions", (), data_dir=tmp_path)
