"""Device, precision and threads: `auto` is settled once and remembered, and what is not there is refused."""

from __future__ import annotations

import pytest
import torch

from engine import resources
from engine.experiment import RunSettings
from engine.ledger import Clock, Ledger
from engine.tuning import Work


@pytest.mark.parametrize(
    ("name", "sentence"), [("cpuu", "is no device"), ("meta", "is not supported"), ("cuda:99", "is not here")]
)
def test_a_device_that_is_not_here_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(resources.DeviceError, match=sentence):
        resources.find_device(name)


def test_float16_on_a_cpu_is_refused() -> None:
    with pytest.raises(resources.DeviceError, match="float16 needs a CUDA device"):
        resources.find_precisions("float16", torch.device("cpu"))


def test_a_precision_that_was_asked_for_is_kept() -> None:
    assert resources.find_precisions("bfloat16", torch.device("cpu")) == ("bfloat16",)


def test_settings_that_are_not_auto_are_taken_as_they_are() -> None:
    settings = RunSettings(device="cpu", precision="bfloat16", threads=1, compile="off")
    work = Work("a net of this test", lambda precision, compiled: pytest.fail("nothing is to be measured"), 10)
    found = resources.resolve(settings, work)
    assert found == resources.Resources("cpu", "bfloat16", False, 1)
    assert found.dtype == torch.bfloat16


def test_a_placed_module_lies_channels_last() -> None:
    conv = resources.Resources("cpu", "float32", False, 1).place(torch.nn.Conv2d(3, 8, 3))
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_the_clock_leaves_out_what_it_was_held_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("engine.ledger.time.monotonic", lambda: now[0])
    clock = Clock(before=5.0, _since=100.0)
    now[0] = 110.0
    clock.hold()
    now[0] = 500.0
    assert clock.seconds() == 15.0
    clock.go()
    now[0] = 502.0
    assert clock.seconds() == 17.0


def test_the_ledger_of_a_stage_starts_at_nothing_and_counts_memory() -> None:
    ledger = Ledger(torch.device("cpu"), Clock())
    ledger.images = 7
    ledger.begin()
    ledger.images += 3
    cost = ledger.figures()
    assert cost["images"] == 3
    assert isinstance(cost["peak_memory"], int) and cost["peak_memory"] > 2**20
    assert cost["seconds"] is not None and 0 <= cost["seconds"] < 5


def test_a_stage_taken_up_again_goes_on_counting() -> None:
    ledger = Ledger(torch.device("cpu"), Clock())
    ledger.begin({"seconds": 100.0, "images": 7, "peak_memory": 2**50, "joules": None})
    ledger.images += 3
    cost = ledger.figures()
    assert cost["images"] == 10 and cost["peak_memory"] == 2**50
    assert cost["seconds"] is not None and cost["seconds"] >= 100.0
