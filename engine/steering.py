"""A run steered from outside its process: whoever started it writes a word a line to its standard input.

`pause`, `resume`, `save`, `stop`, and `move TERM WEIGHT`. The end of the input is the end of whoever watched: the run then
stops with a checkpoint, so that nothing trains unseen.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from engine.control import Control


def follow(lines: Iterable[str], control: Control) -> threading.Thread:
    """Do what the lines say from a thread of its own, which ends with the program."""
    thread = threading.Thread(target=obey, args=(lines, control), name="steering", daemon=True)
    thread.start()
    return thread


def obey(lines: Iterable[str], control: Control) -> None:
    """Do what the lines say, then stop. Lines that mean nothing are passed over."""
    levers = {"pause": control.pause, "resume": control.resume, "save": control.save, "stop": control.stop}
    for line in lines:
        match line.split():
            case [word] if word in levers:
                levers[word]()
            case ["move", term, weight]:
                _move(control, term, weight)
    control.stop()


def _move(control: Control, term: str, weight: str) -> None:
    try:
        control.move(term, float(weight))
    except ValueError:
        return  # no weight that a term can have: the run keeps the one it has
