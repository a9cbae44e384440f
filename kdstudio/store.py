"""The one state of the form: a preset, what the person changed in it, and what is wrong with the result.

State flows one way: a field calls the store, the store resolves and emits, whoever shows it reads the store.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from engine import presets, rules
from engine.cards import Catalogue
from engine.experiment import CE_WEIGHT, SECTIONS, TITLES, Experiment, section_specs, settings_of
from engine.presets import PresetError, Problem, Resolved
from kdstudio.edits import Edits, Trail
from kdstudio.values import at, beneath, same, word

Kept = tuple[str | Path, Edits]
"""A preset, and what the person changed in it."""


class Store(QObject):
    """The experiment in the form. `changed` also follows `preset_changed`; `problems_changed` comes last."""

    changed = Signal()
    problems_changed = Signal()
    preset_changed = Signal()

    def __init__(self, catalogue: Catalogue, home: Path | None = None, parent: QObject | None = None) -> None:
        """`home` is the folder of the runs, among which a teacher or a student may be named; the user's where not given."""
        super().__init__(parent)
        self.catalogue = catalogue
        self._home = home
        self.problems: tuple[Problem, ...] = ()
        self.warnings: tuple[Problem, ...] = ()
        self._preset: str | Path = ""
        self._base: Resolved | None = None
        self._shown: Resolved | None = None
        self._edits = Edits()
        self._trail = Trail()
        self._awaited: frozenset[str] = frozenset()

    # Reading

    @property
    def home(self) -> Path | None:
        """The folder of the runs, where one was given or asked for."""
        return self._home

    def opened(self) -> bool:
        """Whether there is an experiment to show yet."""
        return self._shown is not None

    def resolved(self) -> Resolved:
        """The experiment as it stands; settings that cannot be (see `problems`) keep the preset's value in it."""
        if self._shown is None:
            raise RuntimeError("no preset has been opened yet")
        return self._shown

    def base(self) -> Resolved:
        """The preset without the person's changes."""
        if self._base is None:
            raise RuntimeError("no preset has been opened yet")
        return self._base

    def value(self, path: str) -> Any:
        """What a setting's field shows: what was typed there, also where it is wrong, else what is resolved."""
        if path in self._edits.values:
            return self._edits.values[path]
        return at(self.resolved(), path, self.catalogue)

    def below(self, path: str) -> Any:
        """What the preset says of a setting, whatever the person typed; the default of a method that it does not hold."""
        return beneath(self.base(), path, self.catalogue)

    def values(self, prefix: str) -> dict[str, Any]:
        """Every setting of a section (`training`) or of a method (`methods.kd`), by its own name."""
        experiment = self.resolved().experiment
        if prefix.startswith("methods."):
            made = presets.method_settings(experiment, prefix.split(".")[1], catalogue=self.catalogue)
        else:
            made = settings_of(experiment, prefix).model_dump()
        typed = {p.rpartition(".")[2]: v for p, v in self._edits.values.items() if p.rpartition(".")[0] == prefix}
        return made | typed

    def origin(self, path: str) -> str:
        """Who decided a setting: `default`, the name of a preset, or `you`."""
        return "you" if self.edited(path) else self.resolved().origins.get(path, "default")

    def edited(self, path: str = "") -> bool:
        """Whether the person changed this setting, or anything at all."""
        return path in self._edits.values if path else self._edits != Edits()

    def stack(self) -> tuple[str, ...]:
        """The keys of the methods, in order."""
        return self._edits.stack if self._edits.stack is not None else tuple(self.base().experiment.methods)

    def problem(self, path: str) -> str:
        """What is wrong with one setting, as a sentence; empty where nothing is."""
        return next((p.sentence for p in self.problems if p.path == path), "")

    def words_for(self, path: str) -> str:
        """What a person calls a setting: `DKD: beta`, `Training: epochs`; nothing for what is no setting."""
        prefix, _, name = path.rpartition(".")
        method = prefix.removeprefix("methods.")
        if prefix in SECTIONS:
            title, specs = TITLES.get(prefix, prefix), section_specs(prefix)
        elif prefix.startswith("methods.") and method in self.catalogue.methods:
            title, specs = self.catalogue.methods[method].title, (*self.catalogue.methods[method].settings, CE_WEIGHT)
        else:
            return ""
        return next((f"{title[:1].upper()}{title[1:]}: {s.label()}" for s in specs if s.name == name), "")

    def own(self) -> bool:
        """Whether the preset is the person's own, so that Save may write to it."""
        path = self.base().path
        return path is not None and path.is_relative_to(presets.user_folder())

    def arguments(self) -> list[str]:
        """What the commands of the terminal that take a preset are given to mean this experiment: it, and every change."""
        sets = [("--set", f"{path}={word(value)}") for path, value in self._edits.form(self.stack()).items()]
        return [str(self._preset), *(each for pair in sets for each in pair)]

    def command(self) -> str:
        """The command line that runs the same experiment in a terminal."""
        preset, *sets = self.arguments()
        lines = [f"--set {shlex.quote(text)}" for text in sets[1::2]]
        return " \\\n  ".join([f"kdstudio train {shlex.quote(preset)}", *lines])

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Judge and show the experiment with another catalogue, in which more may be counted."""
        self.catalogue = catalogue
        if self.opened():
            self._settle()
            self._tell()

    def set_awaited(self, runs: Collection[str]) -> None:
        """Take these runs, which entries of the queue are still to make, for made: no problem is told of them."""
        if self._awaited != frozenset(runs):
            self._awaited = frozenset(runs)
            if self.opened() and {self._said("teacher.run"), self._said("student.run")} - {""}:
                self._settle()
                self._tell()

    def kept(self) -> Kept:
        """The form as it stands, for `bring_back`."""
        return self._preset, self._edits

    def bring_back(self, kept: Kept) -> None:
        """Show a form that was kept. Raises PresetError where its preset cannot be read any more."""
        preset, edits = kept
        self.open_preset(preset)
        self._change(edits, "")

    # Presets

    def open_preset(self, preset: str | Path, fix: Mapping[str, Any] | None = None) -> None:
        """Show another preset, with the changes of a finding's `fix` where there is one. Raises PresetError where it
        cannot be read; the form then stays as it is."""
        base = presets.resolve(preset, catalogue=self.catalogue)
        self._preset, self._base, self._shown = preset, base, base
        self._trail.clear()
        self._edits = Edits(dict(fix or {}))
        self._settle()
        self.preset_changed.emit()
        self._tell()

    def save(self) -> None:
        """Write the changes into the person's own preset. Raises PresetError for a shipped one, OSError for the disk."""
        path = self.base().path
        if path is None:
            raise PresetError([Problem("", "this experiment stands in no file yet; use Save as")])
        presets.save(path, self.resolved(), catalogue=self.catalogue)
        self.open_preset(self._preset)

    def save_as(self, name: str, title: str) -> None:
        """Write a preset of the person's own, such as `experiments/my-first`, and go on with it. Raises PresetError for a
        name that cannot be one, OSError for the disk."""
        path = presets.path_for(name)
        form = self._edits.form(self.stack()) | {"title": title}
        presets.save(path, presets.resolve(self._preset, form=form, catalogue=self.catalogue), catalogue=self.catalogue)
        self.open_preset(name)

    # Changing

    def set_value(self, path: str, value: Any) -> None:
        """Change one setting; typing the preset's own value is no change."""
        values = dict(self._edits.values)
        if path in self.base().origins and same(at(self.base(), path, self.catalogue), value):
            values.pop(path, None)
        else:
            values[path] = value
        self._change(replace(self._edits, values=values), path)

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change several settings at once, as one step to undo."""
        self._change(replace(self._edits, values={**self._edits.values, **values}), " ".join(values))

    def reset_value(self, path: str) -> None:
        """Go back to the preset's value of one setting."""
        self._change(replace(self._edits, values={p: v for p, v in self._edits.values.items() if p != path}), "")

    def reset(self) -> None:
        """Go back to the preset as it is."""
        self._change(Edits(), "")

    def add_method(self, key: str) -> None:
        """Put a method at the end of the stack."""
        self._restack((*(k for k in self.stack() if k != key), key))

    def remove_method(self, key: str) -> None:
        """Take a method out of the stack; what was typed into it is forgotten."""
        kept = {p: v for p, v in self._edits.values.items() if not p.startswith(f"methods.{key}.")}
        self._restack(tuple(k for k in self.stack() if k != key), kept)

    def move_method(self, key: str, by: int) -> None:
        """Move a method up (-1) or down (+1) in the stack."""
        self.place_method(key, self.stack().index(key) + by)

    def place_method(self, key: str, at: int) -> None:
        """Put a method of the stack at a place, counted from 0 among the others."""
        order = [k for k in self.stack() if k != key]
        order.insert(max(0, at), key)
        self._restack(tuple(order))

    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return self._trail.has_past

    def can_redo(self) -> bool:
        """Whether there is a change to make again."""
        return self._trail.has_future

    def undo(self) -> None:
        """Take back the last change."""
        self._travel(self._trail.back(self._edits))

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self._travel(self._trail.forth(self._edits))

    def _travel(self, edits: Edits) -> None:
        if edits is not self._edits:
            self._edits = edits
            self._settle()
            self._tell()

    def _restack(self, stack: tuple[str, ...], values: Mapping[str, Any] | None = None) -> None:
        chosen = None if stack == tuple(self.base().experiment.methods) else stack
        self._change(Edits(self._edits.values if values is None else values, chosen), "")

    def _change(self, edits: Edits, subject: str) -> None:
        """Take new edits; typing on in one field is one step to undo."""
        if edits == self._edits:
            return
        self._trail.leave(self._edits, subject)
        self._edits = edits
        self._settle()
        self._tell()

    def _settle(self) -> None:
        """Resolve with everything that can be; what cannot is left out and becomes a problem."""
        form = self._edits.form(self.stack())
        wrong: tuple[Problem, ...] = ()
        try:
            self._shown = presets.resolve(self._preset, form=form, catalogue=self.catalogue) if form else self.base()
        except PresetError as error:
            wrong = error.problems
            bad = {p.path for p in wrong}
            rest = {path: value for path, value in form.items() if path not in bad}
            if bad & set(form):
                self._shown = presets.resolve(self._preset, form=rest, catalogue=self.catalogue)
        experiment = self.resolved().experiment
        found = rules.problems(experiment, self.catalogue, home=self._runs(experiment))
        self.problems = (*wrong, *(p for p in found if self._said(p.path) not in self._awaited))
        own = [Problem("student.net", sentence) for sentence in self.catalogue.problems]
        own += [Problem("methods", sentence) for sentence in self.catalogue.method_problems]
        self.warnings = (*rules.warnings(experiment, self.catalogue), *own)

    def _said(self, path: str) -> Any:
        """What stands where a run is named; nothing for other settings."""
        named = {"teacher.run": self.resolved().experiment.teacher.run, "student.run": self.resolved().experiment.student.run}
        return named.get(path)

    def _runs(self, experiment: Experiment) -> Path | None:
        """The folder of the runs where the experiment names one of them; looking for it loads what an opening window spares."""
        if "run" in (experiment.teacher.source, experiment.student.source) and self._home is None:
            from engine import runs

            self._home = runs.home()
        return self._home

    def _tell(self) -> None:
        self.changed.emit()
        self.problems_changed.emit()
