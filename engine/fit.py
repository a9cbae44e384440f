"""How well a student fits its training images, and whether that holds for others: evidence gathered while it is trained, and
the failure signatures read from it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

from engine import runs
from engine.experiment import Experiment
from engine.findings import Check, Evidence, Found, latest
from engine.report import Reporter
from engine.runs import RunError, RunFolder, RunRow
from engine.runs.rows import flat

TRAINED, JUDGED, ALONE, SHARE = "fit/train", "fit/held-out", "fit/labels alone", "share/labels"
"""Evidence: top-1 in percent while training, on the images that judge, of the same student on labels alone while training;
the labels' share of the gradient."""
CURVE = "distilling/train_top1"

UNDER, SMALL = 5.0, 0.1
"""Points under the labels alone, and the share of the gradient under which the labels are hardly heard."""
APART, LONG = 15.0, 5
"""Points between training and other images, and evaluations in a row in which the latter fall."""
DECAY = 5e-4
"""The usual weight decay."""


class Fit:
    """Gathers a run's evidence. Training accuracy is that of an epoch's reports: on augmented images, as they are learned."""

    def __init__(self, report: Reporter, experiment: Experiment) -> None:
        self._report, self._experiment = report, experiment
        self._heard: list[float] = []
        self._alone: dict[int, float] | None = None

    def hear(self, means: Mapping[str, float]) -> None:
        """Take what a report of the loop says."""
        if "train_top1" in means:
            self._heard.append(means["train_top1"])

    def judge(self, epoch: int, judged: float | None) -> None:
        """Give the checks what an evaluation found; `judged` is the accuracy on the images that judge."""
        heard, self._heard = self._heard, []
        if not heard or judged is None:
            return
        values = {TRAINED: fmean(heard), JUDGED: judged}
        share = self._report.latest(SHARE)
        if share is not None and share < SMALL:
            beside = self._beside().get(epoch)
            values |= {} if beside is None else {ALONE: beside}
        self._report.observe(values)

    def _beside(self) -> Mapping[int, float]:
        """The training accuracy of the same student on labels alone by epoch, from a run beside this one; looked for once."""
        if self._alone is None:
            self._alone = labels_alone(self._report.folder.path, self._experiment)
        return self._alone

    def state(self) -> list[float]:
        """What was heard since the last evaluation, for a checkpoint."""
        return self._heard

    def load(self, state: list[float]) -> None:
        """The inverse of `state`."""
        self._heard = [float(value) for value in state]


def labels_alone(run: Path, experiment: Experiment) -> dict[int, float]:
    """Training accuracy in percent by epoch of a finished run that learned the same images with the same student from labels
    alone and lies beside `run`: one on the same seed where there is one, else the newest. Empty where there is none."""
    own = _trained(flat(experiment.model_dump(mode="json")))
    found = [r for r in runs.listing(run.parent) if r.path != run and _is_alone(r) and _trained(r.settings) == own]
    found.sort(key=lambda row: row.seed != experiment.run.seed)
    return _by_epoch(found[0].path) if found else {}


def _is_alone(row: RunRow) -> bool:
    return row.state == "done" and not row.methods and not row.moved and row.teacher in ("", "none")


def _trained(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of flat settings, those that decide how a student learns from labels."""
    return {name: value for name, value in settings.items() if name.startswith(("dataset.", "student.", "training."))}


def _by_epoch(path: Path) -> dict[int, float]:
    try:
        column = RunFolder.open(path).columns({CURVE}).get(CURVE)
    except RunError:
        return {}
    if column is None or not column.per_epoch:
        return {}
    values: dict[int, list[float]] = {}
    for step, value in zip(column.steps.tolist(), column.values.tolist(), strict=True):
        values.setdefault(-int(-step // column.per_epoch), []).append(value)
    return {epoch: fmean(found) for epoch, found in values.items()}


def underfits(seen: Evidence, louder: Mapping[str, Any]) -> Found | None:
    """Whether a student learns its training images worse than from the labels alone, which it hardly hears. `louder` are the
    settings that would let it hear them."""
    trained, alone, share = (latest(seen, name) for name in (TRAINED, ALONE, SHARE))
    if trained is None or alone is None or share is None or trained > alone - UNDER or share >= SMALL:
        return None
    if seen[TRAINED][-1][0] != seen[ALONE][-1][0]:
        return None
    return Found(
        f"The student underfits: it names {trained:.1f} % of its training images, {alone:.1f} % at this epoch on labels alone, "
        f"and the labels have {100 * share:.1f} % of the gradient. They want more weight, or the terms less.",
        {TRAINED: trained, ALONE: alone, SHARE: share},
        dict(louder),
    )


def overfits(seen: Evidence, settings: Mapping[str, Any]) -> Found | None:
    """Whether a student learns its training images by heart while it forgets the others."""
    trained, judged = latest(seen, TRAINED), [value for _, value in seen.get(JUDGED, [])[-LONG:]]
    if trained is None or len(judged) < LONG or trained - judged[-1] <= APART or any(b >= a for a, b in pairwise(judged)):
        return None
    decay = float(settings["training"]["weight_decay"])
    return Found(
        f"The student overfits: it names {trained:.1f} % of its training images and {judged[-1]:.1f} % of the others, fewer in "
        f"each of {LONG} evaluations. More regularization, or an earlier end.",
        {TRAINED: trained, JUDGED: judged[-1]},
        {"training.weight_decay": DECAY if decay < DECAY else min(1.0, 2 * decay)},
    )


OVERFITS = Check(
    "overfits",
    "Overfits",
    f"train - held-out > {APART:g} points and held-out falling over {LONG} evaluations",
    (JUDGED,),
    overfits,
)
