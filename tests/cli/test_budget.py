"""`keras-isa distill --budget-bytes`."""

import keras_isa

BUDGET = ("--budget-bytes", 300)


def test_the_best_of_the_screening_is_run_and_recorded(
    run, small, unevaluated, npz, tmp_path, only_json
):
    result = run("distill", npz(), *BUDGET, "--steps", 2, "--json")
    report = only_json(result)
    assert report["output"] == "shades_300bytes.keras"
    distilled = keras_isa.load(tmp_path / "shades_300bytes.keras")
    assert distilled.stored_bytes <= 300
    table = distilled.provenance["screening"]
    assert table["budget_bytes"] == 300 and table["steps"] == 2
    best = max(table["tried"], key=lambda one: (one["val_accuracy"], -one["stored_bytes"]))
    assert (str(distilled.parametrization), distilled.images_per_class, distilled.stored_bytes) == (
        best["parametrization"],
        best["images_per_class"],
        best["stored_bytes"],
    )
    assert all(one["parametrization"] in result.err for one in table["tried"])
    assert f"taken: {best['parametrization']}, {best['images_per_class']} per" in result.err


def test_a_plan_says_what_would_be_tried(run, small, npz, only_json, tmp_path, monkeypatch):
    monkeypatch.setattr(keras_isa.FRePoTrainer, "fit", None)
    report = only_json(run("distill", npz(), *BUDGET, "--plan", "--json"))
    assert {one["parametrization"] for one in report["candidates"]} >= {"identity", "quantized:8"}
    known = run("distill", "tfds:mnist", "--budget-bytes", 20_000, "--plan")
    assert known.code == 0 and "multi_formation:2:shared+quantized:8" in known.out
    assert not list(tmp_path.glob("*.keras"))


def test_what_has_no_meaning_beside_it_is_refused(refuse, npz):
    name = npz()
    assert refuse("distill", name, *BUDGET, "--ipc", 1).startswith("--ipc has no meaning with")
    for words in (("--parametrization", "quantized:8"), ("--set", "parametrization=identity")):
        assert refuse("distill", name, *BUDGET, *words).startswith("--parametrization has no")
    assert refuse("distill", name, *BUDGET, "--resume", "run").startswith("--resume has no")
    assert refuse("distill", name, *BUDGET, "--plan", "--trial", 2).startswith("--trial has no")


def test_too_few_bytes_are_refused_with_the_least_that_would_do(run, npz):
    result = run("distill", npz(), "--budget-bytes", 100)
    assert result.code == 2 and result.out == ""
    assert "--budget-bytes: `budget_bytes` must be at least 108, " in result.err.splitlines()[-1]
