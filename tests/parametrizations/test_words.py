"""Parametrisations as text."""

import pytest

from keras_isa.parametrizations import (
    Bases,
    Identity,
    MultiFormation,
    Quantized,
    parametrization_of,
)

FORMS = {
    "identity": Identity(),
    "multi_formation:2": MultiFormation(2),
    "multi_formation:3:shared": MultiFormation(3, shared_labels=True),
    "bases:16": Bases(16),
    "bases:16:2": Bases(16, 2),
    "quantized:8": Quantized(8),
    "bases:16+quantized:4": Quantized(4, Bases(16)),
    "multi_formation:2:shared+quantized:1": Quantized(1, MultiFormation(2, True)),
}


@pytest.mark.parametrize("text", FORMS)
def test_text_and_back(text):
    assert parametrization_of(text) == FORMS[text]
    assert str(parametrization_of(text)) == text
    assert parametrization_of(FORMS[text]) is FORMS[text]


def test_the_identity_before_a_rounding_is_left_out():
    assert str(parametrization_of("identity+quantized:8")) == "quantized:8"


@pytest.mark.parametrize(
    "text",
    [
        *("", "none", "multi_formation", "multi_formation:", "multi_formation:x", "bases"),
        *("multi_formation:2:own", "multi_formation:2:shared:3", "bases:1:2:3", "quantized"),
        *("quantized:8+multi_formation:2", "multi_formation:2+bases:3", "identity:1", "bases:-1"),
        *("bases:3+quantized:8+quantized:4", "quantized:8+quantized:4", " identity", "IDENTITY"),
        *("bases:9999999999", "bases:٣", "bases:1e3", "multi_formation:2+", "+quantized:8"),
    ],
)
def test_other_text_is_refused_with_the_forms(text):
    with pytest.raises(ValueError, match="must be identity, multi_formation:FACTOR"):
        parametrization_of(text)


@pytest.mark.parametrize("text", ["multi_formation:9", "bases:0", "quantized:9", "bases:2:9"])
def test_numbers_out_of_range_are_named(text):
    with pytest.raises(ValueError, match=f"`parametrization`: .*Received: '{text}'"):
        parametrization_of(text)


@pytest.mark.parametrize("value", [None, 2, ["identity"], {"kind": "bases"}])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match="parametrization"):
        parametrization_of(value)


def test_long_text_is_cut():
    with pytest.raises(ValueError) as error:
        parametrization_of("x" * 10_000)
    assert len(str(error.value)) < 400
