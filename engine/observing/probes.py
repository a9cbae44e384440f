"""What every evaluation measures of student and teacher, whatever the method. Pure functions of what the nets said.

Scalars carry the names under which a run reports them; agreement and calibration errors are in percent, entropies shares of
ln C, divergences in nats, signal-to-noise in dB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine import affinity, logits

CKA_SIDE = 4
"""Maps are averaged to as many places a side before CKA compares them."""
AUGMENTATIONS = 8
"""Views of each image for the signal-to-noise ratio."""


@dataclass(frozen=True)
class Measures:
    """Named scalars, and named matrices (C, C) for the watches of the same names."""

    scalars: Mapping[str, float] = field(default_factory=dict)
    arrays: Mapping[str, Tensor] = field(default_factory=dict)


def of_logits(z_s: Tensor, z_t: Tensor | None, y: Tensor | None, temperature: float) -> Measures:
    """Agreement, divergence, correlation, calibration, entropies and class-mean soft labels, from logits (N, C).

    z_t None: nobody teaches; y None: no labels, so neither calibration nor class means of true classes (then of the teacher's
    choice, or of the student's own). `temperature` softens the soft labels and the divergence.
    """
    scalars: dict[str, float] = {}
    arrays: dict[str, Tensor] = {}
    classes = _grouping(z_s, z_t, y)
    for who, z in (("student", z_s), ("teacher", z_t)):
        if z is None:
            continue
        p = logits.soft_labels(z.float(), temperature)
        scalars[f"entropy_{who}"] = logits.relative_entropy(p).item()
        if y is not None:
            scalars[f"ece_{who}"] = 100.0 * logits.calibration_error(logits.soft_labels(z.float()), y).item()
        arrays[f"soft_labels_{who}"] = logits.class_mean(p, classes, z.shape[1])
    return Measures({**scalars, **({} if z_t is None else _between(z_s, z_t, temperature, arrays))}, arrays)


def _grouping(z_s: Tensor, z_t: Tensor | None, y: Tensor | None) -> Tensor:
    if y is not None:
        return y
    return (z_s if z_t is None else z_t).argmax(dim=1)


def _between(z_s: Tensor, z_t: Tensor, temperature: float, arrays: Mapping[str, Tensor]) -> dict[str, float]:
    taught = arrays["soft_labels_teacher"]
    known = ~taught.isnan().any(dim=1)
    found = {
        "agreement": 100.0 * logits.agreement(z_s, z_t).item(),
        "kl_to_teacher": logits.kl(z_s.float(), logits.soft_labels(z_t.float(), temperature), temperature).item(),
        "logit_correlation": logits.correlation(z_s.float(), z_t.float()).item(),
    }
    if bool(known.all()):
        found["smoothing_teacher"] = logits.kl_to_smoothing(taught).item()
    return found


def of_maps(student: Mapping[str, Tensor], teacher: Mapping[str, Tensor], alike: Iterable[tuple[str, str]]) -> Measures:
    """Affinity error (maps only) and linear CKA of the student's taps against the teacher's, for those that are `alike`: a
    tap of each. Features are (N, C, H, W) or (N, d) of any width and size."""
    scalars: dict[str, float] = {}
    for tap, counterpart in alike:
        own, other = student[tap], teacher[counterpart]
        if own.ndim == 4 and other.ndim == 4:
            scalars[f"affinity_error/{tap}"] = affinity.affinity_error(own.float(), other.float()).item()
        alike = affinity.linear_cka(*(affinity.pooled(f.float(), CKA_SIDE) for f in (own, other)))
        scalars[f"cka/{tap}"] = alike.item()
    return Measures(scalars)


def signal_to_noise(features: Callable[[Tensor], Tensor], view: Callable[[int], Tensor]) -> float:
    """Signal-to-noise ratio in dB of `features(x)` (N, d) over `view(k)`, the k-th augmentation (N, C, H, W) of one sample."""
    return affinity.signal_to_noise(torch.stack([features(view(k)).flatten(1) for k in range(AUGMENTATIONS)]))


def gradient_shares(terms: Mapping[str, Tensor], parameter: Tensor) -> dict[str, float]:
    """Of each weighted term at one parameter: `gradient/<term>` the norm of its gradient, `share/<term>` that norm over the
    sum of all, `cosine/<term>` with the sum of the others. The graph is kept; a term without a gradient there has 0."""
    gradients = {name: _gradient(term, parameter) for name, term in terms.items()}
    total = torch.stack(tuple(gradients.values())).sum(dim=0)
    norms = torch.stack([g.norm() for g in gradients.values()])
    shares = norms / norms.sum().clamp_min(torch.finfo(norms.dtype).tiny)
    cosines = torch.stack([torch.cosine_similarity(g, total - g, dim=0, eps=1e-30) for g in gradients.values()])
    found: dict[str, float] = {}
    for name, norm, share, cosine in zip(gradients, norms.tolist(), shares.tolist(), cosines.tolist()):
        found |= {f"gradient/{name}": norm, f"share/{name}": share, f"cosine/{name}": cosine}
    return found


def _gradient(term: Tensor, parameter: Tensor) -> Tensor:
    if not term.requires_grad:
        return torch.zeros(parameter.numel(), device=parameter.device)
    (found,) = torch.autograd.grad(term, parameter, retain_graph=True, allow_unused=True)
    return torch.zeros(parameter.numel(), device=parameter.device) if found is None else found.float().flatten()
