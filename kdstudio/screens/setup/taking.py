"""What was dropped into the window: a preset is opened; of a checkpoint it is found out what it holds, and asked what it is to
be; a folder of images becomes the dataset."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from kdstudio import theme
from kdstudio.background.child import Child
from kdstudio.background.chores import in_words
from kdstudio.quantities import grouped
from kdstudio.screens.setup.folders import dataset_of
from kdstudio.screens.setup.preset_files import PresetFiles
from kdstudio.store import Store
from kdstudio.widgets.asking import Answer, Sheet, ask, tell

PRESETS = (".yaml", ".yml")
CHECKPOINTS = (".safetensors", ".pth", ".pt", ".th")
USES = {"teacher": "Teacher", "student": "Student's start"}


def is_taken(path: Path) -> bool:
    """Whether a file is of a kind that the form can do something with, or a folder."""
    return path.suffix.lower() in (*PRESETS, *CHECKPOINTS) or path.is_dir()


class Taking(QObject):
    """Takes one file at a time into the form; sheets open over `parent`."""

    def __init__(self, store: Store, files: PresetFiles, parent: QWidget) -> None:
        super().__init__(parent)
        self._store, self._files, self._parent = store, files, parent
        self._path = Path()
        self._told: dict[str, Any] = {}
        self._waiting: Sheet | None = None
        self._child = Child(self)
        self._child.said.connect(self._hear)
        self._child.ended.connect(self._end)

    def take(self, path: Path) -> None:
        """Do what there is to do with a file; why not, where there is nothing."""
        if path.is_dir():
            self._take_folder(path)
        elif path.suffix.lower() in PRESETS:
            self._files.take(path)
        elif path.suffix.lower() in CHECKPOINTS:
            self._look_into(path)
        else:
            kinds = ", ".join((*PRESETS, *CHECKPOINTS))
            said = f"{path.name} is none of the kinds that are read: {kinds}."
            tell(self._parent.window(), "This file says nothing here", said)

    def _take_folder(self, path: Path) -> None:
        """Make the images of a folder the dataset: one step to undo."""
        try:
            found = dataset_of(path, str(self._store.value("dataset.name")))
        except OSError as error:
            tell(self._parent.window(), "This folder cannot be read", in_words(error))
            return
        if not found:
            said = f"{path.name} holds no images: neither one subfolder a class, nor the files of a dataset that is known."
            tell(self._parent.window(), "This folder says nothing here", said)
            return
        unlabelled = {} if self._store.catalogue.datasets[found].labelled else {"dataset.labels": False}
        self._store.set_values({"dataset.name": found, "dataset.root": str(path), **unlabelled})

    def _look_into(self, path: Path) -> None:
        """Find out in a child what a checkpoint holds."""
        if self._child.busy:
            return
        self._path, self._told = path, {}
        card = self._store.catalogue.datasets.get(self._store.value("dataset.name"))
        images = ["--channels", str(card.channels), "--size", str(card.size)] if card and card.channels and card.size else []
        self._waiting = ask(
            self._parent.window(), f"Looking into {path.name}…", "Which net it holds, and how many classes it tells apart.",
            [("Cancel", "secondary", lambda: None)],
        )  # fmt: skip
        self._waiting.finished.connect(self._give_up)
        self._child.start(["recognize", str(path), *images, "--json"])

    def _give_up(self) -> None:
        """The sheet was closed: by the person, where the child still looks."""
        self._waiting = None
        self._child.end()

    def _hear(self, line: dict[str, Any]) -> None:
        self._told = line.get("recognized", {})

    def _end(self, code: int, words: str) -> None:
        if self._waiting is not None:
            self._waiting.accept()
        if code or not self._told:
            said = (words.splitlines() or ["it could not be looked into"])[-1]
            tell(self._parent.window(), f"{self._path.name} cannot be used", said)
            return
        self._offer()

    def _offer(self) -> None:
        """Ask what it is to be, or say why it fits nothing here."""
        net = self._told["nets"][0]
        card = self._store.catalogue.nets.get(net)
        title = card.title if card else net
        classes = self._told["classes"]
        words = f"It is {title}, and tells {grouped(classes)} classes apart."
        if self._told["published"]:
            words += f" It is {self._told['published']}, published with {self._told['top1']:.2f} %."
        elif self._told["top1"] is not None:
            words += f" {self._told['top1']:.2f} % were measured when it was made."
        refusal = self._refusal()
        if refusal:
            tell(self._parent.window(), f"{self._path.name} does not fit this experiment", f"{words} {refusal}")
            return
        answers: list[Answer] = [("Cancel", "secondary", lambda: None)]
        roles: dict[str, theme.Role] = {"student": "secondary", "teacher": "primary"}
        answers += [(USES[who], role, partial(self._use, who, net)) for who, role in roles.items()]
        ask(self._parent.window(), self._path.name, f"{words} What is it to be?", answers)

    def _refusal(self) -> str:
        """Why it can be neither teacher nor student on these images; empty where it can."""
        card = self._store.catalogue.datasets.get(self._store.value("dataset.name"))
        if card is None or not card.channels:
            return ""
        told, named = self._told["classes"], bool(self._told["names"])
        if self._told["channels"] != card.channels:
            kinds = {1: "grey", 3: "colour"}
            own, these = (kinds.get(n, f"{n}-channel") for n in (self._told["channels"], card.channels))
            return f"It takes {own} images, those of {card.title} are {these}: open an experiment on other images first."
        if card.classes and (told < card.classes or (told != card.classes and not named)):
            return f"{card.title} has {card.classes}: open an experiment on a dataset of its classes first."
        return ""

    def _use(self, who: str, net: str) -> None:
        """Make it the teacher, or what the student starts from: one step to undo."""
        self._store.set_values({f"{who}.net": net, f"{who}.source": "file", f"{who}.file": str(self._path)})
