"""The look: readable in both schemes, one family of icons, every role known to the style sheet."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QColor, QFontDatabase, QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.shipped import place
from kdstudio import theme
from kdstudio.charts.pens import cosmetic
from kdstudio.widgets import icons

SHEET = (place("assets") / "theme" / "kdstudio.qss").read_text(encoding="utf-8")
DRAWN = sorted(path.stem for path in (place("assets") / "icons").glob("*.svg"))
SOURCES = sorted((Path(__file__).resolve().parents[2] / "kdstudio").rglob("*.py"))
SCHEMES = [theme.LIGHT, theme.DARK]
INKS = ("text", "muted", "faint", "accent", "problem", "warning", "good")
GROUNDS = ("surface", "window", "raised", "accent_soft", "problem_soft", "warning_soft", "good_soft")
PAIRS = [
    *((ink, ground) for ink in INKS for ground in GROUNDS),
    ("on_accent", "accent"), ("on_accent", "accent_hover"), ("on_accent", "accent_press"),
]  # fmt: skip


def luminance(name: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    colour = QColor(name)
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_words_stand_out_from_their_ground(scheme: theme.Colours, ink: str, ground: str) -> None:
    assert contrast(getattr(scheme, ink), getattr(scheme, ground)) >= 4.5


@pytest.mark.parametrize(("found", "scheme"), [(theme.SERIES_LIGHT, theme.LIGHT), (theme.SERIES_DARK, theme.DARK)])
def test_curves_stand_out_from_the_paper_and_from_each_other(found: tuple[str, ...], scheme: theme.Colours) -> None:
    assert len(set(found)) == 8
    assert min(contrast(name, scheme.surface) for name in found) >= 3


@pytest.mark.parametrize(("name", "scheme"), [*zip(theme.TICKS, SCHEMES, strict=True)])
def test_the_tick_in_a_box_has_the_colour_of_what_stands_on_accent(name: str, scheme: theme.Colours) -> None:
    drawing = (place("assets") / "theme" / name).read_text(encoding="utf-8")
    assert f'stroke="{scheme.on_accent}"' in drawing


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["surface", "window"])
def test_the_edge_of_a_field_stands_out_from_its_ground(scheme: theme.Colours, ground: str) -> None:
    assert contrast(scheme.edge, getattr(scheme, ground)) >= 3


@pytest.mark.parametrize(("found", "rising"), [(theme.HEAT_LIGHT, False), (theme.HEAT_DARK, True)])
def test_heat_changes_lightness_in_one_direction(found: tuple[str, ...], rising: bool) -> None:
    steps = [luminance(name) for name in found]
    assert steps == sorted(steps, reverse=not rising)


def test_the_style_sheet_and_the_code_name_the_same_roles() -> None:
    styled = set(re.findall(r'\[role="([^"]+)"\]', SHEET))
    assert styled <= set(get_args(theme.Role))


def test_the_style_sheet_holds_no_colour_of_its_own() -> None:
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", SHEET) == []


def test_every_name_in_the_style_sheet_is_a_colour_or_a_size() -> None:
    known = {f.name for f in fields(theme.Colours)} | {"radius", "small_radius", "control", "mono", "check"}
    assert set(re.findall(r"\$(\w+)", SHEET)) <= known


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "kdstudio"])
def test_an_icon_takes_its_colour_from_the_theme(name: str, dressed: QApplication) -> None:
    drawing = (place("assets") / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    assert 'viewBox="0 0 24 24"' in drawing
    assert re.findall(r"#[0-9a-fA-F]{3,8}", drawing) == []
    image = icons.pixmap(name, "accent", 48).toImage().convertToFormat(QImage.Format.Format_ARGB32)
    inked = [image.pixelColor(x, y) for x in range(48) for y in range(48) if image.pixelColor(x, y).alpha() > 250]
    assert inked
    assert all(abs(pixel.red() - theme.colour("accent").red()) <= 2 for pixel in inked)


def test_every_icon_that_is_named_is_drawn() -> None:
    pattern = r'(?:IconButton|IconLabel|set_icon|set_drawing|icons\.pixmap|icons\.icon|icon|pixmap)\(\s*"([a-z-]+)"'
    named = {name for path in SOURCES for name in re.findall(pattern, path.read_text(encoding="utf-8"))}
    assert named
    assert named <= set(DRAWN)


def test_the_bundled_fonts_are_there_with_their_licence(dressed: QApplication) -> None:
    assert {theme.FAMILY, theme.MONO} <= set(QFontDatabase.families())
    assert "SIL OPEN FONT LICENSE" in (place("assets") / "fonts" / "OFL.txt").read_text(encoding="utf-8")


def test_changing_the_theme_dresses_everything_and_is_remembered(dressed: QApplication, qtbot: QtBot) -> None:
    button = icons.IconButton("play", "Play")
    qtbot.addWidget(button)
    light = button.icon().pixmap(18).toImage()
    with qtbot.waitSignal(theme.signals.changed):
        theme.set_mode("dark")
    assert (theme.colours(), QSettings().value("theme")) == (theme.DARK, "dark")
    assert button.icon().pixmap(18).toImage() != light
    assert theme.DARK.surface in dressed.styleSheet()
    theme.set_mode("light")
    assert button.icon().pixmap(18).toImage() == light


@pytest.mark.parametrize(("ratio", "width", "pixels"), [(1, 0.0, 0.0), (1, 3.0, 3.0), (2, 0.0, 2.0), (2, 3.0, 6.0)])
def test_a_pen_of_a_plot_is_as_wide_on_every_screen(ratio: int, width: float, pixels: float) -> None:
    paper = QImage(8, 8, QImage.Format.Format_RGB32)
    paper.setDevicePixelRatio(ratio)
    painter = QPainter(paper)
    pen = cosmetic(painter, QColor("black"), width)
    painter.end()
    assert pen.isCosmetic() and pen.widthF() == pixels
