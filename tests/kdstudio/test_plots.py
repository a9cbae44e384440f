"""What a person does with plots: looks at each as they like, finds a curve among hundreds, lays the cards out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot
from recorded import Recipe, record
from shown import Show, run_screen

from engine import events
from kdstudio.bench.run import measure_curves, measure_memory
from kdstudio.charts.arrangement import SHELF, Arrangement, recall, remember, signature, woven
from kdstudio.charts.board import Board
from kdstudio.charts.card import Card
from kdstudio.charts.curves import CurveCard, Line, Plot
from kdstudio.charts.lens import Lens
from kdstudio.charts.lens_bar import LensBar
from kdstudio.charts.outliers import span
from kdstudio.charts.picker import Picker
from kdstudio.charts.places import places
from kdstudio.charts.strokes import ALL, points_of
from kdstudio.history import History
from kdstudio.screens.run import RunScreen

SMALL = Recipe(epochs=6)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """No arrangement of one test is found by another."""
    QSettings().remove(SHELF)
    yield
    QSettings().remove(SHELF)


@pytest.fixture
def screen(qtbot: QtBot, tmp_path: Path) -> RunScreen:
    made = run_screen(qtbot)
    folder, _ = record(tmp_path, SMALL)
    made.show_run(folder.path)
    made.redraw.finish()
    return made


def measured(columns: dict[str, list[float]], *more: events.Event) -> History:
    history = History()
    history.take(events.StageStarted(stage="work", title="work", steps=1000, epochs=10))
    for step, values in enumerate(zip(*columns.values(), strict=True), 1):
        history.take(events.Step(clock=2.0 * step, stage="work", step=step, steps=1000, epoch=1,
                                 values=dict(zip(columns, values, strict=True))))  # fmt: skip
    for event in more:
        history.take(event)
    return history


PLOT = Plot("a", "A", lambda name: Line(name, int(name[1:])))


def noisy(count: int = 100, points: int = 60) -> dict[str, list[float]]:
    chance = np.random.default_rng(0)
    return {f"c{i}": (i + chance.random(points)).tolist() for i in range(count)}


def actions(menu: QMenu) -> dict[str, QAction]:
    menu.aboutToShow.emit()
    return {action.text(): action for action in menu.actions()}


def menus(card: Card) -> dict[str, QMenu]:
    return {menu.title(): menu for menu in card.menu.findChildren(QMenu)}


# Looking


def test_one_plot_is_looked_at_differently_and_the_others_stay(show: Show) -> None:
    history, lens = measured(noisy(1)), Lens()
    one, other = show(CurveCard(PLOT, history, lens)), show(CurveCard(PLOT, history, lens))
    actions(menus(one)["This plot over"])["step"].trigger()
    assert (one.lens.axis, other.lens.axis) == ("step", "epoch")
    assert one.canvas.box.viewRange()[0][1] > 50 > other.canvas.box.viewRange()[0][1]
    lens.set_axis("time")
    assert (one.lens.axis, other.lens.axis) == ("step", "time")
    actions(menus(one)["This plot over"])["as all plots"].trigger()
    assert one.lens.axis == "time"


def test_smoothing_of_one_plot_leaves_its_raw_curve_faint_below(show: Show) -> None:
    card = show(CurveCard(PLOT, measured(noisy(1)), Lens()))
    actions(menus(card)["Smoothing of this plot"])["0.9"].trigger()
    raw, smooth = card.canvas.strokes.curves["c0/raw"], card.canvas.strokes.curves["c0"]
    assert np.abs(np.diff(smooth.y)).sum() < 0.5 * np.abs(np.diff(raw.y)).sum()
    assert raw.colour != smooth.colour


def test_outliers_do_not_choose_the_axis_when_they_are_ignored(show: Show) -> None:
    values = np.random.default_rng(0).random(200)
    values[7] = 1e6
    card = show(CurveCard(PLOT, measured({"c0": values.tolist()}), Lens()))
    assert card.canvas.box.viewRange()[1][1] > 1e5
    actions(menus(card)["Outliers of this plot"])["ignored by the y axis"].trigger()
    low, high = card.canvas.box.viewRange()[1]
    assert -0.5 <= low <= values.min()
    assert np.delete(values, 7).max() <= high < 3
    assert card.canvas.strokes.curves["c0"].y.max() == 1e6


@pytest.mark.parametrize("calm", [False, True])
def test_a_range_is_of_everything_that_is_finite(calm: bool) -> None:
    assert span([], calm=calm) == (0.0, 1.0)
    assert span([np.array([np.nan, 2.0]), np.array([np.inf, -1.0])], calm=calm) == (-1.0, 2.0)
    assert span([np.linspace(0, 1, 500)], calm=calm) == (0.0, 1.0)


def test_the_cross_follows_the_pointer_and_lights_the_curve_it_is_on(show: Show) -> None:
    card = show(CurveCard(PLOT, measured({"c0": [1.0] * 50, "c1": [5.0] * 50}), Lens()))
    card.canvas.pointed.emit(0.2, 5.02)
    assert card.canvas.strokes.lit == "c1"
    assert card.canvas.cursor_level.isVisible()
    assert card.canvas.cursor_level.value() == pytest.approx(5.02)
    card.canvas.pointed.emit(0.2, 3.0)
    assert card.canvas.strokes.lit == ""
    card.canvas.left.emit()
    assert card.canvas.strokes.lit == ""


def test_pointing_at_a_name_in_the_legend_lights_its_curve(show: Show, qtbot: QtBot) -> None:
    card = show(CurveCard(PLOT, measured(noisy(3)), Lens()))
    card.legend.entries["c2"].pointed.emit("c2")
    assert card.canvas.strokes.lit == "c2"


# Events


MOVED = events.WeightMoved(stage="work", step=40, epoch=1, clock=81.0, term="dkd.nckd", before=8.0, after=2.0)


def test_what_happened_is_marked_where_it_happened_and_told_under_the_pointer(show: Show) -> None:
    lens = Lens()
    card = show(CurveCard(PLOT, measured(noisy(1), MOVED), lens))
    places = {}
    for axis in ("step", "epoch", "time"):
        lens.set_axis(axis)  # type: ignore[arg-type]
        card.redraw()
        places[axis] = card.canvas.strokes.marks[0][0]
    assert places == {"step": 40.0, "epoch": 0.4, "time": 81.0}
    card.canvas.pointed.emit(80.0, 0.5)
    assert card.canvas.news.text() == "weight of dkd.nckd: 8 → 2"
    card.canvas.pointed.emit(20.0, 0.5)
    assert not card.canvas.news.isVisible()


def test_what_a_resume_takes_back_is_no_longer_marked() -> None:
    history = measured(noisy(1), MOVED, events.RunResumed(stage="work", step=30, epoch=1, clock=90.0))
    assert [mark.words for mark in history.marks] == ["resumed"]
    assert history.weights == {}


# Very many curves


def test_five_hundred_curves_are_a_list_that_can_be_searched(show: Show, qtbot: QtBot) -> None:
    card = show(CurveCard(PLOT, measured(noisy(500)), Lens()))
    listed = card.legend.long
    assert card.legend.entries == {}
    assert listed.list.model().rowCount() == 500
    QTest.keyClicks(listed.search, "c49")
    assert [mark.key for mark in listed._model.marks] == ["c49", *(f"c49{i}" for i in range(10))]
    listed.none.click()
    assert len(card.canvas.strokes.curves) == 500 - 11
    listed.search.clear()
    listed.none.click()
    listed.list.setCurrentIndex(listed._model.index(7))
    qtbot.keyClick(listed.list, Qt.Key.Key_Space)
    assert list(card.canvas.strokes.curves) == ["c7"]
    listed.all.click()
    assert len(card.canvas.strokes.curves) == 500


def test_the_curve_under_the_pointer_is_named_among_many(show: Show) -> None:
    card = show(CurveCard(PLOT, measured({f"c{i}": [float(10 * i)] * 50 for i in range(20)}), Lens()))
    card.canvas.pointed.emit(0.2, 70.1)
    assert card.canvas.news.text() == "c7: 70.00"
    assert card.canvas.strokes.lit == "c7"


def test_few_curves_after_many_are_entries_again(show: Show) -> None:
    history = measured(noisy(40))
    few = {"on": False}
    card = show(CurveCard(Plot("a", "A", lambda n: None if few["on"] and n != "c1" else Line(n, 0)), history, Lens()))
    assert card.legend.long is not None
    few["on"] = True
    card.redraw()
    assert card.legend.long is None
    assert list(card.legend.entries) == ["c1"]


def test_of_many_curves_fewer_points_each_are_drawn() -> None:
    assert points_of(1) == 1500
    assert points_of(500) * 500 <= ALL


def test_five_hundred_curves_are_redrawn_within_a_blink(show: Show) -> None:
    card = show(CurveCard(PLOT, measured(noisy(500, 400)), Lens()))
    spent = []
    for _ in range(5):
        start = perf_counter()
        card.redraw()
        card.grab()
        spent.append(perf_counter() - start)
    assert min(spent) < 0.5


# The board


@pytest.fixture
def board(qtbot: QtBot) -> Board:
    made = Board()
    qtbot.addWidget(made)
    made.resize(1200, 700)
    for name in "abcdef":
        made.add(Card(name))
    made.show()
    QApplication.processEvents()
    return made


def order(board: Board) -> str:
    return "".join(card.key for card in board.shown())


def drag(card: Card, onto: Card, right: bool) -> None:
    title, at, box = card._title, QPoint(4, 8), onto.rect()
    to = title.mapFromGlobal(onto.mapToGlobal(QPoint(box.width() * (3 if right else 1) // 4, box.height() // 2)))
    QTest.mousePress(title, Qt.MouseButton.LeftButton, pos=at)
    for place in (at + QPoint(40, 40), to):
        _move(title, place)
    QTest.mouseRelease(title, Qt.MouseButton.LeftButton, pos=to)


def _move(widget: QWidget, to: QPoint) -> None:
    """The pointer moves with its button held, which `QTest.mouseMove` cannot say."""
    left, at = Qt.MouseButton.LeftButton, QPointF(to)
    where = QPointF(widget.mapToGlobal(to))
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, at, where, left, left, Qt.KeyboardModifier.NoModifier))


def test_a_card_is_dragged_by_its_title_before_or_behind_another(board: Board) -> None:
    cards = {card.key: card for card in board.cards}
    drag(cards["e"], cards["b"], right=False)
    assert order(board) == "aebcdf"
    drag(cards["a"], cards["c"], right=True)
    assert order(board) == "ebcadf"
    assert cards["e"].geometry().topLeft() == QPoint(0, 0)
    assert not board._mark.isVisible()


def test_a_click_on_a_title_moves_nothing(board: Board) -> None:
    QTest.mouseClick(board.cards[3], Qt.MouseButton.LeftButton, pos=QPoint(20, 14))
    assert order(board) == "abcdef"


def test_the_card_with_the_keyboard_is_moved_by_arrows(board: Board, qtbot: QtBot) -> None:
    board.cards[2]._menu_button.setFocus()
    board.activateWindow()
    qtbot.waitUntil(lambda: board.focused() is board.cards[2])
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right):
        QTest.keyClick(board.cards[2]._menu_button, key, both)
    assert order(board) == "acbdef"


def test_a_card_is_made_large_wide_and_small_from_its_menu(board: Board) -> None:
    card = board.cards[4]
    small = card.geometry()
    menu = menus(card)["Place on the board"]
    actions(menu)["Large"].trigger()
    assert card.width() > 2.5 * small.width() and card.height() > 1.5 * small.height()
    assert actions(menu)["Large"].isChecked()
    actions(menu)["Wide"].trigger()
    assert card.width() > 1.5 * small.width()
    actions(menu)["Small"].trigger()
    assert card.geometry() == small


def test_a_hidden_card_leaves_no_hole_and_comes_back(board: Board) -> None:
    card = board.cards[0]
    board.hide_card(card)
    assert order(board) == "bcdef"
    assert not card.isVisible() and card not in board.visible_cards()
    assert board.cards[1].geometry().topLeft() == QPoint(0, 0)
    board.hide_card(card, False)
    assert order(board) == "abcdef" and card.isVisible()


def test_no_two_cards_lie_on_each_other_whatever_their_sizes(board: Board) -> None:
    for columns in (1, 2, 3, 4):
        found = places(["small", "wide", "large", "small", "small", "large", "wide", "small"], columns)
        cells = [(p.row + r, p.column + c) for p in found for r in range(p.tall) for c in range(p.span)]
        assert len(cells) == len(set(cells))
        assert max(c for _, c in cells) < columns


def test_two_cards_of_one_name_are_both_shown(board: Board) -> None:
    board.add(Card("a"))
    assert [card.key for card in board.shown()][-1] == "a 2"


def test_cards_that_come_later_stand_where_their_maker_put_them() -> None:
    kept = Arrangement(order=["c", "a", "x", "b"])
    assert kept.placed(["a", "b", "c", "d"]) == ["c", "d", "a", "b"]
    kept.put(["b", "c", "a"])
    assert kept.order == ["b", "c", "a", "x"]
    assert woven([], ["a", "b"]) == ["a", "b"]


def test_an_arrangement_is_remembered_for_its_set_of_cards_alone() -> None:
    one, other = signature(["dkd", "samples"]), signature(["kd", "samples"])
    assert one == signature(["samples", "dkd"]) != other
    made = Arrangement(["b", "a"], {"a": "large"}, ["c"], {"a": {"axis": "step"}})
    remember(one, made)
    assert (recall(one), recall(other)) == (made, Arrangement())
    QSettings().setValue(f"{SHELF}/{other}", '{"order": 3, "sizes": {"a": "huge"}, "looks": []}')
    assert recall(other) == Arrangement()
    QSettings().setValue(f"{SHELF}/{other}", "torn{")
    assert recall(other) == Arrangement()


def test_the_next_run_of_these_methods_is_laid_out_and_looked_at_alike(screen: RunScreen, tmp_path: Path) -> None:
    cards = {card.key: card for card in screen.board.cards}
    screen.board.move_card(cards["accuracy"], -1)
    screen.board.hide_card(cards["findings"])
    screen.board.resize_card(cards["losses"], "large")
    cards["losses"]._log.click()  # type: ignore[attr-defined]
    folder, _ = record(tmp_path / "next", SMALL)
    screen.show_run(folder.path)
    screen.redraw.finish()
    shown = [card.key for card in screen.board.shown()]
    assert shown[:2] == ["accuracy", "losses"] and "findings" not in shown
    again = {card.key: card for card in screen.board.cards}["losses"]
    assert again.lens.log  # type: ignore[attr-defined]
    assert again.width() > 1000
    taught, _ = record(tmp_path / "other", Recipe(epochs=6, teacher=True))
    screen.show_run(taught.path)
    assert [card.key for card in screen.board.shown()][:3] == ["losses", "accuracy", "findings"]


def test_hidden_cards_are_brought_back_and_all_laid_out_as_at_first_from_one_menu(screen: RunScreen) -> None:
    before = [card.key for card in screen.board.shown()]
    button = screen.cards
    menu = button.menu()
    actions(menu)["Accuracy"].trigger()
    assert "accuracy" not in [card.key for card in screen.board.shown()]
    found = actions(menu)
    assert not found["Accuracy"].isChecked()
    found["Accuracy"].trigger()
    screen.board.move_card(screen.board.cards[3], 2)
    actions(menu)["Lay out as at first"].trigger()
    assert [card.key for card in screen.board.shown()] == before


def test_all_plots_ignore_outliers_at_one_click(screen: RunScreen, qtbot: QtBot) -> None:
    losses = screen.board.cards[0]
    screen.lens_bar.outliers.click()
    assert losses.lens.calm  # type: ignore[attr-defined]
    assert screen.redraw.at_once


def test_what_plots_cost_is_measured_for_the_bench(qtbot: QtBot) -> None:
    redraw, picture = measure_curves(40, 60)
    assert 0 < redraw < 1000 and 0 < picture < 1000
    growth, rate = measure_memory(0.4, 500)
    assert rate == pytest.approx(500, rel=0.5)
    assert growth < 50


def test_the_picture_of_a_plot_is_put_on_the_clipboard(screen: RunScreen) -> None:
    QApplication.clipboard().clear()
    card = screen.board.cards[0]
    next(a for a in card.menu.actions() if a.text() == "Copy picture").trigger()
    copied = QApplication.clipboard().image()
    assert (copied.width(), copied.height()) == (2 * card.width(), 2 * card.height())


def test_how_curves_are_looked_at_is_remembered_for_each_screen_by_itself(qtbot: QtBot) -> None:
    lens = Lens()
    bar = LensBar(lens, "run")
    qtbot.addWidget(bar)
    bar.choose("time")
    bar.slider.setValue(60)
    bar.outliers.click()
    again, other = Lens(), Lens()
    bars = LensBar(again, "run"), LensBar(other, "compare")
    for made in bars:
        qtbot.addWidget(made)
    assert again.state() == lens.state() == {"axis": "time", "smoothing": 0.6, "calm": True}
    assert bars[0].axes["time"].isChecked() and bars[0].slider.value() == 60 and bars[0].outliers.isChecked()
    assert other.state() == Lens().state()


@pytest.mark.parametrize("damage", ["{", "[1]", '{"axis": "miles", "smoothing": 7, "calm": "no"}'])
def test_what_was_remembered_and_makes_no_sense_is_left_out(qtbot: QtBot, damage: str) -> None:
    QSettings().setValue("lens/run", damage)
    lens = Lens()
    qtbot.addWidget(LensBar(lens, "run"))
    assert lens.state() == Lens().state()


def test_a_picker_shows_its_longest_entry_whole(qtbot: QtBot) -> None:
    picker = Picker("Which samples")
    qtbot.addWidget(picker)
    picker.offer([("random", 1), ("every class", 2)])
    picker.resize(picker.sizeHint())
    picker.setCurrentIndex(1)
    assert picker.entry_shown() == "every class"
    picker.resize(picker.width() // 2, picker.height())
    assert picker.entry_shown().endswith("…")
