"""The options of evaluations, and the commands that take them."""

import click
import pytest

import keras_isa
from keras_isa.cli.testing import Words


@pytest.mark.parametrize(
    ("text", "words"),
    [("a", ("a",)), ("b, a,b", ("b", "a")), ("none", ()), ("all", ("a", "b")), (("b",), ("b",))],
)
def test_names_with_commas(text, words):
    assert Words(["a", "b"]).convert(text, None, None) == words


def test_all_may_stay_a_word():
    assert Words(["a", "b"], keeps_all=True).convert("all", None, None) == ("all",)


@pytest.mark.parametrize("text", ["c", "a,c", ""])
def test_unknown_names(text):
    with pytest.raises(click.BadParameter, match="is none of a, b, nor none or all"):
        Words(["a", "b"]).convert(text, None, None)
    with pytest.raises(click.BadParameter, match="nor none$"):
        Words(["a", "b"], takes_all=False).convert("all", None, None)


@pytest.mark.parametrize("text", ["a,none", "all,a"])
def test_words_for_none_and_all_stand_alone(text):
    with pytest.raises(click.BadParameter, match="must stand alone"):
        Words(["a", "b"]).convert(text, None, None)


def test_a_set_with_classes_has_no_task(run, asset, npz):
    result = run("evaluate", asset, "--dataset", npz(), "--task", "regression")
    assert result.code == 2 and "--task regression has no meaning here" in result.err


def test_options_reach_the_evaluation(run, asset, npz, monkeypatch):
    asked = {}

    def no_evaluation(distilled, test, **options):
        asked.update(options)
        raise ValueError("far enough")

    monkeypatch.setattr(keras_isa, "evaluate", no_evaluation)
    words = "evaluate", asset, "--dataset", npz(), "--networks", "mlp,convnet_batch"
    words += "--baselines", "herding", "--labels", "hard", "--augmentation", "none"
    result = run(*words, "--repeats", 3, "--seed", 4)
    assert "far enough" in result.err
    asked.pop("train"), asked.pop("verbose")
    assert asked == {
        "networks": ("mlp", "convnet_batch"),
        "baselines": ("herding",),
        "labels": "hard",
        "augmentation": (),
        "repeats": 3,
        "seed": 4,
    }


def test_a_link_keeps_its_target(run, asset, npz, tmp_path):
    (tmp_path / "link.keras").symlink_to(tmp_path / asset)
    name = npz()
    words = "link.keras", "--dataset", name, "--record", "--repeats", 1, "--baselines", "none"
    assert run("evaluate", *words).code == 0
    assert (tmp_path / "link.keras").is_symlink()
    record = keras_isa.load(tmp_path / asset).provenance["evaluation"]
    assert record["dataset"] == str(tmp_path / name)
    again = run("reproduce", "link.keras")  # the set itself records no data
    assert again.code == 0 and "all means are the same" in again.out


def test_wrong_options_are_named(refuse, asset, npz):
    words = "evaluate", asset, "--dataset", npz()
    assert "--networks" in refuse(*words, "--networks", "resnet50")
    assert "--baselines" in refuse(*words, "--baselines", "coreset")
    assert "--augmentation" in refuse(*words, "--augmentation", "blur")
    # The recipe's own strategy has no such operation.
    assert refuse(*words, "--augmentation", "scale").startswith("--augmentation: ")
    assert "--labels" in refuse(*words, "--labels", "soft")
    address = "hf://user/repo/set.keras"
    assert "--record" in refuse("evaluate", address, "--record")


def test_an_evaluation_is_recorded_and_run_again(run, small, npz, only_json, tmp_path):
    name = npz()
    run("distill", name, "--repeats", 2, "--output", "set.keras")
    recorded = keras_isa.load(tmp_path / "set.keras").provenance["evaluation"]
    again = only_json(run("reproduce", "set.keras", "--json"))
    assert again["then"] == recorded and again["largest_difference"] == 0
    options = "--record", "--baselines", "none", "--networks", "mlp", "--repeats", 1, "--json"
    result = only_json(run("evaluate", "set.keras", *options))
    assert list(result["networks"]) == ["mlp"]
    again = run("reproduce", "set.keras")
    assert again.code == 0 and "all means are the same" in again.out
    assert "distilled, on mlp, network" in again.out


def test_sets_side_by_side(run, make_asset, npz, tmp_path, only_json):
    name = npz()
    for file in ("a.keras", "b.keras"):
        make_asset(tmp_path / file, seed=len(file))
    words = "compare", "a.keras", "b.keras", "--dataset", name, "--repeats", 2
    found = only_json(run(*words, "--json"))
    assert list(found["sets"]) == ["a.keras", "b.keras"]
    assert found["sets"]["b.keras"]["difference_to_first"]["mean"] == 0  # the same images
    assert "difference to a.keras" in run(*words).out
    (tmp_path / "b").mkdir()
    make_asset(tmp_path / "b" / "a.keras")
    other = only_json(
        run("compare", "a.keras", "b/a.keras", "--dataset", name, "--repeats", 1, "--json")
    )
    assert list(other["sets"]) == ["a.keras", "b/a.keras"]


def test_a_file_without_a_recorded_evaluation(refuse, asset, npz):
    assert "records no evaluation" in refuse("reproduce", asset, "--dataset", npz())


def test_sets_that_cannot_be_compared(refuse, asset, npz):
    name = npz()
    assert "twice or more" in refuse("compare", asset, "--dataset", name)
    assert "Received twice" in refuse("compare", asset, asset, "--dataset", name)
