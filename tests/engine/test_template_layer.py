"""letKD's layer against a slow plain reference: cosines, what is added, and what does not matter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from builders import golden
from torch import Tensor, nn

from engine.templates import template_loss
from engine.templates.layer import Layer, cosine


def exact(value: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-12)


def plain_cosine(x: Tensor, w: Tensor, g: float) -> Tensor:
    """One place and one filter at a time."""
    out = torch.zeros(len(x), len(w), *x.shape[2:], dtype=x.dtype)
    for b in range(out.shape[0]):
        for o in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    v, u = x[b, :, i, j], w[o, :, 0, 0]
                    out[b, o, i, j] = g * (v @ u) / (max(v.norm(), 1e-12) * max(u.norm(), 1e-12))
    return out


X, W = golden((2, 3, 2, 2), 1.3, 2.0), golden((5, 3, 1, 1), 0.7)
SCALE = torch.tensor(3.0, dtype=torch.float64)


def test_the_cosine_convolution_is_a_scaled_cosine_at_every_place() -> None:
    exact(cosine(X, W, SCALE), plain_cosine(X, W, 3.0))
    assert cosine(X, W, SCALE).abs().max() <= 3.0
    exact(cosine(7 * X, 0.2 * W, SCALE), cosine(X, W, SCALE))


def test_a_place_of_zeros_matches_nothing_in_any_precision() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        assert torch.equal(
            cosine(torch.zeros(1, 3, 1, 1, dtype=dtype), W.to(dtype), SCALE.to(dtype)).float(), torch.zeros(1, 5, 1, 1)
        )


def test_gradients_of_layer_and_losses_are_derivatives() -> None:
    grad: Callable[..., bool] = torch.autograd.gradcheck
    x, w, g = (t.clone().requires_grad_() for t in (X, W, SCALE))
    assert grad(cosine, (x, w, g))
    target = torch.softmax(golden((4, 5), 0.9), 1)
    assert grad(lambda a: template_loss(a, target), (golden((4, 5), 1.7).requires_grad_(),))


def layer(width: int = 3, count: int = 5, alpha: float = 0.7) -> Layer:
    torch.manual_seed(0)
    made = Layer(width, count, alpha).double()
    nn.init.normal_(made.norm.weight)
    nn.init.normal_(made.norm.bias)
    made.norm.running_mean.normal_()
    return made.eval()


def test_the_layer_adds_alpha_times_what_follows_from_the_matches() -> None:
    made = layer()
    a = plain_cosine(X, made.scores.weight, 3.0)
    mean, var, gamma, beta = (t[:, None, None] for t in (
        made.norm.running_mean, made.norm.running_var, made.norm.weight, made.norm.bias))  # fmt: skip
    p = torch.relu((a - mean) / (var + 1e-5).sqrt() * gamma + beta)
    exact(made(X), X + 0.7 * plain_cosine(p, made.values.weight, 1.0))


def test_the_order_of_the_templates_does_not_matter() -> None:
    made, other, order = layer(), layer(), torch.tensor([3, 0, 4, 1, 2])
    with torch.no_grad():
        other.scores.weight.copy_(made.scores.weight[order])
        other.values.weight.copy_(made.values.weight[:, order])
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(other.norm, name).copy_(getattr(made.norm, name)[order])
    exact(other(X), made(X))


def test_scales_and_weights_begin_as_published() -> None:
    torch.manual_seed(0)
    made = Layer(64, 512, 1.0)
    assert (made.scores.scale.item(), made.values.scale.item()) == (3.0, 1.0)
    assert made.scores.weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.02)
    assert made.values.weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    assert sum(p.numel() for p in made.parameters()) == 2 * 64 * 512 + 2 * 512 + 2
