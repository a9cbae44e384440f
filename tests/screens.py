"""Every screen of the window in every state it can be in, for tests that go over all of them and for the snapshots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patient import PatientTrainer
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget
from recorded import Recipe, record

from engine import presets
from engine.extras import catalogue
from engine.queue import AWAITED
from kdstudio.background.chores import Chores
from kdstudio.charts.redraw import Redraw
from kdstudio.entries import ENTRIES, compare
from kdstudio.store import Store
from kdstudio.window import Window

KEYS = tuple(entry.key for entry in ENTRIES)
EXPERIMENT = "experiments/digits-dkd"


@dataclass(frozen=True)
class Scene:
    """A window in a state: its name, the recorded runs in its folder, what it shows, and the trainer's state."""

    name: str
    arrange: Callable[[Window, Path], None]
    recipes: tuple[Recipe, ...] = ()


def open_window(home: Path, scene: Scene, size: tuple[int, int]) -> Window:
    """The scene's window, shown at a size. Needs a dressed application."""
    for recipe in scene.recipes:
        record(home, recipe)
    store = Store(catalogue(), home)
    store.open_preset(EXPERIMENT)
    window = Window(store, home, PatientTrainer())  # type: ignore[arg-type]
    window.resize(*size)
    window.show()
    scene.arrange(window, home)
    settle(window)
    return window


def settle(window: Window) -> None:
    """Everything that waits for its turn has had it: lists read, charts drawn, layouts done."""
    busy = True
    while busy:
        QCoreApplication.sendPostedEvents(None, 0)
        QCoreApplication.processEvents()
        for redraw in window.findChildren(Redraw):  # what is drawn may ask for more to be read
            redraw.finish()
        under_way = [chores for chores in window.findChildren(Chores) if chores.pending]
        for chores in under_way:
            chores.wait()
        busy = bool(under_way)
    for _ in range(3):
        QCoreApplication.processEvents()


def close(window: Window) -> None:
    """Let a window of these go."""
    for chores in window.findChildren(Chores):
        chores.wait()
    window.trainer.enter("idle")  # type: ignore[attr-defined]
    window.close()
    window.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _screen(key: str) -> Callable[[Window, Path], None]:
    return lambda window, home: window.go(key)


def _stored(name: str) -> Callable[[Window, Path], None]:
    return lambda window, home: window.open_run(home / name)


def _live(state: str, name: str) -> Callable[[Window, Path], None]:
    """The live screen, as if the recorded run went on."""

    def arrange(window: Window, home: Path) -> None:
        window.go("run")
        window.run.go_on(home / name)
        window.trainer.enter(state)  # type: ignore[attr-defined]

    return arrange


def _compared(window: Window, home: Path) -> None:
    """The runs of the folder side by side."""
    compare.lay(window, sorted(path.parent for path in home.glob("*/experiment.yaml")))


def _tab(words: str) -> Callable[[Window, Path], None]:
    """The runs of the folder side by side, in what another tab says of them."""

    def arrange(window: Window, home: Path) -> None:
        _compared(window, home)
        settle(window)
        screen: Any = window.page("compare")
        tabs = screen.tabs
        tabs.setCurrentIndex(next(n for n in range(tabs.count()) if tabs.tabText(n) == words))

    return arrange


def _shelf(name: str) -> Callable[[Window, Path], None]:
    """Another shelf of the library."""

    def arrange(window: Window, home: Path) -> None:
        window.go("library")
        library: Any = window.page("library")
        library.show_shelf(name)

    return arrange


def _waiting(window: Window, home: Path) -> None:
    """A teacher that trains, what stands on its student, and the control runs of another experiment."""
    queue = window.lineup.queue
    first = presets.resolve("experiments/digits-labels", form={"title": "The teacher, a ResNet-20", "student.net": "resnet20"})
    queue.start(first)
    teacher = {"teacher.net": "resnet20", "teacher.source": "run", "teacher.run": AWAITED + queue.listing.entries[0].key}
    queue.put([presets.resolve("experiments/digits-kd", form={"title": "KD from it", **teacher})])
    window.lineup.controls_of(presets.resolve(EXPERIMENT))
    window.go("queue")


DONE = Recipe(epochs=12)
TAUGHT = Recipe(name="20250305-080000-digits-dkd-s0", title="DKD on digits", teacher=True, epochs=12, seed=1)
RUNNING = Recipe(name="20250306-090000-digits-reffakd-s1", until=0.6, outcome="", epochs=12, seed=2)
FAILED = Recipe(name="20250307-070000-digits-dkd-s1", title="DKD, batch 4096", teacher=True, until=0.3, outcome="failed")
ALL = (DONE, TAUGHT, RUNNING, FAILED)
TABS = ("Results", "Settings", "Matrices")
"""Tabs of a comparison beside its plots; what was varied, and what it cost, need more finished runs."""
SHELVES = ("nets", "teachers")
"""Shelves that look alike everywhere: datasets lie on the disk or not, and presets in a folder that is named."""


def _wrong(window: Window, home: Path) -> None:
    """A form with something to mend."""
    window.store.set_value("training.epochs", -3)
    window.setup.reveal("training.epochs")


SCENES = (
    *(Scene(f"{key}-empty", _screen(key)) for key in KEYS if key != "setup"),
    Scene("setup", _screen("setup")),
    Scene("setup-wrong", _wrong),
    Scene("run", _stored(TAUGHT.name), (TAUGHT,)),
    Scene("run-reffakd", _stored(DONE.name), (DONE,)),
    Scene("run-running", _live("running", RUNNING.name), (RUNNING,)),
    Scene("run-paused", _live("paused", RUNNING.name), (RUNNING,)),
    Scene("run-failed", _stored(FAILED.name), (FAILED,)),
    Scene("compare", _compared, ALL),
    *(Scene(f"compare-{tab.lower()}", _tab(tab), ALL) for tab in TABS),
    Scene("queue", _waiting),
    *(Scene(f"library-{shelf}", _shelf(shelf)) for shelf in SHELVES),
    *(Scene(key, _screen(key), ALL) for key in KEYS if key not in ("setup", "run", "compare", "queue")),
)
"""What is looked at; a screen that is new in the rail is here by itself, empty and over recorded runs."""


def shown(window: Window) -> QWidget:
    """The screen that is seen now."""
    return window._screens.currentWidget()
