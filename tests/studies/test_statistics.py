import math

import numpy as np
import pytest
from scipy import stats

from keras_isa.studies.statistics import Paired, mean_of, seeds_needed


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
    assert seeds_needed(deviation=1e-9, difference=1.0) == 2
