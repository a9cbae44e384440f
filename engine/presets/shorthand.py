"""`source: {file: teacher.pth}` for `source: file` and `file: teacher.pth`: the source of a net and its address in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.presets.dialect import Document
from engine.presets.problems import Problem

SECTIONS = ("teacher", "student")
ADDRESSED = ("file", "run", "download")
"""The sources that have an address, kept in the setting of the same name."""


def spelled_out(document: Document) -> Document | Problem:
    """The document with every short form written as the settings it stands for, or what is wrong with one. Positions go
    along, so that later problems still name the line."""
    tree, keys, values = dict(document.tree), dict(document.keys), dict(document.values)
    for section in SECTIONS:
        given = tree.get(section)
        if not isinstance(given, Mapping) or not isinstance(given.get("source"), Mapping):
            continue
        wrong = _wrong(section, given)
        if wrong:
            return document.problem(f"{section}.source", wrong)
        [(source, address)] = given["source"].items()
        tree[section] = {k: source if k == "source" else v for k, v in given.items()} | {source: address}
        inside = f"{section}.source.{source}"
        for positions in (keys, values):
            if inside in positions:
                positions[f"{section}.{source}"] = positions.pop(inside)
    return Document(document.file, tree, keys, values)


def _wrong(section: str, given: Mapping[str, Any]) -> str:
    source = given["source"]
    if len(source) != 1 or next(iter(source)) not in ADDRESSED:
        examples = ", ".join(f"{{{name}: …}}" for name in ADDRESSED)
        return f"{dict(source)!r} is no source; write one of {examples}, or a word such as `source: scratch`"
    name = next(iter(source))
    return f"{name} is given twice, here and as {section}.{name}; keep one" if name in given else ""
