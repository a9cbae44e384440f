"""A distribution between numbers is drawn as columns with lines to compare with, one over places as bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from recorded import Recipe, record

from engine import events
from kdstudio import theme
from kdstudio.charts.distribution import DistributionCard
from kdstudio.charts.histogram import Histogram
from kdstudio.history import History
from kdstudio.screens.run import plots

SHARES = np.array([0.1, 0.6, 0.3, 0.0])
BETWEEN = {"edges": [0.0, 0.25, 0.5, 0.75, 1.0], "levels": [["as noisy as time 400", 0.33]]}


def histogram(qtbot: QtBot, **given: Any) -> Histogram:
    made = Histogram()
    qtbot.addWidget(made)
    made.resize(300, 160)
    made.show_shares(SHARES, given.get("edges", BETWEEN["edges"]), given.get("levels", BETWEEN["levels"]))
    made.show()
    QApplication.processEvents()
    return made


def card_of(qtbot: QtBot, tmp_path: Path, labels: dict[str, list[Any]]) -> DistributionCard:
    folder, said = record(tmp_path, Recipe(epochs=2))
    file, offset, shape, dtype = folder.record("diffkd.gamma", SHARES.astype(np.float32))
    shown = events.Watched(watch="diffkd.gamma", kind="distribution", stage="distilling", step=1, epoch=1, file=file,
                           offset=offset, shape=shape, dtype=dtype, labels=labels)  # fmt: skip
    history = History(folder.path)
    history.take_all([*said, shown], alive=False)
    card = DistributionCard("diffkd.gamma", "γ", "", "", history)
    qtbot.addWidget(card)
    card.resize(300, 200)
    card.show()
    card.redraw()
    return card


def test_columns_stand_between_their_edges_and_the_line_at_its_value(qtbot: QtBot) -> None:
    made = histogram(qtbot)
    picture = made.grab().toImage()
    frame, series, line = made.frame(), theme.series(0).rgb(), theme.series(1).rgb()
    middle = int(frame.center().y())
    assert picture.pixel(int(made.across(0.4)), middle) == series
    assert picture.pixel(int(made.across(0.1)), middle) != series
    column = [picture.pixel(int(made.across(0.33)), y) for y in range(picture.height())]
    assert line in column


def test_a_line_outside_the_edges_widens_the_axis(qtbot: QtBot) -> None:
    made = histogram(qtbot, levels=[["far", 2.0]])
    assert made.span() == (0.0, 2.0)
    assert made.frame().left() <= made.across(0.0) < made.across(2.0) <= made.frame().right() + 1


def test_many_lines_are_drawn_without_names(qtbot: QtBot) -> None:
    levels = [[str(k), k / 16] for k in range(16)]
    made = histogram(qtbot, levels=levels)
    assert made.frame().top() < histogram(qtbot, levels=levels[:2]).frame().top()
    assert made.accessibleDescription().count("line at") == 16


def test_the_card_shows_columns_where_the_record_has_edges_and_gives_their_numbers_away(qtbot: QtBot, tmp_path: Path) -> None:
    card = card_of(qtbot, tmp_path, BETWEEN)
    assert card.histogram.isVisible() and not card.bars.isVisible()
    rows = list(card.table())
    assert rows[0] == ("from", "to", "share")
    assert rows[2] == pytest.approx((0.25, 0.5, 0.6))


def test_the_card_shows_bars_where_the_record_names_its_places(qtbot: QtBot, tmp_path: Path) -> None:
    card = card_of(qtbot, tmp_path, {"names": ["f1", "f2", "f3", "f4"]})
    assert card.bars.isVisible() and not card.histogram.isVisible()
    assert [row[0] for row in card.table()] == ["name", "f1", "f2", "f3", "f4"]


def test_features_that_methods_make_stand_in_the_plot_of_signal_to_noise() -> None:
    line = plots.signal_to_noise().lines
    assert line("snr_student") is not None and line("snr_teacher") is not None and line("ce") is None
    own = [line(f"snr/diffkd.{name}") for name in ("student projected", "student denoised")]
    assert [each.name for each in own if each] == ["student projected", "student denoised"]
    assert len({each.index for each in own if each} | {plots.STUDENT, plots.TEACHER}) == 4
