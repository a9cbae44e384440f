"""The shelf of datasets: what is known of each, and what a child process found when it looked inside."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QProgressBar, QWidget

from engine.cards import DatasetCard
from kdstudio.background.child import Child
from kdstudio.charts.pictures import Gallery, Tile
from kdstudio.quantities import grouped, size
from kdstudio.screens.library import counts, paper
from kdstudio.screens.library.paper import Page
from kdstudio.screens.library.shelf import Item, Shelf
from kdstudio.store import Store
from kdstudio.widgets.texts import wrapped

GALLERY = 196
"""Height of the samples, in pixels."""

Place = tuple[str, str]
"""A dataset and the folder it lies in (empty: the usual one)."""


class DatasetShelf(Shelf):
    """Every dataset; the one whose page is open is looked into by a child, one at a time."""

    title, icon = "Datasets", "dataset"

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(store, parent)
        self.child = Child(self)
        self.child.said.connect(self._hear)
        self.child.ended.connect(self._end)
        self.roots: dict[str, str] = {}
        self.found: dict[Place, dict[str, Any]] = {}
        self._looking: Place | None = None
        self._progress: tuple[QProgressBar, QWidget] | None = None

    def items(self) -> list[Item]:
        """By the order of the catalogue: those that come with labels first."""
        cards = self.store.catalogue.datasets.values()
        return [Item(c.key, c.title, _gist(c), "Your own images" if c.needs_folder else "By name", search=c.summary)
                for c in sorted(cards, key=lambda c: c.needs_folder)]  # fmt: skip

    def page(self, key: str) -> QWidget:
        """A dataset, and what was found in it."""
        card, place = self.store.catalogue.datasets[key], (key, self.root(key))
        page = Page(card.title, key)
        page.say(card.summary, "plain")
        use = paper.button("Use in Set up", lambda: self.chosen.emit(self._use(card), "dataset.name"), "primary")
        folder = paper.button("Choose a folder…", lambda: self._ask(key), icon="folder")
        page.buttons(use, folder)
        page.add(_facts(card, place[1]))
        self._progress = None
        if place in self.found:
            self._found_in(page, place)
        elif card.needs_folder and not place[1]:
            page.say("Choose a folder to see what is in it.")
        else:
            self._wait(page, place)
        return page.end()

    def root(self, key: str) -> str:
        """Where its data lies: the folder chosen here, else the form's where it is the form's dataset."""
        if key in self.roots:
            return self.roots[key]
        mine = self.store.opened() and self.store.value("dataset.name") == key
        return str(self.store.value("dataset.root")) if mine else ""

    def choose(self, key: str, folder: str) -> None:
        """Look into another folder."""
        self.roots[key] = folder
        self.turned.emit(key)

    def download(self, key: str) -> None:
        """Fetch what is not there, and look into it."""
        self.found.pop((key, self.root(key)), None)
        self._start((key, self.root(key)), "--download")
        self.turned.emit(key)

    def end(self) -> None:
        """Stop looking."""
        self.child.end()

    def _use(self, card: DatasetCard) -> dict[str, Any]:
        root = self.root(card.key)
        return {"dataset.name": card.key} | ({"dataset.root": root} if root else {})

    def _wait(self, page: Page, place: Place) -> None:
        bar, said = QProgressBar(), wrapped("Looking inside…", "muted")
        bar.setRange(0, 0)
        bar.setAccessibleName("Progress of looking inside")
        page.add(said, bar)
        self._progress = (bar, said)
        self._start(place)

    def _start(self, place: Place, *words: str) -> None:
        if self._looking == place:
            return
        if self.child.busy:
            self.child.end()
        self._looking = place
        name, root = place
        self.child.start(["dataset", name, "--json", *(["--root", root] if root else []), *words])

    def _hear(self, said: dict[str, Any]) -> None:
        if said["said"] == "progress":
            self._tell(said)
        elif self._looking is not None:
            self.found[self._looking] = said

    def _tell(self, said: dict[str, Any]) -> None:
        if self._progress is None:
            return
        bar, label = self._progress
        amount = size if said["unit"] == "bytes" else grouped
        of = f" of {amount(said['total'])}" if said["total"] else ""
        label.setText(f"{said['what']}: {amount(said['done'])}{of}")  # type: ignore[attr-defined]
        bar.setRange(0, 1000 if said["total"] else 0)
        bar.setValue(round(1000 * said["done"] / said["total"]) if said["total"] else 0)

    def _end(self, code: int, words: str) -> None:
        place, self._looking = self._looking, None
        if place is None:
            return
        if place not in self.found:
            self.found[place] = {"said": "wrong", "sentence": words.splitlines()[-1] if words else f"It ended with {code}."}
        self.turned.emit(place[0])

    def _ask(self, key: str) -> None:
        folder = QFileDialog.getExistingDirectory(None, "Folder of the images", self.root(key))
        if folder:
            self.choose(key, folder)

    def _found_in(self, page: Page, place: Place) -> None:
        said = self.found[place]
        if said["said"] == "dataset":
            page.add(*_holding(said))
            return
        page.say(said["sentence"], "muted" if said["said"] == "away" else "problem")
        again = paper.button("Look again", lambda: self._again(place), icon="reset")
        fetch = [paper.button("Download now", lambda: self.download(place[0]), icon="down")] if said["said"] == "away" else []
        page.buttons(*fetch, again)

    def _again(self, place: Place) -> None:
        self.found.pop(place, None)
        self.turned.emit(place[0])


def _gist(card: DatasetCard) -> str:
    if not card.classes:
        return "a folder with one subfolder a class" if card.labelled else "a folder of images without labels"
    images = card.train_images + card.test_images
    return f"{card.classes} classes · {card.size} × {card.size} · {grouped(images)} images"


def _facts(card: DatasetCard, root: str) -> QWidget:
    colour = {1: "grey", 3: "colour"}.get(card.channels, "")
    rows: list[tuple[str, paper.Cell]] = [
        ("Classes", str(card.classes or "")), ("Images", f"{card.size} × {card.size} {colour}" if card.size else ""),
        ("Training", grouped(card.train_images) if card.train_images else ""),
        ("Test", grouped(card.test_images) if card.test_images else ""), ("Licence", card.licence),
        ("Folder", paper.code(root, "the folder")),
    ]  # fmt: skip
    home = [paper.link(card.home, card.home)] if card.home else []
    return paper.section("Facts", paper.facts(rows), *home)


def _holding(said: dict[str, Any]) -> list[QWidget]:
    """Samples, counts and constants as they were found."""
    gallery = Gallery()
    gallery.setMinimumHeight(GALLERY)
    gallery.setMaximumHeight(GALLERY)
    gallery.setAccessibleName("Samples")
    gallery.show_tiles([_tile(sample) for sample in said["samples"]])
    channels, side, _ = said["shape"]
    constants = [
        ("Shape", f"{channels} × {side} × {side}"), ("Mean", _numbers(said["mean"])), ("Deviation", _numbers(said["std"])),
        ("Measured on", f"{grouped(said['measured'])} training images, of pixels from 0 to 1"),
        *((f"Note {n}", note) for n, note in enumerate(said["notes"], 1)),
    ]  # fmt: skip
    bars = [counts.ClassCounts(said["classes"], said["counts"])] if len(said["classes"]) > 1 else []
    words = [wrapped(counts.legend(said["counts"]), "muted"), wrapped(counts.summary(said["counts"]), "muted")]
    return [
        paper.section("Samples", gallery),
        paper.section("Images of each class", *words, *bars),
        paper.section("Pixels", paper.facts(constants)),
    ]


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _tile(sample: dict[str, Any]) -> Tile:
    pixels = np.frombuffer(base64.b64decode(sample["pixels"]), np.uint8).reshape(sample["shape"])
    return Tile((pixels,), sample["label"])
