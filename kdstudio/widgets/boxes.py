"""Rows and columns of widgets without margins of their own."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QHBoxLayout, QLayout, QVBoxLayout, QWidget

B = TypeVar("B", QHBoxLayout, QVBoxLayout)


def column(gap: int, parent: QWidget | None = None) -> QVBoxLayout:
    """Widgets under each other, `gap` pixels apart; a parent takes it as its layout."""
    return _bare(QVBoxLayout(), gap, parent)


def row(gap: int, parent: QWidget | None = None) -> QHBoxLayout:
    """Widgets beside each other, `gap` pixels apart; a parent takes it as its layout."""
    return _bare(QHBoxLayout(), gap, parent)


def pad(layout: QLayout, across: int, down: int | None = None) -> None:
    """Room around everything inside; `down` above and below where that differs."""
    high = across if down is None else down
    layout.setContentsMargins(across, high, across, high)


def centred(content: QWidget, parent: QWidget) -> None:
    """One widget in the middle of a parent: as wide as there is room, or as it may be."""
    line = row(0, parent)
    line.addStretch(0)  # these two get what the content may not take
    line.addWidget(content, 1)
    line.addStretch(0)


def empty(layout: QLayout) -> None:
    """Take every widget out and let it go."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


def _bare(made: B, gap: int, parent: QWidget | None) -> B:
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(gap)
    if parent is not None:
        parent.setLayout(made)
    return made
