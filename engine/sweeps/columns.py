"""The columns of a sweep's table, in words for a person and in numbers for a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.cards import Catalogue
from engine.paired import Difference, Spread
from engine.sweeps import contents
from engine.sweeps.table import CHOSEN, LAST, MEMORY, TIME, Row

MB = 1e6
DASH = "–"

TITLES = {
    LAST: "top-1, last epoch",
    CHOSEN: "top-1, chosen epoch",
    TIME: "seconds an epoch",
    MEMORY: "memory of distilling",
}
UNITS = {LAST: "%", CHOSEN: "%", TIME: "s", MEMORY: "MB"}


@dataclass(frozen=True)
class Column:
    """One column: its title and what it says of a row."""

    title: str
    text: Callable[[Row], str]


def in_words(rows: Sequence[Row], show: Sequence[str], catalogue: Catalogue) -> tuple[list[str], list[list[str]]]:
    """Titles and lines of the table; columns of which no row has anything are left out."""
    complete = all(len(row.runs) == len(row.entry.seeds) for row in rows)
    columns = [
        Column("entry", lambda row: row.entry.title + (" (baseline)" if row.is_baseline else "")),
        Column("runs", lambda row: DASH if complete else f"{len(row.runs)} of {len(row.entry.seeds)}"),
        Column("last epoch", lambda row: spread(row.spread(LAST), ".2f")),
        Column("chosen epoch", lambda row: spread(row.spread(CHOSEN), ".2f")),
        Column("to baseline", lambda row: difference(row.gain(LAST))),
        Column("time", lambda row: _ratio(row)),
        Column("memory", lambda row: _extra(row)),
        Column("parameters", lambda row: _whole(row.median("parameters"))),
        *(Column(title_of(n, catalogue), _spread_of(n)) for n in show if n not in (TIME, MEMORY)),
    ]
    texts = [[column.text(row) for column in columns] for row in rows]
    kept = [n for n in range(len(columns)) if n == 0 or any(line[n] != DASH for line in texts)]
    return [columns[n].title for n in kept], [[line[n] for n in kept] for line in texts]


def _spread_of(name: str) -> Callable[[Row], str]:
    return lambda row: _short(row.spread(name))


def _short(found: Spread | None) -> str:
    """As `spread`, in three digits; large numbers whole."""
    return spread(found, ",.0f" if found is not None and abs(found.mean) >= 1000 else ".3g")


def title_of(name: str, catalogue: Catalogue) -> str:
    """What a number that is shown is called: by its own title, by that of a method's watch, or by its name."""
    if name in TITLES:
        return TITLES[name]
    method, _, watch = name.partition(".")
    watches = catalogue.methods[method].watches if method in catalogue.methods else ()
    return next((w.title or w.name.replace("_", " ") for w in watches if w.name == watch), name.replace("_", " "))


def spread(found: Spread | None, form: str) -> str:
    """`89.58 ± 0.28`; without a deviation where there is one value."""
    if found is None:
        return DASH
    return format(found.mean, form) + (f" ± {found.deviation:{form}}" if found.deviation is not None else "")


def difference(found: Difference | None) -> str:
    """`+0.12 [-0.30, +0.54]`; without an interval for a single pair."""
    if found is None:
        return DASH
    if found.half is None:
        return f"{found.mean:+.2f}"
    return f"{found.mean:+.2f} [{found.mean - found.half:+.2f}, {found.mean + found.half:+.2f}]"


def _ratio(row: Row) -> str:
    found = row.ratio(TIME)
    return DASH if found is None else f"×{found:.2f}"


def _extra(row: Row) -> str:
    found = row.extra(MEMORY)
    return DASH if found is None else f"{found / MB:+.0f} MB"


def _whole(value: float | None) -> str:
    return DASH if value is None else f"{value:,.0f}"


def in_numbers(rows: Sequence[Row], show: Sequence[str], catalogue: Catalogue) -> list[dict[str, Any]]:
    """One mapping a row, for CSV: every number in full, every varied setting in a column of its own."""
    varied = list(dict.fromkeys(path for row in rows for path in row.entry.varied))
    first = next((row for row in rows if row.is_baseline), rows[0])
    return [_numbers(row, varied, show, differs(first, row, catalogue)) for row in rows]


def _numbers(row: Row, varied: Sequence[str], show: Sequence[str], differs: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "entry": row.entry.title, "baseline": row.is_baseline, "runs": len(row.runs), "planned": len(row.entry.seeds),
        "seeds": " ".join(str(run.seed) for run in row.runs),
    }  # fmt: skip
    found |= {path: row.entry.varied.get(path) for path in varied}
    for name in (LAST, CHOSEN, "top1_highest", *(n for n in show if n not in (TIME, MEMORY))):
        made = row.spread(name)
        found |= {f"{name}_mean": made and made.mean, f"{name}_deviation": made and made.deviation}
    for name in (LAST, CHOSEN):
        gain = row.gain(name)
        found |= {
            f"{name}_gain": gain and gain.mean,
            f"{name}_gain_half_95": gain and gain.half,
            f"{name}_pairs": gain and gain.pairs,
        }
    found |= {
        "seconds_per_epoch": row.median(TIME), "time_relative": row.ratio(TIME), "memory_bytes": row.median(MEMORY),
        "memory_extra_bytes": row.extra(MEMORY),
    }  # fmt: skip
    for name in ("seconds", "parameters", "multiply_adds", "bytes"):
        found[name] = row.median(name)
    return found | {"differs": differs}


def differs(first: Row, row: Row, catalogue: Catalogue) -> str:
    """The settings in which an entry differs from the first, as `training.epochs 3 -> 5; methods.kd.weight 0.9`."""
    found = contents.differences(first.entry.resolved.experiment, row.entry.resolved.experiment, catalogue)
    return "; ".join(contents.change(path, *pair) for path, pair in found.items())
