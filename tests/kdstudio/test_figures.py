from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdstudio.charts.axes import _decades
from kdstudio.charts.figures import WIDEST, apart, clock, figure, round_end, round_range, tick


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.30574, "0.3057"), (12.3456, "12.35"), (0, "0"), (1234.5, "1,234"), (0.0000123, "1.23e−05"), (-0.5, "−0.5000"),
     (math.nan, "–"), (math.inf, "∞"), (99_999.9, "100,000"), (123456, "1.23e+05")],
)  # fmt: skip
def test_numbers_are_written_with_four_digits(value: float, words: str) -> None:
    assert figure(value) == words


@given(st.floats(1e-60, 1e9))
def test_no_number_is_longer_than_the_room_kept_for_it(value: float) -> None:
    assert len(figure(value)) <= len(WIDEST)


def test_the_ends_of_a_narrow_scale_differ() -> None:
    low, high = apart(0.100001, 0.100004)
    assert low != high


def test_values_that_differ_by_rounding_alone_share_an_axis_whose_numbers_can_be_read() -> None:
    low, high = round_range(0.5720811486, 0.5720812082)
    assert (low, high) == round_range(0.57208115, 0.57208115)
    assert high - low > 0.05


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_a_round_range_holds_the_data(low: float, span: float) -> None:
    bottom, top = round_range(low, low + span)
    assert bottom <= low + 1e-6 * span
    assert top >= low + span - 1e-6 * span


def test_a_growing_axis_doubles_until_it_is_whole() -> None:
    assert [round_end(v, 240) for v in (3, 29, 31, 119, 130, 240)] == [3.75, 30, 60, 120, 240, 240]
    assert round_end(0, 240) == 240


def test_an_axis_without_a_known_end_ends_on_a_round_number() -> None:
    assert [round_end(v, 0) for v in (0.7, 3, 130)] == [1, 5, 200]


def test_ticks_say_no_more_digits_than_they_need() -> None:
    assert [tick(v, s) for v, s in ((0.5, 0.5), (20, 10), (0.025, 0.005), (20000, 5000), (-2, 1))] == [
        "0.5", "20", "0.025", "20k", "−2"]  # fmt: skip


def test_a_time_axis_counts_in_minutes_when_seconds_get_many() -> None:
    assert [clock(v, s) for v, s in ((30, 10), (150, 30), (7800, 3600))] == ["30", "2:30", "2:10 h"]


@given(st.floats(-6, 3), st.floats(0.05, 8))
def test_a_logarithmic_axis_has_ticks_and_all_of_them_inside(low: float, span: float) -> None:
    found = _decades(low, low + span, 6)
    assert all(low - 1e-6 <= v <= low + span + 1e-6 for v in found)
    assert found
