"""Weight quantizers: their levels by the rules of FAQD, and the gradient that passes them."""

from __future__ import annotations

import math

import pytest
import torch
from builders import golden
from torch import Tensor

from engine.quantize.weights import WeightQuantizer, highest, on_levels


def slow_levels(w: Tensor, bits: int, scale: str) -> list[float]:
    """Q(w) weight by weight, in Python's own numbers."""
    sizes = [abs(v) for v in w.flatten().tolist()]
    signs = [(v > 0) - (v < 0) for v in w.flatten().tolist()]
    if bits == 1:
        return [sum(sizes) / len(sizes) * s for s in signs]
    if bits == 2:
        threshold = 0.7 * sum(sizes) / len(sizes)
        kept = [v for v in sizes if v >= threshold]
        s = sum(kept) / (len(kept) if scale == "kept" else len(sizes))
        return [s * sign * (v >= threshold) for v, sign in zip(sizes, signs)]
    step = max(sizes) / (2**bits - 1)
    q = [min(max(math.ceil((v / step - 1) / 2), 0), 2 ** (bits - 1) - 1) for v in sizes]
    s = sum(v * n for v, n in zip(sizes, q)) / sum(n * n for n in q)
    return [s * n * sign for n, sign in zip(q, signs)]


@pytest.mark.parametrize(("bits", "scale"), [(1, "kept"), (2, "kept"), (2, "all"), (4, "kept"), (8, "kept")])
def test_the_levels_are_those_of_a_slow_plain_reference(bits: int, scale: str) -> None:
    w = golden((5, 3, 4, 4), 0.37, 0.8)
    q, s = on_levels(w, bits, scale)
    assert (s * q).flatten().tolist() == pytest.approx(slow_levels(w, bits, scale), rel=1e-9, abs=0)


def test_golden_values_of_a_few_weights() -> None:
    w = torch.tensor([-1.5, -0.4, 0.1, 0.3, 0.7], dtype=torch.float64)  # mean .6, threshold .42, D at 4 bits .1
    found = {(b, k): torch.mul(*on_levels(w, b, k)).tolist() for b, k in ((1, "kept"), (2, "kept"), (2, "all"), (4, "kept"))}
    assert found[1, "kept"] == pytest.approx([-0.6, -0.6, 0.6, 0.6, 0.6], rel=1e-12)
    assert found[2, "kept"] == pytest.approx([-1.1, 0, 0, 0, 1.1], rel=1e-12)
    assert found[2, "all"] == pytest.approx([-0.44, 0, 0, 0, 0.44], rel=1e-12)
    s = (1.5 * 7 + 0.4 * 2 + 0.3 * 1 + 0.7 * 3) / (49 + 4 + 1 + 9)
    assert found[4, "kept"] == pytest.approx([-7 * s, -2 * s, 0, s, 3 * s], rel=1e-9)


@pytest.mark.parametrize(("bits", "count"), [(1, 1), (2, 2), (4, 8), (8, 128)])
def test_as_many_sizes_as_the_bits_allow(bits: int, count: int) -> None:
    w = 2 * torch.rand(64, 64, 3, 3, generator=torch.Generator().manual_seed(0)) - 1
    found = WeightQuantizer(bits, "kept")(w)
    assert len(found.abs().unique()) == count
    assert on_levels(w, bits)[0].abs().max() == highest(bits)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_gradient_reaches_the_float_weights_unchanged(bits: int) -> None:
    w = golden((4, 3), 0.7).requires_grad_()
    pull = golden((4, 3), 1.3)
    WeightQuantizer(bits, "kept")(w).backward(pull)
    assert torch.equal(w.grad, pull)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_weights_that_are_all_zero_stay_zero(bits: int) -> None:
    assert torch.equal(WeightQuantizer(bits, "kept")(torch.zeros(3, 3)), torch.zeros(3, 3))


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_quantizing_what_is_quantized_changes_nothing_but_rounding(bits: int) -> None:
    once = WeightQuantizer(bits, "kept")(torch.randn(500, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(WeightQuantizer(bits, "kept")(once), once, rtol=1e-6, atol=0)


def test_weights_in_bfloat16_are_put_on_levels_in_float32() -> None:
    w = torch.randn(300, generator=torch.Generator().manual_seed(2)).bfloat16()
    assert torch.equal(WeightQuantizer(4, "kept")(w), WeightQuantizer(4, "kept")(w.float()).bfloat16())


def test_binaryrelax_blends_while_it_trains_and_is_hard_when_evaluated_or_told_so() -> None:
    w = golden((4, 4), 0.5).float().requires_grad_()
    hard = WeightQuantizer(2, "kept")(w).detach()
    relaxed = WeightQuantizer(2, "kept", blends=True).train()
    relaxed.harden(3.0)
    torch.testing.assert_close(relaxed(w), (3.0 * hard + w) / 4.0)
    pull = golden((4, 4), 0.9).float()
    relaxed(w).backward(pull)
    assert torch.equal(w.grad, pull)
    assert torch.equal(relaxed.eval()(w), hard)
    relaxed.train().harden(math.inf)
    assert torch.equal(relaxed(w), hard)
