"""Cleaning: it says what would go before anything does, and leaves what is still needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_runs import ended, evaluated, make, started

from engine.runs import RunFolder, bin, cleaning, disk, listing, marks
from engine.runs.cleaning import Rules


def run(home: Path, name: str, at: float, tree: dict[str, Any] | None = None, outcome: str = "done", **more: Any) -> Path:
    made = make(home, name, tree)
    made.append(started(**{"title": "KD", "group": name, "at": at} | more))
    if outcome != "failed":
        made.append(evaluated(90.0))
    if outcome:
        made.append(ended(outcome))
    (made.path / "checkpoints" / "last.safetensors").write_bytes(b"x" * 1000)
    (made.path / "columns" / "curves.npz").write_bytes(b"x" * 100)
    return made.path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for number in range(4):
        run(tmp_path, f"run-{number}", 100.0 * number)
    return tmp_path


def planned(home: Path, **rules: Any) -> dict[str, str]:
    return {removal.path.name: removal.what for removal in cleaning.plan(listing(home), Rules(**rules))}


def test_no_rules_remove_nothing(home: Path) -> None:
    assert cleaning.plan(listing(home), Rules()) == []


def test_checkpoints_of_finished_runs_go_and_the_row_says_what_is_left(home: Path) -> None:
    run(home, "cut", 900.0, outcome="")
    before = {row.name: row.size for row in listing(home)}
    plan = cleaning.plan(listing(home), Rules(checkpoints=True))
    assert {(r.path.name, r.what, r.size) for r in plan} == {(f"run-{n}", "checkpoints", 1000) for n in range(4)}
    freed, binned = cleaning.carry_out(home, plan)
    assert (freed, binned) == (4000, [])
    after = {row.name: row.size for row in listing(home)}
    assert {name: before[name] - after[name] for name in before} == {f"run-{n}": 1000 for n in range(4)} | {"cut": 0}


def test_of_each_experiment_the_newest_are_kept(home: Path) -> None:
    run(home, "other", 1.0, title="Another")
    plan = cleaning.plan(listing(home), Rules(keep_last=2))
    assert {(r.path.name, r.why) for r in plan} == {
        ("run-1", "3. of 4 of “KD”, newest first"), ("run-0", "4. of 4 of “KD”, newest first"),
    }  # fmt: skip
    freed, binned = cleaning.carry_out(home, plan)
    assert freed == 0 and {b.name for b in binned} == {"run-0", "run-1"} == {b.name for b in bin.contents(home)}


def test_the_seeds_of_one_experiment_count_as_one(tmp_path: Path) -> None:
    for number in range(3):
        run(tmp_path, f"seed-{number}", 100.0 + number, group="g")
    run(tmp_path, "older", 1.0)
    assert planned(tmp_path, keep_last=1) == {"older": "run"}


def test_what_is_tagged_keep_or_runs_or_is_stood_upon_stays(home: Path) -> None:
    for name in ("run-0", "run-2"):
        marks.change(home / name, tags=("keep",))
    run(home, "child", 5.0, {"student": {"source": "run", "run": "run-1"}}, outcome="", title="Child")
    run(home, "live", 50.0, outcome="")
    with RunFolder.open(home / "live").lock():
        assert planned(home, keep_last=1) == {}
        assert planned(home, checkpoints=True) == {"run-3": "checkpoints"}
    assert planned(home, keep_last=1) == {"live": "run"}


def test_runs_that_never_reached_an_epoch_can_go(home: Path) -> None:
    run(home, "failed", 1000.0, outcome="failed")
    make(home, "never")
    assert planned(home, failed=True) == {"failed": "run", "never": "run"}


def test_a_run_that_goes_on_by_now_is_left_alone(home: Path) -> None:
    plan = cleaning.plan(listing(home), Rules(checkpoints=True, curves=True))
    with RunFolder.open(home / "run-0").lock():
        freed, _ = cleaning.carry_out(home, plan)
    assert freed == 3 * 1100
    assert disk.use(home / "run-0").checkpoints == 1000


def test_use_is_told_by_what_it_is_for(home: Path) -> None:
    (home / "run-0" / "arrays" / "x.bin").write_bytes(b"x" * 10)
    use = disk.use(home / "run-0")
    assert (use.checkpoints, use.arrays, use.curves) == (1000, 10, 100)
    assert use.total == sum(f.stat().st_size for f in (home / "run-0").rglob("*") if f.is_file())
    assert (use + use).total == 2 * use.total
    assert disk.use(home / "nowhere").total == 0
