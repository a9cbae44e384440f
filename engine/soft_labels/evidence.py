"""What class-level soft labels hold, and whether the embeddings they come from know anything of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine import embeddings, logits
from engine.soft_labels import similarity

CHOSEN_ENTROPY = 0.94
"""Share of ln C that an offered label temperature leads to: soft, yet far from uniform."""
RANKED = 1024
"""Embeddings whose effective rank is taken at most: its cost is cubic in them."""


def of_labels(similar: Tensor, gamma: float, temperature: float) -> dict[str, float]:
    """Scalars of softmax((A + γI) / τ); `similar` is A (C, C). Entropy as a share of ln C, divergence in nats."""
    boosted = similarity.boosted(similar, gamma)
    q = torch.softmax(boosted / temperature, dim=1)
    return {
        "gamma": gamma,
        "gamma_min": similarity.smallest_boost(similar),
        "rows_right_unboosted": float(similarity.rows_right(similar)),
        "rows_right": float(similarity.rows_right(boosted)),
        "rows_wrong": float(len(similar) - similarity.rows_right(boosted)),
        "diagonal": similar.diagonal().mean().item(),
        "largest": q.amax().item(),
        "entropy": logits.relative_entropy(q).item(),
        "kl_to_smoothing": logits.kl_to_smoothing(q).item(),
        "label_temperature_offered": logits.temperature_of_entropy(boosted, CHOSEN_ENTROPY),
    }


def of_embeddings(x: Tensor, y: Tensor, own: Tensor, untrained: Tensor) -> dict[str, float]:
    """Scalars of embeddings (N, d) beside raw pixels x (N, C, H, W) and an untrained encoder; accuracies in percent."""
    return {
        "neighbours": embeddings.neighbour_accuracy(own, y),
        "neighbours_untrained": embeddings.neighbour_accuracy(untrained, y),
        "neighbours_pixels": embeddings.neighbour_accuracy(x.flatten(1), y),
        "effective_rank": embeddings.effective_rank(own[:RANKED]),
    }


def of_teacher(z: Tensor, y: Tensor, similar: Tensor, entropy: float, temperature: float) -> dict[str, float]:
    """Scalars beside a teacher's logits z (N, C) of images of classes y (N,): does it rank the classes alike (its class-mean
    soft labels at `temperature`), and at which temperature are its soft labels as soft as an `entropy` share of ln C?"""
    mean = logits.class_mean(logits.soft_labels(z, temperature), y, len(similar))
    return {
        "rank_correlation": similarity.rank_correlation(similar, mean.cpu()),
        "teacher_temperature": logits.temperature_of_entropy(z, entropy),
    }


def rows(values: Mapping[str, float], classes: int) -> list[dict[str, Any]]:
    """The scalars above as a table."""
    told = [
        ("boost γ", f"{values['gamma']:.4f}", f"smallest that ranks every class first: {values['gamma_min']:.4f}"),
        ("classes first in their row", f"{values['rows_right']:.0f} of {classes}",
         f"{values['rows_right_unboosted']:.0f} without a boost"),
        ("entropy of the soft labels", f"{100 * values['entropy']:.3f} %",
         f"of the largest possible; label temperature {values['label_temperature_offered']:.3g} would give "
         f"{100 * CHOSEN_ENTROPY:.0f} %"),
        ("largest soft label", f"{values['largest']:.4f}", f"uniform: {1 / classes:.4f}"),
        ("beyond label smoothing", f"{values['kl_to_smoothing']:.2e} nats",
         "mean divergence from label smoothing with the same diagonal"),
        ("10 nearest neighbours of the embedding", f"{values['neighbours']:.1f} %",
         f"untrained encoder {values['neighbours_untrained']:.1f} %, raw pixels {values['neighbours_pixels']:.1f} %"),
        ("effective rank of the embeddings", f"{values['effective_rank']:.1f}", "how many directions they use"),
    ]  # fmt: skip
    if "rank_correlation" in values:
        told += [
            ("rank correlation with the teacher", f"{values['rank_correlation']:.3f}",
             "Spearman, similarity against the teacher's mean soft labels, beside the diagonal"),
            ("teacher's temperature of equal entropy", f"{values['teacher_temperature']:.3g}",
             "at which the teacher's soft labels are as soft"),
        ]  # fmt: skip
    else:
        told.append(("rank correlation with the teacher", "–", "this run has no teacher net"))
    return [{"label": label, "value": value, "note": note} for label, value, note in told]
