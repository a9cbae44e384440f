"""The training thread, with sessions that behave in every way a session may."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine import events
from engine.control import Control, Stopped
from kdstudio.background.training import STACK, Trainer

Run = Callable[..., None]


@pytest.fixture
def trainer() -> Iterator[Trainer]:
    made = Trainer()
    yield made
    made.stop()
    made.wait()


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Puts a function in the place of `engine.session.run`, so that no test here loads torch."""

    def put(run: Run) -> None:
        stand_in = ModuleType("engine.session")
        stand_in.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "engine.session", stand_in)
        monkeypatch.setattr(sys.modules["engine"], "session", stand_in, raising=False)

    return put


def started(folder: Path) -> events.RunStarted:
    return events.RunStarted(run="r", title="t", folder=str(folder), seed=0, group="g")


def listen(trainer: Trainer) -> tuple[list[Any], list[str]]:
    said: list[Any] = []
    states: list[str] = []
    trainer.said.connect(said.append)
    trainer.state_changed.connect(states.append)
    return said, states


def until_idle(qtbot: QtBot, trainer: Trainer) -> None:
    qtbot.waitUntil(lambda: trainer.state == "idle", timeout=5000)


def test_events_arrive_in_order_and_the_state_ends_idle(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    def run(resolved: Any, sink: Any, control: Control, *, home: Path, resume: Path | None) -> None:
        assert (resolved, home, resume) == ("experiment", tmp_path, None)
        sink(started(tmp_path))
        for i in range(500):
            sink(events.Note(text=str(i)))
        sink(events.RunEnded(outcome="done", sentence="Done."))

    session(run)
    said, states = listen(trainer)
    trainer.start("experiment", tmp_path)
    until_idle(qtbot, trainer)
    assert [e.text for e in said if isinstance(e, events.Note)] == [str(i) for i in range(500)]
    assert isinstance(said[-1], events.RunEnded)
    assert states == ["starting", "running", "idle"]


def test_every_event_is_delivered_in_the_windows_thread(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    threads: set[int] = set()
    ran: set[int] = set()

    def run(resolved: Any, sink: Any, control: Control, **_: Any) -> None:
        ran.add(threading.get_ident())
        sink(events.RunEnded(outcome="done", sentence=""))

    session(run)
    trainer.said.connect(lambda _: threads.add(threading.get_ident()))
    trainer.start("experiment", tmp_path)
    until_idle(qtbot, trainer)
    assert threads == {threading.get_ident()}
    assert ran.isdisjoint(threads)


def test_a_failure_becomes_a_last_word_and_its_story_goes_into_the_log(
    qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path
) -> None:
    def run(resolved: Any, sink: Any, control: Control, **_: Any) -> None:
        sink(started(tmp_path))
        raise KeyError("a hole in the code")

    session(run)
    said, _ = listen(trainer)
    trainer.start("experiment", tmp_path)
    until_idle(qtbot, trainer)
    assert said[-1].outcome == "failed"
    assert "a hole in the code" in said[-1].sentence
    assert "Traceback" in (tmp_path / "log.txt").read_text(encoding="utf-8")


def test_a_session_that_says_nothing_is_still_ended(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    session(lambda *_, **__: None)
    said, _ = listen(trainer)
    trainer.start("experiment", tmp_path)
    until_idle(qtbot, trainer)
    assert [type(e) for e in said] == [events.RunEnded]


def test_a_refusal_is_the_last_word_though_the_session_raises_it(
    qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path
) -> None:
    def run(resolved: Any, sink: Any, control: Control, **_: Any) -> None:
        sink(events.Refused(problems=({"path": "a.b", "sentence": "no"},)))
        raise ValueError("a.b: no")

    session(run)
    said, _ = listen(trainer)
    trainer.start("experiment", tmp_path)
    until_idle(qtbot, trainer)
    assert [type(e) for e in said] == [events.Refused]


def obedient(resolved: Any, sink: Any, control: Control, **_: Any) -> None:
    """Works until it is stopped, obeying between steps."""
    sink(events.RunStarted(run="r", title="t", folder="", seed=0, group="g"))
    at_rest = threading.Event()
    try:
        while True:
            control.obey(
                save=lambda: sink(events.Saved(kind="checkpoint", path="c", step=1, epoch=1)),
                waiting=lambda: sink(events.Paused()),
                going=lambda: sink(events.Unpaused()),
            )
            at_rest.wait(0.005)
    except Stopped:
        sink(events.RunEnded(outcome="stopped", sentence="Stopped."))


def test_pause_resume_save_and_stop_reach_the_run(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    session(obedient)
    said, states = listen(trainer)
    trainer.start("experiment", tmp_path)
    qtbot.waitUntil(lambda: trainer.state == "running", timeout=5000)
    trainer.pause()
    qtbot.waitUntil(lambda: trainer.state == "paused", timeout=5000)
    trainer.resume()
    qtbot.waitUntil(lambda: trainer.state == "running", timeout=5000)
    trainer.save_now()
    qtbot.waitUntil(lambda: any(isinstance(e, events.Saved) for e in said), timeout=5000)
    trainer.stop()
    until_idle(qtbot, trainer)
    assert states == ["starting", "running", "paused", "running", "stopping", "idle"]
    assert said[-1].outcome == "stopped"


def test_a_stop_is_obeyed_while_paused(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    session(obedient)
    trainer.start("experiment", tmp_path)
    trainer.pause()
    qtbot.waitUntil(lambda: trainer.state == "paused", timeout=5000)
    trainer.stop()
    until_idle(qtbot, trainer)
    assert trainer.state == "idle"


def test_a_second_run_waits_its_turn_and_then_starts(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    session(obedient)
    trainer.start("experiment", tmp_path)
    with pytest.raises(RuntimeError, match="stop it first"):
        trainer.start("another", tmp_path)
    trainer.stop()
    until_idle(qtbot, trainer)
    said, _ = listen(trainer)
    session(lambda resolved, sink, control, **_: sink(events.RunEnded(outcome="done", sentence=resolved)))
    trainer.start("another", tmp_path)
    until_idle(qtbot, trainer)
    assert said[-1].sentence == "another"


def test_the_thread_has_room_on_its_stack(qtbot: QtBot, trainer: Trainer, session: Any, tmp_path: Path) -> None:
    session(obedient)
    trainer.start("experiment", tmp_path)
    assert trainer._work is not None
    assert trainer._work.stackSize() == STACK
