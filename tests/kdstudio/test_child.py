"""A child process of the window: its lines arrive, its last words too, and it can be ended."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from kdstudio.background.child import Child

RUN = ["train", "experiments/digits-labels", "--json", "--set", "run.threads=1", "--set", "dataset.subset=0.2"]


def test_every_event_of_a_run_in_a_child_arrives_and_an_interrupted_one_leaves_a_checkpoint(qtbot: QtBot, tmp_path) -> None:  # type: ignore[no-untyped-def]
    child, said = Child(), []
    child.said.connect(said.append)
    child.said.connect(lambda event: child.interrupt() if event["event"] == "Step" else None)
    with qtbot.waitSignal(child.ended, timeout=60_000) as ended:
        child.start([*RUN, "--runs", str(tmp_path), "--set", "training.epochs=500"])
        assert child.busy
        with pytest.raises(RuntimeError, match="already"):
            child.start(["list"])
    assert ended.args[0] == 3
    assert said[0]["event"] == "RunStarted"
    assert said[-1]["event"] == "RunEnded" and said[-1]["outcome"] == "stopped"
    assert list(tmp_path.rglob("checkpoints/*"))


def test_a_refusals_sentence_is_the_childs_last_words(qtbot: QtBot) -> None:
    child = Child()
    with qtbot.waitSignal(child.ended, timeout=60_000) as ended:
        child.start(["train", "experiments/no-such-experiment"])
    code, words = ended.args
    assert code == 2 and "no-such-experiment" in words


def test_a_child_that_is_ended_says_nothing_more(qtbot: QtBot) -> None:
    child = Child()
    with qtbot.assertNotEmitted(child.ended, wait=300):
        child.start(["doctor"])
        child.end()
    assert not child.busy
