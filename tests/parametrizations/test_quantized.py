"""Pixels of few bits, compared with rounding written out."""

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import backend
from keras_isa.parametrizations import Identity, MultiFormation, Quantized
from keras_isa.parametrizations.quantized import round_straight_through


@pytest.mark.parametrize("bits", range(1, 9))
def test_each_row_has_as_many_values_as_bits_allow(bits, rng):
    values = rng.normal(size=(3, 40, 30)).astype("float32") * [[[1.0]], [[100.0]], [[1e-3]]]
    values = values.astype("float32")
    found = keras.ops.convert_to_numpy(round_straight_through(values, bits))
    for row, original in zip(found, values, strict=True):
        low, high = original.min(), original.max()
        step = (float(high) - float(low)) / (2**bits - 1)
        expected = low + np.round((original.astype("float64") - low) / step) * step
        # A value in the middle of two may be rounded to either.
        assert np.mean(np.abs(row - expected) > 1e-5 * (high - low)) < 0.01
        assert len(np.unique(row)) <= 2**bits
        assert np.abs(row - original).max() <= 0.5001 * step


def test_gradients_pass_through():
    def loss(values):
        return keras.ops.sum(round_straight_through(values, 2) ** 2), ()

    values = keras.ops.convert_to_tensor(np.array([[0.0, 0.2, 0.9, 3.0]], "float32"))
    _, gradient = backend.current().value_and_grad(loss)(values)
    rounded = keras.ops.convert_to_numpy(round_straight_through(values, 2))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(gradient), 2 * rounded, atol=1e-6)


@pytest.mark.parametrize("bits", range(1, 9))
def test_rounding_again_changes_nothing(bits, rng):
    values = rng.normal(size=(2, 100)).astype("float32")
    once = keras.ops.convert_to_numpy(round_straight_through(values, bits))
    again = keras.ops.convert_to_numpy(round_straight_through(once, bits))
    np.testing.assert_allclose(again, once, atol=1e-6)


def test_rows_of_equal_values_stay():
    values = np.full((2, 5), 7.5, "float32")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(round_straight_through(values, 8)), values
    )
    packed = Quantized(3).pack({"images": values, "labels": np.zeros((2, 2), "float32")})
    back = Quantized(3).unpack(packed, {"images": (2, 5), "labels": (2, 2)})
    np.testing.assert_array_equal(back["images"], values)


def test_eight_bits_take_a_quarter_of_the_bytes(rng):
    shapes = Quantized(8).shapes((28, 28, 1), 10, (1,) * 10)
    values = {name: rng.normal(size=shape).astype("float32") for name, shape in shapes.items()}
    packed = Quantized(8).pack(values)
    assert packed["images"].nbytes == values["images"].nbytes // 4
    assert Quantized(4).pack(values)["images"].nbytes == values["images"].nbytes // 8
    assert packed["labels"] is values["labels"]


@pytest.mark.parametrize("bits", [0, 9, -1, 2.5])
def test_bits_out_of_range_are_refused(bits):
    with pytest.raises(ValueError, match="bits"):
        Quantized(bits)


@pytest.mark.parametrize("inner", [Quantized(4), "identity", None])
def test_only_a_parametrisation_of_whole_pixels_is_rounded(inner):
    with pytest.raises(TypeError, match="not rounded already"):
        Quantized(4, inner)


def test_it_is_for_the_images_that_its_inner_one_is_for():
    with pytest.raises(ValueError, match="needs images of at least"):
        Quantized(4, MultiFormation(2)).check((5,), 3)
    Quantized(4, Identity()).check((5,), 3)


@pytest.mark.parametrize("text", ["quantized:3", "quantized:8", "multi_formation:2+quantized:4"])
def test_pixels_half_way_between_two_codes_are_in_a_file_what_they_are_here(text, tmp_path):
    # Digits have pixels of 0 to 16: 8 is half-way between two of 256 codes.
    x = (np.arange(40 * 64) % 17).reshape(40, 8, 8, 1).astype("float32")
    about = {"parametrization": text, "pixel_range": (0, 16)}
    distilled = keras_isa.DistilledData.from_samples(x, np.arange(40) % 2, 5, **about)
    distilled.save(tmp_path / "set.keras")
    there = keras_isa.load(tmp_path / "set.keras").to_numpy()[0]
    np.testing.assert_allclose(there, distilled.to_numpy()[0], atol=1e-6)
