"""Run folders and events made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from small_catalogue import CATALOGUE

from engine import presets
from engine.events import Evaluated, RunEnded, RunStarted, Step
from engine.runs import RunFolder


def make(home: Path, name: str, tree: dict[str, Any] | None = None) -> RunFolder:
    """A fresh run folder; KD on the digits unless a tree says otherwise."""
    said = {"methods": {"kd": {"weight": 2}}} if tree is None else tree
    resolved = presets.from_tree(said, "a test", catalogue=CATALOGUE)
    return RunFolder.create(home, resolved, name, catalogue=CATALOGUE)


def started(**more: Any) -> RunStarted:
    return RunStarted(**{"run": "a-run", "title": "A run", "folder": ".", "seed": 3, "group": "g", "at": 100.0} | more)


def step(number: int, loss: float = 1.0) -> Step:
    return Step(stage="distilling", step=number, steps=90, epoch=1, values={"loss": loss})


def ended(outcome: Any = "done", **results: Any) -> RunEnded:
    return RunEnded(outcome=outcome, sentence="The end.", results=results, clock=12.5)


def evaluated(top1: float, split: str = "test", who: str = "student", epoch: int = 1) -> Evaluated:
    where: dict[str, Any] = {"stage": "distilling", "step": 10 * epoch, "epoch": epoch}
    return Evaluated(who=who, split=split, top1=top1, top5=99.0, loss=0.1, images=9, clock=4.0, **where)
