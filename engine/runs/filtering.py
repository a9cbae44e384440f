"""Filter expressions over runs: `top1 > 90 and method:dkd and tag:paper not archived`.

expression  what follows each other must all hold; `or` binds weaker than that, `not` stronger; brackets group
term        field > number   (also >= < <= = !=)
            field:text       (contains, for tags and methods is; `*` stands for anything), field = text, field != text
            archived done …  a word that says something of a run by itself
            word, "two words" occurs somewhere in the run
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from engine.knobs import did_you_mean
from engine.runs.fields import FIELDS, FLAGS, STATES, Field, of_setting, words
from engine.runs.quantities import QuantityError, quantity
from engine.runs.rows import RunRow

Test = Callable[[RunRow], bool]

COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq, "==": operator.eq,
    ":": operator.eq, "!=": operator.ne,
}  # fmt: skip

DAY = 86_400
"""Seconds."""

_TOKEN = re.compile(r'\s*(?:(?P<quoted>"[^"]*")|(?P<sign>>=|<=|!=|==|[><=:])|(?P<bracket>[()])|(?P<word>[^\s()<>=:"!]+))')


class FilterError(ValueError):
    """An expression that cannot be read; the sentence says where and what would be understood. `at` counts characters."""

    def __init__(self, sentence: str, at: int) -> None:
        super().__init__(sentence)
        self.at = at


class Token(NamedTuple):
    """A piece of an expression: quoted, sign, bracket, word or end; what it says, and where it begins."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Filter:
    """A read expression. `speaks_of_archived`: whether it says itself what is to become of archived runs."""

    text: str
    holds: Test
    speaks_of_archived: bool = False


def read(text: str) -> Filter:
    """The filter of an expression; an empty one holds for every run. Raises FilterError."""
    tokens = _tokens(text)
    if len(tokens) == 1:
        return Filter(text, lambda row: True)
    reader = _Reader(tokens)
    test = reader.any_of()
    rest = reader.next()
    if rest.kind != "end":
        raise FilterError(f"there is no bracket open that “{rest.text}” could close; leave it out", rest.at)
    return Filter(text, test, reader.speaks_of_archived)


def _tokens(text: str) -> list[Token]:
    found, at = list[Token](), 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            what = "the quotation mark is not closed" if text[at] == '"' else f"“{text[at]}” means nothing here"
            raise FilterError(f"{what}; put what is searched into quotation marks", at)
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind].strip('"') if kind == "quoted" else match[kind], match.start(kind)))
        at = match.end()
    return [*found, Token("end", "", len(text))]


class _Reader:
    """Reads tokens by descending: alternatives, then what must all hold, then single terms."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at = tokens, 0
        self.speaks_of_archived = False

    def next(self) -> Token:
        """The token that is read next."""
        return self._tokens[self._at]

    def take(self) -> Token:
        """The next token, which is behind then."""
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def is_word(self, word: str) -> bool:
        """Whether this word, unquoted, comes next."""
        return self.next().kind == "word" and self.next().text.lower() == word

    def any_of(self) -> Test:
        """Terms with `or` between them."""
        tests = [self.all_of()]
        while self.is_word("or"):
            self.take()
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def all_of(self) -> Test:
        """Terms that follow each other, with or without `and`."""
        tests = [self.term()]
        while not (self.next().kind == "end" or self.next().text == ")" or self.is_word("or")):
            if self.is_word("and"):
                self.take()
            tests.append(self.term())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def term(self) -> Test:
        """One term, what is in brackets, or the opposite of either."""
        if self.is_word("not"):
            self.take()
            inner = self.term()
            return lambda row: not inner(row)
        token = self.take()
        if token.text == "(" and token.kind == "bracket":
            inside = self.any_of()
            if self.take().text != ")":
                raise FilterError("the bracket that opens here is not closed", token.at)
            return inside
        if token.kind in ("end", "sign", "bracket") or (token.kind == "word" and token.text.lower() in ("and", "or")):
            raise FilterError(self._missing(token), token.at)
        if token.kind == "word" and self.next().kind == "sign":
            return self._compared(token)
        return self._searched(token)

    def _missing(self, token: Token) -> str:
        before = next((t.text for t in reversed(self._tokens) if t.at < token.at), "")
        where = f"after “{before}”" if before else "at the beginning"
        return f"{where} something is missing: a word, or a comparison such as top1 > 90"

    def _searched(self, token: Token) -> Test:
        word = token.text.lower()
        if token.kind == "word" and word in FLAGS:
            self.speaks_of_archived = self.speaks_of_archived or word == "archived"
            return FLAGS[word]
        return lambda row: word in words(row)

    def _compared(self, name: Token) -> Test:
        field = _field(name)
        sign, value = self.take(), self.take()
        if value.kind not in ("word", "quoted"):
            raise FilterError(f"after “{name.text} {sign.text}” {_wanted(field)} is missing", value.at)
        if "." in name.text:
            return _of_setting(field, sign.text, value.text)
        if field.is_number:
            return _number(field, sign, value)
        return _words(field, sign, value)


def _field(token: Token) -> Field:
    name = token.text.lower()
    if "." in name:
        return of_setting(token.text)
    plural = {"methods": "method", "tags": "tag", "best": "top1", "accuracy": "top1", "params": "parameters"}
    name = plural.get(name, name)
    if name not in FIELDS:
        near = did_you_mean(name, FIELDS) or f"; it has {', '.join(FIELDS)}, and every setting, such as training.epochs"
        raise FilterError(f"a run has no “{token.text}”{near}", token.at)
    return FIELDS[name]


def _wanted(field: Field) -> str:
    return {"time": "a day such as 2025-03-04", "duration": "a duration such as 10m or 2h", "bytes": "a size such as 20MB",
            "number": "a number"}.get(field.kind, "a text")  # fmt: skip


def _number(field: Field, sign: Token, value: Token) -> Test:
    try:
        wanted = quantity(value.text, field.kind)
    except QuantityError as error:
        sentence = f"{field.name} is compared with {_wanted(field)}, and “{value.text}” is none"
        raise FilterError(sentence, value.at) from error
    compare = COMPARED[sign.text]
    if field.kind == "time" and sign.text in (":", "=", "=="):  # the whole day
        return lambda row: wanted <= (field.value(row) or 0) < wanted + DAY

    def holds(row: RunRow) -> bool:
        found = field.value(row)
        return isinstance(found, (int, float)) and compare(found, wanted)

    return holds


def _words(field: Field, sign: Token, value: Token) -> Test:
    if sign.text not in (":", "=", "==", "!="):
        raise FilterError(f"{field.name} is no number: write {field.name}:{value.text}, or != for the opposite", sign.at)
    wanted = value.text.lower().replace("[", "[[]")  # only the asterisk stands for anything
    if field.kind == "choice" and wanted not in STATES:
        raise FilterError(f"no run is “{value.text}”{did_you_mean(wanted, STATES) or ': ' + ', '.join(STATES)}", value.at)
    contains = sign.text == ":" and field.kind == "text" and "*" not in wanted
    meant = (sign.text == "!=", f"*{wanted}*" if contains else wanted)

    def holds(row: RunRow) -> bool:
        found = field.value(row)
        several = found if field.kind == "set" else (found,)
        return any(fnmatchcase(str(each).lower(), meant[1]) for each in several) != meant[0]

    return holds


def _of_setting(field: Field, sign: str, wanted: str) -> Test:
    """A setting compared as a number where both are, else as a text."""
    compare, text = COMPARED[sign], wanted.lower()
    try:
        number = quantity(wanted, "number")
    except QuantityError:
        number = None

    def holds(row: RunRow) -> bool:
        found = field.value(row)
        if found is None:
            return False
        if number is not None and isinstance(found, (int, float)) and not isinstance(found, bool):
            return compare(found, number)
        return compare(str(found).lower(), text)

    return holds
