"""The queue: what runs next, what waits for what, and a file that two windows and a restart leave whole."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_catalogue import CATALOGUE

from engine import presets
from engine.presets import PresetError, Resolved
from engine.queue import AWAITED, Entry, Listing, Owner, QueueError, QueueFile, awaited, order
from engine.queue.entry import filled, gist
from engine.queue.listing import from_json


def entry(key: str, **facts: Any) -> Entry:
    return Entry(key, key.upper(), **facts)


def listing(*entries: Entry) -> Listing:
    return Listing(entries)


def keys(of: Listing) -> list[str]:
    return [e.key for e in of.entries]


def experiment(**tree: Any) -> Resolved:
    return presets.from_tree({"title": "A test", **tree}, "a test", catalogue=CATALOGUE)


# What runs next


def test_entries_run_in_their_order() -> None:
    queue = listing(entry("a", state="done", runs={0: "r"}), entry("b"), entry("c"))
    found = order.next_for(queue, "")
    assert found is not None
    assert found.key == "b"


def test_an_entry_waits_for_the_one_it_stands_on_and_lets_others_pass() -> None:
    queue = listing(entry("b", sources={"teacher": "a"}), entry("a"), entry("c"))
    first = order.next_for(queue, "")
    assert first is not None
    assert first.key == "a"
    assert "Waits for “A”, which makes its teacher" in order.blocked(queue, queue.having("b"))
    assert not order.stuck(queue, queue.having("b"))
    done = order.ended(order.made(order.taken(queue, "a", "w"), "a", 0, "run-a"), "a", "done")
    assert order.blocked(done, done.having("b")) == ""
    assert order.sources_of(done, done.having("b"), 0) == {"teacher": "run-a"}


@pytest.mark.parametrize("state", ["failed", "refused", "stopped"])
def test_a_failed_source_leaves_what_stands_on_it_waiting_with_a_sentence_and_others_run(state: Any) -> None:
    queue = listing(entry("a", state=state, runs={0: "r"}), entry("b", sources={"student": "a"}), entry("c"))
    found = order.next_for(queue, "")
    assert found is not None
    assert found.key == "c"
    assert order.stuck(queue, queue.having("b"))
    assert "“A”" in order.blocked(queue, queue.having("b"))
    assert "let that one run again" in order.blocked(queue, queue.having("b"))


def test_a_removed_source_is_told_and_undone() -> None:
    queue = listing(entry("a"), entry("b", sources={"teacher": "a"}))
    gone = order.removed(queue, ["a"])
    assert "no longer in the queue" in order.blocked(gone, gone.having("b"))
    assert order.restored(gone).entries == queue.entries


def test_a_student_comes_from_the_same_repeat_and_a_teacher_of_one_repeat_serves_all() -> None:
    queue = listing(
        entry("t", state="done", runs={0: "t0"}), entry("s", state="done", repeats=2, runs={0: "s0", 1: "s1"}),
        entry("x", sources={"teacher": "t", "student": "s"}, repeats=2),
    )  # fmt: skip
    assert order.sources_of(queue, queue.having("x"), 1) == {"teacher": "t0", "student": "s1"}


def test_nothing_can_wait_for_itself_through_others() -> None:
    queue = listing(entry("a"), entry("b", sources={"teacher": "a"}), entry("c", sources={"student": "b"}))
    with pytest.raises(QueueError, match="would wait for itself"):
        order.replaced(queue, entry("a", sources={"teacher": "c"}))
    assert [e.key for e in order.standing_on(queue, "a")] == ["b", "c"]


def test_one_that_asks_for_a_further_device_waits_for_that_one() -> None:
    queue = listing(entry("g", device="cuda:1"), entry("h"))
    mine, theirs = order.next_for(queue, "", ["cuda:1"]), order.next_for(queue, "cuda:1", ["cuda:1"])
    assert mine is not None
    assert theirs is not None
    assert (mine.key, theirs.key) == ("h", "g")
    alone = order.next_for(queue, "")  # nobody else serves it: the window's own thread can
    assert alone is not None
    assert alone.key == "g"


def test_a_window_takes_nothing_while_another_runs_on_the_same_device() -> None:
    queue = listing(entry("a", state="running", owner="other"), entry("b"))
    assert order.next_for(queue, "", owner="mine") is None
    found = order.next_for(queue, "cuda:1", ["cuda:1"], "mine")
    assert found is not None
    assert found.key == "b"


def test_an_entry_is_taken_once() -> None:
    queue = order.taken(listing(entry("a")), "a", "one")
    with pytest.raises(QueueError, match="another window may have taken it"):
        order.taken(queue, "a", "two")


# Order


def test_what_waits_is_moved_around_what_runs_and_what_is_over() -> None:
    queue = listing(entry("o", state="done"), entry("r", state="running"), entry("a"), entry("b"), entry("c"))
    assert keys(order.moved(queue, "c", -1)) == ["o", "r", "a", "c", "b"]
    assert keys(order.moved(queue, "a", -5)) == keys(queue)
    assert keys(order.moved(queue, "r", 1)) == keys(queue)
    assert keys(order.placed(queue, ["c", "b"], 0)) == ["o", "r", "b", "c", "a"]
    assert keys(order.placed(queue, ["a"], 2)) == ["o", "r", "b", "c", "a"]


def test_a_run_started_by_hand_comes_before_all_that_waits() -> None:
    queue = listing(entry("o", state="done"), entry("a"))
    assert keys(order.added(queue, [entry("n")], first=True)) == ["o", "n", "a"]
    assert keys(order.added(queue, [entry("n")])) == ["o", "a", "n"]


def test_removals_are_taken_back_one_after_another_to_where_they_stood() -> None:
    queue = listing(entry("a"), entry("b"), entry("c"), entry("d"))
    gone = order.removed(order.removed(queue, ["b", "d"]), ["a"])
    assert keys(gone) == ["c"]
    assert keys(order.restored(gone)) == ["a", "c"]
    assert keys(order.restored(order.restored(gone))) == ["a", "b", "c", "d"]
    assert order.restored(queue) == queue


def test_what_runs_cannot_be_removed_or_edited() -> None:
    queue = listing(entry("a", state="running"))
    with pytest.raises(QueueError, match="stop it first"):
        order.removed(queue, ["a"])
    with pytest.raises(QueueError, match="is running"):
        order.held(queue, "a", "w")


def test_clearing_keeps_what_something_waits_for() -> None:
    queue = listing(entry("a", state="done"), entry("b", state="failed"), entry("c", sources={"teacher": "a"}))
    assert keys(order.cleared(queue)) == ["a", "c"]


def test_only_the_newest_of_what_is_over_stay() -> None:
    queue = listing(*(entry(f"e{n}", state="done") for n in range(60)), entry("r", state="running"))
    left = keys(order.ended(queue, "r", "done"))
    assert (len(left), left[-1], left[0]) == (order.FINISHED, "r", "e11")


def test_again_goes_on_with_what_was_cut_short_and_begins_what_was_done_anew() -> None:
    cut = order.again(listing(entry("a", state="failed", runs={0: "r"}, sentence="no memory")), "a").having("a")
    assert (cut.state, cut.runs, cut.sentence) == ("waiting", {0: "r"}, "")
    anew = order.again(listing(entry("a", state="done", runs={0: "r"}, seconds=9.0)), "a").having("a")
    assert (anew.runs, anew.seconds) == ({}, 0.0)


def test_what_a_window_did_that_is_no_more_is_in_line_again() -> None:
    queue = listing(
        entry("r", state="running", owner="dead", on="cuda:1", runs={0: "run-r"}), entry("h", state="held", owner="dead"),
        entry("l", state="running", owner="alive"),
    )  # fmt: skip
    mended = order.recovered(queue, lambda owner: owner == "alive")
    assert [(e.state, e.owner) for e in mended.entries] == [("waiting", ""), ("waiting", ""), ("running", "alive")]
    assert mended.having("r").runs == {0: "run-r"}
    assert "goes on from its last checkpoint" in mended.having("r").sentence


# The file


def test_the_queue_survives_a_restart(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path)
    made = queue.put(experiment(run={"seed": 4, "repeats": 3}, training={"epochs": 7}), batch="A sweep", catalogue=CATALOGUE)
    queue.change(lambda before: order.removed(order.added(before, [made, entry("x")]), ["x"]))
    again = QueueFile(tmp_path)
    assert again.read() == queue.read()
    (kept,) = again.read().entries
    assert (kept.title, kept.seed, kept.repeats, kept.batch) == ("A test", 4, 3, "A sweep")
    assert again.resolved(kept.key, catalogue=CATALOGUE).experiment.training.epochs == 7
    assert order.restored(again.read()).entry("x") is not None


def test_an_experiment_comes_back_as_it_was_put_in(tmp_path: Path) -> None:
    queue, put = QueueFile(tmp_path), experiment(methods={"kd": {"weight": 2}}, teacher={"net": "resnet20"})
    found = queue.resolved(queue.put(put, catalogue=CATALOGUE).key, catalogue=CATALOGUE)
    assert found.experiment == put.experiment
    assert found.origins["methods.kd.weight"] == "a test"


def test_an_entry_knows_what_it_is_for_from_its_experiment(tmp_path: Path) -> None:
    put = experiment(
        methods={"kd": {}}, teacher={"net": "resnet20", "source": "run", "run": f"{AWAITED}abc"}, run={"device": "cuda:1"}
    )  # fmt: skip
    made = QueueFile(tmp_path).put(put, catalogue=CATALOGUE)
    assert (made.sources, made.device) == ({"teacher": "abc"}, "cuda:1")
    assert made.gist == gist(put.experiment)
    assert "resnet20 → " in made.gist
    assert filled(put.experiment, {"teacher": "run-7"}).teacher.run == "run-7"
    assert awaited(filled(put.experiment, {"teacher": "run-7"})) == {}


def test_a_teacher_that_is_not_used_is_not_waited_for() -> None:
    put = experiment(teacher={"net": "none", "source": "run", "run": f"{AWAITED}abc"})
    assert awaited(put.experiment) == {}


def test_experiments_that_nothing_names_any_more_are_deleted(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path)
    made = queue.put(experiment(), catalogue=CATALOGUE)
    queue.change(lambda before: order.added(before, [made]))
    queue.change(lambda before: order.removed(before, [made.key]))
    assert queue.experiment_of(made.key).is_file()  # the removal can be taken back
    queue.change(lambda before: replace(before, removed=()))
    assert not queue.experiment_of(made.key).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read"), ('{"version": 99, "entries": []}', "newer kdstudio"), ('{"entries": []}', "damaged"),
     ('{"version": 1, "entries": [{"key": "../a", "title": "A"}]}', "no name"),
     ('{"version": 1, "entries": [{"key": "a", "title": "A", "state": "asleep"}]}', "nothing known")],
)  # fmt: skip
def test_a_damaged_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    queue = QueueFile(tmp_path)
    queue.folder.mkdir()
    queue.path.write_text(text, encoding="utf-8")
    with pytest.raises(QueueError, match=said) as told:
        queue.read()
    assert str(queue.path) in str(told.value)


def test_a_change_that_fails_leaves_the_queue_as_it_was(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path)
    queue.change(lambda before: order.added(before, [entry("a")]))
    with pytest.raises(QueueError):
        queue.change(lambda before: order.again(before, "a"))
    assert keys(queue.read()) == ["a"]


TAKE = """
import sys
from pathlib import Path
from engine.queue import Owner, QueueFile, order
queue = QueueFile(Path(sys.argv[1]))
owner = Owner(queue)
taken = []
while True:
    chosen = []
    def take(listing):
        entry = next((e for e in listing.waiting()), None)
        if entry is None:
            return listing
        chosen.append(entry.key)
        return order.taken(listing, entry.key, owner.name)
    queue.change(take)
    if not chosen:
        break
    taken += chosen
print(" ".join(taken))
"""


def test_two_processes_never_take_the_same_entry(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path)
    queue.change(lambda before: order.added(before, [entry(f"e{n}") for n in range(40)]))
    words = [sys.executable, "-c", TAKE, str(tmp_path)]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    taken = [process.communicate()[0].split() for process in both]
    assert sorted(taken[0] + taken[1]) == sorted(f"e{n}" for n in range(40))
    assert all(e.state == "running" for e in queue.read().entries)
    assert [e.state for e in queue.recover().entries] == ["waiting"] * 40  # both processes are gone


def test_a_living_window_keeps_what_it_runs(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path)
    owner = Owner(queue)
    queue.change(lambda before: order.taken(order.added(before, [entry("a")]), "a", owner.name))
    assert queue.alive(owner.name)
    assert queue.recover().having("a").state == "running"
    owner.leave()
    assert queue.recover().having("a").state == "waiting"


def test_the_listing_is_the_same_after_json() -> None:
    queue = order.removed(listing(entry("a", sources={"teacher": "b"}, runs={0: "r", 2: "s"}), entry("b")), ["b"])
    assert from_json(queue.as_json()) == queue


def test_loading_the_queue_loads_no_torch() -> None:
    code = "import sys, engine.queue, engine.siblings, engine.queue.sweep, engine.queue.estimate; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_broken_entry_is_refused_when_it_is_read(tmp_path: Path) -> None:
    queue = QueueFile(tmp_path)
    made = queue.put(experiment(), catalogue=CATALOGUE)
    queue.experiment_of(made.key).write_text("kdstudio: 1\ntraning: {epochs: 3}\n", encoding="utf-8")
    with pytest.raises(PresetError, match="traning"):
        queue.resolved(made.key, catalogue=CATALOGUE)
