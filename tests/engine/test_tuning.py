"""What `auto` comes to: measured once for a kind of net, remembered, and chosen by stated margins."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count

import pytest
import torch

from engine import tuning
from engine.experiment import RunSettings
from engine.tuning import Choice, Work, settle

CPU = torch.device("cpu")
BOTH = ("float32", "bfloat16")
numbers = count()


class Machine:
    """Pretends to take a step in so many seconds: `seconds[(precision, threads, compiled)]`, else 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cores: int = 2, **seconds: float) -> None:
        self.seconds, self.asked, self.now = seconds, list[str](), 0.0
        self.kind = f"net {next(numbers)}"
        monkeypatch.setattr(tuning.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(tuning, "_cores", lambda: cores)

    def step(self, precision: str, compiled: bool) -> Callable[[], None]:
        name = f"{precision}_{torch.get_num_threads()}{'_compiled' * compiled}"
        self.asked.append(name)

        def taken() -> None:
            self.now += self.seconds.get(name, 1.0)

        return taken

    def settled(self, precisions: tuple[str, ...] = ("float32",), steps: int = 10, **settings: object) -> Choice:
        return settle(RunSettings(**settings), precisions, CPU, Work(self.kind, self.step, steps))  # type: ignore[arg-type]


def test_what_was_measured_once_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, float32_2=0.5)
    assert machine.settled() == machine.settled() == Choice("float32", 2, False)
    assert machine.asked == ["float32_1", "float32_2"]


def test_a_further_thread_that_gains_little_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine(monkeypatch, float32_2=0.85).settled() == Choice("float32", 1, False)


def test_bfloat16_is_taken_where_it_is_a_tenth_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine(monkeypatch, bfloat16_1=0.8, bfloat16_2=0.8).settled(BOTH).precision == "bfloat16"
    assert Machine(monkeypatch, bfloat16_1=0.95).settled(BOTH).precision == "float32"


def test_a_short_run_does_not_ask_whether_compiling_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, float32_1_compiled=0.1)
    assert not machine.settled(steps=int(tuning.PATIENCE) - 1, threads=1).compile
    assert machine.asked == ["float32_1"]


def test_a_long_run_is_compiled_where_that_saves_more_than_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine(monkeypatch, float32_1_compiled=0.5).settled(steps=2000, threads=1).compile
    assert not Machine(monkeypatch, float32_1_compiled=0.95).settled(steps=2000, threads=1).compile


def test_where_nothing_can_be_compiled_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    plain = machine.step

    def step(precision: str, compiled: bool) -> Callable[[], None]:
        def failing() -> None:
            raise tuning.FAILED[1](RuntimeError("no compiler"), None)

        return failing if compiled else plain(precision, compiled)

    machine.step = step  # type: ignore[method-assign]
    assert not machine.settled(steps=10_000, threads=1).compile


def test_a_torn_memory_of_measurements_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    tuning.memory().parent.mkdir(parents=True, exist_ok=True)
    tuning.memory().write_text("{torn")
    assert Machine(monkeypatch).settled().threads == 1
    assert json.loads(tuning.memory().read_text())


def test_measuring_leaves_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    Machine(monkeypatch).settled()
    assert torch.get_num_threads() == before
