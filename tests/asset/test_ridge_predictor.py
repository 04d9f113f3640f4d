"""What judges a set: kernel ridge regression on the features of networks."""

import numpy as np
import pytest
from keras import ops

from keras_isa import DistilledData
from keras_isa.asset.ridge_predictor import RidgePredictor
from keras_isa.inputs.arrays import to_numpy
from keras_isa.layers import KernelRidgeRegression


class Pixels:
    """Two networks, whose features are the pixels times 1 and times 2, and their squares."""

    size = 2

    def read(self, index):
        return index + 1

    def features(self, member, images):
        rows = ops.reshape(images, (-1, 4)) * ops.cast(member, "float32")
        return ops.concatenate([rows, ops.square(rows)], axis=1)


@pytest.mark.parametrize("flip", [False, True])
def test_predictions_are_those_of_numpy(flip):
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(6, 2, 2, 1)), rng.normal(size=(6, 3))
    distilled = DistilledData.from_arrays(images.astype("float32"), labels.astype("float32"))
    targets = rng.normal(size=(5, 2, 2, 1))
    predictor = RidgePredictor(distilled, Pixels(), KernelRidgeRegression(0.1), flip=flip)
    assert predictor.members == 2
    settings = {"regularization": 0.1, "flip": flip}
    assert predictor.get_config() == {"kind": "kernel ridge regression", **settings}
    if flip:
        images, labels = np.concatenate([images, images[:, :, ::-1]]), np.tile(labels, (2, 1))
    for member in range(2):

        def features(x, member=member):
            rows = x.reshape(len(x), 4) * (member + 1)
            return np.concatenate([rows, rows**2], axis=1)

        synthetic = features(images)
        kernel = synthetic @ synthetic.T
        ridge = 0.1 * np.trace(kernel) / len(kernel) * np.eye(len(kernel))
        weights = np.linalg.solve(kernel + ridge, labels)
        expected = features(targets) @ synthetic.T @ weights
        found = to_numpy(predictor(targets.astype("float32"), member))
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
