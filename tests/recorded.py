"""Recorded runs: what a real run would have said, made up in seconds, with its folder and its arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import recorded_views

from engine import events
from engine.cards import Catalogue
from engine.events import Event
from engine.experiment import Experiment
from engine.presets import Resolved
from engine.runs import RunFolder

NO_METHODS = Catalogue(methods={}, nets={}, datasets={}, sources="")


@dataclass(frozen=True)
class Recipe:
    """What to record. `until` is how much of the distilling happened before the record ends; `outcome` how it ended,
    empty for a run whose process was killed."""

    name: str = "20250304-101112-digits-reffakd-s0"
    title: str = "ReffAKD on digits"
    classes: int = 10
    epochs: int = 30
    per_epoch: int = 21
    seed: int = 0
    teacher: bool = False
    until: float = 1.0
    outcome: str = "done"
    findings: bool = True
    report_every: int = 10


@dataclass
class Told:
    """Where the recording stands."""

    at: float = 1_741_082_400.0
    clock: float = 0.0

    def on(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds
        self.clock += seconds


def record(home: Path, recipe: Recipe) -> tuple[RunFolder, list[Event]]:
    """A run folder under `home` holding the recording, and the events in order."""
    experiment = Experiment(title=recipe.title)
    resolved = Resolved(experiment=experiment, origins={}, below={}, name="experiments/recorded", path=None)
    folder = RunFolder.create(home, resolved, recipe.name, catalogue=NO_METHODS)
    said = list(_tell(folder, recipe))
    for event in said:
        folder.append(event)
    return folder, said


def _tell(folder: RunFolder, recipe: Recipe) -> Iterator[Event]:
    told, rng = Told(), np.random.default_rng(recipe.seed)

    def say(kind: type[Event], /, **facts: Any) -> Event:
        return kind(at=told.at, clock=told.clock, **facts)

    yield say(events.RunStarted, run=folder.path.name, title=recipe.title, folder=str(folder.path), seed=recipe.seed,
              group="g1", plan=plan(recipe))  # fmt: skip
    yield say(events.StageStarted, stage="data", title="data")
    told.on(0.4)
    yield say(events.Note, text="Images are resized from 8x8 to 16x16, the smallest side resnet8 takes.")
    yield say(events.StageEnded, stage="data", seconds=0.4, images=0, peak_memory=210_000_000)
    if recipe.teacher:
        yield from _teacher(folder, say, told, recipe, rng)
    else:
        yield from _autoencoder(folder, say, told, recipe, rng)
        yield from _soft_labels(folder, say, told, recipe, rng)
    yield from _distilling(folder, say, told, recipe, rng)
    if not recipe.outcome:
        return
    if recipe.outcome == "done":
        yield say(events.StageStarted, stage="evaluation", title="evaluation")
        yield say(events.Saved, kind="student", path="student.safetensors", step=0, epoch=recipe.epochs)
        (folder.path / "student.safetensors").write_bytes(b"a student")
        told.on(0.3)
        yield say(events.StageEnded, stage="evaluation", seconds=0.3, images=0, peak_memory=230_000_000)
    yield say(events.RunEnded, outcome=recipe.outcome, sentence=SENTENCES[recipe.outcome], results=_results(recipe, told))


SENTENCES = {
    "done": "The student reaches 97.22 % on the test images after epoch 28 (chosen on held-out images).",
    "stopped": "Stopped after epoch 12; a checkpoint is kept.",
    "failed": "OutOfMemoryError: the device has no memory left for a batch of 4096 images; choose a smaller batch.",
}


def _results(recipe: Recipe, told: Told) -> dict[str, Any]:
    if recipe.outcome != "done":
        return {}
    return {
        "top1": 97.22, "top1_last": 96.94, "top1_highest": 97.5, "best_epoch": recipe.epochs - 2, "epochs": recipe.epochs,
        "selection": "on held-out images", "split": "test", "agreement": 98.1, "parameters": 78_042,
        "multiply_adds": 12_700_000, "bytes": 315_000, "seconds": told.clock, "joules": None,
    }  # fmt: skip


EXPECTED = {"top1": 96.5, "source": "a paper", "teacher": "published with another teacher"}


def plan(recipe: Recipe) -> dict[str, Any]:
    """The declarations, as `engine.plan` makes them."""
    method = "dkd" if recipe.teacher else "reffakd"
    terms = [{"name": "ce", "title": "labels", "weight": 0.5, "scale": "linear", "help": "Cross-entropy with the labels."}]
    watches = [
        watch("soft_labels_teacher", "matrix", "soft labels · teacher"),
        watch("soft_labels_student", "matrix", "soft labels · student"),
        *(watch(*each) for each in recorded_views.STUDENT),
        *(watch(*each) for each in recorded_views.TEACHER if recipe.teacher),
    ]
    if recipe.teacher:
        terms += [term("dkd.tckd", "target class", 1.0), term("dkd.nckd", "other classes", 8.0)]
        before = [{"name": "teacher", "title": "teacher"}]
    else:
        terms += [term("reffakd.soft", "soft labels", 0.5)]
        before = [{"name": f"reffakd.{n}", "title": n} for n in ("autoencoder", "soft labels")]
        watches = [
            *watches[1:],
            watch("reffakd.reconstructions", "images", "reconstructions", stage="reffakd.autoencoder"),
            watch("reffakd.explained", "curve", "explained", stage="reffakd.autoencoder"),
            watch("reffakd.similarity", "matrix", "class similarity", stage="reffakd.soft labels"),
            watch("reffakd.soft_labels", "matrix", "soft labels · ReffAKD", stage="reffakd.soft labels"),
            watch("reffakd.evidence", "table", "evidence", stage="reffakd.soft labels"),
        ]
    stages = [{"name": "data", "title": "data"}, *before, {"name": "distilling", "title": "distilling"},
              {"name": "evaluation", "title": "evaluation"}]  # fmt: skip
    return {
        "stages": stages, "terms": terms, "watches": watches, "epochs": recipe.epochs, "dataset": "digits",
        "teacher": "resnet20" if recipe.teacher else "none", "student": "resnet8", "methods": [method],
        "expected": EXPECTED if recipe.teacher else None,
    }  # fmt: skip


def term(name: str, title: str, weight: float) -> dict[str, Any]:
    """A declared term."""
    return {"name": name, "title": title, "weight": weight, "scale": "linear", "help": f"The {title}."}


def watch(name: str, kind: str, title: str, stage: str = "distilling") -> dict[str, Any]:
    """A declared watch."""
    return {"name": name, "kind": kind, "title": title, "every": "epoch", "unit": "", "help": f"The {title}.", "stage": stage}


def _teacher(folder: RunFolder, say: Any, told: Told, recipe: Recipe, rng: np.random.Generator) -> Iterator[Event]:
    epochs, steps = 10, 10 * recipe.per_epoch
    yield say(events.StageStarted, stage="teacher", title="teacher", steps=steps, epochs=epochs)
    for step in range(recipe.report_every, steps + 1, recipe.report_every):
        told.on(0.2)
        done = step / steps
        values = {"loss": 2.3 * np.exp(-5 * done) + 0.05 * rng.random(), "train_top1": 100 - 90 * np.exp(-6 * done),
                  "learning_rate": 0.05 * (1 - done), "images_per_second": 6000 + 300 * rng.random()}  # fmt: skip
        yield say(events.Step, stage="teacher", step=step, steps=steps, epoch=1 + step // recipe.per_epoch,
                  values={k: float(v) for k, v in values.items()})  # fmt: skip
    yield say(events.StageEnded, stage="teacher", seconds=4.2, images=13_440, peak_memory=420_000_000, joules=84.0)
    yield say(events.Evaluated, who="teacher", split="held-out", stage="teacher", step=steps, epoch=epochs, top1=98.4,
              top5=99.9, loss=0.07, images=144)  # fmt: skip
    yield say(events.Evaluated, who="teacher", split="test", stage="teacher", step=steps, epoch=epochs, top1=98.06, top5=100.0,
              loss=0.08, images=360)  # fmt: skip
    for name, kind, values, about in recorded_views.of_teacher(class_names(recipe.classes), rng):
        yield _array(folder, say, name, kind, values, {"stage": "teacher", "step": steps, "epoch": epochs}, about)


def _autoencoder(folder: RunFolder, say: Any, told: Told, recipe: Recipe, rng: np.random.Generator) -> Iterator[Event]:
    stage, epochs = "reffakd.autoencoder", 12
    steps = epochs * recipe.per_epoch
    yield say(events.StageStarted, stage=stage, title="autoencoder", steps=steps, epochs=epochs)
    images = shapes(8, rng)
    for step in range(1, steps + 1):
        done = step / steps
        if step % recipe.report_every == 0:
            told.on(0.1)
            loss = float(0.55 + 0.45 * np.exp(-6 * done) + 0.01 * rng.random())
            values = {"loss": loss, "reconstruction": loss, "images_per_second": 12_000 + 500 * float(rng.random())}
            yield say(events.Step, stage=stage, step=step, steps=steps, epoch=1 + step // recipe.per_epoch, values=values)
        if step % recipe.per_epoch == 0:
            epoch = step // recipe.per_epoch
            where = {"stage": stage, "step": step, "epoch": epoch}
            yield say(events.Measured, values={"reffakd.explained": float(1 - np.exp(-5 * done))}, **where)
            blurred = (images * (0.3 + 0.6 * done) + 40 * (1 - done)).astype(np.uint8)
            pair = np.stack((images, blurred))
            yield _array(folder, say, "reffakd.reconstructions", "images", pair, where, {"rows": ["image", "reconstruction"]})
    yield say(events.StageEnded, stage=stage, seconds=2.5, images=16_000, peak_memory=260_000_000)


def _soft_labels(folder: RunFolder, say: Any, told: Told, recipe: Recipe, rng: np.random.Generator) -> Iterator[Event]:
    stage = "reffakd.soft labels"
    where = {"stage": stage, "step": 0, "epoch": 0}
    yield say(events.StageStarted, stage=stage, title="soft labels")
    told.on(0.5)
    similar = likeness(recipe.classes, rng)
    labels = {"classes": class_names(recipe.classes)}
    yield _array(folder, say, "reffakd.similarity", "matrix", similar, where, labels)
    yield _array(folder, say, "reffakd.soft_labels", "matrix", softmax(similar * 1.2), where, labels)
    yield say(events.Measured, values={"reffakd.gamma": 0.0225, "reffakd.effective_rank": 31.4}, **where)
    yield say(events.Watched, watch="reffakd.evidence", kind="table", rows=(
        {"label": "boost γ", "value": "0.0225", "note": "smallest that ranks every class first: 0.0221"},
        {"label": "10 nearest neighbours", "value": "96.30 %", "note": "raw pixels 97.10 %, untrained encoder 95.80 %"},
        {"label": "entropy / ln C", "value": 0.9991, "note": "1 is uniform"},
    ), **where)  # fmt: skip
    if recipe.findings:
        yield say(
            events.Finding, check="nearly uniform", severity="warning",
            sentence="The soft labels are nearly uniform: they hardly tell one class from another.",
            evidence={"entropy / ln C": 0.9991}, criterion="mean entropy / ln C above 0.99",
            fix={"methods.reffakd.label_temperature": 0.02}, **where,
        )  # fmt: skip
    yield say(events.StageEnded, stage=stage, seconds=0.5, images=400, peak_memory=220_000_000)


def _distilling(folder: RunFolder, say: Any, told: Told, recipe: Recipe, rng: np.random.Generator) -> Iterator[Event]:
    stage, steps = "distilling", recipe.epochs * recipe.per_epoch
    pictures, truth = shapes(16, rng), rng.integers(0, recipe.classes, 16)
    similar = likeness(recipe.classes, rng)
    yield say(events.StageStarted, stage=stage, title="distilling", steps=steps, epochs=recipe.epochs)
    for step in range(1, int(steps * recipe.until) + 1):
        done = step / steps
        if step % recipe.report_every == 0:
            told.on(0.23)
            yield say(events.Step, stage=stage, step=step, steps=steps, epoch=1 + step // recipe.per_epoch,
                      values=_losses(recipe, done, rng))  # fmt: skip
        if step % recipe.per_epoch == 0:
            told.on(0.05)
            where = {"stage": stage, "step": step, "epoch": step // recipe.per_epoch}
            yield from _evaluated(say, done, where, rng)
            yield say(events.Measured, values=_probes(recipe, done, rng), **where)
            yield from _looked(folder, say, recipe, done, where, (pictures, truth, similar), rng)
            if where["epoch"] % 5 == 0:
                yield say(events.Saved, kind="checkpoint", path="checkpoints/last.safetensors", step=step, epoch=where["epoch"])
    if recipe.until >= 1:
        yield say(events.StageEnded, stage=stage, seconds=14.5, images=40_000, peak_memory=310_000_000, joules=212.0)


def _losses(recipe: Recipe, done: float, rng: np.random.Generator) -> dict[str, float]:
    noise = 0.08 * rng.standard_normal(4)
    ce = 2.3 * np.exp(-5 * done) + 0.04 + abs(noise[0]) * (1 - done)
    found = {"ce": ce, "train_top1": 100 - 88 * np.exp(-6 * done) - abs(noise[3]) * 20,
             "learning_rate": 0.05 * (1 + np.cos(np.pi * done)) / 2, "images_per_second": 2900 + 1500 * noise[1]}  # fmt: skip
    names = ("dkd.tckd", "dkd.nckd") if recipe.teacher else ("reffakd.soft",)
    for i, name in enumerate(names):
        found[name] = (1.4 - 0.7 * i) * np.exp(-3 * done) + 0.2 + abs(noise[2])
        found[f"weighted/{name}"] = 0.5 * found[name]
    found["weighted/labels"] = 0.5 * ce
    found["loss"] = found["weighted/labels"] + sum(found[f"weighted/{n}"] for n in names)
    return {k: float(v) for k, v in found.items()}


def _evaluated(say: Any, done: float, where: dict[str, Any], rng: np.random.Generator) -> Iterator[Event]:
    for split, top, images in (("held-out", 97.5, 144), ("test", 97.2, 360)):
        top1 = float(top - 85 * np.exp(-8 * done) + 0.4 * rng.standard_normal())
        yield say(events.Evaluated, who="student", split=split, top1=top1, top5=min(100.0, top1 + 3),
                  loss=2 * np.exp(-4 * done), images=images, **where)  # fmt: skip


def _probes(recipe: Recipe, done: float, rng: np.random.Generator) -> dict[str, float]:
    near = 1 - np.exp(-4 * done)
    noise = 0.01 * rng.standard_normal(16)
    found = {"entropy_student": 2.2 - 1.9 * near + noise[0], "ece_student": 0.12 - 0.1 * near + abs(noise[1]),
             "snr_student": -3 + 6 * near + 10 * noise[2]}  # fmt: skip
    term = "dkd.nckd" if recipe.teacher else "reffakd.soft"
    found |= {"share/labels": 0.45 + noise[3], f"share/{term}": 0.55 - noise[3], "cosine/labels": 0.4 + noise[4]}
    if recipe.teacher:
        found |= {"agreement": 98 * near + 40 * abs(noise[5]), "kl_to_teacher": 1.8 * (1 - near) + 0.05,
                  "entropy_teacher": 0.41, "ece_teacher": 0.021, "logit_correlation": near, "snr_teacher": 4.1}  # fmt: skip
        found |= {f"affinity_error/f{i}": 0.2 * (1.1 - near) / (i + 1) + abs(noise[6 + i]) / 8 for i in range(4)}
        found |= {f"cka/f{i}": near * (0.95 - 0.1 * i) + noise[10 + i] for i in range(4)}
    return {k: float(v) for k, v in found.items()}


def _looked(
    folder: RunFolder, say: Any, recipe: Recipe, done: float, where: dict[str, Any], fixed: Any, rng: np.random.Generator
) -> Iterator[Event]:
    pictures, truth, similar = fixed
    names = class_names(recipe.classes)
    labels = {"classes": names}
    own = softmax((6 * np.eye(recipe.classes) + 2 * similar) * done)
    yield _array(folder, say, "soft_labels_student", "matrix", own, where, labels)
    if recipe.teacher:
        sure = softmax(5 * np.eye(recipe.classes) + 2.5 * similar)
        yield _array(folder, say, "soft_labels_teacher", "matrix", sure, where, labels)
    said = recorded_views.of_student(names, done, recipe.teacher, where["epoch"] == 1, (pictures, truth), rng)
    for name, kind, values, about in said:
        yield _array(folder, say, name, kind, values, where, about)


def _array(
    folder: RunFolder,
    say: Any,
    name: str,
    kind: str,
    values: np.ndarray[Any, Any],
    where: dict[str, Any],
    labels: dict[str, Any],
) -> Event:
    file, offset, shape, dtype = folder.record(name, values)
    event: Event = say(events.Watched, watch=name, kind=kind, file=file, offset=offset, shape=shape, dtype=dtype,
                       labels=labels, **where)  # fmt: skip
    return event


def class_names(count: int) -> list[str]:
    """Digits for ten classes, words for more."""
    return [str(i) for i in range(10)] if count == 10 else [f"{WORDS[i % 20]} {i // 20 + 1}" for i in range(count)]


WORDS = ["apple", "bear", "bottle", "bridge", "camel", "castle", "chair", "clock", "cloud", "crab", "dolphin", "forest",
         "fox", "hamster", "house", "lamp", "lion", "maple", "orchid", "whale"]  # fmt: skip


def likeness(classes: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """A symmetric matrix of similarities in blocks, as classes of one kind make them."""
    places = rng.standard_normal((classes, 4)) + 2 * rng.standard_normal((classes // 5 + 1, 4))[np.arange(classes) // 5]
    unit = places / np.linalg.norm(places, axis=1, keepdims=True)
    return np.asarray(0.5 + 0.5 * unit @ unit.T)


def softmax(z: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rows that sum to one."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def shapes(count: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Grey pictures (count, 16, 16, 1) uint8: rings and strokes that differ."""
    y, x = np.mgrid[0:16, 0:16] / 15 - 0.5
    made = []
    for _ in range(count):
        radius, angle, flat = rng.uniform(0.15, 0.35), rng.uniform(0, np.pi), rng.uniform(0.5, 1.5)
        ring = np.exp(-(((np.hypot(x * flat, y) - radius) / 0.07) ** 2))
        stroke = np.exp(-(((x * np.cos(angle) + y * np.sin(angle)) / 0.08) ** 2)) * (np.hypot(x, y) < 0.42)
        made.append(np.maximum(ring, stroke * rng.integers(0, 2)))
    return (np.stack(made)[..., None] * 255).astype(np.uint8)


def shorter(recipe: Recipe, until: float, outcome: str = "") -> Recipe:
    """The same run, ended earlier."""
    return replace(recipe, until=until, outcome=outcome)
