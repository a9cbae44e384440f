"""What a person reads is spelled in one way: British, with -ize as Oxford has it (the field writes quantize and normalize)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AMERICAN = (
    "color", "colors", "colored", "center", "centers", "centered", "behavior", "behaviors", "favorite", "gray", "labeled",
    "labeling", "unlabeled", "canceled", "modeling", "catalog", "dialog", "dialogs", "neighbor", "neighbors", "analyze",
    "license", "meter", "fulfill", "traveled", "honor", "flavor", "program's license", "artifact", "judgment", "aging",
)  # fmt: skip
"""Words as American English has them; ours are colour, centre, behaviour, grey, labelled, catalogue, dialogue, licence."""
ISE = re.compile(
    r"\b\w*(?:optimis|normalis|quantis|initialis|regularis|standardis|visualis|minimis|maximis|summaris|organis|recognis|"
    r"realis|generalis|customis|specialis|synchronis|tokenis|penalis|discretis|binaris)(?:e|es|ed|er|ers|ing|ation|ations)\b",
    re.IGNORECASE,
)
"""-ise where Oxford writes -ize."""
WORDS = re.compile(rf"\b(?:{'|'.join(AMERICAN)})\b", re.IGNORECASE)
CODE = re.compile(r"`[^`]*`|kdstudio \S+|--\S+|\{[^}]*\}|[\w./]*_[\w./]*|\w+\.\w+\S*|<[^>]+>")
"""Names of commands, settings and files inside a sentence: they are what they are."""


def sentences(path: Path) -> list[str]:
    """The texts of a module that a person may read: strings of several words that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body and isinstance(node.body[0], ast.Expr)
    }
    strings = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs]
    return [n.value for n in strings if " " in n.value.strip() or n.value[:1].isupper()]


def american(text: str) -> list[str]:
    plain = CODE.sub(" ", text)
    return [found[0] for found in (*WORDS.finditer(plain), *ISE.finditer(plain))]


SOURCES = sorted(p for root in ("kdstudio", "engine") for p in (ROOT / root).rglob("*.py"))


@pytest.mark.parametrize("package", ["kdstudio", "engine"])
def test_every_sentence_of_the_code_is_spelled_the_british_way(package: str) -> None:
    wrong = {
        f"{p.relative_to(ROOT)}: {text[:80]!r}": american(text)
        for p in SOURCES
        if p.is_relative_to(ROOT / package)
        for text in sentences(p)
        if american(text)
    }
    assert wrong == {}


def test_every_title_and_note_of_a_preset_is_spelled_the_british_way() -> None:
    lines = {
        f"{p.relative_to(ROOT)}: {line.strip()}": american(line)
        for p in sorted((ROOT / "presets").rglob("*.yaml"))
        for line in p.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*(title|notes|#)", line) and american(line)
    }
    assert lines == {}


def test_the_readme_is_spelled_the_british_way() -> None:
    text = re.sub(r"```.*?```", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert [line for line in text.splitlines() if american(line)] == []
