"""The card of images watches: the newest pictures, or those of an earlier epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.events import Watched
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.legend import Key
from kdstudio.charts.picker import Picker
from kdstudio.charts.pictures import WHO, Gallery, Guess, Tile
from kdstudio.charts.records import Records
from kdstudio.history import History


@dataclass(frozen=True)
class Pictures:
    """One kind of pictures of the card: the watch it comes from, its name in the picker, its explanation."""

    watch: str
    title: str
    help: str


class GalleryCard(Card):
    """Samples with what teacher and student take them for, reconstructions under their images: the newest of all, or the
    kind that was picked."""

    def __init__(self, kinds: tuple[Pictures, ...], history: History) -> None:
        only = len(kinds) == 1
        super().__init__(kinds[0].title if only else "Pictures", "", kinds[0].help if only else "")
        self.kinds, self.history = kinds, history
        self.rest = 1.0
        self._which = Picker("Pictures shown")
        self._which.offer([("newest", ""), *((k.title, k.watch) for k in kinds)])
        self._which.setVisible(not only)
        self.tools.addWidget(self._which)
        self._which.currentIndexChanged.connect(self.redraw)
        self.gallery, self.records = Gallery(), Records()
        self._caption = theme.set_role(QLabel(), "faint")
        self._labelled = False
        self._keys = {who: Key(who, index) for who, index in WHO.items()}
        self._legend = QWidget()
        line = QHBoxLayout(self._legend)
        line.setContentsMargins(0, 0, 0, 0)
        for key in self._keys.values():
            line.addWidget(key)
        line.addWidget(self._caption, 1)
        self._stack = QStackedWidget()
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.gallery, 1)
        inside.addWidget(self._legend)
        inside.addWidget(self.records)
        self._stack.addWidget(Waiting("Pictures appear after the first epoch."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.records.moved.connect(self.redraw)
        self.gallery.fitted.connect(self._caption_it)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return any(k.watch == watch for k in self.kinds)

    def shown(self) -> str:
        """The watch whose pictures are shown: the picked one, else that of which there is the newest record."""
        picked = self._which.currentData()
        there = [k.watch for k in self.kinds if self.history.watched.get(k.watch)]
        return picked or max(there, key=lambda w: self.history.watched[w][-1].clock, default="")

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        record = self.records.offer(self.history.watched.get(self.shown(), []))
        self._stack.setCurrentIndex(0 if record is None else 1)
        if record is None:
            return
        tiles = tiles_of(record, self.history.array(record))
        self.gallery.show_tiles(tiles, [str(r) for r in record.labels.get("rows", [])])
        for who, key in self._keys.items():
            key.setVisible(bool(record.labels.get(who)))
        self._labelled = bool(record.labels.get("label"))
        self._legend.setVisible(any(record.labels.get(who) for who in WHO))
        self._caption_it()

    def _caption_it(self) -> None:
        shown, there = self.gallery.shown(), len(self.gallery.tiles)
        words = "top class; green where it is the label" if self._labelled else "top class"
        self._caption.setText(words if shown == there else f"{shown} of {there}, show large for all")

    def table(self) -> Rows:
        """What was named for each picture, one guess a row."""
        yield ("picture", "label", "who", "rank", "class", "probability")
        for i, tile in enumerate(self.gallery.tiles):
            for who, guesses in tile.guesses.items():
                for rank, (name, probability) in enumerate(guesses, 1):
                    yield (i, tile.label, who, rank, name, probability)


def tiles_of(record: Watched, pictures: np.ndarray[Any, Any]) -> list[Tile]:
    """The tiles of a record: pictures (N, H, W, C), or (R, N, H, W, C) with R pictures in each tile."""
    stacked = pictures if pictures.ndim == 5 else pictures[None]
    labels = [str(n) for n in record.labels.get("label", [])]
    guesses = {who: record.labels[who] for who in WHO if record.labels.get(who)}
    return [
        Tile(
            tuple(stacked[:, i]),
            labels[i] if i < len(labels) else "",
            {who: _guesses(found[i]) for who, found in guesses.items() if i < len(found)},
        )
        for i in range(stacked.shape[1])
    ]


def _guesses(found: Sequence[Any]) -> tuple[Guess, ...]:
    return tuple((str(name), float(share)) for name, share in found)
