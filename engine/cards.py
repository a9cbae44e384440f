"""What methods, nets and datasets say of themselves, and the catalogue of all of them.

As JSON they stand in `engine.catalogue_file`; which catalogue holds on this machine says `engine.extras`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.knobs import Condition, Spec
from engine.quantize.sizes import Layers

WatchKind = Literal["curve", "distribution", "matrix", "images", "table", "outputs", "affinity", "templates"]
"""How something measured is drawn. `outputs`, `affinity` and `templates` speak of the images of `samples`: a row of numbers for
each (`engine.observing.samples`), a matrix for each between its places, a map for each of the numbers of templates."""


@dataclass(frozen=True)
class Term:
    """A named, unweighted loss. `weight` and `warmup` (epochs of linear growth) are numbers or names of the method's
    own settings; `scale` is the axis it is plotted on. `own`: it teaches modules of the method alone and has no gradient at
    the student, so that its share there is not measured."""

    name: str
    help: str
    weight: float | str = 1.0
    warmup: int | str = 0
    title: str = ""
    scale: Literal["linear", "log"] = "linear"
    own: bool = False
    when: Condition = field(default_factory=dict)


@dataclass(frozen=True)
class Watch:
    """Something measured to be shown; `stage` names the stage it belongs to (empty: distilling)."""

    name: str
    kind: WatchKind
    help: str
    every: Literal["step", "epoch", "stage"] = "epoch"
    title: str = ""
    unit: str = ""
    stage: str = ""
    when: Condition = field(default_factory=dict)


@dataclass(frozen=True)
class Axis:
    """What the entries of a distribution are: shares between `edges` (one more than entries), with values to compare with,
    by name, drawn as lines."""

    edges: tuple[float, ...]
    levels: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """Work before distilling."""

    name: str
    title: str
    help: str
    when: Condition = field(default_factory=dict)


@dataclass(frozen=True)
class Mix:
    """A control of the form that writes two settings at once: `first` = value, `second` = 1 - value."""

    name: str
    help: str
    first: str
    second: str


@dataclass(frozen=True)
class Needs:
    """What a method cannot work without. `teacher`: the logits of whoever teaches, a teacher net (for its features),
    or nothing. `logits`: a method that needs a net compares logits, too, so that modifiers of the stack apply to it.
    `labels_when`: the settings under which it needs labels, where it does not always (nothing: never). `classifier`: it takes
    the teacher net's classifier, so that net must tell these classes apart."""

    teacher: Literal["none", "logits", "net"] = "none"
    labels: bool = False
    labels_when: Condition = field(default_factory=dict)
    index: bool = False
    logits: bool = False
    classifier: bool = False

    @property
    def compares_logits(self) -> bool:
        """Whether it compares the student's logits with those of whoever teaches."""
        return self.logits or self.teacher == "logits"


@dataclass(frozen=True)
class Features:
    """Maps that a method compares between the two nets, and what it requires of their shapes (see `engine.comparing`).

    `stages`: `all` that belong together, the `last`, `map` (those that are averaged before the classifiers), `first` (those
    after the first block of the last stages), `pooled` (the vectors the classifiers read), `auto` (the second stage of each
    net), or the name of a setting that says one of these, a stage's number from 1, or a list of them. `adapter`: the kind of
    module between the two, one of `engine.adapter_kinds.ADAPTERS`. `activation`: maps after a stage's activation, or before
    it. Required of both nets: `equal_channels` and `equal_sizes` of what is compared, `equal_counts` of stages, `averaged`:
    the classifier reads the average of a map. `places` says that a method compares the places of maps, so that maps of one
    place say nothing (a warning). `part`: what the method inserts at the student's tap to stay, one of
    `engine.adapter_kinds.PARTS`."""

    stages: str = "all"
    adapter: str = "none"
    activation: Literal["after", "before"] = "after"
    equal_channels: bool = False
    equal_sizes: bool = False
    equal_counts: bool = False
    places: bool = False
    averaged: bool = False
    part: str = ""
    when: Condition = field(default_factory=dict)


@dataclass(frozen=True)
class Classifier:
    """A classifier of its own that a method puts in the place of the student's: its kind, one of
    `engine.adapter_kinds.CLASSIFIERS`, and the settings under which it does."""

    kind: str
    when: Condition = field(default_factory=dict)


@dataclass(frozen=True)
class MethodCard:
    """A method in the catalogue. `offers` is the condition under which it gives logits to the others of its stack;
    `modifies` says that it changes the logits or the temperature that the others see. `formula` is its loss in plain text, a
    line each, `x_t` and `x^{T}` for what stands low and high."""

    key: str
    title: str
    summary: str
    paper: str
    ce_weight: float
    needs: Needs
    settings: tuple[Spec, ...]
    terms: tuple[Term, ...]
    formula: str = ""
    watches: tuple[Watch, ...] = ()
    stages: tuple[Stage, ...] = ()
    mixes: tuple[Mix, ...] = ()
    offers: Condition | None = None
    features: tuple[Features, ...] = ()
    modifies: bool = False
    classifier: Classifier | None = None


@dataclass(frozen=True)
class NetCard:
    """A net in the catalogue, counted for 3 x 32 x 32 inputs (larger where it must be) and 100 classes.

    `taps` maps a tap to its shape (C, H, W) or (d,). `smallest` is the smallest side it takes, `exact` the only side it
    takes (0: any from `smallest` on). `counts` holds parameters and multiply-adds, `shapes` those of the main taps, for the
    images of the datasets that the catalogue knows, by `counted_as`; `per_class` is what one more class adds to both counts
    (nothing known: zeros). `layers` is what the size of the quantized net follows from (nothing known: None)."""

    key: str
    title: str
    summary: str
    family: str
    smallest: int
    exact: int
    parameters: int
    multiply_adds: int
    taps: Mapping[str, tuple[int, ...]]
    source: str = ""
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    shapes: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    per_class: tuple[int, int] = (0, 0)
    layers: Layers | None = None

    def size_on(self, channels: int, side: int, classes: int) -> tuple[int, int] | None:
        """Parameters and multiply-adds for images of `channels` x `side` x `side`; None where nobody counted. Counted with
        other classes will do: the classifier grows evenly."""
        wanted = counted_as(channels, side, classes)
        if wanted in self.counts or not any(self.per_class):
            return self.counts.get(wanted)
        for name, (parameters, multiply_adds) in self.counts.items():
            shape, _, counted = name.partition(" ")
            if shape == wanted.partition(" ")[0]:
                more = classes - int(counted)
                return parameters + more * self.per_class[0], multiply_adds + more * self.per_class[1]
        return None

    def shapes_on(self, side: int) -> Mapping[str, tuple[int, ...]] | None:
        """The shape of every tap for images of `side` x `side`; None where nobody looked. Neither channels nor classes
        matter, and a map before its activation has the shape of the map after it."""
        found = next(
            (shapes for name, shapes in self.shapes.items() if name.partition(" ")[0].endswith(f"x{side}x{side}")), None
        )
        if found is None:
            return None
        return {**found, **{tap: found[tap.removesuffix("_pre")] for tap in self.taps if tap.endswith("_pre")}}


@dataclass(frozen=True)
class DatasetCard:
    """A dataset in the catalogue. `classes`, `size`, `channels` and the counts are 0 where only the data tells; `labelled`
    says whether its training images have labels at all."""

    key: str
    title: str
    summary: str
    classes: int
    channels: int
    size: int
    train_images: int
    test_images: int
    needs_folder: bool
    licence: str = ""
    home: str = ""
    labelled: bool = True


@dataclass(frozen=True)
class Catalogue:
    """Everything registered, by key, and a hash of the sources it was made from. `own` are the keys of the user's own methods
    and nets; `problems` and `method_problems` say why files in the plug-in folder cannot be used, those of nets and those of
    methods."""

    methods: Mapping[str, MethodCard]
    nets: Mapping[str, NetCard]
    datasets: Mapping[str, DatasetCard]
    sources: str
    problems: tuple[str, ...] = ()
    method_problems: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


def counted_as(channels: int, side: int, classes: int) -> str:
    """The name under which a net's counts are kept: `1x8x8 10`."""
    return f"{channels}x{side}x{side} {classes}"
