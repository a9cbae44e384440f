"""Modules and functions that bring the maps of a student and a teacher to one shape. Trained with the student, then dropped.

Shapes: maps (B, C, H, W), vectors (B, d). Kinds and their parameters are declared in `engine/adapter_kinds.py`, so that the
Plan can show them without torch. Modules draw their initial weights from torch's global generator, which the session seeds
for each method's `build`.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from engine.adapter_kinds import bridge
from engine.pairing import Match


def matched(f_s: Tensor, f_t: Tensor) -> tuple[Tensor, Tensor]:
    """Both maps at the size of the smaller one (by height, then by width): the larger is adaptive-average-pooled. Vectors and
    maps of one size stay as they are."""
    own, other = tuple(f_s.shape[2:]), tuple(f_t.shape[2:])
    if own == other:
        return f_s, f_t
    height, width = min(own, other)
    if own > other:
        return functional.adaptive_avg_pool2d(f_s, (height, width)), f_t
    return f_s, functional.adaptive_avg_pool2d(f_t, (height, width))


class OneByOne(nn.Module):
    """A 1 x 1 convolution from the student's channels to the teacher's: with bias, or without and followed by BN (`norm`)."""

    def __init__(self, match: Match, norm: bool = False) -> None:
        super().__init__()
        c_s, c_t = match.student_shape[0], match.teacher_shape[0]
        self.conv = nn.Conv2d(c_s, c_t, 1, bias=not norm)
        self.norm = nn.BatchNorm2d(c_t) if norm else nn.Identity()

    def forward(self, f_s: Tensor) -> Tensor:
        """(B, C_s, H, W) to (B, C_t, H, W)."""
        return self.norm(self.conv(f_s))  # type: ignore[no-any-return]


class ConvRegressor(nn.Module):
    """FitNet's regressor as the public libraries build it: a convolution with bias to the teacher's channels and size (see
    `engine.adapter_kinds.bridge`), BN, ReLU.

    Where the sizes are too far apart for it the student keeps its size, and `matched` averages the teacher's map.
    """

    def __init__(self, match: Match) -> None:
        super().__init__()
        c_s, c_t = match.student_shape[0], match.teacher_shape[0]
        way, kernel = bridge(match)
        self.conv: nn.Module
        if way == "double":
            self.conv = nn.ConvTranspose2d(c_s, c_t, kernel, stride=2, padding=1)
        elif way == "halve":
            self.conv = nn.Conv2d(c_s, c_t, kernel, stride=2, padding=1)
        else:
            self.conv = nn.Conv2d(c_s, c_t, kernel)
        self.bn = nn.BatchNorm2d(c_t)

    def forward(self, f_s: Tensor) -> Tensor:
        """(B, C_s, H_s, W_s) to (B, C_t, H_t, W_t), or to (B, C_t, H_s, W_s) where the teacher's map is pooled instead."""
        return functional.relu(self.bn(self.conv(f_s)))


def adapter(match: Match) -> nn.Module:
    """The module of a match's kind of adapter. Raises ValueError for a kind that lies in a method's own file."""
    match match.adapter:
        case "none":
            return nn.Identity()
        case "1x1":
            return OneByOne(match)
        case "1x1 norm":
            return OneByOne(match, norm=True)
        case "linear":
            return nn.Linear(match.student_shape[0], match.teacher_shape[0])
        case "regressor":
            return ConvRegressor(match)
    raise ValueError(f"the adapter {match.adapter!r} is made by its method, not by engine.adapters")
