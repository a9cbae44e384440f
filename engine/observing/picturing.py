"""What evaluations show of single images and single classes, in amounts that do not grow with the length of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from engine.affinity import maps as affinity_maps
from engine.experiment import RunSettings, TrainingSettings
from engine.observing import samples
from engine.observing.confusion import class_accuracy, confusion
from engine.plan import PROBES
from engine.report import Reporter

RECORDS = 24
"""Of what is large, about so many evaluations are kept, spread evenly over a run."""
CLASSES = 512
"""Of more classes no confusion is kept: a matrix would be larger than the student."""
AFFINE = 8
"""Images whose affinities are shown, the first of the samples."""

_DECLARED = {watch.name: watch for watch in PROBES}


class Picturing:
    """Shows through the reporter what the nets say of the images of one sample, and of the classes of one split."""

    def __init__(self, report: Reporter, names: tuple[str, ...], training: TrainingSettings, run: RunSettings) -> None:
        self.report, self.names = report, names
        self._every, self._last = run.evaluate_every, training.epochs
        self._begun: set[str] = set()

    def due(self, epoch: int) -> bool:
        """Whether what is large is shown at the evaluation after this epoch: the first, the last, and about `RECORDS`."""
        number, count = (-(-n // self._every) for n in (epoch, self._last))
        return number in (1, count) or number % -(-count // RECORDS) == 0

    def samples(self, images: Tensor, z_s: Tensor, z_t: Tensor | None, y: Tensor | None) -> None:
        """The images (N, C, H, W) uint8 once, and at every evaluation what is said of them: logits (N, C), labels (N,)."""
        if self._first("samples"):
            labels = {} if y is None else {"label": [self.names[i] for i in y.tolist()]}
            self._show("samples", samples.thumbnails(images), {**labels, "classes": list(self.names)})
        self._show("outputs", samples.outputs(z_s, z_t, y), {"columns": list(samples.COLUMNS)})

    def agreement(self, z_s: Tensor, z_t: Tensor, epoch: int) -> None:
        """Which classes the student names where whoever teaches names another."""
        if self.due(epoch):
            self._matrix("agreement_matrix", confusion(z_t.argmax(1), z_s.argmax(1), z_s.shape[1]))

    def student_classes(self, z: Tensor, y: Tensor, epoch: int) -> None:
        """The accuracy of each class, and which are taken for which: logits (N, C) and labels (N,) of a whole split."""
        self._show("class_accuracy", class_accuracy(z, y), {"names": list(self.names)})
        if self.due(epoch):
            self._matrix("confusion", confusion(y, z.argmax(1), z.shape[1]))

    def teacher_classes(self, z: Tensor, y: Tensor) -> None:
        """The same of the teacher, which does not change."""
        self._show("class_accuracy_teacher", class_accuracy(z, y), {"names": list(self.names)})
        self._matrix("confusion_teacher", confusion(y, z.argmax(1), z.shape[1]))

    def affinities(
        self, own: Mapping[str, Tensor], other: Mapping[str, Tensor], alike: Iterable[tuple[str, str]], epoch: int
    ) -> None:
        """Affinities between the places of the first images, at the stages that are `alike`, a tap of each net; the frozen
        teacher's once."""
        if not self.due(epoch):
            return
        for tap, counterpart in alike:
            f_s, f_t = own[tap][:AFFINE], other[counterpart][:AFFINE]
            if f_s.ndim != 4 or f_t.ndim != 4:
                continue
            side = affinity_maps.side_of(f_s, f_t)
            if side < 2:
                continue
            labels: dict[str, list[Any]] = {"stage": [tap, counterpart], "places": [side, side]}
            if self._first(f"affinity/{tap}"):
                self._show("affinity_teacher", affinity_maps.small(f_t, side), labels)
            self._show("affinity_student", affinity_maps.small(f_s, side), labels)

    def _matrix(self, name: str, value: Tensor) -> None:
        if len(value) <= CLASSES:
            self._show(name, value, {"classes": list(self.names)})

    def _first(self, name: str) -> bool:
        """Whether something is shown for the first time in this attempt."""
        new = name not in self._begun
        self._begun.add(name)
        return new

    def _show(self, name: str, value: Tensor, labels: Mapping[str, list[Any]]) -> None:
        self.report.show(name, _DECLARED[name], value, labels)
