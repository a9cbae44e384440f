"""Pictures of a report as SVG text: curves, scatter plots, parallel coordinates, matrices. Colours come from its style."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from engine.comparison.colours import HUES
from engine.comparison.front import Point
from engine.comparison.importance import Axis

Numbers = npt.NDArray[np.float64]

WIDE, HIGH = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 10, 34
POINTS = 300
"""So many stretches of a curve are drawn, of each its least and its greatest value."""
MATRIX = 220
"""Pixels of the side of a matrix."""
HUE, AGAINST = (0, 114, 178), (213, 94, 0)
"""Blue and vermilion after Okabe and Ito: more, and in a difference less."""


@dataclass(frozen=True)
class Line:
    """One curve: the number of its colour, what it is called, (N,) places and values."""

    number: int
    label: str
    x: Numbers
    y: Numbers


def ink(number: int) -> str:
    """The classes that give a line its colour and its dashes."""
    return f"s{number % HUES} d{number // HUES}"


def thinned(x: Numbers, y: Numbers, points: int = POINTS) -> tuple[Numbers, Numbers]:
    """The finite points of a curve; of many, the least and the greatest of each stretch, so that every peak stays."""
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(y) <= 2 * points:
        return x, y
    edges = np.linspace(0, len(y), points + 1).astype(int)
    kept = {0, len(y) - 1}
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist()):
        kept |= {low + int(y[low:high].argmin()), low + int(y[low:high].argmax())}
    index = np.array(sorted(kept))
    return x[index], y[index]


def curves(lines: Sequence[Line], across: str) -> str:
    """Curves over one axis."""
    drawn = [(line, *thinned(line.x, line.y)) for line in lines]
    drawn = [(line, x, y) for line, x, y in drawn if len(x)]
    if not drawn:
        return ""
    ends = _ends([x for _, x, _ in drawn]), _ends([y for _, _, y in drawn], 0.04)
    body = []
    for line, x, y in drawn:
        places = " ".join(f"{_at(a, ends[0], True):.1f},{_at(b, ends[1], False):.1f}" for a, b in zip(x.tolist(), y.tolist()))
        title = f"<title>{escape(line.label)}</title>"
        body.append(f'<polyline class="line {ink(line.number)}" points="{places}">{title}</polyline>')
    return _svg(WIDE, HIGH, _axes(*ends, across) + "".join(body))


def scatter(points: Sequence[Point], numbers: Sequence[int], across: str, log: bool, scale: float = 1.0) -> str:
    """Gain over cost, divided by `scale`; the Pareto front is a line through filled dots."""
    if not points:
        return ""
    at = [math.log10(p.cost / scale) if log else p.cost / scale for p in points]
    ends = _ends([np.array(at)], 0.08), _ends([np.array([p.gain for p in points])], 0.12)
    best = sorted((a, p.gain) for a, p in zip(at, points) if p.best)
    steps = " ".join(f"{_at(a, ends[0], True):.1f},{_at(b, ends[1], False):.1f}" for a, b in best)
    body = [f'<polyline class="front" points="{steps}"/>']
    for a, p in zip(at, points):
        x, y = _at(a, ends[0], True), _at(p.gain, ends[1], False)
        if p.deviation:
            half = abs(_at(p.gain + p.deviation, ends[1], False) - y)
            body.append(f'<line class="line {ink(numbers[p.index])}" x1="{x:.1f}" x2="{x:.1f}" y1="{y - half:.1f}" '
                        f'y2="{y + half:.1f}"/>')  # fmt: skip
        kind = "dot" if p.best else "dot open"
        title = f"<title>{escape(p.title)}: {p.gain:.2f}{', on the Pareto front' if p.best else ''}</title>"
        body.append(f'<circle class="{kind} {ink(numbers[p.index])}" cx="{x:.1f}" cy="{y:.1f}" r="5">{title}</circle>')
    return _svg(WIDE, HIGH, _axes(*ends, across, log) + "".join(body))


def parallel(axes: Sequence[Axis], numbers: Sequence[int], labels: Sequence[str]) -> str:
    """Every run a line across upright axes; a run without the number is left out."""
    gap = 130
    width = 90 + gap * (len(axes) - 1) + 90
    body, words = list[str](), list[str]()
    for n, axis in enumerate(axes):
        x = 60 + n * gap
        body.append(f'<line class="axis" x1="{x}" x2="{x}" y1="30" y2="{HIGH - 10}"/>')
        body.append(f'<text class="name" x="{x}" y="16">{escape(axis.label[:20])}</text>')
        words += [f'<text class="tick" x="{x + 5}" y="{_rise(t) + 4:.1f}">{escape(w[:16])}</text>' for t, w in axis.ticks]
    for k, (number, label) in enumerate(zip(numbers, labels)):
        places = [axis.places[k] for axis in axes]
        if any(math.isnan(place) for place in places):
            continue
        way = " ".join(f"{60 + n * gap},{_rise(place):.1f}" for n, place in enumerate(places))
        body.append(f'<polyline class="line {ink(number)}" points="{way}"><title>{escape(label)}</title></polyline>')
    return _svg(width, HIGH, "".join((*body, *words)))


def matrix(values: Numbers, ends: tuple[float, float]) -> str:
    """A matrix as a picture, from clear at the lower end to full at the upper; below zero in the other colour."""
    from PIL import Image

    low, high = ends
    zero = max(low, 0.0)
    span = max(high - zero, zero - low) or 1.0
    share = np.nan_to_num((values - zero) / span).clip(-1, 1)
    pixels = np.zeros((*values.shape, 4), dtype=np.uint8)
    pixels[..., :3] = np.where((share >= 0)[..., None], HUE, AGAINST)
    pixels[..., 3] = np.round(np.abs(share) * 255)
    made = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(made, "PNG")
    data = base64.b64encode(made.getvalue()).decode("ascii")
    return f'<img class="matrix" width="{MATRIX}" height="{MATRIX}" alt="" src="data:image/png;base64,{data}">'


def _rise(share: float) -> float:
    return HIGH - 10 - share * (HIGH - 40)


def _svg(width: float, height: float, body: str) -> str:
    return f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img">{body}</svg>'


def _ends(values: Sequence[Numbers], pad: float = 0.0) -> tuple[float, float]:
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    span = high - low or abs(high) or 1.0
    return low - pad * span, high + pad * span + (span if high == low else 0.0)


def _at(value: float, ends: tuple[float, float], across: bool) -> float:
    share = (value - ends[0]) / (ends[1] - ends[0])
    return LEFT + share * (WIDE - LEFT - RIGHT) if across else HIGH - BOTTOM - share * (HIGH - TOP - BOTTOM)


def _axes(x: tuple[float, float], y: tuple[float, float], across: str, log: bool = False) -> str:
    body = []
    for value in ticks(*y):
        at = _at(value, y, False)
        body.append(f'<line class="grid" x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        body.append(f'<text class="right" x="{LEFT - 6}" y="{at + 4:.1f}">{value:.6g}</text>')
    for value in ticks(*x):
        words = f"{10**value:.3g}" if log else f"{value:.6g}"
        body.append(f'<text class="middle" x="{_at(value, x, True):.1f}" y="{HIGH - BOTTOM + 16}">{words}</text>')
    body.append(f'<text class="middle name" x="{(LEFT + WIDE - RIGHT) / 2}" y="{HIGH - 3}">{escape(across)}</text>')
    return "".join(body)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, four to nine of them."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]
