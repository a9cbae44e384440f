"""What the palette offers, and how well it fits what was typed. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """Something to do or to go to. `detail` is shown after the words, `also` only searched; `keys` stand at the right."""

    group: str
    words: str
    act: Callable[[], object]
    detail: str = ""
    icon: str = ""
    keys: str = ""
    also: str = ""


EXACT, START, WORD, INSIDE, LETTERS = 100.0, 80.0, 60.0, 40.0, 20.0
"""What a typed word is worth: it is all of the words, their beginning, the beginning of a word, inside one, or letters of it
in order."""
BESIDE = 0.4
"""What a fit in the detail or in what is only searched counts beside one in the words."""


def fit(typed: str, words: str) -> float:
    """How well one typed word fits; 0 where it does not. Capitals count for nothing; of two equal fits the shorter text
    wins."""
    typed, words = typed.lower(), words.lower()
    at = words.find(typed)
    if at < 0:
        span = _spread(typed, words)
        return LETTERS * len(typed) / span if span else 0.0
    if at == 0:
        value = EXACT if len(typed) == len(words) else START
    elif _begins(typed, words):
        value = WORD
    else:
        value = INSIDE
    return value + 10 / (10 + len(words))


def score(typed: Sequence[str], hit: Hit) -> float:
    """How well a hit fits all typed words, which stand in any order; 0 where one of them fits nowhere."""
    total = 0.0
    for word in typed:
        best = max(fit(word, hit.words), fit(word, hit.group) * BESIDE, _within(word, f"{hit.detail} {hit.also}") * BESIDE)
        if not best:
            return 0.0
        total += best
    return total


def best(typed: str, hits: Iterable[Hit], most: int) -> list[Hit]:
    """The hits that fit, best first; equal ones keep their order. Nothing typed: the first of them."""
    words = typed.split()
    if not words:
        return list(hits)[:most]
    scored = [(score(words, hit), hit) for hit in hits]
    found = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
    return [hit for _, hit in found[:most]]


def _within(typed: str, words: str) -> float:
    """As `fit`, but letters in order count for nothing: in a long text they are always found."""
    return fit(typed, words) if typed.lower() in words.lower() else 0.0


def _begins(typed: str, words: str) -> bool:
    """Whether a word of the text begins with what was typed."""
    at = words.find(typed)
    while at >= 0:
        if at == 0 or not words[at - 1].isalnum():
            return True
        at = words.find(typed, at + 1)
    return False


def _spread(typed: str, words: str) -> int:
    """Over how many letters the typed ones are spread, in order, the first at the beginning of a word; 0 where they are not
    all there, or so far apart that nobody meant it."""
    least = 0
    for begin, letter in enumerate(words):
        if letter != typed[0] or (begin and words[begin - 1].isalnum()):
            continue
        at = begin
        for wanted in typed[1:]:
            at = words.find(wanted, at + 1)
            if at < 0:
                break
        else:
            span = at - begin + 1
            least = min(least or span, span)
    return least if least <= 6 * len(typed) else 0
