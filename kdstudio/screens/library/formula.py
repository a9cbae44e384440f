"""Formulas: plain text with `x_t` and `x^{T}`, shown as mathematics is set."""

from __future__ import annotations

import re
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel

from kdstudio import theme

_PIECE = re.compile(r"(?P<where>[_^])(?:\{(?P<many>[^{}]*)\}|(?P<one>\S))|(?P<letter>(?<![A-Za-z'])[A-Za-z][̀-ͯ]?(?![A-Za-z]))")
"""What stands low or high, or a letter by itself, which is a variable."""


def html(text: str) -> str:
    """A formula as rich text: variables in italics, what is low and high small, a line each. Two blanks are a wide one."""
    return "".join(f'<p style="line-height: 130%; margin: 0">{_line(line)}</p>' for line in text.splitlines())


def _line(text: str) -> str:
    made, at = [], 0
    for found in _PIECE.finditer(text):
        made.append(_upright(text[at : found.start()]))
        made.append(_set(found))
        at = found.end()
    return "".join([*made, _upright(text[at:])])


def _set(found: re.Match[str]) -> str:
    if found["letter"]:
        return f"<i>{escape(found['letter'])}</i>"
    tag = "sub" if found["where"] == "_" else "sup"
    return f"<{tag}>{_line(found['many'] if found['many'] is not None else found['one'])}</{tag}>"


def _upright(text: str) -> str:
    return escape(text, quote=False).replace("  ", "&nbsp;&nbsp; ")


def plain(text: str) -> str:
    """A formula to be read out."""
    return re.sub(r"[{}]", "", text)


class Formula(QLabel):
    """A formula on as many lines as it has, longer ones wrapped; its text can be selected."""

    def __init__(self, text: str) -> None:
        super().__init__(html(text))
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setAccessibleName("Formula")
        self.setAccessibleDescription(plain(text))
        font = QFont(theme.FAMILY)
        font.setPixelSize(theme.TEXT + 3)
        self.setFont(font)
