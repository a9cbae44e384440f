"""What the Run screen costs, for `kdstudio bench window`: very many curves, and memory over many events."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Iterator
from time import monotonic, thread_time

import numpy as np
import psutil
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from engine import events
from kdstudio.bench.line import Line
from kdstudio.charts import curves as drawn
from kdstudio.charts.curves import CurveCard, Plot
from kdstudio.charts.lens import Lens
from kdstudio.history import History
from kdstudio.screens.run.screen import RunScreen

CURVES, POINTS = 500, 400
TIMES = 9
GROWTH = 5.0
"""Percent: what is asked."""
WARM = 10.0
"""Seconds of events before memory is looked at: what is made once is made by then."""
STEPS, EPOCHS, REPORTS = 50_000, 20, 10
"""Of the run that is said over and over."""


def measure_curves(curves: int = CURVES, points: int = POINTS) -> tuple[float, float]:
    """Median milliseconds of the window's thread for a redraw and for a picture of a card of so many curves."""
    card = CurveCard(_plot(curves), _history(curves, points), Lens())
    card.resize(760, 480)
    card.show()
    redraws, pictures = list[float](), list[float]()
    for _ in range(TIMES):
        start = thread_time()
        card.redraw()
        middle = thread_time()
        card.canvas.viewport().repaint()
        QApplication.processEvents()
        redraws.append(middle - start)
        pictures.append(thread_time() - middle)
    card.close()
    card.deleteLater()
    return 1000 * statistics.median(redraws), 1000 * statistics.median(pictures)


def measure_memory(seconds: float = 60.0, rate: int = 10_000) -> tuple[float, float]:
    """Growth of the process in percent while a shown screen hears `rate` events a second for so long, after a warm-up; and how
    many events a second it heard indeed."""
    screen = RunScreen()
    screen.resize(1192, 800)
    screen.show()
    said = _said_forever()
    _hear(screen, said, min(WARM, seconds), rate)
    before = _resident()
    heard = _hear(screen, said, seconds, rate)
    growth = 100 * (_resident() - before) / before
    screen.close()
    screen.deleteLater()
    return growth, heard / seconds


def _plot(curves: int) -> Plot:
    lines = {f"curve {i}": drawn.Line(f"curve {i}", i) for i in range(curves)}
    return Plot("measured", "Measured", lines.get)


def _history(curves: int, points: int) -> History:
    """So many random walks."""
    walks = np.random.default_rng(0).standard_normal((points, curves)).cumsum(axis=0)
    names = [f"curve {i}" for i in range(curves)]
    history = History()
    history.take(events.StageStarted(stage="work", title="work", steps=points, epochs=10))
    for step, values in enumerate(walks.tolist(), 1):
        history.take(_step(step, points, 1, dict(zip(names, values, strict=True))))
    return history


def _said_forever() -> Iterator[events.Event]:
    """Runs one after the other, as the repeats of an experiment are."""
    plan = {"terms": [{"name": "ce", "title": "labels", "weight": 1.0}], "stages": [{"name": "work", "title": "work"}]}
    chance = np.random.default_rng(0)
    while True:
        yield events.RunStarted(run="measured", title="Measured", folder="", seed=0, group="measured", plan=plan)
        yield events.StageStarted(stage="work", title="work", steps=STEPS, epochs=EPOCHS)
        for report in range(1, STEPS // REPORTS + 1):
            step = report * REPORTS
            epoch = 1 + (step - 1) * EPOCHS // STEPS
            loss, ce, speed = chance.random(3).tolist()
            yield _step(step, STEPS, epoch, {"loss": loss, "ce": ce, "images_per_second": speed, "learning_rate": 0.1})
            yield events.Measured(stage="work", step=step, epoch=epoch, clock=float(step), values={"agreement": 100 * ce})
        yield events.RunEnded(outcome="done", sentence="Measured.", results={})


def _step(step: int, steps: int, epoch: int, values: dict[str, float]) -> events.Step:
    return events.Step(stage="work", step=step, steps=steps, epoch=epoch, clock=float(step), values=values)


def _hear(screen: RunScreen, said: Iterator[events.Event], seconds: float, rate: int) -> int:
    """Let the screen hear as from the trainer's mailbox, 20 times a second; how many events it heard. In a loop of Qt's own,
    for only there is what was put away deleted."""
    loop, timer = QEventLoop(), QTimer()
    begin, heard = monotonic(), 0

    def drain() -> None:
        nonlocal heard
        until = min(monotonic() - begin, seconds)
        for _ in range(min(int(until * rate) - heard, rate)):
            screen.receive(next(said))
            heard += 1
        if until >= seconds:
            loop.quit()

    timer.timeout.connect(drain)
    timer.start(50)
    loop.exec()
    return heard


def _resident() -> int:
    """Bytes in memory, what nobody needs any more given back before."""
    loop = QEventLoop()
    QTimer.singleShot(500, loop.quit)
    loop.exec()
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def measured() -> Iterator[Line]:
    """The lines of the report."""
    redraw, paint = measure_curves()
    yield Line(f"{CURVES} curves", redraw, "ms", f"of the window's thread a redraw, and {paint:.0f} ms to paint it")
    growth, heard = measure_memory()
    yield Line("memory grows by", growth, "%", f"while {heard:,.0f} events a second are heard for a minute", GROWTH)
