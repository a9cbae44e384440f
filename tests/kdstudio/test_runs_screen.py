"""The table of runs: what it lists, sorts, filters and groups, and what can be done with runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patient import PatientTrainer
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot
from recorded import Recipe, record, shorter

from engine.runs import RunRow, bin, listing, marks
from kdstudio.entries.runs import look
from kdstudio.screens.runs import RunsScreen
from kdstudio.screens.runs.cleaning_sheet import BinSheet, CleaningSheet
from kdstudio.screens.runs.columns import OVER_SEEDS, column, groups, moment, offered, ordered
from kdstudio.screens.runs.sheets import BranchSheet, MarksSheet
from kdstudio.store import Store
from kdstudio.window import Window


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    """Columns and grouping that a test chooses are gone after it."""
    yield
    QSettings().remove("runs")


@pytest.fixture
def screen(qtbot: QtBot, tmp_path: Path) -> Iterator[RunsScreen]:
    record(tmp_path, Recipe(epochs=3, name="a-s0", title="Alpha"))
    record(tmp_path, Recipe(epochs=3, name="a-s1", title="Alpha", seed=1))
    record(tmp_path, shorter(Recipe(epochs=3, name="b", title="Beta", seed=10), 0.7))
    made = RunsScreen(tmp_path)
    qtbot.addWidget(made)
    made.resize(1192, 700)
    made.show()
    qtbot.waitUntil(lambda: made.table.rowCount() == 3, timeout=5000)
    yield made
    made.wait()


def number(screen: RunsScreen, key: str) -> int:
    return screen.view.column_keys().index(key)


def cells(screen: RunsScreen, key: str) -> list[str]:
    return [screen.table.index(row, number(screen, key)).data() for row in range(screen.table.rowCount())]


def seen(screen: RunsScreen, qtbot: QtBot, count: int) -> None:
    """Wait until the table has looked anew and shows so many lines."""
    screen.refresh()
    qtbot.waitUntil(lambda: screen.table.rowCount() == count and not screen._looking, timeout=5000)


def command(screen: RunsScreen, words: str) -> None:
    [found] = [c for group in (*screen._keys.of_chosen, *screen._keys.of_all) for c in group if c.text() == words]
    assert found.allowed()
    found.do()


def sheet(screen: RunsScreen, qtbot: QtBot, kind: type) -> CleaningSheet:
    qtbot.waitUntil(lambda: any(s.isVisible() for s in screen.window().findChildren(kind)), timeout=5000)
    [made] = [s for s in screen.window().findChildren(kind) if s.isVisible()]
    return made


def test_a_folder_without_runs_says_what_it_is_for(qtbot: QtBot, tmp_path: Path) -> None:
    made = RunsScreen(tmp_path / "nothing here")
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: not made._looking, timeout=5000)
    assert made._pages.currentIndex() == 2
    assert not made.foot.isVisible()
    made.wait()


def test_every_run_tells_its_state_and_accuracy(screen: RunsScreen) -> None:
    assert sorted(cells(screen, "state")) == ["done", "done", "interrupted"]
    assert "96.94" in cells(screen, "last")


def test_numbers_are_sorted_as_numbers_and_what_is_missing_stands_last(screen: RunsScreen) -> None:
    screen.view.sortByColumn(number(screen, "seed"), Qt.SortOrder.AscendingOrder)
    assert cells(screen, "seed") == ["0", "1", "10"]
    screen.view.sortByColumn(number(screen, OVER_SEEDS), Qt.SortOrder.DescendingOrder)
    by = [RunRow(name=n, path=Path(n), state="done", top1_best=v) for n, v in (("a", 1.0), ("b", None), ("c", 2.0))]  # type: ignore[arg-type]
    assert [r.name for r in ordered(by, column("best").value, True)] == ["c", "a", "b"]
    assert [r.name for r in ordered(by, column("best").value, False)] == ["a", "c", "b"]


def test_a_filter_keeps_the_runs_it_holds_for(screen: RunsScreen, qtbot: QtBot) -> None:
    qtbot.keyClicks(screen.search, "alpha done seed < 1")
    assert cells(screen, "title") == ["Alpha"]
    assert screen.count.text().startswith("1 of 3 runs")
    screen.search.setText("nothing like it")
    assert screen.table.rowCount() == 0
    screen.search.clear()
    assert screen.table.rowCount() == 3


def test_a_filter_that_cannot_be_read_says_why_and_leaves_the_table(screen: RunsScreen) -> None:
    screen.search.setText("alpha")
    screen.search.setText("alpha topp1 > 3")
    assert screen.head.said.text() == "A run has no “topp1”; did you mean 'top1'?"
    assert screen.search.property("wrong") is True
    assert screen.table.rowCount() == 2
    screen.search.setText("alpha")
    assert screen.head.said.text() == ""
    assert screen.search.property("wrong") is False


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
    seen(screen, qtbot, 2)
    screen.choose(screen.home / "a-s1")
    assert screen.resume.isEnabled()
    screen.choose(screen.home / "a-s0")
    assert not screen.resume.isEnabled()


def test_an_interrupted_run_is_offered_for_resume_until_a_person_does_not_want_it(screen: RunsScreen, qtbot: QtBot) -> None:
    assert screen.offer.isVisible()
    assert "“Beta”" in screen.offer.words.text()
    with qtbot.waitSignal(screen.resume_requested) as asked:
        screen.offer.answers["Resume"].click()
    assert asked.args == [screen.home / "b"]
    assert not screen.offer.isVisible()
    screen._offer_resume()
    screen.offer.close_button.click()
    screen._offer_resume()
    assert not screen.offer.isVisible()


def test_a_run_that_was_cut_short_is_marked_in_the_rail_at_the_start(store: Store, qtbot: QtBot, tmp_path: Path) -> None:
    record(tmp_path, shorter(Recipe(epochs=3, name="b", title="Beta"), 0.7))
    window: Any = Window(store, tmp_path, PatientTrainer())  # type: ignore[arg-type]
    qtbot.addWidget(window)
    window.show()
    item = window.rail.items["runs"]
    look(window)
    qtbot.waitUntil(lambda: item._dot == "warning", timeout=5000)
    item.click()
    assert item._dot == ""
    qtbot.waitUntil(lambda: window.runs.offer.isVisible(), timeout=5000)
    window.runs.wait()


def test_a_run_is_opened_from_any_folder(screen: RunsScreen, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_several_selected_runs_are_handed_to_compare_in_the_order_of_the_table(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.view.sortByColumn(number(screen, "seed"), Qt.SortOrder.DescendingOrder)
    screen.choose(screen.home / "a-s0")
    assert not screen.compare.isEnabled()
    screen.choose(screen.home / "a-s0", screen.home / "b")
    assert not screen.open.isEnabled()
    with qtbot.waitSignal(screen.compare_requested) as asked:
        screen.compare.click()
    assert asked.args == [[screen.home / "b", screen.home / "a-s0"]]


def test_the_choice_survives_a_new_run_and_another_order(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "b", screen.home / "a-s1")
    record(screen.home, Recipe(epochs=3, name="c", title="Gamma"))
    seen(screen, qtbot, 4)
    screen.view.sortByColumn(number(screen, "title"), Qt.SortOrder.AscendingOrder)
    assert {row.name for row in screen.chosen_all()} == {"a-s1", "b"}


def test_the_table_rests_while_nobody_looks(screen: RunsScreen) -> None:
    assert screen._timer.isActive()
    screen.hide()
    assert not screen._timer.isActive()


# Marks


def test_a_run_is_renamed_in_its_cell_and_back_by_undo(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "b")
    qtbot.keyClick(screen.view, Qt.Key.Key_F2)
    command(screen, "Rename the run")
    [field] = screen.view.viewport().findChildren(QLineEdit)
    field.setText("Table 3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Table 3" in cells(screen, "title"), timeout=5000)
    assert listing(screen.home)[0].path.parent == screen.home
    screen.strip.answers["Undo"].click()
    qtbot.waitUntil(lambda: "Table 3" not in cells(screen, "title"), timeout=5000)
    assert "Beta" in cells(screen, "title")


def test_tags_and_a_note_are_put_on_one_run(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "b")
    command(screen, "Tags and note…")
    made = sheet(screen, qtbot, MarksSheet)
    qtbot.keyClicks(made.tags, "paper Draft")
    made.note.setPlainText("look again")
    made.buttons["Save"].click()
    qtbot.waitUntil(lambda: marks.read(screen.home / "b").tags == ("draft", "paper"), timeout=5000)
    assert marks.read(screen.home / "b").note == "look again"
    seen(screen, qtbot, 3)
    screen.search.setText("tag:paper note:again")
    assert cells(screen, "title") == ["Beta"]
    screen.choose(screen.home / "b")
    assert "look again" in screen.foot.about.text()


def test_tags_of_several_runs_change_together_and_leave_the_others(screen: RunsScreen, qtbot: QtBot) -> None:
    marks.change(screen.home / "b", tags=("own", "both"), note="mine")
    marks.change(screen.home / "a-s0", tags=("both",))
    seen(screen, qtbot, 3)
    screen.choose(screen.home / "b", screen.home / "a-s0")
    command(screen, "Tags and note…")
    made = sheet(screen, qtbot, MarksSheet)
    assert made.tags.text() == "both" and made.note.isHidden()
    made.tags.setText("new")
    made.buttons["Save"].click()
    qtbot.waitUntil(lambda: "new" in marks.read(screen.home / "b").tags and screen.can_undo(), timeout=5000)
    assert marks.read(screen.home / "b") == marks.Marks(tags=("new", "own"), note="mine")
    assert marks.read(screen.home / "a-s0").tags == ("new",)


def test_archived_runs_are_out_of_the_way_until_they_are_asked_for(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "b")
    command(screen, "Archive, or take back from the archive")
    qtbot.waitUntil(lambda: screen.table.rowCount() == 2, timeout=5000)
    assert "1 archived" in screen.count.text()
    screen.search.setText("archived")
    assert cells(screen, "title") == ["Beta"]
    screen.search.clear()
    command(screen, "Show archived runs, or no longer")
    assert screen.table.rowCount() == 3
    screen.choose(screen.home / "b")
    command(screen, "Archive, or take back from the archive")
    qtbot.waitUntil(lambda: not marks.read(screen.home / "b").archived, timeout=5000)


# Deleting, and making room


def test_deleted_runs_come_back_by_undo(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "a-s0", screen.home / "b")
    command(screen, "Delete")
    qtbot.waitUntil(lambda: screen.table.rowCount() == 1, timeout=5000)
    assert screen.strip.words.text() == "2 runs moved into the bin."
    assert {each.name for each in bin.contents(screen.home)} == {"a-s0", "b"}
    screen.undo()
    qtbot.waitUntil(lambda: screen.table.rowCount() == 3, timeout=5000)
    assert not screen.can_undo()


def test_deleting_a_run_that_another_stands_on_asks_first(screen: RunsScreen, qtbot: QtBot) -> None:
    stored = screen.home / "b" / "experiment.yaml"
    words = stored.read_text(encoding="utf-8")
    start = words.index("student:")
    changed = re.sub(r"source: scratch", "source: run", words[start:], count=1)
    changed = re.sub(r"\n  run: .*", "\n  run: a-s0", changed, count=1)
    stored.write_text(words[:start] + changed, encoding="utf-8")
    screen.choose(screen.home / "a-s0")
    command(screen, "Delete")
    qtbot.waitUntil(lambda: any(b.text() == "Delete all the same" for b in screen.window().findChildren(type(screen.open))))
    assert screen.table.rowCount() == 3
    [sure] = [b for b in screen.window().findChildren(type(screen.open)) if b.text() == "Delete all the same"]
    sure.click()
    qtbot.waitUntil(lambda: screen.table.rowCount() == 2, timeout=5000)


def test_the_bin_gives_back_one_and_deletes_the_rest_for_good(screen: RunsScreen, qtbot: QtBot) -> None:
    bin.put(screen.home, [screen.home / "a-s0", screen.home / "b"])
    seen(screen, qtbot, 1)
    screen.deeds.open_bin()
    made = sheet(screen, qtbot, BinSheet)
    names = [made.table.item(i, 0).text() for i in range(2)]
    made.table.selectRow(names.index("b"))
    made.buttons["Put back"].click()
    qtbot.waitUntil(lambda: screen.table.rowCount() == 2, timeout=5000)
    screen.deeds.open_bin()
    again = sheet(screen, qtbot, BinSheet)
    again.buttons["Delete all for good"].click()
    assert len(bin.contents(screen.home)) == 1 and again.sure.text()
    again.buttons["Delete all for good"].click()
    qtbot.waitUntil(lambda: not bin.contents(screen.home), timeout=5000)


def test_a_cleaning_shows_what_would_go_and_removes_just_that(screen: RunsScreen, qtbot: QtBot) -> None:
    file = screen.home / "a-s0" / "checkpoints" / "last.safetensors"
    file.write_bytes(b"x" * 5000)
    seen(screen, qtbot, 3)
    command(screen, "Clean up…")
    made = sheet(screen, qtbot, CleaningSheet)
    qtbot.waitUntil(lambda: made.buttons["Remove"].isEnabled(), timeout=5000)
    assert [made.table.item(0, i).text() for i in (0, 1, 3)] == ["Alpha", "checkpoints", "5.0 kB"]
    assert made.sum.text() == "Frees 5.0 kB at once."
    made.checkpoints.setChecked(False)
    qtbot.waitUntil(lambda: made.sum.text() == "Nothing would go.", timeout=5000)
    made.checkpoints.setChecked(True)
    qtbot.waitUntil(lambda: made.buttons["Remove"].isEnabled(), timeout=5000)
    made.buttons["Remove"].click()
    qtbot.waitUntil(lambda: not file.exists(), timeout=5000)
    qtbot.waitUntil(lambda: screen.strip.words.text() == "5.0 kB are free again.", timeout=5000)


# Columns and groups


def test_columns_are_chosen_and_remembered_settings_among_them(screen: RunsScreen, qtbot: QtBot) -> None:
    menu = screen.head.menu()
    [energy] = [a for a in menu.actions() if a.data() == "parameters"]
    energy.trigger()
    [methods] = [a for a in menu.actions() if a.data() == "methods"]
    methods.trigger()
    assert "parameters" in screen.view.column_keys() and "methods" not in screen.view.column_keys()
    assert "78.0\u202fk" in cells(screen, "parameters")
    again = RunsScreen(screen.home)
    qtbot.addWidget(again)
    assert again.view.column_keys() == screen.view.column_keys()
    screen.head.columns_changed.emit([*screen.view.column_keys(), "training.epochs"])
    assert set(cells(screen, "training.epochs")) == {"30"}
    screen.head.columns_changed.emit([])
    assert "methods" in screen.view.column_keys()


def test_a_moved_column_stays_where_it_was_put(screen: RunsScreen, qtbot: QtBot) -> None:
    head = screen.view.horizontalHeader()
    head.moveSection(number(screen, "seed"), 2)
    qtbot.waitUntil(lambda: screen.view.column_keys()[2] == "seed", timeout=2000)
    assert sorted(cells(screen, "seed")) == ["0", "1", "10"]
    assert head.visualIndex(2) == 2


def test_settings_are_offered_where_runs_differ(screen: RunsScreen) -> None:
    stored = screen.home / "b" / "experiment.yaml"
    stored.write_text(stored.read_text(encoding="utf-8").replace("epochs: 30", "epochs: 31"), encoding="utf-8")
    (screen.home / "index.sqlite").unlink()
    named = dict(offered(listing(screen.home)))
    assert [key for key, _ in named["Settings that differ"]] == ["teacher.epochs", "training.epochs"]


def test_repeats_are_one_line_with_what_they_agree_on(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.search.setText("alpha")
    screen.head.group.click()
    assert cells(screen, "seed") == ["× 2"]
    assert cells(screen, OVER_SEEDS) == ["97.22 ± 0.00"]
    assert cells(screen, "title") == ["Alpha"]
    screen.view.selectRow(0)
    with qtbot.waitSignal(screen.compare_requested) as asked:
        screen.compare.click()
    assert set(asked.args[0]) == {screen.home / "a-s0", screen.home / "a-s1"}
    screen.open_chosen()
    assert not screen.head.group.isChecked()
    assert screen.table.rowCount() == 3  # all three recordings are of one group


def test_a_group_agrees_on_the_mean_of_its_finished_runs() -> None:
    rows = [row("a", 96.0), row("b", 98.0), row("c", 10.0, "failed"), row("d", None), row("e", 50.0, group="alone")]
    found = groups(rows)
    assert list(found) == ["g"]
    assert str(found["g"]) == "97.00 ± 1.41" and found["g"].count == 2


def row(name: str, best: float | None, state: str = "done", group: str = "g") -> RunRow:
    return RunRow(name=name, path=Path(name), state=state, group=group, top1_best=best)  # type: ignore[arg-type]


def test_a_run_that_never_began_has_no_date() -> None:
    assert moment(0) == ""


# Branching, and taking away


def test_a_run_branches_from_a_checkpoint_that_is_there(screen: RunsScreen, qtbot: QtBot) -> None:
    (screen.home / "b" / "checkpoints" / "last.safetensors").write_bytes(b"x")
    screen.choose(screen.home / "b")
    screen.branch.click()
    made = sheet(screen, qtbot, BranchSheet)
    assert [b.text() for b in made.choices.buttons()] == ["The last checkpoint"]
    with qtbot.waitSignal(screen.branch_requested) as asked:
        made.buttons["Set it up"].click()
    path, changes = asked.args
    assert path == screen.home / "b"
    assert (changes["student.run"], changes["student.checkpoint"]) == ("b", "last")
    assert changes["title"] == "Beta, branched"


def test_nothing_branches_from_a_run_without_a_checkpoint(screen: RunsScreen, qtbot: QtBot) -> None:
    screen.choose(screen.home / "b")
    screen.branch.click()
    made = sheet(screen, qtbot, BranchSheet)
    assert not made.buttons["Set it up"].isEnabled()
    made.reject()


@pytest.mark.parametrize(("words", "there"), [("Curves as CSV…", "b.csv"), ("For TensorBoard…", "b")])
def test_curves_are_taken_away(
    screen: RunsScreen, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, there: str
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(out))
    screen.choose(screen.home / "b")
    command(screen, words)
    qtbot.waitUntil(lambda: "“Beta” written into" in screen.strip.words.text(), timeout=10_000)
    assert (out / there).exists()


def test_the_table_is_saved_as_it_is_shown(
    screen: RunsScreen, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "runs.csv"), ""))
    screen.search.setText("alpha")
    command(screen, "Save the table as CSV…")
    qtbot.waitUntil(lambda: (tmp_path / "runs.csv").is_file(), timeout=5000)
    lines = (tmp_path / "runs.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 and lines[0].startswith("state,title,dataset")


def test_a_branch_opens_in_the_form_with_where_it_comes_from(store: Store, qtbot: QtBot, tmp_path: Path) -> None:
    run, _ = record(tmp_path, Recipe(epochs=3, name="b", title="Beta"))
    (run.path / "checkpoints" / "last.safetensors").write_bytes(b"x")
    window: Any = Window(store, tmp_path, PatientTrainer())  # type: ignore[arg-type]
    qtbot.addWidget(window)
    window.show()
    window.rail.items["runs"].click()
    qtbot.waitUntil(lambda: window.runs.table.rowCount() == 1, timeout=5000)
    window.runs.choose(run.path)
    window.runs.branch.click()
    made = sheet(window.runs, qtbot, BranchSheet)
    [last] = [b for b in made.choices.buttons() if b.text() == "The last checkpoint"]
    last.click()
    made.buttons["Set it up"].click()
    assert window.setup.isVisible()
    student = store.resolved().experiment.student
    assert (student.source, student.run, student.checkpoint) == ("run", "b", "last")
    assert store.resolved().experiment.title == "Beta, branched"
    assert store.origin("student.checkpoint") == "you"
    window.runs.wait()
