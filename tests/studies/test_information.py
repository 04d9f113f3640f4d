import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.ops import kernel_regression
from keras_isa.studies import study
from keras_isa.studies.information import Samples, parts_of


def samples_of(count, seed, classes=3):
    rng = np.random.default_rng(seed)
    y = np.arange(count) % classes
    features = rng.normal(size=(count, 6)) + 2 * np.eye(6)[y]
    return Samples(features.astype("float32"), (np.eye(classes)[y] - 1 / classes).astype("float32"))


def test_predictions_are_those_of_kernel_regression():
    first, second = samples_of(5, 0), samples_of(9, 1)
    loss, accuracy = first.predict(second, {"regularization": 1e-2})
    about = second.features, first.features, first.labels, 1e-2
    expected = to_numpy(kernel_regression(*about))
    assert loss == pytest.approx(0.5 * ((expected - second.labels) ** 2).sum(1).mean(), rel=1e-3)
    assert accuracy == np.mean(expected.argmax(1) == second.labels.argmax(1))


def test_parts_are_ranked_by_their_losses():
    samples, test = samples_of(50, 0), samples_of(7, 1)
    weights = np.random.default_rng(2).normal(size=(6, 3))
    parts = parts_of(samples, test, weights, seed=0)
    assert len(parts) == 11
    losses = {
        name: [one.losses(weights) for one in pair]
        for name, pair in parts.items()
        if "unseen" not in name
    }
    hard, easy = losses["hardest 80 % to easiest 20 %"]
    assert (len(hard), len(easy)) == (40, 10) and hard.min() >= easy.max()
    easy, hard = losses["easiest 20 % to hardest 80 %"]
    assert (len(easy), len(hard)) == (10, 40) and hard.min() >= easy.max()
    easy, hard = losses["easiest 80 % to hardest 20 %"]
    assert (len(easy), len(hard)) == (40, 10) and hard.min() >= easy.max()
    for name, pair in parts.items():
        many = 40 if "80 % to" in name and not name.startswith("easiest 20") else 10
        assert len(pair[0].features) == many, name
        assert len(pair[1].features) == (7 if "unseen" in name else 50 - many), name
    pair = parts["random 80 % to the others"]
    both = np.concatenate([one.features for one in pair])
    assert sorted(map(tuple, both)) == sorted(map(tuple, samples.features))


def test_a_whole_study(experiment, check):
    own = study("information")(experiment)
    runs = {"losses": {seed: own.cells(seed)["losses"]() for seed in (0, 1, 2)}}
    found = check(own, runs)
    means = {row["setting"]: row["loss"] for row in found.rows}
    forward, reverse = means["hardest 80 % to easiest 20 %"], means["easiest 20 % to hardest 80 %"]
    assert f"{forward:.4f}" in found.sentences[0] and f"{reverse:.4f}" in found.sentences[0]
    assert len(found.claims) == 2
    assert f"is {forward - reverse:+.4f} (" in found.sentences[2]
