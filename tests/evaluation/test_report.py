"""What a report says."""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_isa
from keras_isa.evaluation import Evaluation, Recipe, SampleScores, Scores, Storage, make_report
from keras_isa.evaluation.report import report_paths


def result(distilled=(0.9, 0.91), kmeans=(0.5, 0.51)):
    baselines = {} if kmeans is None else {"kmeans": Scores(kmeans, kmeans)}
    storage = Storage("identity", 6, 288, 2, 8)
    about = {"recipe": Recipe().to_dict(), "network": "convnet"}
    own = Scores(distilled, distilled)
    return Evaluation(own, baselines, 2, 2, 1.0, storage, protocol=about, device="a CPU")


@pytest.mark.parametrize(
    ("kmeans", "verdict"),
    [((0.5, 0.51), "yes"), ((0.95, 0.96), "no"), ((0.8, 0.99), "not distinguishable")],
)
def test_verdict(distilled, kmeans, verdict):
    report = make_report(distilled, result(kmeans=kmeans))
    assert report.verdict == f"beats k-means images of the same bytes: {verdict}"
    assert report.values["verdict"]["difference"]["verdict"] == verdict


def test_without_k_means_there_is_no_verdict(distilled):
    report = make_report(distilled, result(kmeans=None))
    assert report.verdict.endswith("not measured")
    assert report.values["verdict"]["difference"] is None


def test_the_json_twin_holds_all_values(distilled, data, tmp_path):
    train, _ = data
    distilled.provenance.update(
        {
            "dataset": "/home/jane/means.npz",
            "command": "keras-isa distill /home/jane/means.npz --output x/set.keras",
            "curves": [{"epoch": 1, "loss": 0.5, "accuracy": 0.2}, {"epoch": 2, "loss": 0.25}],
            "evaluation": {"large": "and old"},
        }
    )
    y = train.y
    samples = SampleScores(np.linspace(0, 1, len(y)), y, y, train.class_names, (0.5, 0.7))
    report = make_report(distilled, result(), samples=samples, x=train.x, command="keras-isa x")
    page, values = report.save(tmp_path / "report.html")
    found = json.loads(Path(values).read_text())
    assert found == json.loads(json.dumps(report.values))
    assert found["curves"] == {"loss": [[1, 0.5], [2, 0.25]], "accuracy": [[1, 0.2]]}
    assert found["samples"]["recall"] == [0.5, 0.7]
    assert len(found["samples"]["hardest"]) == 15
    assert found["samples"]["hardest"][0]["row"] == 27  # the last one of class 0
    assert found["evaluation"]["accuracy_mean"] == pytest.approx(0.905)
    assert found["record"]["command"] == "keras-isa distill means.npz --output set.keras"
    assert "evaluation" not in found["record"] and "jane" not in json.dumps(found)
    assert Path(page).read_text() == report.page


@pytest.mark.parametrize(
    "curves",
    [
        None,
        "text",
        {"epoch": 1},
        [1, None, "row"],
        [{"loss": 1.0}],
        [{"epoch": "1", "loss": 1.0}],
        [{"epoch": 1, "loss": "low", "accuracy": True, "other": float("nan")}],
        [{"epoch": 10**400, "loss": 1.0}, {"epoch": 1, "loss": 10**400}],
    ],
)
def test_a_record_of_any_kind_makes_a_page(distilled, curves):
    distilled.provenance["curves"] = curves
    report = make_report(distilled, result())
    assert report.values["curves"] == {}
    assert "no record of them" in report.page


def test_long_curves_are_thinned(distilled):
    distilled.provenance["curves"] = [{"epoch": n, "loss": 1 / n} for n in range(1, 5001)]
    line = make_report(distilled, result()).values["curves"]["loss"]
    assert len(line) == 500 and line[0][0] == 1 and line[-1][0] == 5000


def test_paths(tmp_path):
    page, values = report_paths(tmp_path / "a.html")
    assert (page.name, values.name) == ("a.html", "a.json")
    with pytest.raises(ValueError, match="must end in .html"):
        report_paths(tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="absent"):
        report_paths(tmp_path / "absent" / "a.html")
    values.write_text("precious")
    with pytest.raises(ValueError, match="must leave other files alone.*a.json"):
        report_paths(tmp_path / "a.html")
    page.write_text("an earlier report")
    assert report_paths(tmp_path / "a.html") == (page, values)


def test_what_does_not_belong_together(distilled, data):
    train, _ = data
    y = train.y
    samples = SampleScores(np.linspace(0, 1, len(y)), y, y, train.class_names)
    with pytest.raises(TypeError, match="`distilled` must be"):
        make_report(None, result())
    with pytest.raises(TypeError, match="`evaluation` must be"):
        make_report(distilled, None)
    with pytest.raises(TypeError, match="`samples` must be"):
        make_report(distilled, result(), samples="all")
    for x in (train.x[:5], list(train.x)):
        with pytest.raises(ValueError, match="`x` must hold the 30 samples"):
            make_report(distilled, result(), samples=samples, x=x)
    with pytest.raises(ValueError, match="`evaluation` must be one of this set, which has 9"):
        other = keras_isa.DistilledData.from_samples(train.x, y, 3, class_names=train.class_names)
        make_report(other, result())


def test_any_record_is_strict_json_and_utf_8(distilled, tmp_path):
    distilled.provenance.update(
        {"loss": float("nan"), "rate": float("inf"), "name": "\ud800", "command": "x '"}
    )
    report = make_report(distilled, result(), command="keras-isa report /home/jane/a.keras")
    page, values = report.save(tmp_path / "a.html")

    def refuse(constant):
        raise AssertionError(constant)

    found = json.loads(Path(values).read_text(), parse_constant=refuse)
    assert found["record"]["loss"] is None and found["record"]["rate"] is None
    assert found["command"] == "keras-isa report a.keras"
    assert Path(page).read_text("utf-8")


def test_curves_are_recorded_by_fit(data):
    train, _ = data
    settings = keras_isa.presets.settings_for(train, 1, accelerated=False)
    small = {"width": 4, "depth": 1, "steps": 4, "epochs": 2, "pool_size": 2, "batch_size": 8}
    trainer = keras_isa.FRePoTrainer.for_data(train, settings.with_changes(**small))
    trainer.fit(train, validation_split=0.2, verbose=0)
    curves = trainer.distilled.provenance["curves"]
    assert [row["epoch"] for row in curves] == [1, 2]
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(curves[0])
