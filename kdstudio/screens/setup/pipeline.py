"""How an experiment hangs together: images, nets, methods and the loss as boxes, and what flows between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine import rules
from engine.cards import Catalogue, MethodCard, Stage
from engine.experiment import Experiment
from engine.knobs import holds
from engine.pairing import Match, by
from engine.presets import method_settings
from kdstudio.screens.setup import outline
from kdstudio.widgets.texts import sentence_case

Kind = Literal["images", "labels", "logits", "maps", "loss"]
"""What flows along a wire."""
LOGITS = "logits"


@dataclass(frozen=True)
class Port:
    """A line inside a box where something leaves: a tap with its shape, or the logits."""

    name: str
    words: str


@dataclass(frozen=True)
class Box:
    """Something in the picture: in which `column` it stands, from the left; the setting that a click leads to; `lines` below
    its title, and ports below these."""

    key: str
    column: int
    icon: str
    title: str
    path: str
    lines: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Wire:
    """Something that flows from a box, or one of its ports (empty: the whole), into another box."""

    source: str
    target: str
    kind: Kind
    port: str = ""


@dataclass(frozen=True)
class Pipeline:
    """The whole picture, and the stages of a run in their order."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    stages: tuple[str, ...]

    def in_words(self) -> str:
        """The picture as sentences, for those who hear it."""
        titles = {box.key: box.title for box in self.boxes}
        into = {box.key: [w for w in self.wires if w.target == box.key] for box in self.boxes}
        said = [f"Stages: {', '.join(self.stages)}."]
        for key, wires in into.items():
            if wires:
                sources = (f"{w.kind} of {titles[w.source]}{f' ({w.port})' if w.kind == 'maps' else ''}" for w in wires)
                said.append(f"{titles[key]} takes {', '.join(dict.fromkeys(sources))}.")
        return " ".join(said)


def of(experiment: Experiment, catalogue: Catalogue) -> Pipeline | None:
    """The picture of an experiment; None where it names something the catalogue does not hold."""
    if outline.of(experiment, catalogue) is None:
        return None
    return _Drawing(experiment, catalogue).drawn()


class _Drawing:
    """One experiment beside the catalogue."""

    def __init__(self, experiment: Experiment, catalogue: Catalogue) -> None:
        self.experiment, self.catalogue = experiment, catalogue
        self.cards = {key: catalogue.methods[key] for key in experiment.methods}
        self.settings = {key: method_settings(experiment, key, catalogue=catalogue) for key in self.cards}
        self.compared = rules.compared(experiment, catalogue)
        self.has_teacher = experiment.teacher.net != "none"
        self.offering = [k for k, c in self.cards.items() if c.offers is not None and holds(c.offers, self.settings[k])]
        self.labelled = bool(rules.ce_weight(experiment, catalogue))

    def drawn(self) -> Pipeline:
        boxes = (*self._data(), *self._prepared(), *self._nets(), *self._learning(), self._loss())
        there = {box.key for box in boxes}
        wires = tuple(wire for wire in dict.fromkeys(self._wires()) if {wire.source, wire.target} <= there)
        return Pipeline(boxes, wires, outline.stages(self.experiment, self.catalogue))

    # Boxes

    def _data(self) -> Iterator[Box]:
        dataset = self.experiment.dataset
        card = self.catalogue.datasets.get(dataset.name)
        title = card.title if card else dataset.name
        facts = outline.dataset_facts(card, dataset.model_dump())[:1] if card else ()
        added = _augmentation(dataset.augmentation())
        yield Box("images", 0, "dataset", title, "dataset.name", (*facts, *added), help="The images, as each step sees them.")
        if dataset.labels and (self.labelled or any(card.needs.labels for card in self.cards.values())):
            yield Box("labels", 0, "check", "Labels", "dataset.labels", help="The classes of the training images.")

    def _before(self, key: str) -> list[Stage]:
        """The stages of a method before the student learns."""
        return [stage for stage in self.cards[key].stages if holds(stage.when, self.settings[key])]

    def _prepared(self) -> Iterator[Box]:
        """What methods make of the images alone before the student learns; those that look at the teacher, too, say so in
        their own boxes."""
        for key, card in self.cards.items():
            stages = self._before(key)
            if stages and card.needs.teacher != "net":
                ports = (Port(LOGITS, "soft labels for the others"),) if key in self.offering else ()
                words = " → ".join(stage.title for stage in stages)
                help_ = " ".join(stage.help for stage in stages)
                yield Box(f"{key}:before", 1, "clock", f"{card.title}, before", f"methods.{key}", (words,), ports, help_)

    def _nets(self) -> Iterator[Box]:
        if self.has_teacher:
            teacher = self.experiment.teacher
            origin = outline.source_facts("teacher", teacher.model_dump(), self.experiment.dataset.name)[:1]
            yield self._net("teacher", teacher.net, "teacher.net", origin, "What it knows is what the student learns.")
        student = self.experiment.student
        lines = [student.quantize.words()] if student.quantize.wanted else []
        staying = rules.staying(self.experiment, self.catalogue)
        lines += [f"with {' and '.join(self.cards[key].title for key in staying)} inside"] if staying else []
        yield self._net("student", student.net, "student.net", tuple(lines), "What is trained, and taken away at the end.")

    def _net(self, who: Literal["teacher", "student"], key: str, path: str, lines: tuple[str, ...], words: str) -> Box:
        """A net with the taps that methods look at, and its logits."""
        taps: dict[str, str] = {}
        for match in (match for found in self.compared.values() for match in found):
            tap, shape = _end(match, who)
            taps[tap] = f"{tap}  {by(shape)}"
        ports = tuple(Port(tap, said) for tap, said in sorted(taps.items()))
        card = self.catalogue.nets[key]
        title = f"{sentence_case(who)}: {card.title}"
        return Box(who, 1, who, title, path, lines, (*ports, Port(LOGITS, LOGITS)), words)

    def _learning(self) -> Iterator[Box]:
        """What the loss is made of: each method with its terms, and the labels."""
        for key, card in self.cards.items():
            lines = self._terms(key, card)
            if lines or key not in self.offering:
                yield Box(key, 2, "method", card.title, f"methods.{key}", lines, help=card.summary)
        if self.labelled:
            weight = f"× {rules.ce_weight(self.experiment, self.catalogue):.4g}"
            path = f"methods.{next(iter(self.cards))}.ce_weight" if self.cards else "training.label_smoothing"
            yield Box("ce", 2, "check", "Cross-entropy", path, (weight,), help="The student's logits against the labels.")

    def _terms(self, key: str, card: MethodCard) -> tuple[str, ...]:
        terms = [term for term in card.terms if holds(term.when, self.settings[key])]
        said = [f"{outline.term_words(t)} × {outline.weight_of(t, self.settings[key]):.4g}" for t in terms]
        if card.needs.teacher == "net" and (stages := self._before(key)):
            said.append(f"first: {' → '.join(stage.title for stage in stages)}")
        if card.modifies:
            said.insert(0, outline.MODIFIES)
        return tuple(said)

    def _loss(self) -> Box:
        words = ("weighted sum",)
        return Box("loss", 3, "training", "Loss", "training.optimizer", words, help="What the student's weights follow.")

    # Wires

    def _wires(self) -> Iterator[Wire]:
        yield from (Wire("images", who, "images") for who in ("teacher", "student"))
        if self.labelled:
            yield Wire("labels", "ce", "labels")
            yield Wire("student", "ce", "logits", LOGITS)
            yield Wire("ce", "loss", "loss")
        for key, card in self.cards.items():
            yield from self._of_method(key, card)

    def _of_method(self, key: str, card: MethodCard) -> Iterator[Wire]:
        before = f"{key}:before"
        yield Wire("images", before, "images")
        yield Wire(before, key, "logits", LOGITS if key in self.offering else "")
        if card.needs.labels:
            yield Wire("labels", key, "labels")
        if card.needs.compares_logits:
            yield from self._logits(key)
        elif card.needs.teacher == "none" and card.terms:
            yield Wire("student", key, "logits", LOGITS)
        for match in self.compared.get(key, ()):
            yield Wire("teacher", key, "maps", match.teacher)
            yield Wire("student", key, "maps", match.student)
        if not card.modifies and self._terms(key, card):
            yield Wire(key, "loss", "loss")

    def _logits(self, key: str) -> Iterator[Wire]:
        """Both sides of what a method on logits compares."""
        yield Wire("student", key, "logits", LOGITS)
        if self.has_teacher:
            yield Wire("teacher", key, "logits", LOGITS)
        for other in self.offering:
            if other != key:
                yield Wire(f"{other}:before", key, "logits", LOGITS)


def _end(match: Match, who: str) -> tuple[str, tuple[int, ...]]:
    return (match.student, match.student_shape) if who == "student" else (match.teacher, match.teacher_shape)


def _augmentation(settings: dict[str, object]) -> tuple[str, ...]:
    """How a batch is changed, in a line; nothing where it is not."""
    words = {"resized_crop": "resized crop", "crop": "crop", "flip": "flip", "rotation": "rotation"}
    said = [words[name] for name in words if settings.get(name)]
    return (", ".join(said),) if said else ()
