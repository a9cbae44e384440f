"""The part of a plot's menu that says how it alone is looked at. Filled when it is first opened, for most never are."""

from __future__ import annotations

from typing import Any, get_args

from PySide6.QtWidgets import QMenu

from kdstudio.charts.card import Card
from kdstudio.charts.lens import OwnLens
from kdstudio.history.curve import XAxis

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97, 0.99)
"""Shares of the past to choose from."""


def add_look_menu(card: Card, lens: OwnLens) -> None:
    """Give a plot's menu the parts about its x axis, its smoothing and its outliers."""
    over = card.menu.addMenu("This plot over")
    over.aboutToShow.connect(lambda: offer(over, lens, "axis", [(axis, axis) for axis in get_args(XAxis)]))
    smoothing = card.menu.addMenu("Smoothing of this plot")
    smoothing.aboutToShow.connect(
        lambda: offer(smoothing, lens, "smoothing", [(f"{weight:g}" if weight else "none", weight) for weight in SMOOTHINGS])
    )
    outliers = card.menu.addMenu("Outliers of this plot")
    outliers.aboutToShow.connect(lambda: offer(outliers, lens, "calm", [("shown", False), ("ignored by the y axis", True)]))


def offer(menu: QMenu, lens: OwnLens, name: str, choices: list[tuple[str, Any]]) -> None:
    """The choices for a property of the lens, the first being that it is as in all plots."""
    menu.clear()
    first = menu.addAction("as all plots")
    first.setCheckable(True)
    first.setChecked(lens.chosen(name) is None)
    first.triggered.connect(lambda _checked=False: lens.follow(name))
    menu.addSeparator()
    for words, value in choices:
        action = menu.addAction(words)
        action.setCheckable(True)
        action.setChecked(lens.chosen(name) == value)
        action.triggered.connect(lambda _checked=False, value=value: lens.choose(name, value))
