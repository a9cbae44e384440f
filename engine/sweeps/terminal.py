"""A sweep in the terminal: what it will run, each run as it goes, and the table at its end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from engine import extras
from engine.control import Control
from engine.events import EntryEnded, Event, RunEnded, SweepEnded, SweepProgressed, SweepStarted
from engine.monitor import Monitor, say_lines
from engine.sweeps import columns, report
from engine.sweeps.declared import Sweep
from engine.sweeps.entries import Entry
from engine.sweeps.estimate import in_words
from engine.sweeps.state import Progress, folder_of
from engine.sweeps.table import CHOSEN, LAST, baseline_of, rows

CODES = {"done": 0, "failed": 1, "stopped": 3}
REFUSED = 2


def drive(sweep: Sweep, entries: Sequence[Entry], home: Path, keep_going: bool, as_json: bool) -> int:
    """Run a sweep with Ctrl-C as the stop that leaves a checkpoint; the exit code."""
    from engine import session
    from engine.sweeps import running

    control, console = Control(), Console()
    before = signal.signal(signal.SIGINT, lambda *_: control.stop())

    def go(sink: Callable[[Event], None]) -> str:
        return running.run(sweep, entries, sink, control, home=home, keep_going=keep_going)

    try:
        if as_json:
            return CODES[go(say_lines)]
        with Monitor(console) as monitor:
            outcome = go(Teller(monitor))
    except session.RefusedError:
        return REFUSED
    finally:
        signal.signal(signal.SIGINT, before)
    say_table(sweep, entries, home)
    return CODES[outcome]


def announce(sweep: Sweep, entries: Sequence[Entry]) -> None:
    """Say every entry and how many runs there are, without running any."""
    typer.echo(f"{sweep.title}: {len(entries)} entries, {sum(len(e.seeds) for e in entries)} runs")
    for entry in entries:
        mark = " (baseline)" if entry is baseline_of(sweep, entries) else ""
        typer.echo(f"  {entry.title}{mark}{f', from the students of {entry.after}' if entry.after else ''}")


def remade(sweep: Sweep, entries: Sequence[Entry], home: Path) -> int:
    """Make the report anew from the runs that are done; the exit code."""
    files = report.write(sweep, rows(sweep, entries, Progress(home, sweep.stem)), folder_of(home, sweep.stem))
    if not files:
        sentence = f"no run of {sweep.name} with these settings is done under {home}"
        typer.echo(f"{sentence}; run `kdstudio sweep {sweep.name}`", err=True)
        return REFUSED
    say_table(sweep, entries, home)
    for path in files:
        typer.echo(path)
    return 0


def say_table(sweep: Sweep, entries: Sequence[Entry], home: Path) -> None:
    """Say the table of what is done: one entry a line whatever the terminal's width, so that nothing is cut."""
    found = rows(sweep, entries, Progress(home, sweep.stem))
    if not any(row.runs for row in found):
        return
    titles, lines = columns.in_words(found, sweep.tried.show, extras.catalogue())
    widths = [max(map(len, cells)) for cells in zip(titles, *lines)]
    typer.echo("")
    for line in (titles, *lines):
        cells = (cell.rjust(width) if n else cell.ljust(width) for n, (cell, width) in enumerate(zip(line, widths)))
        typer.echo("  ".join(cells).rstrip())
    typer.echo(f"\n{report.meaning(found)}\n")


class Teller:
    """A sink that says the sweep's own events and leaves those of its runs to their monitor."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case SweepStarted():
                done = f", {event.done} of them done" if event.done else ""
                self._say(f"[bold]{escape(event.title)}[/] · {len(event.entries)} entries, {event.runs} runs{done}")
            case SweepProgressed():
                left = f" · about {in_words(event.seconds_left)} left" if event.seconds_left is not None else ""
                where = f"run {event.done + 1} of {event.runs} · entry {event.number} of {event.entries}"
                self._say(f"[bold]{where}: {escape(event.entry)}[/]{left}")
            case EntryEnded():
                self._say(_ended(event))
            case SweepEnded():
                self._say(escape(f"{event.sentence} {event.folder}: {', '.join(event.files) or 'no report yet'}"))
            case RunEnded():
                self._monitor(replace(event, results={}))  # the sweep's table has them all, side by side
            case _:
                self._monitor(event)

    def _say(self, text: str) -> None:
        self._monitor.console.print(text, highlight=False, soft_wrap=True)


def _ended(event: EntryEnded) -> str:
    found = [
        f"{title} {event.means[name]:.2f}" + (f" ± {event.deviations[name]:.2f}" if name in event.deviations else "")
        for name, title in ((LAST, "last epoch"), (CHOSEN, "chosen epoch"))
        if name in event.means
    ]
    colour = {"done": "green", "stopped": "yellow"}.get(event.outcome, "red")
    said = "; ".join(part for part in (", ".join(found), event.sentence) if part)
    return f"[{colour}]{escape(f'{event.entry}: {event.outcome}')}[/] · {escape(said)}"
