"""Measures the Compare screen: twenty runs of a hundred thousand points, from opening them to the drawn plot, and panning."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, sleep

import numpy as np
from PySide6.QtWidgets import QApplication

from engine import events, presets
from engine.comparison import MOST
from engine.events import to_line
from engine.runs import RunFolder
from kdstudio.bench.line import Line
from kdstudio.charts.overlay import OverlayCard
from kdstudio.screens.compare.screen import CompareScreen

POINTS = 100_000
FRAMES = 120
PATIENCE = 120.0
"""Seconds after which nothing more is awaited."""
SIZE = (1280, 800)
DRAWN, FRAME = 500.0, 1000 / 30
"""What is asked, in milliseconds: the plot drawn, and a frame of it while it is panned."""
KEY = "distilling/loss"


def measured() -> Iterator[Line]:
    """The lines of the report; writes some 600 MB into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        paths = make_runs(Path(folder))
        screen = CompareScreen(Path(folder))
        screen.resize(*SIZE)
        screen.show()
        began = perf_counter()
        screen.compare(paths)
        card = _awaited(screen)
        opened = perf_counter() - began
        drawn = _drawn(screen, card)
        yield Line("plot of a comparison", 1000 * drawn, "ms", f"{MOST} runs of {POINTS:,} points drawn", DRAWN)
        yield Line("comparison opened", opened, "s", "the same runs, from their folders to the picture")
        frames = sorted(_panned(card))
        worst = frames[int(0.99 * len(frames))]
        yield Line("frame while panning", 1000 * float(np.mean(frames)), "ms", f"99 % within {1000 * worst:.0f} ms", FRAME)
        screen.wait()
        screen.close()


def make_runs(home: Path) -> list[Path]:
    """One run with a long log and its cache, and copies of it under other names."""
    first = RunFolder.create(home, presets.from_tree({"title": "Long"}, "a benchmark"), "long-0")
    rng = np.random.default_rng(0)
    values = (np.exp(-np.linspace(0, 4, POINTS)) + 0.05 * rng.standard_normal(POINTS)).tolist()
    lines = [
        events.RunStarted(run="long", title="Long", folder=str(first.path), seed=0, group="long"),
        events.StageStarted(stage="distilling", title="distilling", steps=POINTS, epochs=100),
        *(
            events.Step(
                stage="distilling", step=n, steps=POINTS, epoch=n * 100 // POINTS, values={"loss": value}, clock=0.01 * n
            )
            for n, value in enumerate(values, 1)
        ),
        events.RunEnded(outcome="done", sentence="Done.", results={"top1": 90.0}),
    ]
    (first.path / "events.jsonl").write_text("".join(to_line(line) + "\n" for line in lines), encoding="utf-8")
    first.columns()
    first.facts()
    copies = [home / f"long-{n}" for n in range(1, MOST)]
    for copy in copies:
        shutil.copytree(first.path, copy)
    return [first.path, *copies]


def _awaited(screen: CompareScreen) -> OverlayCard:
    """The card once it has drawn every run."""
    began = perf_counter()
    while perf_counter() - began < PATIENCE:
        QApplication.processEvents()
        for card in screen.plots.board.cards:
            if isinstance(card, OverlayCard) and card.key == KEY and len(card.drawn) == MOST:
                card.canvas.grab()
                return card
        sleep(0.001)
    raise TimeoutError(f"the runs were not drawn within {PATIENCE:g} s")


def _drawn(screen: CompareScreen, card: OverlayCard) -> float:
    """Seconds to make the picture anew from what was read."""
    began = perf_counter()
    card.redraw()
    card.canvas.grab()
    return perf_counter() - began


def _panned(card: OverlayCard) -> list[float]:
    """Seconds of each frame while going along the plot at a fifth of its width."""
    box = card.canvas.box
    box.setRange(xRange=(0, 20), padding=0, disableAutoRange=True)
    times = []
    for n in range(FRAMES):
        began = perf_counter()
        box.setRange(xRange=(n * 0.6, 20 + n * 0.6), padding=0, disableAutoRange=True)
        card.canvas.grab()
        times.append(perf_counter() - began)
    return times
