"""Cards of charts over recorded runs: what they show, what they give away, and that nothing moves."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from recorded import Recipe, shorter
from shown import Show, replayed

from engine import events
from kdstudio import theme
from kdstudio.charts import export
from kdstudio.charts.curves import CurveCard, Line, Plot
from kdstudio.charts.gallery import GalleryCard, Pictures
from kdstudio.charts.heat import HeatMap
from kdstudio.charts.lens import Lens
from kdstudio.charts.matrix import SOFT_LABELS, MatrixCard
from kdstudio.charts.numbers import NumbersCard
from kdstudio.charts.places import rows_of
from kdstudio.charts.tables import TableCard
from kdstudio.history import History
from kdstudio.screens.run import plots
from kdstudio.screens.run.panels import _matrices
from kdstudio.screens.run.views import subject_of

SMALL = Recipe(epochs=8)
TAUGHT = Recipe(epochs=8, teacher=True, classes=30)


def values(card: CurveCard) -> dict[str, str]:
    return {entry.mark.name: entry._value for entry in card.legend.entries.values()}


def test_losses_name_every_term_of_the_stage_that_runs(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(CurveCard(plots.losses(history.plan), history, Lens()))
    assert list(values(card)) == ["sum", "labels", "soft labels"]
    card._stages.setCurrentIndex(1)
    assert list(values(card)) == ["reconstruction"]


def test_terms_can_be_seen_as_they_enter_the_sum(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(CurveCard(plots.losses(history.plan), history, Lens()))
    plain = values(card)["soft labels"]
    next(a for a in card.menu.actions() if "weights" in a.text()).trigger()
    assert float(values(card)["soft labels"]) == pytest.approx(0.5 * float(plain), rel=1e-2)


def test_accuracy_stands_beside_the_teacher_and_a_published_value(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, TAUGHT)
    card = show(CurveCard(plots.accuracy(history.plan), history, Lens()))
    found = values(card)
    assert list(found) == ["test", "held-out", "training", "teacher", "published"]
    assert (found["teacher"], found["published"]) == ("98.06", "96.50")


def test_the_cursor_tells_every_curves_value_there(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(CurveCard(plots.accuracy(history.plan), history, Lens()))
    curve = history.curves["distilling", "top1/student/test"]
    card.canvas.pointed.emit(3.1, 90.0)
    assert values(card)["test"] == f"{curve.y()[2]:.2f}"
    assert card.canvas.cursor_words.text().startswith("epoch 3")
    QApplication.sendEvent(card.canvas, QEvent(QEvent.Type.Leave))
    assert values(card)["test"] == f"{curve.y()[-1]:.2f}"
    assert card.canvas.cursor_words.text() == ""


def test_the_cursor_of_one_plot_is_that_of_all_over_the_same_scale(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    history, lens = replayed(tmp_path, SMALL), Lens()
    here = show(CurveCard(plots.accuracy(history.plan), history, lens))
    beside = show(CurveCard(plots.losses(history.plan), history, lens))
    newest = values(beside)
    here.canvas.pointed.emit(3.1, 90.0)
    qtbot.waitUntil(beside.canvas.cursor_line.isVisible, timeout=2000)
    assert beside.canvas.cursor_line.value() == here.canvas.cursor_line.value()
    assert not beside.canvas.cursor_level.isVisible() and beside.canvas.cursor_words.text() == ""
    assert values(beside).keys() == newest.keys() and values(beside) != newest
    QApplication.sendEvent(here.canvas, QEvent(QEvent.Type.Leave))
    qtbot.waitUntil(lambda: not beside.canvas.cursor_line.isVisible(), timeout=2000)
    assert values(beside) == newest


def test_the_cursor_is_not_shared_between_scales(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    history, lens = replayed(tmp_path, SMALL), Lens()
    here = show(CurveCard(plots.accuracy(history.plan), history, lens))
    other = show(CurveCard(plots.losses(history.plan), history, lens))
    other.lens.choose("axis", "step")
    with qtbot.waitSignal(lens.crossing.moved, timeout=2000):
        here.canvas.pointed.emit(3.1, 90.0)
    assert not other.canvas.cursor_line.isVisible()


def test_a_click_in_the_legend_hides_a_curve_and_keeps_it_hidden(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(CurveCard(plots.accuracy(history.plan), history, Lens()))
    entry = next(e for e in card.legend.entries.values() if e.mark.name == "training")
    qtbot.mouseClick(entry, Qt.MouseButton.LeftButton)
    card.redraw()
    assert "train_top1" not in card.canvas.strokes.curves
    assert "top1/student/test" in card.canvas.strokes.curves


def test_smoothing_leaves_the_raw_curve_faint_below(show: Show, tmp_path: Path) -> None:
    history, lens = replayed(tmp_path, Recipe(epochs=30)), Lens()
    card = show(CurveCard(plots.losses(history.plan), history, lens))
    lens.set_smoothing(0.9)
    card.redraw()
    raw, smooth = card.canvas.strokes.curves["ce/raw"].y, card.canvas.strokes.curves["ce"].y
    assert np.abs(np.diff(smooth)).sum() < np.abs(np.diff(raw)).sum()


def test_a_logarithmic_axis_leaves_out_what_has_no_logarithm(show: Show) -> None:
    history = measured([1.0, 0.0, 0.01])
    card = show(CurveCard(PLOT, history, Lens()))
    card._log.click()
    drawn = card.canvas.strokes.curves["a"].y
    assert np.isnan(drawn[1])
    assert drawn[2] == pytest.approx(-2)


def test_a_number_that_is_none_breaks_the_curve_and_nothing_else(show: Show) -> None:
    card = show(CurveCard(PLOT, measured([1.0, float("nan"), float("inf"), 2.0]), Lens()))
    low, high = card.canvas.box.viewRange()[1]
    assert np.isfinite([low, high]).all()
    assert values(card) == {"a": "2.000"}


def test_values_keep_the_room_they_have(show: Show) -> None:
    history = measured([1.0])
    card = show(CurveCard(PLOT, history, Lens()))
    before = card.legend.entries["a"].geometry()
    history.take(step_of(2, 123456.0))
    card.redraw()
    history.take(step_of(3, -0.000012))
    card.redraw()
    assert card.legend.entries["a"].geometry() == before


def test_the_x_axis_counts_steps_epochs_or_seconds(show: Show, tmp_path: Path) -> None:
    history, lens = replayed(tmp_path, SMALL), Lens()
    card = show(CurveCard(plots.learning_rate(), history, lens))
    ends = {}
    for axis in ("step", "epoch", "time"):
        lens.set_axis(axis)  # type: ignore[arg-type]
        card.redraw()
        ends[axis] = card.canvas.box.viewRange()[0][1]
    assert ends["step"] == pytest.approx(168, rel=0.02)
    assert ends["epoch"] == pytest.approx(8, rel=0.02)
    assert 3 < ends["time"] < 6


def test_many_points_are_thinned_and_the_best_stays(show: Show) -> None:
    values = [0.5] * 20_000
    values[12_345] = 0.9
    card = show(CurveCard(PLOT, measured(values), Lens()))
    drawn = card.canvas.strokes.curves["a"].y
    assert len(drawn) < 1600
    assert drawn.max() == 0.9


def test_a_wheel_over_a_plot_scrolls_the_page(show: Show) -> None:
    card = show(CurveCard(PLOT, measured([1.0, 2.0]), Lens()))
    before = card.canvas.box.viewRange()
    assert not wheel(card.canvas.viewport(), Qt.KeyboardModifier.NoModifier).isAccepted()
    assert card.canvas.box.viewRange() == before


def wheel(widget: QWidget, keys: Qt.KeyboardModifier) -> QWheelEvent:
    at = QPointF(widget.rect().center())
    event = QWheelEvent(at, QPointF(widget.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
                        keys, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(widget, event)
    return event


def test_the_numbers_of_a_plot_leave_as_csv_unthinned(show: Show, tmp_path: Path) -> None:
    card = show(CurveCard(PLOT, measured([0.1] * 5000), Lens()))
    export.save_csv(card.table(), tmp_path / "a.csv")
    rows = list(csv.reader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["stage", "curve", "step", "epoch", "seconds", "value"]
    assert len(rows) == 5001
    assert rows[1] == ["work", "a", "1", "0.01", "1.0", "0.1"]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_card_leaves_as_png_and_svg_without_its_buttons(show: Show, tmp_path: Path, mode: Any) -> None:
    theme.set_mode(mode)
    history = replayed(tmp_path, SMALL)
    card = show(CurveCard(plots.accuracy(history.plan), history, Lens()))
    export.save_png(card, tmp_path / "a.png")
    export.save_svg(card, tmp_path / "a.svg")
    image = QImage(str(tmp_path / "a.png"))
    assert (image.width(), image.height()) == (2 * card.width(), 2 * card.height())
    assert len({image.pixel(x, y) for x in range(0, image.width(), 5) for y in range(0, image.height(), 5)}) > 5
    assert "held-out" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert card._menu_button.isVisible()
    theme.set_mode("light")


def test_a_picture_that_cannot_be_written_says_so(show: Show, tmp_path: Path) -> None:
    card = show(CurveCard(PLOT, measured([1.0]), Lens()))
    for save in (export.save_png, export.save_svg):
        with pytest.raises(OSError, match="cannot be written"):
            save(card, tmp_path / "no such folder" / "a")


def test_soft_labels_are_shown_first_and_their_classes_can_be_picked(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(matrix_card(history))
    assert card.shown().watch == "reffakd.soft_labels"
    card.heat.picked.emit(3)
    assert (card._class.currentText(), card.heat.row) == ("3", 3)
    assert [s.name for s in card.bars.series] == ["Soft labels · student", "Soft labels · ReffAKD"]
    assert card.bars.series[0].values.sum() == pytest.approx(1.0, abs=1e-5)


def test_the_cell_under_the_cursor_says_its_value_in_every_matrix(show: Show, tmp_path: Path, qtbot: QtBot) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(matrix_card(history))
    card.resize(800, 320)
    card.redraw()
    frame = card.heat._frame()
    qtbot.mouseMove(card.heat, QPoint(frame.x() + 3, frame.y() + frame.height() - 3))
    own = history.array(history.watched["reffakd.soft_labels"][-1])[9, 0]
    assert card._value.text().startswith(f"9 → 0:  {own:.4f}")
    assert "student" in card._value.text()


def test_the_largest_classes_are_kept_where_not_all_have_room(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, TAUGHT)
    card = show(matrix_card(history))
    card._class.setCurrentIndex(29)
    rows = card.bars.rows()
    assert 29 in rows
    assert len(rows) < 30
    assert rows == sorted(rows)


def test_going_back_in_time_shows_what_was_and_the_end_follows_the_run(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    card = show(matrix_card(history))
    card._which.setCurrentIndex(card._which.findData("soft_labels_student"))
    newest = card.heat.values
    card.records._slider.setValue(0)
    assert card.records._words.text() == "epoch 1"
    assert not np.array_equal(card.heat.values, newest)
    card.records._slider.setValue(card.records._slider.maximum())
    history.take(history.watched["soft_labels_student"][0])
    card.redraw()
    assert card.records._slider.value() == card.records._slider.maximum() == 8


def test_a_matrix_leaves_as_csv_with_its_names(show: Show, tmp_path: Path) -> None:
    card = show(matrix_card(replayed(tmp_path, SMALL)))
    rows = list(card.table())
    assert rows[0] == ("class", *[str(i) for i in range(10)])
    assert len(rows) == 11


@pytest.mark.parametrize("scale", ["off the diagonal", "whole range", "logarithmic"])
def test_a_heat_map_stands_any_matrix(qtbot: QtBot, scale: Any) -> None:
    heat = HeatMap()
    qtbot.addWidget(heat)
    heat.resize(300, 200)
    heat.set_scale(scale)
    for values in (np.zeros((3, 3)), np.full((2, 5), np.nan), np.eye(1), np.random.default_rng(0).random((200, 200))):
        heat.show_matrix(values, [], [])
        assert not heat.grab().isNull()


def test_reconstructions_stand_under_their_images(show: Show, tmp_path: Path) -> None:
    card = show(GalleryCard((Pictures("reffakd.reconstructions", "Reconstructions", ""),), replayed(tmp_path, SMALL)))
    assert card.gallery.rows == ["image", "reconstruction"]
    assert all(len(tile.pictures) == 2 for tile in card.gallery.tiles)


def test_the_newest_pictures_are_shown_until_others_are_picked(show: Show, tmp_path: Path) -> None:
    kinds = (Pictures("samples", "Samples", ""), Pictures("reffakd.reconstructions", "Reconstructions", ""))
    card = show(GalleryCard(kinds, replayed(tmp_path, SMALL)))
    assert card.shown() == "samples"
    card._which.setCurrentIndex(2)
    assert card.gallery.rows == ["image", "reconstruction"]
    assert card.records._words.text() == "epoch 12"


def test_a_table_and_numbers_are_written_out(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    table = show(TableCard("reffakd.evidence", "Evidence", "", history))
    assert list(table.table())[1] == ("boost γ", "0.0225", "smallest that ranks every class first: 0.0221")
    numbers = NumbersCard("Measurements", "", history)
    numbers.tell("reffakd.gamma", "gamma")
    show(numbers)
    assert list(numbers.table()) == [("number", "value"), ("gamma", 0.0225)]


@pytest.mark.parametrize("columns", [1, 2, 3, 4, 6])
def test_a_board_has_every_card_once_and_no_row_overflows(columns: int) -> None:
    spans = [1, 1, 1, 2, 1, 2, 1, 1]
    rows = rows_of(spans, columns)
    assert sorted(i for row in rows for i, _, _ in row) == list(range(len(spans)))
    assert all(column + span <= columns for row in rows for _, column, span in row)


PLOT = Plot("a", "A", {"a": Line("a", 0)}.get)


def step_of(step: int, value: float) -> events.Step:
    return events.Step(clock=float(step), stage="work", step=step, steps=20_000, epoch=1, values={"a": value})


def measured(values: list[float]) -> History:
    history = History()
    history.take(events.StageStarted(stage="work", title="work", steps=20_000, epochs=200))
    for i, value in enumerate(values, 1):
        history.take(step_of(i, value))
    return history


def matrix_card(history: History) -> MatrixCard:
    watches = [w for w in history.plan["watches"] if w["kind"] == "matrix" and subject_of(w) is SOFT_LABELS]
    return MatrixCard(SOFT_LABELS, _matrices(watches), history)


def test_a_killed_run_draws_what_it_had(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, shorter(SMALL, 0.3))
    card = show(CurveCard(plots.accuracy(history.plan), history, Lens()))
    assert card._stack.currentIndex() == 1
