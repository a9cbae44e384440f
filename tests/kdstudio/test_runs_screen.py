"""The table of runs: what it lists, sorts, finds and lets go on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from recorded import Recipe, record, shorter

from engine.runs import RunRow
from kdstudio.run_table import COLUMNS, OVER_SEEDS, groups, moment
from kdstudio.screens.runs import RunsScreen

SMALL = Recipe(epochs=3)


@pytest.fixture
def screen(qtbot: QtBot, tmp_path: Path) -> Iterator[RunsScreen]:
    record(tmp_path, Recipe(epochs=3, name="a-s0", title="Alpha"))
    record(tmp_path, Recipe(epochs=3, name="a-s1", title="Alpha", seed=1))
    record(tmp_path, shorter(Recipe(epochs=3, name="b", title="Beta", seed=10), 0.7))
    made = RunsScreen(tmp_path)
    qtbot.addWidget(made)
    made.resize(1192, 700)
    made.show()
    qtbot.waitUntil(lambda: made.shown.rowCount() == 3, timeout=5000)
    yield made
    made.wait()


def column(screen: RunsScreen, title: str) -> list[str]:
    i = next(i for i, c in enumerate(COLUMNS) if c.title == title)
    return [screen.shown.index(row, i).data() for row in range(screen.shown.rowCount())]


def test_a_folder_without_runs_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    made = RunsScreen(tmp_path / "nothing here")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: not made._looking, timeout=5000)
    assert made._pages.currentIndex() == 2


def test_every_run_tells_its_state_and_accuracy(screen: RunsScreen) -> None:
    assert sorted(column(screen, "state")) == ["done", "done", "interrupted"]
    assert "96.94" in column(screen, "last %")


def test_numbers_are_sorted_as_numbers(screen: RunsScreen) -> None:
    i = next(i for i, c in enumerate(COLUMNS) if c.title == "seed")
    screen.view.sortByColumn(i, Qt.SortOrder.AscendingOrder)
    assert column(screen, "seed") == ["0", "1", "10"]


def test_a_search_keeps_the_runs_that_hold_every_word(screen: RunsScreen) -> None:
    screen.search.setText("alpha done")
    assert column(screen, "title") == ["Alpha", "Alpha"]
    assert screen.count.text() == "2 of 3"
    screen.search.setText("nothing like it")
    assert screen.shown.rowCount() == 0


def test_only_what_was_cut_short_can_be_resumed_and_only_while_nothing_runs(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "a-s0")
    assert not screen.resume.isEnabled()
    screen.choose(screen.home / "b")
    assert screen.resume.isEnabled()
    screen.set_trainer_state("running")
    assert not screen.resume.isEnabled()
    screen.set_trainer_state("idle")
    with qtbot.waitSignal(screen.resume_requested) as asked:
        screen.resume.click()
    assert asked.args == [screen.home / "b"]


def test_a_finished_run_goes_on_while_repeats_are_missing(screen: RunsScreen, qtbot: QtBot) -> None:
    for path in (screen.home / "a-s0", screen.home / "a-s1"):
        stored = path / "experiment.yaml"
        found, count = re.subn(r"repeats: 1\b", "repeats: 3", stored.read_text(encoding="utf-8"))
        assert count == 1
        stored.write_text(found, encoding="utf-8")
    shutil.rmtree(screen.home / "b")
    screen.refresh()
    qtbot.waitUntil(lambda: screen.shown.rowCount() == 2, timeout=5000)
    screen.choose(screen.home / "a-s1")
    assert screen.resume.isEnabled()
    screen.choose(screen.home / "a-s0")
    assert not screen.resume.isEnabled()


def test_a_run_is_opened_from_any_folder(screen: RunsScreen, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    screen.open_requested.connect(asked.append)
    for answer in ("", "/elsewhere/a-run"):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, answer=answer: answer)
        screen.folder.click()
    assert asked == [Path("/elsewhere/a-run")]


def test_a_run_is_opened_by_a_double_click_and_cloned_by_a_button(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "a-s1")
    with qtbot.waitSignal(screen.open_requested) as opened:
        screen.view.activated.emit(screen.view.currentIndex())
    with qtbot.waitSignal(screen.clone_requested):
        screen.clone.click()
    assert opened.args == [screen.home / "a-s1"]


def test_the_choice_survives_a_new_run(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "b")
    record(screen.home, Recipe(epochs=3, name="c", title="Gamma"))
    screen.refresh()
    qtbot.waitUntil(lambda: screen.shown.rowCount() == 4, timeout=5000)
    chosen = screen.chosen()
    assert chosen is not None
    assert chosen.path == screen.home / "b"


def test_the_table_rests_while_nobody_looks(screen: RunsScreen) -> None:
    assert screen._timer.isActive()
    screen.hide()
    assert not screen._timer.isActive()


def row(name: str, best: float | None, state: str = "done", group: str = "g") -> RunRow:
    return RunRow(name=name, path=Path(name), state=state, group=group, top1_best=best)  # type: ignore[arg-type]


def test_a_group_agrees_on_the_mean_of_its_finished_runs() -> None:
    rows = [row("a", 96.0), row("b", 98.0), row("c", 10.0, "failed"), row("d", None), row("e", 50.0, group="alone")]
    found = groups(rows)
    assert list(found) == ["g"]
    assert str(found["g"]) == "97.00 ± 1.41" and found["g"].count == 2


def test_repeats_show_what_they_agree_on(screen: RunsScreen) -> None:
    assert any("±" in screen.shown.index(r, OVER_SEEDS).data() for r in range(3))


def test_a_run_that_never_began_has_no_date() -> None:
    assert moment(0) == ""
