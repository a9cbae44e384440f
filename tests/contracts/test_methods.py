"""What holds for every registered method, under every value of every choice it offers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from builders import SMALLER, SmallLab, SmallNet, seen_batch, seen_maps, side_of, striped_images

from engine import catalogue_file, method
from engine.cards import Catalogue
from engine.knobs import holds
from engine.method import Method, chosen, find
from engine.nets.parts import insert

KEYS = tuple(method.keys())
every_method = pytest.mark.parametrize("key", KEYS)


@dataclass(frozen=True)
class Variant:
    """A method under one value of one of its choices; the defaults where `setting` is empty."""

    key: str
    setting: str = ""
    value: Any = None

    def __str__(self) -> str:
        return self.key + (f" {self.setting}={self.value}" if self.setting else "")


def variants() -> list[Variant]:
    found = [Variant(key) for key in KEYS]
    for key in KEYS:
        for spec in method.card(key).settings:
            values = spec.choices or ((True, False) if spec.kind == "boolean" else ())
            found += [Variant(key, spec.name, v) for v in values if v != spec.default]
    return found


every_variant = pytest.mark.parametrize("variant", variants(), ids=str)


def made(variant: Variant, seed: int = 0) -> tuple[Method, SmallLab]:
    kind = find(variant.key)
    given: dict[str, Any] = {k: v for k, v in SMALLER.items() if k in kind.Params.model_fields}
    if variant.setting:
        given[variant.setting] = variant.value
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(seed)
    teacher = None if kind.needs.teacher == "none" else SmallNet(widths=(5, 6, 8, 12))
    lab = SmallLab(images, labels, seed=seed, teacher=teacher)
    each = kind(chosen(variant.key, given))
    for part in each.parts(lab.student, lab.teacher, lab.facts):
        insert(lab.student.net, part, torch.Generator().manual_seed(seed))
    lab.student = side_of(lab.student.net, lab.facts.shape)
    torch.manual_seed(seed)
    each.build(lab.student, lab.teacher, lab.facts)
    return each, lab


def seen(each: Method, lab: SmallLab, scale: float = 1.0, dtype: torch.dtype = torch.float32) -> Any:
    generator = torch.Generator().manual_seed(1)
    student, teacher = (scale * torch.randn(8, 4, generator=generator) for _ in range(2))
    y = torch.tensor([0, 1, 2, 3, 3, 2, 1, 0])
    batch = seen_batch(student.to(dtype).requires_grad_(), None if lab.teacher is None else teacher.to(dtype), y)
    return seen_maps(lab, each, lab.images(torch.arange(8)), batch, scale)


def pull(value: torch.Tensor, batch: Any) -> torch.Tensor:
    """The gradient of a loss at everything it sees of the student, in one row."""
    seen_of_student = (batch.student.logits, *batch.student.taps.values())
    found = torch.autograd.grad(value, seen_of_student, retain_graph=True, allow_unused=True)
    return torch.cat([torch.zeros(0), *(g.flatten().float() for g in found if g is not None)])


@every_variant
def test_each_step_reports_exactly_the_active_terms_and_pulls_at_the_student(variant: Variant) -> None:
    each, lab = made(variant)
    each.prepare(lab)
    batch = seen(each, lab)
    losses = each.losses(batch)
    own = {t.name for t in each.active_terms() if t.own}
    assert set(losses) == {t.name for t in each.active_terms()}
    for name, value in losses.items():
        gradient = pull(value, batch)
        assert value.shape == ()
        assert torch.isfinite(gradient).all()
        assert (gradient.abs().sum() > 0) == (name not in own)
        assert value.requires_grad


@every_variant
def test_stages_and_their_watches_come_as_declared(variant: Variant) -> None:
    each, lab = made(variant)
    each.prepare(lab)
    assert lab.stages == [s.name for s in each.active_stages()]
    assert set(lab.shown) == {w.name for w in each.active_watches() if w.stage}
    assert set(each.watch(seen(each, lab))) == {w.name for w in each.active_watches() if not w.stage}


@every_variant
def test_distributions_and_signals_have_the_shapes_that_are_drawn(variant: Variant) -> None:
    each, lab = made(variant)
    each.prepare(lab)
    each.eval()
    shown = each.watch(seen(each, lab))
    axes = {w.name: each.axis(w.name) for w in each.active_watches() if w.kind == "distribution" and not w.stage}
    assert all(len(axis.edges) == shown[name].numel() + 1 for name, axis in axes.items() if axis is not None)
    for value in each.signals(seen(each, lab)).values():
        assert value.ndim == 2 and len(value) == 8 and torch.isfinite(value).all()


@every_variant
def test_it_offers_logits_exactly_where_it_says_so(variant: Variant) -> None:
    each, lab = made(variant)
    each.prepare(lab)
    offered = each.teach(seen(each, lab))
    assert (offered is not None) == each.teaches()
    assert offered is None or (offered.shape == (8, 4) and not offered.requires_grad)


@every_variant
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_losses_of_certain_nets_stay_finite_in_any_precision(variant: Variant, dtype: torch.dtype) -> None:
    each, lab = made(variant)
    each.prepare(lab)
    batch = seen(each, lab, scale=30.0, dtype=dtype)
    losses = each.losses(batch)
    for value in losses.values():
        assert torch.isfinite(value) and torch.isfinite(pull(value, batch)).all()


@every_method
def test_its_state_survives_a_save_and_a_load(key: str) -> None:
    (first, lab), (second, _) = made(Variant(key)), made(Variant(key), seed=1)
    first.prepare(lab)
    second.load_state_dict(first.state_dict())
    ours, theirs = (each.losses(seen(each, lab)) for each in (first, second))  # each with a generator at its beginning
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@every_method
def test_preparing_twice_from_one_seed_gives_the_same_losses(key: str) -> None:
    values = []
    for _ in range(2):
        each, lab = made(Variant(key))
        each.prepare(lab)
        values.append({name: v.item() for name, v in each.losses(seen(each, lab)).items()})
    assert values[0] == values[1]


@every_method
def test_preparing_leaves_both_nets_as_they_were(key: str) -> None:
    each, lab = made(Variant(key))
    nets = [side.net for side in (lab.student, lab.teacher) if side is not None]
    before = [{k: v.clone() for k, v in net.state_dict().items()} for net in nets]
    each.prepare(lab)
    assert all(torch.equal(v, b[k]) for net, b in zip(nets, before) for k, v in net.state_dict().items())


@every_method
def test_its_card_is_plain_data_that_survives_the_catalogue(key: str) -> None:
    catalogue = Catalogue({key: method.card(key)}, {}, {}, "sources")
    again = catalogue_file.from_json(catalogue_file.to_json(catalogue))
    assert json.loads(catalogue_file.to_json(again)) == json.loads(catalogue_file.to_json(catalogue))
    assert again.methods[key].terms == method.card(key).terms


@every_method
def test_it_says_what_it_is_in_words(key: str) -> None:
    card = method.card(key)
    assert card.title and card.summary and card.paper
    assert card.formula and card.formula.count("{") == card.formula.count("}")
    for each in (*card.settings, *card.terms, *card.watches, *card.stages, *card.mixes):
        assert each.help, each.name


@every_method
def test_terms_and_mixes_name_settings_that_exist(key: str) -> None:
    card = method.card(key)
    numbers = {s.name for s in card.settings if s.kind in ("number", "integer")} | {"ce_weight"}
    named = [n for t in card.terms for n in (t.weight, t.warmup) if isinstance(n, str)]
    assert {*named, *(n for m in card.mixes for n in (m.first, m.second))} <= numbers


@every_method
def test_conditions_name_settings_and_values_that_exist(key: str) -> None:
    card = method.card(key)
    known = {s.name: s for s in card.settings}
    conditions = [each.when for each in (*card.settings, *card.terms, *card.watches, *card.stages)]
    for condition in (*conditions, card.offers or {}):
        for name, values in condition.items():
            assert set(values) <= {*known[name].choices, *known[name].words, True, False}


@every_method
def test_watches_belong_to_stages_that_are_active_with_them(key: str) -> None:
    card = method.card(key)
    stages = {s.name: s for s in card.stages}
    for watch in card.watches:
        assert not watch.stage or holds(stages[watch.stage].when, {k: v[0] for k, v in watch.when.items()})


@every_method
def test_no_name_is_used_twice(key: str) -> None:
    card = method.card(key)
    for group in (card.settings, card.terms, card.watches, card.stages, card.mixes):
        names = [each.name for each in group]
        assert len(names) == len(set(names))


@every_method
def test_its_checks_read_its_own_measures_and_state_their_criterion(key: str) -> None:
    for check in find(key).checks:
        assert check.criterion and check.title
        assert all(name.startswith(f"{key}.") for name in check.reads)
