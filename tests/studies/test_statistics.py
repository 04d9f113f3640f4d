import math

import numpy as np
import pytest
from scipy import stats

from keras_isa.studies.statistics import (
    Paired,
    deviation_interval,
    mean_of,
    seeds_for_width,
    seeds_needed,
)


def test_a_paired_difference_is_that_of_scipys_paired_test():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.9, 0.01, 7), rng.normal(0.89, 0.01, 7)
    found = Paired.of(dict(enumerate(first)), dict(enumerate(second)))
    expected = stats.ttest_rel(first, second)
    assert found.mean == pytest.approx((first - second).mean())
    assert found.interval == pytest.approx(expected.confidence_interval(0.95))
    assert found.half_width == pytest.approx((found.interval[1] - found.interval[0]) / 2)
    told = found.verdict != "cannot be told apart"
    assert told == (expected.pvalue < 0.05)


def test_only_seeds_of_both_are_paired():
    found = Paired.of({0: 1.0, 1: 2.0, 3: 5.0}, {1: 1.5, 3: 4.0, 4: 9.0})
    assert found.differences == (0.5, 1.0)
    assert found.to_dict()["least"] == 0.5


@pytest.mark.parametrize(
    "differences, verdict",
    [
        ((0.01, 0.011, 0.012), "helps"),
        ((-0.01, -0.011, -0.012), "hurts"),
        ((-0.01, 0.011, 0.012), "cannot be told apart"),
        ((0.01, 0.01), "cannot be told apart"),
        ((0.01,), "cannot be told apart"),
        ((), "cannot be told apart"),
    ],
)
def test_verdicts(differences, verdict):
    found = Paired(differences)
    assert found.verdict == found.to_dict()["verdict"] == verdict
    assert (found.interval is None) == (len(differences) < 2)
    assert math.isinf(found.half_width) == (len(differences) < 2)


def test_the_mean_of_several_differences():
    assert mean_of([Paired((1.0, 2.0)), Paired((3.0, 6.0))]).differences == (2.0, 4.0)


@pytest.mark.parametrize("effect, count", [(1.0, 10), (0.5, 34), (0.8, 15)])
def test_seeds_that_are_needed_are_those_of_tables(effect, count):
    assert seeds_needed(1.0, effect) == count


def test_seeds_that_are_needed_by_simulation():
    count = seeds_needed(deviation=0.02, difference=0.015)
    rng = np.random.default_rng(1)
    for seeds, enough in ((count, True), (count - 3, False)):
        drawn = rng.normal(0.015, 0.02, (20_000, seeds))
        power = np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < 0.05)
        assert (power > 0.79) == enough
    assert seeds_needed(deviation=1e-9, difference=1.0) == 3
    assert seeds_needed(deviation=1.0, difference=1e-4) == 10_000


def test_the_interval_of_a_deviation_holds_it_in_95_of_100_cases():
    rng = np.random.default_rng(0)
    found = rng.normal(0, 2.0, (20_000, 5)).std(axis=1, ddof=1)
    low, high = deviation_interval(1.0, seeds=5)
    assert np.mean((found * low <= 2.0) & (found * high >= 2.0)) == pytest.approx(0.95, abs=0.005)


def test_the_seeds_that_a_width_takes():
    """Stein's interval keeps its level, and that of all seeds nearly, as the docstring says."""
    rng = np.random.default_rng(0)
    wrong, stein, widths = 0, 0, []
    for _ in range(3000):
        drawn = rng.normal(0, 1.0, 200)
        deviation = drawn[:5].std(ddof=1)
        drawn = drawn[: min(seeds_for_width(deviation, 5, 0.8), 200)]
        found = Paired(tuple(drawn))
        widths.append(found.half_width)
        wrong += found.verdict != "cannot be told apart"
        half = stats.t.ppf(0.975, 4) * deviation / np.sqrt(len(drawn))
        stein += abs(drawn.mean()) > half
    assert stein / 3000 == pytest.approx(0.05, abs=0.012)
    assert 0.05 < wrong / 3000 < 0.09
    assert np.median(widths) < 0.8
