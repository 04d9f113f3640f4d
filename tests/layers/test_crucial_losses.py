"""Losses of crucial samples with ISA, against NumPy."""

import numpy as np
import pytest
from keras import ops

from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import CrucialSamples, InfiniteSemanticAugmentation
from keras_isa.layers.crucial_losses import crucial_cross_entropy, crucial_squares

RNG = np.random.default_rng(0)
Z, F = RNG.normal(size=(8, 3)), RNG.normal(size=(8, 4))
Y, IDS = np.eye(3)[np.arange(8) % 3], np.arange(8) % 3


def tensors(*arrays):
    kinds = {"i": "int32", "f": "float32"}
    return [ops.convert_to_tensor(one.astype(kinds[one.dtype.kind])) for one in arrays]


def partners_of(features):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    return (unit @ unit.T - 9 * np.eye(len(unit))).argmax(axis=1)


@pytest.mark.parametrize("interval", [(0.0, 0.0), (0.0, 0.5)])
def test_squares_of_the_hardest_with_their_mean_over_the_interval(interval):
    parts = CrucialSamples(0.5), InfiniteSemanticAugmentation(interval)
    loss, each = crucial_squares(*parts, *tensors(Z, F, IDS))
    np.testing.assert_allclose(to_numpy(each), 0.5 * np.sum(Z**2, axis=1), rtol=1e-5)
    kept = np.argsort(-np.sum(Z**2, axis=1))[:4]
    z = Z[kept]
    moved = (
        z[:, None] + np.linspace(*interval, 2001)[:, None] * (z - z[partners_of(F[kept])])[:, None]
    )
    assert float(to_numpy(loss)) == pytest.approx(np.mean(moved**2), rel=1e-3)


@pytest.mark.parametrize("interval", [(0.0, 0.0), (-1.0, 0.0)])
def test_cross_entropy_of_the_hardest_with_its_mean_over_the_interval(interval):
    parts = CrucialSamples(0.5), InfiniteSemanticAugmentation(interval)
    loss, each = crucial_cross_entropy(*parts, *tensors(Z, Y, F, IDS))

    def entropy(z, y):
        return np.log(np.exp(z).sum(axis=-1)) - (z * y).sum(axis=-1)

    np.testing.assert_allclose(to_numpy(each), entropy(Z, Y), rtol=1e-4, atol=1e-6)
    kept = np.argsort(-entropy(Z, Y))[:4]
    z, y, partners = Z[kept], Y[kept], partners_of(F[kept])
    a = np.linspace(*interval, 2001)[:, None, None]
    expected = entropy(z + a * (z - z[partners]), y + a * (y - y[partners])).mean()
    assert float(to_numpy(loss)) == pytest.approx(expected, abs=1e-3)
