"""What is to be said about the thing in focus: taken from specs and cards, or from the tooltip where there is nothing more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtWidgets import QAbstractButton, QGroupBox, QLabel, QWidget

from engine.cards import MethodCard
from engine.knobs import Condition, Spec, bounds
from kdstudio.number_fields import in_words
from kdstudio.widgets.texts import sentence_case

ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


@dataclass(frozen=True)
class Topic:
    """A heading, what it is, facts by name, and an address where there is more to read."""

    title: str
    words: str
    facts: tuple[tuple[str, str], ...] = ()
    link: str = ""


@runtime_checkable
class Helped(Protocol):
    """A widget that knows more of itself than its tooltip says; asked for what is inside it, too."""

    def help_topic(self) -> Topic:
        """What to say about it."""
        ...


def of(widget: QWidget | None) -> Topic | None:
    """The topic of a widget: its own, or that of the nearest widget around it that has one; None where nobody knows."""
    here = widget
    while here is not None and not here.isWindow():
        if isinstance(here, Helped):
            return here.help_topic()
        words = plain(here.toolTip())
        if words:
            return Topic(_name(here), words)
        here = here.parentWidget()
    return None


def of_setting(spec: Spec, path: str, value: Any, origin: str) -> Topic:
    """A setting: its help, what it may be, what it is by default and now, who decided that, and its name in a preset."""
    source = f" ({spec.source})" if spec.source else ""
    facts = [
        ("Bounds", sentence_case(bounds(spec))),
        ("Choices", ", ".join(str(choice) for choice in (*spec.choices, *spec.words))),
        ("Default", f"{in_words(spec.default)}{source}"),
        ("Now", f"{in_words(value)}, set by {origin}"),
        ("Matters when", condition(spec.when)),
        ("In a preset", path),
    ]
    return Topic(sentence_case(spec.label()), spec.help, tuple(fact for fact in facts if fact[1]))


def of_method(card: MethodCard) -> Topic:
    """A method: what it does, its terms, its paper."""
    terms = ", ".join(term.title or term.name.replace("_", " ") for term in card.terms)
    needs = {"none": "no teacher", "logits": "a teacher's logits", "net": "a teacher net"}[card.needs.teacher]
    facts = [("Terms", terms), ("Needs", needs + (" and labels" if card.needs.labels else "")), ("Paper", card.paper)]
    found = ARXIV.search(card.paper)
    link = f"https://arxiv.org/abs/{found[1]}" if found else ""
    return Topic(card.title, card.summary, tuple(fact for fact in facts if fact[1]), link)


def condition(when: Condition) -> str:
    """A condition on siblings in words: `schedule is cosine or step`."""
    return " and ".join(f"{k.replace('_', ' ')} is {' or '.join(in_words(v) for v in vs)}" for k, vs in when.items())


def plain(words: str) -> str:
    """A tooltip without its markup."""
    return QTextDocumentFragment.fromHtml(words).toPlainText().strip() if words.startswith("<") else words.strip()


def _name(widget: QWidget) -> str:
    said = widget.text() if isinstance(widget, (QAbstractButton, QLabel)) else ""
    said = said or (widget.title() if isinstance(widget, QGroupBox) else "")
    return widget.accessibleName() or said.rstrip("…") or "Help"
