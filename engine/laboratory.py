"""What a method's `prepare` works with: loops with progress, pause and stop; batches; watches under its own name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from engine import seeds
from engine.data import Pictures
from engine.data.batches import Views
from engine.data.pixels import to_unit
from engine.experiment import Experiment
from engine.loop import Batch, Loop
from engine.method import Facts, Method, Side
from engine.optim import restore
from engine.stages import Stagehand


class Laboratory:
    """The `Lab` of one method of a run. Loops that an earlier attempt finished are restored instead of run again."""

    def __init__(
        self,
        key: str,
        method: Method,
        *,
        experiment: Experiment,
        pictures: Pictures,
        student: Side,
        teacher: Side | None,
        facts: Facts,
        stagehand: Stagehand,
    ) -> None:
        self.facts, self.student, self.teacher, self.device = facts, student, teacher, facts.device
        self._key, self._method = key, method
        self._experiment, self._pictures, self._hand = experiment, pictures, stagehand
        self.generator = seeds.generator(experiment.run.seed, "prepare", key)
        self._watches = {w.name: w for w in method.watches}

    def loop(
        self,
        stage: str,
        modules: Iterable[nn.Module],
        loss: Callable[[Tensor, Tensor | None], Mapping[str, Tensor]],
        *,
        epochs: int,
        batch_size: int,
        optimizer: torch.optim.Optimizer,
        schedule: Any = None,
        after_epoch: Callable[[int], None] | None = None,
    ) -> None:
        """See `Lab.loop`."""
        trained = list(modules)
        work = _Work(trained, optimizer, schedule, loss)
        name = f"{self._key}.{stage}"
        done = self._hand.finished.get(name)
        if done is not None:
            work.load(done["work"])
            return
        with _trainable(trained), self._hand.stage(name, epochs=epochs) as resumed:
            loop = self._made(name, epochs, batch_size, work)
            self._hand.carry(lambda: {"loop": loop.state(), "work": work.state()})
            if resumed is not None:
                work.load(resumed["work"])
                loop.load(resumed["loop"])
            self._hand.drive(loop, work.step, after_epoch=lambda epoch: work.epoch_over(epoch, after_epoch))

    @contextmanager
    def stage(self, name: str, state: Callable[[], Any] | None = None) -> Iterator[Any]:
        """See `Lab.stage`."""
        with self._hand.stage(f"{self._key}.{name}") as resumed:
            if state is not None:
                self._hand.carry(state)
            yield resumed

    def finished(self, name: str) -> Any:
        """See `Lab.finished`."""
        return self._hand.finished.get(f"{self._key}.{name}")

    def progress(self, what: str, done: int, total: int, unit: str) -> None:
        """See `Lab.progress`."""
        self._hand.obey()
        self._hand.report.progress(what, done, total, unit)

    def _made(self, name: str, epochs: int, batch_size: int, work: _Work) -> Loop:
        split, seed = self._pictures.train, seeds.key(self._experiment.run.seed, name)
        return Loop(
            stage=name,
            split=split,
            views=Views(self._experiment.dataset, self.facts.samples, seed, self.device),
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            report_every=self._experiment.run.report_every,
            save_every=self._experiment.run.save_every,
            names=lambda: work.names,
        )

    def batches(self, limit: int | None = None, augment: bool = False) -> Iterator[tuple[Tensor, Tensor | None, Tensor]]:
        """See `Lab.batches`."""
        split = self._pictures.train
        count = len(split) if limit is None else min(limit, len(split))
        views = Views(self._experiment.dataset, self.facts.samples, self._experiment.run.seed, self.device)
        for index, raw in split.batches(torch.arange(count), 500):
            self._hand.obey()
            x = views.at(raw, index, 1) if augment else to_unit(raw)
            yield x, None if split.labels is None else split.labels[index], index

    def images(self, index: Tensor) -> Tensor:
        """See `Lab.images`."""
        return to_unit(self._pictures.train.take(index))

    def normalize(self, x: Tensor) -> Tensor:
        """See `Lab.normalize`."""
        mean, std = (torch.tensor(v, device=x.device).view(1, -1, 1, 1) for v in (self._pictures.mean, self._pictures.std))
        return (x - mean) / std

    def show(self, watch: str, value: Any, labels: Mapping[str, list[Any]] | None = None) -> None:
        """See `Lab.show`. Raises KeyError for a watch the method did not declare."""
        self._hand.report.show(f"{self._key}.{watch}", self._watches[watch], value, labels)

    def measure(self, values: Mapping[str, float]) -> None:
        """See `Lab.measure`."""
        self._hand.report.measure({f"{self._key}.{name}": value for name, value in values.items()})

    def note(self, sentence: str) -> None:
        """See `Lab.note`."""
        self._hand.report.note(f"{self._method.title}: {sentence}")


class _Work:
    """One optimization of a `prepare`: modules, optimizer, schedule and loss, storable between two steps."""

    def __init__(self, modules: list[nn.Module], optimizer: torch.optim.Optimizer, schedule: Any, loss: Any) -> None:
        self.modules, self.optimizer, self.schedule, self.loss = modules, optimizer, schedule, loss
        self.names: tuple[str, ...] = ()

    def step(self, batch: Batch) -> Tensor:
        """One update; an update with a non-finite loss is skipped."""
        losses = self.loss(batch.x, batch.y)
        self.names = ("loss", *losses)
        total = torch.stack(tuple(losses.values())).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        if bool(torch.isfinite(total)):
            self.optimizer.step()
        return torch.stack((total, *losses.values())).detach()

    def epoch_over(self, epoch: int, after: Callable[[int], None] | None) -> bool:
        """Advance the schedule and let the method look; never ends early."""
        if self.schedule is not None:
            self.schedule.step()
        if after is not None:
            after(epoch)
        return False

    def state(self) -> dict[str, Any]:
        """Everything a continued loop needs."""
        return {
            "modules": [m.state_dict() for m in self.modules],
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else _plain(self.schedule.state_dict()),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        for module, values in zip(self.modules, state["modules"]):
            module.load_state_dict(values)
        restore(self.optimizer, state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])


def _plain(state: Mapping[str, Any]) -> dict[str, Any]:
    """A scheduler's state without the functions it may carry (MultiStepLR's counter is a mapping of its own kind)."""
    return {k: dict(v) if isinstance(v, Mapping) else v for k, v in state.items() if not callable(v)}


class _trainable:  # noqa: N801  (reads as a phrase: `with _trainable(modules)`)
    """Modules that are frozen for the student's training learn inside, and are frozen again after."""

    def __init__(self, modules: list[nn.Module]) -> None:
        self._before = [(p, p.requires_grad) for m in modules for p in m.parameters()]

    def __enter__(self) -> None:
        for parameter, _ in self._before:
            parameter.requires_grad_(True)

    def __exit__(self, *failure: object) -> None:
        for parameter, wanted in self._before:
            parameter.requires_grad_(wanted)
