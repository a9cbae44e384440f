"""Rows and columns of widgets without margins of their own."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLayout, QVBoxLayout, QWidget


def column(gap: int, parent: QWidget | None = None) -> QVBoxLayout:
    """Widgets under each other, `gap` pixels apart; a parent takes it as its layout."""
    made = QVBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(gap)
    if parent is not None:
        parent.setLayout(made)
    return made


def row(gap: int, parent: QWidget | None = None) -> QHBoxLayout:
    """Widgets beside each other, `gap` pixels apart; a parent takes it as its layout."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(gap)
    if parent is not None:
        parent.setLayout(made)
    return made


def pad(layout: QLayout, across: int, down: int | None = None) -> None:
    """Room around everything inside; `down` above and below where that differs."""
    high = across if down is None else down
    layout.setContentsMargins(across, high, across, high)


def empty(layout: QLayout) -> None:
    """Take every widget out and let it go."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
