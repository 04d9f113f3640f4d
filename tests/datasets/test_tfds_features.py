import json
import sys

import numpy as np
import pytest

from keras_isa import datasets
from keras_isa.datasets.tfds_features import check_feature_kinds

tfds = pytest.importorskip("tensorflow_datasets")

NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


def test_other_features_are_left_alone(store, tmp_path, eights, grey_digits):
    x, y = eights[0][:20, ..., None], eights[1][:20]
    features = {**grey_digits(), "notes": tfds.features.Sequence(np.int64)}
    notes = {"notes": [list(range(count)) for count in range(20)]}
    store("noted", {split: (x, y, notes) for split in ("train", "test")}, features)
    train, _ = datasets.load("tfds:noted", data_dir=tmp_path, classes=[2, 5])
    assert len(train) == np.count_nonzero(np.isin(y, [2, 5]))


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_texts_are_classes(store, tmp_path, eights, grey_digits, rows, file_format):
    x, y = eights[0][..., None], eights[1]
    features = {**grey_digits(), "label": tfds.features.Text()}
    splits = {"train": (x[:80], NAMES[y[:80]].tolist()), "test": (x[80:], NAMES[y[80:]].tolist())}
    store("words", splits, features, file_format=file_format)
    train, test = datasets.load("tfds:words", data_dir=tmp_path)
    assert train.class_names == test.class_names == tuple(sorted(NAMES))
    for part, pixels, numbers in ((train, x[:80], y[:80]), (test, x[80:], y[80:])):
        expected = np.searchsorted(np.sort(NAMES), NAMES[numbers])
        np.testing.assert_array_equal(rows(part.x, part.y), rows(pixels, expected))
    store("stray", {**splits, "test": (x[:1], ["ten"])}, features)
    with pytest.raises(ValueError, match="tfds:stray, label of split.*must hold names.*'ten'"):
        datasets.load("tfds:stray", data_dir=tmp_path)


def test_whole_numbers_are_classes(store, tmp_path, eights, grey_digits, rows):
    x, y = eights[0][..., None], eights[1]
    features = {**grey_digits(), "label": tfds.features.Scalar(np.int64)}
    store("numbers", {"train": (x[:80], y[:80]), "test": (x[80:], y[80:])}, features)
    train, test = datasets.load("tfds:numbers", data_dir=tmp_path)
    assert train.class_names == tuple("0123456789")
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x[80:], y[80:]))
    twice = (x[:80], 2 * y[:80] + 2)  # 2, 4, ... 20
    store("even", {"train": twice, "test": (x[80:], 2 * y[80:] + 2)}, features)
    with pytest.warns(UserWarning, match="tfds:even, label of split train.*renumbered"):
        train, test = datasets.load("tfds:even", data_dir=tmp_path)
    assert train.class_names == tuple(str(number) for number in range(2, 22, 2))
    np.testing.assert_array_equal(rows(test.x, test.y), rows(x[80:], y[80:]))
    for name, stray in (("odd", 3), ("more", 22)):
        store(name, {"train": twice, "test": (x[:1], [stray])}, features)
        with (
            pytest.warns(UserWarning, match="renumbered"),
            pytest.raises(ValueError, match=f"must hold the numbers.*Received: {stray}"),
        ):
            datasets.load(f"tfds:{name}", data_dir=tmp_path)
    store("beyond", {"train": (x, y), "test": (x[:1], [10])}, features)
    with pytest.raises(ValueError, match="must hold classes from 0 to 9.*a label 10"):
        datasets.load("tfds:beyond", data_dir=tmp_path)


def test_test_questions_have_no_class(store, tmp_path, eights, grey_digits):
    x, y = eights[0][..., None], eights[1]
    features = {**grey_digits(), "label": tfds.features.Scalar(np.int64)}
    splits = {"train": (x, y), "test": (x[:5], [-1] * 5), "validation": (x[:30], y[:30])}
    store("questions", splits, features)
    with pytest.warns(UserWarning, match="tfds:questions: test not used"):
        assert len(datasets.load("tfds:questions", data_dir=tmp_path)[1]) == 30


def test_which_of_several_features(store, tmp_path, eights, grey_digits, rows):
    x, y = eights[0][..., None], eights[1]
    number, others = tfds.features.Scalar(np.int64), {"age": list(range(120))}
    features = {**grey_digits(), "age": number}
    store("aged", {"train": (x, y, others), "test": (x, y, others)}, features)
    assert datasets.load("tfds:aged", data_dir=tmp_path)[0].class_names == tuple("abcdefghij")
    splits = {"train": (x, y, others), "test": (x, y, others)}
    store("named", splits, {**features, "label": number})
    train, _ = datasets.load("tfds:named", data_dir=tmp_path)
    np.testing.assert_array_equal(rows(train.x, train.y), rows(x, y))


def test_other_kinds_of_sets_are_refused(store, tmp_path, eights, grey_digits):
    x, y = eights[0][..., None], eights[1]
    image = grey_digits()["image"]
    store(
        "regression",
        {"train": (x, y, {"angle": np.linspace(0, 1, 120)})},
        {
            "image": image,
            "label": tfds.features.Tensor(shape=(), dtype=np.float32),
            "angle": np.float32,
        },
    )
    with pytest.raises(ValueError, match="image classification.*regression' with angle, image"):
        datasets.load("tfds:regression", data_dir=tmp_path)


OWN = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
FOREIGN = "foreign.module.Feature"
NESTED = json.dumps({"pythonClassName": FOREIGN})


def test_a_kind_of_another_module_is_not_imported(
    store, tmp_path, eights, grey_digits, monkeypatch
):
    store("eights", {"train": (eights[0][..., None], eights[1])}, grey_digits())
    file = tmp_path / "eights" / "1.0.0" / "features.json"
    kind = "tensorflow_datasets.core.features.image_feature.Image"
    file.write_text(file.read_text().replace(kind, "eights.foreign.Image"))
    (tmp_path / "eights" / "foreign.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="could run any code.*json with 'eights.foreign.Image'"):
        datasets.load("tfds:eights", data_dir=tmp_path, split=0.5)
    assert "eights.foreign" not in sys.modules


@pytest.mark.parametrize(
    "content",
    [
        {"pythonClassName": FOREIGN},
        {"python_class_name": FOREIGN},
        {"type": FOREIGN, "content": {}},
        {"pythonClassName": OWN, "featuresDict": {"features": {"a": {"pythonClassName": FOREIGN}}}},
        {"pythonClassName": OWN, "sequence": [{"pythonClassName": FOREIGN}]},
        {"pythonClassName": OWN, "jsonFeature": {"json": NESTED}},
        {"type": OWN, "content": json.dumps(NESTED)},
    ],
)
def test_where_a_kind_is_named(tmp_path, content):
    (tmp_path / "features.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"`source` .*features.json with '{FOREIGN}'"):
        check_feature_kinds(tmp_path)


def test_features_that_are_called_as_a_kind(tmp_path):
    check_feature_kinds(tmp_path)  # which builder_from_directory refuses
    one = {"pythonClassName": OWN, "description": "type: {"}
    features = {"type": one, "content": one, "pythonClassName": one}
    content = {"pythonClassName": OWN, "featuresDict": {"features": features}, "type": "5"}
    (tmp_path / "features.json").write_text(json.dumps(content))
    check_feature_kinds(tmp_path)
