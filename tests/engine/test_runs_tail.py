"""Following a run that another process writes, and telling whether it is alive."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from small_runs import ended, make, started, step

from engine.events import RunResumed
from engine.runs import RunFolder, listing
from engine.runs.lock import ROOM, holder
from engine.runs.tail import Tail


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make(tmp_path, "one")


def test_only_what_is_new_is_told(run: RunFolder) -> None:
    tail = Tail(run.path)
    assert tail.news() == []
    run.append(started())
    run.append(step(1))
    assert tail.news() == [started(), step(1)]
    assert tail.news() == []
    run.append(ended())
    assert tail.news() == [ended()]


def test_half_a_line_waits_until_it_is_whole(run: RunFolder) -> None:
    run.append(started())
    tail = Tail(run.path)
    line = (run.path / "events.jsonl").read_bytes()
    with (run.path / "events.jsonl").open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert tail.news() == [started()]
        assert tail.news() == []
        file.write(line[20:])
    assert tail.news() == [started()]


def test_what_a_kill_left_of_a_line_is_read_as_the_next_attempt_wrote_it(run: RunFolder) -> None:
    run.append(started())
    with (run.path / "events.jsonl").open("ab") as file:
        file.write(b'{"event": "Step", "step": 12')
    tail = Tail(run.path)
    assert tail.news() == [started()]
    again = RunFolder.open(run.path)
    resumed = RunResumed(stage="distilling", step=0, epoch=0, kept=1)
    again.append(resumed)
    assert tail.news() == [resumed]


def from_elsewhere(run: RunFolder) -> Path:
    lock = run.path / "lock"
    with run.lock():
        assert holder(lock)
    lock.write_bytes(b" another machine")
    return lock


def test_a_run_of_another_machine_is_alive_while_it_says_something(run: RunFolder) -> None:
    run.append(started())
    from_elsewhere(run)
    assert run.state() == "running" == listing(run.path.parent)[0].state
    long_ago = time.time() - 3600
    os.utime(run.path / "events.jsonl", (long_ago, long_ago))
    assert run.state() == "interrupted" == listing(run.path.parent)[0].state


def test_a_run_of_this_machine_is_dead_as_soon_as_its_lock_is_free(run: RunFolder) -> None:
    run.append(started())
    with run.lock():
        assert run.state() == "running"
    assert run.state() == "interrupted"


def test_a_run_of_another_machine_that_has_ended_has_ended(run: RunFolder) -> None:
    run.append(started())
    run.append(ended())
    from_elsewhere(run)
    assert run.state() == "done"


def test_a_long_name_of_a_machine_is_known_again(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "m" * 3 * ROOM)
    run.append(started())
    with run.lock():
        pass
    assert run.state() == "interrupted"
