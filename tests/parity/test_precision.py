"""Networks in bfloat16; everything that is solved, learned or measured in float32."""

import keras
import numpy as np
import pytest

from keras_isa import FRePoTrainer
from keras_isa.training.run_state import state_variables


@pytest.fixture
def half():
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def fitted(digits, **changes):
    small = {"steps": 6, "epochs": 2, "width": 4, "depth": 1, "pool_size": 2, "batch_size": 32}
    trainer = FRePoTrainer.from_preset("digits", 1, verbose=False, **small, **changes)
    history = trainer.fit(digits[0], validation_split=0.1, verbose=0).history
    return trainer, history


def test_features_in_bfloat16(digits, half, tmp_path):
    trainer, history = fitted(digits)
    layers = trainer.pool.network.network.layers
    assert {layer.compute_dtype for layer in layers if layer.weights} >= {"bfloat16"}
    kinds = {keras.backend.standardize_dtype(v.dtype) for v in state_variables(trainer)}
    assert "bfloat16" not in kinds and "float32" in kinds
    assert trainer.kernel_regression.compute_dtype == "float32"
    assert all(np.isfinite(values).all() for values in history.values())
    trainer.distilled.save(tmp_path / "set.keras")
    keras.config.set_dtype_policy("float32")
    # The same run in float32 is near, and not the same.
    whole, expected = fitted(digits)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=0.05)
    assert history["loss"] != expected["loss"]
    loaded = keras.saving.load_model(tmp_path / "set.keras")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded.images), trainer.distilled.to_numpy()[0]
    )


def test_the_setting_does_what_the_global_policy_does(digits, half):
    _, expected = fitted(digits)
    keras.config.set_dtype_policy("float32")
    trainer, history = fitted(digits, dtype_policy="mixed_bfloat16")
    assert history == expected
    assert trainer.settings.to_dict()["dtype_policy"] == "mixed_bfloat16"
    assert trainer.network_dtype == "bfloat16"
    keras.config.set_dtype_policy("mixed_bfloat16")
    trainer, whole = fitted(digits, dtype_policy="float32")
    assert whole != expected and trainer.network_dtype == "float32"
