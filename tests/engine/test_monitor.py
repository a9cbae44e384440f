"""The terminal shows what a run says while it goes."""

from __future__ import annotations

import io

from rich.console import Console

from engine import events
from engine.monitor import Monitor


def shown(*said: events.Event) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    with Monitor(console) as monitor:
        for event in said:
            monitor(event)
            monitor._bar.refresh()
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_a_download_is_a_bar_with_its_megabytes() -> None:
    begun = events.StageStarted(stage="data", title="data")
    words = shown(begun, events.Progressed(stage="data", what="a.tar.gz", done=25_000_000, total=100_000_000, unit="bytes"))
    assert "a.tar.gz: 25.0 of 100.0 MB" in words


def test_what_is_counted_otherwise_says_its_unit() -> None:
    begun = events.StageStarted(stage="data", title="data")
    words = shown(begun, events.Progressed(stage="data", what="decoding", done=1200, total=0, unit="images"))
    assert "decoding: 1,200 images" in words
