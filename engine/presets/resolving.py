"""From a preset to one whole experiment: defaults < what it extends, in order < the file < the form < `--set`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine import extras
from engine.cards import Catalogue
from engine.experiment import SECTIONS, Experiment, section_specs
from engine.presets.dialect import Document, parse_value
from engine.presets.places import locate, read, shown
from engine.presets.problems import PresetError, Problem
from engine.presets.schema import ASIDE, Tree, kind_of, method_specs, migrated, problems
from engine.presets.shorthand import spelled_out
from engine.presets.stack import DEFAULT, OWN, Stack

FORM = "you"
"""Origin of a value from the form."""

SET = "--set"
"""Origin of a value from the command line."""


@dataclass(frozen=True)
class Resolved:
    """A whole experiment and how it came about.

    `origins` maps every dotted setting to who decided it: `default`, a preset's name, `you` or `--set`. `below` is the
    tree that lies under the file itself, and `extends` what the file stands on: saving writes only the difference.
    `experiment.methods` holds the settings that differ from the method's defaults. `path` is None for what no file holds.
    """

    experiment: Experiment
    origins: Mapping[str, str] = field(default_factory=dict)
    below: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    path: Path | None = None
    extends: tuple[str, ...] = ()


def resolve(
    preset: str | Path,
    sets: Sequence[str] = (),
    form: Mapping[str, Any] | None = None,
    *,
    catalogue: Catalogue | None = None,
) -> Resolved:
    """The experiment of a preset (a name or a path), changed by a form (dotted path -> value) and by `--set` texts
    (`training.epochs=3`). Raises PresetError with every problem found, each with file, line and column."""
    known = catalogue or extras.catalogue()
    name, path = locate(preset)
    stack = Stack()
    document = _lay_extended(stack, path, (), known)
    below = stack.tree()
    stack.lay(document.tree, name)
    _tell_origins(stack, document, known)
    typed = [_Edit(dotted, value, FORM) for dotted, value in (form or {}).items()]
    _edit(stack, [*typed, *(_from_set(text, known) for text in sets)], known)
    experiment = _experiment(stack, known, document)
    extends = _absolute(document.tree.get("extends") or (), path)
    return Resolved(experiment, _origins(stack, experiment, known), below, name, path, extends)


def layered(
    layers: Sequence[Document],
    origin: str,
    values: Mapping[str, Any],
    sets: Sequence[str] = (),
    *,
    beside: Path,
    catalogue: Catalogue | None = None,
) -> Resolved:
    """The experiment of documents laid over one another, each upon what it extends (paths there count from the folder
    `beside`), changed by `values` (dotted path -> value), which `origin` decided too, and by `--set` texts. Raises PresetError
    as `resolve` does."""
    known = catalogue or extras.catalogue()
    stack = Stack()
    below = stack.tree()
    for layer in layers:
        document = checked(layer, known)
        _lay_below(stack, document, beside, (), known)
        stack.lay(document.tree, origin)
    _edit(stack, [*(_Edit(path, value, origin) for path, value in values.items()), *(_from_set(t, known) for t in sets)], known)
    experiment = _experiment(stack, known, layers[-1])
    return Resolved(experiment, _origins(stack, experiment, known), below)


def edit_problems(path: str, value: Any, *, catalogue: Catalogue | None = None) -> tuple[Problem, ...]:
    """Why a setting, named by its dotted path, cannot have this value; empty where it can."""
    known = catalogue or extras.catalogue()
    try:
        return tuple(p for edit in _spelled_out(_Edit(path, value, "")) for p in _edit_problems(edit, known))
    except PresetError as error:
        return error.problems


def from_tree(tree: Tree, origin: str, *, catalogue: Catalogue | None = None) -> Resolved:
    """The experiment of a plain tree that stands on the defaults alone. Raises PresetError as `resolve` does."""
    known = catalogue or extras.catalogue()
    document = checked(Document(origin, tree), known)
    if document.tree.get("extends"):
        raise PresetError([Problem("extends", "a tree without a file stands on the defaults alone", origin)])
    stack = Stack()
    below = stack.tree()
    stack.lay(document.tree, origin)
    _tell_origins(stack, document, known)
    experiment = _experiment(stack, known, document)
    return Resolved(experiment, _origins(stack, experiment, known), below)


def method_settings(experiment: Experiment, method: str, *, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """Every setting of a method of the stack: what the experiment says, else the method's default."""
    known = catalogue or extras.catalogue()
    given = experiment.methods[method]
    return {s.name: given.get(s.name, s.default) for s in method_specs(method, known)}


def _lay_extended(stack: Stack, path: Path, inside: tuple[Path, ...], catalogue: Catalogue) -> Document:
    """Lay what a file extends, deepest first; give back the checked file itself, not yet laid."""
    document = checked(read(path), catalogue)
    _lay_below(stack, document, path.parent, (*inside, path), catalogue)
    return document


def _lay_below(stack: Stack, document: Document, folder: Path, inside: tuple[Path, ...], catalogue: Catalogue) -> None:
    """Lay what a document extends; `inside` are the files that lead to it, its own the last."""
    for i, wanted in enumerate(document.tree.get("extends") or ()):
        try:
            name, found = locate(wanted, folder)
        except PresetError as error:
            raise PresetError(document.problem(f"extends.{i}", p.sentence) for p in error.problems) from error
        if found.resolve() in {p.resolve() for p in inside}:
            chain = " -> ".join(shown(p) for p in (*inside, found))
            raise PresetError([document.problem(f"extends.{i}", f"a preset cannot extend itself: {chain}")])
        inner = _lay_extended(stack, found, inside, catalogue)
        stack.lay({k: v for k, v in inner.tree.items() if k not in OWN}, name)


def checked(document: Document, catalogue: Catalogue) -> Document:
    """The document in the newest schema with every short form spelled out. Raises PresetError with all that cannot stand in a
    preset."""
    newest = migrated(document)
    if isinstance(newest, Problem):
        raise PresetError([newest])
    plain = spelled_out(newest)
    if isinstance(plain, Problem):
        raise PresetError([plain])
    found = tuple(problems(plain, catalogue))
    if found:
        raise PresetError(found)
    return plain


def _tell_origins(stack: Stack, document: Document, catalogue: Catalogue) -> None:
    """Where the file is a stored experiment, which spells out every setting: who decided each value. What it names nobody for
    is a default, unless the file was changed by hand since."""
    stored = document.tree.get("origins")
    if not isinstance(stored, Mapping):
        return
    for path, default in _defaults(stack.methods, catalogue):
        if path not in stored and stack.value(path) == default:
            stack.origins.pop(path, None)
    stack.origins |= {str(path): str(origin) for path, origin in stored.items()}


def _defaults(methods: Iterable[str], catalogue: Catalogue) -> Iterator[tuple[str, Any]]:
    """Every text and setting, of sections and of these methods, with its default."""
    yield from ((key, "") for key in OWN)
    for section in SECTIONS:
        yield from ((f"{section}.{spec.name}", spec.default) for spec in section_specs(section))
    for method in methods:
        yield from ((f"methods.{method}.{spec.name}", spec.default) for spec in method_specs(method, catalogue))


@dataclass(frozen=True)
class _Edit:
    """One setting by its dotted path, from the form or the command line; `file` is how problems name it."""

    path: str
    value: Any
    origin: str
    file: str = ""

    def parts(self) -> list[str]:
        return self.path.split(".", 2)

    def document(self) -> Document:
        return Document(self.file, _nested(self.path, self.value))


def _from_set(text: str, catalogue: Catalogue) -> _Edit:
    """The edit of `a.b=value`: texts and paths as they stand, everything else as YAML. Raises PresetError without `=`."""
    path, equals, value = text.partition("=")
    path, file = path.strip(), f"--set {text}"
    if not equals or not path:
        raise PresetError([Problem("", "write a setting and its value, such as `--set training.epochs=3`", file)])
    plain = kind_of(path, catalogue) in ("text", "path")
    return _Edit(path, value if plain else parse_value(value, file), SET, file)


def _edit(stack: Stack, edits: Sequence[_Edit], catalogue: Catalogue) -> None:
    """Lay single settings over the stack. Raises PresetError with what is wrong in any of them."""
    edits = [plain for edit in edits for plain in _spelled_out(edit)]
    found = [p for edit in edits for p in _edit_problems(edit, catalogue)]
    if found:
        raise PresetError(found)
    for edit in edits:
        _lay_edit(stack, edit)
    stray = [e for e in edits if _names_method_setting(e) and e.parts()[1] not in stack.methods]
    if stray:
        raise PresetError(Problem(e.path, _not_in_stack(e.parts()[1], stack), e.file) for e in stray)


def _spelled_out(edit: _Edit) -> Iterable[_Edit]:
    """The edits a short form stands for (`teacher.source={run: NAME}`). Raises PresetError for one that is wrong."""
    plain = spelled_out(edit.document())
    if isinstance(plain, Problem):
        raise PresetError([plain])
    if plain.tree == edit.document().tree:
        return [edit]
    return [
        _Edit(f"{section}.{name}", value, edit.origin, edit.file)
        for section, settings in plain.tree.items()
        for name, value in settings.items()
    ]


def _lay_edit(stack: Stack, edit: _Edit) -> None:
    if edit.path.startswith("methods."):
        method = edit.parts()[1]
        settings = edit.document().tree["methods"][method] or {}
        stack.set_method(method, settings, edit.origin)
        if not _names_method_setting(edit):
            stack.add_method(method, edit.origin)
    else:
        stack.lay(edit.document().tree, edit.origin)


def _names_method_setting(edit: _Edit) -> bool:
    parts = edit.parts()
    return parts[0] == "methods" and len(parts) == 3


def _edit_problems(edit: _Edit, catalogue: Catalogue) -> list[Problem]:
    if edit.parts()[0] in (*ASIDE, "kdstudio"):
        return [Problem(edit.path, "can be written in a preset's file only", edit.file)]
    return list(problems(edit.document(), catalogue))


def _not_in_stack(method: str, stack: Stack) -> str:
    there = f"holds {', '.join(stack.methods)}" if stack.methods else "is empty"
    return f"{method} is not in the stack of methods, which {there}; add it with `--set methods.{method}={{}}`"


def _nested(path: str, value: Any, above: str = "") -> dict[str, Any]:
    """A dotted path, which lies under another, and its value as a tree as deep as sections and methods go."""
    head, _, rest = path.partition(".")
    if not rest:
        return {head: value}
    inside = head == "methods" or f"{above}{head}.{rest.partition('.')[0]}" in SECTIONS
    return {head: _nested(rest, value, f"{above}{head}.") if inside else {rest: value}}


def _experiment(stack: Stack, catalogue: Catalogue, document: Document) -> Experiment:
    tree = stack.tree()
    del tree["defaults_for"]
    tree["methods"] = {m: _differing(m, stack.settings.get(m, {}), catalogue) for m in stack.methods}
    try:
        return Experiment.model_validate(tree)
    except ValidationError as error:
        raise PresetError(
            document.problem(".".join(str(part) for part in e["loc"]), str(e["msg"])) for e in error.errors()
        ) from error


def _differing(method: str, settings: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Settings that differ from the method's defaults, in the order of their declaration; numbers as numbers."""
    specs = [s for s in method_specs(method, catalogue) if s.name in settings and settings[s.name] != s.default]
    return {s.name: _as_kind(s.kind, settings[s.name]) for s in specs}


def _as_kind(kind: str, value: Any) -> Any:
    return float(value) if kind == "number" and isinstance(value, int) else value


def _origins(stack: Stack, experiment: Experiment, catalogue: Catalogue) -> dict[str, str]:
    paths = ["expected", "methods", *(path for path, _ in _defaults(experiment.methods, catalogue))]
    return {path: stack.origins.get(path, DEFAULT) for path in paths}


def _absolute(extends: Iterable[str], path: Path) -> tuple[str, ...]:
    """What a file extends; paths made absolute, so that it can be saved elsewhere."""
    files, folder = (".yaml", ".yml"), path.absolute().parent
    return tuple(os.path.normpath(folder / Path(e).expanduser()) if e.endswith(files) else e for e in extends)
