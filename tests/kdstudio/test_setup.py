"""The Set up screen, as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from engine import presets
from engine.extras import catalogue
from kdstudio import theme
from kdstudio.screens.setup import SetupScreen, outline
from kdstudio.screens.setup.method_stack import MethodsCard
from kdstudio.screens.setup.picker import NAME
from kdstudio.screens.setup.plan import Said
from kdstudio.screens.setup.preset_files import slug
from kdstudio.store import Store
from kdstudio.widgets.icons import TextButton
from kdstudio.widgets.texts import Elided

EXPERIMENTS = [p.name for p in presets.names() if p.kind == "experiments" and p.shipped]
SMALL = (1280 - theme.RAIL, 800)


@pytest.fixture
def screen(store: Store, qtbot: QtBot) -> SetupScreen:
    made = SetupScreen(store)
    qtbot.addWidget(made)
    made.resize(*SMALL)
    made.show()
    return made


def methods(screen: SetupScreen) -> MethodsCard:
    card = screen.cards[-1]
    assert isinstance(card, MethodsCard)
    return card


def click(qtbot: QtBot, parent: QWidget, name: str) -> None:
    """Click the button of this name once it is shown."""

    def shown() -> list[QAbstractButton]:
        return [b for b in parent.findChildren(QAbstractButton) if b.accessibleName() == name and b.isVisible()]

    qtbot.waitUntil(lambda: bool(shown()))
    shown()[0].click()


def test_an_experiment_is_picked_by_typing_part_of_its_name(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.header.pick.click()
    picker = screen.header._picker
    assert picker is not None
    qtbot.keyClicks(picker.search, "labels fashion")
    with qtbot.waitSignal(screen.store.preset_changed):
        qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert screen.store.resolved().name == "experiments/fashion-mnist-labels"
    assert screen.header.pick.text() == screen.store.resolved().experiment.title


def test_of_titles_with_all_the_words_the_one_that_says_least_else_is_chosen(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.header.pick.click()
    picker = screen.header._picker
    assert picker is not None
    qtbot.keyClicks(picker.search, "fashion reffakd")
    assert picker.list.currentItem().data(NAME) == "experiments/fashion-mnist-reffakd"
    picker.hide()


def test_the_list_opens_on_the_experiment_that_is_open_and_walks_with_the_arrows(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.header.pick.click()
    picker = screen.header._picker
    assert picker is not None
    assert picker.list.currentItem().data(NAME) == "experiments/digits-dkd"
    qtbot.keyClick(picker.search, Qt.Key.Key_Down)
    assert picker.list.currentItem().data(NAME) == EXPERIMENTS[EXPERIMENTS.index("experiments/digits-dkd") + 1]
    picker.hide()


def test_start_carries_the_experiment_as_it_stands(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("training.epochs", 3)
    with qtbot.waitSignal(screen.start_requested) as heard:
        screen.plan.start.click()
    assert heard.args[0].experiment.training.epochs == 3


def test_start_waits_until_every_problem_is_mended(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("training.epochs", 0)
    assert not screen.plan.start.isEnabled()
    with qtbot.assertNotEmitted(screen.start_requested):
        screen.start()
    screen.store.set_value("training.epochs", 1)
    assert screen.plan.start.isEnabled()


def test_start_says_what_it_does_while_a_run_goes_on(screen: SetupScreen) -> None:
    screen.plan.set_start("Queue", "queue", "A run goes on.")
    assert screen.plan.start.isEnabled()
    assert (screen.plan.start.text(), screen.plan.hint.text()) == ("Queue", "A run goes on.")
    screen.plan.set_start()
    assert (screen.plan.start.text(), screen.plan.hint.isHidden()) == ("Start", True)


def test_a_problem_leads_to_its_field(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("training.ema", 9.0)
    screen.fixed["training"].open(False)
    said = next(s for s in screen.plan.findChildren(Said) if s.path == "training.ema")
    qtbot.mouseClick(said, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: screen.fixed["training"].is_open())
    cell = screen.fixed["training"].form.cells["ema"]  # type: ignore[union-attr]
    assert cell.isVisible()
    qtbot.waitUntil(lambda: not cell.visibleRegion().isEmpty())


def test_a_problem_of_a_card_leads_to_the_card(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("teacher.net", "none")
    said = next(s for s in screen.plan.findChildren(Said) if s.path == "teacher.net")
    said.setFocus()
    qtbot.keyClick(said, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: screen.cards[1].wrong.isVisible())  # type: ignore[attr-defined]


def test_without_a_teacher_there_is_nothing_to_set_about_it(screen: SetupScreen) -> None:
    assert screen.fixed["teacher"].isVisible()
    screen.store.set_value("teacher.net", "none")
    assert not screen.fixed["teacher"].isVisible()


def test_methods_are_added_moved_and_removed_on_their_card(screen: SetupScreen, qtbot: QtBot) -> None:
    card = methods(screen)
    card.add.click()
    next(a for a in card.menu.actions() if a.text() == "KD").trigger()
    card.menu.hide()
    assert tuple(screen.methods) == ("dkd", "kd")
    click(qtbot, card, "Move KD up")
    qtbot.waitUntil(lambda: tuple(screen.methods) == ("kd", "dkd"))
    click(qtbot, card, "Remove KD")
    qtbot.waitUntil(lambda: tuple(screen.methods) == ("dkd",))
    assert screen.methods["dkd"].is_open()


def test_without_methods_the_card_says_what_that_means(screen: SetupScreen) -> None:
    screen.store.open_preset("experiments/digits-labels")
    assert methods(screen).alone.isVisible()


def test_the_plan_says_how_many_runs_start_begins(screen: SetupScreen) -> None:
    screen.store.set_values({"run.repeats": 3, "run.seed": 4})
    shown = [made.text() for made in screen.plan.findChildren(QLabel)]
    assert "3 runs, one each on seeds 4 to 6" in shown
    screen.store.set_value("run.repeats", 1)
    assert outline.repeated(screen.store.resolved().experiment) == ""


def test_the_loss_is_told_with_its_weights(screen: SetupScreen) -> None:
    said = outline.loss(screen.store.resolved().experiment, catalogue())
    shown = [made.text() for made in screen.plan.findChildren(QLabel)]
    for summand in said:
        assert summand.words in shown
        assert f"× {summand.weight:.4g}" in shown
    assert {s.words for s in said} == {"labels", "DKD target class", "DKD other classes"}


def test_the_plan_tells_the_stages_in_order(store: Store) -> None:
    store.open_preset("experiments/digits-reffakd-dkd-add")
    assert outline.stages(store.resolved().experiment, catalogue()) == (
        "teacher", "autoencoder", "soft labels", "distilling", "evaluation",
    )  # fmt: skip


def test_who_teaches_instead_of_a_net_is_named_on_the_teachers_card(screen: SetupScreen) -> None:
    screen.store.open_preset("experiments/digits-reffakd-dkd-replace")
    shown = [made.text() for made in screen.cards[1].findChildren(QLabel)]
    assert "ReffAKD teaches instead" in shown


def test_save_as_asks_for_a_title_and_goes_on_with_the_saved_preset(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("training.epochs", 3)
    screen.header.save_as.click()
    sheet = screen.window().findChild(QWidget, "name-sheet")
    sheet.title.setText("My First try!")
    assert sheet.name.text() == "experiments/my-first-try"
    sheet.buttons["Save"].click()
    assert screen.store.own()
    assert screen.header.save.isVisible()
    assert presets.resolve("experiments/my-first-try").experiment.training.epochs == 3


def test_a_name_that_is_taken_by_a_shipped_preset_is_refused_in_the_sheet(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.header.save_as.click()
    sheet = screen.window().findChild(QWidget, "name-sheet")
    sheet.title.setText("digits kd")
    sheet.buttons["Save"].click()
    assert "read-only" in sheet.wrong.text()
    assert sheet.isVisible()
    sheet.reject()


@pytest.mark.parametrize(("title", "name"), [("A b", "a-b"), ("Über 4-bit!", "ber-4-bit"), ("…", "untitled")])
def test_a_title_makes_a_name(title: str, name: str) -> None:
    assert slug(title) == f"experiments/{name}"


def test_an_exported_experiment_opens_equal(screen: SetupScreen, tmp_path: Path) -> None:
    screen.store.set_value("training.epochs", 3)
    before = screen.store.resolved().experiment
    screen.header.files.export(tmp_path / "taken.yaml")
    screen.header.open_preset(tmp_path / "taken.yaml")
    assert screen.store.resolved().experiment == before


def test_undo_and_redo_have_their_keys(screen: SetupScreen, qtbot: QtBot) -> None:
    screen.store.set_value("training.epochs", 3)
    screen.header.undo.click()
    assert not screen.store.edited()
    screen.header.redo.click()
    assert screen.store.value("training.epochs") == 3


def cut(screen: SetupScreen) -> list[str]:
    """Every visible word that has less room than it needs."""
    found = []
    for made in screen.findChildren(QLabel):
        if made.isVisible() and made.text() and not isinstance(made, Elided):
            high = made.heightForWidth(made.width()) if made.wordWrap() else made.sizeHint().height()
            wide = 0 if made.wordWrap() else made.sizeHint().width()
            if made.width() < wide or made.height() < high:
                found.append(f"label {made.text()!r}: {made.size()} < {wide} x {high}")
    for held in screen.findChildren(TextButton):
        if held.isVisible() and (held.width() < held.sizeHint().width() or held.height() < held.minimumSizeHint().height()):
            found.append(f"button {held.text()!r}: {held.size()} < {held.sizeHint()}")
    return found


@pytest.mark.parametrize("size", [SMALL, (2560 - theme.RAIL, 1440)])
def test_no_word_of_any_experiment_is_cut(screen: SetupScreen, size: tuple[int, int], dressed: QApplication) -> None:
    screen.resize(*size)
    for name in EXPERIMENTS:
        screen.store.open_preset(name)
        for section in (*screen.methods.values(), *screen.fixed.values()):
            section.open()
            section.form.show_advanced(True)  # type: ignore[union-attr]
        dressed.processEvents()
        dressed.processEvents()
        assert (name, cut(screen)) == (name, [])


@pytest.mark.parametrize("size", [SMALL, (2560 - theme.RAIL, 1440)])
def test_start_is_in_reach_without_scrolling(screen: SetupScreen, size: tuple[int, int], dressed: QApplication) -> None:
    screen.plan.command.open(True)
    screen.plan.yaml.open(True)
    screen.resize(*size)
    dressed.processEvents()
    dressed.processEvents()
    start = screen.plan.start
    assert start.visibleRegion().boundingRect() == start.rect()


def test_a_published_teacher_shows_its_accuracy_and_licence(screen: SetupScreen) -> None:
    screen.store.open_preset("experiments/cifar100-resnet56-resnet20-kd")
    words = [line.text() for line in screen.cards[1].findChildren(Elided) if line.isVisible()]
    assert words[1:] == ["Published: cifar100-resnet56", "72.63 % on cifar100 · BSD-3-Clause"]
    screen.store.set_value("teacher.download", "cifar10-resnet20")
    assert "is a resnet20, not a resnet56" in screen.store.problem("teacher.download")


def test_the_dataset_card_says_which_part_is_used_and_what_the_nets_make_of_its_size(screen: SetupScreen, store: Store) -> None:
    store.open_preset("experiments/fashion-mnist-labels")
    facts = screen.cards[0].facts()  # type: ignore[attr-defined]
    assert facts[0] == "10 classes · 28 × 28 grey, resized to 32 × 32"
    assert facts[1].startswith("60\u202f000 training")
    store.set_values({"dataset.subset": 0.05, "dataset.size": 32})
    facts = screen.cards[0].facts()  # type: ignore[attr-defined]
    assert facts[0] == "10 classes · 32 × 32 grey"
    assert facts[1] == "5\u202f% of 60\u202f000 training, 10\u202f000 test images"


def test_a_file_of_weights_is_told_by_its_name_first(store: Store) -> None:
    values = store.values("teacher") | {"source": "file", "file": "/a/long/way/off/teacher.pth"}
    assert outline.source_facts("teacher", values, "digits") == ("From teacher.pth in /a/long/way/off",)
    assert outline.source_facts("teacher", values | {"file": ""}, "digits") == ("From a file not chosen yet",)
