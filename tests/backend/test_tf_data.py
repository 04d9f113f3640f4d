"""tf.data, and tensorflow beside another backend."""

import keras
import numpy as np
import pytest

from keras_isa.backend import tf_data

tensorflow = pytest.importorskip("tensorflow")


def test_batches_hold_the_rows_in_order():
    images = np.arange(10, dtype="float32").reshape(5, 2, 1, 1)
    labels = np.eye(5, dtype="float32")
    batches = list(tf_data.from_arrays(images, labels, 2))
    assert [len(part) for part, _ in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate([part for part, _ in batches]), images)
    np.testing.assert_array_equal(np.concatenate([part for _, part in batches]), labels)


@pytest.mark.parametrize("error", [None, RuntimeError("started already")])
def test_tensorflow_gets_no_accelerator_beside_another_backend(monkeypatch, error):
    asked = []

    def hide(devices, kind):
        asked.append((devices, kind))
        if error is not None:
            raise error

    monkeypatch.setattr(tensorflow.config, "set_visible_devices", hide)
    for name in ("tensorflow", "jax"):
        monkeypatch.setattr(keras.backend, "backend", lambda name=name: name)
        tf_data.leave_accelerators_alone()
    assert asked == [([], "GPU")]
