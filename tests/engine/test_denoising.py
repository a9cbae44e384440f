"""DiffKD's modules: their layers and sizes as the reference lists them, and what passes through."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from builders import golden
from torch import Tensor, nn

from engine import linear_maps
from engine.denoising import diffusion
from engine.denoising import sizes as denoising_sizes
from engine.denoising.modules import Bottleneck, Denoiser, FixedProjection, LinearAutoencoder, NoiseMatching, NoisePredictor

CODE = diffusion.times(5, "code")


def weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def layers(module: nn.Module) -> list[str]:
    return [type(m).__name__ for m in module.modules() if not list(m.children())]


def denoiser(spatial: bool = True, **given: Any) -> Denoiser:
    torch.manual_seed(0)
    asked = {"along": CODE, "matching": True, "start": None, **given}
    return Denoiser(6, 8, spatial=spatial, **asked).double()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_a_bottleneck_adds_to_its_input_and_does_not_rectify_the_sum() -> None:
    module = Bottleneck(8, 4).eval()
    assert layers(module) == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU", "Conv2d"]
    assert module.body[3].kernel_size == (3, 3) and module.body[0].out_channels == 2
    with torch.no_grad():
        for p in module.body[-1].parameters():
            p.zero_()
    x = golden((2, 8, 3, 3), 0.7).float()
    assert torch.equal(module(x), x) and (x < 0).any()


def test_the_noise_predictor_has_the_published_size() -> None:
    module = NoisePredictor(256, spatial=True)
    convolutions = sum(m.weight.numel() for m in module.modules() if isinstance(m, nn.Conv2d))
    assert 0.204e6 < convolutions < 0.206e6
    assert layers(module)[-2:] == ["Conv2d", "BatchNorm2d"] and module.times.weight.shape == (1280, 256)


def test_for_logits_the_predictor_expands_twice_and_ends_without_norm() -> None:
    module = NoisePredictor(10, spatial=False)
    assert layers(module.body) == [
        "Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d", "Conv2d", "BatchNorm2d", "ReLU", "Conv2d",
    ]  # fmt: skip
    assert [m.out_channels for m in module.modules() if isinstance(m, nn.Conv2d)] == [40, 10, 40, 10]


def test_the_time_is_added_to_the_latent_before_anything_else() -> None:
    module = NoisePredictor(8, spatial=True).double().eval()
    z = golden((2, 8, 3, 3), 0.7)
    shifted = z + (module.times.weight[300] - module.times.weight[7])[:, None, None]
    assert torch.allclose(module(z, 300), module(shifted, 7))
    assert torch.equal(module(z, torch.tensor([300, 7]))[0], module(z, 300)[0])


@pytest.mark.parametrize("spatial", [True, False])
def test_gamma_is_one_number_an_image_between_0_and_1_near_a_half_at_first(spatial: bool) -> None:
    torch.manual_seed(0)
    module = NoiseMatching(8, spatial, None)
    gamma = module(golden((5, 8, 3, 3) if spatial else (5, 8, 1, 1), 0.7).float())
    assert gamma.shape == (5,) and (gamma > 0).all() and (gamma < 1).all()
    assert 0.2 < gamma.mean() < 0.8


def test_gamma_starts_around_the_value_asked_for() -> None:
    torch.manual_seed(0)
    gamma = NoiseMatching(64, True, 0.9)(torch.randn(16, 64, 4, 4))
    assert 0.8 < gamma.mean() < 0.96


def test_noise_is_blended_in_before_the_denoising() -> None:
    module, f = denoiser().eval(), golden((4, 6, 3, 3), 0.7)
    found = module(f, generator())
    noise = torch.randn(4, 8, 3, 3, dtype=torch.float64, generator=generator())
    z = diffusion.blended(module.inward(f), noise, found.gamma)
    assert module.predictor is not None
    assert torch.allclose(found.denoised, module.outward(diffusion.denoised(z, module.predictor, CODE)))
    assert torch.equal(found.projected, module.inward(f))


def test_without_noise_matching_the_projection_itself_is_denoised() -> None:
    module, f = denoiser(matching=False).eval(), golden((4, 6, 3, 3), 0.7)
    found = module(f, generator())
    assert module.matching is None and torch.equal(found.gamma, torch.ones(4, dtype=torch.float64))
    assert module.predictor is not None
    assert torch.allclose(found.denoised, module.outward(diffusion.denoised(module.inward(f), module.predictor, CODE)))


def test_without_denoising_only_the_two_projections_are_left() -> None:
    module, f = denoiser(along=()).eval(), golden((4, 6, 3, 3), 0.7)
    assert torch.equal(module(f, generator()).denoised, module.outward(module.inward(f)))
    assert layers(module) == ["Conv2d", "Conv2d", "BatchNorm2d"]
    with pytest.raises(ValueError, match="no noise is predicted"):
        module.diffusion_loss(golden((4, 8, 3, 3), 0.7), generator())


def test_the_diffusion_loss_is_that_of_the_noise_at_a_time_of_each_image() -> None:
    module, z = denoiser().eval(), golden((4, 8, 3, 3), 0.7)
    found = module.diffusion_loss(z, generator())
    drawn = generator()
    time = torch.randint(1000, (4,), generator=drawn)
    noise = torch.randn(z.shape, dtype=z.dtype, generator=drawn)
    plain = torch.zeros((), dtype=torch.float64)
    assert module.predictor is not None
    for b in range(4):
        signal = diffusion.signals()[int(time[b])]
        seen = signal**0.5 * z[b] + (1 - signal) ** 0.5 * noise[b]
        plain += (module.predictor(seen[None], int(time[b]))[0] - noise[b]).square().mean() / 4
    assert found.item() == pytest.approx(plain.item(), rel=1e-6)


def test_batch_norms_of_the_predictor_learn_from_every_pass() -> None:
    module = denoiser()
    module(golden((4, 6, 3, 3), 0.7), generator())
    module.diffusion_loss(golden((4, 8, 3, 3), 0.7), generator())
    counted = {int(m.num_batches_tracked) for m in module.predictor.modules() if isinstance(m, nn.BatchNorm2d)}  # type: ignore
    assert counted == {6}


def test_the_autoencoders_latent_is_normed_and_cut_off_from_what_reads_it() -> None:
    torch.manual_seed(0)
    module, f = LinearAutoencoder(6, 4), golden((8, 6, 3, 3), 0.7).float()
    z, again = module(f)
    assert not z.requires_grad and again.shape == f.shape
    assert torch.allclose(z.mean((0, 2, 3)), torch.zeros(4), atol=1e-6)
    assert torch.allclose(z.var((0, 2, 3), correction=0), torch.ones(4), atol=1e-3)
    again.square().mean().backward()
    assert all(p.grad is not None for p in module.parameters())


def test_a_fixed_projection_gives_unit_variances_and_knows_its_way_back() -> None:
    f, moments = golden((50, 6, 2, 2), 0.7), linear_maps.Moments()
    moments.add(linear_maps.places(f))
    module = FixedProjection(6, 6).double()
    module.fit(moments, linear_maps.principal(moments.covariance, 6))
    z, again = module(f)
    kept = torch.linalg.eigvalsh(moments.covariance).flip(0) > 1e-5
    assert torch.allclose(z.var((0, 2, 3), correction=0)[kept], torch.ones(int(kept.sum()), dtype=torch.float64))
    assert linear_maps.explained(linear_maps.places(f), linear_maps.places(again)) > 0.9999
    assert not list(module.parameters())


@pytest.mark.parametrize("student", [3, 20])
@pytest.mark.parametrize("teacher", [5, 64])
@pytest.mark.parametrize(
    "changed",
    [{}, {"noise_matching": False}, {"control": "no denoising"}, {"compression": "linear"}, {"compression": "pca"},
     {"compression": "linear", "width": 96}],
)  # fmt: skip
def test_the_reckoned_size_is_that_of_the_modules(student: int, teacher: int, changed: dict[str, Any]) -> None:
    settings = {"compression": "none", "width": "auto", "control": "none", "noise_matching": True, **changed}
    width = denoising_sizes.width(teacher, settings)
    along = CODE if denoising_sizes.denoises(settings) else ()
    module = Denoiser(student, width, spatial=True, along=along, matching=settings["noise_matching"], start=None)
    compression = LinearAutoencoder(teacher, width) if settings["compression"] == "linear" else nn.Identity()
    assert denoising_sizes.of_features(student, teacher, settings) == weights(module) + weights(compression)


def test_what_is_denoised_is_differentiable_in_double_precision() -> None:
    module = denoiser(along=(400, 200, 0)).eval()

    def through(f: Tensor) -> Tensor:
        return module(f, generator()).denoised

    assert torch.autograd.gradcheck(through, golden((2, 6, 2, 2), 0.7).requires_grad_())
