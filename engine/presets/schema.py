"""What may stand in a preset, and why something may not: unknown names, wrong values, versions, migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.cards import Catalogue
from engine.experiment import CE_WEIGHT, SCHEMA, SECTIONS, Experiment, section_specs
from engine.knobs import Spec, did_you_mean, problem
from engine.presets.dialect import Document
from engine.presets.problems import Problem

Tree = Mapping[str, Any]

TORCHVISION = "torchvision."
"""What the names of torchvision's nets begin with; a preset may name one that the catalogue has not counted yet."""
COMMAND = "kdstudio catalog --user"
"""What counts them."""

ASIDE = ("extends", "defaults_for", "origins")
"""Keys of a preset that are no part of the experiment: what it stands on, settings for methods that may be in the
stack, and who decided each value (only in the stored experiment of a run)."""


def _with_z(tree: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 spells the setting of teacher and student `normalization`, as the field does."""
    for section in ("teacher", "student"):
        settings = tree.get(section)
        if isinstance(settings, Mapping) and "normalisation" in settings:
            renamed = {"normalization" if key == "normalisation" else key: value for key, value in settings.items()}
            tree[section] = renamed
    return tree


MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _with_z}
"""Schema version -> what turns a tree of that version into one of the next."""

_EXPECTED = (
    Spec("top1", "number", None, "Published top-1 accuracy.", unit="percent", low=0.0, high=100.0),
    Spec("source", "text", None, "Where it was published."),
    Spec("teacher", "text", "", "What teacher it was published with, where that differs."),
)
_TEXTS = ("title", "notes")


def migrated(
    document: Document, migrations: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = MIGRATIONS, newest: int = SCHEMA
) -> Document | Problem:
    """The document in the newest schema, or why it cannot be brought there. A file that names no version is version 1."""
    version = document.tree.get("kdstudio", 1)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        return document.problem("kdstudio", f"{version!r} is not a schema version; the newest is {newest}")
    if version > newest:
        sentence = f"written by a newer kdstudio (schema {version}, this one reads up to {newest}); update kdstudio"
        return document.problem("kdstudio", sentence)
    tree = dict(document.tree)
    for step in range(version, newest):
        tree = migrations[step](tree)
    tree["kdstudio"] = newest
    return Document(document.file, tree, document.keys, document.values)


def problems(document: Document, catalogue: Catalogue) -> Iterator[Problem]:
    """Everything in one document that cannot stand there, each with its position."""
    for key, value in document.tree.items():
        if key in SECTIONS and "." not in key:
            yield from _section(document, key, value, catalogue)
        elif key in ("methods", "defaults_for"):
            yield from _methods(document, key, value, catalogue)
        elif key == "expected":
            yield from _expected(document, value)
        elif key == "extends":
            yield from _extends(document, value)
        elif key in _TEXTS:
            yield from _values(document, key, value, Spec(key, "text", "", ""))
        elif key not in (*ASIDE, "kdstudio"):
            yield document.problem(key, f"a preset has no such key{_known_elsewhere(key, catalogue)}", at="key")


def _section(document: Document, section: str, value: Any, catalogue: Catalogue) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield document.problem(section, f"{value!r} is not a mapping of settings, such as `{section}: {{...}}`")
        return
    known = {s.name: s for s in section_specs(section)}
    for name, given in value.items():
        path = f"{section}.{name}"
        if path in SECTIONS:
            yield from _section(document, path, given, catalogue)
            continue
        if name not in known:
            yield document.problem(path, f"{section} has no such setting{_elsewhere(name, section, known)}", at="key")
            continue
        found = list(_values(document, path, given, known[name]))
        yield from found
        sentence = None if found else unknown_name(path, given, catalogue)
        if sentence and not str(given).startswith(TORCHVISION):  # counted where it is run; the rules know whether it exists
            yield document.problem(path, sentence)


def _values(document: Document, path: str, value: Any, spec: Spec) -> Iterator[Problem]:
    sentence = value_problem(spec, value)
    if sentence:
        yield document.problem(path, sentence)


def value_problem(spec: Spec, value: Any) -> str | None:
    """`knobs.problem`, where a setting whose default is "unset" may also be unset again."""
    return None if value is None and spec.default is None else problem(spec, value)


def unknown_name(path: str, value: str, catalogue: Catalogue) -> str | None:
    """Why this net or dataset is not one of the catalogue's, or None where it is, or where the path names neither."""
    known = {
        "dataset.name": ("dataset", tuple(catalogue.datasets)),
        "teacher.net": ("net", (*catalogue.nets, "none")),
        "student.net": ("net", tuple(catalogue.nets)),
    }
    if path not in known or value in known[path][1]:
        return None
    word, names = known[path]
    if value.startswith(TORCHVISION) and not any(name.startswith(TORCHVISION) for name in names):
        return f"torchvision's nets are not in the catalogue yet; wait until they are, or run: {COMMAND}"
    listed = tuple(name for name in names if not name.startswith(TORCHVISION))
    return f"there is no {word} {value!r}{did_you_mean(value, names) or _or_all(value, listed)}"


def unknown_method(key: str, catalogue: Catalogue) -> str | None:
    """Why this is no method of the catalogue, or None where it is one."""
    return None if key in catalogue.methods else f"there is no method {key!r}{_or_all(key, tuple(catalogue.methods))}"


def _or_all(name: str, names: tuple[str, ...]) -> str:
    return did_you_mean(name, names) or f"; there are {', '.join(sorted(names))}"


def method_specs(key: str, catalogue: Catalogue) -> tuple[Spec, ...]:
    """The settings of a method, with the one every method has."""
    return (*catalogue.methods[key].settings, CE_WEIGHT)


def kind_of(path: str, catalogue: Catalogue) -> str:
    """The kind of the setting at a dotted path, empty where there is none."""
    section, _, name = path.rpartition(".")
    if section in SECTIONS:
        specs = section_specs(section)
        return next((s.kind for s in specs if s.name == name), "")
    section, _, name = path.partition(".")
    if section == "methods" and name.partition(".")[0] in catalogue.methods:
        specs = method_specs(name.partition(".")[0], catalogue)
        name = name.partition(".")[2]
    else:
        return "text" if path in _TEXTS else ""
    return next((s.kind for s in specs if s.name == name), "")


def _methods(document: Document, key: str, value: Any, catalogue: Catalogue) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield document.problem(key, f"{value!r} is not a mapping from a method to its settings, such as `{key}: {{kd: {{}}}}`")
        return
    for method, settings in value.items():
        path = f"{key}.{method}"
        sentence = unknown_method(method, catalogue)
        if sentence:
            yield document.problem(path, sentence, at="key")
        elif settings is not None and not isinstance(settings, Mapping):
            yield document.problem(path, f"{settings!r} is not a mapping of settings; write {{}} for the defaults")
        else:
            yield from _settings(document, path, settings or {}, {s.name: s for s in method_specs(method, catalogue)})


def _settings(document: Document, path: str, settings: Tree, known: Mapping[str, Spec]) -> Iterator[Problem]:
    for name, given in settings.items():
        below = f"{path}.{name}"
        if name in known:
            yield from _values(document, below, given, known[name])
        else:
            owner = path.rpartition(".")[2]
            yield document.problem(below, f"{owner} has no such setting{_or_all(name, tuple(known))}", at="key")


def _expected(document: Document, value: Any) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, Mapping):
        yield document.problem("expected", f"{value!r} is not a mapping with `top1` and `source`")
        return
    yield from _settings(document, "expected", value, {s.name: s for s in _EXPECTED})
    for name in ("top1", "source"):
        if value.get(name) is None:
            yield document.problem(f"expected.{name}", "a published accuracy needs its number and its source")


def _extends(document: Document, value: Any) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield document.problem("extends", f"{value!r} is not a list of presets, such as `extends: [datasets/digits]`")
        return
    for i, name in enumerate(value):
        if not isinstance(name, str) or not name:
            yield document.problem(f"extends.{i}", f"{name!r} is not the name or the path of a preset")


def _elsewhere(name: str, section: str, known: Mapping[str, Spec]) -> str:
    """A near name in this section, or the sections the setting belongs to, or every name there is."""
    return did_you_mean(name, known) or _owners(name, section) or f"; there are {', '.join(known)}"


def _known_elsewhere(key: str, catalogue: Catalogue) -> str:
    """A near key of a preset, or the place where this name does belong."""
    if key in catalogue.methods:
        return "; it is a method: write it under `methods`"
    if "." in key:
        return "; dots belong to --set: in a file, write the settings one under the other"
    return did_you_mean(key, (*Experiment.model_fields, *ASIDE[:2])) or _owners(key, "")


def _owners(name: str, besides: str) -> str:
    owners = [s for s in SECTIONS if s != besides and name in {spec.name for spec in section_specs(s)}]
    return f"; it is a setting of {' and of '.join(owners)}" if owners else ""
