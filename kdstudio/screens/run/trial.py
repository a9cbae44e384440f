"""A finished student asked about images of the person's own, with its teacher and another run beside it: in a child process,
for it needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from kdstudio.background.child import Child
from kdstudio.charts.answers import Image, image_of

MOST = 24
"""Images that are asked about at once."""
NAMED = 3


class Trial(QObject):
    """One question at a time; `changed` says that more is known. `nets` are who answers and what each is called, `notes`
    sentences about who does not and what went wrong."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: list[Image] = []
        self.nets: dict[str, str] = {}
        self.notes: list[str] = []
        self._child = Child(self)
        self._child.said.connect(self._hear)
        self._child.ended.connect(self._end)

    @property
    def busy(self) -> bool:
        """Whether the nets are still being asked."""
        return self._child.busy

    def ask(self, run: Path, images: Sequence[str], baseline: Path | None, *, teacher: bool) -> None:
        """Ask the student of a finished run about image files, `MOST` at once; a question before is dropped."""
        self._child.end()
        asked = list(images[:MOST])
        self.images, self.nets, self.notes = [image_of(path) for path in asked], {}, []
        if len(images) > len(asked):
            self.notes.append(f"The first {MOST} of {len(images)} images are asked about.")
        beside = ["--beside", str(baseline)] if baseline is not None else []
        wanted = ["--teacher"] if teacher else []
        self._child.start(["predict", "--json", "--named", str(NAMED), *wanted, *beside, "--", str(run), *asked])
        self.changed.emit()

    def end(self) -> None:
        """Ask no more; what is known stays."""
        self._child.end()

    def _hear(self, said: dict[str, Any]) -> None:
        match said["said"]:
            case "net":
                self.nets[said["who"]] = said["name"]
            case "missing":
                self.notes.append(f"No {said['who']}: {said['sentence']}.")
            case "unreadable":
                for image in self._named(said["image"]):
                    image.problem = said["sentence"]
            case "prediction":
                for image in self._named(said["image"]):
                    image.guesses[said["who"]] = tuple((str(name), float(share)) for name, share in said["guesses"])
        self.changed.emit()

    def _named(self, path: str) -> list[Image]:
        return [image for image in self.images if image.path == path]

    def _end(self, code: int, words: str) -> None:
        if code != 0:
            self.notes.append(words or f"The nets could not be asked (exit code {code}).")
        self.changed.emit()
