"""The views made for distillation: which cards a run's watches call for beside those of their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kdstudio.baselines import CLASS_ACCURACY
from kdstudio.charts import affinity, gains, levels, outputs
from kdstudio.charts.affinity import AffinityCard
from kdstudio.charts.card import Card
from kdstudio.charts.gains import GainCard
from kdstudio.charts.levels import LevelsCard
from kdstudio.charts.matrix import CONFUSION, QUANTIZATION, SOFT_LABELS, Subject
from kdstudio.charts.samples import SamplesCard
from kdstudio.charts.templates import TemplatesCard
from kdstudio.history import History

CONFUSIONS = ("confusion", "confusion_teacher", "agreement_matrix")

Watches = Iterable[Mapping[str, Any]]


def views(watches: Watches, history: History) -> list[Card]:
    """The cards for the watches of a run, in their order on the board."""
    names, found = {w["name"] for w in watches}, list[Card]()
    if outputs.OUTPUTS in names:
        found.append(SamplesCard(history))
    if CLASS_ACCURACY in names:
        found.append(GainCard(history))
    if affinity.STUDENT in names:
        found.append(AffinityCard(history))
    maps = tuple((w["name"], _layer(w), str(w.get("help", ""))) for w in watches if w["kind"] == "templates")
    if maps:
        found.append(TemplatesCard(maps, history))
    if levels.WATCH in names:
        found.append(LevelsCard(history))
    return found


def taken(watches: Watches) -> set[str]:
    """The watches that these cards show, so that they get none of their kind."""
    names = {w["name"] for w in watches}
    samples = {outputs.SAMPLES} if outputs.OUTPUTS in names else set()
    return names & {CLASS_ACCURACY, gains.TEACHER} | samples


def subject_of(watch: Mapping[str, Any]) -> Subject:
    """On which card a matrix is shown."""
    if watch["name"] in CONFUSIONS:
        return CONFUSION
    return QUANTIZATION if watch["name"].startswith("quantization.") else SOFT_LABELS


def _layer(watch: Mapping[str, Any]) -> str:
    """Which layer's templates they are: `templates over images · penult` is `penult`."""
    return str(watch.get("title") or watch["name"]).rpartition(" · ")[2]
