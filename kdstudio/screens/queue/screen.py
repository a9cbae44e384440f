"""Queue: what runs, what waits and for what; order it, edit it, take out of it, and let one entry follow on another."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QHideEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QListView, QMenu, QStackedWidget, QWidget

from engine.queue import Entry
from engine.sweeps.estimate import in_words
from kdstudio import commands, theme
from kdstudio.queue.devices import Devices
from kdstudio.queue.queueing import Queue
from kdstudio.screens.queue import menu as queue_menu
from kdstudio.screens.queue.lines import QueueLines
from kdstudio.screens.queue.model import QueueModel, movable
from kdstudio.widgets import asking, boxes
from kdstudio.widgets.empty import EmptyState
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import label, wrapped

PACE = 500
"""Milliseconds between two looks at how far the runs have come, while the screen is seen."""

RESTING = "Nothing new begins."
GOING = "Each entry begins when those before it are over."


class QueueScreen(QWidget):
    """The queue of this window. What concerns other screens comes out as signals that carry the key of an entry;
    `follow_requested` also says what is to follow on it: distil, start or quantize."""

    setup_requested = Signal()
    edit_requested = Signal(str)
    watch_requested = Signal(str)
    controls_requested = Signal(str)
    follow_requested = Signal(str, str)

    def __init__(self, queue: Queue, devices: Devices) -> None:
        super().__init__()
        theme.set_role(self, "plain")
        self.queue, self.further = queue, devices
        self.model = QueueModel(queue.desk_of)
        self.view = QListView()
        self.count = label("", "muted")
        self.state = wrapped("", "muted")
        self.go = TextButton("Go on", "primary", "play")
        self.rest = TextButton("Pause after this run", "secondary", "pause")
        self.undo = TextButton("Undo removal", "secondary", "reset")
        self.clear = TextButton("Clear finished", "secondary")
        self.devices = TextButton("Devices", "secondary", "device")
        self.up = IconButton("up", "Move up")
        self.down = IconButton("down", "Move down")
        self.edit = IconButton("edit", "Edit in Set up")
        self.remove = IconButton("close", "Remove from the queue")
        self.more = IconButton("more", "What else can be done with it")
        self.controls = TextButton("Queue controls", "secondary", "clone")
        self.controls.setToolTip(
            "Runs on the same seeds with one thing taken away: labels alone, no term, an untrained teacher…"
        )
        self.watch = TextButton("Watch", "secondary", "run")
        self._pages = QStackedWidget()
        self._timer = QTimer(self)
        self._timer.setInterval(PACE)
        self._timer.timeout.connect(self.refresh)
        self._prepare_view()
        self._lay_out()
        self._wire()
        self.refresh()

    # Showing

    def refresh(self) -> None:
        """Show the queue as it stands."""
        keys = self.keys()
        if self.model.show(self.queue.listing):
            self.choose(keys)
        entries = self.queue.listing.entries
        self._pages.setCurrentIndex(1 if entries else 0)
        waiting = self.queue.listing.waiting()
        hours = sum(e.estimate for e in waiting)
        known = (
            f", about {in_words(hours)}" if waiting and all(e.estimate or e.what == "export" for e in waiting) and hours else ""
        )
        self.count.setText(f"{len(waiting)} waiting{known}" if waiting else "nothing waits" if entries else "")
        self.state.setText(self._said(bool(waiting)))
        self._allow()

    def keys(self) -> list[str]:
        """The chosen entries, in order."""
        rows = sorted(i.row() for i in self.view.selectionModel().selectedRows())
        return [self.model.lines[row].entry.key for row in rows if row < len(self.model.lines)]

    def choose(self, keys: list[str]) -> None:
        """Choose entries by their keys."""
        picked = self.view.selectionModel()
        for key in keys:
            row = self.model.row_of(key)
            if row >= 0:
                picked.select(self.model.index(row), QItemSelectionModel.SelectionFlag.Select)
                self.view.setCurrentIndex(self.model.index(row)) if len(keys) == 1 else None

    def chosen(self) -> Entry | None:
        """The one chosen entry; None where there are none or several."""
        keys = self.keys()
        return self.queue.listing.entry(keys[0]) if len(keys) == 1 else None

    def _said(self, waiting: bool) -> str:
        running = bool(self.queue.listing.running())
        if self.queue.going:
            return GOING if waiting else ""
        return f"{RESTING} What runs ends first." if running else RESTING if waiting else ""

    def _allow(self) -> None:
        entry, keys = self.chosen(), self.keys()
        moving = entry is not None and movable(entry)
        self.up.setEnabled(moving)
        self.down.setEnabled(moving)
        self.edit.setEnabled(entry is not None and entry.what == "train" and entry.state != "running" and not entry.resume)
        self.remove.setEnabled(bool(keys) and all(self._removable(key) for key in keys))
        self.more.setEnabled(entry is not None)
        self.controls.setEnabled(entry is not None and entry.what == "train")
        self.watch.setEnabled(entry is not None and bool(entry.runs or entry.resume or self.queue.desk_of(entry.key)))
        self.watch.setText("Watch" if entry is None or entry.state == "running" else "Open run")
        waits = bool(self.queue.listing.waiting())
        self.go.setVisible(not self.queue.going)
        self.go.setEnabled(waits or bool(self.queue.listing.running()))
        self.rest.setVisible(self.queue.going)
        self.rest.setEnabled(waits or bool(self.queue.listing.running()))
        self.devices.setVisible(bool(self.further.known))
        self.undo.setVisible(bool(self.queue.listing.removed))
        self.clear.setVisible(any(e.over for e in self.queue.listing.entries))

    def _removable(self, key: str) -> bool:
        entry = self.queue.listing.entry(key)
        return entry is not None and entry.state != "running"

    # Doing

    def shift(self, by: int) -> None:
        """Move the chosen entry."""
        entry = self.chosen()
        if entry is not None:
            self.queue.move(entry.key, by)

    def take_out(self) -> None:
        """Remove the chosen entries."""
        keys, row = self.keys(), self.view.currentIndex().row()
        self.queue.remove(keys)
        if self.model.lines:
            self.view.setCurrentIndex(self.model.index(min(row, len(self.model.lines) - 1)))

    def menu(self) -> QMenu:
        """What can be done with the chosen entry."""
        entry = self.chosen()
        return (
            QMenu(self) if entry is None else queue_menu.of_entry(self, self.queue, entry, self.follow_requested, self._export)
        )

    def device_menu(self) -> QMenu:
        """Further devices, ticked where entries run on them."""
        return queue_menu.of_devices(self, self.further, self._use)

    def _use(self, device: str) -> None:
        refusal = self.further.use(device, not self.further.used(device))
        if refusal:
            asking.tell(self, "Still busy", refusal)

    def _export(self, key: str) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Export the student into this folder", str(Path.home()))
        if chosen:
            self.queue.export(key, Path(chosen))

    def _ask(self, signal: SignalInstance) -> None:
        for key in self.keys():
            signal.emit(key)

    def _open_menu(self, at: QPoint) -> None:
        if self.chosen() is not None:
            self.menu().popup(at)

    def _activated(self) -> None:
        entry = self.chosen()
        if entry is None:
            return
        if entry.state == "running" or entry.over:
            self.watch.click()
        elif self.edit.isEnabled():
            self.edit_requested.emit(entry.key)

    # Making

    def _prepare_view(self) -> None:
        view = self.view
        view.setModel(self.model)
        view.setItemDelegate(QueueLines(view))
        view.setAccessibleName("Queue")
        view.setMouseTracking(True)
        view.setFrameShape(QListView.Shape.NoFrame)
        theme.set_role(view, "clear")
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        view.setDefaultDropAction(Qt.DropAction.MoveAction)
        view.setDropIndicatorShown(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setSpacing(theme.HALF // 2)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def _wire(self) -> None:
        self.queue.changed.connect(self.refresh)
        self.further.changed.connect(self.refresh)
        self.devices.clicked.connect(
            lambda: self.device_menu().popup(self.devices.mapToGlobal(QPoint(0, self.devices.height())))
        )
        self.model.dropped.connect(self.queue.place)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._allow())
        self.view.activated.connect(lambda _: self._activated())
        self.view.customContextMenuRequested.connect(lambda at: self._open_menu(self.view.viewport().mapToGlobal(at)))
        self.go.clicked.connect(self.queue.go)
        self.rest.clicked.connect(self.queue.rest)
        self.undo.clicked.connect(self.queue.undo)
        self.clear.clicked.connect(self.queue.clear)
        self.up.clicked.connect(lambda: self.shift(-1))
        self.down.clicked.connect(lambda: self.shift(1))
        self.remove.clicked.connect(self.take_out)
        self.more.clicked.connect(lambda: self._open_menu(self.more.mapToGlobal(QPoint(0, self.more.height()))))
        self.edit.clicked.connect(lambda: self._ask(self.edit_requested))
        self.controls.clicked.connect(lambda: self._ask(self.controls_requested))
        self.watch.clicked.connect(lambda: self._ask(self.watch_requested))
        for button, words, keys in (
            (self.up, "Move up in the queue", "Alt+Up"), (self.down, "Move down in the queue", "Alt+Down"),
            (self.remove, "Remove from the queue", QKeySequence.StandardKey.Delete),
            (self.undo, "Undo the removal", QKeySequence.StandardKey.Undo), (self.edit, "Edit the entry in Set up", "Ctrl+E"),
            (self.go, "Go on with the queue", ""), (self.rest, "Pause the queue after this run", ""),
            (self.clear, "Clear what is finished", ""), (self.watch, "Watch the run of the entry", ""),
            (self.controls, "Queue the controls of the entry", ""),
        ):  # fmt: skip
            commands.press(self, button, words, keys=keys)
        theme.signals.changed.connect(self.view.viewport().update)

    def _lay_out(self) -> None:
        head = boxes.row(theme.SPACE)
        head.addWidget(label("Queue", "title"))
        head.addWidget(self.count, 1)
        for part in (self.devices, self.undo, self.clear, self.rest, self.go):
            head.addWidget(part)
        tools = boxes.row(theme.HALF)
        tools.addWidget(self.state, 1)
        for tool in (self.up, self.down, self.edit, self.remove, self.more, self.controls, self.watch):
            tools.addWidget(tool)
        body = QWidget()
        inner = boxes.column(theme.SPACE, body)
        inner.addLayout(tools)
        inner.addWidget(self.view, 1)
        setup = TextButton("Set up an experiment", "primary", "setup")
        setup.clicked.connect(self.setup_requested)
        self._pages.addWidget(EmptyState("queue", "The queue is empty", EMPTY, setup))
        self._pages.addWidget(body)
        content = QWidget()
        content.setMaximumWidth(theme.READABLE)
        column = boxes.column(theme.GAP, content)
        boxes.pad(column, *theme.PAGE)
        column.addLayout(head)
        column.addWidget(self._pages, 1)
        boxes.centred(content, self)

    def showEvent(self, event: QShowEvent) -> None:
        """Follow the runs while the screen is seen."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: rest."""
        super().hideEvent(event)
        self._timer.stop()


EMPTY = (
    "Start an experiment while another one runs, and it waits here for its turn. A setting's menu in Set up sweeps it over "
    "several values; an entry's menu here queues its controls, or lets another one go on from its student."
)
