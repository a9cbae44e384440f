"""Where a teacher comes from: trained on the spot and kept in the teacher library, a file, an earlier run, or untrained."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from engine import nets, seeds
from engine.data import Pictures
from engine.data.batches import Views
from engine.evaluation import Score, evaluate
from engine.experiment import Experiment, TrainingSettings
from engine.export.student import describe, frozen, load, write
from engine.loop import Batch, Loop
from engine.nets.net import Net
from engine.nets.weights import load_weights
from engine.optim import optimizer, rate, restore
from engine.resources import Resources
from engine.runs import RunFolder
from engine.stages import Stagehand

STAGE = "teacher"
SEED = 0
"""Every run of whatever seed gets the same trained teacher, so that seeds compare students only."""


class TeacherError(ValueError):
    """A teacher that cannot be had; the sentence says why and what to do."""


def obtain(experiment: Experiment, pictures: Pictures, resources: Resources, library: Path, hand: Stagehand) -> Net:
    """The frozen teacher net of an experiment whose `teacher.net` is not `none`."""
    settings = experiment.teacher
    match settings.source:
        case "scratch":
            net = fresh(settings.net, pictures, seeds.generator(SEED, "teacher", settings.net))
            hand.report.note(f"The teacher {settings.net} is untrained (teacher.source: scratch), as a control.", "warning")
        case "file":
            net = fresh(settings.net, pictures, None)
            for note in load_weights(net, Path(settings.file).expanduser()):
                hand.report.note(note)
        case "run":
            net = _fitting(of_run(settings.run, library.parent), settings.net, pictures)
        case "train":
            net = _trained(experiment, pictures, resources, library, hand)
    if net.frame.classes != len(pictures.class_names):
        raise TeacherError(
            f"teacher: {settings.net} tells {net.frame.classes} classes apart, the dataset has {len(pictures.class_names)}; "
            "choose a teacher trained on the same classes"
        )
    return frozen(resources.place(net))  # type: ignore[return-value]


def fresh(key: str, pictures: Pictures, generator: torch.Generator | None) -> Net:
    """A net for these pictures with fresh weights and the dataset's normalisation."""
    channels, side = pictures.shape[0], pictures.shape[1]
    return nets.build(
        key,
        classes=len(pictures.class_names),
        channels=channels,
        size=side,
        mean=pictures.mean,
        std=pictures.std,
        generator=generator,
    )


def of_run(run: str, home: Path) -> Net:
    """The student of an earlier run, named or given as a folder. Raises TeacherError when it has none."""
    folder = Path(run).expanduser() if Path(run).expanduser().is_dir() else home / run
    path = folder / "student.safetensors"
    if not path.is_file():
        state = RunFolder.open(folder).state() if (folder / "events.jsonl").is_file() else "not there"
        raise TeacherError(f"teacher.run: {run!r} has no student.safetensors (the run is {state}); choose a finished run")
    return load(path)


def _fitting(net: Net, key: str, pictures: Pictures) -> Net:
    """The net itself where it is the one named and takes these images. Raises TeacherError."""
    frame = net.frame
    if frame.key != key:
        raise TeacherError(f"teacher.run holds a {frame.key}, not a {key}; set teacher.net to {frame.key}")
    if (frame.channels, frame.size) != pictures.shape[:2]:
        own, these = f"{frame.channels}x{frame.size}x{frame.size}", "x".join(str(n) for n in pictures.shape)
        raise TeacherError(f"teacher.run was trained on {own} images, these are {these}; set dataset.size to {frame.size}")
    return net


def _trained(experiment: Experiment, pictures: Pictures, resources: Resources, library: Path, hand: Stagehand) -> Net:
    recipe = _recipe(experiment, pictures, resources)
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    path = library / f"{experiment.teacher.net}-{experiment.dataset.name}-{digest}.safetensors"
    if path.is_file():
        about = describe(path)["about"]
        hand.report.note(f"Teacher {experiment.teacher.net} taken from the library ({path.name}, {about['top1']:.2f} % top-1).")
        return load(path)
    net = _train(experiment, pictures, resources, hand)
    held = pictures.test or pictures.heldout
    score = evaluate(net, held) if held is not None and held.labels is not None else Score(float("nan"), 0.0, 0.0, 0)
    library.mkdir(parents=True, exist_ok=True)
    write(path, net, {"classes": list(pictures.class_names), "top1": score.top1, "recipe": recipe})
    hand.finished[STAGE] = {}
    return net


def _recipe(experiment: Experiment, pictures: Pictures, resources: Resources) -> dict[str, Any]:
    """Everything the trained teacher depends on: its key in the library."""
    return {
        "images": pictures.train.fingerprint(),
        "augmentation": experiment.dataset.model_dump(include={"crop", "crop_fill", "flip", "rotation"}),
        "teacher": experiment.teacher.model_dump(include={"net", "epochs", "learning_rate", "weight_decay"}),
        "batch_size": TrainingSettings.model_fields["batch_size"].default,
        "precision": "float32" if resources.precision == "float32" else "bfloat16",
        "seed": SEED,
    }


def _train(experiment: Experiment, pictures: Pictures, resources: Resources, hand: Stagehand) -> Net:
    """The teacher's own training: cross-entropy, SGD with momentum 0.9, cosine."""
    settings = TrainingSettings(
        epochs=experiment.teacher.epochs,
        learning_rate=experiment.teacher.learning_rate,
        weight_decay=experiment.teacher.weight_decay,
    )
    net = fresh(experiment.teacher.net, pictures, seeds.generator(SEED, "teacher", experiment.teacher.net))
    resources.place(net)
    updates = optimizer([net], settings)
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
        net.train()
        hand.drive(loop, take, describe=lambda means, epoch: {"learning_rate": updates.param_groups[0]["lr"]})
    return net.eval()
