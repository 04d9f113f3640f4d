"""What sets predict by linearised networks: mirror images, the ridge, the solution."""

import numpy as np
import pytest
from keras import ops

from keras_isa import DistilledData
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods.inner_solvers import ConjugateGradients
from keras_isa.methods.linearized_predictor import LinearizedPredictor
from keras_isa.models import ConvNet, ModelPool

SHAPE, CLASSES = (4, 4, 1), 2
RNG = np.random.default_rng(0)


def tensor(array):
    return ops.convert_to_tensor(array.astype("float32"))


@pytest.fixture(scope="module")
def predictor():
    x = RNG.integers(0, 255, (8, *SHAPE)).astype("uint8")
    distilled = DistilledData.from_samples(x, np.arange(8) % 2, 2)
    build = lambda: ConvNet(SHAPE, CLASSES, width=2, activation="softplus")  # noqa: E731
    pool = ModelPool(build, SHAPE, CLASSES, size=2)
    return LinearizedPredictor(distilled, pool, ConjugateGradients(40), 0.01, flip=True)


def test_mirror_images_follow_and_do_not_count_for_the_ridge(predictor):
    images, labels = (
        to_numpy(one) for one in predictor.rows(*map(tensor, predictor.distilled.to_numpy()))
    )
    np.testing.assert_array_equal(images[4:], images[:4, :, ::-1])
    np.testing.assert_array_equal(labels[4:], labels[:4])
    assert predictor.ridge == pytest.approx(0.04)
    assert predictor.get_config()["flip"] and predictor.members == 2


def test_the_change_and_its_adjoint_solve_their_systems(predictor):
    rows = predictor.rows(*map(tensor, predictor.distilled.to_numpy()))
    network, member = predictor.network, predictor.pool.read(1)
    system = predictor.system(member, rows)
    change = predictor.change(system)
    features, moved = map(to_numpy, network.push(member, rows.images, change))
    inverse = np.linalg.inv(features.astype("float64") @ features.T + 0.04 * np.eye(8))
    back = network.pull(member, rows.images, tensor(inverse @ (to_numpy(rows.labels) - moved)))
    for one, other in zip(change, back, strict=True):  # d = J^T M (Y - J d)
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), atol=1e-3)
    gradient = [tensor(RNG.normal(size=one.shape)) for one in change]
    adjoint = predictor.adjoint(system, gradient)
    moved = to_numpy(network.push(member, rows.images, adjoint)[1])
    back = network.pull(member, rows.images, tensor(inverse @ moved))
    for q, u, other in zip(gradient, adjoint, back, strict=True):
        np.testing.assert_allclose(to_numpy(u) + to_numpy(other), to_numpy(q), atol=2e-3)
