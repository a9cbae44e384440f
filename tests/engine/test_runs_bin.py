"""The bin: what is deleted can come back, until the bin is emptied."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_runs import ended, make, started

from engine.runs import RunError, RunFolder, bin, listing


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        made = make(tmp_path, name)
        made.append(started(title=name))
        made.append(ended(top1=90.0))
    return tmp_path


def names(home: Path) -> set[str]:
    return {row.name for row in listing(home)}


def test_a_deleted_run_is_gone_from_the_table_and_comes_back_as_it_was(home: Path) -> None:
    before = listing(home)
    binned = bin.put(home, [home / "one"])
    assert names(home) == {"two"}
    assert [(b.name, b.size > 0) for b in bin.contents(home)] == [("one", True)]
    assert bin.restore(home, binned) == [home / "one"]
    assert listing(home) == before
    assert bin.contents(home) == []


def test_two_runs_of_one_name_lie_in_the_bin_beside_each_other(home: Path) -> None:
    first = bin.put(home, [home / "one"])
    make(home, "one").append(started(title="again"))
    bin.put(home, [home / "one"])
    assert [b.name for b in bin.contents(home)] == ["one", "one"]
    make(home, "one")
    with pytest.raises(RunError, match="is there again; move it away"):
        bin.restore(home, first)


def test_emptying_the_bin_frees_its_bytes_for_good(home: Path) -> None:
    bin.put(home, [home / "one"])
    lying = bin.contents(home)
    assert bin.empty(lying) == lying[0].size > 0
    assert bin.contents(home) == []
    assert names(home) == {"two"}


def test_nothing_is_deleted_while_one_of_them_runs(home: Path) -> None:
    with RunFolder.open(home / "two").lock(), pytest.raises(RunError, match="two is running; stop it"):
        bin.put(home, [home / "one", home / "two"])
    assert names(home) == {"one", "two"}


def test_runs_that_others_stand_on_are_named(home: Path) -> None:
    make(home, "child", {"student": {"source": "run", "run": "one"}})
    make(home, "taught", {"teacher": {"net": "resnet8", "source": "run", "run": str(home / "one")}})
    assert bin.dependents(home, [home / "one", home / "two"]) == {"one": ("child", "taught")}
    assert bin.dependents(home, [home / "one", home / "child", home / "taught"]) == {}


def test_what_was_put_into_the_bin_by_hand_can_be_put_back_too(home: Path) -> None:
    (home / bin.FOLDER).mkdir()
    (home / "one").rename(home / bin.FOLDER / "one")
    bin.restore(home, bin.contents(home))
    assert names(home) == {"one", "two"}
