"""The entries of the queue as Qt sees them: in their order, each with a line of what it is and one of how it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt, Signal

from engine.queue import Entry, Listing, order
from engine.sweeps.estimate import in_words
from kdstudio.queue.desk import Desk

Index = QModelIndex | QPersistentModelIndex
LINE = Qt.ItemDataRole.UserRole
MIME = "application/x-kdstudio-queue"

TONES = {
    "waiting": "faint", "held": "accent", "running": "accent", "done": "good", "stopped": "warning", "failed": "problem",
    "refused": "problem",
}  # fmt: skip
WORDS = {
    "waiting": "waiting", "held": "being edited", "running": "running", "done": "done", "stopped": "stopped",
    "failed": "failed", "refused": "refused",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """An entry as it is shown: its title, what it is, how it stands in a word and a sentence, how far it has come (from 0 to 1,
    below 0: it does not run here), and how long."""

    entry: Entry
    title: str
    gist: str
    state: str
    tone: str
    sentence: str
    share: float
    time: str


def line(listing: Listing, entry: Entry, number: int, desk: Desk | None) -> Line:
    """How an entry is shown; `number` is its place among those that wait, from 1."""
    blocked = order.blocked(listing, entry) if entry.state == "waiting" else ""
    state, sentence = WORDS[entry.state], entry.sentence or blocked
    if entry.state == "waiting":
        state = f"{_ordinal(number)} in line" if not blocked else "waits"
        sentence = " ".join(part for part in (entry.sentence, blocked) if part)
    if entry.state == "running":
        sentence = _running(entry, desk)
    seeds = f"seeds {entry.seed} to {entry.seed + entry.repeats - 1}" if entry.repeats > 1 else f"seed {entry.seed}"
    about = entry.folder if entry.what == "export" else f"{entry.gist} · {seeds}"
    tone = "warning" if blocked and order.stuck(listing, entry) else TONES[entry.state]
    share = desk.share if desk is not None else -1.0
    return Line(entry, entry.title, about, state, tone, sentence, share, _time(entry))


def _running(entry: Entry, desk: Desk | None) -> str:
    where = f"on {entry.on}" if entry.on not in ("", "export") else ""
    if desk is None:
        return where or ("" if entry.what == "export" else "In another window.")
    done = f"run {len(entry.runs) or 1} of {entry.repeats}" if entry.repeats > 1 else ""
    return " · ".join(part for part in (desk.word or "starting", done, where) if part)


def _time(entry: Entry) -> str:
    if entry.over:
        return in_words(entry.seconds) if entry.seconds else ""
    return f"about {in_words(entry.estimate)}" if entry.estimate else ""


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


class QueueModel(QAbstractListModel):
    """`dropped` carries the keys that were dragged, and the place among those that wait where they were let go."""

    dropped = Signal(list, int)

    def __init__(self, desk_of: Callable[[str], Desk | None]) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self._desk_of = desk_of

    def show(self, listing: Listing) -> bool:
        """Show a listing; whether other entries stand there now, or in another order."""
        numbers = {e.key: n for n, e in enumerate((e for e in listing.entries if movable(e)), 1)}
        made = [line(listing, e, numbers.get(e.key, 0), self._desk_of(e.key)) for e in listing.entries]
        same = [one.entry.key for one in made] == [one.entry.key for one in self.lines]
        if not same:
            self.beginResetModel()
            self.lines = made
            self.endResetModel()
        elif made != self.lines:
            changed = [n for n, pair in enumerate(zip(made, self.lines)) if pair[0] != pair[1]]
            self.lines = made
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
        return not same

    def row_of(self, key: str) -> int:
        """Where an entry stands; -1 where it does not."""
        return next((n for n, one in enumerate(self.lines) if one.entry.key == key), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own default)
        """One row an entry."""
        return 0 if parent.isValid() else len(self.lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Words for who reads them out, the line for who paints it."""
        one = self.lines[index.row()]
        if role == LINE:
            return one
        if role == Qt.ItemDataRole.DisplayRole:
            return one.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(part for part in (one.title, one.gist, one.sentence) if part)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (one.title, one.state, one.sentence, one.gist) if part)
        return None

    # Dragging

    def flags(self, index: Index) -> Qt.ItemFlag:
        """What waits can be dragged, and let go between others."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return flags | Qt.ItemFlag.ItemIsDragEnabled if movable(self.lines[index.row()].entry) else flags

    def supportedDropActions(self) -> Qt.DropAction:
        """They are moved."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        """Nothing but entries of this queue."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # type: ignore[override]
        """Their keys."""
        carried = QMimeData()
        carried.setData(MIME, " ".join(self.lines[i.row()].entry.key for i in sorted(indexes)).encode())
        return carried

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """Say where they were let go; the queue moves them, and the model follows it."""
        if not data.hasFormat(MIME):
            return False
        keys = bytes(data.data(MIME).data()).decode().split()
        at = row if row >= 0 else parent.row() if parent.isValid() else len(self.lines)
        place = sum(1 for one in self.lines[:at] if movable(one.entry) and one.entry.key not in keys)
        self.dropped.emit(keys, place)
        return False  # else the view would take the rows out itself


def movable(entry: Entry) -> bool:
    """Whether an entry has a place in the line."""
    return entry.state in ("waiting", "held")
