"""`keras-isa publish`, and sets on the Hub wherever a command takes one."""

import builtins
import json

import numpy as np
import pytest

import keras_isa


@pytest.fixture
def on_hub(hub, asset, tmp_path):
    """The address of a distilled set on the Hub."""
    hub.add("user/repo", "sets/far.keras", (tmp_path / asset).read_bytes())
    return "hf://user/repo@main/sets/far.keras"


def test_a_dry_run_writes_and_asks_nobody(run, asset, hub, tmp_path):
    words = ("publish", asset, "--repo", "user/shades", "--licence", "CC-BY-4.0", "--dry-run")
    result = run(*words)
    assert result.code == 0, result.err
    assert result.out == "wrote shades/set.keras, shades/set.png, shades/README.md\n"
    assert (tmp_path / "shades" / "README.md").read_text().startswith("---\nlicense: cc-by-4.0\n")
    assert (tmp_path / "shades" / "set.png").read_bytes().startswith(b"\x89PNG")
    assert hub.asked == []
    assert "wrote other/set.keras" in run(*words, "--output", "other").out


def test_published_and_loaded_again(run, asset, hub, tmp_path):
    result = run("publish", asset, "--repo", "user/shades", "--license", "mit")
    assert result.code == 0, result.err
    assert result.out == (
        f"published {hub.endpoint}/datasets/user/shades; "
        'keras_isa.load("hf://user/shades/set.keras") reads it\n'
    )
    assert {path for *_, path in hub.files} == {"set.keras", "set.png", "README.md"}
    assert hub.token not in result.out + result.err
    assert all(hub.token.encode() not in content for content in hub.files.values())
    assert [one.name for one in tmp_path.iterdir()] == [asset]  # the folder was for the upload
    loaded, expected = keras_isa.load("hf://user/shades/set.keras"), keras_isa.load(asset)
    np.testing.assert_array_equal(loaded.to_numpy()[0], expected.to_numpy()[0])


def test_what_was_measured_is_in_the_card(run, small, npz, tmp_path, asset):
    report = run("evaluate", asset, "--dataset", npz(), "--repeats", 1, "--json")
    (tmp_path / "report.json").write_text(report.out)
    words = ("publish", asset, "--repo", "u/r", "--licence", "mit", "--dry-run")
    assert run(*words, "--report", "report.json").code == 0
    score = 100 * json.loads(report.out)["accuracy_mean"]
    text = (tmp_path / "r" / "README.md").read_text()
    assert f"| **distilled** | {score:.1f} |" in text


def test_a_dry_run_without_a_licence_leaves_a_field_to_fill_in(run, asset, tmp_path):
    result = run("publish", asset, "--repo", "u/r", "--dry-run")
    assert result.code == 0
    assert "the card's licence says FILL-IN" in result.err
    assert "license: FILL-IN" in (tmp_path / "r" / "README.md").read_text()


def test_what_cannot_be_published(refuse, asset, hub, tmp_path):
    words = ("publish", asset, "--repo", "user/shades")
    assert "the licence of the data" in refuse(*words)
    assert refuse(*words, "--licence", "a b").startswith("--licence: `licence` must be")
    assert "--repo" in refuse("publish", asset, "--licence", "mit")
    assert refuse("publish", asset, "--repo", "a", "--licence", "mit").startswith("--repo: `repo`")
    words = (*words, "--licence", "mit")
    assert refuse("publish", "absent.keras", *words[2:]).startswith("PATH: ")
    assert refuse(*words, "--report", "absent.json").startswith("--report: ")
    assert refuse(*words, "--output", ".", "--dry-run").startswith("--output: `folder` must not be")
    hub.refusals["user/shades"] = 403, None
    message = refuse(*words)
    assert message.startswith("--repo: `repo` cannot be written to: the Hub refuses (status 403)")
    assert hub.files == {} and hub.token not in message


def test_commands_take_sets_on_the_hub(run, small, npz, asset, on_hub, tmp_path, only_json):
    assert run("show", on_hub).out == "wrote far.png\n"
    assert run("export", on_hub, "--format", "npz", "--output", "a.npz").out == "wrote a.npz\n"
    name = npz()
    far, near = (
        only_json(run("evaluate", one, "--dataset", name, "--repeats", 1, "--json"))
        for one in (on_hub, asset)
    )
    assert far["accuracy_mean"] == near["accuracy_mean"]
    words = ("publish", on_hub, "--repo", "u/again", "--licence", "mit", "--dry-run")
    assert run(*words).out.startswith("wrote again/far.keras, ")


def test_sets_that_are_not_on_the_hub(refuse, on_hub):
    message = refuse("show", "hf://user/repo/absent.keras")
    assert message.startswith("PATH: `path` cannot be fetched: user/repo has no file absent.keras")
    assert "Received: path=hf://user/repo/absent.keras" in message
    assert "must be hf://USER/REPO" in refuse("evaluate", "hf:/user/repo/far.keras")


def test_without_the_package(refuse, asset, monkeypatch):
    def missing(name, *rest, **more):
        if name.partition(".")[0] == "huggingface_hub":
            raise ImportError(name)
        return real(name, *rest, **more)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    words = ("--repo", "u/r", "--licence", "mit")
    for command in (("publish", asset, *words), ("show", "hf://u/r/a.keras")):
        assert "pip install keras_isa[hub]" in refuse(*command)
