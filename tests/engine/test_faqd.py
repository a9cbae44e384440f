"""FAQD as a method: its terms against their formulas, its adapters, its projections, and its findings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, golden, seen_batch, seen_maps, striped_images
from torch import Tensor
from torch.nn import functional

from engine.findings import Check, Evidence, Found
from engine.method import Seen, chosen, find
from engine.methods.faqd import FAQD, surprise

CHECKS = {check.key: check for check in FAQD.checks}


def made(widths: tuple[int, ...] = (5, 6, 8), **settings: Any) -> tuple[FAQD, SmallLab, Seen]:
    """FAQD between a student of three stages and a teacher, and a batch as it sees it."""
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=SmallNet(widths=widths))
    method = FAQD(chosen("faqd", settings))
    method.build(lab.student, lab.teacher, lab.facts)
    batch = seen_batch(golden((8, 4), 0.7, 3).float(), golden((8, 4), 1.3, 5).float(), labels[:8])
    return method, lab, seen_maps(lab, method, images[:8], batch)


def compared(method: FAQD, seen: Seen) -> list[tuple[Tensor, Tensor]]:
    """The maps of each stage in float64, student's and teacher's, as the formulas take them."""
    assert seen.teacher is not None
    found = []
    for adapter, pair in zip(method.adapters, method.pairs):
        f_s, f_t = adapter(seen.student.taps[pair.student]), seen.teacher.taps[pair.teacher]
        f_t = functional.interpolate(f_t, size=f_s.shape[2:], mode="bilinear", align_corners=True)
        found.append((f_s.double(), f_t.double()))
    return found


def delta(f_s: Tensor, f_t: Tensor) -> Tensor:
    """(B, P, P), column by column."""
    units = [f.flatten(2) / (f.flatten(2).norm(dim=1, keepdim=True) + 1e-5) for f in (f_s, f_t)]
    own, other = (torch.einsum("bci,bcj->bij", u, u) for u in units)
    return own - other


def test_the_papers_affinity_is_the_mean_over_images_of_squared_differences() -> None:
    method, _, seen = made()
    each = [delta(*maps).square().mean(dim=(1, 2)) for maps in compared(method, seen)]
    assert method.losses(seen)["affinity"].item() == pytest.approx(torch.stack(each).sum(0).mean().item(), rel=1e-5)


def test_the_released_affinity_sums_absolute_differences_over_the_batch() -> None:
    method, _, seen = made(definition="absolute", reduction="sum")
    each = [delta(*maps).abs().mean(dim=(1, 2)).sum() for maps in compared(method, seen)]
    assert method.losses(seen)["affinity"].item() == pytest.approx(torch.stack(each).sum().item(), rel=1e-5)
    mean, _, _ = made(definition="absolute")
    assert mean.losses(seen)["affinity"].item() == pytest.approx(torch.stack(each).sum().item() / 8, rel=1e-5)


@pytest.mark.parametrize("definition", ["squared", "absolute"])
def test_the_fast_affinity_looks_at_differences_through_projections(definition: str) -> None:
    method, _, seen = made(affinity="fast", projections=3, definition=definition)
    power = 2 if definition == "squared" else 1
    each = []
    for pair, maps in zip(method.pairs, compared(method, seen)):
        d = delta(*maps)
        z = method.get_buffer(f"projections_{pair.student}").double()
        each.append((d @ z).abs().pow(power).mean(dim=2).sum(dim=1) / d.shape[1] ** 2)
    assert method.losses(seen)["affinity"].item() == pytest.approx(torch.stack(each).sum(0).mean().item(), rel=1e-5)


def test_logits_are_compared_by_mean_squares_or_by_divergence_at_a_temperature() -> None:
    seen = made()[2]
    assert seen.teacher is not None
    own, other = seen.student.logits.double(), seen.teacher.logits.double()
    assert made()[0].losses(seen)["logits"].item() == pytest.approx((own - other).square().mean().item(), rel=1e-6)
    p_t, log_s = torch.softmax(other / 5, 1), torch.log_softmax(own / 5, 1)
    total = 25 * (p_t * (p_t.log() - log_s)).sum().item()
    mean, summed = (made(logit_loss="kl", reduction=r)[0].losses(seen)["logits"].item() for r in ("mean", "sum"))
    assert (mean, summed) == (pytest.approx(total / 8, rel=1e-5), pytest.approx(total, rel=1e-5))


def test_a_temperature_that_a_modifier_set_counts() -> None:
    method, _, seen = made(logit_loss="kl")
    warmer = replace(seen, temperature=torch.tensor(2.0))
    other = made(logit_loss="kl", temperature=2.0)[0]
    assert method.losses(warmer)["logits"].item() == pytest.approx(other.losses(seen)["logits"].item(), rel=1e-6)


def test_the_default_weights_are_those_of_the_sheet() -> None:
    method = made()[0]
    assert [method.weight(term, 1) for term in method.terms] == [10.0, 1.0]
    assert FAQD.ce_weight == 0.3


@pytest.mark.parametrize("widths", [(5, 6, 8), (7, 6, 8, 12)], ids=["as many stages", "a deeper teacher"])
def test_channels_and_depths_may_differ_and_every_stage_counts(widths: tuple[int, ...]) -> None:
    method, _, seen = made(widths)
    assert [pair.student for pair in method.pairs] == ["f1", "f2", "f3"]
    method.losses(seen)["affinity"].backward()
    assert all(seen.student.taps[pair.student].grad.abs().max() > 0 for pair in method.pairs)


def test_adapters_are_trained_frozen_or_left_out_and_counted_as_the_plan_shows_them() -> None:
    trained, frozen, none = (made(adapter=a)[0] for a in ("trained", "frozen", "none"))
    assert all(p.requires_grad for p in trained.adapters.parameters())
    assert not any(p.requires_grad for p in frozen.adapters.parameters())
    assert list(none.adapters.parameters()) == []
    for method in (trained, frozen, none):
        counts = [sum(p.numel() for p in adapter.parameters()) for adapter in method.adapters]
        assert counts == [pair.parameters for pair in method.pairs]
    assert [pair.parameters for pair in trained.pairs] == [4 * 4 + 4, 6 * 6 + 6, 8 * 8 + 8]
    assert "averaged" not in "".join(pair.how() for pair in trained.pairs)


def test_adapted_maps_have_no_negative_entries() -> None:
    method, _, seen = made()
    assert all(f_s.min() >= 0 for f_s, _ in compared(method, seen))


def test_fixed_projections_stay_and_fresh_ones_come_from_the_runs_generator() -> None:
    def twice(draw: str) -> list[float]:
        method, _, seen = made(affinity="fast", projections=2, draw=draw)
        seen = replace(seen, generator=torch.Generator().manual_seed(3))
        return [method.losses(seen)["affinity"].item() for _ in range(2)]

    fixed, fresh = twice("fixed"), twice("fresh")
    assert fixed[0] == fixed[1]
    assert fresh[0] != fresh[1]
    assert twice("fresh") == fresh
    before = torch.get_rng_state()
    method, _, seen = made(affinity="fast", draw="fresh")
    torch.set_rng_state(before)
    method.losses(seen)
    assert torch.equal(torch.get_rng_state(), before)


def test_watched_are_the_error_of_each_stage_and_of_the_estimate() -> None:
    method, _, seen = made(affinity="fast", projections=2)
    with torch.no_grad():
        found = method.watch(seen)
        exact = torch.stack([delta(*maps).square().mean() for maps in compared(method, seen)])
        estimate = method.losses(seen)["affinity"].double()
    assert found["stages"].tolist() == pytest.approx(exact.sqrt().tolist(), rel=1e-5)
    assert found["estimate_error"].item() == pytest.approx(abs(estimate - exact.sum()).item() / exact.sum().item(), rel=1e-4)
    assert found["estimate_by_stage"].shape == (3,)
    assert method.names("stages") == ("f1", "f2", "f3")


def test_the_estimate_of_the_released_form_is_held_against_its_own_mean() -> None:
    method, _, seen = made(affinity="fast", definition="absolute", projections=4000)
    with torch.no_grad():
        assert method.watch(seen)["estimate_error"].item() < 0.05


def test_surprise_is_the_largest_logarithm_of_what_the_teacher_believes_in() -> None:
    z_s, z_t = torch.tensor([[30.0, 0.0, 0.0]]), torch.tensor([[3.0, 3.0, -9.0]])
    assert surprise(z_s, z_t).item() == pytest.approx(30.0, rel=1e-5)
    assert surprise(z_s, torch.tensor([[30.0, 0.0, 0.0]])).item() == pytest.approx(0.0, abs=1e-6)
    assert surprise(z_s, z_t, 5.0).item() == pytest.approx(6 + 2 * 0.00247, rel=1e-3)


def test_without_a_teacher_net_the_sentence_says_what_to_choose() -> None:
    method, _, seen = made()
    with pytest.raises(ValueError, match="choose one"):
        method.losses(replace(seen, teacher=None))


def settings(**given: Any) -> dict[str, Any]:
    return {"methods": {"faqd": given}}


def look(check: Check, evidence: Evidence, **given: Any) -> Found | None:
    """What a check finds; its fix is taken by the settings."""
    found = check.look(evidence, settings(**given))
    if found is not None:
        fixed = {path.removeprefix("methods.faqd."): value for path, value in found.fix.items()}
        assert find("faqd").Params(**{**given, **fixed}) != find("faqd").Params(**given)
    return found


def errors(*values: float) -> Evidence:
    return {"faqd.estimate_error": [(epoch, v) for epoch, v in enumerate(values, start=1)]}


def test_an_estimate_is_rough_once_five_evaluations_in_a_row_are_a_quarter_off() -> None:
    rough = CHECKS["faqd.estimate-rough"]
    found = look(rough, errors(0.1, 0.3, 0.4, 0.3, 0.5, 0.26), affinity="fast", projections=1)
    assert found is not None and found.fix == {"methods.faqd.affinity": "exact"}
    assert look(rough, errors(0.3, 0.4, 0.3, 0.26), affinity="fast") is None
    assert look(rough, errors(0.3, 0.4, 0.3, 0.2, 0.5), affinity="fast") is None


def test_the_released_form_gets_more_projections_for_its_exact_loss_is_another() -> None:
    rough = CHECKS["faqd.estimate-rough"]
    found = look(rough, errors(*[0.4] * 5), affinity="fast", definition="absolute", projections=3)
    assert found is not None and found.fix == {"methods.faqd.projections": 12}
    most = rough.look(errors(*[0.4] * 5), settings(affinity="fast", definition="absolute", projections=4096))
    assert most is not None and most.fix == {}


@pytest.mark.parametrize(("projections", "needless"), [(2, False), (3, True)])
def test_from_three_quarters_of_the_channels_on_the_exact_loss_is_cheaper(projections: int, needless: bool) -> None:
    method, lab, _ = made((4, 6, 8), affinity="fast", projections=projections)
    method.prepare(lab)
    evidence: Evidence = {f"faqd.{name}": [(0, value)] for name, value in lab.measured.items()}
    found = look(CHECKS["faqd.estimate-needless"], evidence, affinity="fast", projections=projections)
    assert (found is not None) == needless


def test_kl_blows_up_where_the_student_rules_out_what_the_teacher_believes_in() -> None:
    blown = CHECKS["faqd.kl-blows-up"]
    found = look(blown, {"faqd.surprise": [(1, 3.0), (2, 24.0)]}, logit_loss="kl")
    assert found is not None and found.fix == {"methods.faqd.logit_loss": "mse"}
    assert look(blown, {"faqd.surprise": [(1, 24.0), (2, 19.0)]}, logit_loss="kl") is None
