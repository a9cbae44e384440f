"""Events are lines: every kind comes back from its line as it was, and a line that is none is said to be none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events

values = st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False), max_size=4)


@given(values=values, step=st.integers(0, 10**9), at=st.floats(0, 2e9))
def test_a_step_comes_back_as_it_was(values: dict[str, float], step: int, at: float) -> None:
    event = events.Step(at=at, stage="distilling", step=step, steps=step, epoch=1, values=values)
    assert events.from_line(events.to_line(event)) == event


def test_a_number_that_is_not_finite_travels() -> None:
    event = events.Measured(stage="s", step=1, epoch=1, values={"a": float("nan"), "b": float("-inf")})
    found = events.from_line(events.to_line(event))
    assert isinstance(found, events.Measured)
    assert math.isnan(found.values["a"]) and found.values["b"] == float("-inf")


@pytest.mark.parametrize("line", ["", "{", "[]", '{"event": "Nothing"}', '{"stage": "x"}'])
def test_what_is_no_event_raises(line: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        events.from_line(line)


def test_a_later_versions_extra_fields_are_left_out() -> None:
    line = events.to_line(events.Note(text="a")).replace('"text"', '"colour": "red", "text"')
    assert events.from_line(line) == events.Note(text="a")


def test_a_line_holds_no_line_break() -> None:
    assert "\n" not in events.to_line(events.Note(text="first\nsecond"))


def test_every_kind_of_event_is_registered_under_its_name() -> None:
    kinds = {k for k in vars(events).values() if isinstance(k, type) and issubclass(k, events.Event) and k is not events.Event}
    assert set(events.KINDS.values()) == kinds
