"""How kdstudio looks: the only file with colours, fonts and sizes. Light, dark, or as the system has it.

Widgets name a role (`theme.set_role(label, "title")`); what a role looks like stands in `assets/theme/kdstudio.qss`,
whose `$names` are filled in from here. Plots ask for `series()`, `heat()` and `colours()` and listen to `signals.changed`.
"""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass
from typing import Literal, TypeVar, get_args

from PySide6.QtCore import QObject, QSettings, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from engine.shipped import place

W = TypeVar("W", bound=QWidget)
Mode = Literal["system", "light", "dark"]
Role = Literal[
    "title", "heading", "strong", "label", "muted", "faint", "mono", "overline", "problem", "warning", "good",
    "card", "panel", "rail", "header", "plain", "popup", "chip", "banner", "page", "clear", "line",
    "primary", "secondary", "quiet", "icon", "danger", "rail-item", "segment", "pick", "link", "fold", "unfold", "compact",
    "drop",
]  # fmt: skip
"""What a widget is in the picture: texts, surfaces, then buttons."""

UNIT = 8
"""The grid, in pixels: every distance is a half, one, or several of it."""
HALF, SPACE, GAP, MARGIN = UNIT // 2, UNIT, 2 * UNIT, 3 * UNIT
CONTROL = 4 * UNIT
"""Height of a field or a button."""
ICON, ICON_SMALL, ICON_LARGE = 18, 14, 24
RADIUS = UNIT
RAIL = 11 * UNIT
"""Width of the rail on the left."""
SIDE = 38 * UNIT
"""Width of a panel at the side."""
CARD = 35 * UNIT
"""Least width of a card."""
CELL = 26 * UNIT
"""Least width of a setting in a form."""
READABLE = 224 * UNIT
"""Widest content: beyond it lines and rows are too long to follow."""
PAGE = (MARGIN - HALF, GAP)
"""Room around what stands on a screen: at the sides, and above and below."""
LINE = 72 * UNIT
"""Widest paragraph: about ninety letters, beyond which the eye loses the next line."""
LEAST = (1024, 700)
"""The smallest window, in which nothing is cut."""
TEXT = 13
"""Size of ordinary text in pixels."""


@dataclass(frozen=True)
class Colours:
    """One scheme. `edge` is the border of a field; `*_soft` are backgrounds for text in the colour they are named after;
    `on_accent` is text on accent."""

    window: str
    surface: str
    raised: str
    line: str
    strong_line: str
    edge: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    accent_press: str
    accent_soft: str
    on_accent: str
    problem: str
    problem_soft: str
    warning: str
    warning_soft: str
    good: str
    good_soft: str


LIGHT = Colours(
    window="#f5f6f8", surface="#ffffff", raised="#f0f2f5", line="#e4e7ec", strong_line="#cbd1da", edge="#868f9f",
    text="#1a1d24", muted="#596273", faint="#636d7d",
    accent="#3656d4", accent_hover="#2c49bd", accent_press="#243d9f", accent_soft="#edf1fd", on_accent="#ffffff",
    problem="#b3261e", problem_soft="#fdeeed", warning="#8a5300", warning_soft="#fdf4e3",
    good="#1d7440", good_soft="#e8f5ec",
)  # fmt: skip
DARK = Colours(
    window="#121419", surface="#1a1d24", raised="#242832", line="#2b303b", strong_line="#434a59", edge="#6b7486",
    text="#e9ebf0", muted="#a9b1c0", faint="#8d96a8",
    accent="#8ba3ff", accent_hover="#a3b6ff", accent_press="#7890f0", accent_soft="#242c47", on_accent="#10142a",
    problem="#ff8f86", problem_soft="#3a2021", warning="#f0b95b", warning_soft="#362b18",
    good="#6fcf90", good_soft="#1b3325",
)  # fmt: skip

SERIES_LIGHT = ("#0072b2", "#d55e00", "#00875f", "#a8417f", "#b07a00", "#3d3fa8", "#4a9cc7", "#7a4b1f")
SERIES_DARK = ("#56b4e9", "#f5894a", "#2cc69b", "#e08fbd", "#efc14a", "#9ea2ff", "#8fd3f4", "#c9a27e")
"""Colours of curves, after Okabe and Ito: told apart with any colour vision, in the order they are to be used."""

HEAT_LIGHT = ("#ffffff", "#d7e3f4", "#94b8de", "#4a86c0", "#16548f", "#08264d")
HEAT_DARK = ("#1a1d24", "#1d3557", "#265f96", "#4a93cf", "#9ccbf0", "#f2f8ff")
"""Nothing to everything, in one hue of even steps, for matrices."""

DIVERGING_LIGHT = ("#7f3300", "#d9730d", "#f6c795", "#ffffff", "#a9cdea", "#2f7fc0", "#0b3a68")
DIVERGING_DARK = ("#ffc48a", "#d9772b", "#6b3d1a", "#1a1d24", "#1d4468", "#3d8fd0", "#a8d8ff")
"""Less to more around nothing, orange to blue, which every colour vision tells apart, for differences."""

TICKS = ("check-light.svg", "check-dark.svg")
"""What stands in a ticked box, light and dark: a style sheet cannot tint a picture, so each is drawn in `on_accent`."""

MODES: tuple[Mode, ...] = get_args(Mode)
SCHEMES: dict[Mode, Qt.ColorScheme] = {
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
    "system": Qt.ColorScheme.Unknown,
}
"""Our modes in Qt's words, so that the system's own dialogues follow."""

FONTS = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf", "JetBrainsMono-Regular.ttf")
FAMILY, MONO = "Inter", "JetBrains Mono"


class Signals(QObject):
    """Told when the scheme changes; plots and painted widgets redraw then."""

    changed = Signal()


signals = Signals()
_state: dict[str, Mode] = {"mode": "system"}
_seen: dict[str, bool] = {}


def start(app: QApplication) -> None:
    """Dress the application in the remembered mode: fonts, Fusion, palette, style sheet."""
    prepare(app)
    finish()


def prepare(app: QApplication) -> None:
    """Everything but the style sheet. A window is built before the sheet is put on: with it, every widget that gets a
    parent is looked up anew with all its children, which takes four times as long."""
    for name in FONTS:
        QFontDatabase.addApplicationFont(str(place("assets") / "fonts" / name))
    font = QFont(FAMILY)
    font.setPixelSize(TEXT)
    app.setFont(font)
    app.setStyle("Fusion")
    app.styleHints().colorSchemeChanged.connect(_follow_system)
    remembered = QSettings().value("theme", "system")
    _state["mode"] = next((known for known in MODES if known == remembered), "system")
    app.styleHints().setColorScheme(SCHEMES[_state["mode"]])
    _seen.clear()
    app.setPalette(_palette(colours()))


def finish() -> None:
    """Put the style sheet on."""
    _dress()


def mode() -> Mode:
    """What the person chose."""
    return _state["mode"]


def set_mode(chosen: Mode) -> None:
    """Change to light, dark, or whatever the system has, and remember it."""
    _state["mode"] = chosen
    QSettings().setValue("theme", chosen)
    _application().styleHints().setColorScheme(SCHEMES[chosen])
    _dress()


def dark() -> bool:
    """Whether the scheme in use is the dark one. Remembered: every painted text asks, and the system answers slowly."""
    if "dark" not in _seen:
        _seen["dark"] = _looked()
    return _seen["dark"]


def _looked() -> bool:
    if _state["mode"] == "system":
        return _application().styleHints().colorScheme() == Qt.ColorScheme.Dark
    return _state["mode"] == "dark"


def colours() -> Colours:
    """The scheme in use."""
    return DARK if dark() else LIGHT


def colour(name: str) -> QColor:
    """One colour of the scheme by the name of its field in `Colours`."""
    return QColor(getattr(colours(), name))


def series(index: int) -> QColor:
    """The colour of the curve with this number; they repeat after eight."""
    found = SERIES_DARK if dark() else SERIES_LIGHT
    return QColor(found[index % len(found)])


def heat() -> tuple[QColor, ...]:
    """Colours of a matrix from its least to its greatest value, evenly spaced."""
    return tuple(QColor(name) for name in (HEAT_DARK if dark() else HEAT_LIGHT))


def diverging() -> tuple[QColor, ...]:
    """Colours of a difference from the most below zero to the most above, evenly spaced around zero."""
    return tuple(QColor(name) for name in (DIVERGING_DARK if dark() else DIVERGING_LIGHT))


def mono(size: int = TEXT - 1) -> QFont:
    """The font of code, logs and paths; `size` in pixels."""
    font = QFont(MONO)
    font.setPixelSize(size)
    font.setStyleHint(QFont.StyleHint.Monospace)
    return font


def label_font() -> QFont:
    """The font of small words beside or inside fields, for what is painted by hand."""
    font = QFont(FAMILY)
    font.setPixelSize(TEXT - 1)
    return font


def set_role(widget: W, role: Role) -> W:
    """Say what a widget is, so that the style sheet knows it; changing the role restyles it at once."""
    if widget.property("role") != role:
        again = widget.property("role") is not None
        widget.setProperty("role", role)
        if again:
            restyle(widget)
    return widget


def restyle(widget: QWidget) -> None:
    """Look up the style again after a property that the style sheet names has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def _application() -> QApplication:
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("theme needs a QApplication first")
    return app


def _follow_system() -> None:
    if _state["mode"] == "system":
        _dress()


def _dress() -> None:
    _seen.clear()
    app, scheme = _application(), colours()
    app.setStyleSheet("")  # replacing one sheet by another takes four times as long as from none
    app.setPalette(_palette(scheme))
    looks = place("assets") / "theme"
    sheet = (looks / "kdstudio.qss").read_text(encoding="utf-8")
    check = f'url("{(looks / TICKS[dark()]).as_posix()}")'
    sizes = {
        "radius": f"{RADIUS}px", "small_radius": f"{RADIUS - 2}px", "control": f"{CONTROL - 2}px", "mono": f'"{MONO}"',
        "check": check,
    }  # fmt: skip
    app.setStyleSheet(string.Template(sheet).substitute(asdict(scheme), **sizes))
    signals.changed.emit()


def _palette(scheme: Colours) -> QPalette:
    roles, palette = QPalette.ColorRole, QPalette()
    chosen = {
        roles.Window: scheme.window, roles.WindowText: scheme.text, roles.Base: scheme.surface,
        roles.AlternateBase: scheme.raised, roles.Text: scheme.text, roles.PlaceholderText: scheme.faint,
        roles.Button: scheme.surface, roles.ButtonText: scheme.text, roles.BrightText: scheme.problem,
        roles.Highlight: scheme.accent, roles.HighlightedText: scheme.on_accent, roles.Link: scheme.accent,
        roles.LinkVisited: scheme.accent, roles.ToolTipBase: scheme.raised, roles.ToolTipText: scheme.text,
        roles.Mid: scheme.line, roles.Midlight: scheme.raised, roles.Light: scheme.surface, roles.Dark: scheme.strong_line,
        roles.Shadow: scheme.strong_line, roles.Accent: scheme.accent,
    }  # fmt: skip
    for role, name in chosen.items():
        palette.setColor(role, QColor(name))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(scheme.faint))
    return palette
