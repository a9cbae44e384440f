from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdstudio.history.curve import Curve, nearest, thinned


def filled(values: list[float], steps_per_epoch: float = 10.0, began: float = 5.0) -> Curve:
    curve = Curve(steps_per_epoch, began)
    for i, value in enumerate(values, 1):
        curve.add(step=10 * i, epoch=i, clock=began + i, value=value)
    return curve


def test_a_curve_stands_over_steps_epochs_and_seconds_of_its_stage() -> None:
    curve = filled([3.0, 2.0])
    assert curve.x("step").tolist() == [10, 20]
    assert curve.x("epoch").tolist() == [1, 2]
    assert curve.x("time").tolist() == [1, 2]


def test_without_known_steps_an_epoch_is_the_number_that_was_told() -> None:
    curve = Curve()
    curve.add(step=7, epoch=3, clock=1.0, value=0.5)
    assert curve.x("epoch").tolist() == [3]


def test_what_lies_past_a_resume_is_forgotten() -> None:
    curve = filled([1.0, 2.0, 3.0])
    curve.cut(20)
    assert curve.y().tolist() == [1.0, 2.0]


def test_smoothing_continues_where_it_was_and_starts_anew_after_a_cut() -> None:
    curve, whole = filled([1.0, 5.0]), filled([1.0, 5.0, 2.0, 8.0])
    curve.smoothed(0.6)
    for i, value in ((3, 2.0), (4, 8.0)):
        curve.add(step=10 * i, epoch=i, clock=i, value=value)
    assert curve.smoothed(0.6) == pytest.approx(whole.smoothed(0.6))
    curve.cut(20)
    assert curve.smoothed(0.6) == pytest.approx(filled([1.0, 5.0]).smoothed(0.6))


def test_smoothing_begins_at_the_first_value_and_keeps_a_constant() -> None:
    assert filled([4.0, 4.0, 4.0]).smoothed(0.9) == pytest.approx([4.0, 4.0, 4.0])


def test_a_value_that_is_no_number_stays_seen_and_spoils_no_other() -> None:
    found = filled([1.0, math.nan, 1.0]).smoothed(0.9)
    assert math.isnan(found[1])
    assert found[2] == pytest.approx(1.0)


def test_no_smoothing_gives_the_values_themselves() -> None:
    assert filled([3.0, 1.0]).smoothed(0.0).tolist() == [3.0, 1.0]


@given(st.integers(2, 40_000), st.integers(0, 2**32 - 1))
def test_thinning_keeps_the_best_the_worst_and_both_ends(count: int, seed: int) -> None:
    y = np.random.default_rng(seed).standard_normal(count)
    x = np.arange(count, dtype=float)
    few_x, few_y = thinned(x, y)
    assert len(few_x) <= max(1600, min(count, 1500))
    assert few_y.max() == y.max()
    assert few_y.min() == y.min()
    assert (few_x[0], few_x[-1]) == (0, count - 1)
    assert (np.diff(few_x) > 0).all()


def test_thinning_survives_stretches_without_a_number() -> None:
    y = np.full(5000, np.nan)
    y[4000] = 7.0
    _, few = thinned(np.arange(5000.0), y)
    assert np.nanmax(few) == 7.0


def test_the_nearest_point_is_found_on_either_side() -> None:
    x = np.array([0.0, 10.0, 20.0])
    assert [nearest(x, at) for at in (-5, 4, 6, 100)] == [0, 0, 1, 2]
    assert nearest(np.array([]), 3.0) == -1
