"""How quick the form is: sixty settings shown, and one of them changed. The real widgets, no display."""

from __future__ import annotations

import time

from PySide6.QtWidgets import QApplication, QWidget

from engine.cards import catalogue
from engine.experiment import section_specs
from kdstudio import boxes
from kdstudio.forms import Form
from kdstudio.store import Store

PRESET = "experiments/digits-reffakd-dkd-add"
SECTIONS = ("training", "dataset", "run", "teacher")
SHOWN, CHANGED = 0.1, 0.05
"""What is asked: seconds until a form of sixty settings is seen, and until a change is."""


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
    page.deleteLater()
    return {"shown": shown, "changed": changed, "settings": float(settings)}


def _form(prefix: str, store: Store) -> Form:
    made = Form(prefix, section_specs(prefix), store)
    made.show_advanced(True)
    return made
