"""Ridge regression with any kernel."""

import keras
import numpy as np

from keras_isa import DistilledData
from keras_isa.inputs.arrays import to_numpy
from keras_isa.methods.kernel_predictor import KernelPredictor


def test_predictions_are_those_of_numpy():
    rng = np.random.default_rng(0)
    x, y, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), rng.normal(size=(5, 3))
    distilled = DistilledData.from_arrays(
        x.astype("float32"), y.astype("float32"), images_per_class=2
    )

    def kernel(first, second):
        return keras.ops.square(1.0 + keras.ops.matmul(first, keras.ops.transpose(second)))

    predictor = KernelPredictor(distilled, kernel, 0.1, {"kernel": "square"})
    found = predictor(keras.ops.convert_to_tensor(t.astype("float32")), 0)
    own = (1 + x @ x.T) ** 2
    ridge = 0.1 * np.trace(own) / 4 * np.eye(4)
    expected = (1 + t @ x.T) ** 2 @ np.linalg.solve(own + ridge, y)
    np.testing.assert_allclose(to_numpy(found), expected, rtol=2e-3, atol=1e-3)
    assert predictor.members == 1
    assert predictor.get_config() == {
        "kind": predictor.name,
        "regularization": 0.1,
        "kernel": "square",
    }
