"""Which plots a run has: declared by its terms and watches, and by the names under which probes measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kdstudio.charts.curves import Level, Line, Plot
from kdstudio.history import History
from kdstudio.history.journal import titles

OWN = ("learning_rate", "images_per_second", "train_top1")
"""Numbers of a Step that are no losses."""

STUDENT, TEACHER = 0, 1
"""Numbers of the colours that student and teacher have everywhere."""


class Numbering:
    """Gives every name a colour number of its own, in the order in which they are asked for."""

    def __init__(self, first: int = 0) -> None:
        self._first = first
        self._given: dict[str, int] = {}

    def __call__(self, name: str) -> int:
        """The number of a name, the same at every asking."""
        return self._given.setdefault(name, self._first + len(self._given))


def _terms(plan: dict[str, Any]) -> dict[str, Line]:
    """Every term by its name, `labels` being the cross-entropy: called and coloured alike in all plots."""
    declared = plan.get("terms", [])
    called = titles(plan)
    found = {t["name"]: Line(called[t["name"]], i, help=_worded(t)) for i, t in enumerate(declared, 1)}
    return {"labels" if name == "ce" else name: line for name, line in found.items()}


def losses(plan: dict[str, Any]) -> Plot:
    """Every term of the sum and the sum itself, in whichever stage has them."""
    terms = _terms(plan)
    number = Numbering(1 + len(terms))
    log = bool(terms) and all(t.get("scale") == "log" for t in plan["terms"])

    def plain(name: str) -> Line | None:
        if name in OWN or name in KNOWN or "/" in name:
            return None
        if name == "loss":
            return Line("sum", 0, help="What is minimized: the weighted sum of all terms")
        known = terms.get("labels" if name == "ce" else name)
        return known or (Line(name.replace("_", " "), number(name)) if "." not in name else None)

    def weighted(name: str) -> Line | None:
        if name == "loss":
            return plain(name)
        bare = name.removeprefix("weighted/")
        bare = "ce" if bare == "labels" else bare
        return plain(bare) if name.startswith("weighted/") else None

    return Plot("losses", "Losses", plain, "per image", "Means over the steps since the last report, unweighted", log=log,
                weighted=weighted, sum="loss", waiting="Losses appear with the first steps.")  # fmt: skip


def _worded(term: dict[str, Any]) -> str:
    weight = term.get("weight")
    return f"{term.get('help', '')} Weight {weight:g}." if isinstance(weight, (int, float)) else str(term.get("help", ""))


def accuracy(plan: dict[str, Any]) -> Plot:
    """The student's accuracies, with the teacher's and a published one to compare with."""
    splits = {"test": (STUDENT, False), "held-out": (2, False), "train": (5, True)}

    def line(name: str) -> Line | None:
        if name == "train_top1":
            return Line("training", 5, dashed=True, help="On augmented training images, while training")
        kind, _, rest = name.partition("/")
        who, _, split = rest.partition("/")
        if kind != "top1" or not who.startswith("student"):
            return None
        index, dashed = splits.get(split, (6, False))
        average = " of averaged weights" if who.endswith("ema") else ""
        return Line(split, index, dashed, help=f"Top-1 of the student{average} on {split} images; the ring marks the highest")

    def levels(history: History) -> tuple[Level, ...]:
        found = [
            Level(value, Line("teacher", TEACHER, dashed=True, help=f"The teacher's top-1 on {split} images"))
            for split in ("test", "held-out")
            if (value := history.result(f"top1/teacher/{split}")) is not None
        ][:1]
        expected = plan.get("expected")
        if expected:
            found.append(Level(float(expected["top1"]), Line("published", 3, dashed=True, help=published(expected))))
        return tuple(found)

    return Plot("accuracy", "Accuracy", line, "top-1, %", "Share of images whose largest logit is their label", digits=2,
                best=True, levels=levels, waiting="Accuracies appear after the first epoch.")  # fmt: skip


def published(expected: dict[str, Any]) -> str:
    """Where a published accuracy comes from, in words."""
    teacher = f"; {expected['teacher']}" if expected.get("teacher") else ""
    return f"{expected['top1']:g} %, {expected.get('source', '')}{teacher}"


def named(key: str, title: str, unit: str, help: str, lines: dict[str, Line], digits: int | None = None) -> Plot:
    """A plot of a few numbers known by name."""
    return Plot(key, title, lines.get, unit, help, digits=digits, waiting="Measured at every evaluation.")


def prefixed(
    key: str, title: str, unit: str, help: str, prefix: str, *, log: bool = False, terms: dict[str, Line] | None = None
) -> Plot:
    """A plot of every number whose name starts with `prefix`, one curve each; `terms` are drawn as among the losses."""
    number = Numbering()

    def line(name: str) -> Line | None:
        rest = name.removeprefix(prefix)
        if not name.startswith(prefix):
            return None
        return (terms or {}).get(rest) or Line(rest.replace("_", " "), number(rest))

    return Plot(key, title, line, unit, help, log=log, waiting="Measured at every evaluation.")


def _pair(name: str) -> dict[str, Line]:
    return {f"{name}_student": Line("student", STUDENT), f"{name}_teacher": Line("teacher", TEACHER, dashed=True)}


def signal_to_noise() -> Plot:
    """Of both nets' pooled features, and of what methods make of features on the way (`snr/<method>.<name>`)."""
    number, known = Numbering(2), _pair("snr")

    def line(name: str) -> Line | None:
        method, _, own = name.removeprefix("snr/").rpartition(".")
        if not name.startswith("snr/"):
            return known.get(name)
        return Line(own, number(name), help=f"{method}: its features on the way")

    words = "Variance of image means over variance across augmentations"
    return Plot("snr", "Signal to noise", line, "dB", words, waiting="Measured at every evaluation.")


def learning_rate() -> Plot:
    """The learning rate at the last reported step."""
    return named("learning_rate", "Learning rate", "", "Of the last step", {"learning_rate": Line("learning rate", 3)})


def speed() -> Plot:
    """Images a second."""
    lines = {"images_per_second": Line("training", 2)}
    return named("speed", "Speed", "images/s", "Training images a second, without evaluations and pauses", lines)


def machine() -> tuple[Plot, ...]:
    """What the machine does beside: use and memory, temperatures, power; as far as it counts them."""
    use = {"cpu": "CPU", "gpu": "GPU", "memory": "memory", "gpu_memory": "memory of the GPU"}
    warmth = {"cpu_temperature": "CPU", "gpu_temperature": "GPU"}

    def lines(titles: dict[str, str]) -> dict[str, Line]:
        return {f"machine/{name}": Line(title, number) for number, (name, title) in enumerate(titles.items())}

    return (
        named("machine", "Use of the machine", "%", "Of all cores and of all memory, by whatever runs there", lines(use), 1),
        named("temperature", "Temperature", "°C", "At the hottest place", lines(warmth), 0),
        named("power", "Power of the GPU", "W", "As its driver counts it", lines({"gpu_power": "GPU"}), 0),
    )


def probes(plan: dict[str, Any]) -> tuple[Plot, ...]:
    """What every run measures of itself whatever its methods."""
    terms = _terms(plan)
    agree = {"agreement": Line("student and teacher", STUDENT, help="Share of images for which both name the same class")}
    return (
        named("agreement", "Agreement with the teacher", "%", "Images for which both name one class", agree, digits=2),
        named("kl", "Divergence from the teacher", "nats", "KL of the student from the teacher, per image",
              {"kl_to_teacher": Line("KL", STUDENT)}),
        named("entropy", "Entropy of soft labels", "share of ln C", "Mean, at the run's temperature; 1 is uniform",
              _pair("entropy")),
        named("calibration", "Calibration error", "ECE, %", "Gap between confidence and accuracy", _pair("ece")),
        named("smoothing", "Beyond label smoothing", "nats", "Of the teacher's mean soft labels, from smoothing as sure",
              {"smoothing_teacher": Line("teacher", TEACHER, dashed=True)}),
        named("correlation", "Correlation of logits", "", "Between student and teacher, 1 is equal up to scale",
              {"logit_correlation": Line("student and teacher", STUDENT)}),
        *machine(),
        prefixed("affinity", "Affinity error per stage", "", "Distance of the spatial affinities", "affinity_error/"),
        prefixed("cka", "Likeness of features per stage", "CKA", "Linear CKA, 1 is equal", "cka/"),
        signal_to_noise(),
        prefixed("share", "Share of the gradient", "", "Of each term at the earliest weight all reach", "share/", terms=terms),
        prefixed("norm", "Gradient of each term", "norm", "Of the weighted term", "gradient/", log=True, terms=terms),
        prefixed("cosine", "Do the terms agree?", "cosine", "Of each term's gradient with the rest", "cosine/", terms=terms),
    )  # fmt: skip


KNOWN = {
    "agreement", "kl_to_teacher", "logit_correlation", "smoothing_teacher",
    *(f"{name}_{who}" for name in ("entropy", "ece", "snr") for who in ("student", "teacher")),
}  # fmt: skip
"""Names of the probes that stand alone."""


def watch(declared: dict[str, Any]) -> Plot:
    """The plot of a curve that a method declares."""
    name, title = declared["name"], str(declared.get("title") or declared["name"])
    line: Callable[[str], Line | None] = {name: Line(title, STUDENT)}.get
    method = name.rpartition(".")[0]
    return Plot(name, _capital(title), line, str(declared.get("unit", "")), f"{method}: {declared.get('help', '')}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
