"""The shelf of teachers: those that were published, and those that runs trained here and kept."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from engine import published, runs
from engine.downloads import checksum
from engine.export import header
from engine.published import Published
from kdstudio.background.chores import Chores
from kdstudio.quantities import size
from kdstudio.screens.library import paper
from kdstudio.screens.library.paper import Page
from kdstudio.screens.library.shelf import Item, Shelf
from kdstudio.store import Store

TRAINED, PUBLISHED = "Trained here", "Published"


@dataclass(frozen=True)
class Kept:
    """A teacher in the folder of those that runs trained: what its file says, its size, its sha256, when it was written; or why
    the file cannot be read."""

    path: Path
    about: dict[str, Any]
    net: dict[str, Any]
    bytes: int
    sha256: str
    written: float
    problem: str = ""


def kept(folder: Path) -> list[Kept]:
    """Every teacher of a folder, the newest first. Raises OSError."""
    found = [_kept(path) for path in folder.glob("*.safetensors")]
    return sorted(found, key=lambda each: -each.written)


def _kept(path: Path) -> Kept:
    stat = path.stat()
    try:
        said = header.describe(path)
    except header.StudentError as error:
        return Kept(path, {}, {}, stat.st_size, "", stat.st_mtime, str(error))
    return Kept(path, said["about"], said["net"], stat.st_size, checksum(path), stat.st_mtime)


class TeacherShelf(Shelf):
    """Published teachers are known at once; those trained here are read beside the window's thread."""

    title, icon = "Teachers", "teacher"

    def __init__(self, store: Store, home: Path, parent: QObject | None = None) -> None:
        super().__init__(store, parent)
        self.folder = home / "teachers"
        self.kept: dict[str, Kept] = {}
        self._seen: dict[str, tuple[int, float]] = {}
        self._chores = Chores(self, at_once=1)
        self._chores.failed.connect(self.failed)

    def items(self) -> list[Item]:
        """Those trained here, then the published ones."""
        own = [Item(key, _title(each), _gist(each), TRAINED, "to mend" if each.problem else "", "problem", key)
               for key, each in self.kept.items()]  # fmt: skip
        return own + [
            Item(p.name, f"{self._net(p.net)} on {self._dataset(p.dataset)}", f"{p.top1:.2f} % · {p.source}", PUBLISHED,
                 "here" if self._fetched(p) else "", "good", f"{p.name} {p.licence}")
            for p in published.TEACHERS.values()
        ]  # fmt: skip

    def tools(self) -> list[QWidget]:
        """The folder of those trained here."""
        return [paper.reveal(self.folder, "Trained here")]

    def page(self, key: str) -> QWidget:
        """A teacher."""
        return self._of_kept(self.kept[key]) if key in self.kept else self._of_published(published.TEACHERS[key])

    def refresh(self) -> None:
        """Look into the folder again where a file came, went or changed: reading them all takes time."""
        try:
            there = {p.name: (p.stat().st_size, p.stat().st_mtime) for p in self.folder.glob("*.safetensors")}
        except OSError:
            return  # a file that went away just now: the next look finds the rest
        if there != self._seen:
            self._seen = there
            self._chores.do(lambda: kept(self.folder), self._take)

    def end(self) -> None:
        """Wait for what is being read."""
        self._chores.wait()

    def _take(self, found: list[Kept]) -> None:
        self.kept = {each.path.name: each for each in found}
        self.changed.emit()

    def _net(self, key: str) -> str:
        card = self.store.catalogue.nets.get(key)
        return card.title if card else key

    def _dataset(self, key: str) -> str:
        card = self.store.catalogue.datasets.get(key)
        return card.title if card else key

    def _fetched(self, entry: Published) -> bool:
        return (runs.home().parent / "downloads" / entry.file).is_file()

    def _of_published(self, entry: Published) -> QWidget:
        page = Page(f"{self._net(entry.net)} on {self._dataset(entry.dataset)}", entry.name, [("published", "accent")])
        page.say(f"{entry.facts()}. The test images chose this checkpoint, so its accuracy flatters it.", "plain")
        wanted = {"teacher.net": entry.net, "teacher.source": "download", "teacher.download": entry.name}
        page.buttons(paper.button("Use as teacher", lambda: self.chosen.emit(wanted, "teacher.net"), "primary"))
        here = "on this machine" if self._fetched(entry) else "downloaded when a run first wants it"
        page.add(paper.section("Facts", paper.facts([
            ("Accuracy", f"{entry.top1:.2f} % top-1 on the test images"), ("Net", entry.net), ("Dataset", entry.dataset),
            ("Origin", entry.source), ("Licence", entry.licence), ("File", f"{entry.file} ({here})"),
            ("Size", size(entry.bytes) if entry.bytes else ""), ("Address", paper.code(entry.url, "the address")),
            ("sha256", paper.code(entry.sha256, "sha256") if len(entry.sha256) == 64 else f"begins with {entry.sha256}"),
            ("sha256 of the weights", paper.code(entry.weights, "the hash of the weights")),
            ("Mean", _numbers(entry.mean)), ("Deviation", _numbers(entry.std)),
            ("Classes", f"{len(entry.classes)}: {', '.join(entry.classes[:12])}{' …' if len(entry.classes) > 12 else ''}"),
        ])))  # fmt: skip
        return page.end()

    def _of_kept(self, each: Kept) -> QWidget:
        page = Page(_title(each), each.path.name, [("trained here", "good")])
        if each.problem:
            page.say(each.problem, "problem")
            page.buttons(paper.reveal(each.path))
            return page.end()
        net = str(each.net.get("key", ""))
        wanted = {"teacher.net": net, "teacher.source": "file", "teacher.file": str(each.path)}
        page.buttons(
            paper.button("Use as teacher", lambda: self.chosen.emit(wanted, "teacher.net"), "primary"), paper.reveal(each.path)
        )  # fmt: skip
        page.add(paper.section("Facts", paper.facts([
            ("Accuracy", _accuracy(each)), ("Net", net), ("Origin", "trained as the first stage of a run, and kept"),
            ("Recipe", _recipe(each.about.get("recipe", {}))),
            ("Written", time.strftime("%d %b %Y %H:%M", time.localtime(each.written))),
            ("Size", size(each.bytes)), ("sha256", paper.code(each.sha256, "sha256")),
            ("Classes", str(len(each.about.get("classes", ())))),
            ("File", paper.code(str(each.path), "the path")),
        ])))  # fmt: skip
        return page.end()


def _title(each: Kept) -> str:
    """The net and the dataset of the file's name: `resnet20-digits-0123456789abcdef.safetensors`."""
    net = str(each.net.get("key", ""))
    rest = each.path.stem.removeprefix(f"{net}-").rpartition("-")[0]
    return f"{net} on {rest}" if net and rest else each.path.stem


def _gist(each: Kept) -> str:
    return each.problem or f"{_accuracy(each)} · {size(each.bytes)}"


def _accuracy(each: Kept) -> str:
    top1 = each.about.get("top1")
    known = isinstance(top1, (int, float)) and not math.isnan(top1)
    return f"{top1:.2f} % top-1" if known else "accuracy not measured"


def _recipe(recipe: dict[str, Any]) -> str:
    """What the training depended on, in a line."""
    flat = {**recipe.get("teacher", {}), **{k: v for k, v in recipe.items() if k not in ("teacher", "images", "augmentation")},
            **recipe.get("augmentation", {})}  # fmt: skip
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in flat.items() if name != "net")


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)
