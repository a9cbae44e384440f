"""The YAML presets are written in: what reads as what, and what is refused, with its position."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.presets.dialect import dump, parse, parse_value
from engine.presets.problems import PresetError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4), ("1E3", 1000.0), (".5", 0.5), ("-2.", -2.0), ("+3", 3), ("010", 10), ("0", 0),
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("n", "n"), ("true", True), ("FALSE", False),
        ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("'5e-4'", "5e-4"),
        ("~", None), ("null", None), ("", None), ("[1, 2.5, x]", [1, 2.5, "x"]), ("{a: {}}", {"a": {}}), ("1e", "1e"),
        ("=", "="), ("-.INF", -math.inf), ("9999999999999999999999", 1e22), ("<<", "<<"),
    ],
)  # fmt: skip
def test_a_plain_value_reads_as_a_person_means_it(text: str, value: Any) -> None:
    read = parse_value(text, "here")
    assert (read, type(read)) == (value, type(value))


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parse_value(".nan", "here"))


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "stands twice, first in line 1"),
        ("a: {b: 1, b: 2}\n", 1, 11, "stands twice, first in line 1"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, 4, "tags such as"),
        ("a: ! x\n", 1, 4, "tags"),
        ("a: &x 1\n", 1, 4, "anchors and aliases"),
        ("a: 1\nb: *x\n", 2, 4, "anchors and aliases"),
        ("a: [1, 2\nb: 3\n", 2, 2, "while parsing a flow sequence"),
        ("a: 'open\n", 2, 1, "while scanning a quoted scalar"),
        ("a: 1\n  b: 2\n", 2, 4, "mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", 2, 1, "expected a single document"),
        ("[a]: 1\n", 1, 1, "a key is a single word"),
        ("a:\n  b: 1\n  c:\n\td: 2\n", 4, 1, "line 4 is indented with a tab; use spaces"),
        ("a:\n  \tb: 1\n", 2, 3, "line 2 is indented with a tab; use spaces"),
        ("a:\t1\n", 1, 3, "line 1 has a tab between words; use spaces"),
        ("just words\n", 1, 1, "a mapping of settings"),
        ("- a\n- b\n", 1, 1, "a mapping of settings"),
        ("a: 1\nb: x\x07y\n", 2, 5, "U+0007"),
        ("a: " + "[" * 40 + "\n", 1, 16, "nested deeper than"),
    ],
)
def test_what_presets_do_not_use_is_refused_where_it_stands(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(PresetError) as caught:
        parse(text, "x.yaml")
    [problem] = caught.value.problems
    assert (problem.file, problem.line, problem.column) == ("x.yaml", line, column)
    assert words in problem.sentence


def test_every_key_that_stands_twice_is_named() -> None:
    with pytest.raises(PresetError) as caught:
        parse("a: 1\na: 2\nb: {c: 1, c: 2}\n", "x.yaml")
    assert [p.path for p in caught.value.problems] == ["a", "b.c"]


def test_an_empty_file_is_an_empty_preset() -> None:
    assert parse("# nothing yet\n", "x.yaml").tree == {}


def test_positions_are_those_of_keys_and_of_values() -> None:
    document = parse("title: X\nmethods:\n  kd:\n    weight: [1,\n      7]\n", "x.yaml")
    key, value = document.problem("methods.kd.weight", "?", at="key"), document.problem("methods.kd.weight.1", "?")
    assert (key.line, key.column) == (4, 5)
    assert (value.line, value.column) == (5, 7)


def test_a_path_the_file_does_not_hold_is_placed_at_what_is_above_it() -> None:
    problem = parse("title: X\nexpected: {top1: 3}\n", "x.yaml").problem("expected.source", "?")
    assert (problem.line, problem.column) == (2, 11)


NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029\ufeff"), max_size=40)
TREES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(TEXTS, TREES, max_size=4))
def test_what_is_written_reads_back_equal(tree: dict[str, Any]) -> None:
    assert parse(dump(tree), "x.yaml").tree == tree


@pytest.mark.parametrize(
    "text", ["5e-4", "1e5", "on", "no", "1:30", "2024-01-01", "null", "~", "", ".5", "0x10", "=", "<<", "010"]
)
def test_texts_that_look_like_something_else_are_quoted_for_every_reader(text: str) -> None:
    assert f"'{text}'" in dump({"a": text})
