"""The log of a run in sentences: what each event says to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import events
from kdstudio.quantities import seconds, size


@dataclass(frozen=True)
class Line:
    """One line of the log; `at` is unix time, `clock` seconds of running time."""

    at: float
    clock: float
    severity: events.Severity
    text: str


WHO = {"student": "Student", "teacher": "Teacher", "student_ema": "Student (averaged weights)"}


def titles(plan: Mapping[str, Any]) -> dict[str, str]:
    """What the terms of a run are called, by their names: as their methods call them, with the method where there are
    several."""
    declared = plan.get("terms", [])
    several = len({t["name"].rpartition(".")[0] for t in declared if "." in t["name"]}) > 1
    return {str(t["name"]): _titled(t, several) for t in declared}


def _titled(term: Mapping[str, Any], several: bool) -> str:
    method, _, _ = term["name"].rpartition(".")
    title = str(term.get("title") or term["name"]).replace("_", " ")
    return f"{method} · {title}" if method and several else title


def line(event: events.Event, terms: Mapping[str, str]) -> Line | None:
    """The line an event adds to the log of a run whose terms are called so; None for what plots show better."""
    said = _said(event, terms)
    return Line(event.at, event.clock, said[0], said[1]) if said else None


def _said(event: events.Event, terms: Mapping[str, str]) -> tuple[events.Severity, str] | None:
    match event:
        case events.RunStarted(run=run, seed=seed):
            return "info", f"Run {run} started, seed {seed}."
        case events.RunResumed(stage=""):
            return "info", "Begun anew: nothing had been kept yet."
        case events.RunResumed(stage=stage, step=step, epoch=epoch):
            return "info", f"Resumed in stage {stage} after epoch {epoch}, step {step:,}."
        case events.StageStarted(title=title, stage=stage):
            return "info", f"{_capital(title or stage)} began."
        case events.StageEnded():
            return "info", _ledger(event)
        case events.Evaluated(who=who, split=split, epoch=epoch, top1=top1):
            when = f" after epoch {epoch}" if epoch else ""  # a teacher is measured before the first
            return "info", f"{WHO.get(who, who)} on {split} images{when}: {top1:.2f} %."
        case events.Finding(severity=severity, sentence=sentence):
            return severity, sentence
        case events.Saved(kind=kind, path=path):
            return "info", f"{_capital(kind)} saved as {path}."
        case events.Note(text=text, severity=severity):
            return severity, text
        case events.WeightMoved(term=term, before=before, after=after):
            moved = f"The weight of {terms.get(term, term)} was moved from {before:g} to {after:g}."
            return "warning", f"{moved} The run is left out of paired comparison."
        case events.Paused():
            return "info", "Paused."
        case events.Unpaused():
            return "info", "Going on."
        case events.Refused(problems=problems):
            return "error", "Refused: " + "; ".join(p.get("sentence", "") for p in problems)
        case events.RunEnded(outcome=outcome, sentence=sentence):
            return "error" if outcome == "failed" else "info", sentence or f"The run is {outcome}."
        case events.GroupEnded(runs=runs):
            return "info", f"All {len(runs)} repeats are over."
    return None


def _ledger(event: events.StageEnded) -> str:
    parts = [seconds(event.seconds), *([f"{event.images:,} images"] if event.images else [])]
    if event.peak_memory:
        parts.append(f"{size(event.peak_memory)} at most")
    if event.joules is not None:
        parts.append(f"{event.joules:,.0f} J")
    return f"{_capital(event.stage)} is over: {', '.join(parts)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def amount(event: events.Progressed) -> str:
    """How far something has come, for people: `cifar100.tar.gz: 34.1 MB of 169.0 MB`."""
    said = size if event.unit == "bytes" else lambda count: f"{count:,} {event.unit}"
    return f"{event.what}: {said(event.done)}" + (f" of {said(event.total)}" if event.total else "")
