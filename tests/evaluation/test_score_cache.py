"""Scores of real images that are kept: found by all that they depend on, or not at all."""

import dataclasses
import json
import os

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import backend
from keras_isa.backend import file_cache
from keras_isa.evaluation import Recipe, Students, keep_scores, score_cache
from keras_isa.evaluation.score_cache import ScoreCache
from keras_isa.inputs.arrays import StoredImages

RECIPE = Recipe(width=2, depth=1, steps=2, warmup_steps=1, augmentation=())
SCORES = ((0.1, 1.0), (0.0, 1 / 3))


@pytest.fixture(autouse=True)
def root(monkeypatch, tmp_path):
    """Keeps scores in a folder of this test."""
    monkeypatch.setattr(score_cache, "_root", None)
    monkeypatch.setattr(score_cache, "_IMPORTED", float("inf"))  # whoever edits a file meanwhile
    keep_scores(tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def about():
    """The arguments of a cache, then the set."""
    images = np.arange(24, dtype="float32").reshape(2, 3, 2, 2)
    return {
        "x": np.arange(12.0).reshape(3, 2, 2),
        "y": np.array([0, 1, 0]),
        "preprocess": np.asarray,
        "recipe": RECIPE,
        "network": None,
        "numbers": {"repeats": 2, "seed": 0, "regularization": 1e-6, "flip": False},
        "images": images,
        "labels": np.eye(3, dtype="float32")[:2],
    }


def opened(about):
    """The cache, and the key of the set."""
    about = dict(about)
    data = about.pop("images"), about.pop("labels")
    cache = ScoreCache(**about)
    return cache, cache.key(*data)


def changed(array, index=0):
    array = array.copy()
    array.reshape(-1)[index] += 1
    return array


@pytest.mark.parametrize("top5", [(), (0.5, 2 / 3)])
def test_scores_come_back_to_the_last_bit(about, top5):
    cache, key = opened(about)
    assert cache.get(key) is None
    cache.put(key, *SCORES, top5)
    again, same = opened(about)
    assert same == key and again.get(key) == (*SCORES, top5)[: 3 if top5 else 2]


def test_the_key_changes_with_the_baseline_and_all_that_it_follows_from(about):
    cache, _ = opened(about)
    images, labels = about["images"], about["labels"]
    keys = [
        cache.key(images, labels),
        cache.key("random", images, labels),
        cache.key("soft", images, labels),
        cache.key("soft", images, labels, about["x"]),
        cache.key("soft", images, labels, about["x"] + 1),
    ]
    assert None not in keys and len(set(keys)) == 5


GIVEN = {
    "one pixel of the test images": lambda a: {"x": changed(a["x"], 11)},
    "one label of the test images": lambda a: {"y": changed(a["y"], 2)},
    "the preprocessing": lambda a: {"preprocess": lambda x: np.nextafter(x, 99.0)},
    "one number of the set": lambda a: {"images": changed(a["images"], 23)},
    "the shape of the set": lambda a: {"images": a["images"].reshape(2, 2, 3, 2)},
    "one label of the set": lambda a: {"labels": changed(a["labels"], 5)},
    "the repeats": lambda a: {"numbers": {**a["numbers"], "repeats": 3}},
    "the seed": lambda a: {"numbers": {**a["numbers"], "seed": 1}},
    "the ridge": lambda a: {"numbers": {**a["numbers"], "regularization": np.nextafter(1e-6, 1)}},
    "the mirror images": lambda a: {"numbers": {**a["numbers"], "flip": True}},
}


@pytest.mark.parametrize("ingredient", GIVEN)
def test_the_key_changes_with_what_is_given(about, ingredient):
    _, key = opened(about)
    _, other = opened(about | GIVEN[ingredient](about))
    assert other is not None and other != key


OTHERS = {
    "network": "alexnet",
    "decay_steps": 1,
    "centered": True,
    "label_scale": 2.0,
    "flip": True,
    "width": 3,
    "depth": 2,
    "learning_rate": 0.1,
    "steps": 3,
    "warmup_steps": 0,
    "batch_size": 7,
    "augmentation": ("crop",),
    "epochs": 2,
    "shuffle": True,
    "loss": "cross_entropy",
    "optimizer": "sgd",
    "momentum": 0.5,
    "weight_decay": 0.1,
    "schedule": "step",
    "normalization": "batch",
    "constant_width": True,
    "strategy": "dsa",
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Recipe)])
def test_the_key_changes_with_each_field_of_the_recipe(about, field):
    by_sgd = dataclasses.replace(RECIPE, optimizer="sgd")
    start = by_sgd if field in ("momentum", "weight_decay") else RECIPE
    _, key = opened(about | {"recipe": start})
    _, other = opened(about | {"recipe": dataclasses.replace(start, **{field: OTHERS[field]})})
    assert other != key


MACHINE = {
    "keras": (keras, "__version__", "99"),
    "numpy": (np, "__version__", "99"),
    "keras_isa": (score_cache, "package_version", lambda: "99"),
    "python": (score_cache.platform, "python_version", lambda: "99"),
    "device": (backend, "device_name", lambda: "a chip"),
    "cores": (os, "cpu_count", lambda: 99),
    "policy": (keras.config, "dtype_policy", lambda: keras.DTypePolicy("mixed_bfloat16")),
    "epsilon": (keras.config, "epsilon", lambda: 1e-3),
}


@pytest.mark.parametrize("ingredient", MACHINE)
def test_the_key_changes_with_what_computes(about, monkeypatch, ingredient):
    _, key = opened(about)
    monkeypatch.setattr(*MACHINE[ingredient])
    assert opened(about)[1] != key


def test_the_key_changes_with_settings_and_the_environment(about, monkeypatch):
    keys = [opened(about)[1]]
    monkeypatch.setenv("OMP_NUM_THREADS", "97")
    keys.append(opened(about)[1])
    monkeypatch.setattr(backend.current(), "numeric_settings", lambda: {"precision": "low"})
    keys.append(opened(about)[1])
    assert len(set(keys)) == 3
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "elsewhere")
    monkeypatch.setenv("LESS", "-R")
    assert opened(about)[1] == keys[-1]


def test_the_key_changes_with_the_source(about, monkeypatch, tmp_path):
    package = tmp_path / "package"
    (package / "ops").mkdir(parents=True)
    monkeypatch.setattr(score_cache, "_PACKAGE", package)
    assert opened(about)[1] is None  # without source nothing is known
    keys = []
    for name, text in (("a.py", "1"), ("a.py", "2"), ("ops/b.py", ""), ("ops/c.py", "")):
        (package / name).write_text(text)
        keys.append(opened(about)[1])
    assert None not in keys and len(set(keys)) == 4
    # What was edited after the import is not what runs.
    monkeypatch.setattr(score_cache, "_IMPORTED", 1000.0)
    assert opened(about)[1] is None
    for path in package.rglob("*.py"):
        os.utime(path, (0, 999))
    assert opened(about)[1] == keys[-1]


def test_each_kind_of_processor_has_scores_of_its_own(about, monkeypatch):
    cache, key = opened(about)
    cache.put(key, *SCORES)
    monkeypatch.setattr(file_cache, "processor", lambda: "another one")
    assert opened(about)[0].get(key) is None


def test_what_is_not_known_or_too_large_is_not_kept(about, monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Own(Recipe):
        pass

    for unknown in ({"network": lambda: None}, {"recipe": Own(steps=2)}):
        assert opened(about | unknown)[1] is None
    stored = {"x": StoredImages(about["x"])}
    assert opened(about | stored)[1] == opened(about)[1]
    for most, kept in ((4 * 24, True), (4 * 24 - 1, False), (4 * 12 - 1, False)):
        monkeypatch.setattr(score_cache, "_MOST_HASHED", most)
        assert (opened(about | stored)[1] is not None) == kept
    monkeypatch.undo()
    monkeypatch.setattr(score_cache, "_root", None)
    cache, key = opened(about)
    cache.put(key, *SCORES)
    assert key is None and cache.get(key) is None


DAMAGE = {
    "no JSON": b"[[0.1, 1.0], [0.0,",
    "no text": b"\xff\xfe",
    "nested": b"[" * 100_000,
    "no list": b'{"accuracies": [0.1, 1.0]}',
    "one kind": b"[[0.1, 1.0]]",
    "four kinds": b"[[0.1, 1.0], [0.1, 1.0], [0.1, 1.0], [0.1, 1.0]]",
    "too few": b"[[0.1, 1.0], [0.1]]",
    "no numbers": b'[[0.1, 1.0], ["0.1", 1.0]]',
    "a boolean": b"[[0.1, true], [0.1, 1.0]]",
    "NaN": b"[[0.1, NaN], [0.1, 1.0]]",
    "infinite": b"[[0.1, 1e999], [0.1, 1.0]]",
    "above one": b"[[0.1, 1.0000000000000002], [0.1, 1.0]]",
    "below zero": b"[[0.1, 1.0], [-0.1, 1.0]]",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_entries_that_are_no_scores_are_not_used(about, damage):
    cache, key = opened(about)
    cache.put(key, *SCORES)
    cache._files.put(key, DAMAGE[damage])
    assert cache.get(key) is None
    cache.put(key, *SCORES)
    assert cache.get(key) == SCORES


def test_an_entry_of_another_key_is_not_used(about, root):
    cache, key = opened(about)
    cache.put(key, *SCORES)
    (path,) = root.rglob("*.scores")
    other = cache.key(changed(about["images"]), about["labels"])
    cache.put(other, *SCORES)
    (second,) = set(root.rglob("*.scores")) - {path}
    os.replace(path, second)
    assert cache.get(other) is None


def test_the_folder_does_not_grow_without_bound(about, root, monkeypatch):
    for seed in range(6):
        numbers = {"numbers": {**about["numbers"], "seed": seed}}
        cache, key = opened(about | numbers)
        cache.put(key, *SCORES)
        (newest,) = (path for path in root.rglob("*.scores") if path.stat().st_mtime > 1e6)
        os.utime(newest, (0, 1000 + seed))
    size = newest.stat().st_size
    monkeypatch.setattr(score_cache, "_MOST_BYTES", 2 * size)
    assert opened(about | numbers)[0].get(key) == SCORES
    assert len(list(root.rglob("*.scores"))) == 2


# ------------------------------------------------------------------ in an evaluation


def scores_of(result):
    return result.distilled, result.baselines


def test_a_second_evaluation_trains_on_the_distilled_set_only(distilled, data, monkeypatch):
    train, test = data
    rows = []
    trained = Students.train

    def noted(students, images, *rest, **options):
        rows.append(images.shape)
        return trained(students, images, *rest, **options)

    monkeypatch.setattr(Students, "train", noted)
    monkeypatch.setattr(Students, "seconds_per_step", lambda *_: 10.0)
    given = {"train": train, "recipe": RECIPE, "repeats": 2}
    first = keras_isa.evaluate(distilled, test, **given)
    assert first.kept == () and rows == [(2, 6, 3, 3, 1), (6, 3, 3, 1), (6, 3, 3, 1)]
    second = keras_isa.evaluate(distilled, test, **given)
    assert second.kept == ("random", "kmeans") and len(rows) == 4
    assert scores_of(second) == scores_of(first) and list(second.baselines) == list(first.baselines)
    monkeypatch.setattr(score_cache, "_root", None)
    third = keras_isa.evaluate(distilled, test, **given)
    assert third.kept == () and len(rows) == 7 and scores_of(third) == scores_of(first)


def test_what_is_kept_is_no_part_of_the_forecast(distilled, data, asked, monkeypatch, capsys):
    train, test = data
    monkeypatch.setattr(Students, "seconds_per_step", lambda *_: 10.0)
    given = {"train": train, "recipe": RECIPE, "repeats": 2, "verbose": 2}
    keras_isa.evaluate(distilled, test, **given | {"baselines": ["kmeans"]})
    result = keras_isa.evaluate(distilled, test, **given)
    assert result.kept == ("kmeans",) and list(result.baselines) == ["random", "kmeans"]
    keras_isa.evaluate(distilled, test, **given)
    assert capsys.readouterr().out.splitlines() == [
        "evaluation: about 40 s (4 networks, 2 steps each)",
        "evaluation: about 40 s (4 networks, 2 steps each)",
        "evaluation: about 20 s (2 networks, 2 steps each)",
    ]


def test_networks_of_the_user_are_always_trained(distilled, data, network, asked, root):
    train, test = data
    for _ in range(2):
        result = keras_isa.evaluate(distilled, test, train=train, repeats=2, network=network)
        assert result.kept == ()
    assert len(asked) == 6 and not root.exists()


def test_without_the_switch_nothing_is_read_or_written(distilled, data, asked, root, monkeypatch):
    train, test = data
    given = {"train": train, "recipe": RECIPE, "repeats": 2}
    keras_isa.evaluate(distilled, test, **given)
    before = sorted(root.rglob("*"))
    monkeypatch.setattr(score_cache, "_root", None)
    assert keras_isa.evaluate(distilled, test, **given, seed=1).kept == ()
    assert len(asked) == 6 and sorted(root.rglob("*")) == before and len(before) == 3


@pytest.mark.parametrize("way", ["read only", "no folder", "open to all"])
def test_a_folder_that_cannot_be_used_says_nothing(
    distilled, data, asked, root, monkeypatch, capfd, way
):
    train, test = data
    given = {"train": train, "recipe": RECIPE, "repeats": 2}
    if way == "no folder":
        root.write_text("")
    elif way == "open to all":
        root.mkdir()
        root.chmod(0o777)
    else:

        def refused(*arguments, **options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(file_cache.tempfile, "mkstemp", refused)
    for _ in range(2):
        assert keras_isa.evaluate(distilled, test, **given).kept == ()
    assert len(asked) == 6 and capfd.readouterr() == ("", "")


def test_scores_are_written_as_numbers(distilled, data, asked, root):
    train, test = data
    keras_isa.evaluate(distilled, test, train=train, recipe=RECIPE, repeats=3)
    for path in root.rglob("*.scores"):
        assert json.loads(path.read_bytes()[32:]) == [[0.0, 0.5, 1.0], [0.0, 0.25, 0.5]]
        assert path.stat().st_mode & 0o077 == 0
