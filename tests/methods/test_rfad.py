"""RFAD's losses, its learned matrix, and what `fit` leaves."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, RFADTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import InfiniteSemanticAugmentation
from keras_isa.methods import Batch, RFADConfig
from keras_isa.models import MLP, ConvNet
from keras_isa.training.running_scores import SAMPLE_LOSSES

RNG = np.random.default_rng(0)
X, Y, T = RNG.normal(size=(6, 4)), np.repeat(np.eye(3), 2, axis=0) - 1 / 3, RNG.normal(size=(9, 4))
C = np.arange(9) % 3


def made(**options):
    distilled = DistilledData.from_arrays(
        X.astype("float32"), Y.astype("float32"), images_per_class=2
    )
    distilled.learn(True)

    def build():
        return MLP((4,), 3, width=5, depth=1, initialization="nngp")

    options = {"networks": 2, "judges": 2, "regularization": 0.05, **options}
    return RFADTrainer(distilled, build, **options)


def batch():
    kinds = ((T, "float32"), (C, "int32"))
    return Batch(*(keras.ops.convert_to_tensor(one.astype(kind)) for one, kind in kinds))


def exact(networks, x, y, transform, log_temperature, loss):
    """The outer loss, from the formulas, in float64."""

    def features(rows):
        parts = []
        for network in networks:
            kernel, bias = (to_numpy(one).astype("float64") for one in network.weights[:2])
            parts.append(np.maximum(rows @ kernel + bias, 0))
        return np.concatenate(parts, axis=1) / np.sqrt(len(parts) * parts[0].shape[1])

    s, t = features(x @ transform), features(T)
    kernel = 2 * s @ s.T + 0.01
    ridge = 0.05 * np.trace(kernel) / len(x) * np.eye(len(x))
    p = (2 * t @ s.T + 0.01) @ np.linalg.solve(kernel + ridge, y)
    if loss == "squared_error":
        return 0.5 * np.mean((p - (np.eye(3)[C] - 1 / 3) / np.sqrt(0.3)) ** 2)
    z = np.exp(log_temperature) * p
    return np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(9), C])


@pytest.mark.parametrize("loss", ["platt", "squared_error"])
def test_loss_and_gradient_are_those_of_the_formulas(loss):
    trainer = made(loss=loss)
    trainer.log_temperature.assign(0.4)
    trainer.transform.assign(np.eye(4) + 0.1 * RNG.normal(size=(4, 4)))
    transform = to_numpy(trainer.transform).astype("float64")
    context = trainer.context(batch())
    learned = {k: keras.ops.convert_to_tensor(v) for k, v in trainer.learned_variables().items()}
    metrics, gradients = trainer.gradients(learned, batch(), context)
    start = {"images": X, "labels": Y, "pixel_transform": transform, "log_temperature": 0.4}
    assert set(learned) == set(start) - ({"log_temperature"} if loss != "platt" else set())

    def total(values):
        return exact(context[0], *values.values(), loss)

    assert float(to_numpy(metrics["loss"])) == pytest.approx(total(start), rel=1e-3)
    for name in learned:
        along = np.random.default_rng(1).normal(size=np.shape(start[name]))
        ends = [total({**start, name: start[name] + h * along}) for h in (1e-5, -1e-5)]
        slope = float(np.sum(to_numpy(gradients[name]) * along))
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=2e-3, abs=1e-5), name


@pytest.mark.parametrize("loss", ["platt", "squared_error"])
def test_the_module_keeps_the_hardest_and_moves_them(loss):
    parts = {"crucial_fraction": 0.5, "augmentation": InfiniteSemanticAugmentation((0.0, 0.5))}
    plain, both = made(loss=loss), made(loss=loss, **parts)
    learned = {"images": X.astype("float32"), "labels": Y.astype("float32")}
    learned = {k: keras.ops.convert_to_tensor(v) for k, v in learned.items()}
    _, simple = plain.outer_loss(learned, batch(), plain.context(batch()))
    _, found = both.outer_loss(learned, batch(), both.context(batch()))
    each = np.sort(to_numpy(simple[SAMPLE_LOSSES]))[::-1]
    np.testing.assert_allclose(np.sort(to_numpy(found[SAMPLE_LOSSES]))[::-1], each, rtol=1e-4)
    assert float(to_numpy(found["loss"])) > float(to_numpy(simple["loss"]))


def test_after_fit_the_set_is_what_was_seen_through_the_matrix(monkeypatch):
    x = np.random.default_rng(2).integers(0, 255, (30, 4, 4, 1)).astype("uint8")
    y = np.arange(30) % 3
    settings = RFADConfig.derived((4, 4, 1), 3, 30, 1, accelerated=False).with_changes(
        width=3, steps=3, epochs=1, batch_size=10, networks=2, judges=1, transform_learning_rate=0.1
    )
    trainer = RFADTrainer.from_settings(settings, DistilledData.from_samples(x, y, 1))
    apply, seen = trainer._apply_transform, {}

    def looked():
        stored, matrix = map(to_numpy, (trainer.distilled.stored["images"], trainer.transform))
        seen.update(stored=stored, matrix=matrix)
        apply()

    monkeypatch.setattr(trainer, "_apply_transform", looked)
    trainer.fit(x, y, verbose=0)
    assert np.abs(seen["matrix"] - np.eye(16)).max() > 0.01
    images = (seen["stored"].reshape(3, -1) @ seen["matrix"]).reshape(3, 4, 4, 1)
    np.testing.assert_allclose(trainer.distilled.to_numpy()[0], images, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(to_numpy(trainer.transform), np.eye(16))
    assert trainer.description()["learn_transform"] is True


def test_a_matrix_is_learned_where_it_can_be():
    x = np.random.default_rng(2).integers(0, 255, (30, 4, 4, 1)).astype("uint8")
    y = np.arange(30) % 3
    tiled = DistilledData.from_samples(x, y, 1, parametrization="multi_formation:2")

    def network():
        return ConvNet((4, 4, 1), 3, width=2)

    assert RFADTrainer(tiled, network, networks=1, judges=1).transform is None
    with pytest.raises(ValueError, match="`learn_transform` must be False"):
        RFADTrainer(tiled, network, networks=1, judges=1, learn_transform=True)
    assert made(learn_transform=False).transform is None


def test_what_is_not_usable_is_refused():
    with pytest.raises(ValueError, match="`pairing` must be"):
        made(augmentation=InfiniteSemanticAugmentation((0.0, 0.5), "all"))
    made(augmentation=InfiniteSemanticAugmentation((0.0, 0.5), "all"), loss="squared_error")
    with pytest.raises(ValueError, match="`loss` must be"):
        made(loss="hinge")
    with pytest.raises(ValueError, match="`networks`"):
        made(networks=0)
    with pytest.raises(ValueError, match="`task` must be 'classification'"):
        RFADConfig.check_task("regression")
