"""A method dropped in as one file, into the package or into the user's plug-in folder, is there without another edit: in the
catalogue, the form, the plots, the help and the library."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QSettings
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

import engine.methods
from engine import catalogue_file, cataloguing, extras, method, nets, presets, session, shipped
from engine.control import Control
from kdstudio import theme
from kdstudio.help import topics
from kdstudio.screens.library import LibraryScreen
from kdstudio.screens.library.formula import Formula
from kdstudio.screens.run import RunScreen
from kdstudio.screens.setup import SetupScreen
from kdstudio.store import Store

METHOD = '''"""A method that nobody knew before."""

from torch.nn import functional

from engine.knobs import knob
from engine.method import Knobs, Method, Needs, Term, Watch


class Dropped(Method):
    title = "Dropped in"
    summary = "The student's logits point where the teacher's do."
    formula = "L = CE + w (1 − cos(z^S, z^T))"
    paper = "Nobody: Nothing, arXiv 2101.00001"
    needs = Needs(teacher="logits")
    terms = (Term("apart", "One minus the cosine.", weight="pull", title="cosine"),)
    watches = (Watch("angle", "curve", "Mean angle between both.", title="angle to the teacher", unit="degrees"),)

    class Params(Knobs):
        """Settings."""

        pull: float = knob(2.0, "How hard it pulls.", low=0.0, high=100.0, source="made up")

    def losses(self, seen):
        return {"apart": 1 - self.cosine(seen).mean()}

    def watch(self, seen):
        return {"angle": self.cosine(seen).clamp(-1, 1).arccos().rad2deg().mean()}

    def cosine(self, seen):
        return functional.cosine_similarity(seen.student.logits, seen.teacher.logits)
'''
QUICK = ["training.epochs=1", "teacher.epochs=1", "dataset.subset=0.1", "run.threads=1", "run.probe_images=16"]


@pytest.fixture(params=["package", "plug-in folder"])
def dropped(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The file in its place, and what a person runs afterwards: `kdstudio catalog`, or nothing (the window looks by itself)."""
    monkeypatch.setenv("KDSTUDIO_PLUGINS", str(tmp_path / "plugins"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "package":
        _into_the_package(tmp_path / "methods", tmp_path / "assets", monkeypatch)
    else:
        _write(tmp_path / "plugins" / "methods")
        extras.catalogue.cache_clear()
        cataloguing.complete(())
    yield "dropped"
    _forget()


def _into_the_package(folder: Path, assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `kdstudio catalog` would, but for the counting of nets."""
    _write(folder)
    monkeypatch.setattr(engine.methods, "__path__", [*engine.methods.__path__, str(folder)])
    _forget()
    before = json.loads((shipped.place("assets") / "catalog.json").read_text(encoding="utf-8"))
    with monkeypatch.context() as patched:
        patched.setattr(nets, "keys", tuple)
        made = json.loads(catalogue_file.to_json(cataloguing.build()))
    assets.mkdir()
    (assets / "catalog.json").write_text(json.dumps(before | {"methods": made["methods"]}), encoding="utf-8")
    real = shipped.place
    monkeypatch.setattr(shipped, "place", lambda kind: assets if kind == "assets" else real(kind))
    extras.catalogue.cache_clear()


def _write(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "dropped.py").write_text(METHOD, encoding="utf-8")


def _forget() -> None:
    method.keys.cache_clear()
    method._shipped.cache_clear()
    extras.catalogue.cache_clear()
    sys.modules.pop("engine.methods.dropped", None)


@pytest.fixture(autouse=True)
def _dressed(qapp: QApplication, own_user_folders: None) -> None:
    QCoreApplication.setOrganizationName("kdstudio")
    QCoreApplication.setApplicationName("kdstudio")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    theme.start(qapp)


def _words(widget: Any) -> str:
    QApplication.processEvents()
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def test_it_has_a_form_and_help(dropped: str, qtbot: QtBot) -> None:
    store = Store(extras.catalogue())
    store.open_preset("experiments/digits-dkd")
    setup = SetupScreen(store)
    qtbot.addWidget(setup)
    store.add_method(dropped)
    setup.reveal(f"methods.{dropped}.pull")
    cell = setup.methods[dropped].form.cell(f"methods.{dropped}.pull")
    assert store.value(f"methods.{dropped}.pull") == 2.0 and store.problems == ()
    topic = topics.of(cell.editor)
    assert topic is not None and topic.words == "How hard it pulls."
    store.set_value(f"methods.{dropped}.pull", 1000.0)
    assert "outside the bounds" in store.problem(f"methods.{dropped}.pull")


def test_it_has_a_page_in_the_library(dropped: str, tmp_path: Path, qtbot: QtBot) -> None:
    store = Store(extras.catalogue())
    store.open_preset("experiments/digits-dkd")
    screen = LibraryScreen(store, tmp_path / "runs")
    qtbot.addWidget(screen)
    screen.show_shelf("methods", dropped)
    page = screen.area.widget()
    said = _words(page)
    assert "Dropped in" in said and "How hard it pulls." in said and "Mean angle between both." in said
    assert "https://arxiv.org/abs/2101.00001" in said
    assert page.findChild(Formula).accessibleDescription() == "L = CE + w (1 − cos(z^S, z^T))"
    screen.end()


def test_it_runs_and_has_its_plots(dropped: str, tmp_path: Path, qtbot: QtBot) -> None:
    resolved = presets.resolve("experiments/digits-kd", [*QUICK, f"methods.{dropped}={{pull: 3}}"])
    outcome = session.run(resolved, lambda event: None, Control(), home=tmp_path / "runs")
    assert outcome.outcome == "done"
    screen = RunScreen()
    qtbot.addWidget(screen)
    screen.show_run(outcome.folders[0])
    screen.redraw.finish()
    assert "Angle to the teacher" in [card.title for card in screen.board.cards]
    assert screen.history.plan["terms"][-1]["name"] == f"{dropped}.apart"
    assert any(name == f"{dropped}.angle" for _, name in screen.history.curves)
