"""The cards at the top of Set up: dataset, teacher, student. Each shows the choice and what it comes to; the methods have a
card of their own (`method_stack`)."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from engine.experiment import section_specs
from kdstudio import theme
from kdstudio.field_menu import FieldMenu
from kdstudio.fields import ChoiceField, mark_wrong
from kdstudio.screens.setup import outline
from kdstudio.settings_index import NO_TEACHER
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.icons import IconButton, IconLabel
from kdstudio.widgets.texts import Elided, label, sentence_case, wrapped


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
        section, _, setting = path.rpartition(".")
        spec = next(spec for spec in section_specs(section) if spec.name == setting)
        self.menu = FieldMenu(path, spec, store, self.editor)
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
        if card is None:
            return ()
        first, *more = outline.dataset_facts(card, values) or ("",)
        return (first + outline.resized(card, self._store.resolved().experiment, self._store.catalogue), *more)


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
