"""The terminal: `kdstudio COMMAND`. Each module holds a few commands; here they get their names."""

from __future__ import annotations

import typer

from engine.cli import compare, dataset, machine, measure, predict, running, showing
from engine.cli.machine import BROUGHT
from engine.importing.terminal import import_

__all__ = ["BROUGHT", "cli"]

cli = typer.Typer(
    name="kdstudio",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compression experiments in the terminal. Without a command the window opens.",
)
COMMANDS = (
    ("train", running.train), ("sweep", running.sweep), ("evaluate", showing.evaluate), ("predict", predict.predict),
    ("list", showing.list_), ("show", showing.show), ("export", showing.export), ("compare", compare.compare),
    ("latency", compare.latency), ("probe", measure.probe), ("recognize", measure.recognize), ("dataset", dataset.dataset),
    ("import", import_), ("bench", machine.bench), ("doctor", machine.doctor), ("catalog", machine.catalog),
)  # fmt: skip
"""Name in the terminal, in the order of the help, and what it does."""
for _name, _command in COMMANDS:
    cli.command(_name)(_command)
