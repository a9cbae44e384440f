"""Where a teacher comes from: trained on the spot and kept in the teacher library, brought from elsewhere, or untrained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import seeds
from engine.data import Pictures
from engine.data.batches import Views
from engine.evaluation import Score, evaluate
from engine.experiment import Experiment, TrainingSettings
from engine.export.student import describe, frozen, load, write
from engine.loop import Batch, Loop
from engine.nets.net import Net
from engine.optim import optimizer, rate, restore
from engine.resources import Resources
from engine.sources import Brought, Errand, Record, bring, fresh
from engine.stages import Stagehand

STAGE = "teacher"
FETCHING = "download"
SEED = 0
"""Every run of whatever seed gets the same trained teacher, so that seeds compare students only."""


def obtain(experiment: Experiment, pictures: Pictures, resources: Resources, library: Path, hand: Stagehand) -> Brought:
    """The frozen teacher of an experiment whose `teacher.net` is not `none`."""
    settings = experiment.teacher
    same = tuple(range(len(pictures.class_names)))
    match settings.source:
        case "scratch":
            net = fresh(settings.net, pictures, seeds.generator(SEED, "teacher", settings.net))
            hand.report.note(f"The teacher {settings.net} is untrained (teacher.source: scratch), as a control.", "warning")
            found = Brought(net, Record(settings.net), same, examined=False)
        case "train":
            net, kept = _trained(experiment, pictures, resources, library, hand)
            found = Brought(net, Record(settings.net), same, examined=False, kept=kept)
        case "file" | "run":
            found = _brought(experiment, pictures, library, hand)
        case "download" | "pretrained":
            with hand.stage(FETCHING):
                found = _brought(experiment, pictures, library, hand)
    if found.strange and settings.head == "train":
        net, kept = _headed(experiment, found, pictures, resources, library, hand)
        found = replace(found, net=net, strange=False, examined=False, kept=kept)
    found.net.mute = found.strange
    frozen(resources.place(found.net))
    return found


def _brought(experiment: Experiment, pictures: Pictures, library: Path, hand: Stagehand) -> Brought:
    errand = Errand(
        "teacher", library.parent, seeds.generator(SEED, "teacher", "head"), hand.report.progress, hand.control.stopping
    )
    found = bring(experiment.teacher, pictures, errand)
    for note in found.notes:
        hand.report.note(note)
    return found


Kept = tuple[Net, str]
"""A teacher and the name of its file in the library."""


def _trained(experiment: Experiment, pictures: Pictures, resources: Resources, library: Path, hand: Stagehand) -> Kept:
    """The teacher trained from fresh weights on the run's images."""
    key = experiment.teacher.net

    def train() -> Net:
        net = fresh(key, pictures, seeds.generator(SEED, "teacher", key))
        return _train(experiment, pictures, resources, hand, net, net)

    return _kept(experiment, pictures, library, hand, _recipe(experiment, pictures, resources), train)


def _headed(
    experiment: Experiment, found: Brought, pictures: Pictures, resources: Resources, library: Path, hand: Stagehand
) -> Kept:
    """A net brought from other classes with a new last layer trained on the run's images; the rest stays as it was."""
    recipe = _recipe(experiment, pictures, resources) | {"weights": found.record.name}

    def train() -> Net:
        hand.report.note(f"{found.record.name} tells other classes apart: a new last layer is trained for these.")
        found.net.eval().requires_grad_(False)
        found.net.head.requires_grad_(True)
        return _train(experiment, pictures, resources, hand, found.net, found.net.head)

    return _kept(experiment, pictures, library, hand, recipe, train)


def _kept(
    experiment: Experiment, pictures: Pictures, library: Path, hand: Stagehand, recipe: dict[str, Any], train: Callable[[], Net]
) -> Kept:
    """The teacher of a recipe from the library; made, measured and put there where it is not."""
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    path = library / f"{experiment.teacher.net}-{experiment.dataset.name}-{digest}.safetensors"
    if path.is_file():
        about = describe(path)["about"]
        hand.report.note(f"Teacher {experiment.teacher.net} taken from the library ({path.name}, {about['top1']:.2f} % top-1).")
        return load(path), path.name
    net = train()
    held = pictures.test or pictures.heldout
    score = evaluate(net, held) if held is not None and held.labels is not None else Score(float("nan"), 0.0, 0.0, 0)
    library.mkdir(parents=True, exist_ok=True)
    write(path, net, {"classes": list(pictures.class_names), "top1": score.top1, "recipe": recipe})
    hand.finished[STAGE] = {}
    return net, path.name


def _recipe(experiment: Experiment, pictures: Pictures, resources: Resources) -> dict[str, Any]:
    """Everything the trained teacher depends on: its key in the library."""
    return {
        "images": pictures.train.fingerprint(),
        "augmentation": experiment.dataset.augmentation(),
        "teacher": experiment.teacher.model_dump(include={"net", "epochs", "learning_rate", "weight_decay"}),
        "batch_size": TrainingSettings.model_fields["batch_size"].default,
        "precision": "float32" if resources.precision == "float32" else "bfloat16",
        "seed": SEED,
    }


def _train(
    experiment: Experiment, pictures: Pictures, resources: Resources, hand: Stagehand, net: Net, trained: nn.Module
) -> Net:
    """The teacher's own training: cross-entropy, SGD with momentum 0.9, cosine. `trained` is the net or the part of it that
    learns; the rest stays in evaluation mode."""
    settings = TrainingSettings(
        epochs=experiment.teacher.epochs,
        learning_rate=experiment.teacher.learning_rate,
        weight_decay=experiment.teacher.weight_decay,
    )
    resources.place(net)
    updates = optimizer([trained], settings)
    seed = seeds.key(SEED, STAGE)
    loop = Loop(
        stage=STAGE,
        split=pictures.train,
        views=Views(experiment.dataset, len(pictures.train), seed, resources.torch_device),
        seed=seed,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        report_every=experiment.run.report_every,
        save_every=experiment.run.save_every,
        names=lambda: ("loss", "train_top1"),
    )

    def take(batch: Batch) -> Tensor:
        for group in updates.param_groups:
            group["lr"] = rate(settings, batch.step, loop.per_epoch)
        with torch.autocast(resources.torch_device.type, torch.bfloat16, enabled=resources.precision != "float32"):
            logits = net(batch.x)
        logits = logits.float()
        assert batch.y is not None
        loss = functional.cross_entropy(logits, batch.y)
        updates.zero_grad(set_to_none=True)
        loss.backward()
        updates.step()
        return torch.stack((loss.detach(), 100.0 * (logits.argmax(1) == batch.y).float().mean()))

    with hand.stage(STAGE, epochs=settings.epochs) as resumed:
        hand.carry(lambda: {"loop": loop.state(), "net": net.state_dict(), "updates": updates.state_dict()})
        if resumed is not None:
            net.load_state_dict(resumed["net"])
            restore(updates, resumed["updates"])
            loop.load(resumed["loop"])
        trained.train()
        hand.drive(loop, take, describe=lambda means, epoch: {"learning_rate": updates.param_groups[0]["lr"]})
    return net.eval()
