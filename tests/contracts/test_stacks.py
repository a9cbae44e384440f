"""What holds for every two methods in either order: they train together, or the rules refuse them in a sentence, before
anything is loaded.

Pairs are tried with the session's own parts (rules, building, stack, optimizer) on 64 digits and small nets; some, named at the
end, in whole runs.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import SMALLER, SmallLab, SmallNet, side_of
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional

from engine import building, extras, method, presets, rules, session
from engine.attempt import made
from engine.cards import Catalogue, NetCard
from engine.control import Control
from engine.events import Event, Measured, Step
from engine.experiment import Experiment, TrainingSettings
from engine.forward import Forward
from engine.loop import Batch
from engine.method import find
from engine.observing.probes import gradient_shares
from engine.optim import optimizer
from engine.quantize.quantization import Quantization
from engine.quantize.settings import QuantizeSettings
from engine.resources import Resources
from engine.stack import Cast, Stack

WIDTHS = {"student": (4, 6, 8), "teacher": (5, 6, 8, 12)}
"""Of the small nets; other widths and depths, so that nothing fits by chance."""
SHAPE = (1, 8, 8)
PLAIN = Resources(device="cpu", precision="float32", compile=False, threads=1)
STEPS, IMAGES = 2, 64


@dataclass(frozen=True)
class Member:
    """A method of a stack, under settings that decide with what it can be stacked; without a teacher net where it teaches."""

    key: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    teacher: str = "teacher"

    def __str__(self) -> str:
        return "-".join((self.key, *map(str, self.settings.values())))

    @property
    def given(self) -> dict[str, Any]:
        """Its settings, small where they cost time."""
        fields = find(self.key).Params.model_fields
        small = {**SMALLER, "negatives": 16, "warmup": 1}
        return {k: v for k, v in small.items() if k in fields} | dict(self.settings)


ALONE = [Member(key) for key in tuple(method.keys())]
OTHERWISE = [
    Member("aekt", {"serialization": "swap"}),
    Member("aekt", {"serialization": "parallel"}),
    Member("letkd", {"layers": "both"}),
    Member("reffakd", {"mode": "replace"}, teacher="none"),
]
MEMBERS = [*ALONE, *OTHERWISE]
PAIRS = [(a, b) for a in MEMBERS for b in MEMBERS if a.key != b.key]


def experiment(*members: Member) -> Experiment:
    nobody = any(m.teacher == "none" for m in members)
    return Experiment.model_validate({
        "dataset": {"name": "digits"},
        "student": {"net": "student"},
        "teacher": {"net": "none"} if nobody else {"net": "teacher", "source": "scratch"},
        "methods": {m.key: m.given for m in members},
    })  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> SmallLab:
    """64 digits, a student and a teacher as they begin."""
    found = load_digits()
    x = torch.tensor(found.images[:IMAGES, None] / 16, dtype=torch.float32)
    torch.manual_seed(0)
    teacher = SmallNet(10, widths=WIDTHS["teacher"]).eval().requires_grad_(False)
    made = SmallLab(x, torch.tensor(found.target[:IMAGES]), classes=10, teacher=teacher)
    made.student = side_of(SmallNet(10, widths=WIDTHS["student"]), SHAPE)
    return made


@pytest.fixture(scope="module")
def catalogue(lab: SmallLab) -> Catalogue:
    """Every method, and both nets."""
    sides = {"student": lab.student, "teacher": lab.teacher}
    made = {key: NetCard(key, key, "", "", 8, 0, 1000, 1000, side.shapes) for key, side in sides.items()}
    return replace(extras.catalogue(), nets=made)


@dataclass
class Trial:
    """A stack of methods put together as a run does it, and its two steps."""

    stack: Stack
    lab: SmallLab

    def steps(self) -> list[dict[str, Tensor]]:
        """The unweighted terms of each step; in the last, beside them, every weighted term's share of the gradient."""
        cast = self.stack.cast
        cast.student.train()
        undecayed = [p for each in cast.methods.values() for p in each.undecayed()]
        updates = optimizer([cast.student, *cast.methods.values()], TrainingSettings(learning_rate=0.01), undecayed)
        said = []
        for step, (x, y, index) in enumerate(list(self.lab.batches())[:1] * STEPS):
            batch = Batch(x[:16], None if y is None else y[:16], index[:16], 1, step)
            student, taught = self.stack.see(batch)
            losses = self.stack.losses(batch, student, taught)
            pieces = self._weighted(losses, student.logits, batch)
            own = {name for name, _, term in self.stack.terms if term.own}
            reaching = {name: piece for name, piece in pieces.items() if name not in own}
            shares = gradient_shares(reaching, next(cast.student.parameters()))
            torch.stack(tuple(pieces.values())).sum().backward()
            updates.step()
            updates.zero_grad()
            said.append({**losses, **{k: torch.tensor(v) for k, v in shares.items()}})
        return said

    def _weighted(self, losses: Mapping[str, Tensor], z: Tensor, batch: Batch) -> dict[str, Tensor]:
        weights = self.stack.weights(1)
        labels = self.stack.cast.ce_weight
        found = {name: losses[name] * weights[name] for name in losses}
        return found | ({"labels": labels * functional.cross_entropy(z, batch.y)} if labels and batch.y is not None else {})


def put_together(chosen: Experiment, catalogue: Catalogue, beginning: SmallLab) -> Trial:
    lab = copy.copy(beginning)
    lab.generator = torch.Generator().manual_seed(0)
    lab.teacher = None if chosen.teacher.net == "none" else beginning.teacher
    student, teacher = copy.deepcopy(beginning.student.net), None if lab.teacher is None else lab.teacher.net
    methods = {key: made(key, settings) for key, settings in chosen.methods.items()}
    bare = replace(beginning.student, net=student)
    lab.student = building.build(methods, bare, lab.teacher, lab.facts, 0, lambda each: each, lab.note)
    for each in methods.values():
        each.prepare(lab)
    places = {key: each.taps(lab.student, lab.teacher) for key, each in methods.items()}
    plain = Quantization(student, QuantizeSettings(), lambda: torch.empty(0), 1, 1)
    cast = Cast(student, teacher, methods, rules.ce_weight(chosen, catalogue), places, plain)
    return Trial(Stack(cast, PLAIN, torch.Generator().manual_seed(0), Forward(student, teacher, teacher)), lab)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda member: str(member))
def test_two_methods_train_together_or_are_refused_before_anything_is_loaded(
    first: Member, second: Member, catalogue: Catalogue, lab: SmallLab
) -> None:
    chosen = experiment(first, second)
    problems = rules.problems(chosen, catalogue)
    titles = {catalogue.methods[m.key].title for m in (first, second)}
    if problems:
        assert all(p.sentence.endswith(tuple("abcdefghijklmnopqrstuvwxyzD)")) and len(p.sentence) > 30 for p in problems)
        assert all(any(title in p.sentence for title in titles) for p in problems)
        assert expected(first, second)
        return
    assert not expected(first, second)
    before = copy.deepcopy(lab.teacher.net.state_dict())
    trial = put_together(chosen, catalogue, lab)
    start = copy.deepcopy(trial.stack.cast.student.state_dict())
    said = trial.steps()
    _check(said, trial)
    after = trial.stack.cast.student.state_dict()
    assert any(not torch.equal(after[name], value) for name, value in start.items() if value.is_floating_point())
    assert all(torch.equal(value, before[name]) for name, value in lab.teacher.net.state_dict().items())


def _check(said: list[dict[str, Tensor]], trial: Trial) -> None:
    """Every active term of both is there and finite, and the shares of the gradient are of all that reach the student."""
    terms = {name: term for name, _, term in trial.stack.terms}
    for losses in said:
        assert {name for name in losses if "/" not in name} == set(terms)
        assert all(value.isfinite() for value in losses.values())
        shares = {name: value.item() for name, value in losses.items() if name.startswith("share/")}
        assert set(shares) - {"share/labels"} == {f"share/{name}" for name, term in terms.items() if not term.own}
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5) and min(shares.values()) > 0


def expected(first: Member, second: Member) -> str:
    """Why two methods exclude each other, from what they are alone; empty where they do not."""
    both = [find(m.key)(method.chosen(m.key, m.given)) for m in (first, second)]
    keys = [m.key for m in (first, second)]
    nobody = any(m.teacher == "none" for m in (first, second))
    if nobody and any(each.needs.teacher == "net" for each in both):
        return "it looks into a teacher net, and the other stands in the place of one"
    if nobody and not any(each.needs.teacher == "logits" for each in both):
        return "nobody takes the logits that are offered"
    if any(each.modifies for each in both) and not any(each.needs.compares_logits and not each.modifies for each in both):
        return "nothing compares the logits that are modified"
    if set(keys) == {"simkd", "aekt"} and any(m.settings.get("serialization") == "swap" for m in (first, second)):
        return "both put a classifier of their own into the student"
    if keys == ["simkd", "letkd"]:
        return "letKD's layer would stand behind the projector, where the map has the teacher's channels"
    return ""


def test_what_excludes_what_is_told_with_the_reason(catalogue: Catalogue) -> None:
    def said(*members: Member) -> list[str]:
        return [p.sentence for p in rules.problems(experiment(*members), catalogue)]

    swap, parallel, letkd_both, taught = OTHERWISE
    simkd, letkd, at = (Member(key) for key in ("simkd", "letkd", "at"))
    for pair in ((swap, simkd), (simkd, swap)):
        [sentence] = said(*pair)
        assert "would each put a classifier of its own into the student; keep one of them" in sentence
    [sentence] = said(simkd, letkd)
    assert sentence == (
        "letKD works on the map that SimKD has given the teacher's channels by then; put letKD before SimKD in the stack"
    )
    assert said(letkd, simkd) == said(parallel, simkd) == said(letkd_both, simkd) == []
    assert said(taught, at)[0] == "AT looks into a teacher net; choose one"
    assert "there is none in the stack; add one, such as KD" in said(Member("ctkd"), at)[0]


def test_five_methods_of_a_stack_train_together(catalogue: Catalogue, lab: SmallLab) -> None:
    members = [Member(key) for key in ("letkd", "logit_standardization", "aekt", "crd", "simkd")]
    chosen = experiment(*members)
    assert rules.problems(chosen, catalogue) == ()
    trial = put_together(chosen, catalogue, lab)
    _check(trial.steps(), trial)
    assert trial.lab.student.shapes["pooled"] == (12,)
    [planned] = rules.compared(chosen, catalogue)["crd"]
    assert planned == trial.stack.cast.methods["crd"].match and planned.student_shape == (12,)


RUN = [
    ("experiments/digits-letkd-crd", {}),
    ("experiments/digits-aekt-swap", {"student.quantize.weights": 4}),
    ("experiments/digits-simkd", {"run.precision": "bfloat16"}),
    ("experiments/digits-reffakd-standardized", {"methods.reffakd.epochs": 1}),
]
"""Stacks that are tried in whole runs."""


@pytest.mark.parametrize(("preset", "changes"), RUN, ids=[name.partition("/")[2] for name, _ in RUN])
def test_stacks_run_from_end_to_end(preset: str, changes: dict[str, Any], tmp_path: Path) -> None:
    form = {
        "dataset.subset": 0.1, "training.epochs": 1, "training.batch_size": 32, "run.threads": 1,
        "run.precision": "float32", "run.probe_images": 32, "run.report_every": 1, "run.share_every": 2,
    } | changes  # fmt: skip
    if presets.resolve(preset).experiment.teacher.net != "none":
        form |= {"teacher.source": "scratch", "teacher.net": "resnet8x4"}
    for key, fields in (("letkd", {"templates": 8, "subclasses": 2}), ("crd", {"negatives": 32})):
        if key in presets.resolve(preset).experiment.methods:
            form |= {f"methods.{key}.{name}": value for name, value in fields.items()}
    said: list[Event] = []
    outcome = session.run(presets.resolve(preset, form=form), said.append, Control(), home=tmp_path)
    assert outcome.outcome == "done"
    values = [v for e in said if isinstance(e, Step) and e.stage == "distilling" for v in e.values.values()]
    assert values and all(abs(v) < float("inf") for v in values)
    shares = [e.values for e in said if isinstance(e, Measured) and any(name.startswith("share/") for name in e.values)]
    for each in shares:
        assert sum(v for name, v in each.items() if name.startswith("share/")) == pytest.approx(1.0, abs=1e-4)
