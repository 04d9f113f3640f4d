"""`keras-isa study`."""

import json


def test_a_study_of_data_of_the_users(run, small, npz, tmp_path):
    words = ("study", "gallery", npz(), "--repeats", 1)
    result = run(*words)
    assert result.code == 0, result.err
    folder = tmp_path / "shades_ipc1_studies"
    values = json.loads((folder / "gallery.json").read_text())
    assert values["command"] == "keras-isa study gallery shades.npz --repeats 1"
    assert values["seeds"] == [0] and values["dataset"] == "shades.npz"
    assert "wrote shades_ipc1_studies/gallery.json" in result.err
    assert result.out.startswith("Each image is shown")
    assert (folder / "gallery.png").stat().st_size > 5000
    assert "keras-isa study gallery" in (folder / "gallery.html").read_text()
    kept = sorted(path.name for path in (folder / "cells").iterdir())
    assert sum(name.endswith(".keras") for name in kept) == 4
    other = run(*words, "--set", "steps=8")
    assert other.code == 2 and "gallery.json is of other settings" in other.err.splitlines()[-1]
    again = run(*words, "--json")
    assert again.code == 0 and json.loads(again.out)["rows"] == values["rows"]
    assert sorted(path.name for path in (folder / "cells").iterdir()) == kept


def test_what_a_study_is_asked(run, small, npz, monkeypatch):
    asked = {}

    def no_study(study, seeds, **options):
        asked.update(options, own=study.experiment, seeds=list(seeds), study=study)
        raise ValueError("stop")

    monkeypatch.setattr("keras_isa.cli.study.run_study", no_study)
    words = "--repeats", 1, "--held-out", 6, "--seed", 4, "--seeds", 3, "--output", "new/folder"
    more = "--over", "width,steps", "--precision", 0.5, "--minutes", 2, "--no-equal-time"
    result = run("study", "module", npz(), *words, *more, "--set", "isa_interval=[-1, 0]")
    assert result.code == 2 and result.err.endswith("keras-isa: stop\n")
    own, study = asked["own"], asked["study"]
    assert (len(own.train.y), len(own.test.y), own.repeats) == (18, 6, 1)
    assert (asked["seeds"], asked["minutes"]) == ([4, 5, 6], 2)
    assert (study.over, study.precision) == (("width", "steps"), 0.5)
    assert not study._compares_time and own.scored_on == "held-out training images"
    assert own.settings.isa_interval == (-1.0, 0.0)


def test_an_interrupted_study_says_what_is_left(run, small, npz, monkeypatch, tmp_path):
    from keras_isa import FRePoTrainer

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(FRePoTrainer, "fit", interrupted)
    result = run("study", "gallery", npz(), "--output", "kept")
    assert result.code == 130 and result.out == ""
    assert "what was measured is in kept; the same command goes on, and with fewer" in result.err


def test_what_is_refused(refuse, npz):
    name = npz()
    assert "luck" in refuse("study", "luck", name)
    assert refuse("study", "gallery", name, "--over", "width").startswith("--over has no meaning")
    assert refuse("study", "gallery", name, "--precision", 1).startswith("--precision has no")
    assert refuse("study", "gallery", name, "--equal-time").startswith("--equal-time has no")
    assert "'luck'" in refuse("study", "module", name, "--over", "luck")
    assert refuse("study", "gallery", name, "--method", "luck").startswith("--method: ")
    assert refuse("study", "gallery", name, "--set", "luck=1").startswith("--set luck: ")
    assert "--task regression has no meaning" in refuse(
        *("study", "gallery", name, "--task", "regression")
    )


def test_numbers_are_refused_early(refuse, npz, tmp_path):
    name = npz()
    for option in ("--minutes", "--precision"):
        said = refuse("study", "module", name, option, "nan")
        assert said == f"{option} must be a number above zero. Received: nan"
    said = refuse("study", "gallery", name, "--seed", 2**31 - 1, "--seeds", 2)
    assert said.startswith("--seed and --seeds must end below 2**31")
    (tmp_path / "file").write_text("")
    assert "--output must be a folder" in refuse("study", "gallery", name, "--output", "file")


def test_what_is_refused_when_the_data_are_known(run, npz, tmp_path):
    name = npz()
    for words, said in (
        (("gallery", "absent.npz"), "DATASET: "),
        (("gallery", name, "--held-out", 24), "--held-out: "),
        (("diversity", name, "--ipc", 1), "NAME diversity: `images_per_class` must give 6"),
        (("augmentation", name, "--method", "dm"), "NAME augmentation: `method` must be frepo"),
        (("manifold", name, "--ipc", 1), "NAME manifold: `images_per_class` must be 2 or more"),
        (("gallery", name, "--ipc", 90), "--ipc: "),
    ):
        result = run("study", *words, "--output", "folder")
        assert not (tmp_path / "folder").exists()
        assert result.code == 2, words
        assert result.err.splitlines()[-1].startswith(f"keras-isa: {said}"), result.err
