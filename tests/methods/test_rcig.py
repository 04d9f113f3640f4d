"""RCIG's loss and both parts of its gradient, against float64 NumPy that solves all systems."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, RCIGTrainer
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import InfiniteSemanticAugmentation
from keras_isa.methods import Batch, rcig
from keras_isa.methods.rcig import _at_most
from keras_isa.methods.rcig_config import RCIGConfig

SIZE, HIDDEN, CLASSES, ROWS, TARGETS = 4, 3, 3, 6, 10
RIDGE = 0.05
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, SIZE))
Y = np.repeat(np.eye(CLASSES), 2, axis=0) - 1 / CLASSES + 0.1 * RNG.normal(size=(ROWS, CLASSES))
T = RNG.normal(size=(TARGETS, SIZE))
C = np.arange(TARGETS) % CLASSES


def build():
    inputs = keras.Input((SIZE,))
    features = keras.layers.Dense(HIDDEN, activation="tanh", name="body")(inputs)
    return keras.Model(inputs, [keras.layers.Dense(CLASSES, name="head")(features), features])


def made(interval=(0.0, 0.0), fraction=1.0, pairing="nearest", **options):
    labels = Y.astype("float32")
    distilled = DistilledData.from_arrays(X.astype("float32"), labels, images_per_class=2)
    distilled.learn(True)
    options = {"solver_steps": 30, "regularization": RIDGE / ROWS, "pool_size": 1, **options}
    return RCIGTrainer(
        distilled,
        build,
        crucial_fraction=fraction,
        augmentation=InfiniteSemanticAugmentation(interval, pairing),
        **options,
    )


def batch():
    return Batch(
        keras.ops.convert_to_tensor(T.astype("float32")),
        keras.ops.convert_to_tensor(C.astype("int32")),
    )


def exact(weights, x, y, log_temperature, interval=(0.0, 0.0), fraction=1.0):
    """The outer loss, with every system solved, written from the formulas."""
    body, bias, head, _ = weights

    def features_of(rows):
        return np.tanh(rows @ body + bias)

    def jacobian(rows):
        """`(rows, classes, weights)`: the logits by the weights of the body."""
        slope = (1 - features_of(rows) ** 2)[:, :, None] * head[None]  # (n, hidden, C)
        by_kernel = np.einsum("ni,nhc->ncih", rows, slope).reshape(len(rows), CLASSES, -1)
        return np.concatenate([by_kernel, slope.transpose(0, 2, 1)], axis=2)

    h, j = features_of(x), jacobian(x)
    inverse = np.linalg.inv(h @ h.T + RIDGE * np.eye(len(x)))
    normal = np.eye(j.shape[2]) + np.einsum("ncp,nm,mcq->pq", j, inverse, j)
    change = np.linalg.solve(normal, np.einsum("ncp,nm,mc->p", j, inverse, y))
    predicted = jacobian(T) @ change
    predicted = predicted + features_of(T) @ h.T @ inverse @ (y - j @ change)
    logits, truth = np.exp(log_temperature) * predicted, np.eye(CLASSES)[C]

    def entropy(z, y):
        return np.log(np.exp(z).sum(axis=1)) - (y * z).sum(axis=1)

    kept = np.argsort(-entropy(logits, truth))[: int(fraction * TARGETS)]
    z, t = logits[kept], truth[kept]
    unit = features_of(T)[kept]
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    partners = (unit @ unit.T - 9 * np.eye(len(kept))).argmax(axis=1)
    loss, (low, high) = 0.0, interval
    for node, weight in zip(*np.polynomial.legendre.leggauss(20), strict=True):
        a = (low + high) / 2 + (high - low) / 2 * node
        moved = z + a * (z - z[partners]), t + a * (t - t[partners])
        loss = loss + weight / 2 * entropy(*moved).mean()
    top = np.sort(y, axis=1)
    return loss - np.minimum(top[:, -1] - top[:, -2], 0.5 / CLASSES).mean()


def weights_of(trainer):
    return [to_numpy(one).astype("float64") for one in trainer.pool.read(0).weights]


def learned_of(trainer):
    return {k: keras.ops.convert_to_tensor(v) for k, v in trainer.learned_variables().items()}


CASES = {
    "plain": {},
    "crucial": {"fraction": 0.7},
    "isa": {"interval": (0.0, 0.5)},
    "both": {"interval": (-1.0, 0.0), "fraction": 0.7},
}


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_the_exact_one(case):
    """Direct and implicit part together, where the latter is not cut."""
    trainer = made(**CASES[case])
    trainer.leave_gradients_whole()
    trainer.log_temperature.assign(0.7)
    context = trainer.context(batch())
    metrics, gradients = trainer.gradients(learned_of(trainer), batch(), context)
    weights, start = weights_of(trainer), {"images": X, "labels": Y, "log_temperature": 0.7}

    def loss(values):
        return exact(weights, *values.values(), **CASES[case])

    margin = float(to_numpy(metrics["label_margin"]))
    assert float(to_numpy(metrics["loss"])) - margin == pytest.approx(loss(start), abs=1e-4)
    for name, value in start.items():
        along = np.random.default_rng(3).normal(size=np.shape(value))
        ends = [loss({**start, name: value + step * along}) for step in (1e-6, -1e-6)]
        slope = float(np.sum(to_numpy(gradients[name]) * along))
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-3, abs=1e-4), name


def test_the_implicit_part_is_there_and_is_cut(monkeypatch):
    trainer, parts = made(), []

    def seen(part, direct, limit):
        parts.append((to_numpy(part), to_numpy(direct)))
        return _at_most(part, direct, limit)

    monkeypatch.setattr(rcig, "_at_most", seen)
    trainer.gradients(learned_of(trainer), batch(), trainer.context(batch()))
    implicit, direct = parts[list(trainer.learned_variables()).index("images")]
    assert np.linalg.norm(implicit) > 0.01 * np.linalg.norm(direct)


@pytest.mark.parametrize(
    ("part", "limit", "expected"),
    [
        ([6.0, 8.0], 1.0, [3.0, 4.0]),
        ([6.0, 8.0], 0.5, [1.5, 2.0]),
        ([0.3, 0.4], 1.0, [0.3, 0.4]),
        ([np.nan, 1.0], 1.0, [0.0, 0.0]),
        ([60.0, 80.0], None, [60.0, 80.0]),
    ],
)
def test_the_implicit_part_is_at_most_as_long_as_the_direct_one(part, limit, expected):
    found = _at_most(*(keras.ops.array(one, "float32") for one in (part, [0.0, 5.0])), limit)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-6)


def test_adam_that_has_converged_gives_the_same_gradient():
    exact_one, by_adam = made(), made(solver="adam", solver_steps=3000)
    by_adam.solver.rates.assign([0.003, 3.0])
    found = [
        one.gradients(learned_of(one), batch(), one.context(batch()))[1]["images"]
        for one in (exact_one, by_adam)
    ]
    first, second = map(to_numpy, found)
    assert np.linalg.norm(first - second) < 0.05 * np.linalg.norm(first)


def test_the_set_predicts_held_out_images_as_it_does_a_batch():
    trainer = made()
    predicted = to_numpy(trainer.predictor(batch().images, 0))
    _, metrics = trainer.outer_loss({**learned_of(trainer)}, batch(), (0, trainer.pool.read(0)))
    (right,) = metrics["accuracy"]
    np.testing.assert_array_equal(to_numpy(right), predicted.argmax(axis=1) == C)
    z = predicted  # the temperature is 1
    loss = np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(TARGETS), C])
    assert float(to_numpy(metrics["loss"])) == pytest.approx(loss, abs=1e-4)


def test_what_is_not_usable_is_refused():
    with pytest.raises(ValueError, match="`pairing` must be"):
        made((0.0, 0.5), pairing="all")
    with pytest.raises(ValueError, match="`flip` must be False"):
        made(flip=True)
    with pytest.raises(ValueError, match="`solver`"):
        made(solver="newton")
    with pytest.raises(ValueError, match="`regularization`"):
        made(regularization=0.0)
    with pytest.raises(ValueError, match="`task` must be 'classification'"):
        RCIGConfig.check_task("regression")
