"""Overlays stacked on the defaults: whose value stands, and who decided it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.experiment import SCHEMA, SECTIONS, put_section, section_of, section_specs
from engine.presets.schema import Tree

DEFAULT = "default"
"""Origin of a value that no overlay set."""

OWN = ("title", "notes")
"""What a preset says of itself only: it is not passed on to those that extend it."""


@dataclass
class Stack:
    """Settings by dotted path with their origins, the methods of the stack in order, and what has been said about the
    settings of any method, in the stack or not. `expected` is one fact and is replaced whole."""

    values: dict[str, Any] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    expected: dict[str, Any] | None = None
    origins: dict[str, str] = field(default_factory=dict)

    def lay(self, tree: Tree, origin: str) -> None:
        """Lay a checked tree over what is there; its `methods` decides which methods are in the stack, and their order."""
        for section in SECTIONS:
            for name, value in section_of(tree, section).items():
                self.set_value(f"{section}.{name}", value, origin)
        for key in OWN:
            if key in tree:
                self.set_value(key, tree[key], origin)
        if "expected" in tree:
            self.expected = copy.deepcopy(tree["expected"])
            self.origins["expected"] = origin
        for key in ("defaults_for", "methods"):
            for method, settings in (tree.get(key) or {}).items():
                self.set_method(method, settings or {}, origin)
        if "methods" in tree:
            self.methods = tuple(tree["methods"] or ())
            self.origins["methods"] = origin

    def value(self, path: str) -> Any:
        """What a setting of a section or of a method says by now; None where nothing does."""
        head, _, rest = path.partition(".")
        method, _, name = rest.partition(".")
        return self.settings.get(method, {}).get(name) if head == "methods" else self.values.get(path)

    def set_value(self, path: str, value: Any, origin: str) -> None:
        """Decide one setting of a section, or a text."""
        self.values[path] = copy.deepcopy(value)
        self.origins[path] = origin

    def set_method(self, method: str, settings: Mapping[str, Any], origin: str) -> None:
        """Decide settings of one method, whether or not it is in the stack."""
        self.settings.setdefault(method, {}).update(copy.deepcopy(dict(settings)))
        self.origins |= {f"methods.{method}.{name}": origin for name in settings}

    def add_method(self, method: str, origin: str) -> None:
        """Put a method at the end of the stack unless it is there."""
        if method not in self.methods:
            self.methods = (*self.methods, method)
            self.origins["methods"] = origin

    def tree(self) -> dict[str, Any]:
        """The stack as one tree: `defaults_for` holds what is said of methods, `methods` only which are in the stack."""
        made: dict[str, Any] = {"kdstudio": SCHEMA}
        for key in OWN:
            made[key] = self.values.get(key, "")
        for section in SECTIONS:
            found = {s.name: self.values.get(f"{section}.{s.name}") for s in section_specs(section)}
            put_section(made, section, {name: value for name, value in found.items() if value is not None})
        made["methods"] = {method: {} for method in self.methods}
        made["defaults_for"] = self.settings
        made["expected"] = self.expected
        return copy.deepcopy(made)
