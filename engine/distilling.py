"""The student's training: one step of every term, evaluation, the best epoch, and the state that resumes it exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import budget, seeds
from engine.data import Pictures, Split
from engine.data.batches import Views
from engine.evaluation import Score, logits_of, score
from engine.events import Evaluated, WeightMoved
from engine.experiment import Experiment
from engine.fit import Fit
from engine.forward import Forward, forward, remembering
from engine.loop import Batch, Loop
from engine.nets.net import Net
from engine.observing import Observer
from engine.observing.probes import gradient_shares
from engine.optim import Average, optimizer, rate, restore
from engine.resources import Resources
from engine.stack import Cast, Stack
from engine.stages import DISTILLING, Stagehand
from engine.weights import Weights

STAGE = DISTILLING
MEMO = "checkpoints/memo.bin"
"""What is remembered of the teacher, while the run goes on."""


class Distilling:
    """The distilling stage of one run."""

    def __init__(
        self,
        experiment: Experiment,
        pictures: Pictures,
        cast: Cast,
        resources: Resources,
        hand: Stagehand,
        observer: Observer,
        keep_best: Callable[[Net, int, int], None],
    ) -> None:
        self.experiment, self.pictures, self.cast, self.resources = experiment, pictures, cast, resources
        self.hand, self.observer, self._keep_best = hand, observer, keep_best
        training, run = experiment.training, experiment.run
        device = resources.torch_device
        self.generator = seeds.generator(run.seed, "method", device=device)
        views = Views(experiment.dataset, len(pictures.train), run.seed, device)
        self.stack = Stack(cast, resources, self.generator, self._forward(views))
        undecayed = [*cast.quantization.undecayed(), *(p for method in cast.methods.values() for p in method.undecayed())]
        self.optimizer = optimizer([cast.student, *cast.methods.values()], training, undecayed)
        self.scaler = torch.amp.GradScaler(device.type, enabled=resources.precision == "float16")
        self.average = Average(cast.student, training.ema) if training.ema else None
        self.best: dict[str, Any] = {"score": float("-inf"), "epoch": 0, "waited": 0}
        self.history: list[dict[str, float]] = []
        self.fit = Fit(hand.report, experiment)
        self._masks = bool(self.optimizer.defaults.get("fused"))
        self._parameters = [p for g in self.optimizer.param_groups for p in g["params"]]
        self._earliest = next(cast.student.parameters())
        self.weights = Weights(self.stack)
        self._own = {name for name, _, term in self.stack.terms if term.own}
        self.loop = Loop(
            stage=STAGE,
            split=pictures.train,
            views=views,
            seed=run.seed,
            epochs=training.epochs,
            batch_size=training.batch_size,
            report_every=run.report_every,
            save_every=run.save_every,
            names=self._names,
            numbered=self.stack.memo is not None,
        )

    def _forward(self, views: Views) -> Forward:
        """The nets ready to run; the teacher only where a method learns from it."""
        cast, samples = self.cast, len(self.pictures.train)
        taught = any(method.needs.teacher != "none" for method in cast.methods.values())
        return forward(
            cast.student, cast.teacher if taught else None, self.resources,
            min(self.experiment.training.batch_size, samples),
            remembering(self.experiment.run.memo, samples=samples, views=views.distinct, classes=self.pictures.classes,
                        resources=self.resources, path=self.hand.report.folder.path / MEMO),
        )  # fmt: skip

    def _names(self) -> tuple[str, ...]:
        labelled = self.pictures.train.labels is not None
        return ("loss", *(("ce", "train_top1") if labelled else ()), *(name for name, _, _ in self.stack.terms))

    def run(self) -> None:
        """Train to the end, or until early stopping."""
        with self.hand.stage(STAGE, epochs=self.loop.epochs) as resumed:
            self.hand.carry(self.state)
            torch.manual_seed(seeds.key(self.experiment.run.seed, "distilling"))
            if resumed is not None:
                self.load(resumed)
            self.cast.student.train()
            self.hand.drive(self.loop, self.take, describe=self.described, after_epoch=self._after_epoch)

    def take(self, batch: Batch) -> Tensor:
        """One step; returns the values of `_names`, without waiting for the device."""
        training = self.experiment.training
        if self.hand.control.moving:
            self._move(batch)
        self.cast.quantization.stepping(batch.epoch)
        every = self.experiment.run.share_every
        measured = bool(every) and batch.step % every == 0
        student, teacher = self.stack.see(batch, plain=measured)
        weights = self.weights.at(batch.epoch)
        losses = self.stack.losses(batch, student, teacher)
        pieces = {name: losses[name] * weights[name] for name, _, _ in self.stack.terms}
        values: list[Tensor] = []
        if batch.y is not None:
            ce = functional.cross_entropy(student.logits, batch.y, label_smoothing=training.label_smoothing)
            values += [ce, 100.0 * (student.logits.argmax(1) == batch.y).float().mean()]
            if weights["labels"]:
                pieces["labels"] = ce * weights["labels"]
        total = sum(pieces.values(), torch.zeros((), device=batch.x.device))
        reaching = {name: piece for name, piece in pieces.items() if name not in self._own}
        if measured and len(reaching) > 1:
            self.hand.report.measure(gradient_shares(reaching, self._earliest))
        self._update(batch, total)
        self.hand.report.measure(self.cast.quantization.stepped(batch.step))
        return torch.stack((total, *values, *(losses[name] for name, _, _ in self.stack.terms))).detach()

    def _move(self, batch: Batch) -> None:
        """Give terms the weights that a person asked for since the last step, and say so."""
        for term, weight in self.hand.control.moves().items():
            if not self.weights.knows(term):
                self.hand.report.note(f"There is no term {term} in this run whose weight could be moved.", "warning")
                continue
            before = self.weights.move(term, weight)
            self.hand.report.say(
                WeightMoved, term=term, before=before, after=weight, stage=STAGE, step=batch.step, epoch=batch.epoch
            )

    def _update(self, batch: Batch, total: Tensor) -> None:
        """Gradients, and every `accumulation` batches an update (an epoch's last group may be smaller); a non-finite one is
        masked, not applied."""
        training, per_epoch = self.experiment.training, self.loop.per_epoch
        number, last = divmod(batch.step - (batch.epoch - 1) * per_epoch, training.accumulation)
        size = min(training.accumulation, per_epoch - number * training.accumulation)
        self.scaler.scale(total / size if size > 1 else total).backward()
        if last + 1 < size:
            return
        groups = -(-per_epoch // training.accumulation)
        learning_rate = rate(training, (batch.epoch - 1) * groups + number, groups)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        if self.scaler.is_enabled():
            self.scaler.unscale_(self.optimizer)
        if training.gradient_clip:
            nn.utils.clip_grad_norm_(self._parameters, training.gradient_clip)
        self._apply(total)
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            self.average.update(self.cast.student)

    def _apply(self, total: Tensor) -> None:
        gradient = self._earliest.grad
        sound = torch.isfinite(total if gradient is None else total.detach() + gradient.sum())
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        elif self._masks:
            self.optimizer.found_inf = (~sound).float()  # type: ignore[attr-defined]  # fused optimizers skip on the device
            self.optimizer.step()
        elif bool(sound):  # RMSProp has no fused form: here the flag is waited for
            self.optimizer.step()

    def described(self, means: Mapping[str, float], epoch: int) -> dict[str, float]:
        """What a report says beside the means: every term as it is weighted, and the learning rate."""
        self.fit.hear(means)
        weights = self.weights.at(epoch)
        said = {f"weighted/{name}": means[name] * weights[name] for name, _, _ in self.stack.terms}
        if "ce" in means:
            said["weighted/labels"] = means["ce"] * weights["labels"]
        return {**said, "learning_rate": self.optimizer.param_groups[0]["lr"]}

    @property
    def shown(self) -> Net:
        """The student as it is evaluated and exported: its moving average where there is one."""
        return self.cast.student if self.average is None else self.average.net  # type: ignore[return-value]

    def _after_epoch(self, epoch: int) -> bool:
        run, last = self.experiment.run, epoch == self.loop.epochs
        spent = "" if last else self._spent()
        if epoch % run.evaluate_every and not last and not spent:
            return False
        found = {"epoch": float(epoch)}
        for split_name, split in self._splits():
            if split.labels is not None:
                found[split_name] = self._evaluated(split_name, split, epoch).top1
                if split is self.pictures.evaluated:
                    self.fit.judge(epoch, found[split_name])
        found |= self.observer.observe(self.stack, self.shown, epoch, self.loop.step)
        self.history.append(found)
        self._choose(found, epoch)
        patience = self.experiment.training.early_stopping
        enough = bool(patience) and self.best["waited"] >= patience
        if enough:
            self.hand.report.note(f"Stopped early after epoch {epoch}: {patience} evaluations without a better one.")
        elif spent:
            self.hand.report.note(f"{spent} Distilling ends after epoch {epoch} of {self.loop.epochs}.")
        return enough or bool(spent)

    def _spent(self) -> str:
        """Which budget is spent, as a sentence; empty while none is."""
        run = self.experiment.run
        joules = self.hand.joules() if run.energy_budget else None
        return budget.spent(run, self.hand.report.clock.seconds(), joules)

    def _splits(self) -> list[tuple[str, Split]]:
        named = (("held-out", self.pictures.heldout), ("test", self.pictures.test))
        return [(name, split) for name, split in named if split is not None]

    def _evaluated(self, name: str, split: Split, epoch: int) -> Score:
        assert split.labels is not None
        logits = logits_of(self.shown, split)
        result = score(logits, split.labels)
        who = "student" if self.average is None else "student_ema"
        self.hand.report.say(
            Evaluated, who=who, split=name, stage=STAGE, step=self.loop.step, epoch=epoch, **dataclasses.asdict(result)
        )
        if split is self.pictures.evaluated:
            self.observer.picturing.student_classes(logits, split.labels, epoch)
        return result

    @property
    def chosen_by(self) -> str:
        """What chooses the best epoch, in words for the report."""
        words = {"held-out": "on held-out images", "test": "on the test images", "last": "as the last"}
        labelled = self.experiment.dataset.labels or self.experiment.run.selection != "held-out"
        return words[self.experiment.run.selection] if labelled else "by agreement with the teacher"

    def _choose(self, found: Mapping[str, float], epoch: int) -> None:
        """Keep the epoch whose score on the choosing split is highest so far; without labels, by agreement."""
        by = self.experiment.run.selection
        reached = float(epoch) if by == "last" else found[by] if by in found else found["agreement"]
        if reached > self.best["score"]:
            self.best = {"score": reached, "epoch": epoch, "waited": 0}
            self._keep_best(self.shown, epoch, self.loop.step)
        else:
            self.best["waited"] += 1

    def state(self) -> dict[str, Any]:
        """Everything an exact continuation needs."""
        return {
            "loop": self.loop.state(),
            "student": self.cast.student.state_dict(),
            "methods": {key: method.state_dict() for key, method in self.cast.methods.items()},
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "generator": self.generator.get_state(),
            "random": seeds.state(),
            "best": self.best,
            "weights": self.weights.state(),
            "history": self.history,
            "fit": self.fit.state(),
            "memo": None if self.stack.memo is None else self.stack.memo.state(),
            "quantization": self.cast.quantization.state(),
            "gradients": [p.grad for p in self._parameters] if self.experiment.training.accumulation > 1 else None,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.loop.load(state["loop"])
        self.cast.student.load_state_dict(state["student"])
        for key, method in self.cast.methods.items():
            method.load_state_dict(state["methods"][key])
        restore(self.optimizer, state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.cast.quantization.load(state["quantization"])
        self.generator.set_state(state["generator"].cpu())
        seeds.load(state["random"])
        self.best, self.history = dict(state["best"]), list(state["history"])
        self.fit.load(state.get("fit", []))
        self.weights.load(state.get("weights", {}))
        if self.stack.memo is not None and state["memo"] is not None:
            self.stack.memo.load(state["memo"], self.resources.torch_device)
        if state["gradients"] is not None:
            for parameter, gradient in zip(self._parameters, state["gradients"]):
                parameter.grad = None if gradient is None else torch.empty_like(parameter).copy_(gradient)
