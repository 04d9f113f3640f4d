"""The published runs, in slices."""

import json

import numpy as np
import pytest

import keras_isa

TINY = "digits --steps 100 --epochs 1 --width 2 --batch 32 --networks 2 --student-steps 2".split()


def reproduce(module, out, *more):
    """A process of the script, as far as it can tell."""
    words = [*TINY, "--out", str(out), *more]
    return module.Reproduction(module.parse(words)).result()


@pytest.mark.slow
def test_a_reproduction_in_slices_is_one_without(script, tmp_path, capsys):
    module = script("reproduce_paper")
    whole = reproduce(module, tmp_path / "whole")
    assert whole["finished"] and whole["steps"] == 100
    results = []
    while not results or not results[-1]["finished"]:
        results.append(reproduce(module, tmp_path / "sliced", "--slice", "0"))
    steps = [result["done"] for result in results if result.get("stage") == "distillation"]
    assert steps == [50, 100]  # in the middle of the epoch, and before its validation
    assert {result.get("stage") for result in results} == {"distillation", "networks", None}
    assert "the same command goes on" in capsys.readouterr().out
    sets = [
        keras_isa.load(tmp_path / name / "set.keras").to_numpy() for name in ("whole", "sliced")
    ]
    for one, other in zip(*sets, strict=True):
        np.testing.assert_array_equal(one, other)
    assert results[-1]["measured"] == whole["measured"]
    assert results[-1]["selection"] == whole["selection"]
    kept = json.loads((tmp_path / "sliced" / "result.json").read_text())
    assert kept["finished"] is True and len(kept["runs"]) == 2
    with pytest.raises(ValueError, match="another configuration"):
        reproduce(module, tmp_path / "sliced", "--seed", "1")


def test_the_published_settings_are_told_from_others(script):
    module = script("reproduce_paper")
    settings, changed = module.settings_of(module.parse(["cifar10"]))
    assert changed == {}
    assert (settings.steps, settings.crucial_fraction, settings.isa_interval) == (
        500_000,
        0.8,
        (0.0, 0.5),
    )
    plain, changed = module.settings_of(module.parse(["cifar10", "--method", "frepo"]))
    assert changed == {}
    assert (plain.crucial_fraction, plain.isa_interval) == (1.0, (0.0, 0.0))
    assert plain.reduction == "half_sum"
    _, changed = module.settings_of(module.parse(["cifar10", "--steps", "6"]))
    assert changed == {"steps": 6, "epochs": 6}
    _, changed = module.settings_of(module.parse(["cifar10-cpu"]))
    assert {"steps", "width", "batch_size"} <= set(changed)


def test_published_figures_are_labelled(script):
    module = script("reproduce_paper")
    found = module._published.published("cifar10", 10, "isa")
    assert (found["network"], found["krr"]) == ([67.2, 0.4], [69.0, 0.4])
    assert module._published.published("cifar10", 10, "frepo")["krr"] == [68.0, 0.2]
    assert module._published.published("digits", 1, "isa") is None
    result = {"measured": {"network": [1.0, 2.0], "krr": [3.0, 4.0]}, "networks": 5}
    arguments = module.parse(["cifar10", "--ipc", "10"])
    lines = module.table(arguments, {**result, "published": found, "changed": {"steps": 6}})
    measured, published, source, changed = lines.splitlines()[1:]
    assert measured.startswith("measured here") and "1.0 ± 2.0" in measured
    assert published.startswith("published ") and "67.2 ± 0.4" in published
    assert source.startswith("published: tables 6 and 7")
    assert changed == "not the published settings: steps differ"


@pytest.mark.slow
def test_reproduction_without_tensorflow(tmp_path, result_of):
    """From another folder, where neither tensorflow nor tensorflow_datasets can be imported."""
    arguments = "--steps 2 --width 2 --batch 32 --networks 1 --student-steps 2 --out run".split()
    options = {"without_tensorflow": True, "compile_fast": True, "cwd": tmp_path}
    result = result_of("reproduce_paper.py", "digits", *arguments, **options)
    assert result["finished"] is True and result["published"] is None
    assert (tmp_path / "run" / "set.keras").is_file()


@pytest.mark.slow
def test_a_preset_that_does_not_fit_the_data_ends_with_one_line(tiny_npz, tmp_path, run):
    arguments = ["cifar10", "--data", str(tiny_npz), "--out", str(tmp_path / "run")]
    status, stdout, stderr = run("reproduce_paper.py", *arguments)
    assert (status, stdout) == (2, "")
    assert "32, 32, 3" in stderr.splitlines()[-1]
