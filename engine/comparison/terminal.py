"""Comparing in the terminal: the results as a table, and the report in whatever forms are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from engine.comparison import page, text
from engine.comparison.comparison import Comparison

WIDEST, UNBOUND = 28, 10_000
"""Characters of a column, at which longer values are folded, and more than any table has."""


def show(found: Comparison, console: Console) -> None:
    """Print results, what differs, and what a reader must know. Experiments and runs are numbered, and stand in columns."""
    heads, lines = text.results(found)
    _number(console, [line[0] for line in lines])
    _print(console, "Results", len(lines), [[head, *(line[n] for line in lines)] for n, head in enumerate(heads)][1:])
    if found.differing:
        _number(console, [side.name for side in found.sides])
        _print(console, "What differs", len(found.sides), text.settings(found)[1])
    for remark in found.remarks:
        console.print(remark, highlight=False)


def write(found: Comparison, html: Path | None, markdown: Path | None, csv: Path | None) -> list[Path]:
    """Write the report in the forms that are asked for; the files. Raises OSError where one cannot be written."""
    made: list[Path] = []
    forms: list[tuple[Path | None, Callable[[Comparison, Path], None]]] = [(html, page.write), (markdown, text.write_markdown)]
    for path, form in forms:
        if path is not None:
            form(found, path)
            made.append(path)
    return made if csv is None else [*made, *text.write_csv(found, csv)]


def _number(console: Console, names: Sequence[str]) -> None:
    for number, name in enumerate(names, 1):
        console.print(f"{number:>3}  {name}", highlight=False, soft_wrap=True)


def _print(console: Console, title: str, columns: int, lines: Sequence[Sequence[str]]) -> None:
    """A table as wide as it is, whatever the terminal: broken words and figures cannot be read, and a pager scrolls."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for n in range(columns + 1):
        made.add_column(str(n or ""), justify="right" if n else "left", overflow="fold", max_width=WIDEST)
    for line in lines:
        made.add_row(*line)
    needed = Measurement.get(console, console.options.update(max_width=UNBOUND), made).maximum
    Console(file=console.file, width=max(console.width, needed)).print(made)
