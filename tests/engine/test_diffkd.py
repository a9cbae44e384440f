"""DiffKD as a method: what its terms are, whom each of them teaches, and what it shows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, seen_batch, seen_maps, striped_images
from torch.nn import functional

from engine import linear_maps, logits
from engine.denoising import sizes as denoising_sizes
from engine.method import chosen, find
from engine.pairing import PairError


def made(side: int = 8, widths: tuple[int, ...] = (5, 6, 12), **settings: Any) -> tuple[Any, SmallLab]:
    images, labels = striped_images(side=side, each=12)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=SmallNet(side=side, widths=widths))
    assert lab.teacher is not None
    lab.teacher.net.eval()
    method = find("diffkd")(chosen("diffkd", settings))
    torch.manual_seed(0)
    method.build(lab.student, lab.teacher, lab.facts)
    return method, lab


def seen(method: Any, lab: SmallLab) -> Any:
    chance = torch.Generator().manual_seed(1)
    z_s, z_t = (torch.randn(len(lab._images), 4, generator=chance) for _ in range(2))
    batch = seen_batch(z_s.requires_grad_(), z_t, None)
    return seen_maps(lab, method, lab.images(torch.arange(len(z_s))), batch)


def taught(loss: torch.Tensor, module: torch.nn.Module) -> bool:
    """Whether a loss has a gradient at every parameter of a module, or (False) at none."""
    found = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True, allow_unused=True)
    some = {g is not None and bool(g.abs().sum() > 0) for g in found}
    assert len(some) == 1, "partly"
    return some.pop()


def test_the_map_is_compared_by_mean_square_and_the_logits_by_divergence() -> None:
    method, lab = made()
    batch = seen(method, lab)
    losses = method.losses(batch)
    again = seen(method, lab)
    f_t = again.teacher.taps["f3"]
    denoised = method.on_features(again.student.taps["f3"], again.generator).denoised
    assert torch.equal(losses["feature"], (denoised - f_t).square().mean())
    method.on_features.diffusion_loss(f_t, again.generator)
    z_s = method.on_logits(again.student.logits[:, :, None, None], again.generator).denoised.flatten(1)
    assert torch.allclose(losses["logit"], functional.kl_div(
        z_s.log_softmax(1), again.teacher.logits.softmax(1), reduction="batchmean"
    ))  # fmt: skip


def test_the_dagger_compares_denoised_logits_by_correlation() -> None:
    method, lab = made(distils="logits", logit_loss="dist")
    losses = method.losses(seen(method, lab))
    batch = seen(method, lab)
    z_s = method.on_logits(batch.student.logits[:, :, None, None], batch.generator).denoised.flatten(1)
    assert torch.allclose(losses["logit"], sum(logits.dist(z_s, batch.teacher.logits, 1.0)))  # type: ignore[arg-type]


def test_the_distillation_losses_teach_student_projections_matching_and_predictor_but_not_the_encoder() -> None:
    method, lab = made(compression="linear")
    batch = seen(method, lab)
    losses = method.losses(batch)
    for name, module, tap in (
        ("feature", method.on_features, batch.student.taps["f3"]), ("logit", method.on_logits, batch.student.logits),
    ):  # fmt: skip
        assert torch.autograd.grad(losses[name], tap, retain_graph=True)[0].abs().sum() > 0
        assert all(taught(losses[name], part) for part in (module.inward, module.matching.choice, module.predictor.body[0]))
        assert torch.autograd.grad(losses[name], module.predictor.times.weight, retain_graph=True)[0].abs().sum() > 0
        assert not taught(losses[name], method.compression)


def test_every_evaluation_sends_its_gradient_to_the_predictor() -> None:
    method, lab = made(distils="features")
    loss = method.losses(seen(method, lab))["feature"]
    gradient = torch.autograd.grad(loss, method.on_features.predictor.times.weight)[0]
    assert gradient.abs().sum(dim=1).nonzero().flatten().tolist() == [0, 100, 200, 300, 400]


def test_the_diffusion_loss_teaches_the_predictor_alone() -> None:
    method, lab = made(compression="linear")
    batch = seen(method, lab)
    losses = method.losses(batch)
    for name, module in (("diffusion", method.on_features), ("logit_diffusion", method.on_logits)):
        assert taught(losses[name], module.predictor.body[0])
        assert not any(taught(losses[name], part) for part in (module.inward, module.outward, module.matching))
        assert not taught(losses[name], method.compression)
        reached = torch.autograd.grad(losses[name], (*batch.student.taps.values(), batch.student.logits), allow_unused=True)
        assert reached == (None, None)


def test_the_reconstruction_teaches_encoder_and_decoder_alone() -> None:
    method, lab = made(compression="linear")
    batch = seen(method, lab)
    losses = method.losses(batch)
    assert taught(losses["reconstruction"], method.compression)
    assert not taught(losses["reconstruction"], method.on_features)
    assert torch.autograd.grad(losses["reconstruction"], batch.student.taps["f3"], allow_unused=True) == (None,)


def test_the_student_is_the_same_with_and_without_it() -> None:
    method, lab = made()
    lab.student.net.eval()
    x = lab.images(torch.arange(4))
    before, keys = lab.student.net(x), set(lab.student.net.state_dict())
    sum(method.losses(seen(method, lab)).values()).backward()
    assert torch.equal(lab.student.net(x), before) and set(lab.student.net.state_dict()) == keys
    assert method.parts(lab.student, lab.teacher, lab.facts) == ()


@pytest.mark.parametrize("widths", [(5, 6), (5, 6, 7, 12, 12)])
def test_maps_of_other_sizes_are_averaged_to_the_smaller_one(widths: tuple[int, ...]) -> None:
    method, lab = made(side=16, widths=widths, distils="features", compression="linear")
    batch = seen(method, lab)
    sizes = {batch.student.taps[method.match.student].shape[-1], batch.teacher.taps[method.match.teacher].shape[-1]}
    assert len(sizes) == 2
    assert method.compression(method._maps(batch)[1])[0].shape[-1] == min(sizes)
    assert all(torch.isfinite(v) for v in method.losses(batch).values())


def test_the_plan_counts_the_modules_of_the_map() -> None:
    method, _ = made(distils="features", compression="linear", width=9)
    assert method.match.parameters == sum(p.numel() for p in method.parameters())
    assert method.match.parameters == denoising_sizes.of_features(8, 12, dict(method.params))


def test_a_fixed_projection_wider_than_the_map_is_refused_with_the_setting() -> None:
    with pytest.raises(PairError, match="only makes narrower: 13 of 12 channels") as refused:
        made(compression="pca", width=13)
    assert refused.value.setting == "width"
    assert made(compression="linear", width=13)[0].width == 13


def test_the_principal_projection_keeps_more_than_a_random_one_of_its_width() -> None:
    kept = {}
    for compression in ("pca", "random"):
        method, lab = made(distils="features", compression=compression, width=3)
        method.prepare(lab)
        kept[compression] = method.eval().watch(seen(method, lab))["explained"].item()
        assert lab.stages == ["projection"]
        assert (lab.measured["width"], lab.measured["channels"]) == (3, 12)
    assert 1 >= kept["pca"] > kept["random"]


def test_the_projection_is_fitted_to_the_teachers_map_of_unaugmented_images() -> None:
    method, lab = made(distils="features", compression="pca", width=12)
    method.prepare(lab)
    f_t = seen(method, lab).teacher.taps["f3"]
    assert torch.allclose(method.compression.mean, f_t.mean((0, 2, 3)), atol=1e-6)


def test_gammas_are_shown_as_shares_beside_what_the_start_would_want() -> None:
    method, lab = made(gamma_start=0.9)
    found = method.eval().watch(seen(method, lab))
    axis = method.axis("gamma")
    assert found["gamma"].sum().item() == pytest.approx(1.0)
    assert len(axis.edges) == len(found["gamma"]) + 1 and (axis.edges[0], axis.edges[-1]) == (0.0, 1.0)
    middle = torch.tensor([0.5 * (a + b) for a, b in zip(axis.edges, axis.edges[1:])])
    assert (middle * found["gamma"]).sum().item() == pytest.approx(found["gamma_mean"].item(), abs=0.02)
    assert axis.levels == {"as noisy as time 400": pytest.approx(0.329, abs=1e-3)}


def test_the_gain_is_measured_against_the_best_linear_map_of_the_projected_student() -> None:
    method, lab = made(distils="features")
    found = method.eval().watch(seen(method, lab))["noise_gap"]
    batch = seen(method, lab)
    refined = method.on_features(batch.student.taps["f3"], batch.generator)
    each = [linear_maps.places(v.detach()) for v in (refined.denoised, refined.projected, batch.teacher.taps["f3"])]
    assert torch.allclose(found, linear_maps.gain_over_linear(*each))


def test_signals_are_the_three_latents_averaged_over_places() -> None:
    method, lab = made(compression="linear", width=7)
    found = method.eval().signals(seen(method, lab))
    assert list(found) == ["student projected", "student denoised", "teacher projected"]
    assert {v.shape for v in found.values()} == {(48, 7)}
    method, lab = made(distils="logits")
    assert {v.shape for v in method.eval().signals(seen(method, lab)).values()} == {(48, 4)}


def test_without_a_teacher_the_sentence_says_what_to_choose() -> None:
    method, _ = made(distils="logits")
    with pytest.raises(ValueError, match="choose one"):
        method.losses(seen_batch(torch.zeros(2, 4), None, None))


@pytest.mark.parametrize(("given", "start"), [({}, 400), ({"evaluations": 1}, 0), ({"evaluations": 1, "start": 400}, 400),
                                              ({"grid": "paper"}, 500)])  # fmt: skip
def test_the_start_time_is_a_setting_apart_from_the_number_of_evaluations(given: dict[str, Any], start: int) -> None:
    method, _ = made(distils="features", **given)
    assert method.on_features.along[0] == start
    assert len(method.on_features.along) == given.get("evaluations", 5)
