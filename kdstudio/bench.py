"""`kdstudio bench window`: how soon the window is seen, whether it stays quick while it trains, and what that costs.

Every side of every ratio is a process of its own, started in turns, so that neither inherits what the other warmed up.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import presets
from engine.presets import Resolved

STARTS = 5
ROUNDS = 3
TICK = 4
"""Milliseconds of the timer whose lateness is measured."""

VISIBLE, LATE, SPEED = 1.0, 16.0, 0.97
"""What is asked: seconds to the first picture, milliseconds of lateness (p99), training speed of the terminal's."""

DISTILLING = "distilling"


def main(resolved: Resolved) -> int:
    """Measure and print; the exit code says whether all of it is as asked."""
    environment = _environment()
    starts = [_started(environment) for _ in range(STARTS)]
    seconds, torch_loaded = statistics.median(s for s, _ in starts), any(t for _, t in starts)
    _say(f"visible after        {seconds:6.2f} s    median of {STARTS} starts, asked: {VISIBLE:g} s")
    _say(f"torch loaded by then {'yes' if torch_loaded else 'no':>6}")
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "experiment.yaml"
        preset.write_text(presets.to_yaml(resolved), encoding="utf-8")
        pairs = [_pair(preset, Path(folder), number, environment) for number in range(ROUNDS)]
    late = statistics.median(w["late_p99"] for w, _ in pairs)
    ratio = statistics.median(w["speed"] / t for w, t in pairs)
    _say(f"timer of {TICK} ms late    {late:6.1f} ms   p99 while training and drawing, median of {ROUNDS}, asked: {LATE:g} ms")
    _say(f"                     {max(w['late_most'] for w, _ in pairs):6.1f} ms   the latest of all; {_drawn(pairs)}")
    _say(f"speed in the window  {statistics.median(w['speed'] for w, _ in pairs):6.0f} images/s")
    _say(f"speed in a terminal  {statistics.median(t for _, t in pairs):6.0f} images/s")
    _say(f"window / terminal    {ratio:6.3f}      median of the ratios of {ROUNDS} interleaved pairs, asked: {SPEED:g}")
    return 0 if seconds <= VISIBLE and not torch_loaded and late <= LATE and ratio >= SPEED else 1


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _drawn(pairs: list[tuple[dict[str, Any], float]]) -> str:
    shown = min(w["cards"] for w, _ in pairs)
    return f"{shown} cards in sight, {statistics.median(w['redraws'] for w, _ in pairs):.1f} redraws a second"


def _environment() -> dict[str, str]:
    """The environment of the children: without a display they draw into memory."""
    found = dict(os.environ)
    if sys.platform.startswith("linux") and not (found.get("DISPLAY") or found.get("WAYLAND_DISPLAY")):
        found.setdefault("QT_QPA_PLATFORM", "offscreen")
    return found


def _child(part: str, *words: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kdstudio.bench", part, *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _started(environment: dict[str, str]) -> tuple[float, bool]:
    """Seconds from starting a process to its window's first picture, and whether torch was loaded by then."""
    start = time.perf_counter()
    with _child("visible", environment=environment) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        seconds = time.perf_counter() - start
    if child.returncode or not line:
        raise RuntimeError("the window did not come up; run `kdstudio` to see why")
    return seconds, json.loads(line)["torch"]


def _pair(preset: Path, folder: Path, number: int, environment: dict[str, str]) -> tuple[dict[str, Any], float]:
    """One run in the window and one in a terminal, first the one, next time the other."""
    window: Callable[[], Any] = lambda: _in_window(preset, folder / f"window-{number}", environment)  # noqa: E731
    terminal: Callable[[], Any] = lambda: _in_terminal(preset, folder / f"terminal-{number}", environment)  # noqa: E731
    if number % 2:
        speed = terminal()
        return window(), speed
    return window(), terminal()


def _in_window(preset: Path, runs: Path, environment: dict[str, str]) -> dict[str, Any]:
    with _child("train", str(preset), str(runs), environment=environment) as child:
        assert child.stdout is not None
        said = child.stdout.read().strip().splitlines()
    if child.returncode or not said:
        raise RuntimeError(f"the run in the window ended with {child.returncode}; see {runs}")
    found: dict[str, Any] = json.loads(said[-1])
    return found


def _in_terminal(preset: Path, runs: Path, environment: dict[str, str]) -> float:
    """Images a second of the distilling stage, told by `kdstudio train --json`."""
    command = [sys.executable, "-m", "kdstudio.app", "train", str(preset), "--runs", str(runs), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event["event"] == "StageEnded" and event["stage"] == DISTILLING:
            return float(event["images"] / event["seconds"])
    raise RuntimeError("the run in the terminal never ended its distilling")


def visible() -> None:
    """Show the window, say so at its first picture, and leave."""
    from PySide6.QtCore import QEvent, QObject, QTimer
    from PySide6.QtWidgets import QApplication

    from kdstudio.app import DEFAULT, open_window

    class FirstPicture(QObject):
        """Speaks when the window was painted for the first time, and never again."""

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            """Wait for the paint event; what it paints is on the screen when the loop turns next."""
            if event.type() == QEvent.Type.Paint:
                watched.removeEventFilter(self)
                QTimer.singleShot(0, self, self.tell)
            return False

        def tell(self) -> None:
            """The window is seen."""
            _say(json.dumps({"torch": "torch" in sys.modules}))
            app.quit()

    app = QApplication(sys.argv[:1])
    window = open_window(DEFAULT, Path(tempfile.mkdtemp()))
    watch = FirstPicture()
    window.setup.installEventFilter(watch)
    window.resize(1280, 800)
    window.show()
    app.exec()


def train(preset: Path, runs: Path) -> None:
    """Run an experiment in a shown window, measuring a fast timer's lateness while the student is distilled."""
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from engine.events import StageEnded, Step
    from kdstudio.app import open_window

    app = QApplication(sys.argv[:1])
    window = open_window(str(preset), runs)
    window.resize(1280, 800)
    window.show()
    gaps: list[float] = []
    found: dict[str, Any] = {"redraws": 0}
    last = [0.0]

    def tick() -> None:
        now = time.perf_counter()
        if last[0]:
            gaps.append(max(0.0, 1000 * (now - last[0]) - TICK))
        last[0] = now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(TICK)
    timer.timeout.connect(tick)

    def hear(event: object) -> None:
        if isinstance(event, Step) and event.stage == DISTILLING and not timer.isActive():
            timer.start()
        if isinstance(event, StageEnded) and event.stage == DISTILLING:
            timer.stop()
            found["speed"] = event.images / event.seconds
            found["redraws"] = window.run.redraw.count / event.seconds
            found["cards"] = len(window.run.board.visible_cards())

    window.trainer.said.connect(hear)
    window.trainer.state_changed.connect(lambda state: state == "idle" and app.quit())
    QTimer.singleShot(0, window, window.setup.start)
    app.exec()
    late = sorted(gaps)
    _say(json.dumps({**found, "late_p99": late[int(0.99 * (len(late) - 1))], "late_most": late[-1]}))


if __name__ == "__main__":
    visible() if sys.argv[1] == "visible" else train(Path(sys.argv[2]), Path(sys.argv[3]))
