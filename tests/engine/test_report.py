"""Progress is said often enough to be seen and seldom enough not to matter."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_runs

from engine.events import Event, Progressed
from engine.ledger import Clock
from engine.report import Reporter


@pytest.fixture
def said(tmp_path: Path) -> tuple[Reporter, list[Event]]:
    heard: list[Event] = []
    reporter = Reporter(small_runs.make(tmp_path, "a-run"), heard.append, Clock(), (), {})
    reporter.stage = "data"
    return reporter, heard


def test_beginning_and_end_are_said_and_little_between(said: tuple[Reporter, list[Event]]) -> None:
    reporter, heard = said
    for done in range(0, 1001, 10):
        reporter.progress("a file", done, 1000, "bytes")
    assert [(e.done, e.stage) for e in heard if isinstance(e, Progressed)] == [(0, "data"), (1000, "data")]


def test_a_quarter_of_a_second_later_it_is_said_again(
    said: tuple[Reporter, list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter, heard = said
    now = [0.0]
    monkeypatch.setattr("engine.report.time.monotonic", lambda: now[0])
    for done in range(11):
        reporter.progress("a file", done, 1000, "bytes")
        now[0] += 0.1
    assert [e.done for e in heard if isinstance(e, Progressed)] == [0, 3, 6, 9]


def test_another_thing_is_told_at_once(said: tuple[Reporter, list[Event]]) -> None:
    reporter, heard = said
    reporter.progress("one", 1, 0, "bytes")
    reporter.progress("two", 1, 0, "images")
    assert [e.what for e in heard if isinstance(e, Progressed)] == ["one", "two"]
