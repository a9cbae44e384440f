"""Paired statistics against SciPy and plain loops."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.paired import Difference, difference, spread, t_probability, t_quantile


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 10, 29, 30, 100, 1001])
@pytest.mark.parametrize("probability", [0.5, 0.6, 0.9, 0.975, 0.995])
def test_quantiles_of_t_are_scipys(freedom: int, probability: float) -> None:
    assert t_quantile(probability, freedom) == pytest.approx(stats.t.ppf(probability, freedom), rel=1e-8, abs=1e-10)


@given(value=st.floats(0, 50), freedom=st.integers(1, 60))
def test_probabilities_of_t_are_scipys(value: float, freedom: int) -> None:
    assert t_probability(value, freedom) == pytest.approx(stats.t.cdf(value, freedom), abs=1e-12)


@pytest.mark.parametrize(("probability", "freedom"), [(0.4, 3), (1.0, 3), (0.9, 0)])
def test_a_quantile_that_is_none_is_refused(probability: float, freedom: int) -> None:
    with pytest.raises(ValueError, match="no quantile of t"):
        t_quantile(probability, freedom)


def test_a_paired_interval_is_that_of_the_paired_t_test() -> None:
    ours, theirs = {0: 90.1, 1: 89.4, 2: 91.0, 3: 90.5}, {0: 89.0, 1: 89.5, 2: 90.2, 3: 88.9}
    found = difference(ours, theirs)
    test = stats.ttest_rel(list(ours.values()), list(theirs.values())).confidence_interval(0.95)
    assert found is not None and found.half is not None
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((test.low, test.high), rel=1e-8)
    assert found.pairs == 4


def test_only_seeds_that_both_have_are_paired() -> None:
    assert difference({0: 5.0, 1: 7.0, 9: 100.0}, {1: 4.0, 0: 1.0, 8: -50.0}) == Difference(
        3.5, pytest.approx(t_quantile(0.975, 1) * statistics.stdev([4.0, 3.0]) / math.sqrt(2)), 2
    )


def test_a_single_pair_has_no_interval_and_none_no_difference() -> None:
    assert difference({3: 2.0}, {3: 1.5}) == Difference(0.5, None, 1)
    assert difference({1: 2.0}, {2: 1.5}) is None


def test_a_spread_is_the_sample_mean_and_deviation() -> None:
    values = [88.0, 90.5, 91.25]
    found = spread(values)
    assert found is not None
    mean = sum(values) / 3
    assert found.mean == pytest.approx(mean)
    assert found.deviation == pytest.approx(math.sqrt(sum((v - mean) ** 2 for v in values) / 2))
    one = spread([4.0])
    assert one is not None and one.deviation is None
    assert spread([]) is None
