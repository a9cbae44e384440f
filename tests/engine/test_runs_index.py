"""The table of runs: every row right, refreshed when a log changes, rebuilt when the index is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from small_runs import ended, evaluated, make, started

from engine.events import Note
from engine.runs import RunFolder, listing


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    home = tmp_path / "runs"
    tree = {"title": "KD", "teacher": {"net": "resnet56"}, "student": {"net": "resnet20"}, "methods": {"kd": {}, "dkd": {}}}
    one = make(home, "one", tree)
    for event in (started(title="KD", seed=7, group="pairs"), evaluated(91.0), evaluated(90.0, epoch=2)):
        one.append(event)
    two = make(home, "two", {})
    two.append(started(at=200.0))
    two.append(ended(top1_last=97.0, top1=98.0))
    return home


def test_a_row_says_what_ran_and_what_came_out(runs: Path) -> None:
    two, one = listing(runs)
    assert (one.name, one.title, one.state, one.started, one.seconds) == ("one", "KD", "interrupted", 100.0, 4.0)
    assert (one.dataset, one.student, one.teacher, one.methods) == ("digits", "resnet20", "resnet56", ("kd", "dkd"))
    assert (one.seed, one.group, one.top1_last, one.top1_best) == (7, "pairs", 90.0, 91.0)
    assert (two.state, two.teacher, two.methods, two.top1_last, two.top1_best, two.seconds) == (
        "done",
        "none",
        (),
        97.0,
        98.0,
        12.5,
    )
    assert one.path == runs / "one"


@pytest.mark.parametrize(("selection", "best"), [("held-out", 80.0), ("test", 91.0), ("last", 85.0)])
def test_until_a_run_ends_its_best_epoch_is_the_one_it_would_choose_now(tmp_path: Path, selection: str, best: float) -> None:
    run = make(tmp_path, "x", {"run": {"selection": selection}})
    for epoch, (heldout, test) in enumerate([(70.0, 91.0), (90.0, 80.0), (75.0, 85.0)], start=1):
        run.append(evaluated(heldout, "held-out", epoch=epoch))
        run.append(evaluated(test, epoch=epoch))
        run.append(evaluated(99.0, who="teacher", epoch=epoch))
    [row] = listing(tmp_path)
    assert (row.top1_last, row.top1_best) == (85.0, best)


def test_nothing_to_list_is_no_error(tmp_path: Path) -> None:
    assert listing(tmp_path / "nowhere") == []
    (tmp_path / "teachers").mkdir()
    assert listing(tmp_path) == []


def test_a_second_listing_reads_no_run_that_has_not_changed(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = listing(runs)
    monkeypatch.setattr("engine.runs.rows.read", lambda path: pytest.fail(f"{path} was read again"))
    assert listing(runs) == first


def test_a_run_that_goes_on_and_one_that_is_gone_change_the_table(runs: Path) -> None:
    listing(runs)
    make(runs, "three").append(started(at=300.0))
    shutil.rmtree(runs / "two")
    RunFolder.open(runs / "one").append(evaluated(95.0, epoch=3))
    rows = {row.name: row for row in listing(runs)}
    assert set(rows) == {"one", "three"}
    assert rows["one"].top1_last == 95.0


def test_a_running_run_is_seen_as_such_although_its_log_stands_still(runs: Path) -> None:
    listing(runs)
    with RunFolder.open(runs / "one").lock():
        assert {r.name: r.state for r in listing(runs)} == {"one": "running", "two": "done"}
    assert {r.name: r.state for r in listing(runs)} == {"one": "interrupted", "two": "done"}


@pytest.mark.parametrize("damage", ["missing", "rubbish", "torn", "of another version"])
def test_a_lost_index_is_rebuilt_from_the_folders(runs: Path, damage: str) -> None:
    before = listing(runs)
    index = runs / "index.sqlite"
    if damage == "missing":
        index.unlink()
    elif damage == "rubbish":
        index.write_bytes(b"rubbish" * 500)
    elif damage == "torn":
        index.write_bytes(index.read_bytes()[:100])
    else:
        with closing(sqlite3.connect(index)) as other, other:
            other.execute("drop table runs")
            other.execute("create table runs (something text)")
            other.execute("pragma user_version = 99")
    assert listing(runs) == before


def test_one_damaged_run_hides_no_other(runs: Path) -> None:
    (runs / "one" / "experiment.yaml").write_text("a: [", encoding="utf-8")
    assert {row.name: row.dataset for row in listing(runs)} == {"one": "", "two": "digits"}


def test_runs_on_a_disk_that_may_only_be_read_list_without_an_index(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert [row.name for row in listing(runs)] == ["two", "one"]
    assert not (runs / "index.sqlite").exists()
    assert RunFolder.open(runs / "one").columns()
    assert not (runs / "one" / "columns" / "curves.npz").exists()


def test_a_copied_folder_of_runs_lists_with_its_new_paths(runs: Path, tmp_path: Path) -> None:
    listing(runs)
    moved = runs.rename(tmp_path / "moved")
    assert {row.path for row in listing(moved)} == {moved / "one", moved / "two"}


def test_a_thousand_runs_list_within_a_blink(tmp_path: Path) -> None:
    first = make(tmp_path, "run-0")
    first.append(started())
    first.append(Note(text="x"))
    first.append(ended(top1_last=1.0))
    for number in range(1, 1000):
        shutil.copytree(first.path, tmp_path / f"run-{number}")
    assert len(listing(tmp_path)) == 1000
    begun = time.perf_counter()
    assert len(listing(tmp_path)) == 1000
    assert time.perf_counter() - begun < 1.0
