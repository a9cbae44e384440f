"""The order in which Tab goes through a window: as one reads, whatever the order in which its parts were made.

Qt's own order is that of construction, which a screen that is built anew piece by piece does not keep. Here the order is
found when Tab is pressed. What holds others stays together: within each widget its parts are cut into rows from the top, a
row into columns from the left, a column into rows again, until every part stands alone.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QScrollArea, QWidget

TOUCH = 4
"""Pixels by which neighbours may reach into each other and still stand apart."""

Part = tuple[QRect, list[QWidget]]
"""Where a part of a widget is, and what of it Tab reaches, in order."""


def step(root: QWidget, *, forward: bool) -> bool:
    """Give the keyboard to what comes after, or before, the widget of a window that has it, round and round. Whether there was
    anything to go to."""
    here = root.focusWidget()
    found = _stops(root, here)
    if not found:
        return False
    start = found.index(here) if here in found else -1 if forward else 0
    there = found[(start + (1 if forward else -1)) % len(found)]
    there.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    _show(there)
    return True


def order(root: QWidget) -> list[QWidget]:
    """What Tab reaches in a widget that is shown, as one reads."""
    return _stops(root, None)


def _stops(root: QWidget, also: QWidget | None) -> list[QWidget]:
    """What Tab reaches, and a widget that it does not but that has the keyboard all the same."""
    parts: list[Part] = []
    for child in root.children():
        if isinstance(child, QWidget) and not child.isWindow() and child.isVisible() and child.isEnabled():
            inside = _stops(child, also)
            if inside:
                parts.append((child.geometry(), inside))
    return [*([root] if _takes(root) or root is also else []), *_read(parts)]


def _takes(widget: QWidget) -> bool:
    tab = Qt.FocusPolicy.TabFocus
    return not widget.isWindow() and widget.focusPolicy() & tab == tab and widget.focusProxy() is None


def _read(parts: list[Part]) -> list[QWidget]:
    """The parts of one widget as one reads: rows before columns."""
    if len(parts) < 2:
        return [widget for _, inside in parts for widget in inside]
    for start, end in (QRect.top, QRect.bottom), (QRect.left, QRect.right):
        groups = _cut(parts, start, end)
        if len(groups) > 1:
            return [widget for group in groups for widget in _read(group)]
    return [widget for _, inside in sorted(parts, key=lambda part: (part[0].top(), part[0].left())) for widget in inside]


def _cut(parts: list[Part], start: Callable[[QRect], int], end: Callable[[QRect], int]) -> list[list[Part]]:
    """Groups with room between them along one direction."""
    groups: list[list[Part]] = []
    reach = 0
    for part in sorted(parts, key=lambda part: start(part[0])):
        if not groups or start(part[0]) > reach - TOUCH:
            groups.append([])
            reach = end(part[0])
        groups[-1].append(part)
        reach = max(reach, end(part[0]))
    return groups


def _show(widget: QWidget) -> None:
    """Scroll to a widget, where it is in something that scrolls."""
    above = widget.parentWidget()
    while above is not None and not above.isWindow():
        if isinstance(above, QScrollArea):
            above.ensureWidgetVisible(widget)
        above = above.parentWidget()
