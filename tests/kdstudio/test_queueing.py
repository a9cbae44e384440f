"""The queue of a window: who runs what and when, what is put back, and several devices and windows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot
from queue_stubs import ObedientWorker

from engine import presets
from engine.presets import Resolved
from engine.queue import AWAITED, Entry
from kdstudio.queue.queueing import Queue

Make = Callable[..., Queue]


@pytest.fixture
def worker() -> ObedientWorker:
    return ObedientWorker()


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Make]:
    """Makes windows' queues over one folder, and lets them go."""
    known: list[Queue] = []

    def make(worker: Any) -> Queue:
        known.append(Queue(tmp_path, worker))
        return known[-1]

    yield make
    for queue in known:
        queue.leave()
        queue.deleteLater()


@pytest.fixture
def queue(made: Make, worker: ObedientWorker) -> Queue:
    return made(worker)


def experiment(title: str = "Mine", **tree: Any) -> Resolved:
    return presets.from_tree({"title": title, **tree}, "a test")


def states(queue: Queue) -> list[tuple[str, str]]:
    return [(e.title, e.state) for e in queue.listing.entries]


def settle(qtbot: QtBot, queue: Queue, *wanted: tuple[str, str]) -> None:
    qtbot.waitUntil(lambda: states(queue) == list(wanted), timeout=3000)


def test_an_experiment_that_is_started_runs_and_the_next_one_follows(
    queue: Queue, worker: ObedientWorker, qtbot: QtBot
) -> None:
    assert queue.start(experiment("A"))
    queue.put([experiment("B", training={"epochs": 7})])
    assert states(queue) == [("A", "running"), ("B", "waiting")]
    path = worker.finish()
    settle(qtbot, queue, ("A", "done"), ("B", "running"))
    assert queue.listing.entries[0].runs == {0: path.name}
    assert queue.listing.entries[0].seconds == 2.0
    assert [order[0].experiment.training.epochs for order in worker.orders][1] == 7


def test_a_failed_run_holds_up_nothing_and_says_why(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("A"))
    queue.put([experiment("B"), experiment("C")])
    worker.finish("failed", "No memory left.")
    settle(qtbot, queue, ("A", "failed"), ("B", "running"), ("C", "waiting"))
    assert queue.listing.entries[0].sentence == "No memory left."
    worker.refuse("there is no such net")
    settle(qtbot, queue, ("A", "failed"), ("B", "refused"), ("C", "running"))
    assert queue.listing.entries[1].sentence == "there is no such net"


def test_a_resting_queue_ends_what_runs_and_begins_nothing(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("A"))
    queue.put([experiment("B")])
    queue.rest()
    worker.finish()
    settle(qtbot, queue, ("A", "done"), ("B", "waiting"))
    qtbot.wait(20)
    assert len(worker.orders) == 1
    queue.go()
    assert states(queue)[1] == ("B", "running")


def test_repeats_run_one_after_another_in_one_group_and_a_rest_comes_between_them(
    queue: Queue, worker: ObedientWorker, qtbot: QtBot, tmp_path: Path
) -> None:
    queue.start(experiment("A", run={"repeats": 3}))
    assert worker.orders[-1][2:] == (None, (0,))
    first = worker.finish(repeat=0)
    qtbot.waitUntil(lambda: len(worker.orders) == 2, timeout=3000)
    assert worker.orders[-1][2:] == (first, (1,))
    queue.rest()
    worker.finish(repeat=1)
    settle(qtbot, queue, ("A", "waiting"))
    queue.go()
    assert worker.orders[-1][2:] == (first, None)  # the last one sums the group up
    worker.finish(repeat=2)
    settle(qtbot, queue, ("A", "done"))
    assert sorted(queue.listing.entries[0].runs) == [0, 1, 2]


def test_a_teacher_is_filled_in_when_its_run_is_done(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("Teacher", student={"net": "resnet20"}))
    key = queue.listing.entries[0].key
    taught = experiment(
        "Student", teacher={"net": "resnet20", "source": "run", "run": f"{AWAITED}{key}"}, methods={"kd": {}}
    )  # fmt: skip
    queue.put([taught, experiment("Other")])
    path = worker.finish()
    settle(qtbot, queue, ("Teacher", "done"), ("Student", "running"), ("Other", "waiting"))
    assert worker.orders[-1][0].experiment.teacher.run == path.name


def test_what_stands_on_a_failed_run_waits_and_goes_on_when_that_one_is_done(
    queue: Queue, worker: ObedientWorker, qtbot: QtBot
) -> None:
    queue.start(experiment("Full", student={"net": "resnet8"}))
    key = queue.listing.entries[0].key
    queue.put([experiment("Low", student={"net": "resnet8", "source": "run", "run": f"{AWAITED}{key}"})])
    worker.finish("failed")
    settle(qtbot, queue, ("Full", "failed"), ("Low", "waiting"))
    queue.again(key)
    assert states(queue)[0] == ("Full", "running")
    assert worker.orders[-1][2] is not None  # gone on with from its checkpoint
    worker.finish()
    settle(qtbot, queue, ("Full", "done"), ("Low", "running"))


def test_a_stored_run_goes_on_in_its_turn(queue: Queue, worker: ObedientWorker, qtbot: QtBot, tmp_path: Path) -> None:
    from small_runs import make as run_folder

    folder = run_folder(tmp_path / "elsewhere", "old", {"training": {"epochs": 4}})
    queue.start(experiment("A"))
    queue.put([folder.experiment()], resume=folder.path)
    worker.finish()
    qtbot.waitUntil(lambda: len(worker.orders) == 2, timeout=3000)
    assert worker.orders[-1][1:] == (folder.path.parent, folder.path, None)


def test_further_devices_run_others_at_the_same_time(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    second = ObedientWorker()
    queue.employ("cuda:1", second)
    queue.start(experiment("A"))
    queue.put([experiment("B"), experiment("C"), experiment("D", run={"device": "cuda:1"})])
    assert states(queue) == [("A", "running"), ("B", "running"), ("C", "waiting"), ("D", "waiting")]
    assert second.orders[-1][0].experiment.run.device == "cuda:1"
    assert worker.orders[-1][0].experiment.run.device == "auto"
    assert queue.listing.entries[1].on == "cuda:1"
    worker.finish()
    settle(qtbot, queue, ("A", "done"), ("B", "running"), ("C", "running"), ("D", "waiting"))
    worker.finish()
    qtbot.wait(20)
    assert states(queue)[3] == ("D", "waiting")  # it asked for the other one
    second.finish()
    qtbot.waitUntil(lambda: states(queue)[3] == ("D", "running"), timeout=3000)


def test_an_entry_is_edited_and_put_back_where_it_stood(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("A"))
    queue.put([experiment("B"), experiment("C")])
    key = queue.listing.entries[1].key
    assert queue.hold(key)
    worker.finish()
    settle(qtbot, queue, ("A", "done"), ("B", "held"), ("C", "running"))
    queue.put_back(experiment("B again", training={"epochs": 9}))
    assert states(queue) == [("A", "done"), ("B again", "waiting"), ("C", "running")]
    assert queue.file.resolved(key).experiment.training.epochs == 9
    assert queue.held == ""


def test_an_edit_that_is_left_leaves_the_entry_as_it_was(queue: Queue, worker: ObedientWorker) -> None:
    queue.start(experiment("A"))
    (entry,) = queue.put([experiment("B")])
    queue.hold(entry.key)
    queue.release()
    assert states(queue) == [("A", "running"), ("B", "waiting")]


def test_a_second_window_sees_the_queue_and_takes_nothing_of_it(made: Make, worker: ObedientWorker, qtbot: QtBot) -> None:
    first = made(worker)
    first.start(experiment("A"))
    first.put([experiment("B")])
    other = ObedientWorker()
    second = made(other)
    assert states(second) == [("A", "running"), ("B", "waiting")]
    second.go()
    assert other.orders == []
    first.put([experiment("C")])
    settle(qtbot, second, ("A", "running"), ("B", "waiting"), ("C", "waiting"))
    assert second.run_now(second.listing.entries[2].key)  # by hand it may
    assert len(other.orders) == 1
    first.look()
    assert states(first) == [("A", "running"), ("B", "waiting"), ("C", "running")]
    other.finish()
    worker.finish()
    qtbot.waitUntil(lambda: len(worker.orders) + len(other.orders) == 3, timeout=5000)
    qtbot.wait(50)
    assert len(worker.orders) + len(other.orders) == 3  # B was taken once


def test_a_window_that_comes_back_finds_the_queue_and_waits_to_be_told(
    made: Make, worker: ObedientWorker, qtbot: QtBot
) -> None:
    first = made(worker)
    first.start(experiment("A"))
    path = worker.begin()
    first.put([experiment("B")])
    first.leave()  # as a killed process would, with its run going on
    later = ObedientWorker()
    again = made(later)
    assert states(again) == [("A", "waiting"), ("B", "waiting")]
    assert "goes on from its last checkpoint" in again.listing.entries[0].sentence
    assert not again.going
    assert later.orders == []
    again.go()
    assert later.orders[-1][2] == path


def test_what_is_stopped_by_closing_stays_in_line(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("A"))
    queue.put([experiment("B")])
    queue.leaving()
    worker.finish("stopped", "Stopped.")
    settle(qtbot, queue, ("A", "waiting"), ("B", "waiting"))
    assert "kdstudio was closed" in queue.listing.entries[0].sentence


def test_a_stop_by_hand_ends_the_entry(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("A"))
    worker.finish("stopped", "Stopped.")
    settle(qtbot, queue, ("A", "stopped"))
    queue.again(queue.listing.entries[0].key)
    assert worker.orders[-1][2] is not None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, worker: ObedientWorker, made: Make, qtbot: QtBot) -> None:
    queue = made(worker)
    entries = queue.file.folder / "entries"
    entries.write_text("a file where a folder is wanted", encoding="utf-8")
    with qtbot.waitSignal(queue.failed) as told:
        assert not queue.start(experiment("A"))
    assert "cannot be written" in told.args[0]
    assert worker.orders == []


def test_an_entry_whose_file_was_spoilt_is_refused_with_its_problem(queue: Queue, worker: ObedientWorker, qtbot: QtBot) -> None:
    queue.start(experiment("A"))
    (entry,) = queue.put([experiment("B")])
    queue.file.experiment_of(entry.key).write_text("kdstudio: 1\ntraning: {}\n", encoding="utf-8")
    worker.finish()
    settle(qtbot, queue, ("A", "done"), ("B", "refused"))
    assert "traning" in queue.listing.entries[1].sentence


def test_an_export_follows_its_run_in_a_child_and_takes_no_device(
    queue: Queue, worker: ObedientWorker, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Entry, str]] = []
    monkeypatch.setattr(queue._exporter, "start", lambda entry, run: asked.append((entry, run)))
    queue.start(experiment("A"))
    queue.export(queue.listing.entries[0].key, tmp_path / "out")
    queue.put([experiment("B")])
    path = worker.finish()
    qtbot.waitUntil(lambda: bool(asked), timeout=3000)
    assert (asked[0][0].folder, asked[0][1]) == (str(tmp_path / "out"), path.name)
    settle(qtbot, queue, ("A", "done"), ("Export the student of A", "running"), ("B", "running"))
    queue._exporter.ended.emit(asked[0][0].key, "done", "In out.", 1.0)
    settle(qtbot, queue, ("A", "done"), ("Export the student of A", "done"), ("B", "running"))
