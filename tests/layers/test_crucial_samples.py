import keras
import numpy as np
import pytest

from keras_isa.layers import CrucialSamples

LOSSES = np.array([0.5, 4.0, 1.0, 4.0, 2.0], "float32")


@pytest.mark.parametrize(
    ("fraction", "keep", "expected"),
    [
        (0.6, "hardest", [1, 3, 4]),
        (0.6, "easiest", [4, 2, 0]),
        (0.1, "hardest", [1]),
        (0.1, "easiest", [0]),
        (1, "hardest", [1, 3, 4, 2, 0]),
    ],
)
def test_chooses(fraction, keep, expected):
    layer = CrucialSamples(fraction, keep)
    assert np.asarray(layer(LOSSES)).tolist() == expected
    assert layer.compute_output_shape((5,)) == (len(expected),)
    assert layer.built and layer.weights == []


def test_compares_in_float32_under_a_mixed_policy():
    # In bfloat16 these two would be equal, and the first would be chosen.
    losses = np.array([1.0, 1.0001], "float32")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert np.asarray(CrucialSamples(0.5)(losses)).tolist() == [1]
    finally:
        keras.config.set_dtype_policy(before)


def test_in_a_saved_functional_model(tmp_path):
    losses = keras.Input((), batch_size=5)
    chosen = CrucialSamples(0.6, "easiest", name="select")(losses)
    assert chosen.dtype == "int32" and chosen.shape == (3,)
    assert CrucialSamples(0.6)(keras.Input(())).shape == (None,)
    model = keras.Model(losses, chosen)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert np.asarray(restored(LOSSES)).tolist() == [4, 2, 0]


def test_serialises():
    layer = CrucialSamples(0.25, "easiest", name="named")
    restored = keras.layers.deserialize(keras.layers.serialize(layer))
    assert type(restored) is CrucialSamples
    assert restored.get_config() == layer.get_config()
    assert (restored.fraction, restored.keep) == (0.25, "easiest")


@pytest.mark.parametrize("fraction", [0, 1.01, -0.8, float("nan"), True, "0.8"])
def test_bad_fraction_is_refused_at_construction(fraction):
    with pytest.raises(ValueError, match="`fraction` must be .*Received: fraction="):
        CrucialSamples(fraction)


def test_bad_keep_is_refused_at_construction():
    message = "`keep` must be one of 'hardest', 'easiest'. Received: keep='most'"
    with pytest.raises(ValueError, match=message):
        CrucialSamples(0.8, keep="most")
