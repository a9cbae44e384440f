"""A comparison as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np

from engine.comparison import curves, drawing, matrices, metrics
from engine.comparison.comparison import Comparison
from engine.comparison.curves import Over
from engine.comparison.sides import CompareError
from engine.runs import Column
from engine.shipped import place
from engine.whole import write_whole

PLOTS = 16
"""So many plots of curves; the numbers of all are in the CSV."""
LOG = 20.0
"""Costs this many times as far apart stand on a logarithmic axis."""


def write(found: Comparison, path: Path) -> None:
    """Write the page. Raises OSError where the file cannot be written."""
    write_whole(path, page(found).encode("utf-8"))


def page(found: Comparison) -> str:
    """The whole page."""
    style = (place("assets") / "report" / "report.css").read_text(encoding="utf-8")
    parts = [
        f"<h1>{escape(found.title)}</h1>", _runs(found), _results(found), _trade_off(found), _curves(found), _settings(found),
        _sweep(found), _matrices(found),
    ]  # fmt: skip
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(found.title)}</title><style>\n{style}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body></html>\n"
    )


def _swatch(number: int) -> str:
    stroke = f'<line class="line {drawing.ink(number)}" x1="1" x2="25" y1="5" y2="5"/>'
    return f'<svg class="swatch" width="26" height="10">{stroke}</svg>'


def _runs(found: Comparison) -> str:
    items = []
    for side in found.sides:
        tags: list[str] = [side.state] if side.state != "done" else []
        tags += ["baseline"] if side is found.baseline else []
        tags += ["weights moved by hand"] if side.moved else []
        words = "".join(f' <span class="tag">{escape(tag)}</span>' for tag in tags)
        number = found.numbers[side.name]
        items.append(f"<li>{_swatch(number)} {escape(found.label(side))}{words} <code>{escape(side.name)}</code></li>")
    return f'<ul class="runs">{"".join(items)}</ul>'


def _results(found: Comparison) -> str:
    heads = "".join(f'<th title="{escape(m.help)}">{escape(m.heading())}</th>' for m in found.metrics)
    lines = []
    for contender in found.contenders:
        cells = []
        for metric in found.metrics:
            cell = found.cell(contender, metric)
            gain = f'<br><span class="gain {cell.verdict}">{escape(cell.difference)}</span>' if metric.paired else ""
            cells.append(f"<td>{escape(cell.value)}{gain if contender is not found.against else ''}</td>")
        seeds = sum(side.counts for side in contender.sides)
        name = escape(found.name(contender)) + (' <span class="tag">baseline</span>' if contender is found.against else "")
        lines.append(f"<tr><th>{name}</th><td>{seeds}</td>{''.join(cells)}</tr>")
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in found.remarks)
    return (
        f"<h2>Results</h2><div class='wide'><table><tr><th>experiment</th><th>seeds</th>{heads}</tr>{''.join(lines)}</table>"
        "</div>"
        f"<p class='note'>{escape(found.meaning())}</p>" + (f"<ul class='note'>{remarks}</ul>" if remarks else "")
    )


def _trade_off(found: Comparison) -> str:
    numbers = [found.numbers[contender.sides[0].name] for contender in found.contenders]
    figures = []
    for cost in metrics.COSTS:
        points, metric = found.points(cost, "top1"), metrics.NAMES[cost]
        if len({point.cost for point in points}) < 2:
            continue
        paid = [point.cost for point in points]
        log = min(paid) > 0 and max(paid) / min(paid) > LOG
        picture = drawing.scatter(points, numbers, metric.heading(), log, metric.scale)
        figures.append(_figure(f"top-1 against {metric.title}", picture))
    words = "<p class='note'>Filled dots and the line: no other experiment has more for less.</p>"
    return f"<h2>Accuracy and cost</h2>{words}<div class='plots'>{''.join(figures)}</div>" if figures else ""


def _curves(found: Comparison) -> str:
    shown = [o for o in found.overlays if not o.key.partition("/")[2].startswith(curves.QUIET)][:PLOTS]
    keys = [overlay.key for overlay in shown]
    held = [curves.read(side, keys) for side in found.sides]
    figures = []
    for overlay in shown:
        if sum(len(columns[overlay.key].values) > 1 for columns in held if overlay.key in columns) < 1:
            continue
        over = _over(columns[overlay.key] for columns in held if overlay.key in columns)
        lines = [
            drawing.Line(found.numbers[s.name], found.label(s), curves.positions(c[overlay.key], over), c[overlay.key].values)
            for s, c in zip(found.sides, held)
            if overlay.key in c
        ]
        unit = f" <span class='unit'>{escape(overlay.unit)}</span>" if overlay.unit else ""
        figures.append(_figure(escape(overlay.title) + unit, drawing.curves(lines, over), raw=True))
    return f"<h2>Curves</h2><div class='plots'>{''.join(figures)}</div>" if figures else ""


def _over(columns: Iterator[Column]) -> Over:
    """Epochs where every run says how long one is."""
    return "epoch" if all(column.per_epoch for column in columns) else "step"


def _settings(found: Comparison) -> str:
    def table(differing: bool) -> str:
        lines = []
        for setting in found.differing if differing else found.settings:
            cells = "".join(f"<td>{escape(setting.words(n))}</td>" for n in range(len(found.sides)))
            mark = " class='differs'" if setting.differs and not differing else ""
            lines.append(f"<tr{mark}><th><code>{escape(setting.path)}</code></th>{cells}</tr>")
        heads = "".join(f"<th>{_swatch(found.numbers[s.name])} {escape(found.label(s))}</th>" for s in found.sides)
        return f"<div class='wide'><table><tr><th>setting</th>{heads}</tr>{''.join(lines)}</table></div>"

    only = table(True) if found.differing else "<p>All settings are the same.</p>"
    every = f"<details><summary>All {len(found.settings)} settings</summary>{table(False)}</details>"
    return f"<h2>Settings that differ</h2>{only}{every}"


def _sweep(found: Comparison) -> str:
    ranked = found.importance("top1")
    if not ranked:
        return ""
    axes = found.axes(metrics.NAMES["top1"])
    numbers, labels = [found.numbers[s.name] for s in found.sides], [found.label(s) for s in found.sides]
    lines = "".join(
        f"<tr><th>{escape(one.label)}</th><td><span class='bar' style='width:{120 * one.share:.0f}px'></span> "
        f"{100 * one.share:.0f} %</td><td>{'' if one.trend is None else f'{one.trend:+.2f}'}</td></tr>"
        for one in ranked
    )
    words = (
        f"Of the variance of top-1 between these {ranked[0].runs} runs, what each setting explains alone (ε²), and Spearman's "
        "rank correlation. Settings that were changed together share the credit."
    )
    table = f"<table><tr><th>setting</th><th>explains</th><th>correlation</th></tr>{lines}</table>"
    picture = drawing.parallel(axes, numbers, labels)
    return f"<h2>What was varied</h2><div class='wide'>{picture}</div>{table}<p class='note'>{words}</p>"


def _matrices(found: Comparison) -> str:
    sections = []
    for kind in matrices.kinds(found.sides):
        figures = list(_pictures(found, kind))
        if len(figures) > 1:
            sections.append(f"<h3>{escape(kind.title)}</h3><div class='plots'>{''.join(figures)}</div>")
    return f"<h2>Matrices</h2>{''.join(sections)}" if sections else ""


def _pictures(found: Comparison, kind: matrices.Kind) -> Iterator[str]:
    """The last record of every run on one scale, and how it differs from the baseline's."""
    held = [(side, m) for side in found.sides if (m := matrices.matrix(side, kind)) is not None]
    if not held:
        return
    own = next((m for side, m in held if side is found.baseline), None)
    ends = _ends([m.values for _, m in held])
    for side, m in held:
        picture = drawing.matrix(m.values, ends)
        if own is not None and side is not found.baseline:
            try:
                change = matrices.difference(m, own)
            except CompareError as error:
                picture += f"<p class='note'>{escape(str(error))}</p>"
            else:
                most = float(np.nanmax(np.abs(change.values), initial=0.0))
                picture += drawing.matrix(change.values, (-most, most))
                picture += f"<p class='note'>right: less the baseline's, up to ±{most:.3g}</p>"
        yield _figure(f"{_swatch(found.numbers[side.name])} {escape(found.label(side))}", picture, raw=True)


def _ends(values: Sequence[matrices.Numbers]) -> tuple[float, float]:
    """What the colours stretch over: all runs, square matrices without their diagonals, which would dwarf the rest."""
    seen = [v[~np.eye(len(v), dtype=bool)] if v.shape[0] == v.shape[1] > 1 else v.ravel() for v in values]
    together = np.concatenate(seen)
    together = together[np.isfinite(together)]
    return (float(together.min()), float(together.max())) if together.size else (0.0, 1.0)


def _figure(title: str, picture: str, *, raw: bool = False) -> str:
    return f"<figure><figcaption>{title if raw else escape(title)}</figcaption>{picture}</figure>" if picture else ""
