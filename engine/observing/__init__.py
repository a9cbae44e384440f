"""What every evaluation looks at: the probes, the methods' watches, and pictures with what both nets say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from engine import affinity, pairing, seeds
from engine.cards import Watch
from engine.data import Pictures, Split
from engine.data.batches import Views
from engine.data.pixels import to_unit
from engine.experiment import Experiment
from engine.loop import Batch
from engine.method import Method, View
from engine.modes import evaluating
from engine.nets.net import Net
from engine.observing import probes
from engine.observing.picturing import Picturing
from engine.observing.samples import COUNT
from engine.plan import PROBES
from engine.report import Reporter
from engine.stack import Cast, Stack
from engine.taps import Look

NOISY = 64
"""Images whose signal-to-noise is measured; each is seen in several augmentations."""


class Observer:
    """Looks at a bounded, seeded sample that stays the same for the whole run: held-out images where there are any, else
    test images, else training images."""

    def __init__(self, experiment: Experiment, pictures: Pictures, cast: Cast, report: Reporter, picturing: Picturing) -> None:
        self.experiment, self.pictures, self.cast = experiment, pictures, cast
        self.report, self.picturing = report, picturing
        self.split: Split = pictures.heldout or pictures.test or pictures.train
        count = min(experiment.run.probe_images, len(self.split))
        chance = seeds.generator(experiment.dataset.split_seed, "probes")
        self.index = torch.randperm(len(self.split), generator=chance)[:count].to(self.split.device)
        self.temperature = _temperature(cast)
        self._declared = {w.name: w for w in PROBES}
        self._constant: dict[str, float] = {}

    def observe(self, stack: Stack, net: Net, epoch: int, step: int) -> dict[str, float]:
        """Measure, show and report; gives the scalars."""
        looked_at = (net, self.cast.student, *self.cast.methods.values())  # with a weight average the nets are two
        with evaluating(*looked_at), torch.no_grad():
            return self._looked(stack, net, epoch, step)

    def _looked(self, stack: Stack, net: Net, epoch: int, step: int) -> dict[str, float]:
        x, y = self._sample()
        batch = Batch(x, y, self.index, epoch, step)
        student, own = self._seen(net, x)
        teacher, other = (None, {}) if self.cast.teacher is None else self._seen(self.cast.teacher, x)
        mute = self.cast.teacher is not None and self.cast.teacher.mute
        taught = None if mute else stack.taught(batch, student, teacher)
        logits = probes.of_logits(student.logits, None if taught is None else taught.logits, y, self.temperature)
        alike = self._alike(own, other)
        scalars = {**logits.scalars, **probes.of_maps(own, other, alike).scalars}
        scalars |= {**self._noise(net), **self._noise_inside(stack, epoch, step)}
        self.report.measure(scalars)
        names = {"classes": list(self.pictures.class_names)}
        for name, matrix in logits.arrays.items():
            self.report.show(name, self._declared[name], matrix, names)
        self._show_samples(student, taught)
        if taught is not None:
            self.picturing.agreement(student.logits, taught.logits, epoch)
        self.picturing.affinities(own, other, alike, epoch)
        self._watched(stack, batch, net)
        self._quantized(net, x)
        return scalars

    def _sample(self) -> tuple[Tensor, Tensor | None]:
        labels = self.split.labels
        return to_unit(self.split.take(self.index)), None if labels is None else labels[self.index]

    def _alike(self, own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> list[tuple[str, str]]:
        """The taps of the stages that belong together."""
        shapes = [{tap: tuple(value.shape[1:]) for tap, value in maps.items()} for maps in (own, other)]
        return [(match.student, match.teacher) for match in pairing.pair(*shapes)]

    def _seen(self, net: Net, x: Tensor) -> tuple[View, dict[str, Tensor]]:
        """Logits, and the maps of the net's stages by their taps."""
        look = Look(net, {tap: tap for tap in net.taps})
        view = look(x)
        look.remove()
        kept = pairing.stages({tap: tuple(value.shape[1:]) for tap, value in view.taps.items()})
        return View(view.logits), {tap: view.taps[tap] for tap in kept}

    def _noise(self, net: Net) -> dict[str, float]:
        """Signal-to-noise of both nets' pooled features over augmentations; the frozen teacher's is measured once."""
        raw = self.split.take(self.index[:NOISY])
        rows = torch.arange(len(raw), device=raw.device)
        views = Views(self.experiment.dataset, len(raw), seeds.key(0, "signal to noise"), raw.device)

        def ratio(of: Net) -> float:
            look = Look(of, {"pooled": "pooled"})
            found = probes.signal_to_noise(lambda x: look(x).taps["pooled"], lambda k: views.at(raw, rows, k))
            look.remove()
            return found

        if not self._moves():
            return {}
        if self.cast.teacher is not None and not self._constant:
            self._constant = {"snr_teacher": ratio(self.cast.teacher)}
        return {"snr_student": ratio(net), **self._constant}

    def _noise_inside(self, stack: Stack, epoch: int, step: int) -> dict[str, float]:
        """Signal-to-noise of the features that methods make on the way, over the same augmentations."""
        if not stack.signalling or not self._moves():
            return {}
        raw = self.split.take(self.index[:NOISY])
        rows = torch.arange(len(raw), device=raw.device)
        views = Views(self.experiment.dataset, len(raw), seeds.key(0, "signal to noise"), raw.device)
        chance = seeds.generator(0, "signals", device=raw.device)
        labels = None if self.split.labels is None else self.split.labels[self.index[:NOISY]]
        seen = [
            stack.signals(Batch(views.at(raw, rows, k), labels, self.index[:NOISY], epoch, step), chance)
            for k in range(probes.AUGMENTATIONS)
        ]
        return {f"snr/{name}": affinity.signal_to_noise(torch.stack([each[name] for each in seen])) for name in seen[0]}

    def _moves(self) -> bool:
        """Without augmentation every view is the same and there is no noise to measure."""
        settings = self.experiment.dataset
        return bool(settings.crop or settings.flip or settings.rotation or settings.resized_crop)

    def _quantized(self, net: Net, x: Tensor) -> None:
        """What the student's quantizers do."""
        scalars, shown = self.cast.quantization.look(net, x)
        self.report.measure(scalars)
        for name, watch, value, labels in shown:
            self.report.show(name, watch, value, labels)

    def _show_samples(self, student: View, taught: View | None) -> None:
        shown, split = self.index[:COUNT], self.split
        images, labels = split.take(shown), None if split.labels is None else split.labels[shown]
        self.picturing.samples(images, student.logits[:COUNT], None if taught is None else taught.logits[:COUNT], labels)

    def _watched(self, stack: Stack, batch: Batch, net: Net) -> None:
        """The methods' own watches of the distilling stage."""
        if not any(w.stage == "" for m in self.cast.methods.values() for w in m.active_watches()):
            return
        student, teacher = stack.see(batch)
        chance = seeds.generator(0, "watches", device=batch.x.device)
        for (key, name), value in stack.watches(batch, student, teacher, chance).items():
            method = self.cast.methods[key]
            declared = next(w for w in method.watches if w.name == name)
            self.report.show(f"{key}.{name}", declared, value, _entries(method, declared))


def _entries(method: Method, watch: Watch) -> dict[str, list[Any]] | None:
    """What the entries of a watch are called, or between which numbers they lie."""
    axis = method.axis(watch.name) if watch.kind == "distribution" else None
    if axis is not None:
        return {"edges": list(axis.edges), "levels": [[name, value] for name, value in axis.levels.items()]}
    names = method.names(watch.name)
    return {{"matrix": "classes", "images": "rows"}.get(watch.kind, "names"): list(names)} if names else None


def _temperature(cast: Cast) -> float:
    """The run's temperature: that of the first method that has one, else 1."""
    found = (getattr(m.params, "temperature", None) for m in cast.methods.values())
    return float(next((t for t in found if t is not None), 1.0))
