"""A comparison as Markdown, and as tables for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.comparison import curves, metrics
from engine.comparison.comparison import Comparison
from engine.whole import write_whole


def results(found: Comparison) -> tuple[list[str], list[list[str]]]:
    """Heads and lines of the results: a line each contender, a paired metric with its difference in a column of its own."""
    heads = ["experiment", "seeds"]
    for metric in found.metrics:
        heads += [metric.heading(), "to baseline"] if metric.paired else [metric.heading()]
    lines = []
    for contender in found.contenders:
        seeds = ", ".join(str(side.seed) for side in contender.sides if side.counts) or metrics.DASH
        line = [found.name(contender) + (" (baseline)" if contender is found.against else ""), seeds]
        for metric in found.metrics:
            cell = found.cell(contender, metric)
            line += [cell.value, cell.difference] if metric.paired else [cell.value]
        lines.append(line)
    return heads, lines


def settings(found: Comparison) -> tuple[list[str], list[list[str]]]:
    """Heads and lines of the settings that differ: a line each setting, a column each run."""
    heads = ["setting", *(side.name for side in found.sides)]
    return heads, [[s.path, *(s.words(n) for n in range(len(found.sides)))] for s in found.differing]


def markdown(found: Comparison) -> str:
    """The whole comparison as text."""
    parts = [f"# {found.title}", "", *table(*results(found), numbers=True), "", found.meaning(), ""]
    if found.remarks:
        parts += [*(f"* {remark}" for remark in found.remarks), ""]
    parts += ["## What differs", "", *(table(*settings(found)) if found.differing else ["Nothing."]), ""]
    for gain in metrics.ACCURACY[:1]:
        parts += _fronts(found, gain)
    parts += _importance(found)
    parts += ["## Runs", "", *table(["run", "title", "seed", "state"], [
        [side.name, side.title, str(side.seed), side.state] for side in found.sides]), ""]  # fmt: skip
    return "\n".join(parts)


def _fronts(found: Comparison, gain: str) -> list[str]:
    lines = []
    for cost in metrics.COSTS:
        best = [point for point in found.points(cost, gain) if point.best]
        if best:
            metric = metrics.NAMES[cost]
            words = ", ".join(f"{p.title} ({metric.words(p.cost)} {metric.unit}".rstrip() + f": {p.gain:.2f} %)" for p in best)
            lines.append(f"* {metric.title}: {words}")
    return ["## Pareto front of top-1", "", *lines, ""] if lines else []


def _importance(found: Comparison) -> list[str]:
    ranked = found.importance("top1")
    if not ranked:
        return []
    lines = [[one.path, f"{100 * one.share:.0f} %", "" if one.trend is None else f"{one.trend:+.2f}"] for one in ranked]
    return ["## Which settings explain top-1", "", *table(["setting", "variance explained", "rank correlation"], lines), ""]


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], *, numbers: bool = False) -> list[str]:
    """A table of Markdown; `numbers` sets all columns but the first to the right."""
    rule = "---:" if numbers else "---"
    return [_line(heads), "|---|" + f"{rule}|" * (len(heads) - 1), *(_line(line) for line in lines)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def runs_table(found: Comparison) -> list[dict[str, Any]]:
    """A row each run: who it is, its results in full, the settings that differ, and its curves in numbers."""
    wanted = [o.key for o in found.overlays if not o.key.partition("/")[2].startswith(curves.QUIET)]
    return [_row(found, n, wanted) for n in range(len(found.sides))]


def _row(found: Comparison, n: int, keys: Sequence[str]) -> dict[str, Any]:
    side = found.sides[n]
    row: dict[str, Any] = {
        "run": side.name, "title": side.title, "seed": side.seed, "state": side.state, "baseline": side is found.baseline,
        "counts": side.counts, "moved": " ".join(side.moved),
    }  # fmt: skip
    row |= {metric.name: side.value(metric.name) for metric in found.metrics}
    row |= {s.path: s.words(n) for s in found.differing if s.path != "run.seed"}
    held = curves.read(side, keys)
    for key in keys:
        made = curves.summary(held[key]) if key in held else None
        row |= {
            f"{key} last": made and made.last, f"{key} least": made and made.least, f"{key} least at": made and made.least_at,
            f"{key} most": made and made.most, f"{key} most at": made and made.most_at,
        }  # fmt: skip
    return row


def means_table(found: Comparison) -> list[dict[str, Any]]:
    """A row each contender: mean, deviation, paired gain, half of its 95 % interval and the pairs, in full."""
    rows = []
    for contender in found.contenders:
        row: dict[str, Any] = {"experiment": contender.title, "baseline": contender is found.against}
        for metric in found.metrics:
            made, gain = contender.spread(metric.name), contender.gain(metric.name, found.against)
            row |= {f"{metric.name}_mean": made and made.mean, f"{metric.name}_deviation": made and made.deviation,
                    f"{metric.name}_count": made.count if made else 0}  # fmt: skip
            if metric.paired:
                row |= {f"{metric.name}_gain": gain and gain.mean, f"{metric.name}_gain_half_95": gain and gain.half,
                        f"{metric.name}_pairs": gain and gain.pairs}  # fmt: skip
        rows.append(row)
    return rows


def write_markdown(found: Comparison, path: Path) -> None:
    """Write the text. Raises OSError where the file cannot be written."""
    write_whole(path, markdown(found).encode("utf-8"))


def write_csv(found: Comparison, path: Path) -> list[Path]:
    """Write a row each run to `path`, and a row each contender beside it, as `<name>-means.csv`; the files."""
    means = path.with_name(f"{path.stem}-means{path.suffix or '.csv'}")
    for file, rows in ((path, runs_table(found)), (means, means_table(found))):
        write_whole(file, _csv(rows).encode("utf-8"))
    return [path, means]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    made = io.StringIO()
    writer = csv.DictWriter(made, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()
