"""The sheet that turns a setting, or several, into a sweep: values, repeats, and how much that is before it is queued."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QScrollArea, QWidget

from engine.experiment import CE_WEIGHT, SECTIONS, section_specs
from engine.knobs import Spec
from engine.presets import PresetError, Resolved
from engine.queue.sweep import swept
from kdstudio import theme
from kdstudio.background.measuring import Measuring
from kdstudio.number_fields import NumberField, number
from kdstudio.queue.axis import Axis, axis
from kdstudio.queue.pacing import Pacing
from kdstudio.store import Store
from kdstudio.widgets import asking, boxes
from kdstudio.widgets.finder import Entry, Finder, below
from kdstudio.widgets.icons import IconButton, TextButton
from kdstudio.widgets.texts import label, sentence_case, wrapped

SETTLE = 150
"""Milliseconds without typing after which the experiments are made, to be counted and checked."""
MOST = 1000
"""Experiments that a person may queue at once."""
NAMED = 6
"""Experiments whose titles are shown before they are queued."""
APART = ("run.seed", "run.repeats")
"""Settings that no sweep varies: all its experiments run on the same seeds."""

Take = Callable[[Sequence[Resolved], str], None]
"""Queues experiments; the second says what they are together."""


def can_sweep(path: str) -> bool:
    """Whether a setting can be swept."""
    return path not in APART


class SweepSheet(asking.Sheet):
    """Opened from a field's menu; another setting may join. `take` gets the experiments when they are queued."""

    def __init__(self, parent: QWidget, store: Store, path: str, take: Take, home: Path) -> None:
        super().__init__(
            parent, f"Sweep {store.words_for(path)}", "Every combination of the values becomes a run, each on the same seeds.",
            [("Cancel", "secondary", self.reject), ("Queue", "primary", self._queue)],
        )  # fmt: skip
        self.setObjectName("sweep-sheet")
        self.setFixedWidth(theme.SIDE + theme.SPACE * 28)
        self._store, self._resolved, self._accept, self._home = store, store.resolved(), take, home
        self.axes: dict[str, Axis] = {}
        self.experiments: tuple[Resolved, ...] = ()
        self.repeats = _repeats(self._resolved.experiment.run.repeats)
        self.more = TextButton("Vary another setting too…", "link", "plus")
        self.sum = wrapped("", "strong")
        self.time = wrapped("", "muted")
        self.names = wrapped("", "faint")
        self.wrong = wrapped("", "problem")
        self._finder = Finder("Search settings", self)
        self._finder.picked.connect(self.add)
        self.pacing = Pacing(home, self)
        self.pacing.ready.connect(self._say_time)
        self.measuring = Measuring(store, self)
        self.measuring.changed.connect(self._measured)
        self.measure = TextButton("Measure it", "link", "clock")
        self.measure.setToolTip("Takes a few steps of the experiment as it stands, beside the window")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE)
        self._timer.timeout.connect(self.count)
        self._lay_out()
        self.repeats.edited.connect(lambda _: self._changed())
        self.more.clicked.connect(self._offer)
        self.measure.clicked.connect(self.measuring.begin)
        self.finished.connect(lambda _: self.measuring.cancel())
        self.add(path)
        self.pacing.read()

    def add(self, path: str) -> None:
        """Vary another setting too."""
        spec = spec_of(self._store, path)
        if spec is None or path in self.axes:
            return
        made = axis(spec, self._store.words_for(path), self._store.value(path))
        made.edited.connect(self._changed)
        row = QWidget()
        line = boxes.row(theme.SPACE, row)
        line.addWidget(made, 1)
        if self.axes:
            away = IconButton("close", f"Do not vary {spec.label()}")
            away.clicked.connect(lambda: self._drop(path, row))
            line.addWidget(away, 0, Qt.AlignmentFlag.AlignTop)
        self.axes[path] = made
        self._axes.addWidget(row)
        self.count()

    def count(self) -> None:
        """Make the experiments, and say how many runs they are or why they cannot be."""
        self._timer.stop()
        self.experiments, sentence = (), ""
        try:
            axes = [{path: made.values()} for path, made in self.axes.items()]
            self.experiments = swept(
                self._resolved, axes, self._seeds(), catalogue=self._store.catalogue, home=self._home
            )  # fmt: skip
        except PresetError as error:
            sentence = "; ".join(dict.fromkeys(p.sentence for p in error.problems))
        except ValueError as error:
            sentence = str(error)
        if len(self.experiments) > MOST:
            sentence = f"{len(self.experiments):,} experiments are too many for one sweep; keep to {MOST:,}"
            self.experiments = ()
        self.wrong.setText(sentence_case(sentence))
        self.wrong.setVisible(bool(sentence))
        self._say()

    @property
    def runs(self) -> int:
        """How many runs would be queued."""
        return sum(r.experiment.run.repeats for r in self.experiments)

    def _say(self) -> None:
        many, runs = len(self.experiments), self.runs
        button = self.buttons["Queue"]
        button.setEnabled(bool(runs))
        button.setText(f"Queue {_runs(runs)}" if runs else "Queue")
        seeds = self._resolved.experiment.run.seed
        repeats = runs // many if many else 0
        last = f"to {seeds + repeats - 1}"
        self.sum.setText(
            "" if not many else f"{_several(many, 'experiment')} × {_several(repeats, 'seed')} "
            f"({f'{seeds} {last}' if repeats > 1 else seeds}) = {_runs(runs)}"
        )  # fmt: skip
        titles = [_short(r, self) for r in self.experiments]
        more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
        self.names.setText(", ".join(titles[:NAMED]) + more)
        self._say_time()

    def _say_time(self) -> None:
        experiments = [r.experiment for r in self.experiments]
        words = self.pacing.words(experiments) if experiments else ""
        measuring = self.measuring
        self.time.setText(sentence_case(measuring.doing or measuring.problem or words))
        self.measure.setVisible(bool(experiments) and not self.pacing.knows(experiments) and not measuring.doing)

    def _measured(self) -> None:
        """What was measured of the experiment as it stands tells of those that are like it."""
        found = self.measuring.found()
        if found is not None:
            spent = sum(stage.seconds for stage in found.stages if stage.title != "teacher")  # which is kept for the next one
            self.pacing.add(self._resolved.experiment, spent)
        self._say_time()

    def _queue(self) -> None:
        self.count()
        if self.experiments:
            self._accept(self.experiments, self.windowTitle())
            self.accept()

    def _seeds(self) -> int:
        found = number(self.repeats.lineEdit().text(), self.repeats.spec)
        if not isinstance(found, int) or not 1 <= found <= 100:
            raise ValueError("seeds: write a whole number from 1 to 100")
        return found

    def _changed(self) -> None:
        self._timer.start()

    def _drop(self, path: str, row: QWidget) -> None:
        del self.axes[path]
        row.hide()
        row.deleteLater()
        self.count()

    def _offer(self) -> None:
        found = [
            (words, [Entry(path, sentence_case(spec.label()), spec.help) for path, spec in specs if path not in self.axes])
            for words, specs in settings(self._store).items()
        ]
        self._finder.show_entries(found, "", below(self.more, theme.SIDE + theme.SPACE * 12, theme.SPACE * 45))

    def _lay_out(self) -> None:
        inner = theme.set_role(QWidget(), "clear")
        self._axes = boxes.column(theme.GAP, inner)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(inner)
        self._inner = inner
        row = boxes.row(theme.SPACE)
        row.addWidget(label("Seeds for each", "label"))
        row.addWidget(self.repeats)
        row.addStretch(1)
        row.addWidget(self.more)
        self.body.addWidget(self._area)
        self.body.addLayout(row)
        line = boxes.row(theme.SPACE)
        line.addWidget(self.time, 1)
        line.addWidget(self.measure, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self.sum)
        self.body.addLayout(line)
        self.body.addWidget(self.names)
        self.body.addWidget(self.wrong)
        inner.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """As high as the settings need, up to a limit."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self._inner:
            self._area.setFixedHeight(min(self._inner.sizeHint().height() + theme.HALF, theme.SPACE * 40))
        return super().eventFilter(watched, event)


def settings(store: Store) -> dict[str, list[tuple[str, Spec]]]:
    """What can be swept of the experiment in the form, by what a person calls its section."""
    found = {words_of(section): [(f"{section}.{s.name}", s) for s in section_specs(section)] for section in SECTIONS}
    for key in store.stack():
        card = store.catalogue.methods[key]
        found[card.title] = [(f"methods.{key}.{s.name}", s) for s in (*card.settings, CE_WEIGHT)]
    return {words: [(path, s) for path, s in specs if can_sweep(path)] for words, specs in found.items()}


def words_of(section: str) -> str:
    """What a section is called."""
    return sentence_case(section.rpartition(".")[2])


def spec_of(store: Store, path: str) -> Spec | None:
    """The declaration of a setting of the form; None where there is none that can be swept."""
    return next((spec for specs in settings(store).values() for known, spec in specs if known == path), None)


def _repeats(value: int) -> NumberField:
    made = NumberField(Spec("repeats", "integer", 1, "Runs of each, on seeds counted up.", low=1, high=100))
    made.setAccessibleName("Seeds for each")
    made.setFixedWidth(theme.SPACE * 10)
    made.show_value(value)
    return made


def _short(resolved: Resolved, sheet: SweepSheet) -> str:
    """A title without that of the experiment that is swept."""
    return resolved.experiment.title.removesuffix(f" · {sheet._resolved.experiment.title}")


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _runs(count: int) -> str:
    return _several(count, "run")
