"""Counted operations of a step."""

import dataclasses

import keras
import pytest

from keras_isa.planning import cost
from keras_isa.planning.cost import Cost, Regression


def test_a_step_is_the_sum_of_its_parts():
    plain = Cost(image=100, set_passes=lambda rows: 2 * rows)
    assert plain.step(batch_size=8, rows=3) == 100 * (8 + 6)
    assert plain.regression_seconds(3) == 0.0
    assert dataclasses.replace(plain, batch_passes=5).step(8, 3) == 100 * (5 * 8 + 6)
    regression = Regression(features=5, classes=2, copies=2)
    rows = 6  # with mirror images
    solved = 4 * rows**2 * 5 + rows**3 // 3 + 10 * rows**2 * 2
    assert regression.flops(3) == solved
    assert dataclasses.replace(regression, times=4).flops(3) == 4 * solved
    both = Cost(100, lambda rows: 2 * rows, regression)
    assert both.step(8, 3) == 100 * (8 + 6) + solved


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="forecasts are made by JAX")
def test_a_large_regression_is_timed_by_way_of_a_smaller_one(monkeypatch):
    regression = Regression(features=4, classes=2)
    assert 0 < regression.seconds(8) < 60
    monkeypatch.setattr(cost, "TRIAL_FLOPS", regression.flops(10))
    monkeypatch.setattr(cost.timeit, "repeat", lambda *args, **options: [1.0, 2.0])
    found = regression.seconds(40)  # timed with 10 rows, a second by this clock
    assert found == pytest.approx(regression.flops(40) / regression.flops(10))
