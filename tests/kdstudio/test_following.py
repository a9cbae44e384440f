"""A run that another process writes is followed as it goes, and seen as alive by its lock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from recorded import Recipe, record
from shown import run_screen

from engine import events
from engine.events import Event
from engine.runs import RunFolder
from kdstudio.screens.run import RunScreen

TWIN = Recipe(epochs=4, name="twin")
"""A recording that ends; the followed run says the same, a part at a time."""


@pytest.fixture
def told(tmp_path: Path) -> list[Event]:
    """Everything the run will say."""
    return record(tmp_path / "twins", TWIN)[1]


@pytest.fixture
def run(tmp_path: Path, told: list[Event]) -> RunFolder:
    """The run as far as it is: half of it said."""
    folder, _ = record(tmp_path / "runs", TWIN)
    (folder.path / "events.jsonl").unlink()
    again = RunFolder.open(folder.path)
    for event in told[: len(told) // 2]:
        again.append(event)
    return again


@pytest.fixture
def screen(qtbot: QtBot) -> Iterator[RunScreen]:
    made = run_screen(qtbot)
    yield made
    made.follower.rest()
    made.follower.wait()


def length(screen: RunScreen) -> int:
    curve = screen.history.curve("distilling", "loss")
    return 0 if curve is None else len(curve)


def test_what_another_process_says_appears_and_nothing_twice(
    screen: RunScreen, run: RunFolder, told: list[Event], qtbot: QtBot
) -> None:
    whole = sum(isinstance(e, events.Step) and e.stage == "distilling" for e in told)
    with run.lock():
        screen.show_run(run.path)
        assert screen.history.state == "running"
        before = length(screen)
        for event in told[len(told) // 2 :]:
            run.append(event)
        qtbot.waitUntil(lambda: screen.history.state == "done", timeout=5000)
    assert before < length(screen) == whole
    assert screen.header.chip.text() == "done"


def test_a_run_whose_process_dies_is_interrupted_and_runs_again_when_another_takes_it_up(
    screen: RunScreen, run: RunFolder, qtbot: QtBot
) -> None:
    with run.lock():
        screen.show_run(run.path)
    qtbot.waitUntil(lambda: screen.history.state == "interrupted", timeout=5000)
    assert screen.header.chip.text() == "interrupted"
    with run.lock():
        qtbot.waitUntil(lambda: screen.history.state == "running", timeout=5000)
        run.append(events.RunResumed(stage="distilling", step=0, epoch=0, kept=run.length()))
        qtbot.waitUntil(lambda: length(screen) == 0, timeout=5000)


def test_a_finished_run_is_not_followed(screen: RunScreen, tmp_path: Path, told: list[Event]) -> None:
    screen.show_run(tmp_path / "twins" / TWIN.name)
    assert not screen.follower.follows


def test_another_run_on_the_screen_ends_the_following(
    screen: RunScreen, run: RunFolder, told: list[Event], qtbot: QtBot
) -> None:
    screen.show_run(run.path)
    assert screen.follower.follows
    screen.set_state("starting")
    run.append(told[-1])
    qtbot.wait(700)
    assert screen.history.state == "empty"


def test_a_log_that_cannot_be_read_any_more_is_said(screen: RunScreen, run: RunFolder, qtbot: QtBot) -> None:
    screen.show_run(run.path)
    with qtbot.waitSignal(screen.follower.failed, timeout=5000) as said, (run.path / "events.jsonl").open("ab") as file:
        file.write(b"rubbish\n")
        file.flush()
    assert said.args[0].startswith("The log of this run cannot be read any more")
    assert screen.history.log[-1].text == said.args[0]
    assert not screen.follower.follows
