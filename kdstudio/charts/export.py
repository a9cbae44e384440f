"""A card as a file: CSV of its numbers, PNG or SVG of its picture; and its picture on the clipboard."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication, QWidget

from kdstudio.charts.card import Card, Rows

RATIO = 2
"""Pixels of the PNG per pixel on the screen."""


def save_csv(rows: Rows, path: Path) -> None:
    """Write rows; numbers with a point whatever the locale. Raises OSError where the file cannot be written."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def picture(card: Card) -> QImage:
    """The card as it is seen, without its buttons, at twice its size."""
    image = QImage(card.size() * RATIO, QImage.Format.Format_ARGB32)
    image.setDevicePixelRatio(RATIO)
    image.fill(0)
    card.for_export(True)
    card.render(image, renderFlags=QWidget.RenderFlag.DrawChildren)
    card.for_export(False)
    return image


def copy_picture(card: Card) -> None:
    """Put the picture of a card on the clipboard."""
    QApplication.clipboard().setImage(picture(card))


def save_png(card: Card, path: Path) -> None:
    """Write the picture of a card. Raises OSError where the file cannot be written."""
    if not picture(card).save(str(path)):
        raise OSError(f"{path} cannot be written; choose another folder")


def save_svg(card: Card, path: Path) -> None:
    """Write the picture of a card as lines and letters. Raises OSError where the file cannot be written."""
    drawing = QSvgGenerator()
    drawing.setFileName(str(path))
    drawing.setResolution(96)
    drawing.setSize(QSize(card.width(), card.height()))
    drawing.setViewBox(QRect(0, 0, card.width(), card.height()))
    drawing.setTitle(card.title)
    painter = QPainter()
    if not painter.begin(drawing):
        raise OSError(f"{path} cannot be written; choose another folder")
    card.for_export(True)
    card.render(painter, QPoint(), renderFlags=QWidget.RenderFlag.DrawChildren)
    painter.end()
    card.for_export(False)
