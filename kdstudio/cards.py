"""The cards at the top of Set up: dataset, teacher, student, methods. Each shows the choice and what it comes to."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QMenu, QWidget

from kdstudio import boxes, outline, theme
from kdstudio.fields import ChoiceField, mark_wrong
from kdstudio.icons import IconButton, IconLabel, TextButton
from kdstudio.store import Store
from kdstudio.texts import Elided, chip, label, sentence_case, wrapped

NO_TEACHER = "none"


class Card(QFrame):
    """A heading with an icon, and room below; the gear asks for the settings that belong to it."""

    settings_requested = Signal()

    def __init__(self, words: str, name: str, gear: str = "") -> None:
        super().__init__()
        theme.set_role(self, "card")
        self.column = boxes.column(theme.SPACE, self)
        self.column.setContentsMargins(theme.GAP, theme.GAP - theme.HALF, theme.GAP, theme.GAP)
        row = QWidget()
        row.setFixedHeight(theme.SPACE * 3 + theme.HALF)
        head = boxes.row(theme.SPACE, row)
        head.addWidget(IconLabel(name, "faint"))
        head.addWidget(label(words.upper(), "overline"))
        head.addStretch(1)
        if gear:
            button = IconButton("setup", gear)
            button.clicked.connect(self.settings_requested)
            head.addWidget(button)
        self.column.addWidget(row)

    def refresh(self) -> None:
        """Show what the store says."""
        raise NotImplementedError


class ChoiceCard(Card):
    """A card whose one setting is chosen in a list, with a few facts under it."""

    def __init__(self, words: str, name: str, path: str, store: Store) -> None:
        super().__init__(words, name, f"{words}: all settings")
        self.path, self._store, self._offered = path, store, store.catalogue
        self.editor = ChoiceField(self.choices())
        self.editor.setAccessibleName(words)
        self.editor.edited.connect(lambda value: store.set_value(path, value))
        self.column.addWidget(self.editor)
        self.wrong = wrapped("", "problem")
        self.column.addWidget(self.wrong)
        self._lines: list[Elided] = []
        self._facts = boxes.column(theme.HALF)
        self.column.addLayout(self._facts)
        self.column.addStretch(1)

    def choices(self) -> dict[str, str]:
        """What the catalogue offers here; the kinds of card differ in this and in their facts."""
        raise NotImplementedError

    def facts(self) -> tuple[str, ...]:
        """What the choice comes to."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show the choice, its facts, and what is wrong with it; offer what the catalogue holds by now."""
        if self._offered is not self._store.catalogue:
            self._offered = self._store.catalogue
            self.editor.set_choices(self.choices())
        self.editor.show_value(self._store.value(self.path))
        problem = self._store.problem(self.path)
        self.wrong.setText(problem[:1].upper() + problem[1:])
        self.wrong.setVisible(bool(problem))
        mark_wrong(self.editor, bool(problem))
        self._show(self.facts())

    def _size(self, who: str) -> str:
        """How large the teacher or the student is on the chosen images."""
        return outline.net_facts(who, self._store.resolved().experiment, self._store.catalogue)

    def _show(self, facts: tuple[str, ...]) -> None:
        while len(self._lines) < len(facts):
            self._lines.append(Elided("", "muted"))
            self._facts.addWidget(self._lines[-1])
        for index, line in enumerate(self._lines):
            line.setText(facts[index] if index < len(facts) else "")
            line.setVisible(index < len(facts))


class DatasetCard(ChoiceCard):
    """Which images."""

    def __init__(self, store: Store) -> None:
        super().__init__("Dataset", "dataset", "dataset.name", store)

    def choices(self) -> dict[str, str]:
        """Every dataset."""
        return {key: card.title for key, card in self._store.catalogue.datasets.items()}

    def facts(self) -> tuple[str, ...]:
        """Classes, size, counts."""
        values = self._store.values("dataset")
        card = self._store.catalogue.datasets.get(values["name"])
        return outline.dataset_facts(card, values) if card else ()


class TeacherCard(ChoiceCard):
    """Who teaches, if any net does."""

    def __init__(self, store: Store) -> None:
        super().__init__("Teacher", "teacher", "teacher.net", store)

    def choices(self) -> dict[str, str]:
        """No teacher, and every net."""
        return {NO_TEACHER: "No teacher net"} | {key: card.title for key, card in self._store.catalogue.nets.items()}

    def facts(self) -> tuple[str, ...]:
        """Size and source, or who teaches instead."""
        values = self._store.values("teacher")
        card = self._store.catalogue.nets.get(values["net"])
        if card is None:
            instead = outline.teaching(self._store.resolved().experiment, self._store.catalogue)
            return (f"{instead} teaches instead",) if instead else ("None needed",)
        return (self._size("Teacher"), *outline.source_facts("teacher", values, self._store.value("dataset.name")))


class StudentCard(ChoiceCard):
    """What is trained."""

    def __init__(self, store: Store) -> None:
        super().__init__("Student", "student", "student.net", store)

    def choices(self) -> dict[str, str]:
        """Every net."""
        return {key: card.title for key, card in self._store.catalogue.nets.items()}

    def facts(self) -> tuple[str, ...]:
        """Size, and how much smaller than the teacher."""
        nets, values = self._store.catalogue.nets, self._store.values("student")
        card, teacher = nets.get(values["net"]), nets.get(self._store.value("teacher.net"))
        if card is None:
            return ()
        compared = outline.saving(card, teacher) if teacher else "Starts from fresh weights"
        origin = outline.source_facts("student", values, self._store.value("dataset.name"))
        comes_to = outline.of(self._store.resolved().experiment, self._store.catalogue)
        small = (sentence_case(comes_to.quantized),) if comes_to and comes_to.quantized else ()
        return (self._size("Student"), *(origin or (compared,)), *small)


class MethodsCard(Card):
    """The stack of methods: add, reorder, remove."""

    method_requested = Signal(str)

    def __init__(self, store: Store) -> None:
        super().__init__("Methods", "method")
        self._store = store
        self._shown: tuple[str, ...] | None = None
        self.alone = wrapped("Labels alone: the student is trained without distillation.", "muted")
        self.column.addWidget(self.alone)
        self.rows = boxes.column(theme.HALF)
        self.column.addLayout(self.rows)
        self.add = TextButton("Add a method", "link", "plus")
        self.menu = QMenu(self.add)
        self.menu.setToolTipsVisible(True)
        self.add.clicked.connect(self._offer)
        self.column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addStretch(1)

    def refresh(self) -> None:
        """Show the stack; rows are made anew only where it changed."""
        stack = self._store.stack()
        self.alone.setVisible(not stack)
        self.add.setEnabled(any(key not in stack for key in self._store.catalogue.methods))
        if stack == self._shown:
            return
        self._shown = stack
        boxes.empty(self.rows)
        for index, key in enumerate(stack):
            self.rows.addWidget(self._row(index, key, len(stack)))

    def _row(self, index: int, key: str, count: int) -> QWidget:
        card = self._store.catalogue.methods[key]
        row = QWidget()
        line = boxes.row(0, row)
        number = chip(str(index + 1))
        title = TextButton(card.title, "quiet")
        title.setToolTip(f"<p>{card.summary}</p>")
        title.clicked.connect(lambda: self.method_requested.emit(key))
        line.addWidget(number)
        line.addWidget(title)
        line.addStretch(1)
        if count > 1:
            line.addWidget(self._action("up", f"Move {card.title} up", index > 0, lambda: self._store.move_method(key, -1)))
            line.addWidget(
                self._action("down", f"Move {card.title} down", index < count - 1, lambda: self._store.move_method(key, 1))
            )
        line.addWidget(self._action("close", f"Remove {card.title}", True, lambda: self._store.remove_method(key)))
        return row

    def _action(self, name: str, words: str, enabled: bool, call: Callable[[], None]) -> IconButton:
        button = IconButton(name, words, size=theme.ICON_SMALL)
        button.setEnabled(enabled)
        button.clicked.connect(call, Qt.ConnectionType.QueuedConnection)
        return button

    def _offer(self) -> None:
        """The methods that are not in the stack yet, in a menu."""
        self.menu.clear()
        for key, card in self._store.catalogue.methods.items():
            if key not in self._store.stack():
                action = QAction(card.title, self.menu)
                action.setToolTip(f"<p>{card.summary}</p>")
                action.triggered.connect(lambda _=False, key=key: self._store.add_method(key))
                self.menu.addAction(action)
        self.menu.popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))
