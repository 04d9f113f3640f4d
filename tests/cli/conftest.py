"""`keras-isa` in this process, and a problem so small that a whole run takes seconds."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, backend, cli, presets
from keras_isa.evaluation import score_cache
from keras_isa.presets import choose

SHAPE = (4, 4, 1)
# Nearly all of a tiny run is compilation, and one block compiles fastest.
RECIPE = {"width": 4, "depth": 1, "steps": 3, "warmup_steps": 1, "augmentation": []}
QUICK = {"depth": 1, "normalization": "identity", "pool_size": 2, "epochs": 2}
TINY = {**QUICK, "width": 4, "batch_size": 16, "steps": 4, "recipe": RECIPE}
SCORES = {"accuracy_mean", "accuracy_std", "krr_accuracy_mean", "krr_accuracy_std"}


# ------------------------------------------------------------------ a command, in this process


@pytest.fixture
def cached(monkeypatch):
    """The calls of what would keep programs and scores beyond this process."""
    calls = []
    monkeypatch.setattr(backend, "cache_programs", lambda: calls.append("programs"))
    monkeypatch.setattr(score_cache, "keep_scores", lambda: calls.append("scores"))
    return calls


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, cached):
    """`run(*words)` runs `keras-isa` in `tmp_path` and returns its exit code and output."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["keras-isa", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return call


@pytest.fixture
def refuse(run, monkeypatch, tmp_path, listing):
    """`refuse(*words)` checks that an error is one line, and returns its message."""

    def no_work(*args, **kwargs):
        raise AssertionError("work began before the input was refused")

    monkeypatch.setattr(FRePoTrainer, "fit", no_work)
    monkeypatch.setattr(keras_isa.evaluation.Students, "train", no_work)

    def call(*words):
        before = listing(tmp_path)
        result = run(*words)
        assert result.code == 2
        assert result.out == ""
        assert listing(tmp_path) == before
        lines = result.err.splitlines()
        assert len(lines) == 1, result.err
        assert lines[0].startswith("keras-isa: ")
        assert "Traceback" not in lines[0]
        return lines[0].removeprefix("keras-isa: ")

    return call


@pytest.fixture
def small(monkeypatch):
    """Makes all settings so small that a whole run takes seconds, and returns their recipe."""
    read_preset = presets.read_preset

    def fitting(config, changes):
        return {name: value for name, value in changes.items() if hasattr(config, name)}

    def quick_preset(name, images_per_class, config):
        settings, dataset = read_preset(name, images_per_class, config)
        recipe = {**settings.recipe, **RECIPE}
        return settings.with_changes(**fitting(settings, QUICK), recipe=recipe), dataset

    def quick_settings(image_shape, classes, size, images_per_class, accelerated, config, task):
        settings = config(images_per_class=images_per_class)
        return settings.with_changes(**fitting(settings, TINY))

    monkeypatch.setattr(choose, "read_preset", quick_preset)
    monkeypatch.setattr(choose, "derive_settings", quick_settings)
    return RECIPE


@pytest.fixture
def unevaluated(monkeypatch):
    """Replaces evaluations by fixed scores, and returns the options that they get."""
    asked = {}

    def no_evaluation(distilled, test, **options):
        asked.update(options)
        scores = keras_isa.evaluation.Scores((0.5,), (0.25,))
        storage = keras_isa.evaluation.Storage("identity", 3, 96, 1)
        return keras_isa.evaluation.Evaluation(scores, {}, options["repeats"], 1, 0.0, storage)

    monkeypatch.setattr(keras_isa, "evaluate", no_evaluation)
    return asked


# ------------------------------------------------------------------ what a command is given


@pytest.fixture
def problem():
    """`problem(...)` gives the arrays of an .npz dataset; the brightness tells the class."""

    def make(train_size=24, test_size=9, num_classes=3):
        rng = np.random.default_rng(0)

        def part(size):
            y = np.arange(size) % num_classes
            x = 60.0 * y[:, None, None, None] + rng.uniform(0, 60, (size, *SHAPE))
            return x.astype("uint8"), y

        (x_train, y_train), (x_test, y_test) = part(train_size), part(test_size)
        return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}

    return make


@pytest.fixture
def npz(tmp_path, problem):
    """`npz(x_train=...)` writes a dataset with some arrays replaced (None: left out)."""

    def write(name="shades.npz", **changes):
        arrays = {**problem(), **changes}
        np.savez(tmp_path / name, **{k: v for k, v in arrays.items() if v is not None})
        return name

    return write


@pytest.fixture
def make_asset(problem):
    """`make_asset(path)` saves a distilled set with random images in it."""

    def make(path, **options):
        arrays = problem()
        distilled = DistilledData.from_samples(
            arrays["x_train"], arrays["y_train"], 1, recipe=dict(RECIPE), **options
        )
        distilled.save(path)
        return distilled

    return make


@pytest.fixture
def asset(tmp_path, make_asset):
    """A distilled set in `tmp_path`, with random images in it."""
    make_asset(tmp_path / "set.keras")
    return "set.keras"


# ------------------------------------------------------------------ what a command leaves


@pytest.fixture
def listing():
    """`listing(folder)` gives every path below a folder, with its size."""

    def sizes(folder):
        return {path: path.stat().st_size for path in sorted(Path(folder).rglob("*"))}

    return sizes


@pytest.fixture
def score_names():
    """The keys of the scores of one set in a report."""
    return SCORES


@pytest.fixture
def check_scores():
    """`check_scores(report)` checks the scores of the set and of its baselines."""

    def check(report, baselines=("random", "kmeans")):
        assert SCORES <= set(report)
        assert set(report["baselines"]) == set(baselines)
        for scores in (report, *report["baselines"].values()):
            assert all(0 <= scores[name] <= 1 for name in SCORES)

    return check


@pytest.fixture
def only_json():
    """`only_json(result)` gives the one JSON object on stdout."""

    def parse(result):
        assert result.code == 0, result.err
        assert result.out.count("\n") == 1
        return json.loads(result.out)

    return parse
