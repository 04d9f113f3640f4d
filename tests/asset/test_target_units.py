"""Standardised targets and the way back."""

import math

import numpy as np
import pytest

from keras_isa.asset.target_units import TargetUnits


def test_targets_become_standard_and_come_back():
    y = np.random.default_rng(0).normal([5.0, -3e8], [2.0, 1e6], (50, 2))
    units = TargetUnits.of(y)
    standard = units.standardized(y)
    assert standard.dtype == np.float32
    np.testing.assert_allclose(standard.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(units.restored(standard), y, rtol=1e-6)


def test_differences_that_float32_would_lose_are_kept():
    y = 1.7e9 + np.arange(10.0)[:, None]  # seconds since 1970
    standard = TargetUnits.of(y).standardized(y)
    np.testing.assert_allclose(np.diff(standard[:, 0]), 1 / np.std(np.arange(10.0)), rtol=1e-5)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.ones((4, 1)), "the same value in all rows of target 0"),
        (np.column_stack([np.arange(4.0), np.full(4, 0.1)]), "target 1"),
        (np.array([[1e300], [-1e300]]), "too far apart of target 0"),
    ],
)
def test_a_target_without_variance_is_refused(y, words):
    with pytest.raises(ValueError, match=words):
        TargetUnits.of(y)
    with pytest.raises(ValueError, match="of target h"):
        TargetUnits.of(y, ["h0", "h1"])


@pytest.mark.parametrize(
    "values",
    [
        {"mean": [0.0], "scale": [0.0]},
        {"mean": [0.0], "scale": [-1.0]},
        {"mean": [math.nan], "scale": [1.0]},
        {"mean": [0.0], "scale": [math.inf]},
        {"mean": [0.0, 1.0], "scale": [1.0]},
        {"mean": [], "scale": []},
        {"mean": ["0"], "scale": [1.0]},
        {"mean": [True], "scale": [1.0]},
        {"mean": 0.0, "scale": 1.0},
        {"mean": [0.0]},
        {"mean": [0.0], "scale": [1.0], "more": 1},
        [[0.0], [1.0]],
    ],
)
def test_hostile_values_are_refused(values):
    with pytest.raises((TypeError, ValueError), match="target_units"):
        TargetUnits.from_config(values)
    good = TargetUnits((1.0,), (2.0,))
    assert TargetUnits.from_config(good.to_dict()) == good
