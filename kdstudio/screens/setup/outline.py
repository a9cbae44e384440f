"""What an experiment comes to, in words and numbers: its loss, its stages, its nets. Pure, from the catalogue alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import lineage, presets, published, rules
from engine.cards import Catalogue, DatasetCard, MethodCard, NetCard, Term
from engine.experiment import Experiment
from engine.knobs import holds
from engine.pairing import Match
from kdstudio.quantities import grouped, short, times


@dataclass(frozen=True)
class Weighted:
    """One summand of the loss."""

    weight: float
    words: str


@dataclass(frozen=True)
class Paired:
    """What one method compares of the two nets, match by match, and the parameters it trains for that alone."""

    method: str
    matches: tuple[Match, ...]

    @property
    def parameters(self) -> int:
        """Parameters of its adapters, which are dropped after training."""
        return sum(match.parameters for match in self.matches)


@dataclass(frozen=True)
class Outline:
    """What the plan shows of an experiment."""

    sizes: tuple[tuple[str, int, int], ...]
    counted: str
    loss: tuple[Weighted, ...]
    stages: tuple[str, ...]
    pairs: tuple[Paired, ...] = ()
    quantized: str = ""
    repeated: str = ""


def of(experiment: Experiment, catalogue: Catalogue) -> Outline | None:
    """The outline of an experiment, or None where it names something the catalogue does not hold."""
    named = (("Teacher", experiment.teacher.net), ("Student", experiment.student.net))
    unknown = [key for _, key in named if key not in catalogue.nets and key != "none"]
    if unknown or any(key not in catalogue.methods for key in experiment.methods):
        return None
    nets = [(who, catalogue.nets[key]) for who, key in named if key != "none"]
    sizes, words = _sizes(nets, experiment, catalogue)
    sizes = (*sizes, *_with_parts(sizes, experiment, catalogue))
    compared = rules.compared(experiment, catalogue).items()
    pairs = tuple(Paired(catalogue.methods[key].title, matches) for key, matches in compared)
    small = quantized(experiment, catalogue)
    often = repeated(experiment)
    return Outline(sizes, words, loss(experiment, catalogue), stages(experiment, catalogue), pairs, small, often)


def repeated(experiment: Experiment) -> str:
    """How many runs Start begins, and on which seeds; empty where it is one."""
    run = experiment.run
    return f"{run.repeats} runs, one each on seeds {run.seed} to {run.seed + run.repeats - 1}" if run.repeats > 1 else ""


def _sizes(
    nets: list[tuple[str, NetCard]], experiment: Experiment, catalogue: Catalogue
) -> tuple[tuple[tuple[str, int, int], ...], str]:
    """Parameters and multiply-adds of the nets on the experiment's own images where the catalogue counted them, else on
    the images on which nets are compared; and which it is, in words."""
    card = catalogue.datasets.get(experiment.dataset.name)
    shape = (card.channels, _side(card, experiment, [net for _, net in nets]), card.classes) if card else (0, 0, 0)
    found = [(who, net.size_on(*shape)) for who, net in nets]
    if all(size is not None for _, size in found):
        words = f"{shape[0]} × {shape[1]} × {shape[1]} images, {shape[2]} classes"
        return tuple((who, *size) for who, size in found if size is not None), words
    return tuple((who, net.parameters, net.multiply_adds) for who, net in nets), COMPARED


def _with_parts(
    sizes: tuple[tuple[str, int, int], ...], experiment: Experiment, catalogue: Catalogue
) -> tuple[tuple[str, int, int], ...]:
    """The student with what methods put into it to stay, where they do."""
    parts = rules.staying(experiment, catalogue)
    if not parts:
        return ()
    _, parameters, multiply_adds = sizes[-1]
    who = " and ".join(catalogue.methods[key].title for key in parts)
    more = [sum(size) for size in zip(*parts.values())]
    return ((f"Student with {who}", parameters + more[0], multiply_adds + more[1]),)


def quantized(experiment: Experiment, catalogue: Catalogue) -> str:
    """What the quantized student comes to in bytes; empty where nothing is quantized. The names must be known."""
    settings, sizes = experiment.student.quantize, rules.quantized(experiment, catalogue)
    if sizes is None:
        return settings.words()
    bare = " without what methods add" if rules.staying(experiment, catalogue) else ""
    return (
        f"{settings.words()}: {short(sizes.packed)} bytes instead of {short(sizes.plain)}{bare}, "
        f"{times(sizes.compression)} × smaller"
    )


def _side(card: DatasetCard, experiment: Experiment, nets: list[NetCard]) -> int:
    """The side to which the images come: the one asked for or their own, or the one the nets insist on."""
    wanted = experiment.dataset.size if isinstance(experiment.dataset.size, int) else card.size
    return max([net.exact or max(wanted, net.smallest) for net in nets])


def loss(experiment: Experiment, catalogue: Catalogue) -> tuple[Weighted, ...]:
    """The summands of the loss with their full weights: the labels first, then each method's active terms."""
    summands = []
    share = rules.ce_weight(experiment, catalogue)
    if share:
        summands.append(Weighted(share, "labels"))
    for card, settings in _methods(experiment, catalogue):
        for term in card.terms:
            if holds(term.when, settings):
                summands.append(Weighted(weight_of(term, settings), f"{card.title} {term_words(term)}"))
    return tuple(summands)


def adds(key: str, experiment: Experiment, catalogue: Catalogue) -> str:
    """What one method of the stack does to the loss: its active terms, each with its weight, or what it does for the others;
    empty where it is not in the experiment."""
    found = [(card, settings) for card, settings in _methods(experiment, catalogue) if card.key == key]
    terms = [(term, settings) for card, settings in found for term in card.terms if holds(term.when, settings)]
    if not terms and found:
        return MODIFIES if found[0][0].modifies else "teaches the others"
    return " · ".join(f"{term_words(term)} × {weight_of(term, settings):.4g}" for term, settings in terms)


def term_words(term: Term) -> str:
    """A term as a person reads it."""
    return term.title or term.name.replace("_", " ")


def weight_of(term: Term, settings: Mapping[str, Any]) -> float:
    """The full weight of a term under its method's settings."""
    return float(settings[term.weight] if isinstance(term.weight, str) else term.weight)


def stages(experiment: Experiment, catalogue: Catalogue) -> tuple[str, ...]:
    """What the run does, in order."""
    found: list[str] = []
    if experiment.teacher.net != "none":
        found += experiment.teacher.stages()
    for card, settings in _methods(experiment, catalogue):
        found += [stage.title for stage in card.stages if holds(stage.when, settings)]
    return (*found, "distilling" if experiment.methods else "training", "evaluation")


def teaching(experiment: Experiment, catalogue: Catalogue) -> str:
    """The title of the method that gives logits to the others, empty where none does."""
    for card, settings in _methods(experiment, catalogue):
        if card.offers is not None and holds(card.offers, settings):
            return card.title
    return ""


def _methods(experiment: Experiment, catalogue: Catalogue) -> list[tuple[MethodCard, dict[str, Any]]]:
    return [
        (catalogue.methods[key], presets.method_settings(experiment, key, catalogue=catalogue)) for key in experiment.methods
    ]


def dataset_facts(card: DatasetCard, values: dict[str, Any]) -> tuple[str, ...]:
    """What there is to know of a dataset under its settings."""
    lines = []
    if card.classes:
        side = values["size"] if isinstance(values["size"], int) else card.size
        colour = "grey" if card.channels == 1 else "colour"
        lines.append(f"{card.classes} classes · {side} × {side} {colour}")
    part = f"{100 * values['subset']:.3g}\u202f% of " if values["subset"] < 1 else ""
    if card.train_images and card.test_images:
        lines.append(f"{part}{grouped(card.train_images)} training, {grouped(card.test_images)} test images")
    elif card.train_images:
        kept = f"{values['split']:.0%} of them kept for the test"
        lines.append(f"{grouped(card.train_images)} images, {kept}" + (f", {part}the rest used" if part else ""))
    if card.needs_folder:
        lines.append(str(values["root"]) or "No folder chosen yet")
    if not values["labels"]:
        lines.append("Its labels are not used")
    return tuple(lines)


def resized(card: DatasetCard, experiment: Experiment, catalogue: Catalogue) -> str:
    """What the nets make of the size of the images; empty where they take them as they come."""
    nets = [catalogue.nets[key] for key in (experiment.teacher.net, experiment.student.net) if key in catalogue.nets]
    asked = isinstance(experiment.dataset.size, int)
    if asked or not card.size or not nets or _side(card, experiment, nets) == card.size:
        return ""
    side = _side(card, experiment, nets)
    return f", resized to {side} × {side}"


def source_facts(who: str, values: dict[str, Any], dataset: str) -> tuple[str, ...]:
    """Where the teacher or the student comes from, and what its publisher says of it; nothing of fresh weights."""
    begins = "Starts from" if who == "student" else "From"
    match values["source"]:
        case "train":
            return (f"Trained first, {values['epochs']} epochs, then kept",)
        case "file":
            file = Path(values["file"])
            return (f"{begins} {file.name} in {file.parent}" if file.name else f"{begins} a file not chosen yet",)
        case "run":
            awaited = values["run"].startswith(lineage.AWAITED)
            run = "an entry of the queue" if awaited else values["run"] or "a run not chosen yet"
            return (f"{begins} the student of {run}",)
        case "download":
            entry = published.chosen(values["download"], values["net"], dataset)
            if entry is None:
                return ("Nothing published was chosen yet",)
            return f"Published: {entry.name}", f"{entry.top1:.2f} % on {entry.dataset} · {entry.licence}"
        case "pretrained":
            return (f"{begins} torchvision's weights of ImageNet",)
        case "scratch" if who == "teacher":
            return ("Untrained, as a control",)
    return ()


def net_facts(who: str, experiment: Experiment, catalogue: Catalogue) -> str:
    """How large the teacher or the student is on the experiment's images; empty where nothing can be said."""
    found = of(experiment, catalogue)
    for name, parameters, multiply_adds in found.sizes if found else ():
        if name == who:
            return f"{short(parameters)} parameters · {short(multiply_adds)} multiply-adds"
    return ""


MODIFIES = "changes the logits that the others see"
"""What a modifier does instead of adding terms."""

COMPARED = "3 × 32 × 32 images, 100 classes"
"""What the catalogue's general counts refer to."""


def saving(student: NetCard, teacher: NetCard) -> str:
    """How much smaller the student is."""
    if student.parameters >= teacher.parameters:
        return "The student is not smaller than the teacher"
    return f"{times(teacher.parameters / student.parameters)} × fewer parameters than the teacher"
