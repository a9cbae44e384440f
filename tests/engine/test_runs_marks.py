"""Tags, notes, names and the archive: kept beside the run, seen in the table, never in the way of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_runs import ended, make, started

from engine.runs import RunError, listing, marks
from engine.runs.marks import Marks


@pytest.fixture
def run(tmp_path: Path) -> Path:
    made = make(tmp_path, "one")
    made.append(started(title="KD"))
    made.append(ended(top1=90.0))
    return made.path


def test_a_run_nobody_marked_has_none(run: Path) -> None:
    assert marks.read(run) == Marks()
    assert listing(run.parent)[0].tags == ()


def test_marks_show_in_the_table_although_the_log_stands_still(run: Path) -> None:
    assert listing(run.parent)[0].title == "KD"
    before = marks.change(
        run, title="  Paper, table 3 ", tags=("Paper", "to read", "paper"), note="the good one", archived=True
    )
    [row] = listing(run.parent)
    assert before == Marks()
    assert (row.title, row.tags, row.note, row.archived) == ("Paper, table 3", ("paper", "to-read"), "the good one", True)


def test_what_is_not_said_stays(run: Path) -> None:
    marks.change(run, note="first")
    marks.change(run, tags=("a",))
    assert marks.read(run) == Marks(tags=("a",), note="first")


def test_marks_travel_with_the_folder(run: Path, tmp_path: Path) -> None:
    marks.change(run, tags=("paper",))
    shutil.copytree(run, tmp_path / "elsewhere" / "copy")
    assert listing(tmp_path / "elsewhere")[0].tags == ("paper",)


@pytest.mark.parametrize("text", ["{", "[]", '{"tags": 3, "archived": "yes", "colour": 1}'])
def test_damaged_marks_hide_no_run(run: Path, text: str) -> None:
    (run / marks.FILE).write_text(text, encoding="utf-8")
    [row] = listing(run.parent)
    assert (row.title, row.tags, row.archived) == ("KD", (), False)


def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    with pytest.raises(RunError, match=r"marks\.json cannot be written .*mark again"):
        marks.write(tmp_path / "a file", Marks(note="x"))
