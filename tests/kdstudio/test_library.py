"""The Library: what a person looks up, and what happens when they use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from engine import presets
from engine.extras import catalogue
from kdstudio.bringing import ImportSheet
from kdstudio.charts.picker import Picker
from kdstudio.entries import library
from kdstudio.screens.library import LibraryScreen
from kdstudio.screens.library.counts import ClassCounts, summary
from kdstudio.screens.library.drawing import NetDrawing
from kdstudio.screens.library.formula import Formula, html, plain
from kdstudio.store import Store
from kdstudio.window import Window

LONG = 120_000
"""Milliseconds in which a child may load torch on a busy machine."""


@pytest.fixture
def screen(store: Store, tmp_path: Path, qtbot: QtBot) -> Iterator[LibraryScreen]:
    made = LibraryScreen(store, tmp_path)
    qtbot.addWidget(made)
    made.resize(1192, 800)
    made.show()
    qtbot.waitUntil(lambda: bool(made.presets.found))
    yield made
    made.end()


def words(widget: QWidget) -> str:
    """What can be read on a widget."""
    labels = [label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)]
    return "\n".join([*labels, *(text.toPlainText() for text in widget.findChildren(QPlainTextEdit))])


def page(screen: LibraryScreen) -> QWidget:
    """The page that is seen, once everything that was told has been shown."""
    QApplication.processEvents()
    return screen.area.widget()


def press(screen: LibraryScreen, button: str) -> None:
    found = next(b for b in page(screen).findChildren(QPushButton) if b.text() == button)
    assert found.isEnabled()
    found.click()


def test_a_method_shows_its_loss_its_paper_its_settings_with_help_and_what_it_watches(screen: LibraryScreen) -> None:
    screen.show_shelf("methods", "letkd")
    said = words(page(screen))
    card = screen.store.catalogue.methods["letkd"]
    assert page(screen).findChild(Formula).accessibleDescription() == plain(card.formula)
    assert "https://arxiv.org/abs/2309.02843" in said
    assert all(spec.help in said for spec in card.settings)
    assert all(each.help in said for each in (*card.terms, *card.watches))
    assert "Default from: 4096 (supplement, section 1)" in said


@pytest.mark.parametrize("key", sorted(catalogue().methods))
def test_every_method_has_a_page(screen: LibraryScreen, key: str) -> None:
    screen.show_shelf("methods", key)
    assert screen.store.catalogue.methods[key].summary in words(page(screen))


def test_a_formula_is_set_as_mathematics_is() -> None:
    assert "<i>p</i><sub><i>y</i></sub><sup><i>T</i></sup>" in html("p_y^T")
    assert "<i>L</i> = CE(<i>y</i>) &lt; τ<sup>2</sup>" in html("L = CE(y) < τ^2")
    assert "<i>E</i><sub>warm-up</sub>" in html("E_{warm-up}")
    assert "teacher's" in html("teacher's") and "<i>s</i>" not in html("teacher's")
    assert plain("E_{warm-up}") == "E_warm-up"


def test_typing_narrows_the_list_and_the_keyboard_walks_it(screen: LibraryScreen, qtbot: QtBot) -> None:
    qtbot.keyClicks(screen.search, "decoupled")
    assert screen.list.keys() == ["dkd"] and "Decoupled" in words(page(screen))
    screen.search.setText("no such thing anywhere")
    assert screen.list.keys() == [] and "Nothing found" in words(screen)
    screen.search.clear()
    screen.list.choose("aekt")
    screen.list.setFocus()
    qtbot.keyClick(screen.list, Qt.Key.Key_Down)
    assert "Zagoruyko" in words(page(screen))


def test_a_click_on_a_tab_turns_to_another_shelf_and_back_to_where_one_was(screen: LibraryScreen, qtbot: QtBot) -> None:
    screen.show_shelf("methods", "rkd")
    qtbot.mouseClick(screen.tabs["nets"], Qt.MouseButton.LeftButton)
    assert "ResNet-18" in words(page(screen))
    qtbot.mouseClick(screen.tabs["methods"], Qt.MouseButton.LeftButton)
    assert "RKD" in words(page(screen))


def test_a_net_is_drawn_from_its_taps_on_images_of_any_size_that_was_counted(screen: LibraryScreen) -> None:
    screen.show_shelf("nets", "resnet20")
    drawing = page(screen).findChild(NetDrawing)
    assert [slab.name for slab in drawing.slabs] == ["image", "f0", "f1", "f2", "f3", "pooled", "classes"]
    assert drawing.accessibleDescription().startswith("image 3 × 32 × 32, f0 16 × 32 × 32")
    heights = [slab.height for slab in drawing.slabs[1:5]]
    assert heights[0] == heights[1] > heights[2] > heights[3]
    sizes = page(screen).findChild(Picker)
    sizes.setCurrentIndex(sizes.findText("1 × 8 × 8, 10 classes"))
    assert drawing.accessibleDescription().startswith("image 1 × 8 × 8, f0 16 × 8 × 8")
    assert "278\u202f324" in words(page(screen))


@pytest.mark.parametrize("key", sorted(catalogue().nets))
def test_every_net_has_a_drawing(screen: LibraryScreen, key: str) -> None:
    screen.show_shelf("nets", key)
    drawing = page(screen).findChild(NetDrawing)
    assert len(drawing.slabs) >= 5
    drawing.resize(400, drawing.height())
    assert all(place.left() >= 0 and place.right() <= 400 for place in drawing.places())
    assert not drawing.grab().isNull()


def test_a_dataset_is_looked_into_by_a_child_that_downloads_nothing(screen: LibraryScreen, qtbot: QtBot) -> None:
    shelf: Any = screen.shelves["datasets"]
    screen.show_shelf("datasets", "digits")
    assert "Looking inside" in words(page(screen))
    qtbot.waitUntil(lambda: ("digits", "") in shelf.found, timeout=LONG)
    found = shelf.found["digits", ""]
    assert sum(found["counts"]["train"]) == 1797 and len(found["samples"]) == 20
    qtbot.waitUntil(lambda: "Measured on" in words(page(screen)))
    said = words(page(screen))
    assert "174 to 183 of a class in train" in said and "0.3053" in said
    assert page(screen).findChild(ClassCounts).told(3) == "3: 183 train"
    screen.show_shelf("datasets", "mnist")
    qtbot.waitUntil(lambda: ("mnist", "") in shelf.found, timeout=LONG)
    qtbot.waitUntil(lambda: "not on this machine yet" in words(page(screen)))
    assert "Download now" in [button.text() for button in page(screen).findChildren(QPushButton)]


def test_a_folder_of_ones_own_is_chosen_and_a_wrong_one_is_refused_in_words(
    screen: LibraryScreen, tmp_path: Path, qtbot: QtBot
) -> None:
    shelf: Any = screen.shelves["datasets"]
    screen.show_shelf("datasets", "folder")
    assert "Choose a folder to see what is in it" in words(page(screen))
    shelf.choose("folder", str(tmp_path))
    qtbot.waitUntil(lambda: ("folder", str(tmp_path)) in shelf.found, timeout=LONG)
    qtbot.waitUntil(lambda: "no class folders" in words(page(screen)))
    with qtbot.waitSignal(screen.chosen) as chosen:
        press(screen, "Use in Set up")
    assert chosen.args == [{"dataset.name": "folder", "dataset.root": str(tmp_path)}, "dataset.name"]


def test_counts_are_summed_up_in_words() -> None:
    assert summary({"train": [500, 500], "test": [90, 100]}) == "500 of each class in train, 90 to 100 of a class in test"


def test_a_published_teacher_says_accuracy_origin_and_hash_and_is_used(screen: LibraryScreen, qtbot: QtBot) -> None:
    screen.show_shelf("teachers", "cifar100-resnet56")
    said = words(page(screen))
    assert "72.63 %" in said and "chenyaofo/pytorch-cifar-models" in said
    assert "f2eff4c8461ca1e0d39af83a65f7243bf7d29ec421efee3064bcee93a3caaa73" in said
    with qtbot.waitSignal(screen.chosen) as chosen:
        press(screen, "Use as teacher")
    assert chosen.args[0] == {
        "teacher.net": "resnet56", "teacher.source": "download", "teacher.download": "cifar100-resnet56",
    }  # fmt: skip


def test_a_teacher_that_was_trained_here_comes_onto_the_shelf_and_a_broken_file_is_named(
    screen: LibraryScreen, tmp_path: Path, qtbot: QtBot
) -> None:
    from engine.downloads import checksum

    shelf: Any = screen.shelves["teachers"]
    path = _teacher_file(tmp_path / "teachers" / "resnet20-digits-0123456789abcdef.safetensors")
    path.with_name("broken.safetensors").write_bytes(b"nothing")
    screen.show_shelf("teachers")
    qtbot.waitUntil(lambda: path.name in shelf.kept)
    screen.show_shelf("teachers", path.name)
    said = words(page(screen))
    assert "resnet20 on digits" in said and "97.50 % top-1" in said and checksum(path) in said and "epochs 30" in said
    screen.show_shelf("teachers", "broken.safetensors")
    assert "cannot be read as safetensors" in words(page(screen))


def _teacher_file(path: Path) -> Path:
    """A file with what a kept teacher says of itself, and one number for weights."""
    import numpy as np
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True)
    about = {"classes": ["0", "1"], "top1": 97.5, "recipe": {"teacher": {"net": "resnet20", "epochs": 30}, "seed": 0}}
    said = {"format": "kdstudio student 1", "net": json.dumps({"key": "resnet20"}), "about": json.dumps(about)}
    save_file({"a": np.zeros(1, np.float32)}, path, metadata=said)
    return path


def test_a_preset_is_duplicated_under_a_title_deleted_and_brought_back(screen: LibraryScreen, qtbot: QtBot) -> None:
    screen.show_shelf("presets", "experiments/digits-kd")
    assert "KD" in words(page(screen)) and "extends:" in words(page(screen))
    press(screen, "Duplicate…")
    sheet: Any = screen.window().findChild(QWidget, "name-sheet")
    sheet.title.setText("My KD")
    sheet.buttons["Save"].click()
    name = "experiments/my-kd"
    qtbot.waitUntil(lambda: name in screen.presets.found)
    assert presets.resolve(name).experiment.title == "My KD"
    assert presets.resolve(name).experiment.methods == presets.resolve("experiments/digits-kd").experiment.methods
    screen.show_shelf("presets", name)
    press(screen, "Delete")
    qtbot.waitUntil(lambda: name not in screen.presets.found)
    assert f"{name} is in the bin" in words(screen.banner)
    screen.undo.click()
    qtbot.waitUntil(lambda: name in screen.presets.found)
    assert presets.resolve(name).experiment.title == "My KD" and screen.banner.isHidden()
    presets.path_for(name).unlink()


def test_who_stands_on_a_deleted_preset_is_said(screen: LibraryScreen, qtbot: QtBot) -> None:
    from engine.presets import own

    first = own.duplicate("experiments/digits-kd", "First")
    second = presets.path_for("experiments/second")
    second.write_text(f"title: Second\nextends: [{first}]\n", encoding="utf-8")
    screen.presets.discard(first)
    assert "experiments/second stood on it" in words(screen.banner)
    second.unlink()


def test_a_shipped_preset_cannot_be_deleted(screen: LibraryScreen) -> None:
    screen.show_shelf("presets", "experiments/digits-kd")
    assert "Delete" not in [button.text() for button in page(screen).findChildren(QPushButton)]


def test_an_mdistiller_config_becomes_a_preset_and_what_was_not_understood_is_listed(
    screen: LibraryScreen, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "res56_res20.yaml"
    path.write_text('DISTILLER:\n  TYPE: "KD"\n  TEACHER: "resnet56"\n  STUDENT: "resnet20"\n  NOISE: 3\n', encoding="utf-8")
    assert screen.bring(path)
    name = "experiments/kd-from-resnet56-to-resnet20-on-cifar100-mdistiller"
    qtbot.waitUntil(lambda: name in screen.presets.found)
    assert screen.shown == "presets" and "KD from resnet56 to resnet20 on cifar100 (mdistiller)" in words(page(screen))
    sheet = screen.window().findChild(ImportSheet)
    assert "DISTILLER.NOISE = 3" in words(sheet) and "line 5: not known" in words(sheet)
    sheet.close()
    presets.path_for(name).unlink()


def test_a_file_that_is_neither_is_refused_in_words(screen: LibraryScreen, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text("a: 1\n", encoding="utf-8")
    assert not screen.bring(path)
    sheets = [w for w in QApplication.topLevelWidgets() if w.windowTitle() == "This file cannot be imported"]
    assert "neither a preset of kdstudio" in words(sheets[-1])
    sheets[-1].close()


def test_what_is_chosen_in_the_library_stands_in_the_form(store: Store, tmp_path: Path, qtbot: QtBot) -> None:
    window = Window(store, tmp_path)
    qtbot.addWidget(window)
    window.show()
    window.go(library.ENTRY.key)
    screen: Any = window.page(library.ENTRY.key)
    screen.show_shelf("nets", "vgg8")
    press(screen, "Use as student")
    assert store.value("student.net") == "vgg8" and window.setup.isVisible()
    window.go("library")
    screen.show_shelf("methods", "rkd")
    press(screen, "Put into the stack")
    assert store.stack() == ("dkd", "rkd") and window.setup.isVisible()
    window.go("library")
    qtbot.waitUntil(lambda: bool(screen.presets.found))
    screen.show_shelf("presets", "experiments/digits-at")
    press(screen, "Open in Set up")
    assert store.base().name == "experiments/digits-at"
    window.close()


def test_the_lists_follow_the_catalogue(screen: LibraryScreen, store: Store) -> None:
    known = store.catalogue
    store.set_catalogue(replace(known, method_problems=("/plugins/methods/mine.py, line 3: expected ':'",)))
    assert screen.list.keys()[0] == "problem 0"
    screen.show_shelf("methods", "problem 0")
    assert "mine.py" in words(page(screen)) and "line 3: expected ':'" in words(page(screen))
    assert any(p.path == "methods" and "line 3" in p.sentence for p in store.warnings)
