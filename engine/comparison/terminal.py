"""Comparing in the terminal: the results as a table, and the report in whatever forms are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.comparison import page, text
from engine.comparison.comparison import Comparison


def show(found: Comparison, console: Console) -> None:
    """Print results, what differs, and what a reader must know."""
    heads, lines = text.results(found)
    console.print(_table(found.title, heads, lines))
    if found.differing:
        console.print(_table("What differs", *text.settings(found)))
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


def _table(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    made = Table(title=title, title_justify="left", title_style="bold")
    for n, head in enumerate(heads):
        made.add_column(head, justify="left" if n == 0 else "right", overflow="fold")
    for line in lines:
        made.add_row(*line)
    return made
