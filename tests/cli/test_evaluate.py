"""`keras-isa evaluate`, and distilled sets that no command can read."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest


def test_a_table_without_parts(run, small, npz, tmp_path, problem, only_json):
    arrays = problem()
    x, y = arrays["x_test"], arrays["y_test"]
    np.savez(tmp_path / "table.npz", x=x, y=y)
    run("distill", npz(), "--repeats", 1, "--output", "set.keras")
    result = run("evaluate", "set.keras", "--dataset", "table.npz", "--repeats", 1, "--json")
    assert f"all of its {len(x)} images become the test part" in result.err
    report = only_json(result)
    assert report["baselines"] == {}
    recorded = only_json(run("evaluate", "set.keras", "--repeats", 1, "--json"))
    assert report["accuracy_mean"] == recorded["accuracy_mean"]  # they are its test images


# ------------------------------------------------------------------ what is refused


def rewritten(path, edit):
    """Writes the archive again, its config.json passed through `edit` (None: left out)."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = edit(json.loads(members.pop("config.json")))
    if config is not None:
        members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def with_version(version):
    def edit(config):
        config["config"]["format_version"] = version
        return config

    return edit


def damaged_assets():
    def truncated(path):
        path.write_bytes(path.read_bytes()[:-100])

    def another_model(path):
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)

    def without_weights(path):
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", config)

    return {
        "missing": (Path.unlink, "there is none"),
        "folder": (lambda path: (path.unlink(), path.mkdir()), "there is none"),
        "truncated": (truncated, "truncated"),
        "empty": (lambda path: path.write_bytes(b""), "truncated"),
        "text": (lambda path: path.write_text("hello"), "of another kind"),
        "zip without config": (lambda path: rewritten(path, lambda _: None), "of another kind"),
        "config that is a list": (lambda path: rewritten(path, lambda _: [1]), "no dictionary"),
        "config without contents": (
            lambda path: rewritten(path, lambda config: {**config, "config": None}),
            "damaged",
        ),
        "another model": (another_model, "Sequential"),
        "newer": (lambda path: rewritten(path, with_version(4)), "upgrade keras_isa"),
        "version that is no number": (lambda path: rewritten(path, with_version("a")), "damaged"),
        "without weights": (without_weights, "cannot be read"),
    }


@pytest.mark.parametrize("case", damaged_assets())
def test_unreadable_assets(refuse, asset, npz, tmp_path, case):
    damage, named = damaged_assets()[case]
    damage(tmp_path / asset)
    name = npz()
    for words in (
        ("evaluate", asset, "--dataset", name),
        ("show", asset),
        ("export", asset, "--format", "npz", "--output", "out.npz"),
    ):
        message = refuse(*words)
        assert message.startswith("PATH: ") and named in message


def test_evaluation_on_what_does_not_fit(refuse, run, npz, asset, tmp_path, problem):
    assert "--dataset" in refuse("evaluate", asset)  # it records none
    assert refuse("evaluate", asset, "--dataset", "absent").startswith("--dataset: ")
    assert "(4, 4, 1)" in refuse("evaluate", asset, "--dataset", "digits")
    more, fewer = (
        npz("more.npz", **problem(num_classes=4)),
        npz("fewer.npz", **problem(num_classes=2)),
    )
    for name in (more, fewer):
        assert refuse("evaluate", asset, "--dataset", name).startswith("--dataset: ")
    names = npz("names.npz", class_names=np.array(["dark", "grey", "light"]))
    assert "class names" in refuse("evaluate", asset, "--dataset", names)
    for option, value in (("--repeats", 0), ("--seed", -1), ("--steps", 3)):
        assert option in refuse("evaluate", asset, "--dataset", npz(), option, value)
