"""What `kdstudio bench affinity` says, on maps small enough for a test."""

from __future__ import annotations

import re

import pytest
import torch

from engine import affinity as losses
from engine import bench, presets
from engine.bench import affinity as package
from engine.bench.affinity import Cost, _judged, extra_bytes, growth, naive, ways

CPU = torch.device("cpu")


def test_every_way_estimates_or_is_the_same_loss() -> None:
    f_s, f_t = (torch.randn(2, 5, 6, 6, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    found = {name: loss(f_s, f_t) for name, loss in ways(36, CPU).items()}
    assert list(found) == ["naive", "exact", "fast k=1", "fast k=6", "fast k=15"]
    torch.testing.assert_close(found["exact"], found["naive"])
    assert all(values.shape == (2,) and values.min() > 0 for values in found.values())


def test_extra_memory_is_the_most_that_is_held_at_once_and_not_the_sum() -> None:
    def one_after_another() -> None:
        for _ in range(5):
            torch.zeros(1000, 250)

    def side_by_side() -> None:
        kept = [torch.zeros(1000, 250) for _ in range(3)]
        del kept

    assert extra_bytes(one_after_another, CPU) == 1_000_000
    assert extra_bytes(side_by_side, CPU) == 3_000_000


def test_extra_memory_knows_what_backward_allocates() -> None:
    f_s, f_t = (torch.randn(1, 4, 12, 12) for _ in range(2))
    f_s.requires_grad_()
    matrix = 144 * 144 * 4
    of_value = extra_bytes(lambda: naive(f_s.detach(), f_t), CPU)
    of_both = extra_bytes(lambda: torch.autograd.grad(naive(f_s, f_t).sum(), f_s), CPU)
    assert 3 * matrix <= of_value < of_both
    assert extra_bytes(lambda: losses.squared(f_s.detach(), f_t), CPU) < of_both


def test_measuring_memory_says_nothing_in_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    extra_bytes(lambda: torch.zeros(10), CPU)
    print("after", flush=True)  # noqa: T201
    assert capfd.readouterr() == ("after\n", "")


def test_growth_is_the_exponent_of_a_power_law() -> None:
    assert growth([(8, 3 * 8**2.5), (16, 3 * 16**2.5), (32, 3 * 32**2.5)]) == pytest.approx(2.5)


def test_ratios_stand_beside_what_is_asked() -> None:
    costs = {("naive", 64): Cost(1.0, 2.0, 1000), ("exact", 64): Cost(0.05, 0.05, 10), ("exact", 128): Cost(0.2, 0.2, 40)}
    lines = list(_judged(costs))
    assert lines[0] == "exact at H = 64: 30.0 times as fast as naive (asked: 20), 1/100 of its extra memory (asked: 1/50)"
    assert lines[1] == "exact      grows with H to the power of 2.00 from 64 to 128 (asked: at most 2.2)"


def test_the_table_says_where_naive_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    module = __import__("sys").modules[package.__module__]
    monkeypatch.setattr(module, "SIDES", (4, 8, 12))
    monkeypatch.setattr(module, "COMPARED", 8)
    monkeypatch.setattr(module, "STEADY", 4)
    monkeypatch.setattr(module, "_free", lambda device: 3_000_000)
    lines = list(bench.ALL["affinity"](presets.resolve("experiments/digits-reffakd", ["run.threads=1"])))
    assert "1 CPU thread(s)" in lines[0]
    assert [line for line in lines if "skipped" in line] == [
        "  12  naive      skipped: it needs about 0.0 GB, and 0.0 GB are free"
    ]
    assert sum(bool(re.search(r"\d ms .* MiB$", line)) for line in lines) == 2 * 5 + 4
    assert any(line.startswith("exact at H = 8: ") for line in lines)
