"""How soon the window is seen, whether it stays quick while it trains, and what that costs.

Every side of every ratio is a process of its own, started in turns, so that neither inherits what the other warmed up.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import presets
from engine.presets import Resolved

STARTS = 5
ROUNDS = 5
LONGER = 4
"""Times the experiment's own epochs: a run of seconds is mostly cards being made, and a pair of them scatters by a tenth."""
TICK = 4
"""Milliseconds of the timer whose lateness is measured."""

VISIBLE, LATE, SPEED = 1.0, 16.0, 0.97
"""What is asked: seconds to the first picture, milliseconds of lateness (p99), training speed of the terminal's."""

DISTILLING = "distilling"


def main(resolved: Resolved, environment: dict[str, str]) -> bool:
    """Measure and print; whether all of it is as asked."""
    starts = [_started(environment) for _ in range(STARTS)]
    seconds, torch_loaded = statistics.median(s for s, _ in starts), any(t for _, t in starts)
    _say(f"visible after        {seconds:6.2f} s    median of {STARTS} starts, asked: {VISIBLE:g} s")
    _say(f"torch loaded by then {'yes' if torch_loaded else 'no':>6}")
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "experiment.yaml"
        preset.write_text(presets.to_yaml(_lengthened(resolved)), encoding="utf-8")
        rounds = [_round(preset, Path(folder), number, environment) for number in range(ROUNDS)]
    late = statistics.median(r.late for r in rounds)
    ratios = sorted(r.window / r.terminal for r in rounds)
    ratio, spread = statistics.median(ratios), f"{ratios[0]:.3f} to {ratios[-1]:.3f}"
    _say(f"timer of {TICK} ms late    {late:6.1f} ms   p99 while training and drawing, median of {ROUNDS}, asked: {LATE:g} ms")
    _say(f"                     {max(r.latest for r in rounds):6.1f} ms   the latest of all; {_drawn(rounds)}")
    _say(f"speed in the window  {statistics.median(r.window for r in rounds):6.0f} images/s")
    _say(f"speed in a terminal  {statistics.median(r.terminal for r in rounds):6.0f} images/s")
    _say(f"window / terminal    {ratio:6.3f}      median of {ROUNDS} interleaved pairs, {spread}, asked: {SPEED:g}")
    return seconds <= VISIBLE and not torch_loaded and late <= LATE and ratio >= SPEED


def _lengthened(resolved: Resolved) -> Resolved:
    experiment = resolved.experiment.model_copy(deep=True)
    experiment.training.epochs *= LONGER
    return replace(resolved, experiment=experiment)


@dataclass(frozen=True)
class Round:
    """Lateness in milliseconds from a run with the fast timer; images a second in the window, without the timer (it is an
    instrument, and takes the interpreter 250 times a second), and in a terminal."""

    late: float
    latest: float
    cards: int
    redraws: float
    window: float
    terminal: float


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _drawn(rounds: list[Round]) -> str:
    shown = min(r.cards for r in rounds)
    return f"{shown} cards in sight, {statistics.median(r.redraws for r in rounds):.1f} redraws a second"


def _child(part: str, *words: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kdstudio.bench.live", part, *words]
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


def _round(preset: Path, folder: Path, number: int, environment: dict[str, str]) -> Round:
    """One run in the window and one in a terminal, next time in the other order; then one with the fast timer."""
    speeds = {"window": 0.0, "terminal": 0.0}
    for side in sorted(speeds, reverse=bool(number % 2)):
        runs = folder / f"{side}-{number}"
        if side == "terminal":
            speeds[side] = _in_terminal(preset, runs, environment)
        else:
            speeds[side] = _in_window(preset, runs, environment)["speed"]
    seen = _in_window(preset, folder / f"timer-{number}", environment, "timer")
    return Round(seen["late"], seen["latest"], seen["cards"], seen["redraws"], **speeds)


def _in_window(preset: Path, runs: Path, environment: dict[str, str], *words: str) -> dict[str, Any]:
    with _child("train", str(preset), str(runs), *words, environment=environment) as child:
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


class Lateness:
    """A fast timer and how late it came each time, in milliseconds."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.late: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin, once."""
        if not self._timer.isActive():
            self._timer.start()

    def stop(self) -> dict[str, float]:
        """End; the lateness that 99 of 100 ticks stay under, and the greatest."""
        self._timer.stop()
        late = sorted(self.late) or [0.0]
        return {"late": late[int(0.99 * (len(late) - 1))], "latest": late[-1]}

    def _tick(self) -> None:
        now = time.perf_counter()
        if self._last:
            self.late.append(max(0.0, 1000 * (now - self._last) - TICK))
        self._last = now


def train(preset: Path, runs: Path, timed: bool) -> None:
    """Run an experiment in a shown window and tell how fast its distilling was; `timed`: and how late a fast timer came."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from engine.events import StageEnded, Step
    from kdstudio.app import open_window

    app = QApplication(sys.argv[:1])
    window = open_window(str(preset), runs)
    window.resize(1280, 800)
    window.show()
    lateness, found = Lateness(), dict[str, Any]()

    def hear(event: object) -> None:
        if timed and isinstance(event, Step) and event.stage == DISTILLING:
            lateness.start()
        if isinstance(event, StageEnded) and event.stage == DISTILLING:
            found.update(lateness.stop(), speed=event.images / event.seconds)
            found.update(redraws=window.run.redraw.count / event.seconds, cards=len(window.run.board.visible_cards()))

    window.trainer.said.connect(hear)
    window.trainer.state_changed.connect(lambda state: state == "idle" and app.exit())  # quitting would ask the window first
    QTimer.singleShot(0, window, window.setup.start)
    app.exec()
    _say(json.dumps(found))


if __name__ == "__main__":
    visible() if sys.argv[1] == "visible" else train(Path(sys.argv[2]), Path(sys.argv[3]), "timer" in sys.argv[4:])
