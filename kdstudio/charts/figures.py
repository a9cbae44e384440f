"""Numbers as text of steady width, and the round numbers an axis stands on."""

from __future__ import annotations

import math

from PySide6.QtGui import QFont, QFontMetrics

from kdstudio import theme

WIDEST = "0.00e−00"
"""The widest text `figure` makes; fields for numbers are as wide as this."""


def figure(value: float, digits: int | None = None) -> str:
    """Four significant digits, or `digits` after the point; an en dash for what was never measured."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return _spelled(value, digits).replace("-", "−")


def _spelled(value: float, digits: int | None) -> str:
    size = abs(value)
    if digits is not None:
        return f"{value:.{digits}f}"
    if value == 0:
        return "0"
    if size >= 100_000 or size < 0.001:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{3 - max(0, math.floor(math.log10(size)))}f}" if size >= 1 else f"{value:.4f}"


def apart(low: float, high: float) -> tuple[str, str]:
    """Two ends of a scale with as many digits as tell them apart."""
    span = abs(high - low)
    digits = None if span == 0 or span > 0.01 * max(abs(low), abs(high)) else min(9, 1 - math.floor(math.log10(span)))
    return figure(low, digits), figure(high, digits)


def tick(value: float, step: float) -> str:
    """A tick's number with as many digits as its spacing needs."""
    if value == 0 or abs(value) < abs(step) * 1e-6:
        return "0"
    size = max(abs(value), step)
    if size >= 10_000_000 or size < 0.0001:
        return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    if size >= 10_000 and step >= 100:
        return f"{value / 1000:.{max(0, -math.floor(math.log10(step / 1000) + 1e-9))}f}k".replace("-", "−")
    return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9))}f}".replace("-", "−")


def clock(value: float, step: float) -> str:
    """A tick on a time axis: seconds below two minutes, then `m:ss`, then `h:mm`."""
    if value < 120 and step < 60:
        return tick(value, step)
    minutes, rest = divmod(round(value), 60)
    if minutes < 120 and step < 3600:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02} h"


def round_step(span: float, parts: int = 5) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most `parts` parts."""
    if span <= 0 or not math.isfinite(span):
        return 1.0
    raw = span / parts
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * (1 - 1e-9))


ALIKE = 1e-5
"""Of their size, values may differ so much and still be shown as one."""


def round_range(low: float, high: float) -> tuple[float, float]:
    """A range around the data that ends on round numbers, so that an axis moves seldom and then visibly. Values that differ by
    no more than float32 rounds are one value: no axis has the digits to tell them apart."""
    if high - low <= ALIKE * max(abs(low), abs(high)):
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    step = round_step(high - low) / 2
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def round_end(value: float, whole: float) -> float:
    """Where an axis that grows ends: the smallest halving of `whole` that holds `value`; of 1, 2, 5 x 10^n without it."""
    if value <= 0:
        return whole or 1.0
    if whole >= value:
        return whole / 2 ** min(10, math.floor(math.log2(whole / value)))
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= value * (1 - 1e-9))


def tabular(size: int = theme.TEXT) -> QFont:
    """The theme's font in pixels with digits of equal width, so that a changing number does not move its neighbours."""
    font = QFont(theme.FAMILY)
    font.setPixelSize(size)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def number_width(font: QFont) -> int:
    """Pixels a number of `figure` may take in a font."""
    return QFontMetrics(font).horizontalAdvance(WIDEST)
