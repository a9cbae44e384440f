"""What the machine does, at a slow pace and only where it is counted."""

from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest
import torch

from engine import machine
from engine.machine import PAUSE, Machine

CPU = torch.device("cpu")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test sets."""
    clock = SimpleNamespace(time=100.0)
    monkeypatch.setattr(machine, "monotonic", lambda: clock.time)
    return clock


def test_it_looks_seldom(now: SimpleNamespace) -> None:
    seen = Machine(CPU)
    assert seen.look() == {}
    now.time += PAUSE
    found = seen.look()
    assert 0 <= found["machine/cpu"] <= 100
    assert 0 < found["machine/memory"] <= 100
    assert seen.look() == {}


def test_the_hottest_place_of_the_cpu_is_told(now: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = {"nvme": [SimpleNamespace(current=90.0)], "coretemp": [SimpleNamespace(current=t) for t in (51.0, 63.0, 58.0)]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: sensors, raising=False)
    seen = Machine(CPU)
    now.time += PAUSE
    assert seen.look()["machine/cpu_temperature"] == 63.0


def test_a_machine_without_sensors_tells_no_temperature(now: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    seen = Machine(CPU)
    now.time += PAUSE
    assert set(seen.look()) == {"machine/cpu", "machine/memory"}


def test_what_a_driver_refuses_is_left_out(now: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def refused(handle: object) -> float:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(machine, "gpu_handle", lambda device: object())
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda handle: SimpleNamespace(gpu=87))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: SimpleNamespace(used=3, total=12))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTemperature", lambda handle, place: refused(handle))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", lambda handle: 215_500)
    seen = Machine(torch.device("cuda:0"))
    now.time += PAUSE
    found = {name: value for name, value in seen.look().items() if "gpu" in name}
    assert found == {"machine/gpu": 87.0, "machine/gpu_memory": 25.0, "machine/gpu_power": 215.5}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_looked_at(now: SimpleNamespace) -> None:
    seen = Machine(torch.device("cuda:0"))
    now.time += PAUSE
    assert 0 < seen.look()["machine/gpu_memory"] <= 100
