"""The shelf of presets: shipped ones and the person's own, to open, copy, and throw away with a way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from engine import presets
from engine.presets import PresetError, PresetName, own, places
from kdstudio import theme
from kdstudio.background.chores import Chores
from kdstudio.quantities import grouped
from kdstudio.screens.library import paper
from kdstudio.screens.library.paper import Page
from kdstudio.screens.library.shelf import Item, Shelf
from kdstudio.store import Store
from kdstudio.widgets import asking

KINDS = {"experiments": "experiment", "datasets": "dataset", "pairs": "pair of nets", "methods": "method", "sweeps": "sweep"}
OWN = "Your own"
WRAPPED = 84
"""Letters after which a line of a preset is taken to go on below."""
LINES = 28
"""Lines of a preset that are shown without scrolling."""


class PresetShelf(Shelf):
    """Every preset. `discarded` carries what was thrown away."""

    title, icon = "Presets", "file"
    discarded = Signal(object)

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(store, parent)
        self.found: dict[str, PresetName] = {}
        self._seen: dict[str, float] = {}
        self._chores = Chores(self, at_once=1)
        self._chores.failed.connect(self.failed)

    def items(self) -> list[Item]:
        """The person's own first, then the shipped ones by their kind."""
        every = sorted(self.found.values(), key=lambda p: p.shipped)
        return [_item(preset) for preset in every]

    def page(self, key: str) -> QWidget:
        """A preset: what it says of itself, what it stands on, and its text."""
        preset = self.found[key]
        chips = [(KINDS[preset.kind], ""), ("came with kdstudio", "") if preset.shipped else ("your own", "good")]
        page = Page(preset.title, preset.name, chips)
        tree: Mapping[str, Any] = {} if preset.problem else places.read(preset.path).tree
        page.say(str(tree.get("notes") or ""))
        page.say(preset.problem, "problem")
        page.buttons(*self._buttons(preset))
        page.add(paper.section("Facts", paper.facts(_facts(preset, tree))), paper.section("File", _text(preset)))
        return page.end()

    def refresh(self) -> None:
        """Read the folders again."""
        self._chores.do(_read, self._take)

    def end(self) -> None:
        """Wait for what is being read."""
        self._chores.wait()

    def duplicate(self, key: str, title: str) -> str:
        """Copy a preset under a title; a refusal, or nothing."""
        try:
            own.duplicate(key, title)
        except (PresetError, OSError) as error:
            return str(error)
        self.refresh()
        return ""

    def discard(self, key: str) -> None:
        """Throw one of the person's own away."""
        try:
            gone = own.discard(key)
        except (PresetError, OSError) as error:
            asking.tell(self.parent(), "This preset cannot be thrown away", str(error))  # type: ignore[arg-type]
            return
        self.discarded.emit(gone)
        self.refresh()

    def _take(self, found: dict[PresetName, float]) -> None:
        """The presets with the time of their files; nothing is said where nothing changed."""
        seen = {preset.name: written for preset, written in found.items()}
        if seen != self._seen:
            self.found, self._seen = {preset.name: preset for preset in found}, seen
            self.changed.emit()

    def _buttons(self, preset: PresetName) -> list[QWidget]:
        key = preset.name
        made: list[QWidget] = []
        if preset.kind == "experiments":
            use = paper.button("Open in Set up", lambda: self.opened.emit(key), "primary")
            use.setEnabled(not preset.problem)
            made.append(use)
        copy = paper.button("Duplicate…", lambda: self._ask_title(preset), icon="clone")
        copy.setEnabled(not preset.problem)
        made.append(copy)
        made.append(paper.reveal(preset.path))
        if not preset.shipped:
            made.append(paper.button("Delete", lambda: self.discard(key), "danger", "close"))
        return made

    def _ask_title(self, preset: PresetName) -> None:
        parent = self.parent()
        assert isinstance(parent, QWidget)
        sheet = asking.NameSheet(
            parent.window(), f"{preset.title} copy", lambda title: own.free(preset.kind, title),
            lambda title: self.duplicate(preset.name, title),
        )  # fmt: skip
        sheet.open()


def _read() -> dict[PresetName, float]:
    """Every preset with the time its file was written. Raises OSError."""
    return {preset: preset.path.stat().st_mtime for preset in presets.names(own.EVERY)}


def _item(preset: PresetName) -> Item:
    kind = KINDS[preset.kind]
    group = OWN if not preset.shipped else f"{kind.capitalize()}s" if kind != "pair of nets" else "Pairs of nets"
    tag, tone = ("to mend", "problem") if preset.problem else ("own", "good") if not preset.shipped else ("", "")
    return Item(preset.name, preset.title, preset.name, group, tag, tone)


def _facts(preset: PresetName, tree: Mapping[str, Any]) -> list[tuple[str, paper.Cell]]:
    extends = tree.get("extends") or ()
    expected = tree.get("expected")
    stands = ", ".join(map(str, extends)) if isinstance(extends, list) else ""
    said = f"{expected['top1']} % ({expected['source']})" if isinstance(expected, dict) and "top1" in expected else ""
    lines = len(preset.path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [
        ("Stands on", stands or "nothing but the defaults"), ("Published", said),
        ("File", paper.code(str(preset.path), "the path")), ("Length", f"{grouped(lines)} lines"),
    ]  # fmt: skip


def _text(preset: PresetName) -> QPlainTextEdit:
    """The file as it is, to read and to copy."""
    text = preset.path.read_text(encoding="utf-8", errors="replace")
    made = theme.set_role(QPlainTextEdit(text), "mono")
    made.setReadOnly(True)
    made.setAccessibleName("Text of the preset")
    made.setTabChangesFocus(True)
    lines = min(LINES, 2 + sum(1 + len(line) // WRAPPED for line in text.splitlines()))
    made.setFixedHeight(lines * (theme.TEXT + theme.HALF) + theme.MARGIN)
    return made
