"""One attempt at one run: data, teacher, the methods' stages, distilling, evaluation, and the files that remain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine import (
    __version__,
    branching,
    building,
    checkpoint,
    data,
    method,
    presets,
    rehearsal,
    results,
    rules,
    seeds,
    teacher_checks,
    teachers,
)  # fmt: skip
from engine.checks import ALL as GENERAL_CHECKS
from engine.checks import of_own
from engine.control import Control
from engine.data import Pictures
from engine.data.pixels import to_unit
from engine.distilling import MEMO, Distilling
from engine.events import RunResumed, Saved
from engine.export import student as student_file
from engine.extras import catalogue
from engine.laboratory import Laboratory
from engine.ledger import Clock, Ledger
from engine.loop import steps_per_epoch
from engine.method import Facts, Method, Side
from engine.nets.net import Net
from engine.observing import Observer
from engine.observing.picturing import Picturing
from engine.plan import titles
from engine.presets import Resolved
from engine.quantize.checks import CHECKS as QUANTIZER_CHECKS
from engine.quantize.quantization import Quantization
from engine.quantize.starting import IMAGES
from engine.quantize.wrapping import Started, unquantized
from engine.report import Reporter, Sink
from engine.resources import Resources, find_device, resolve
from engine.runs import RunFolder
from engine.sources import Errand, classes_of, starting
from engine.stack import Cast
from engine.stages import Stagehand

LAST = "checkpoints/last.safetensors"
BEST = "checkpoints/best.safetensors"


class Attempt:
    """Drives one run from wherever it stands to its end."""

    def __init__(self, resolved: Resolved, folder: RunFolder, sink: Sink, control: Control, library: Path) -> None:
        self.resolved, self.experiment, self.folder, self.library = resolved, resolved.experiment, folder, library
        self.methods = {key: made(key, settings) for key, settings in self.experiment.methods.items()}
        own = (c for m in self.methods.values() for c in m.checks)
        checks = [*GENERAL_CHECKS, *of_own(self.methods), *teacher_checks.CHECKS, *QUANTIZER_CHECKS, *own]
        self.clock = Clock()
        self.report = Reporter(folder, sink, self.clock, checks, self.experiment.model_dump())
        self.ledger = Ledger(find_device(self.experiment.run.device), self.clock)
        self.hand = Stagehand(self.report, self.ledger, control, self._write, titles(self.experiment, self.methods))
        self.prepared: list[str] = []
        self._begun = folder.has_begun()
        self.resources: Resources | None = None
        self.pictures: Pictures | None = None
        self._loading = ""
        self._unrestored: list[str] = []
        self._student: Net | None = None
        self._steps: Started | None = None
        self._teacher_file = ""

    def run(self) -> tuple[dict[str, Any], str]:
        """Go through the stages; gives the results and the closing sentence. Raises `Stopped` after a stop."""
        distilling = self.assembled()
        distilling.run()
        with self.hand.stage("evaluation"):
            ended = self._finish(distilling)
        (self.folder.path / MEMO).unlink(missing_ok=True)
        return ended

    def assembled(self) -> Distilling:
        """Every stage before distilling: data, teacher, and what the methods prepare."""
        saved = self._take_up()
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.allow_tf32 = False  # accuracies are float32's
        with self.hand.stage("data"):
            pictures, student = self._data()
        assert self.resources is not None
        picturing = Picturing(self.report, pictures.class_names, self.experiment.training, self.experiment.run)
        teacher = None
        if self.experiment.teacher.net != "none":
            found = teachers.obtain(self.experiment, pictures, self.resources, self.library, self.hand)
            teacher_checks.measure(found, pictures, self.report, picturing)
            teacher, self._teacher_file = found.net, found.kept
        facts = self._facts(pictures)
        sides = self._build(student, teacher, facts, pictures)
        quantization = self._quantized(student, pictures, facts)
        self._prepare(sides, facts, pictures, saved)
        places = {key: each.taps(*sides) for key, each in self.methods.items()}
        weight = rules.ce_weight(self.experiment, catalogue())
        cast = Cast(student, teacher, self.methods, weight, places, quantization)
        observer = Observer(self.experiment, pictures, cast, self.report, picturing)
        return Distilling(self.experiment, pictures, cast, self.resources, self.hand, observer, self._keep_best)

    def close(self) -> None:
        """End what the attempt holds beside its memory: the processes that decode images."""
        if self.pictures is not None:
            self.pictures.close()

    def stopped(self) -> str:
        """Leave a checkpoint after a stop; gives the closing sentence."""
        if self.resources is None:
            return "Stopped before the first step; a resume starts from the beginning."
        if self.pictures is None or self._unrestored:
            return "Stopped before the first new step; a resume goes on from the last checkpoint."
        self.hand.save()
        return f"Stopped in {self.report.stage}, epoch {self.report.epoch}; resume goes on from this step."

    def _take_up(self) -> Mapping[str, Any] | None:
        """The state an earlier attempt left, told to readers; None for a fresh run."""
        path = self.folder.path / LAST
        if not self._begun:
            return None
        if not path.is_file():
            self.report.say(RunResumed, stage="", step=0, epoch=0, kept=1)
            return None
        saved = checkpoint.read(path)
        self.hand.load(saved["hand"])
        self.report.load(saved["report"])
        self.prepared = list(saved["prepared"])
        self._unrestored = list(self.prepared)
        self._loading = saved.get("loading", "")
        self.resources = Resources(**saved["resources"])
        find_device(self.resources.device)
        self.report.say(RunResumed, **saved["where"], kept=saved["kept"])
        return saved

    def _data(self) -> tuple[Pictures, Net]:
        """Pictures on the device and the student before its first step, with every `auto` settled."""
        device = find_device(self.experiment.run.device) if self.resources is None else self.resources.torch_device
        wanted = [n for n in (self.experiment.student.net, self.experiment.teacher.net) if n != "none"]
        sides = data.Sides.of(catalogue().nets[name] for name in wanted)
        settings = self.experiment.dataset.model_copy(update={"loading": self._loading} if self._loading else {})
        pictures = data.load(settings, sides, device, self.report.progress, self.hand.control.stopping)
        self.pictures, self._loading = pictures, pictures.loading
        if not pictures.class_names:
            pictures = pictures.named(classes_of(self.experiment.teacher, pictures, self._errand("teacher")))
        self.pictures = pictures
        for note in pictures.notes:
            self.report.note(note)
        student = starting(self.experiment, pictures, self._errand("student"), self.report.note)
        if student.quantize:
            student, self._steps = unquantized(student)
        if self.resources is None:
            self.resources = resolve(self.experiment.run, rehearsal.work(self.experiment, pictures))
        self.resources.place(student)
        self._student = student
        torch.set_num_threads(self.resources.threads)
        torch.manual_seed(seeds.key(self.experiment.run.seed, "global"))
        return pictures, student

    def _errand(self, who: str) -> Errand:
        """On which a net is fetched for the teacher or the student."""
        chance = seeds.generator(self.experiment.run.seed, who, "head")
        return Errand(who, self.library.parent, chance, self.report.progress, self.hand.control.stopping)

    def _facts(self, pictures: Pictures) -> Facts:
        training, images = self.experiment.training, pictures.train
        return Facts(
            classes=len(pictures.class_names),
            class_names=tuple(pictures.class_names),
            labels=pictures.train.labels,
            samples=len(images),
            shape=pictures.shape,
            epochs=training.epochs,
            steps_per_epoch=steps_per_epoch(len(images), training.batch_size),
            device=images.device,
        )

    def _build(self, student: Net, teacher: Net | None, facts: Facts, pictures: Pictures) -> tuple[Side, Side | None]:
        """Both nets as the methods see them, with what these put into the student and train beside it."""
        assert self.resources is not None
        bare = building.side(student, pictures.shape)
        other = None if teacher is None else building.side(teacher, pictures.shape)
        seed, note = self.experiment.run.seed, self.report.note
        return building.build(self.methods, bare, other, facts, seed, self.resources.place, note), other

    def _quantized(self, student: Net, pictures: Pictures, facts: Facts) -> Quantization:
        """The student's quantizers, put in place around everything that methods inserted."""
        assert self.resources is not None

        def images() -> Tensor:
            split, chance = pictures.train, seeds.generator(self.experiment.dataset.split_seed, "calibration")
            index = torch.randperm(len(split), generator=chance)[:IMAGES]
            return to_unit(split.take(index.to(split.device)))

        settings = self.experiment.student.quantize
        steps = facts.epochs * facts.steps_per_epoch
        made = Quantization(student, settings, images, facts.epochs, steps, self._steps)
        self.resources.place(student)
        if made.account is not None:
            self.report.note(made.account.sentence())
        return made

    def _prepare(
        self, sides: tuple[Side, Side | None], facts: Facts, pictures: Pictures, saved: Mapping[str, Any] | None
    ) -> None:
        taken = {} if saved else branching.learned(self.experiment, self.methods, self.library.parent, self.report.note)
        for key, each in self.methods.items():
            if key in taken:
                each.load_state_dict(taken[key])
                self.prepared.append(key)
                continue
            if key in self.prepared:
                assert saved is not None
                each.load_state_dict(saved["methods"][key])
                self._unrestored.remove(key)
                continue
            lab = Laboratory(
                key, each, experiment=self.experiment, pictures=pictures, student=sides[0], teacher=sides[1], facts=facts,
                stagehand=self.hand,
            )  # fmt: skip
            each.prepare(lab)
            self.prepared.append(key)
            self.hand.forget(f"{key}.")
            if each.active_stages():
                self.hand.save()

    def _write(self, hand: dict[str, Any]) -> None:
        """A checkpoint of the run as it stands."""
        assert self.resources is not None
        path = self.folder.path / LAST
        where = self.report.here()
        self.report.say(Saved, kind="checkpoint", path=LAST, step=where["step"], epoch=where["epoch"])
        checkpoint.write(path, {
            "hand": hand,
            "where": where,
            "kept": self.folder.length(),
            "report": self.report.state(),
            "prepared": self.prepared,
            "methods": {key: self.methods[key].state_dict() for key in self.prepared},
            "resources": self.resources.as_json(),
            "loading": self._loading,
            "student": self._standing(self._student),
        })  # fmt: skip

    def _standing(self, net: Net | None) -> dict[str, Any]:
        """What a checkpoint says of its student, for runs that branch from it."""
        assert net is not None and self.pictures is not None
        return branching.standing(net, self.pictures.class_names)

    def _keep_best(self, net: Net, epoch: int, step: int) -> None:
        tree = {"net": net.state_dict(), "epoch": epoch, "step": step, "student": self._standing(net)}
        checkpoint.write(self.folder.path / BEST, tree)

    def _finish(self, distilling: Distilling) -> tuple[dict[str, Any], str]:
        pictures = distilling.pictures
        best = checkpoint.read(self.folder.path / BEST, self.resources.torch_device)  # type: ignore[union-attr]
        net = distilling.shown
        net.load_state_dict(best["net"])
        found = results.of(distilling, net, int(best["epoch"]), self.methods, self.hand.costs)
        found |= {"seconds": self.clock.seconds(), **({"teacher_file": self._teacher_file} if self._teacher_file else {})}
        about = {
            "classes": list(pictures.class_names), "mean": list(pictures.mean), "std": list(pictures.std),
            "top1": found.get("top1"), "selection": found["selection"],
            "epoch": found["best_epoch"], "run": self.folder.path.name, "title": self.experiment.title,
            "kdstudio": __version__, "preset": presets.to_yaml(self._single()),
        }  # fmt: skip
        student_file.write(self.folder.path / "student.safetensors", net, about)
        self.report.say(Saved, kind="student", path="student.safetensors", step=int(best["step"]), epoch=int(best["epoch"]))
        (self.folder.path / "preset.yaml").write_text(about["preset"], encoding="utf-8")
        self.report.say(Saved, kind="preset", path="preset.yaml", step=int(best["step"]), epoch=int(best["epoch"]))
        return found, results.in_words(found)

    def _single(self) -> Resolved:
        """The experiment of this one seed: what its exported preset runs again."""
        experiment = self.experiment.model_copy(deep=True)
        experiment.run.repeats = 1
        return replace(self.resolved, experiment=experiment)


def made(key: str, settings: Mapping[str, Any]) -> Method:
    """A method of an experiment with its own settings (the weight of the labels belongs to the session)."""
    kind = method.find(key)
    return kind(method.chosen(key, settings))
