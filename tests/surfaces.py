"""Every sheet, popup and menu that opens over the window, for tests that go over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import screens
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton, QWidget
from screens import TAUGHT, Scene

from kdstudio import bringing
from kdstudio.charts.card import Card
from kdstudio.forms import Cell
from kdstudio.widgets import asking
from kdstudio.window import Window

FOREIGN = """\
EXPERIMENT: {NAME: "", PROJECT: cifar100_baselines}
DISTILLER: {TYPE: KD, TEACHER: resnet56, STUDENT: resnet20, NOISE: 3}
SOLVER: {BATCH_SIZE: 64, EPOCHS: 240, LR: 0.05, LR_DECAY_STAGES: [150, 180, 210], LR_DECAY_RATE: 0.1}
"""


@dataclass(frozen=True)
class Surface:
    """Something that opens over a scene: its name, where it opens, and how a person opens it."""

    name: str
    scene: Scene
    open: Callable[[Window], object]


def over(window: Window) -> QWidget:
    """What lies over the window now."""
    screens.settle(window)
    if window.guide.tour is not None:
        return window.guide.tour.bubble
    front = QApplication.activePopupWidget() or QApplication.activeModalWidget()
    assert front is not None, "nothing opened"
    return front


SCENES = {scene.name: scene for scene in screens.SCENES}
SETUP, RUNS, RUN, COMPARE, LIBRARY = (SCENES[name] for name in ("setup", "runs", "run", "compare", "library"))


def _cell(window: Window, path: str) -> Cell:
    window.setup.reveal(path)
    return next(cell for cell in window.setup.findChildren(Cell) if cell.path == path)


def _field_menu(window: Window) -> None:
    cell = _cell(window, "training.epochs")
    cell.menu._open(cell.editor.geometry().center())


def _help_on_a_field(window: Window) -> None:
    _cell(window, "training.epochs")
    screens.settle(window)
    window.guide.help()


def _choose_all(window: Window) -> None:
    window.runs.choose(*sorted(path.parent for path in window.home.glob("*/experiment.yaml")))


def _one(window: Window) -> None:
    window.runs.choose(window.home / TAUGHT.name)


def _after(*calls: Callable[[Window], object]) -> Callable[[Window], None]:
    def open_(window: Window) -> None:
        for call in calls:
            call(window)

    return open_


def _import(window: Window) -> None:
    path = window.home / "kd.yaml"
    path.write_text(FOREIGN, encoding="utf-8")
    bringing.bring(window, path, window.store.catalogue, lambda name: None)


def _shown(window: Window) -> Any:
    return screens.shown(window)


def _bin(window: Window) -> None:
    window.runs.deeds.delete([row for row in window.runs.table.rows if row.state == "failed"])
    screens.settle(window)
    window.runs.deeds.open_bin()


def _menu(button: QToolButton | QPushButton) -> None:
    """What a click opens of a button that holds its menu; the click would not return until the menu is closed."""
    button.menu().popup(button.mapToGlobal(button.rect().bottomLeft()))


def _card_menu(window: Window) -> None:
    card = screens.shown(window).findChildren(Card)[0]
    card.menu.popup(card.mapToGlobal(card.rect().topRight()))


def _queue_menu(window: Window) -> None:
    queue: Any = window.page("queue")
    queue.choose([queue.queue.listing.entries[-1].key])
    queue.more.click()


def _vary_another(window: Window) -> None:
    window.lineup.sweep("training.epochs")
    sheet: Any = over(window)
    sheet.more.click()


def _duplicate(window: Window) -> None:
    library: Any = window.page("library")
    library.show_shelf("presets")
    next(b for b in library.area.findChildren(QPushButton) if b.text() == "Duplicate…").click()


def _standing_on(window: Window) -> None:
    rows = window.runs.table.rows[:1]
    window.runs.deeds._delete(rows, {rows[0].name: ("another",)})


SURFACES = (
    Surface("palette", SETUP, lambda w: w.guide.search()),
    Surface("help-on-screen", SETUP, lambda w: w.guide.help()),
    Surface("help-on-field", SETUP, _help_on_a_field),
    Surface("help-menu", SETUP, lambda w: w.guide.show_menu()),
    Surface("shortcuts", SETUP, lambda w: w.guide.shortcuts()),
    Surface("about", SETUP, lambda w: w.guide.about()),
    Surface("tour", SETUP, lambda w: w.guide.take_tour()),
    Surface("picker", SETUP, lambda w: w.setup.header.open_picker()),
    Surface("find", SETUP, lambda w: w.setup.look_for()),
    Surface("preset-menu", SETUP, lambda w: w.setup.header.more.click()),
    Surface("add-method", SETUP, lambda w: _shown(w).cards[-1].add.click()),
    Surface("field-menu", SETUP, _field_menu),
    Surface("save-as", SETUP, lambda w: w.setup.header.ask_for_name()),
    Surface("sweep", SETUP, lambda w: w.lineup.sweep("training.epochs")),
    Surface("sweep-another", SETUP, _vary_another),
    Surface("import", SETUP, _import),
    Surface("leaving", SCENES["run-running"], lambda w: w._leaving.ask()),
    Surface("tell", SETUP, lambda w: asking.tell(w, "This preset cannot be opened", "It is not there any more.")),
    Surface("choose", COMPARE, lambda w: _shown(w).choose()),
    Surface("choose-none", SCENES["compare-empty"], lambda w: _shown(w).choose()),
    Surface("save-comparison", COMPARE, lambda w: _shown(w).save.click()),
    Surface("report", COMPARE, lambda w: _menu(_shown(w).report)),
    Surface("card-menu", COMPARE, _card_menu),
    Surface("marks", RUNS, _after(_one, lambda w: w.runs.deeds.ask_marks(w.runs.chosen_all(), ["paper", "table-3"]))),
    Surface("marks-several", RUNS, _after(_choose_all, lambda w: w.runs.deeds.ask_marks(w.runs.chosen_all(), ["paper"]))),
    Surface("branch", RUNS, _after(_one, lambda w: w.runs.branch.click())),
    Surface("clean", RUNS, lambda w: w.runs.deeds.clean(w.runs.table.rows)),
    Surface("bin", RUNS, _bin),
    Surface("runs-menu", RUNS, _after(_one, lambda w: w.runs.foot.more.click())),
    Surface("runs-more", RUNS, lambda w: w.runs.head.more.click()),
    Surface("columns", RUNS, lambda w: w.runs.head.columns.click()),
    Surface("delete", RUNS, _standing_on),
    Surface("cards", RUN, lambda w: _menu(_shown(w).cards)),
    Surface("queue-menu", SCENES["queue"], _queue_menu),
    Surface("duplicate", LIBRARY, _duplicate),
)
