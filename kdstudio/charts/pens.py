"""Pens as wide on every screen: Qt counts a pen that does not grow with the plot in the pixels of the device."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

HAIR = 0.0
"""The finest line there is: one pixel, painted three times as fast as a pen with a width."""


def cosmetic(painter: QPainter, colour: QColor, width: float = HAIR, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen of `width` pixels at device ratio 1, and as wide to the eye at any other."""
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    pen = QPen(colour, width if ratio == 1 else max(1.0, width) * ratio, style)
    pen.setCosmetic(True)
    return pen
