"""The result of an evaluation, as a table and as JSON."""

import dataclasses
import json

import numpy as np
import pytest

from keras_isa.evaluation import Evaluation, NetworkScores, Scores, Storage


def example():
    return Evaluation(
        Scores((0.5, 0.7, 0.9), (0.25, 0.25, 0.25)),
        {
            "random": Scores((0.1, 0.2, 0.3), (0.0, 0.5, 1.0)),
            "kmeans": Scores((1.0,) * 3, (0.0,) * 3),
        },
        repeats=3,
        images_per_class=10,
        seconds=1.5,
        storage=Storage("identity", 100, 29_600, 10),
    )


def test_means_and_population_deviations():
    values = json.loads(json.dumps(example().to_dict()))
    assert values["accuracy_mean"] == pytest.approx(0.7)
    assert values["accuracy_std"] == pytest.approx(np.sqrt(0.08 / 3))
    assert values["krr_accuracy_mean"] == 0.25 and values["krr_accuracy_std"] == 0
    assert (values["repeats"], values["images_per_class"], values["seconds"]) == (3, 10, 1.5)
    assert list(values["baselines"]) == ["random", "kmeans"]
    assert values["baselines"]["random"]["krr_accuracy_std"] == pytest.approx(np.sqrt(1 / 6))


def test_table_of_unequal_classes():
    result = dataclasses.replace(example(), images_per_class=(3, 1, 7))
    assert str(result).startswith("1 to 7 per class, ")
    assert json.loads(json.dumps(result.to_dict()))["images_per_class"] == [3, 1, 7]


def test_table():
    lines = str(example()).splitlines()
    assert lines[0].split("  ")[0] == "10 per class, test accuracy in %"
    # Student's t of 2 degrees of freedom: 4.303 times 0.1 / sqrt(3), and 0.2 / sqrt(3).
    assert lines[1].split() == "random real images 20.0 ± 8.2 50.0 ± 40.8 0.0 to 44.8".split()
    row = "k-means, nearest real images 100.0 ± 0.0 0.0 ± 0.0 100.0 to 100.0"
    assert lines[2].split() == row.split()
    assert lines[3].split() == "distilled 70.0 ± 16.3 25.0 ± 0.0 20.3 to 100.0".split()
    assert lines[4] == "mean ± standard deviation over 3 networks"
    assert len({len(line) for line in lines[:4]}) == 1 and len(lines) == 5


@pytest.mark.parametrize(
    ("kept", "names"), [(("random", "kmeans"), "random and k-means"), (("kmeans",), "k-means")]
)
def test_table_and_values_of_kept_scores(kept, names):
    result = dataclasses.replace(example(), kept=kept)
    assert str(result).splitlines()[5:] == [f"{names}: kept from an earlier evaluation"]
    assert json.loads(json.dumps(result.to_dict()))["kept"] == list(kept)


def test_table_and_values_of_a_parametrisation():
    storage = Storage("multi_formation:2", 400, 33_280, (11, 9))
    result = dataclasses.replace(example(), storage=storage)
    assert str(result).splitlines()[5] == (
        "distilled: 400 images by multi_formation:2 in 33,280 bytes; real images beside it: "
        "9 to 11 per class"
    )
    values = json.loads(json.dumps(result.to_dict()))
    assert values["parametrization"] == "multi_formation:2" and values["stored_bytes"] == 33_280
    assert values["images"] == 400 and values["real_images_per_class"] == [11, 9]


def test_rows_of_other_networks():
    found = NetworkScores(Scores((0.5, 0.7, 0.6), (0.5,) * 3), 0.0015, {0.0003: 0.4, 0.0015: 0.6})
    result = dataclasses.replace(example(), networks={"mlp": found}, held_out=1000)
    lines = str(result).splitlines()
    row = "distilled, on mlp, rate 0.0015 60.0 ± 8.2 50.0 ± 0.0 35.2 to 84.8"
    assert lines[4].split() == row.split()
    assert lines[5] == "rate: the learning rate, chosen on 1,000 training images"
    values = json.loads(json.dumps(result.to_dict()))["networks"]["mlp"]
    assert values["searched"] == {"0.0003": 0.4, "0.0015": 0.6}
    assert values["accuracy_mean"] == pytest.approx(0.6)


def test_top_5_of_many_classes():
    scores = Scores((0.5,) * 3, (0.5,) * 3, (0.8, 0.9, 1.0))
    result = dataclasses.replace(example(), distilled=scores, baselines={"random": scores})
    assert "top-5" not in str(result)
    many = dataclasses.replace(result, protocol={"num_classes": 100})
    assert "top-5: random real images 90.0, distilled 90.0" in str(many)
    assert result.to_dict()["top5_accuracy_mean"] == pytest.approx(0.9)
