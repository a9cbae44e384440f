"""The shelf of methods: what each does, its loss, its paper, its settings, and what it shows while it runs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from engine import plugins
from engine.adapter_kinds import ADAPTERS
from engine.cards import MethodCard, Term
from engine.knobs import Spec, bounds
from kdstudio.help import topics
from kdstudio.number_fields import in_words
from kdstudio.screens.library import paper
from kdstudio.screens.library.formula import Formula
from kdstudio.screens.library.paper import Page
from kdstudio.screens.library.shelf import Item, Shelf
from kdstudio.widgets.texts import chip

NEEDS = {"none": "no teacher", "logits": "a teacher's logits", "net": "a teacher net"}
KINDS = {"images": "pictures", "outputs": "rows of numbers", "affinity": "matrices", "templates": "maps"}
"""Kinds of watches whose names would not say what is seen."""
SHIPPED, OWN, BROKEN = "kdstudio's", "Your own", "Your own, to be mended"
EXPLAINED = (
    "A method of your own is one Python file with a subclass of engine.method.Method in this folder. It appears here, in the "
    "form and in the plots without another edit; kdstudio executes the files in it."
)


class MethodShelf(Shelf):
    """Every method of the catalogue, and files in the plug-in folder that cannot be used."""

    title, icon = "Methods", "method"

    def items(self) -> list[Item]:
        """Broken files first, then the user's own, then kdstudio's."""
        known = self.store.catalogue
        found = [
            Item(f"problem {n}", _file_of(said), said, BROKEN, "to mend", "problem")
            for n, said in enumerate(known.method_problems)
        ]
        own = [card for key, card in known.methods.items() if key in known.own]
        rest = [card for key, card in known.methods.items() if key not in known.own]
        return [*found, *(_item(card, OWN) for card in own), *(_item(card, SHIPPED) for card in rest)]

    def tools(self) -> list[QWidget]:
        """The way to the plug-in folder."""
        made = paper.reveal(plugins.folder() / "methods", "Your own")
        made.setToolTip(f"<p>{EXPLAINED}</p><p>{plugins.folder() / 'methods'}</p>")
        return [made]

    def page(self, key: str) -> QWidget:
        """A method, or what is wrong with a file."""
        if key.startswith("problem "):
            return _broken(self.store.catalogue.method_problems[int(key.partition(" ")[2])])
        card = self.store.catalogue.methods[key]
        chips = [(NEEDS[card.needs.teacher], "accent" if card.needs.teacher != "none" else "")]
        chips += [("labels", "")] if card.needs.labels else []
        chips += [("your own", "good")] if key in self.store.catalogue.own else []
        page = Page(card.title, key, chips)
        page.say(card.summary, "plain")
        add = paper.button("Put into the stack", lambda: self.stacked.emit(key), "primary", "plus")
        add.setEnabled(key not in self.store.stack())
        add.setToolTip("" if add.isEnabled() else "It is in the stack already")
        page.buttons(add)
        if card.formula:
            page.add(paper.section("Loss", Formula(card.formula)))
        if card.paper:
            page.add(_paper(card))
        page.add(_settings(card))
        page.add(*(made for made in (_terms(card), _watches(card), _stages(card), _compared(card)) if made is not None))
        return page.end()


def sentence_case(words: str) -> str:
    """The first letter large, but for Greek ones, which would be others then."""
    return words[:1].upper() + words[1:] if words[:1].isascii() else words


def _item(card: MethodCard, group: str) -> Item:
    own = group == OWN
    return Item(
        card.key, card.title, card.summary, group, "own" if own else "", "good",
        f"{card.key} {card.paper} {' '.join(s.name for s in card.settings)}",
    )  # fmt: skip


def _file_of(sentence: str) -> str:
    """The name of the file that a sentence begins with."""
    return Path(sentence.partition(", line")[0].partition(".py:")[0]).name.removesuffix(".py") + ".py"


def _broken(sentence: str) -> Page:
    page = Page(_file_of(sentence), "", [("to mend", "problem")])
    page.say("This file in your plug-in folder cannot be used:")
    page.say(sentence, "problem")
    page.buttons(paper.reveal(plugins.folder() / "methods"))
    page.say("It is read again a moment after you save it.", "faint")
    return page.end()


def _paper(card: MethodCard) -> QWidget:
    address = topics.of_method(card).link
    return paper.section("Paper", *([paper.link(card.paper, address)] if address else [paper.explained(card.paper)]))


def _settings(card: MethodCard) -> QWidget:
    rows = [(paper.named(sentence_case(s.label()), s.name), _default(s), _help(s)) for s in card.settings]
    rows.append(
        (paper.named("Weight of the labels", "ce_weight"), in_words(card.ce_weight),
         paper.explained("Weight of the cross-entropy with the labels; in a stack the first method decides."))
    )  # fmt: skip
    return paper.section("Settings", paper.table(("setting", "default", "what it does"), rows, 2))


def _default(spec: Spec) -> str:
    return in_words(spec.default) + (f" {spec.unit}" if spec.unit else "")


def _help(spec: Spec) -> QWidget:
    allowed = bounds(spec) or ", ".join(str(choice) for choice in (*spec.choices, *spec.words))
    more = [sentence_case(allowed), f"Matters when {topics.condition(spec.when)}" if spec.when else ""]
    more.append(f"Default from: {spec.source}" if spec.source else "")
    return paper.explained(spec.help, " · ".join(part for part in more if part))


def _terms(card: MethodCard) -> QWidget | None:
    rows = [(paper.named(sentence_case(t.title or t.name), f"{card.key}.{t.name}"), _weight(t), _when(t)) for t in card.terms]
    if not rows:
        return paper.section("Terms of the loss", paper.explained("None of its own: it changes what the others compare."))
    return paper.section("Terms of the loss", paper.table(("term", "weight", "what it is"), rows, 2))


def _weight(term: Term) -> str:
    return term.weight.replace("_", " ") if isinstance(term.weight, str) else f"{term.weight:g}"


def _when(each: Term) -> QWidget:
    return paper.explained(each.help, f"When {topics.condition(each.when)}" if each.when else "")


def _watches(card: MethodCard) -> QWidget | None:
    rows = [
        (paper.named(sentence_case(w.title or w.name.replace("_", " ")), ""), chip(KINDS.get(w.kind, w.kind)),
         paper.explained(w.help, f"When {topics.condition(w.when)}" if w.when else ""))
        for w in card.watches
    ]  # fmt: skip
    return paper.section("Watched while it runs", paper.table(("watch", "as", "what it shows"), rows, 2)) if rows else None


def _stages(card: MethodCard) -> QWidget | None:
    rows = [(sentence_case(s.title), s.help) for s in card.stages]
    return paper.section("Work before distilling", paper.table(("stage", "what is done"), rows, 1)) if rows else None


def _compared(card: MethodCard) -> QWidget | None:
    rows = []
    for f in card.features:
        adapter = ADAPTERS.get(f.adapter)
        when = f"when {topics.condition(f.when)}" if f.when else ""
        rows.append((f.stages, sentence_case(adapter.words) if adapter else f.adapter, when))
    return paper.section("Compared in the nets", paper.table(("stages", "by", ""), rows, 2)) if rows else None
