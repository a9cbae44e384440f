"""Mathematics on logits: soft labels, the losses of KD, DKD, AEKT and DIST, and what probes measure of two sets of logits.

Shapes: B images, C classes; z logits (B, C), p probabilities (B, C), y class numbers (B,), q a matrix of soft labels (C, C)
whose row y is the target of class y. Unit: nats. Losses that soften both sides carry their τ².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Reduction = Literal["batchmean", "mean"]
Explicit = Literal["R1", "R2", "R3", "R4"]


def soft_labels(z: Tensor, temperature: float | Tensor = 1.0) -> Tensor:
    """softmax(z / τ), (B, C)."""
    return torch.softmax(_softened(z, temperature), dim=-1)


def _softened(z: Tensor, temperature: float | Tensor) -> Tensor:
    return z if isinstance(temperature, float) and temperature == 1.0 else z / temperature


def entropy(p: Tensor) -> Tensor:
    """-Σ p ln p over the last axis, with 0 ln 0 = 0."""
    return -torch.xlogy(p, p).sum(dim=-1)


def relative_entropy(p: Tensor) -> Tensor:
    """Mean entropy over ln C: 1 for uniform soft labels, 0 for one-hot ones. A scalar."""
    return entropy(p).mean() / math.log(p.shape[-1])


def kl(z_s: Tensor, p_t: Tensor, temperature: float | Tensor = 1.0, reduction: Reduction = "batchmean") -> Tensor:
    """KL(p_t ‖ softmax(z_s / τ)), a scalar without τ²; the target is taken as it is.

    `batchmean` sums over classes and averages over images; `mean` also divides by C, as PyTorch's default reduction does.
    """
    loss = functional.kl_div(torch.log_softmax(_softened(z_s, temperature), dim=-1), p_t, reduction="batchmean")
    return loss if reduction == "batchmean" else loss / z_s.shape[1]


def kd(z_s: Tensor, z_t: Tensor, temperature: float | Tensor) -> Tensor:
    """τ² · mean over the batch of KL(p^T ‖ p^S) (Hinton et al. 2015). Gradient per image: τ (p^S - p^T) / B."""
    log_s = torch.log_softmax(_softened(z_s, temperature), dim=1)
    log_t = torch.log_softmax(_softened(z_t, temperature), dim=1)
    return functional.kl_div(log_s, log_t, reduction="batchmean", log_target=True) * temperature**2


def dkd(z_s: Tensor, z_t: Tensor, y: Tensor, temperature: float | Tensor) -> tuple[Tensor, Tensor]:
    """Target-class and non-target-class KD, both with τ² and averaged over the batch (Zhao et al. 2022).

    TCKD = KL([p_y, 1 - p_y]^T ‖ ^S) and NCKD = KL(p̂^T ‖ p̂^S), p̂ the softmax over the classes other than y.
    With the margin m = z_y - logsumexp(others), p_y = sigmoid(m): nothing is summed and logged again, so that neither
    half precision nor a certain teacher gives infinities.
    """
    (margin_s, log_s), (margin_t, log_t) = (_split(_softened(z, temperature), y) for z in (z_s, z_t))
    scale = temperature**2
    rest = functional.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
    return _binary_kl(margin_s, margin_t).mean() * scale, rest * scale


def tckd(z_s: Tensor, z_t: Tensor, y: Tensor, temperature: float | Tensor) -> Tensor:
    """The target-class part of `dkd`, a scalar."""
    return dkd(z_s, z_t, y, temperature)[0]


def nckd(z_s: Tensor, z_t: Tensor, y: Tensor, temperature: float | Tensor) -> Tensor:
    """The non-target-class part of `dkd`, a scalar."""
    return dkd(z_s, z_t, y, temperature)[1]


def explicit(
    z_s: Tensor, z_t: Tensor, y: Tensor, temperature: float | Tensor, form: Explicit = "R1", limit: float = math.inf
) -> Tensor:
    """A reconstruction of AEKT's explicit term with τ², averaged over the batch: how sure the teacher is of the target, pulled
    at by a weight that grows with ρ = p_y^T / p_y^S and no further than at ρ = `limit` (at least 1).

    R1: ρ KL([p_y, 1 - p_y]^T ‖ ^S) with no gradient through ρ. R2: ρ - ln ρ - 1. R3: ρ. R4: ½ ln² ρ; beyond the limit these
    three go on along their tangent. Gradients per image, with 1_y the target's unit vector and p̂ the softmax over the others,
    ρ bounded: R1 -τρ (p_y^T - p_y^S) (1_y - p̂^S); R2 -τ (ρ - 1) (1_y - p^S); R3 -τρ (1_y - p^S); R4 -τ ln ρ (1_y - p^S).
    The paper's own equations are not public: only that the target's confidence is weighted by the ratio.
    """
    margin_s, margin_t = (_split(_softened(z, temperature), y)[0] for z in (z_s, z_t))
    log_ratio = functional.logsigmoid(margin_t) - functional.logsigmoid(margin_s)
    most = math.log(limit)
    bounded = log_ratio.clamp_max(most)
    if form == "R1":
        return (bounded.detach().exp() * _binary_kl(margin_s, margin_t)).mean() * temperature**2
    value, slope = {
        "R2": (torch.expm1(bounded) - bounded, limit - 1.0),
        "R3": (bounded.exp(), limit),
        "R4": (0.5 * bounded.square(), most),
    }[form]
    beyond = (log_ratio - bounded) * slope if math.isfinite(limit) else 0.0
    return (value + beyond).mean() * temperature**2


@dataclass(frozen=True)
class Confidence:
    """What both nets say of the target class, (B,) each: p_y of student and teacher, ρ = p_y^T / p_y^S, and
    r = (1 - p_y^S) / (1 - p_y^T)."""

    student: Tensor
    teacher: Tensor
    rho: Tensor
    rest: Tensor


def confidence(z_s: Tensor, z_t: Tensor, y: Tensor, temperature: float | Tensor) -> Confidence:
    """Softened confidences in the target class and their ratios."""
    margin_s, margin_t = (_split(_softened(z, temperature), y)[0] for z in (z_s, z_t))
    rho = (functional.logsigmoid(margin_t) - functional.logsigmoid(margin_s)).exp()
    rest = (functional.logsigmoid(-margin_s) - functional.logsigmoid(-margin_t)).exp()
    return Confidence(torch.sigmoid(margin_s), torch.sigmoid(margin_t), rho, rest)


def dist(z_s: Tensor, z_t: Tensor, temperature: float | Tensor) -> tuple[Tensor, Tensor]:
    """1 - Pearson's correlation of the softened outputs, times τ²: of each image over the classes, and of each class over the
    images of the batch, both averaged (DIST, Huang et al. 2022: inter and intra)."""
    p_s, p_t = soft_labels(z_s, temperature), soft_labels(z_t, temperature)
    scale = temperature**2
    return scale * (1.0 - _pearson(p_s, p_t).mean()), scale * (1.0 - _pearson(p_s.T, p_t.T).mean())


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    """Pearson's correlation of each row, with 1e-8 in the denominator: 0 for a row whose entries are all equal."""
    a, b = (v - v.mean(dim=1, keepdim=True) for v in (a, b))
    return (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-8)


def standardized(z: Tensor) -> Tensor:
    """(z - mean) / (std + 1e-7) over the classes of each image, std with C - 1 (Sun et al. 2024): logits of which only the
    order and the relative distances are left."""
    return (z - z.mean(dim=1, keepdim=True)) / (z.std(dim=1, keepdim=True) + 1e-7)


def _others(y: Tensor, classes: int) -> Tensor:
    """(B, C - 1): for each image the classes that are not its own."""
    y = y[:, None]
    places = torch.arange(classes - 1, device=y.device)
    return places + (places >= y)


def _split(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The margin (B,) of the target over the others, and the log-probabilities (B, C - 1) among the others."""
    rest = z.gather(1, _others(y, z.shape[1]))
    weight = torch.logsumexp(rest, dim=1, keepdim=True)
    return (z.gather(1, y[:, None]) - weight).squeeze(1), rest - weight


def _binary_kl(margin_s: Tensor, margin_t: Tensor) -> Tensor:
    """(B,): KL([p, 1 - p]^T ‖ ^S) of p = sigmoid(margin)."""
    sure = torch.sigmoid(margin_t)
    own, other = (functional.binary_cross_entropy_with_logits(m, sure, reduction="none") for m in (margin_s, margin_t))
    return own - other


def agreement(z_s: Tensor, z_t: Tensor) -> Tensor:
    """Share of images for which both choose the same class, in [0, 1]."""
    return (z_s.argmax(1) == z_t.argmax(1)).double().mean()


def calibration_error(p: Tensor, y: Tensor, bins: int = 15) -> Tensor:
    """Expected calibration error in [0, 1]: |accuracy - confidence| in equal bins of confidence, weighted by their images."""
    confidence, choice = p.double().max(dim=1)
    gap = (choice == y).double() - confidence
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    return torch.zeros(bins, dtype=torch.float64, device=p.device).index_add_(0, place, gap).abs().sum() / len(y)


def class_mean(p: Tensor, y: Tensor, classes: int) -> Tensor:
    """(classes, C): the mean row of p of each class; NaN in the rows of classes without an image."""
    sums = torch.zeros(classes, p.shape[1], dtype=p.dtype, device=p.device).index_add_(0, y, p)
    return sums / torch.bincount(y, minlength=classes).to(p.dtype)[:, None]


def correlation(z_s: Tensor, z_t: Tensor) -> Tensor:
    """Pearson's correlation of each image's logits, averaged over images; 0 for an image whose logits are all equal."""
    a, b = (z - z.mean(dim=1, keepdim=True) for z in (z_s, z_t))
    return functional.cosine_similarity(a, b, dim=1, eps=1e-12).mean()


def smoothing_like(q: Tensor) -> Tensor:
    """Label smoothing with the diagonal of q (C, C): the rest of each row is spread evenly."""
    diagonal = q.diagonal()
    even = ((1.0 - diagonal) / (q.shape[0] - 1))[:, None].expand_as(q)
    return torch.where(torch.eye(len(q), dtype=torch.bool, device=q.device), diagonal[:, None], even)


def kl_to_smoothing(q: Tensor) -> Tensor:
    """Mean over the rows of KL(q ‖ label smoothing of equal diagonal): what q says beyond label smoothing. A scalar."""
    even = smoothing_like(q)
    return (torch.xlogy(q, q) - torch.xlogy(q, even)).sum(dim=1).mean()


def temperature_of_entropy(z: Tensor, share: float) -> float:
    """The temperature at which the mean entropy of softmax(z / τ) is `share` of ln C; z (N, C), 0 < share < 1.

    By bisection of ln τ between 1e-6 and 1e6; entropy grows with τ, so a share out of reach gives the nearer end.
    """
    low, high = math.log(1e-6), math.log(1e6)
    z = z.double()
    for _ in range(60):
        middle = 0.5 * (low + high)
        if relative_entropy(soft_labels(z, math.exp(middle))) < share:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))
