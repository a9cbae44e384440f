"""How quick the form is: sixty settings shown, and one of them changed. The real widgets, no display."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget

from engine.experiment import section_specs
from engine.extras import catalogue
from kdstudio.bench.line import Line
from kdstudio.forms import Form
from kdstudio.store import Store
from kdstudio.widgets import boxes

PRESET = "experiments/digits-reffakd-dkd-add"
SECTIONS = ("training", "dataset", "run", "teacher", "student", "methods.reffakd")
TIMES = 7
SHOWN = 0.1
"""What is asked: seconds until a form of sixty settings is seen."""


def measured() -> Iterator[Line]:
    """The lines of the report: medians, for the first form pays for what Qt loads once."""
    found = [measure_form() for _ in range(TIMES)]
    shown, changed = (1000 * statistics.median(f[name] for f in found) for name in ("shown", "changed"))
    yield Line("form shown", shown, "ms", f"of {found[0]['settings']:.0f} settings, median of {TIMES}", 1000 * SHOWN)
    yield Line("form changed", changed, "ms", "one value judged and drawn")


def measure_form() -> dict[str, float]:
    """Seconds in which a page of forms is made and drawn (`shown`, of so many `settings`, advanced ones too) and in which one
    typed value is judged and drawn (`changed`). Needs a dressed QApplication."""
    store = Store(catalogue())
    store.open_preset(PRESET)
    page = QWidget()
    page.resize(1192, 2000)
    column = boxes.column(0, page)
    page.show()
    QApplication.processEvents()
    begun = time.perf_counter()
    forms = [_form(prefix, store) for prefix in SECTIONS]
    for form in forms:
        column.addWidget(form)
    page.grab()
    shown = time.perf_counter() - begun
    for form in forms:
        store.problems_changed.connect(form.refresh)
    begun = time.perf_counter()
    store.set_value("training.epochs", 7)
    page.grab()
    changed = time.perf_counter() - begun
    settings = sum(len(form.cells) for form in forms)
    page.deleteLater()  # a person has one form: what it costs must not grow with those before it
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    return {"shown": shown, "changed": changed, "settings": float(settings)}


def _form(prefix: str, store: Store) -> Form:
    method = catalogue().methods.get(prefix.removeprefix("methods."))
    made = Form(prefix, method.settings if method is not None else section_specs(prefix), store)
    made.show_advanced(True)
    return made
