"""Reports of evaluations for a card."""

import json

import pytest

from keras_isa import DistilledData
from keras_isa.asset.measured import measured_table, read_report, recorded_report
from keras_isa.asset.recipe import Recipe

SCORES = {
    "accuracy_mean": 0.931,
    "accuracy_std": 0.0071,
    "krr_accuracy_mean": 0.9,
    "krr_accuracy_std": 0.0,
}


@pytest.fixture
def distilled():
    return DistilledData((4, 4, 1), 2, (1, 2))


@pytest.fixture
def write(tmp_path, distilled):
    def make(**changes):
        report = {
            **SCORES,
            "repeats": 5,
            "images_per_class": [1, 2],
            "parametrization": "identity",
            "stored_bytes": distilled.stored_bytes,
            "baselines": {"kmeans": SCORES},
            **changes,
        }
        path = tmp_path / "report.json"
        path.write_text(json.dumps(report))
        return path

    return make


def test_a_report_becomes_a_table(write, distilled):
    lines = measured_table(read_report(write(), distilled))
    assert lines[0].count("|") == lines[1].count("|") == 4
    assert lines[2] == "| k-means, nearest real images | 93.1 ± 0.7 | 90.0 ± 0.0 |"
    assert lines[3] == "| **distilled** | 93.1 ± 0.7 | 90.0 ± 0.0 |"
    assert len(measured_table(read_report(write(baselines={}), distilled))) == 3


def test_what_evaluate_gives_is_read(tmp_path, distilled):
    from keras_isa.evaluation import Evaluation, Scores, Storage

    scores, storage = Scores((0.5,), (0.25,)), Storage("identity", 3, distilled.stored_bytes, 1)
    result = Evaluation(scores, {"random": scores}, 1, distilled.images_per_class, 0.5, storage)
    (tmp_path / "a.json").write_text(json.dumps(result.to_dict()))
    assert "| random real images | 50.0 |" in "\n".join(
        measured_table(read_report(tmp_path / "a.json", distilled))
    )


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"accuracy_mean": 93.1}, "all accuracies"),
        ({"accuracy_mean": float("nan")}, "all accuracies"),
        ({"krr_accuracy_std": None}, "all accuracies"),
        ({"accuracy_std": "0.1"}, "all accuracies"),
        ({"baselines": {"own": SCORES}}, "evaluate --json"),
        ({"baselines": {"random": {}}}, "all accuracies"),
        ({"baselines": None}, "evaluate --json"),
        ({"repeats": 0}, "repeats"),
        ({"repeats": True}, "repeats"),
        ({"images_per_class": 1}, "of this set, whose images_per_class is .1, 2.; it says 1"),
        ({"stored_bytes": 7}, "of this set, whose stored_bytes"),
        ({"parametrization": "multi_formation:2"}, "of this set, whose parametrization"),
    ],
)
def test_what_is_no_report_of_the_set(write, distilled, changes, match):
    with pytest.raises(ValueError, match=f"`report` must .*{match}.*Received: report="):
        read_report(write(**changes), distilled)


@pytest.mark.parametrize("content", ["", "[1]", "hello", "[" * 100_000])
def test_other_files(tmp_path, distilled, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    for one in (path, tmp_path / "missing.json", tmp_path):
        with pytest.raises(ValueError, match="`report` must"):
            read_report(one, distilled)
    with pytest.raises(TypeError, match="`report`"):
        read_report(3, distilled)


def test_a_recorded_evaluation_by_the_own_recipe_is_taken(distilled):
    recipe = Recipe(steps=3)
    distilled.recipe.update({**recipe.to_dict(), "predictor": {"kind": "a network"}})
    protocol = {"labels": "learned", "recipe": recipe.to_dict(), "network": "convnet"}
    report = {
        **SCORES,
        "repeats": 5,
        "images_per_class": [1, 2],
        "parametrization": "identity",
        "stored_bytes": distilled.stored_bytes,
        "baselines": {"kmeans": SCORES},
        "protocol": protocol,
    }
    distilled.provenance["evaluation"] = report
    assert recorded_report(distilled) == report
    for other in (
        {**report, "protocol": {**protocol, "labels": "hard"}},
        {**report, "protocol": {**protocol, "network": "the user's"}},
        {**report, "protocol": {**protocol, "recipe": Recipe(steps=4).to_dict()}},
        {**report, "protocol": {**protocol, "recipe": {"colour": 1}}},
        {**report, "protocol": {**protocol, "recipe": None}},
        {**report, "protocol": None},
        {**report, "stored_bytes": 1},
        {**report, "accuracy_mean": 93.1},
        {**report, "baselines": {"coreset": SCORES}},
        "93.1 %",
    ):
        distilled.provenance["evaluation"] = other
        assert recorded_report(distilled) is None
