"""A run in the terminal: a progress bar, its findings and notes as they come, and a closing table."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from engine.events import (
    Evaluated,
    Event,
    Finding,
    GroupEnded,
    Note,
    Progressed,
    Refused,
    RunEnded,
    RunStarted,
    StageStarted,
    Step,
    WeightMoved,
    to_line,
)

MARKS = {"info": "·", "warning": "!", "error": "x"}


def say_lines(event: Event) -> None:
    """`--json`: every event is a line of standard output."""
    sys.stdout.write(to_line(event) + "\n")
    sys.stdout.flush()


class Monitor:
    """A sink that draws. Use it as a context, so that the bar is put away before anything else is written."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None
        self._accuracy = ""

    def __enter__(self) -> Monitor:
        self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case RunStarted():
                self._say(f"[bold]{escape(event.title)}[/] · seed {event.seed} · {escape(event.folder)}")
            case StageStarted():
                self._stage(event)
            case Step() if self._task is not None:
                loss = event.values.get("loss", float("nan"))
                state = f"epoch {event.epoch} · loss {loss:.4f}{self._accuracy}"
                self._bar.update(self._task, completed=event.step, total=event.steps, state=state)
            case Progressed() if self._task is not None:
                self._bar.update(self._task, completed=event.done, total=event.total or None, state=_amount(event))
            case Evaluated():
                self._evaluated(event)
            case Finding():
                self._found(event)
            case Note():
                self._say(f"{MARKS[event.severity]} {escape(event.text)}")
            case WeightMoved():
                self._say(f"! weight of {escape(event.term)} moved from {event.before:g} to {event.after:g}")
            case Refused():
                for problem in event.problems:
                    self._say(f"[red]{problem['path']}: {escape(problem['sentence'])}[/]")
            case RunEnded():
                self._ended(event)
            case GroupEnded():
                self.console.print(group_table(event))

    def _say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, soft_wrap=True)

    def _found(self, event: Finding) -> None:
        self._say(f"[yellow]{MARKS[event.severity]} {escape(event.sentence)}[/]")
        if event.fix:
            fix = " ".join(f"--set {shlex.quote(f'{k}={v}')}" for k, v in event.fix.items())
            self._say(escape(f"  mend with: {fix}"))

    def _stage(self, event: StageStarted) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(event.title, total=None, state="")

    def _evaluated(self, event: Evaluated) -> None:
        if event.who == "teacher":
            self._say(f"· teacher: {event.top1:.2f} % top-1 on {event.split} images")
        else:
            self._accuracy = f" · {event.split} {event.top1:.2f} %"

    def _ended(self, event: RunEnded) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._accuracy = ""
        colour = {"done": "green", "stopped": "yellow", "failed": "red"}[event.outcome]
        self._say(f"[{colour}]{escape(event.sentence)}[/]")
        if event.results:
            self.console.print(results_table(event.results))


def _amount(event: Progressed) -> str:
    """How far something without steps has come, bytes in millions."""
    if event.unit != "bytes":
        return f"{escape(event.what)}: {event.done:,} {event.unit}"
    return f"{escape(event.what)}: {event.done / 1e6:.1f}" + (f" of {event.total / 1e6:.1f}" if event.total else "") + " MB"


ROWS: tuple[tuple[str, str, str], ...] = (
    ("top1", "top-1, exported student", "{:.2f} %"),
    ("top1_last", "top-1, last epoch", "{:.2f} %"),
    ("top1_highest", "highest top-1 of any epoch (chosen on these very images)", "{:.2f} %"),
    ("best_epoch", "epoch exported", "{}"),
    ("selection", "chosen", "{}"),
    ("agreement", "agreement with the teacher", "{:.2f} %"),
    ("parameters", "parameters", "{:,}"),
    ("multiply_adds", "multiply-adds an image", "{:,}"),
    ("parameters_bare", "parameters without the layers put into it", "{:,}"),
    ("multiply_adds_bare", "multiply-adds without them", "{:,}"),
    ("milliseconds", "milliseconds for 64 images", "{:.2f}"),
    ("milliseconds_bare", "milliseconds without the layers put into it", "{:.2f}"),
    ("bytes", "bytes of the student, packed where it is quantized", "{:,}"),
    ("compression", "times smaller than in float32", "{:.2f}"),
    ("seconds", "seconds in all", "{:.1f}"),
    ("seconds_teacher", "seconds training the teacher", "{:.1f}"),
    ("seconds_preparing", "seconds preparing the methods", "{:.1f}"),
    ("seconds_distilling", "seconds distilling", "{:.1f}"),
    ("joules", "joules", "{:.0f}"),
)


def results_table(results: dict[str, Any]) -> Table:
    """The closing table of a run."""
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, title, form in ROWS:
        if results.get(name) is not None:
            table.add_row(title, form.format(results[name]))
    return table


def group_table(event: GroupEnded) -> Table:
    """Mean ± standard deviation over the seeds of a group."""
    many = len(event.runs) > 1
    title = f"{len(event.runs)} runs · mean ± standard deviation" if many else "1 finished run"
    table = Table(title=title, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, title, _ in ROWS:
        if name in event.means:
            spread = f" ± {event.deviations[name]:.2f}" if many else ""
            table.add_row(title, f"{event.means[name]:.2f}{spread}")
    return table
