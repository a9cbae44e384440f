"""How quick the table of runs is over a thousand of them: made folders, the real screen, no display."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication

from engine import presets
from engine.events import Evaluated, RunEnded, RunStarted
from engine.runs import RunFolder, marks
from kdstudio.bench.line import Line
from kdstudio.screens.runs import RunsScreen

FILTERS = ("top1 > 90 and method:dkd and tag:paper not archived", "seed = 3", "training.epochs > 10 or failed", "run 77", "")
COUNT = 1000
OPENED, FILTERED = 1.0, 0.05
"""What is asked: seconds until the table is seen, and until a filter is."""


def measured() -> Iterator[Line]:
    """The lines of the report."""
    found = measure_history(COUNT)
    yield Line("history opened", found["open"], "s", f"{COUNT:,} runs; {found['first']:.2f} s without an index", OPENED)
    yield Line("history filtered", 1000 * found["filter"], "ms", "the slowest of some filters", 1000 * FILTERED)


def measure_history(count: int) -> dict[str, float]:
    """Seconds in which a folder of so many runs is seen: `first` with no index yet, `open` with one, `again` when one of them
    has changed; and `filter`, the slowest of some filters, drawn. Needs a QApplication."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _make(home, count)
        first = _opened(home, count)[0]
        opened, screen = _opened(home, count)
        filtered = max(_timed(lambda text=text: _filter(screen, text)) for text in FILTERS)  # type: ignore[misc]
        marks.change(home / "run-1", note="changed")
        again = _timed(lambda: _look(screen, lambda: any(row.note == "changed" for row in screen.table.rows)))
        screen.wait()
        screen.deleteLater()
    return {"first": first, "open": opened, "filter": filtered, "again": again}


def _opened(home: Path, count: int) -> tuple[float, RunsScreen]:
    begun = time.perf_counter()
    screen = RunsScreen(home)
    screen.resize(1192, 800)
    screen.show()
    _wait(lambda: len(screen.table.rows) == count)
    screen.grab()
    return time.perf_counter() - begun, screen


def _filter(screen: RunsScreen, text: str) -> None:
    screen.search.setText(text)
    screen.view.viewport().repaint()


def _look(screen: RunsScreen, seen: Callable[[], bool]) -> None:
    screen.refresh()
    _wait(seen)


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _wait(seen: Callable[[], bool]) -> None:
    while not seen():
        QApplication.processEvents()
        time.sleep(0.001)


def _make(home: Path, count: int) -> None:
    """Runs of ten epochs, alike but for title, seed, result and, of some, tags."""
    first = RunFolder.create(home, presets.resolve("experiments/digits-dkd"), "first")
    for number in range(count):
        path = home / f"run-{number}"
        shutil.copytree(first.path, path)
        run = RunFolder(path)
        at = 1.7e9 + 60 * number
        run.append(
            RunStarted(
                run=path.name, title=f"Run {number // 5}", folder=str(path), seed=number % 5, group=f"g{number // 5}", at=at
            )
        )
        for epoch in range(1, 11):
            where: Any = {"stage": "distilling", "step": epoch, "epoch": epoch, "at": at + epoch, "clock": float(epoch)}
            run.append(
                Evaluated(who="student", split="test", top1=80 + epoch + number % 7, top5=99.0, loss=0.1, images=9, **where)
            )
        run.append(RunEnded(outcome="done", sentence="", results={"top1": 90.0 + number % 7, "parameters": 78_042}, clock=11.0))
        if number % 3 == 0:
            marks.write(path, marks.Marks(tags=("paper",), archived=number % 9 == 0))
    shutil.rmtree(first.path)
