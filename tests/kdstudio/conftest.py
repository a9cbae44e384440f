"""What every test of widgets needs: the application, dressed as the window dresses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine import presets
from engine.extras import catalogue
from kdstudio import theme
from kdstudio.store import Store


@pytest.fixture(scope="session")
def dressed(qapp: QApplication, own_user_folders: None) -> QApplication:
    """The one application of the test run, in the light scheme."""
    QCoreApplication.setOrganizationName("kdstudio")
    QCoreApplication.setApplicationName("kdstudio")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    theme.start(qapp)
    theme.set_mode("light")
    return qapp


@pytest.fixture(autouse=True)
def _dressed(dressed: QApplication) -> Iterator[None]:
    """Every widget of these tests wears the theme; how curves are looked at is not remembered from one to the next."""
    yield
    QSettings().remove("lens")


@pytest.fixture
def store(_dressed: None) -> Iterator[Store]:
    """DKD from a teacher on the digits; presets saved by a test are removed after it, and the scheme is light again."""
    made = Store(catalogue())
    made.open_preset("experiments/digits-dkd")
    yield made
    for saved in presets.user_folder().rglob("*.yaml"):
        saved.unlink()
    if theme.mode() != "light":
        theme.set_mode("light")


@pytest.fixture
def show(qtbot: QtBot) -> Callable[..., Any]:
    """Draw a card of charts at a size, and give it back."""

    def shown(card: Any, width: int = 420, height: int = 320) -> Any:
        qtbot.addWidget(card)
        card.resize(width, height)
        card.show()
        card.redraw()
        QApplication.processEvents()
        return card

    return shown
