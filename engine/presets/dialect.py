"""The YAML that presets are written in: plain data, with the position of everything that was read.

Narrower than YAML 1.1, which PyYAML speaks, where that surprises: `5e-4` is a number, `on`, `off`, `yes` and `no` are
words, `010` is ten, `1:30` and `2024-01-01` are text, a key stands once, and tags, anchors and aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.presets.problems import PresetError, Problem

DEEPEST = 12
"""Levels of nesting a preset may have; a real one has four."""

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"^[-+]?[0-9]{1,18}$")
_NUMBER = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")


@dataclass(frozen=True)
class Position:
    """Line and column, from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Document:
    """What a file says: a plain tree, and where each key and each value stands, by dotted path."""

    file: str
    tree: Mapping[str, Any]
    keys: Mapping[str, Position] = field(default_factory=dict)
    values: Mapping[str, Position] = field(default_factory=dict)

    def problem(self, path: str, sentence: str, *, at: str = "value") -> Problem:
        """A problem at the key or the value of a path, or at the nearest thing above it that the file does hold."""
        places = self.keys if at == "key" else self.values
        place, known = path, places.get(path)
        while known is None and place:
            place = place.rpartition(".")[0]
            known = places.get(place)
        known = known or Position(0, 0)
        return Problem(path, sentence, self.file, known.line, known.column)


class _Loader(yaml.SafeLoader):
    """Composes nodes; never constructs anything."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own attribute)
    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        """Refuse what presets do not use before anything is built from it."""
        event = self.peek_event()
        refused = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            refused = "anchors and aliases are not used here; write the value out"
        elif getattr(event, "tag", None) is not None:
            refused = f"tags such as {event.tag} are not used here; remove it"
        elif self.depth > DEEPEST:
            refused = f"nested deeper than {DEEPEST} levels"
        if refused:
            raise yaml.MarkedYAMLError(None, None, refused, event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes every text that this dialect, or YAML 1.1 elsewhere, would read as something else."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012 (PyYAML's own attribute)
        first: list(found) for first, found in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }

    def ignore_aliases(self, data: Any) -> bool:
        """Write shared values out."""
        return True


for _name, _pattern, _first in (
    ("int", _INTEGER, "-+0123456789"),
    ("float", _NUMBER, "-+.0123456789"),
    ("bool", _BOOLEAN, "tTfF"),
    ("null", _NULL, ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, list(_first))
    _Dumper.add_implicit_resolver(_TAG + _name, _pattern, list(_first))

_Dumper.add_representer(list, lambda dumper, data: dumper.represent_sequence(_TAG + "seq", data, flow_style=True))


def parse(text: str, file: str) -> Document:
    """Read one document. Raises PresetError where it is not this dialect, or is not a mapping at the top."""
    node = _compose(text, file)
    if node is None:
        return Document(file, {})
    if not isinstance(node, MappingNode):
        raise PresetError([Problem("", "a preset is a mapping of settings, such as `title: My experiment`", file, 1, 1)])
    reading = _Reading(file)
    tree = reading.value(node, "")
    if reading.problems:
        raise PresetError(reading.problems)
    return Document(file, tree, reading.keys, reading.values)


def parse_value(text: str, file: str) -> Any:
    """Read a single value, as in `--set a.b=VALUE`. Raises PresetError where it is not this dialect."""
    node = _compose(text, file)
    reading = _Reading(file)
    value = None if node is None else reading.value(node, "")
    if reading.problems:
        raise PresetError(reading.problems)
    return value


def dump(tree: Mapping[str, Any]) -> str:
    """The text of a tree of plain data; `parse` reads it back equal."""
    return yaml.dump(
        dict(tree), Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110
    )  # fmt: skip


def _compose(text: str, file: str) -> Node | None:
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        sentence = " ".join(part for part in (error.context, error.problem) if part) or "this is not YAML"
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        if mark and (tab := _tab(text, mark.line, error.problem or "")):
            sentence, where = f"line {mark.line + 1} {tab[0]}; use spaces", (mark.line + 1, tab[1])
        raise PresetError([Problem("", sentence, file, *where)]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        sentence = f"the character U+{ord(text[error.position]):04X} may not stand in a text file; remove it"
        raise PresetError([Problem("", sentence, file, line, column)]) from error


def _tab(text: str, line: int, problem: str) -> tuple[str, int] | None:
    """What a tab does in a line that cannot be read, and its column from 1; None where no tab is to blame."""
    found = text.splitlines()[line : line + 1]
    indent = re.match(r"\s*", found[0]) if found else None
    if indent and "\t" in indent[0]:
        return "is indented with a tab", indent[0].index("\t") + 1
    between = re.match(r"[^\t]*\t", found[0]) if found and "'\\t'" in problem else None
    return ("has a tab between words", between.end()) if between else None


class _Reading:
    """One pass over composed nodes: values, positions, and keys that stand twice."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.keys: dict[str, Position] = {}
        self.values: dict[str, Position] = {}
        self.problems: list[Problem] = []

    def value(self, node: Node, path: str) -> Any:
        self.values[path] = _position(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, _under(path, str(i))) for i, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: MappingNode, path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in node.value:
            at = _position(key)
            if not isinstance(key, ScalarNode):
                self.problems.append(Problem(path, "a key is a single word", self.file, at.line, at.column))
                continue
            below = _under(path, key.value)
            if key.value in made:
                sentence = f"this key stands twice, first in line {self.keys[below].line}; keep one"
                self.problems.append(Problem(below, sentence, self.file, at.line, at.column))
                continue
            self.keys[below] = at
            made[key.value] = self.value(item, below)
        return made


def _scalar(node: Node) -> Any:
    text = node.value
    if node.tag == _TAG + "int":
        return int(text)
    if node.tag == _TAG + "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if node.tag == _TAG + "bool":
        return text.lower() == "true"
    return None if node.tag == _TAG + "null" else text


def _position(node: Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
