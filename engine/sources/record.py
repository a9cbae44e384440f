"""What is brought from elsewhere and what is known of it: a net, its record, and the errand on which it was fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from engine.experiment import NetSettings, TeacherSettings
from engine.nets.net import Net
from engine.normalization import Constants

Settings = NetSettings | TeacherSettings
Tell = Callable[[str, int, int, str], None]
"""Takes progress: of what, done, total, unit."""


class SourceError(ValueError):
    """A net that cannot be had; the sentence says which setting, why, and what to do."""


@dataclass(frozen=True)
class Record:
    """What is known of weights beside the weights: whose they are, the names of the classes in the order of the outputs,
    the accuracy somebody measured (percent), the normalization they were trained with. Empty or None: not recorded."""

    name: str
    classes: tuple[str, ...] = ()
    top1: float | None = None
    constants: Constants | None = None


@dataclass(frozen=True)
class Brought:
    """A net ready for a dataset. `order` are the positions that its outputs had in `record`, class by class of the dataset;
    `strange` says that it tells other classes apart and has a fresh head; `notes` are for the log; `examined` says that it
    comes from elsewhere, so that it may be fed or read wrongly; `kept` is its file in the library of teachers, empty where it
    was not trained here."""

    net: Net
    record: Record
    order: tuple[int, ...]
    strange: bool = False
    notes: tuple[str, ...] = ()
    examined: bool = True
    kept: str = ""


@dataclass(frozen=True)
class Errand:
    """Whom a net is fetched for (`teacher` or `student`), and what fetching needs: the folder of the runs, what a fresh head
    is drawn from, whom to tell, and whether to stop."""

    who: str
    home: Path
    generator: torch.Generator = field(default_factory=torch.Generator)
    tell: Tell = lambda what, done, total, unit: None
    stop: Callable[[], bool] = lambda: False

    def refuse(self, setting: str, sentence: str) -> SourceError:
        """The error of a setting of whom the net is for."""
        return SourceError(f"{self.who}.{setting}: {sentence}")
