"""No command reads a test part before a finished set is evaluated on it."""

import numpy as np
import pytest

import keras_isa
from keras_isa.datasets.dataset import Dataset
from keras_isa.ops.splits import rows_fingerprint, validation_mask
from keras_isa.tuning import result as tuning_result

READ = ("x", "y")


class Poisoned(Dataset):
    """A test part whose images and labels raise an error until they may be read."""

    def __init__(self, *arguments, **options):
        vars(self)["sealed"] = False
        super().__init__(*arguments, **options)
        vars(self)["sealed"] = True

    def __getattribute__(self, name):
        if name in READ and object.__getattribute__(self, "sealed"):
            raise AssertionError(f"`{name}` of the test part was read")
        return object.__getattribute__(self, name)


@pytest.fixture
def poisoned(npz, monkeypatch):
    """The path of a dataset whose test part is poisoned, and the list of its test parts."""
    path, load, made = npz(), keras_isa.datasets.load, []

    def load_poisoned(*arguments, **options):
        train, test = load(*arguments, **options)
        about = {name: getattr(test, name) for name in ("name", "split", "pixel_range")}
        made.append(Poisoned(test.x, test.y, test.class_names, **about))
        return train, made[-1]

    monkeypatch.setattr(keras_isa.datasets, "load", load_poisoned)
    return path, made


def test_the_poison_is_in_place(poisoned, tmp_path):
    path, made = poisoned
    _, test = keras_isa.datasets.load(tmp_path / path)
    for name in READ:
        with pytest.raises(AssertionError, match="was read"):
            getattr(test, name)
    assert test.num_classes == 3


@pytest.mark.parametrize(
    "words",
    [("--ipc", 1), ("--budget-bytes", 300), ("--ipc", 1, "--method", "dm", "--batch-size", 15)],
    ids=["frepo", "budget", "dm"],
)
def test_distillation_is_over_before_the_test_part_is_read(
    run, small, unevaluated, poisoned, tmp_path, monkeypatch, words
):
    path, made = poisoned
    evaluate, sets = keras_isa.evaluate, []

    def unseal(distilled, test, **options):
        assert test is made[-1]
        assert distilled.provenance["steps"] == 2  # trained, with its record
        sets.append([array.copy() for array in distilled.to_numpy()])
        vars(test)["sealed"] = False
        assert len(test.x) == 9
        return evaluate(distilled, test, **options)

    monkeypatch.setattr(keras_isa, "evaluate", unseal)
    found = run("distill", path, *words, "--steps", 2, "--output", "a.keras")
    assert found.code == 0, found.err
    assert len(sets) == 1
    saved = keras_isa.load(tmp_path / "a.keras")
    for one, other in zip(saved.to_numpy(), sets[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_search_is_over_before_the_test_part_is_read(run, small, poisoned, monkeypatch):
    path, made = poisoned
    test_once, tested = tuning_result.TuningResult.test, []

    def unseal(result, test, *rest, **options):
        assert test is made[-1] and result.distilled.provenance["tuning"]["trials"]
        vars(test)["sealed"] = False
        tested.append(test)
        return test_once(result, test, *rest, **options)

    monkeypatch.setattr(tuning_result.TuningResult, "test", unseal)
    found = run("tune", path, "--trials", 1, "--finalists", 1, "--repeats", 1)
    assert found.code == 0, found.err
    assert len(tested) == 1


def test_the_file_says_which_images_chose_the_set(run, small, unevaluated, npz, tmp_path):
    path = npz()
    assert run("distill", path, "--seed", 5, "--steps", 2, "--output", "a.keras").code == 0
    record = keras_isa.load(tmp_path / "a.keras").provenance["selection"]
    train, _ = keras_isa.datasets.load(path)
    mask = validation_mask(train.y, 3, record["validation_split"], record["split_seed"])
    assert record["split_seed"] == 5 and record["images"] == mask.sum()
    assert record["rows_sha256"] == rows_fingerprint(mask)
