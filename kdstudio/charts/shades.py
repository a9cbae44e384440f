"""Colours between the theme's colours, and those of a heat map."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from kdstudio import theme


def blend(one: QColor, other: QColor, share: float) -> QColor:
    """A colour between two: `share` 0 is the first, 1 the second."""

    def mix(a: float, b: float) -> float:
        return a * (1 - share) + b * share

    return QColor.fromRgbF(mix(one.redF(), other.redF()), mix(one.greenF(), other.greenF()), mix(one.blueF(), other.blueF()))


def pale(colour: QColor, share: float = 0.72) -> QColor:
    """A colour on its way into the ground of a card: the raw curve under a smoothed one."""
    return blend(colour, theme.colour("surface"), share)


def heat(share: float) -> QColor:
    """The colour of a value: `share` is 0 at the lower end of the scale and 1 at the upper."""
    return _between(theme.heat(), share)


def difference(share: float) -> QColor:
    """The colour of a difference: `share` is 0 at the most below zero, 0.5 at zero, 1 at the most above."""
    return _between(theme.diverging(), share)


def _between(stops: tuple[QColor, ...], share: float) -> QColor:
    at = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    low = min(int(at), len(stops) - 2)
    return blend(stops[low], stops[low + 1], at - low)


def heat_table() -> NDArray[np.uint8]:
    """256 colours (256, 4) as blue, green, red, 255, from the lower end of the scale to the upper."""
    return _heat_table(theme.dark())


def difference_table() -> NDArray[np.uint8]:
    """The same for differences, zero in the middle."""
    return _difference_table(theme.dark())


@cache
def _heat_table(dark: bool) -> NDArray[np.uint8]:
    """The table of the scheme in use, which `dark` names."""
    return _table(heat)


@cache
def _difference_table(dark: bool) -> NDArray[np.uint8]:
    return _table(difference)


def _table(colour: Callable[[float], QColor]) -> NDArray[np.uint8]:
    found = [colour(i / 255) for i in range(256)]
    return np.array([[c.blue(), c.green(), c.red(), 255] for c in found], dtype=np.uint8)
