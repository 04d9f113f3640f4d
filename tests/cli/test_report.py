"""`keras-isa report` and `keras-isa samples`."""

import csv
import json

import numpy as np


def test_a_report_of_what_distill_has_made(run, small, npz, tmp_path):
    name = npz()
    run("distill", name, "--repeats", 2, "--output", "set.keras", "--set", "epochs=2")
    result = run("report", "set.keras", "--repeats", 2, "--networks", "mlp")
    assert result.code == 0, result.err
    first, verdict, seconds = result.out.splitlines()
    assert first == "wrote set_report.html and set_report.json"
    assert verdict.startswith("beats k-means images of the same bytes: ")
    assert seconds.endswith(" seconds")
    values = json.loads((tmp_path / "set_report.json").read_text())
    assert values["command"] == "keras-isa report set.keras --repeats 2 --networks mlp"
    made_by = f"keras-isa distill {name} --repeats 2 --output set.keras --set epochs=2"
    assert values["record"]["command"] == made_by
    assert list(values["evaluation"]["networks"]) == ["mlp"]
    assert [epoch for epoch, _ in values["curves"]["loss"]] == [1, 2]
    assert len(values["samples"]["hardest"]) == 15
    page = (tmp_path / "set_report.html").read_text()
    assert made_by in page and verdict[1:] in page


def test_a_report_without_training_images(run, asset, npz, tmp_path, problem):
    arrays = problem()
    np.savez(tmp_path / "table.npz", x=arrays["x_test"], y=arrays["y_test"])
    result = run(
        "report", asset, "--dataset", "table.npz", "--repeats", 1, "--output", "a.html", "--quiet"
    )
    assert result.code == 0, result.err
    assert result.out.splitlines()[1].endswith("not measured")
    assert json.loads((tmp_path / "a.json").read_text())["samples"] is None


def test_samples_that_the_set_explains_worst(run, asset, npz, tmp_path):
    result = run("samples", asset, "--dataset", npz(), "--count", 2, "--repeats", 1)
    assert result.code == 0, result.err
    assert result.out == "wrote set_hardest.csv and set_hardest.png\n"
    with open(tmp_path / "set_hardest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == ["0", "0", "1", "1", "2", "2"]
    losses = [float(row["loss"]) for row in rows]
    assert all(losses[k] >= losses[k + 1] for k in (0, 2, 4))
    assert (tmp_path / "set_hardest.png").stat().st_size > 1000


def test_what_is_refused(refuse, run, asset, npz, tmp_path, problem):
    name = npz()
    for words in (("report", asset), ("samples", asset)):
        assert refuse(*words).startswith("PATH: ")  # it records no data
        assert refuse(*words, "--dataset", name, "--output", "out.pdf").startswith("--output")
        assert "absent" in refuse(
            *words,
            *("--dataset", name),
            *("--output", "absent/out" + (".html" if words[0] == "report" else ".csv")),
        )
        assert refuse(words[0], "absent.keras", "--dataset", name).startswith("PATH: ")
    arrays = problem()
    np.savez(tmp_path / "table.npz", x=arrays["x_test"], y=arrays["y_test"])
    (tmp_path / "kept.png").write_text("precious")
    words = "samples", asset, "--dataset", name, "--output", "kept.csv"
    assert "would replace kept.png" in refuse(*words)
    result = run("samples", asset, "--dataset", "table.npz")
    assert result.code == 2 and "which `samples` looks at" in result.err.splitlines()[-1]
