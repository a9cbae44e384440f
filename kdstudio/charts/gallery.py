"""The card of an images watch: the newest pictures, or those of an earlier epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from engine.events import Watched
from kdstudio import theme
from kdstudio.charts.card import Card, Rows, Waiting
from kdstudio.charts.pictures import Gallery, Guess, Tile
from kdstudio.charts.records import Records
from kdstudio.history import History

WHO = ("teacher", "student")


class GalleryCard(Card):
    """Samples with what teacher and student take them for, or reconstructions under their images."""

    def __init__(self, watch: str, title: str, help: str, history: History) -> None:
        super().__init__(title, "", help)
        self.watch, self.history = watch, history
        self.gallery, self.records = Gallery(), Records()
        self._caption = theme.set_role(QLabel(), "faint")
        self._stack = QStackedWidget()
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.gallery, 1)
        inside.addWidget(self._caption)
        inside.addWidget(self.records)
        self._stack.addWidget(Waiting("Pictures appear after the first epoch."))
        self._stack.addWidget(page)
        self.body.addWidget(self._stack)
        self.records.moved.connect(self.redraw)

    def wants(self, watch: str) -> bool:
        """Whether a watch belongs to this card."""
        return watch == self.watch

    def redraw(self) -> None:
        """Show the newest record, or the one gone back to."""
        record = self.records.offer(self.history.watched.get(self.watch, []))
        self._stack.setCurrentIndex(0 if record is None else 1)
        if record is None:
            return
        tiles = tiles_of(record, self.history.array(record))
        self.gallery.show_tiles(tiles, [str(r) for r in record.labels.get("rows", [])])
        named = [who for who in WHO if record.labels.get(who)]
        words = " · ".join(f"{who[0].upper()} {who}" for who in named)
        self._caption.setText(f"{words}: top class, %; green where it is the label" if words else "")
        self._caption.setVisible(bool(words))

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
