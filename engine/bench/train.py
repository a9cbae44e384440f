"""`kdstudio bench train`: images a second against a plain loop and against the bare step, what remembering the teacher
gains, how soon a run begins, and what it takes of memory. Images are made of noise, 3 x 32 x 32 in 100 classes.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine import nets, presets
from engine.bench.plain import Pixels, Plain
from engine.bench.starting import Start, started
from engine.bench.step import OF_BARE, begun, by_hand, engine, timed, unremembered
from engine.distilling import Distilling
from engine.events import Event, Step
from engine.experiment import SCHEMA
from engine.presets import Resolved
from engine.resources import find_device, find_precisions

ROUNDS = 3
CLASSES, EACH, SIDE, BATCH = 100, 16, 32, 64
EPOCHS = 10
VIEWS = 4


@dataclass(frozen=True)
class Pair:
    """A student and a teacher; `on_cpu` is how many times a plain loop's speed is asked for where the CPU multiplies
    bfloat16 in hardware (0: nothing is)."""

    student: str
    teacher: str
    on_cpu: float


PAIRS = (Pair("resnet8", "resnet20", 0), Pair("resnet20", "resnet56", 3), Pair("resnet8x4", "resnet32x4", 4))
ON_GPU = 10.0


def train(resolved: Resolved) -> Iterator[str]:
    """Measure every pair; of the experiment only device, precision, threads and compilation count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder / "images")
        for pair in PAIRS:
            yield from _speed(_experiment(pair, resolved, folder), pair, folder)
        yield from _remembering(_experiment(PAIRS[1], resolved, folder), folder)


def _write_images(root: Path) -> None:
    """A folder of PNG files, train and test, the same at every call."""
    chance = np.random.default_rng(0)
    for part, each in (("train", EACH), ("test", 1)):
        for number in range(CLASSES):
            into = root / part / f"{number:03}"
            into.mkdir(parents=True)
            for image in range(each):
                pixels = chance.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
                Image.fromarray(pixels).save(into / f"{image}.png")


def _experiment(pair: Pair, resolved: Resolved, folder: Path) -> Resolved:
    """KD as in the literature, long enough that `auto` asks whether compiling pays."""
    run = resolved.experiment.run
    path = folder / "train.yaml"
    path.write_text(
        f"kdstudio: {SCHEMA}\ntitle: {pair.teacher} to {pair.student}\nextends: [methods/kd]\n"
        f"dataset: {{name: folder, root: '{folder / 'images'}', crop: 4, flip: true, holdout: 0}}\n"
        f"teacher: {{net: {pair.teacher}, source: scratch}}\nstudent: {{net: {pair.student}}}\n"
        f"training: {{epochs: 2400, batch_size: {BATCH}, learning_rate: 0.01}}\n"
        f"run: {{selection: last, device: '{run.device}', precision: {run.precision}, compile: {run.compile}, "
        f"threads: {run.threads}, share_every: 0}}\n",
        encoding="utf-8",
    )
    return presets.resolve(str(path), [])


def _speed(resolved: Resolved, pair: Pair, folder: Path) -> Iterator[str]:
    attempt = begun(unremembered(resolved), folder)
    distilling = attempt.assembled()
    yield f"{pair.teacher} → {pair.student}, KD, batch {BATCH}: {_words(distilling)}"
    steps = distilling.loop.per_epoch
    ours, bare = engine(attempt, distilling), by_hand(distilling)
    against = [(timed(ours), timed(bare)) for _ in range(ROUNDS + 1)][1:]
    plain = _plain(pair, distilling)
    rounds = [(timed(ours) / steps, plain.epoch()) for _ in range(ROUNDS + 1)][1:]
    yield f"  engine         {BATCH / statistics.median(a for a, _ in rounds):8.0f} images/s"
    yield f"  plain loop     {BATCH / statistics.median(b for _, b in rounds):8.0f} images/s"
    asked = ON_GPU if distilling.resources.torch_device.type == "cuda" else pair.on_cpu
    yield f"  engine / plain {statistics.median(b / a for a, b in rounds):8.2f}   {_asked(asked, distilling)}"
    yield f"  engine / bare  {statistics.median(b / a for a, b in against):8.3f}   asked: {OF_BARE:g}"
    yield f"  (medians of {ROUNDS} interleaved pairs; the plain loop: float32, eager, NCHW, PIL transforms, two workers)"
    yield from _starts(resolved, distilling, folder)


def _asked(times: float, distilling: Distilling) -> str:
    units = "bfloat16" in find_precisions("auto", find_device(str(distilling.resources.device)))
    return f"asked: {times:g}" if times and units else "asked: nothing of this machine"


def _words(distilling: Distilling) -> str:
    resources = distilling.resources
    compiled = "compiled" if resources.compile else "not compiled"
    return f"{resources.device}, {resources.precision}, {resources.threads} threads, {compiled}"


def _plain(pair: Pair, distilling: Distilling) -> Plain:
    made = [nets.build(key, classes=CLASSES) for key in (pair.student, pair.teacher)]
    images = distilling.pictures.train.take(torch.arange(CLASSES * EACH))
    labels = torch.arange(CLASSES).repeat_interleave(EACH).tolist()
    pixels = Pixels(images.permute(0, 2, 3, 1).contiguous().cpu().numpy(), labels)
    return Plain(made[0], made[1], pixels, BATCH, distilling.resources.torch_device)


def _starts(resolved: Resolved, distilling: Distilling, folder: Path) -> Iterator[str]:
    """Seconds to the first step, and memory, each from a process of its own."""
    resources = distilling.resources
    sets = [f"run.precision={resources.precision}", f"run.threads={resources.threads}"]
    cache = folder / f"cache-{distilling.experiment.student.net}"
    told: list[tuple[str, Start]] = [("eager", started(resolved, folder, cache, [*sets, "run.compile=off"]))]
    for title in ("compiled, cold", "compiled, warm"):
        told.append((title, started(resolved, folder, cache, [*sets, "run.compile=on"])))
    first = "   ".join(f"{title} {start.seconds:.1f} s" for title, start in told)
    yield f"  Start to the first step: {first}"
    held = (
        f"{distilling.pictures.bytes / 1e6:.0f} MB of images resident, of a budget of {distilling.pictures.budget / 1e9:.1f} GB"
    )
    yield f"  memory: peak {max(start.memory for _, start in told) / 1e9:.2f} GB ({_counted(distilling)}); {held}"


def _counted(distilling: Distilling) -> str:
    on_device = distilling.resources.torch_device.type == "cuda"
    return "on the device" if on_device else "the whole process, torch and compiler with it"


def _remembering(resolved: Resolved, folder: Path) -> Iterator[str]:
    """Ten epochs with and without memory of the teacher, from the same seed."""
    yield f"remembering the teacher, {resolved.experiment.title}: images/s in epochs 1 to {EPOCHS}"
    for title, sets in (("crop and flip, 162 views", {}), (f"{VIEWS} views an image", {"views": VIEWS})):
        without, with_it = (_epochs(resolved, sets, memo, folder) for memo in (0.0, "auto"))
        yield f"  {title}"
        yield "    without  " + " ".join(f"{speed:6.0f}" for speed in without.speeds)
        yield "    with     " + " ".join(f"{speed:6.0f}" for speed in with_it.speeds)
        apart = max(abs(a - b) / abs(a) for a, b in zip(without.losses, with_it.losses, strict=True))
        yield f"    losses differ by {apart:.1e} of themselves at most; {100 * with_it.known:.0f} % of the views were known"


@dataclass(frozen=True)
class Epochs:
    """Images a second and mean loss of each epoch, and the share of views that were remembered."""

    speeds: list[float]
    losses: list[float]
    known: float


def _epochs(resolved: Resolved, sets: dict[str, int], memo: float | str, folder: Path) -> Epochs:
    experiment = resolved.experiment.model_copy(deep=True)
    experiment.run.memo = memo  # type: ignore[assignment]
    for name, value in sets.items():
        setattr(experiment.dataset, name, value)
    losses: list[float] = []

    def hear(event: Event) -> None:
        if isinstance(event, Step) and event.step % distilling.loop.per_epoch == 0:
            losses.append(event.values["loss"])

    experiment.run.report_every = -(-CLASSES * EACH // BATCH)
    attempt = begun(replace(resolved, experiment=experiment), folder, hear)
    distilling = attempt.assembled()
    epoch = engine(attempt, distilling)
    speeds = [CLASSES * EACH / timed(epoch) for _ in range(EPOCHS)]
    kept = distilling.stack.memo
    return Epochs(speeds, losses, kept.known / kept.asked if kept else 0.0)
