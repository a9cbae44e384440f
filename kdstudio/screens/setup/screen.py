"""Set up: pick an experiment, change what you like, start it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from engine.experiment import CE_WEIGHT, section_specs
from kdstudio import settings_index, theme
from kdstudio.screens.setup.cards import Card, ChoiceCard, DatasetCard, StudentCard, TeacherCard
from kdstudio.screens.setup.header import Header
from kdstudio.screens.setup.method_stack import MethodsCard
from kdstudio.screens.setup.pipeline_card import PipelineCard
from kdstudio.screens.setup.plan import Plan
from kdstudio.screens.setup.sections import Section
from kdstudio.screens.setup.taking import Taking
from kdstudio.settings_index import NO_TEACHER, TEACHER
from kdstudio.store import Store
from kdstudio.widgets import boxes
from kdstudio.widgets.columns import Columns
from kdstudio.widgets.finder import Finder, below

ON_CARDS = ("dataset.name", "teacher.net", "student.net")
"""Settings that are chosen on a card and not in a form."""
FIXED = (
    ("training", "Training"),
    ("dataset", "Dataset"),
    ("teacher", "Teacher"),
    ("student", "Student"),
    ("student.quantize", "Quantization"),
    ("run", "Run"),
)
"""Sections below those of the methods: prefix, title."""

FOUND = theme.SPACE * 72
"""Width of the list of all settings."""
HIGH = theme.SPACE * 70
"""Height of it, at most."""


class SetupScreen(QWidget):
    """Header, cards, sections, and the plan at the side. `start_requested` carries a Resolved, `sweep_requested` the dotted
    path of the setting whose values are to be tried."""

    start_requested = Signal(object)
    sweep_requested = Signal(str)

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.header = Header(store)
        self.cards: tuple[Card, ...] = (DatasetCard(store), TeacherCard(store), StudentCard(store), MethodsCard(store))
        self.pipeline = PipelineCard(store)
        self.fixed = {prefix: self._section(prefix, title) for prefix, title in FIXED}
        self.methods: dict[str, Section] = {}
        self.plan = Plan(store)
        self.taking = Taking(store, self.header.files, self)
        self._finder: Finder | None = None
        self._lay_out()
        self._connect()
        if store.opened():
            self._show_preset()
            self.refresh()

    def refresh(self) -> None:
        """Show everything the store says."""
        self._restack()
        self.header.refresh()
        for card in self.cards:
            card.refresh()
        self.pipeline.refresh()
        for section in (*self.methods.values(), *self.fixed.values()):
            section.refresh()
        self.fixed["teacher"].setVisible(self.store.value(TEACHER) != NO_TEACHER)
        self.plan.refresh()

    def reveal(self, path: str) -> None:
        """Show the field of a setting and put the keyboard there; where it does not apply now, the field that it waits for."""
        for card in self.cards:
            if isinstance(card, ChoiceCard) and card.path == path:
                self._show(card, card.editor)
                return
        for section in (*self.methods.values(), *self.fixed.values()):
            if section.holds(path) or section.prefix == path:
                if waits := section.waits_for(path):
                    self.reveal(waits)
                elif cell := section.reveal(path):
                    self._show(cell, cell.editor)
                else:
                    self._show(section, section.fold)
                return

    def look_for(self) -> None:
        """The list of all settings; the chosen one is shown, its method added first where it is not in the stack."""
        if self._finder is None:
            self._finder = Finder("Find a setting by name, path or what it does", self)
            self._finder.picked.connect(self._go_to)
        self._finder.show_entries(settings_index.entries(self.store), "", below(self.header.search, FOUND, HIGH))

    def _go_to(self, path: str) -> None:
        head, _, rest = path.partition(".")
        method = rest.partition(".")[0]
        if head == "methods" and method not in self.store.stack():
            self.store.add_method(method)
        self.reveal(path)

    def start(self) -> None:
        """Start the experiment as it stands, where nothing is wrong with it."""
        if not self.store.problems:
            self.start_requested.emit(self.store.resolved())

    def _show(self, widget: QWidget, focus: QWidget) -> None:
        """Scroll there once the layout has settled."""
        focus.setFocus(Qt.FocusReason.OtherFocusReason)
        QTimer.singleShot(0, self, lambda: self.area.ensureWidgetVisible(widget, 0, theme.MARGIN * 2))

    def _section(self, prefix: str, title: str) -> Section:
        specs = [spec for spec in section_specs(prefix) if f"{prefix}.{spec.name}" not in ON_CARDS]
        made = Section(prefix, title, specs, self.store)
        made.sweep_requested.connect(self.sweep_requested)
        return made

    def _method_section(self, key: str) -> Section:
        card = self.store.catalogue.methods[key]
        made = Section(f"methods.{key}", card.title, (*card.settings, CE_WEIGHT), self.store, card.mixes, card.summary)
        made.sweep_requested.connect(self.sweep_requested)
        return made

    def _restack(self) -> None:
        """Sections of methods in the order of the stack; those that stay keep what is open."""
        stack = self.store.stack()
        if tuple(self.methods) == stack:
            return
        for key in [key for key in self.methods if key not in stack]:
            gone = self.methods.pop(key)
            gone.hide()
            gone.deleteLater()
        for key in stack:
            if key not in self.methods:
                self.methods[key] = self._method_section(key)
                self.methods[key].open()
        self.methods = {key: self.methods[key] for key in stack}
        for index, section in enumerate(self.methods.values()):
            self._sections.insertWidget(index, section)

    def _show_preset(self) -> None:
        """Another preset: its methods open, and training open, the rest folded, from the top."""
        self._restack()
        for section in self.methods.values():
            section.open()
        for prefix, section in self.fixed.items():
            section.open(prefix == "training")
        self.area.verticalScrollBar().setValue(0)

    def _connect(self) -> None:
        self.store.preset_changed.connect(self._show_preset)
        self.store.problems_changed.connect(self.refresh)
        self.header.find_requested.connect(self.look_for)
        self.plan.start_requested.connect(self.start)
        self.plan.path_requested.connect(self.reveal)
        self.pipeline.diagram.path_requested.connect(self.reveal)
        for card, prefix in zip(self.cards, ("dataset", "teacher", "student")):
            card.settings_requested.connect(lambda prefix=prefix: self.reveal(prefix))
        for card in self.cards:
            if isinstance(card, ChoiceCard):
                card.menu.sweep_requested.connect(self.sweep_requested)
        methods = self.cards[-1]
        assert isinstance(methods, MethodsCard)
        methods.method_requested.connect(lambda key: self.reveal(f"methods.{key}"))

    def _lay_out(self) -> None:
        grid = QWidget()
        columns = Columns(theme.CARD, (1, 2, 4))
        grid.setLayout(columns)
        for card in self.cards:
            columns.addWidget(card)
        self._sections = boxes.column(theme.SPACE)
        for section in self.fixed.values():
            self._sections.addWidget(section)
        page = theme.set_role(QWidget(), "page")
        inner = boxes.column(theme.GAP, page)
        inner.setContentsMargins(0, 0, theme.GAP, theme.MARGIN)
        inner.addWidget(grid)
        inner.addWidget(self.pipeline)
        inner.addLayout(self._sections)
        inner.addStretch(1)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(page)
        body = boxes.row(theme.SPACE)
        body.addWidget(self.area, 1)
        body.addWidget(self.plan, 0, Qt.AlignmentFlag.AlignTop)
        content = QWidget()
        content.setMaximumWidth(theme.READABLE)
        column = boxes.column(theme.GAP, content)
        boxes.pad(column, *theme.PAGE)
        column.addWidget(self.header)
        column.addLayout(body, 1)
        boxes.centred(content, self)
