import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops import manifold_recall
from keras_isa.studies import study
from keras_isa.studies.diversity import untrained_network
from keras_isa.studies.experiment import PLAIN

SPACES = ("real", "random", "pixels")


def test_what_it_says(make_experiment, made_up, check):
    own = study("diversity")(make_experiment(2))
    gains = {f"easiest {share} %": 0.04 for share in (10, 20, 30)}
    found = check(own, made_up(own, 4, gains, names=SPACES))
    assert len(found.rows) == 8 and found.claims[0].verdict == "supported"
    assert "by +3.9" in found.sentences[0] or "by +4.0" in found.sentences[0]


def test_recall_in_three_spaces(make_experiment):
    experiment = make_experiment(2)
    found = study("diversity")(experiment).cells(0)["none dropped"]()
    distilled = experiment.distilled(0, **PLAIN)
    real, _ = experiment.real_images(distilled, 0)
    images, _ = distilled.to_numpy()
    assert found["pixels"] == pytest.approx(float(manifold_recall(real, images)))
    network = untrained_network(distilled, 0)
    pair = (to_numpy(network.outputs(0, one)[1]) for one in (real, images))
    assert found["random"] == pytest.approx(float(manifold_recall(*pair)))
    assert set(found) == set(SPACES)
