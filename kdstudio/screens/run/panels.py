"""The cards of a run: made from what it declared at its start, and from what it then measures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from engine import events
from kdstudio.charts import arrangement
from kdstudio.charts.board import Board
from kdstudio.charts.card import Card
from kdstudio.charts.curves import CurveCard, Plot
from kdstudio.charts.distribution import DistributionCard
from kdstudio.charts.gallery import GalleryCard, Pictures
from kdstudio.charts.lens import Lens
from kdstudio.charts.matrix import CONFUSION, QUANTIZATION, SOFT_LABELS, Matrix, MatrixCard
from kdstudio.charts.numbers import NumbersCard
from kdstudio.charts.pictures import WHO
from kdstudio.charts.redraw import Redraw
from kdstudio.charts.tables import TableCard
from kdstudio.history import History
from kdstudio.screens.run import plots, views
from kdstudio.screens.run.findings import FindingsCard
from kdstudio.screens.run.trying import TryCard
from kdstudio.screens.run.weights import WeightsCard


class Panels:
    """Lays the cards of one run on a board and marks those that an event concerns."""

    def __init__(self, board: Board, redraw: Redraw, history: History, lens: Lens, dress: Callable[[Card], None]) -> None:
        self.board, self.history, self.lens = board, history, lens
        self._dress = dress
        self._redraw = redraw
        self._known: set[str] = set()
        self._coming: set[str] = set()
        self._wanted: dict[str, list[Card]] = {}
        self._probes = plots.probes(history.plan)
        self._numbers: NumbersCard | None = None
        watches = history.plan.get("watches", [])
        self._tabled = {w["name"].rpartition(".")[0] for w in watches if w["kind"] == "table"}
        self.findings, self.weights = FindingsCard(history), WeightsCard(history)
        self.trying = TryCard(history)
        self._set = arrangement.signature([*history.plan.get("methods", []), *(w["name"] for w in watches)])
        board.arrange_as(arrangement.recall(self._set))
        self._declare(history.plan)

    def concern(self, event: events.Event) -> None:
        """Mark the cards that show what an event says, after making those that it shows for the first time."""
        match event:
            case events.Step(values=values) | events.Measured(values=values):
                self._numbers_changed(tuple(values))
            case events.Evaluated(who=who, split=split):
                self._numbers_changed((f"top1/{who}/{split}",))
            case events.Watched(watch=name):
                self._mark(self._wanting(name))
            case events.Finding():
                self._mark([self.findings])
            case events.WeightMoved():
                self._mark([self.weights, *(card for card in self.board.cards if isinstance(card, CurveCard))])
            case events.RunResumed() | events.RunEnded() | events.StageStarted():
                self.mark_all()

    def mark_all(self) -> None:
        """Everything is to be drawn anew."""
        for _, name in self.history.curves:
            self._meet(name)
        self._mark(self.board.cards)

    def look_anew(self) -> None:
        """The lens has changed: every plot of curves forgets its zoom and is drawn anew."""
        for card in self.board.cards:
            if isinstance(card, CurveCard):
                card.forget_zoom()
                self._redraw.mark(card)

    def keep(self) -> None:
        """Remember the arrangement of this set of cards, and how each plot is looked at."""
        arrangement.remember(self._set, self.board.arrangement)

    def _looked_at(self, card: CurveCard) -> None:
        """Something was chosen for one plot alone."""
        looks = self.board.arrangement.looks
        if card.look():
            looks[card.key] = card.look()
        else:
            looks.pop(card.key, None)
        self.keep()

    def _wanting(self, name: str) -> list[Card]:
        """The cards that show a number or a watch; remembered, for every step asks for every number."""
        if name not in self._wanted:
            self._wanted[name] = [c for c in self.board.cards if _wants(c, name)]
        return self._wanted[name]

    def _add(self, card: Card) -> None:
        self._wanted.clear()
        self._dress(card)
        card.stale.connect(self._redraw.mark)
        self.board.add(card)
        if isinstance(card, CurveCard):
            card.look_as(self.board.arrangement.looks.get(card.key, {}))
            card.lens.changed.connect(lambda: self._looked_at(card))

    def _mark(self, cards: list[Card]) -> None:
        for card in cards:
            self._redraw.mark(card)

    def _numbers_changed(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._meet(name)
        for name in names:
            self._mark(self._wanting(name))

    def _meet(self, name: str) -> None:
        """Make the card of a number that is measured for the first time."""
        if name in self._known:
            return
        self._known.add(name)
        if name.startswith(("weighted/", "top5/", "loss/", "top1/", "nonfinite/")) or name in plots.OWN:
            return
        if self._wanting(name):
            return
        probe = next((p for p in self._probes if p.lines(name) is not None), None)
        if probe is not None:
            if probe.key not in self._coming:
                self._coming.add(probe.key)
                self._redraw.later(partial(self._plot, probe))
            return
        method, _, bare = name.rpartition(".")
        if method not in self._tabled:  # a method that shows tables says its numbers there
            self._once(name, bare.replace("_", " "), "", "")

    def _once(self, name: str, title: str, unit: str, help: str) -> None:
        if self._numbers is None:
            self._numbers = NumbersCard("Measurements", "Numbers of the methods, as last measured", self.history)
            self._add(self._numbers)
        self._numbers.tell(name, title, unit, help)
        self._wanted.clear()

    def _plot(self, plot: Plot) -> None:
        card = CurveCard(plot, self.history, self.lens)
        self._add(card)
        self._redraw.mark(card)

    def _declare(self, plan: dict[str, Any]) -> None:
        watches = plan.get("watches", [])
        kinds = {kind: [w for w in watches if w["kind"] == kind] for kind in ("curve", "matrix", "images", "table",
                                                                              "distribution")}  # fmt: skip
        self._plot(plots.losses(plan))
        self._plot(plots.accuracy(plan))
        self._add(self.findings)
        taken = views.taken(watches)
        for subject in (SOFT_LABELS, CONFUSION, QUANTIZATION):
            own = [w for w in kinds["matrix"] if views.subject_of(w) is subject]
            if own:
                self._add(MatrixCard(subject, _matrices(own), self.history))
        for card in views.views(watches, self.history):
            self._add(card)
        images = [w for w in kinds["images"] if w["name"] not in taken]
        if images:
            pictures = tuple(Pictures(w["name"], _title(w), w.get("help", "")) for w in images)
            self._add(GalleryCard(pictures, self.history))
        for w in kinds["table"]:
            self._add(TableCard(w["name"], _title(w), w.get("help", ""), self.history))
        for w in kinds["curve"]:
            if w.get("every") == "stage":
                self._once(w["name"], _title(w), w.get("unit", ""), w.get("help", ""))
            else:
                self._plot(plots.watch(w))
        for w in (w for w in kinds["distribution"] if w["name"] not in taken):
            self._add(DistributionCard(w["name"], _title(w), w.get("unit", ""), w.get("help", ""), self.history))
        self._add(self.trying)
        self._plot(plots.learning_rate())
        self._plot(plots.speed())
        self._add(self.weights)


def _title(watch: dict[str, Any]) -> str:
    title = str(watch.get("title") or watch["name"].rpartition(".")[2].replace("_", " "))
    return title[:1].upper() + title[1:] if title[:1].isascii() else title  # γ is no Γ


def _matrices(watches: list[dict[str, Any]]) -> tuple[Matrix, ...]:
    """The student's in the student's colour, the teacher's in the teacher's, the others in those that follow; soft labels
    first, and of those what the methods made, for it is there first."""
    order = sorted(watches, key=lambda w: ("soft_labels" not in w["name"], w["name"].startswith("soft_labels_")))
    number = plots.Numbering(2)
    fixed = {f"{of}_{who}": i for of in ("soft_labels", "confusion") for who, i in WHO.items()} | {"confusion": plots.STUDENT}
    return tuple(
        Matrix(
            w["name"],
            _title(w),
            w.get("help", ""),
            fixed[w["name"]] if w["name"] in fixed else number(w["name"]),
            "agreement" if w["name"] == "agreement_matrix" else "",
        )
        for w in order
    )


def _wants(card: Card, name: str) -> bool:
    asked = getattr(card, "wants", None)
    return bool(asked and asked(name))
