"""What the machine does while it trains: use, memory and temperature of CPU and GPU, as far as they are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

import psutil
import torch

PAUSE = 5.0
"""Seconds between two looks: often enough for a plot, seldom enough to cost nothing."""

CHIPS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal", "acpitz")
"""Names of the sensors of a CPU, the most telling first."""

Gauge = Callable[[], dict[str, float]]


class Machine:
    """Looks at the machine at a slow pace. Shares in percent of all cores and of all memory, temperatures in degrees Celsius,
    power in watts; what is not counted here is left out."""

    def __init__(self, device: torch.device) -> None:
        self._gauges = [_cpu, *_thermometer(), *(_gpu(device) if device.type == "cuda" else ())]
        self._next = monotonic() + PAUSE
        psutil.cpu_percent(None)  # the first answer is about no time at all

    def look(self) -> dict[str, float]:
        """The figures by name, `machine/...`; empty where the last look is not long ago."""
        now = monotonic()
        if now < self._next:
            return {}
        self._next = now + PAUSE
        return {f"machine/{name}": value for gauge in self._gauges for name, value in gauge().items()}


def gpu_handle(device: torch.device) -> object | None:
    """The driver's handle of a CUDA device; None where the driver does not answer."""
    import pynvml

    try:
        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")  # type: ignore[no-any-return]
    except pynvml.NVMLError:
        return None


def _cpu() -> dict[str, float]:
    return {"cpu": psutil.cpu_percent(None), "memory": psutil.virtual_memory().percent}


def _thermometer() -> Iterable[Gauge]:
    """The hottest place of the CPU, where the system tells of one."""
    read = getattr(psutil, "sensors_temperatures", None)  # not there on Windows and macOS
    chip = next((name for name in CHIPS if read is not None and name in read()), None)
    if read is None or chip is None:
        return ()
    return (lambda: {"cpu_temperature": max(sensor.current for sensor in read()[chip])},)


def _gpu(device: torch.device) -> Iterable[Gauge]:
    """What the driver counts of a GPU; each that it refuses is left out."""
    import pynvml

    handle = gpu_handle(device)
    if handle is None:
        return ()

    def memory() -> dict[str, float]:
        found = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return {"gpu_memory": 100.0 * found.used / found.total}

    offered: tuple[Gauge, ...] = (
        lambda: {"gpu": float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)},
        memory,
        lambda: {"gpu_temperature": float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))},
        lambda: {"gpu_power": pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3},
    )
    return [gauge for gauge in offered if _answers(gauge, pynvml.NVMLError)]


def _answers(gauge: Gauge, refusal: type[Exception]) -> bool:
    try:
        gauge()
    except refusal:
        return False
    return True
