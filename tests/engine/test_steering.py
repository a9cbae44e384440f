"""A run steered by lines, and the GPUs of a machine as torch numbers them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from engine.accelerators import visible
from engine.control import Control
from engine.steering import follow, obey


def test_lines_pull_the_levers_and_their_end_stops_the_run() -> None:
    control = Control()
    seen: list[tuple[bool, bool]] = []

    def lines() -> Iterator[str]:
        yield "pause\n"
        seen.append((control.calm, control.stopping()))
        yield "resume\n"
        seen.append((control.calm, control.stopping()))
        yield "save\n"
        yield "dance\n"
        yield "move kd.kl 0.5\n"
        yield "move kd.kl much\n"
        seen.append((control.calm, control.stopping()))

    obey(lines(), control)
    assert seen == [(False, False), (True, False), (False, False)]
    assert control.moves() == {"kd.kl": 0.5}
    assert control.stopping()


def test_lines_are_followed_beside_the_run() -> None:
    control, told = Control(), threading.Event()

    def lines() -> Iterator[str]:
        told.wait(5)
        yield "stop"

    thread = follow(lines(), control)
    assert not control.stopping()
    told.set()
    thread.join(5)
    assert control.stopping()


def test_visible_devices_are_numbered_as_they_are_listed() -> None:
    uuids = ["GPU-aa", "GPU-bb", "GPU-cc"]
    assert visible("2,0", uuids) == [2, 0]
    assert visible("GPU-b", uuids) == [1]
    assert visible("1,-1,0", uuids) == [1]
    assert visible("", uuids) == []
