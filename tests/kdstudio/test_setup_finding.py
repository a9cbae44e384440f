"""Looking for a setting or an experiment, and going there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine import presets
from kdstudio import settings_index
from kdstudio.screens.setup import SetupScreen
from kdstudio.store import Store
from kdstudio.widgets.finder import Finder


@pytest.fixture
def screen(store: Store, qtbot: QtBot) -> SetupScreen:
    made = SetupScreen(store)
    qtbot.addWidget(made)
    made.resize(1192, 800)
    made.show()
    return made


def find(screen: SetupScreen, words: str, qtbot: QtBot) -> Finder:
    screen.header.search.click()
    finder = screen._finder
    assert finder is not None
    qtbot.keyClicks(finder.search, words)
    return finder


def test_every_setting_of_every_section_and_method_is_in_the_list(store: Store) -> None:
    found = settings_index.settings(store)
    paths = {setting.path for setting in found}
    assert {"training.epochs", "student.quantize.weights", "methods.dkd.beta", "methods.dkd.ce_weight", "run.seed"} <= paths
    assert {f"methods.{key}.{s.name}" for key, card in store.catalogue.methods.items() for s in card.settings} <= paths
    assert len(paths) == len(found)


def test_a_setting_is_found_by_its_name_and_gets_the_keyboard(screen: SetupScreen, qtbot: QtBot) -> None:
    finder = find(screen, "gradient clip", qtbot)
    qtbot.keyClick(finder.search, Qt.Key.Key_Return)
    cell = screen.fixed["training"].form.cells["gradient_clip"]  # type: ignore[union-attr]
    assert cell.isVisible()
    qtbot.waitUntil(lambda: cell.editor.hasFocus())


def test_a_setting_is_found_by_what_it_does(screen: SetupScreen, qtbot: QtBot) -> None:
    finder = find(screen, "mirror half", qtbot)
    assert finder.names() == ["dataset.flip"]
    finder.hide()


def test_choosing_a_setting_of_a_method_outside_the_stack_adds_the_method(screen: SetupScreen, qtbot: QtBot) -> None:
    finder = find(screen, "methods.kd.temperature", qtbot)
    qtbot.keyClick(finder.search, Qt.Key.Key_Return)
    assert screen.store.stack() == ("dkd", "kd")
    assert screen.methods["kd"].is_open()
    screen.store.undo()
    assert screen.store.stack() == ("dkd",)


def test_a_setting_that_does_not_apply_leads_to_the_one_it_waits_for(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("training.schedule", "cosine")
    finder = find(screen, "training.milestones", qtbot)
    qtbot.keyClick(finder.search, Qt.Key.Key_Return)
    cell = screen.fixed["training"].form.cells["schedule"]  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: cell.editor.hasFocus())


def test_without_a_teacher_its_settings_lead_to_its_card(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.open_preset("experiments/digits-labels")
    screen.reveal("teacher.epochs")
    qtbot.waitUntil(lambda: screen.cards[1].editor.hasFocus())  # type: ignore[attr-defined]


def names(screen: SetupScreen, words: str, qtbot: QtBot) -> list[str]:
    screen.header.pick.click()
    picker = screen.header._picker
    assert picker is not None
    qtbot.keyClicks(picker.search, words)
    found = picker.names()
    picker.hide()
    return found


@pytest.mark.parametrize(
    ("words", "some", "never"),
    [
        ("hinton", "experiments/digits-kd", "experiments/digits-dkd"),
        ("cifar-100 tian", "experiments/cifar100-resnet56-resnet20-crd", "experiments/digits-crd"),
        ("resnet-56 diffkd", "experiments/cifar100-resnet56-resnet20-diffkd", "experiments/digits-diffkd"),
        ("2404", "experiments/digits-reffakd", "experiments/digits-labels"),
    ],
)
def test_an_experiment_is_found_by_paper_dataset_net_and_method(
    screen: SetupScreen, qtbot: QtBot, words: str, some: str, never: str
) -> None:
    found = names(screen, words, qtbot)
    assert some in found and never not in found


def test_a_gist_says_what_a_preset_resolves_to() -> None:
    known = presets.names()
    gists = presets.gists(known)
    for preset in known:
        if preset.kind == "experiments" and preset.shipped:
            experiment, gist = presets.resolve(preset.name).experiment, gists[preset.name]
            found = (gist.dataset, gist.teacher, gist.student, gist.methods)
            wanted = (experiment.dataset.name, experiment.teacher.net, experiment.student.net, tuple(experiment.methods))
            assert (preset.name, found) == (preset.name, wanted)


def test_a_broken_preset_of_ones_own_is_listed_with_its_reason(screen: SetupScreen, qtbot: QtBot) -> None:
    path = presets.user_folder() / "experiments" / "broken.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("title: [", encoding="utf-8")
    assert names(screen, "broken", qtbot) == ["experiments/broken"]


def test_the_list_fits_into_a_small_window(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.resize(936, 700)
    finder = find(screen, "", qtbot)
    corner = screen.mapFromGlobal(finder.geometry().bottomRight())
    assert corner.x() <= screen.width() and corner.y() <= screen.height()
    finder.hide()
