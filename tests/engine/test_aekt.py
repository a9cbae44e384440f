"""The reconstructions of AEKT: fixtures, the gradients they were derived to have, their limit, and the serialization layer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, golden, seen_batch, seen_maps, side_of, striped_images
from torch import Tensor
from torch.nn import functional

from engine import logits, presets, serialization
from engine.embeddings import spectral_rank
from engine.extras import catalogue
from engine.knobs import specs
from engine.method import Method, chosen, find
from engine.nets.parts import insert
from engine.presets.places import KINDS
from engine.serialization import Relations, Serialized
from engine.serialization_checks import of

Z_S, Z_T, Y = golden((4, 5), 0.7, 3), golden((4, 5), 1.3, 5), torch.tensor([0, 2, 4, 1])
FIXTURES = {"R1": 4.01331384987, "R2": 8.62404130816, "R3": 28.7099413120, "R4": 6.95974373754}
FORMS: tuple[Any, ...] = ("R1", "R2", "R3", "R4")
CHECKS = {check.key: check for check in of("aekt")}
every_form = pytest.mark.parametrize("form", FORMS)


@every_form
def test_each_form_is_the_value_of_its_fixture(form: Any) -> None:
    assert logits.explicit(Z_S, Z_T, Y, 4.0, form).item() == pytest.approx(FIXTURES[form], rel=1e-9)


@every_form
def test_a_limit_above_every_ratio_changes_nothing(form: Any) -> None:
    assert torch.equal(logits.explicit(Z_S, Z_T, Y, 4.0, form, 3.61), logits.explicit(Z_S, Z_T, Y, 4.0, form))


def test_confidences_are_those_of_the_fixture_and_their_ratios_go_with_them() -> None:
    found = logits.confidence(Z_S, Z_T, Y, 4.0)
    own, other = [0.211090486, 0.145829350, 0.079003596, 0.106815074], [0.456652566, 0.047974845, 0.284548038, 0.115733447]
    assert found.student.tolist() == pytest.approx(own, rel=1e-8)
    assert found.teacher.tolist() == pytest.approx(other, rel=1e-8)
    torch.testing.assert_close(found.rho, found.teacher / found.student)
    torch.testing.assert_close(found.rest, (1 - found.student) / (1 - found.teacher))


def derived(form: str, limit: float, tau: float = 4.0) -> Tensor:
    """The gradients that the reconstruction was derived to have, of the batch's mean."""
    p_s, p_t = torch.softmax(Z_S / tau, 1), torch.softmax(Z_T / tau, 1)
    target = functional.one_hot(Y, 5).double()
    s, t = (p.gather(1, Y[:, None]) for p in (p_s, p_t))
    rho = (t / s).clamp_max(limit)
    others = (1 - target) * p_s / (1 - s)
    found = {
        "R1": tau * rho * (s - t) * (target - others),
        "R2": tau * (1 - rho) * (target - p_s),
        "R3": -tau * rho * (target - p_s),
        "R4": -tau * rho.log() * (target - p_s),
    }[form]
    return found / len(Y)


@every_form
@pytest.mark.parametrize("limit", [math.inf, 5.0, 2.0, 1.0])
def test_the_gradient_is_the_derived_one_with_the_ratio_bounded(form: Any, limit: float) -> None:
    z = Z_S.clone().requires_grad_()
    (found,) = torch.autograd.grad(logits.explicit(z, Z_T, Y, 4.0, form, limit), z)
    torch.testing.assert_close(found, derived(form, limit), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("form", ["R2", "R3", "R4"])
@pytest.mark.parametrize("limit", [math.inf, 2.0])
def test_where_nothing_is_cut_off_the_gradient_is_the_derivative(form: Any, limit: float) -> None:
    assert torch.autograd.gradcheck(lambda z: logits.explicit(z, Z_T, Y, 4.0, form, limit), (Z_S.clone().requires_grad_(),))


def test_the_other_classes_pull_as_the_teachers_scaled_by_the_ratio_of_what_is_left() -> None:
    z, tau = Z_S.clone().requires_grad_(), 4.0
    (found,) = torch.autograd.grad(logits.nckd(z, Z_T, Y, tau), z)
    p_s, p_t = torch.softmax(Z_S / tau, 1), torch.softmax(Z_T / tau, 1)
    r = logits.confidence(Z_S, Z_T, Y, tau).rest[:, None]
    off = 1 - functional.one_hot(Y, 5).double()
    wanted = off * tau * (p_s - r * p_t) / (1 - p_s.gather(1, Y[:, None])) / len(Y)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-15)


def test_all_forms_but_the_third_stop_where_the_student_is_as_sure_and_the_third_goes_on() -> None:
    for form in FORMS:
        z = Z_T.clone().requires_grad_()
        value = logits.explicit(z, Z_T, Y, 4.0, form)
        (gradient,) = torch.autograd.grad(value, z)
        if form == "R3":
            assert value.item() == pytest.approx(16.0) and gradient.abs().max() > 0.1
        else:
            assert value.item() == pytest.approx(0.0, abs=1e-12) and gradient.abs().max() < 1e-12


def test_a_student_that_knows_less_than_its_teacher_is_pulled_harder_than_one_that_knows_too_much() -> None:
    def pull(form: Any, z_s: list[float], z_t: list[float]) -> float:
        z = torch.tensor([z_s], dtype=torch.float64, requires_grad=True)
        value = logits.explicit(z, torch.tensor([z_t], dtype=torch.float64), torch.tensor([0]), 1.0, form)
        return torch.autograd.grad(value, z)[0].abs().sum().item()

    sure, unsure = [2.0, 0.0, 0.0], [0.0, 1.0, 1.0]
    for form in ("R1", "R2", "R3"):
        assert pull(form, unsure, sure) > pull(form, sure, unsure)
    assert pull("R4", unsure, sure) < pull("R2", unsure, sure)


@every_form
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_student_that_is_certain_of_the_wrong_class_breaks_nothing(form: Any, dtype: torch.dtype) -> None:
    z = torch.tensor([[-60.0, 60.0, 0.0], [60.0, -60.0, 0.0]], dtype=dtype, requires_grad=True)
    other = torch.tensor([[60.0, -60.0, 0.0], [-60.0, 60.0, 0.0]], dtype=dtype)
    value = logits.explicit(z, other, torch.tensor([0, 0]), 4.0, form, 5.0)
    (gradient,) = torch.autograd.grad(value, z)
    assert value.isfinite() and gradient.isfinite().all()


def made(**settings: Any) -> tuple[Method, SmallLab]:
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=SmallNet(widths=(5, 6, 8, 12)))
    method = find("aekt")(chosen("aekt", settings))
    for part in method.parts(lab.student, lab.teacher, lab.facts):
        insert(lab.student.net, part, torch.Generator().manual_seed(0))
    lab.student = side_of(lab.student.net, lab.facts.shape)
    method.build(lab.student, lab.teacher, lab.facts)
    lab.student.net.eval()
    return method, lab


def batch(method: Method, lab: SmallLab) -> Any:
    y = torch.tensor([0, 1, 2, 3, 3, 2, 1, 0])
    x = lab.images(torch.arange(8))
    return seen_maps(lab, method, x, seen_batch(lab.student.net(x), lab.teacher.net(x), y))


def test_terms_and_their_weights_are_dkds_with_the_explicit_part_exchanged() -> None:
    method = find("aekt")(chosen("aekt", {"warmup": 20, "beta": 8.0, "serialization": "none"}))
    method.build(side_of(SmallNet(5), (1, 8, 8)), None, SmallLab(*striped_images(5, 1, 8), classes=5).facts)
    found = method.losses(seen_batch(Z_S, Z_T, Y))
    weighted = {e: sum(method.weight(t, e) * found[t.name].item() for t in method.terms) for e in (1, 20, 200)}
    assert weighted[200] == weighted[20] == pytest.approx(FIXTURES["R1"] + 8 * 6.24452417347, rel=1e-9)
    assert weighted[1] == pytest.approx(weighted[20] / 20, rel=1e-12)


@pytest.mark.parametrize("place", ["serial", "swap"])
def test_the_layer_begins_as_the_identity_so_that_training_begins_as_without_it(place: str) -> None:
    method, lab = made(serialization=place)
    seen = batch(method, lab)
    torch.testing.assert_close(method.answers(seen), lab.student.net(seen.x), rtol=1e-5, atol=1e-5)
    found = method.watch(seen)
    assert found["distance"].item() == 0.0 and found["rank"].item() == pytest.approx(100.0)
    assert torch.equal(found["relations"], torch.eye(4))


def test_distillation_reaches_the_students_logits_through_the_transposed_layer() -> None:
    method, lab = made(serialization="serial")
    with torch.no_grad():
        method.layer.matrix.copy_(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))
    seen = batch(method, lab)
    z = seen.student.logits.detach().requires_grad_()
    seen = replace(seen, student=replace(seen.student, logits=z))
    distilled = method.answers(seen)
    losses = method.losses(replace(seen, student=replace(seen.student, logits=distilled)))
    total = torch.stack(tuple(losses.values())).sum()
    outer, inner = torch.autograd.grad(total, (z, distilled))
    torch.testing.assert_close(outer, inner @ method.layer.matrix)


def test_swapped_the_layer_stays_in_the_student_and_classification_stands_behind_it() -> None:
    method, lab = made(serialization="swap")
    plain = made(serialization="none")[1].student.net
    module = lab.student.net.module_at("aekt.out")
    assert isinstance(module, Serialized) and lab.student.net.head is module
    assert torch.equal(module.weight, plain.fc.weight) and torch.equal(module.bias, plain.fc.bias)
    with torch.no_grad():
        module.relations.matrix.mul_(2.0)
    seen = batch(method, lab)
    torch.testing.assert_close(lab.student.net(seen.x), 2 * method.answers(seen), rtol=1e-5, atol=1e-5)
    assert [n for n, _ in method.named_parameters()] == []


def test_in_parallel_a_second_head_reads_the_pooled_features() -> None:
    method, lab = made(serialization="parallel")
    seen = batch(method, lab)
    torch.testing.assert_close(method.answers(seen), method.layer(seen.student.taps["pooled"]))
    assert lab.student.net.parts == []


@pytest.mark.parametrize(("place", "count"), [("serial", 2), ("swap", 2), ("parallel", 2), ("none", 0)])
def test_the_layer_is_spared_weight_decay_only_where_one_asks_for_it(place: str, count: int) -> None:
    assert len(made(serialization=place, decayed=False)[0].undecayed()) == count
    assert made(serialization=place)[0].undecayed() == ()


def test_images_at_the_limit_are_counted_in_training_from_one_evaluation_to_the_next() -> None:
    method, lab = made(serialization="none", limit=1.0, temperature=1.0)
    seen = batch(method, lab)
    y = seen.y
    sure = 9 * functional.one_hot(y, 4).float()
    lower = replace(seen, student=replace(seen.student, logits=torch.zeros(8, 4)), teacher=replace(seen.teacher, logits=sure))
    higher = replace(seen, student=replace(seen.student, logits=2 * sure), teacher=replace(seen.teacher, logits=sure))
    method.train()
    method.losses(lower)
    for each in (higher, higher, higher):
        method.losses(each)
    method.eval()
    method.losses(lower)
    assert method.watch(lower)["limited"].item() == pytest.approx(25.0)
    assert method.watch(lower)["limited"].item() == 0.0


def test_watching_a_sample_without_labels_takes_the_teachers_choice() -> None:
    method, lab = made()
    seen = batch(method, lab)
    chosen_by_teacher = replace(seen, y=seen.teacher.logits.argmax(1))
    assert method.watch(replace(seen, y=None))["rho"] == method.watch(chosen_by_teacher)["rho"]


@pytest.mark.parametrize("missing", ["teacher", "y"])
def test_without_a_teacher_or_labels_the_sentence_says_what_to_choose(missing: str) -> None:
    method, lab = made()
    with pytest.raises(ValueError, match="AEKT needs labels and someone's logits"):
        method.losses(replace(batch(method, lab), **{missing: None}))


def test_relations_are_measured_as_ways_from_the_identity_and_directions_in_use() -> None:
    one = torch.ones(4, 4)
    assert serialization.distance(one).item() == pytest.approx(math.sqrt(12 / 4))
    assert serialization.rank(one).item() == pytest.approx(25.0)
    assert spectral_rank(torch.linalg.qr(golden((6, 6), 0.37))[0]) == pytest.approx(6.0)
    assert Relations(3)(torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[1.0, 2.0, 3.0]]


def test_every_word_a_person_meets_says_that_it_is_a_reconstruction() -> None:
    card = catalogue().methods["aekt"]
    assert "reconstruction" in card.title and "reconstruction" in card.summary.lower()
    told = {s.name: f"{s.help} {s.source}".lower() for s in specs(find("aekt").Params)}
    for name in ("reconstruction", "serialization", "limit", "decayed"):
        assert "reconstruct" in told[name]
    for name in ("temperature", "alpha", "beta", "warmup"):
        assert "unknown for aekt" in told[name]
    method, lab = made()
    method.prepare(lab)
    assert "this is reconstruction R1" in lab.notes[0]


def test_every_preset_sweep_and_finding_that_names_it_says_that_it_is_a_reconstruction() -> None:
    titles = [n.title for n in presets.names((*KINDS, presets.SWEEPS)) if n.shipped and "AEKT" in n.title]
    titles += [check.title for check in find("aekt").checks if "AEKT" in check.title]
    assert len(titles) > 10
    assert [title for title in titles if "reconstruct" not in title] == []


def settings(**given: Any) -> Mapping[str, Any]:
    return {"methods": {"aekt": {"warmup": 2, **given}}}


def evidence(name: str, *values: float) -> dict[str, list[tuple[int, float]]]:
    return {f"aekt.{name}": list(enumerate(values, start=1))}


def test_many_images_at_the_limit_after_the_warm_up_are_found_with_a_higher_limit() -> None:
    look = CHECKS["aekt.saturated"].look
    found = look(evidence("limited", 90.0, 80.0, 30.0), settings())
    assert found is not None and found.fix == {"methods.aekt.limit": 10.0} and "30 % of the training images" in found.sentence
    assert look(evidence("limited", 90.0, 80.0), settings()) is None
    assert look(evidence("limited", 90.0, 80.0, 20.0), settings()) is None
    highest = look(evidence("limited", 90.0, 80.0, 30.0), settings(limit=1e6))
    assert highest is not None and highest.fix == {"methods.aekt.reconstruction": "R4"}


def test_a_layer_that_stays_the_identity_is_found_after_the_warm_up_and_not_before() -> None:
    look = CHECKS["aekt.idle"].look
    found = look(evidence("distance", 0.0, 0.001, 0.002), settings())
    assert found is not None and "has stayed the identity" in found.sentence
    assert look(evidence("distance", 0.0, 0.001), settings()) is None
    assert look(evidence("distance", 0.0, 0.001, 0.02), settings()) is None


def test_a_layer_of_few_directions_is_found_after_the_warm_up_and_not_before() -> None:
    look = CHECKS["aekt.too-small"].look
    found = look(evidence("rank", 100.0, 60.0, 49.0), settings())
    assert found is not None and "49 % of the classes" in found.sentence
    assert look(evidence("rank", 49.0, 40.0), settings()) is None
    assert look(evidence("rank", 100.0, 60.0, 51.0), settings()) is None


def test_every_check_reads_what_is_measured() -> None:
    measured = {f"aekt.{w.name}" for w in find("aekt").watches if w.kind == "curve"}
    assert {name for check in CHECKS.values() for name in check.reads} <= measured
