"""Plots of a sweep as PNG: each number by entry, and over every setting that was given several numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.cards import Catalogue
from engine.sweeps import columns, contents
from engine.sweeps.declared import Range, Sweep
from engine.sweeps.table import LAST, MEMORY, Row

DOTS = 144
"""Pixels an inch."""
MARKERS = "osD^vPX*"
GREY = "0.45"
PALEST = 0.85
"""How far along the palette lines go: its end is too pale on white."""
TICKS = 9
"""So many values each get a tick of their own."""


def draw(sweep: Sweep, rows: Sequence[Row], folder: Path, catalogue: Catalogue) -> list[Path]:
    """Draw accuracy and whatever `show` names; the files, those that show something."""
    made: list[Path] = []
    for name in dict.fromkeys((LAST, *sweep.tried.show)):
        known = [row for row in rows if row.spread(name) is not None]
        if not known:
            continue
        made.append(_save(_by_entry(known, name, sweep, catalogue), folder / f"{_slug(name)}.png"))
        for path in _numeric(known):
            figure = _over(known, name, path, sweep, catalogue)
            made.append(_save(figure, folder / f"{_slug(name)}-over-{_slug(path)}.png"))
    return made


def _by_entry(rows: Sequence[Row], name: str, sweep: Sweep, catalogue: Catalogue) -> Figure:
    """A dot with its deviation for each entry, one below the other; the baseline's mean as a line."""
    figure = Figure(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for n, row in enumerate(rows):
        mean, deviation = _point(row, name)
        axes.errorbar(mean, n, xerr=deviation, fmt="o", color=GREY if row.is_baseline else _colour(0, 1), capsize=3)
        if row.is_baseline:
            axes.axvline(mean, color=GREY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), [row.entry.title for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(_axis(name, catalogue))
    axes.grid(axis="x", alpha=0.3)
    axes.set_title(sweep.title, loc="left", fontsize=11)
    return figure


def _over(rows: Sequence[Row], name: str, path: str, sweep: Sweep, catalogue: Catalogue) -> Figure:
    """Mean and deviation over the values of a setting, a line for each combination of the others; entries that have no number
    there are lines across."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    lines, across = dict[str, list[Row]](), list[Row]()
    for row in rows:
        if _number(row.entry.varied.get(path)):
            lines.setdefault(_others(row, path, catalogue), []).append(row)
        else:
            across.append(row)
    for n, (title, members) in enumerate(lines.items()):
        _line(axes, sorted(members, key=lambda row: row.entry.varied[path]), name, path, title, _colour(n, len(lines)), n)
    for n, row in enumerate(across):
        style = "--" if row.is_baseline else (0, (1, 1 + n))
        axes.axhline(_point(row, name)[0], color=GREY, linestyle=style, linewidth=1, label=row.entry.title)
    if _log(sweep, path, catalogue) and min(row.entry.varied[path] for line in lines.values() for row in line) > 0:
        axes.set_xscale("log")
    values = sorted({row.entry.varied[path] for line in lines.values() for row in line})
    if len(values) <= TICKS:
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
    axes.set_xlabel(contents.label(path, catalogue))
    axes.set_ylabel(_axis(name, catalogue))
    axes.grid(alpha=0.3)
    axes.set_title(sweep.title, loc="left", fontsize=11)
    if len(lines) > 1 or across:
        axes.legend(fontsize=8)
    return figure


def _line(axes: Axes, rows: Sequence[Row], name: str, path: str, title: str, colour: Any, n: int) -> None:
    points = [_point(row, name) for row in rows]
    axes.errorbar(
        [row.entry.varied[path] for row in rows], [mean for mean, _ in points], yerr=[deviation for _, deviation in points],
        marker=MARKERS[n % len(MARKERS)], color=colour, capsize=3, label=title or "as varied",
    )  # fmt: skip


def _point(row: Row, name: str) -> tuple[float, float]:
    """Mean and deviation as drawn; no deviation of a single run."""
    found = row.spread(name)
    assert found is not None
    scale = columns.MB if name == MEMORY else 1.0
    return found.mean / scale, (found.deviation or 0.0) / scale


def _numeric(rows: Sequence[Row]) -> list[str]:
    """The settings that have at least two numbers among the entries; of those that move together the first."""
    found = list[str]()
    for path in dict.fromkeys(path for row in rows for path in row.entry.varied):
        numbers = {row.entry.varied[path] for row in rows if _number(row.entry.varied.get(path))}
        if len(numbers) > 1:
            found.append(path)
    return found


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _others(row: Row, path: str, catalogue: Catalogue) -> str:
    """What an entry is apart from the value of one setting."""
    varied = {p: value for p, value in row.entry.varied.items() if p != path}
    said = contents.words(varied, row.entry.resolved.experiment, catalogue)
    return " · ".join(part for part in (row.entry.start, said) if part)


def _log(sweep: Sweep, path: str, catalogue: Catalogue) -> bool:
    """Whether a setting is drawn on a log axis: where its range says so, or where its form does."""
    axes = [axis for start in sweep.tried.starts() for axis in sweep.tried.axes(start)]
    ranges = [axis[path] for axis in axes if isinstance(axis.get(path), Range)]
    spec = contents.spec_of(path, catalogue)
    return any(r.scale == "log" for r in ranges if isinstance(r, Range)) or (spec is not None and spec.scale == "log")


def _axis(name: str, catalogue: Catalogue) -> str:
    unit = columns.UNITS.get(name, "")
    return columns.title_of(name, catalogue) + (f" ({unit})" if unit else "")


def _colour(n: int, count: int) -> Any:
    """The n-th of so many colours, told apart by whoever sees colours differently too."""
    return colormaps["cividis"](PALEST * n / max(1, count - 1))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _save(figure: Figure, path: Path) -> Path:
    figure.savefig(path, dpi=DOTS, format="png")
    return path
