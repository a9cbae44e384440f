"""What a person does with several runs side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from compared import pair, sweep, told
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from engine.comparison import saved
from kdstudio import theme
from kdstudio.charts.overlay import OverlayCard
from kdstudio.charts.ranges import Ranged
from kdstudio.charts.run_rows import RunRowsCard
from kdstudio.entries import ENTRIES
from kdstudio.screens.compare import CompareScreen
from kdstudio.screens.compare.choosing import ChooseSheet
from kdstudio.screens.compare.naming import SaveSheet
from kdstudio.store import Store
from kdstudio.window import Window

PLOT = "distilling/student/test/top1"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def screen(qtbot: QtBot, home: Path) -> Iterator[CompareScreen]:
    """Two experiments on three seeds, side by side."""
    made = shown(qtbot, home, pair(home))
    yield made
    made.wait()


def shown(qtbot: QtBot, home: Path, paths: list[Path]) -> CompareScreen:
    made = CompareScreen(home)
    qtbot.addWidget(made)
    made.resize(1192, 744)
    made.show()
    made.compare(paths)
    qtbot.waitUntil(lambda: made.comparison is not None and bool(card(made).drawn), timeout=5000)
    return made


def card(screen: CompareScreen, key: str = PLOT) -> OverlayCard:
    return next(c for c in screen.plots.board.cards if isinstance(c, OverlayCard) and c.key == key)


def headings(screen: CompareScreen) -> list[str]:
    item = screen.results.tree.headerItem()
    return [item.text(n) for n in range(item.columnCount())]


def chooser(screen: CompareScreen, qtbot: QtBot) -> ChooseSheet:
    """The sheet, when the runs have been read."""
    qtbot.waitUntil(lambda: bool(screen.findChildren(ChooseSheet)), timeout=5000)
    return screen.findChildren(ChooseSheet)[-1]


def test_a_screen_without_runs_says_what_to_do(qtbot: QtBot, home: Path) -> None:
    made = CompareScreen(home)
    qtbot.addWidget(made)
    made.show()
    assert made._choose.isVisible() and not made.save.isEnabled() and not made.report.isEnabled()
    qtbot.mouseClick(made._choose, Qt.MouseButton.LeftButton)
    sheet = chooser(made, qtbot)
    assert sheet._pages.currentIndex() == 1 and not sheet.buttons["Compare"].isEnabled()  # there are none to choose
    sheet.reject()
    made.wait()


def test_runs_are_ticked_by_keys_and_compared_in_the_order_of_their_ticks(screen: CompareScreen, qtbot: QtBot) -> None:
    before = [side.path for side in screen.comparison.sides]  # type: ignore[union-attr]
    qtbot.mouseClick(screen.add, Qt.MouseButton.LeftButton)
    sheet = chooser(screen, qtbot)
    assert sorted(sheet.model.chosen) == sorted(before)
    sheet.table.setFocus()
    for row in range(5):
        sheet.table.setCurrentIndex(sheet.model.index(row, 0))
        qtbot.keyClick(sheet.table, Qt.Key.Key_Space)
    assert len(sheet.model.chosen) == 1 and not sheet.buttons["Compare"].isEnabled()
    qtbot.keyClick(sheet.table, Qt.Key.Key_Space)
    wanted = list(sheet.model.chosen)
    qtbot.mouseClick(sheet.buttons["Compare"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(screen.roster.rows) == 2, timeout=5000)
    assert [side.path for side in screen.comparison.sides] == wanted  # type: ignore[union-attr]
    assert screen.comparison.baseline.path == wanted[0]  # type: ignore[union-attr]


def test_the_runs_to_choose_from_are_filtered_as_in_runs(screen: CompareScreen, qtbot: QtBot) -> None:
    screen.choose()
    sheet = chooser(screen, qtbot)
    every = sheet.model.rowCount()
    qtbot.keyClicks(sheet.search, "seed = 1")
    assert 0 < sheet.model.rowCount() < every
    sheet.search.setText("seed = ")
    assert "seed" in sheet.said.text().lower() and 0 < sheet.model.rowCount() < every  # said, and the list stays
    sheet.search.setText("nobody-has-this")
    assert sheet.model.rowCount() == 0 and len(sheet.model.chosen) == every
    sheet.reject()


def test_the_cross_of_one_plot_stands_in_all_of_the_same_scale(screen: CompareScreen, qtbot: QtBot) -> None:
    here, beside = card(screen), card(screen, "distilling/loss")
    qtbot.waitUntil(lambda: bool(beside.drawn), timeout=5000)
    here.canvas.pointed.emit(3.0, 50.0)
    qtbot.waitUntil(beside.canvas.cursor_line.isVisible, timeout=2000)
    assert beside.canvas.cursor_line.value() == here.canvas.cursor_line.value()
    assert not beside.canvas.cursor_level.isVisible()
    here.canvas.left.emit()
    qtbot.waitUntil(lambda: not beside.canvas.cursor_line.isVisible(), timeout=2000)


def test_every_run_is_a_curve_in_its_own_pen_in_every_plot(screen: CompareScreen, qtbot: QtBot) -> None:
    pens = {track.name: (track.pen.color().name(), track.pen.style()) for track in card(screen).drawn}
    assert len(pens) == 6 and len(set(pens.values())) == 6
    other = card(screen, "distilling/loss")
    qtbot.waitUntil(lambda: len(other.drawn) == 6, timeout=5000)
    assert {t.name: (t.pen.color().name(), t.pen.style()) for t in other.drawn} == pens


def test_a_hidden_run_leaves_every_plot_and_comes_back(screen: CompareScreen, qtbot: QtBot) -> None:
    row = screen.roster.rows["kd-s1"]
    qtbot.mouseClick(row.eye, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(card(screen).drawn) == 5, timeout=5000)
    assert "kd-s1" not in {track.name for track in card(screen).drawn}
    qtbot.mouseClick(row.eye, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(card(screen).drawn) == 6, timeout=5000)


def test_the_cursor_reads_every_run_at_once(screen: CompareScreen) -> None:
    card(screen).canvas.pointed.emit(4.1, 90.0)
    assert screen.roster._head.text() == "Accuracy on test images, epoch 4.000"
    assert screen.roster.rows["labels-s0"].value.text() == "86.00"
    card(screen).canvas.left.emit()
    assert screen.roster.rows["labels-s0"].value.text() == "90.00"


def test_seeds_become_one_mean_with_a_band(screen: CompareScreen, qtbot: QtBot) -> None:
    qtbot.mouseClick(screen.plots.means, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(card(screen).drawn) == 2, timeout=5000)
    kd = card(screen).drawn[1]
    assert kd.label == "kd, 3 seeds" and kd.deviation is not None
    assert (kd.y[-1], kd.deviation[-1]) == pytest.approx((91.6, 0.5568), abs=1e-3)


def test_a_distribution_is_a_row_for_each_run_that_is_shown(screen: CompareScreen, qtbot: QtBot) -> None:
    rows = next(c for c in screen.plots.board.cards if isinstance(c, RunRowsCard))
    screen.plots.board.ensureWidgetVisible(rows)
    qtbot.waitUntil(lambda: rows.heat.values.shape == (6, 2), timeout=5000)
    rows.heat.hovered.emit(0, 1)
    assert rows.value.text().startswith("labels · seed 0, dog:") and "89.00" in rows.value.text()
    screen.roster.rows["kd-s1"].eye.click()
    qtbot.waitUntil(lambda: rows.heat.values.shape == (5, 2), timeout=5000)


def test_plots_are_found_by_words_and_drawn_over_steps(screen: CompareScreen, qtbot: QtBot) -> None:
    qtbot.keyClicks(screen.plots.search, "accuracy top1")
    assert [c.key for c in screen.plots.board.cards] == [PLOT]
    screen.plots.lens_bar.choose("step")
    qtbot.waitUntil(lambda: bool(card(screen).drawn) and card(screen).drawn[0].x[0] == 10, timeout=5000)


def test_a_plot_is_gone_along_by_keys_and_by_the_wheel_and_shown_whole_again(screen: CompareScreen, qtbot: QtBot) -> None:
    canvas = card(screen).canvas
    before = canvas.box.viewRange()[0]
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    moved = canvas.box.viewRange()[0]
    assert moved[0] > before[0] and moved[1] - moved[0] == pytest.approx(before[1] - before[0])
    middle = QPointF(canvas.rect().center())
    wheel = QWheelEvent(middle, canvas.mapToGlobal(middle), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.ShiftModifier, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(canvas.viewport(), wheel)
    assert canvas.box.viewRange()[0] == pytest.approx(before)
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    qtbot.keyClick(canvas, Qt.Key.Key_Home)
    assert canvas.box.viewRange()[0] == pytest.approx(before)


def test_another_baseline_turns_the_differences_round(screen: CompareScreen, qtbot: QtBot) -> None:
    column = headings(screen).index("to baseline")
    assert screen.results.tree.topLevelItem(1).text(column) == "+1.10 [+0.85, +1.35]"
    qtbot.mouseClick(screen.roster.rows["kd-s2"].pin, Qt.MouseButton.LeftButton)
    assert screen.results.tree.topLevelItem(0).text(column) == "−1.10 [−1.35, −0.85]"
    assert screen.results.tree.topLevelItem(1).text(0) == "kd (baseline)"
    assert screen.roster.rows["kd-s2"].pin.isChecked() and not screen.roster.rows["labels-s0"].pin.isChecked()


def test_a_run_whose_weights_were_moved_is_marked_and_said_to_be_left_out(qtbot: QtBot, home: Path) -> None:
    paths = [*pair(home), told(home, "kd-s3", {"methods": {"kd": {}}}, 3, 50.0, moved=True).path]
    screen = shown(qtbot, home, paths)
    assert "moved by hand" in screen.results.remarks.text() and screen.results.remarks.isVisibleTo(screen.results)
    kd = screen.results.tree.topLevelItem(1)
    assert (kd.childCount(), kd.text(1)) == (4, "3")
    screen.wait()


def test_settings_show_the_differences_alone_until_all_are_asked_for(screen: CompareScreen, qtbot: QtBot) -> None:
    screen.tabs.setCurrentIndex(2)
    model = screen.settings.model
    differing = model.rowCount()
    assert differing == len(screen.comparison.differing) < 12  # type: ignore[union-attr]
    screen.settings.only.click()
    assert model.rowCount() == len(screen.comparison.settings) > 40  # type: ignore[union-attr]
    qtbot.keyClicks(screen.settings.search, "temperature")
    assert [model.rows[n].path for n in range(model.rowCount())] == ["methods.kd.temperature"]


def test_the_front_is_marked_and_a_hidden_experiment_leaves_it(screen: CompareScreen, qtbot: QtBot) -> None:
    screen.tabs.setCurrentIndex(3)
    plot = screen.costs.cards[0].scatter
    assert [(p.title, p.best) for p in plot.points] == [("labels", True), ("kd", True)]
    for name in ("kd-s0", "kd-s1", "kd-s2"):
        screen.roster.rows[name].eye.click()
    assert [p.title for p in plot.points] == ["labels"]


def test_what_was_varied_is_ranked_and_a_brush_keeps_the_runs_it_crosses(qtbot: QtBot, home: Path) -> None:
    screen = shown(qtbot, home, sweep(home))
    screen.tabs.setCurrentIndex(4)
    assert [one.path for one in screen.varied.importance.bars.ranked] == ["methods.kd.temperature"]
    picture = screen.varied.parallel.picture
    qtbot.waitUntil(lambda: picture.width() > 300, timeout=5000)
    x, high, low = round(picture.across(0)), round(picture.down(1.0)), round(picture.down(0.5))
    qtbot.mousePress(picture, Qt.MouseButton.LeftButton, pos=QPoint(x, high))
    qtbot.mouseMove(picture, QPoint(x, low))
    qtbot.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=QPoint(x, low))
    assert [picture.kept(run) for run in range(8)] == [False] * 4 + [True] * 4
    qtbot.mouseClick(picture, Qt.MouseButton.LeftButton, pos=QPoint(x, low))
    assert all(picture.kept(run) for run in range(8))
    screen.wait()


def test_matrices_stand_beside_each_other_with_their_difference(screen: CompareScreen, qtbot: QtBot) -> None:
    screen.tabs.setCurrentIndex(5)
    maps = screen.matrices.card.maps
    assert maps[0].values == pytest.approx(np.array([[0.9, 0.1], [0.2, 0.8]]), abs=1e-6)
    assert maps[2].values == pytest.approx(0.05 * np.array([[-1, 1], [1, -1]]), abs=1e-6)
    maps[0].hovered.emit(0, 1)
    assert screen.matrices.card.value.text().startswith("cat → dog:")
    screen.matrices.right.setCurrentIndex(screen.matrices.left.currentIndex())
    assert np.abs(maps[2].values).max() == 0


def test_a_comparison_is_saved_and_opened_again(screen: CompareScreen, qtbot: QtBot, home: Path) -> None:
    screen.roster.rows["kd-s1"].eye.click()
    qtbot.mouseClick(screen.save, Qt.MouseButton.LeftButton)
    sheet = screen.findChild(SaveSheet)
    assert sheet is not None and not sheet.buttons["Save"].isEnabled()
    qtbot.keyClicks(sheet.name, "gains")
    qtbot.keyClick(sheet.name, Qt.Key.Key_Return)
    assert saved.names(home) == ["gains"]
    again = CompareScreen(home)
    qtbot.addWidget(again)
    again.show()
    again.saved.setCurrentIndex(again.saved.findData("gains"))
    again.saved.activated.emit(again.saved.currentIndex())
    qtbot.waitUntil(lambda: again.comparison is not None, timeout=5000)
    assert len(again.comparison.sides) == 6 and again.roster.hidden == {"kd-s1"}  # type: ignore[union-attr]
    again.wait()


@pytest.mark.parametrize(
    ("entry", "ending", "word"), [(0, ".html", "<!doctype html>"), (1, ".md", "# labels"), (2, ".csv", "run,title")]
)
def test_the_report_is_taken_away(
    screen: CompareScreen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, entry: int, ending: str, word: str
) -> None:
    target = tmp_path / f"report{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    screen.report.menu().actions()[entry].trigger()
    assert target.read_text(encoding="utf-8").startswith(word)


def test_a_run_is_taken_out_but_two_stay(screen: CompareScreen, qtbot: QtBot, home: Path) -> None:
    for count, name in ((5, "labels-s0"), (4, "labels-s1"), (3, "labels-s2"), (2, "kd-s0")):
        screen.roster.rows[name].close_button.click()
        qtbot.waitUntil(lambda count=count: len(screen.comparison.sides) == count, timeout=5000)  # type: ignore[union-attr]
    screen.roster.rows["kd-s1"].close_button.click()
    assert len(screen.comparison.sides) == 2  # type: ignore[union-attr]
    assert any("Two runs are left" in w.windowTitle() for w in QApplication.topLevelWidgets() if w.isVisible())


def test_a_run_that_goes_on_is_followed(qtbot: QtBot, home: Path) -> None:
    paths = pair(home)
    running = told(home, "kd-s5", {"methods": {"kd": {}}}, 5, 91.0, outcome="")
    with running.lock():
        screen = shown(qtbot, home, [*paths, running.path])
        assert len(card(screen).drawn[-1].y) == 8
        from small_runs import evaluated

        running.append(evaluated(93.0, epoch=9))
        screen.follow()
        qtbot.waitUntil(lambda: bool(card(screen).drawn) and len(card(screen).drawn[-1].y) == 9, timeout=5000)
        screen.wait()


def test_the_table_goes_to_the_clipboard(screen: CompareScreen) -> None:
    screen.results.copy.click()
    assert QGuiApplication.clipboard().text().startswith("| experiment | seeds |")


def test_another_scheme_gives_every_curve_its_other_colour(screen: CompareScreen, qtbot: QtBot) -> None:
    before = {t.name: t.pen.color().name() for t in card(screen).drawn}
    theme.set_mode("dark")
    qtbot.waitUntil(lambda: {t.name: t.pen.color().name() for t in card(screen).drawn} != before, timeout=5000)
    theme.set_mode("light")


def test_runs_chosen_in_the_table_are_laid_side_by_side(qtbot: QtBot, home: Path, store: Store) -> None:
    pair(home)
    window = Window(store, home)
    qtbot.addWidget(window)
    window.show()
    window.show_runs()
    table = window.runs
    qtbot.waitUntil(lambda: table.view.model().rowCount() == 6, timeout=5000)
    assert not table.compare.isEnabled()
    table.view.selectAll()
    qtbot.mouseClick(table.compare, Qt.MouseButton.LeftButton)
    screen = window.page("compare")
    assert isinstance(screen, CompareScreen)
    qtbot.waitUntil(lambda: screen.comparison is not None, timeout=5000)
    assert screen.isVisible() and len(screen.roster.rows) == 6
    screen.wait()
    table.wait()


def test_compare_stands_in_the_rail_between_runs_and_library() -> None:
    keys = [entry.key for entry in ENTRIES]
    assert keys.index("runs") < keys.index("compare") < keys.index("library")


def test_thinning_keeps_every_peak_of_what_is_seen_and_no_more_points_than_pixels() -> None:
    rng = np.random.default_rng(0)
    x, y = np.arange(100_000.0), rng.standard_normal(100_000)
    y[[70_123, 70_999]] = 50.0, -50.0
    y[5] = np.nan
    curve = Ranged(x, y)
    for low, high in ((0.0, 99_999.0), (70_000.0, 71_500.0), (70_100.0, 70_140.0)):
        seen_x, seen_y = curve.seen(low, high, 400)
        inside = y[int(low) : int(high) + 1]
        assert np.nanmax(seen_y) >= np.nanmax(inside) and np.nanmin(seen_y) <= np.nanmin(inside)
        assert len(seen_x) <= 4 * 400 and seen_x[0] <= low and np.all(np.diff(seen_x) >= 0)
    assert curve.ends() == (-50.0, 50.0)


def test_outliers_may_leave_the_picture_of_a_comparison(screen: CompareScreen, qtbot: QtBot) -> None:
    here = card(screen)
    x = np.arange(300.0)
    tracks = [dataclasses.replace(here.drawn[0], x=x, y=np.where(x == 100, 1e6, np.sin(x)))]
    here._tracks = lambda _: tracks
    here.redraw()
    assert here.canvas.box.viewRange()[1][1] > 1e5
    screen.plots.lens.set_calm(True)
    here.redraw()
    assert here.canvas.box.viewRange()[1][1] < 1000
