"""DiffKD: the student's features are noisy teacher's features, so a diffusion model of the teacher's denoises them first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine import linear_maps, logits
from engine.adapters import matched
from engine.denoising import checks as denoising_checks
from engine.denoising import diffusion
from engine.denoising import shown as denoising_shown
from engine.denoising import sizes as denoising_sizes
from engine.denoising.modules import Denoiser, FixedProjection, LinearAutoencoder, Refined, Whole
from engine.knobs import Condition, knob
from engine.method import Axis, Facts, Features, Knobs, Lab, Method, Needs, Seen, Side, Stage, Term, Watch
from engine.modes import evaluating
from engine.taps import Look

ON_FEATURES: Condition = {"distils": ("both", "features")}
ON_LOGITS: Condition = {"distils": ("both", "logits")}
COMPRESSED: Condition = {**ON_FEATURES, "compression": ("linear", "pca", "random")}
FITTED: Condition = {**ON_FEATURES, "compression": ("pca", "random")}
DENOISED: Condition = {"control": ("none",)}
MATCHED: Condition = {**DENOISED, "noise_matching": (True,)}


class DiffKD(Method):
    """L = CE + λ1 L_diff + λ2 L_ae + λ3 L_kd, summed over the feature map and the logits."""

    title = "DiffKD"
    summary = "A diffusion model of the teacher's features denoises the student's before the two are compared."
    formula = (
        "L = CE(y, z^S) + λ_1 L_{diff} + λ_2 ‖F^T − dec(enc(F^T))‖^2 + λ_3 L_{KD}(F̂^S, F^T) + λ_4 L_{KD}(ẑ^S, z^T)\n"
        "L_{diff} = mean (ε_φ(√ᾱ_t x^T + √(1 − ᾱ_t) ε, t) − ε)^2,   x^T = enc(F^T)\n"
        "F̂^S = denoised(γ x^S + (1 − γ) ε),   by DDIM with ε_φ,   x^S the student's map, projected"
    )
    paper = "Huang et al.: Knowledge Diffusion for Distillation, NeurIPS 2023, arXiv 2305.15712"
    needs = Needs(teacher="net", logits=True)
    features = (Features(stages="stage", adapter="diffkd", when=ON_FEATURES),)
    checks = denoising_checks.of("diffkd")
    stages = (
        Stage("projection", "projection", "Fit the fixed projection of the teacher's map to training images.", when=FITTED),
    )
    terms = (
        Term("feature", title="features", weight="feature_weight", scale="log", when=ON_FEATURES,
             help="Mean squared error between the student's denoised map and the teacher's."),
        Term("diffusion", title="diffusion of features", weight="diffusion_weight", scale="log", own=True,
             when={**ON_FEATURES, **DENOISED},
             help="Mean squared error of the noise predicted in the teacher's noised map; 1 where nothing is predicted."),
        Term("reconstruction", weight="reconstruction_weight", scale="log", own=True,
             when={**ON_FEATURES, "compression": ("linear",)},
             help="Mean squared error of the autoencoder of the teacher's map."),
        Term("logit", title="logits", weight="logit_weight", scale="log", when=ON_LOGITS,
             help="Distance of the student's denoised logits from the teacher's: τ² KL, or DIST."),
        Term("logit_diffusion", title="diffusion of logits", weight="diffusion_weight", scale="log", own=True,
             when={**ON_LOGITS, **DENOISED},
             help="Mean squared error of the noise predicted in the teacher's noised logits."),
    )  # fmt: skip
    watches = (
        Watch("noise_gap", "curve", "How much nearer denoising comes to the teacher's map than the best linear map of the "
              "student's: 1 - ratio of mean squared errors; 0 and below: no nearer.", title="gain over a linear map",
              when={**ON_FEATURES, **DENOISED}),
        Watch("explained", "curve", "Share of the teacher's map that can be had back from the latent (R²).",
              title="kept by the compression", when=COMPRESSED),
        Watch("gamma", "distribution", "How much of each image's latent is kept when noise is blended in. The line is where "
              "the blend is as noisy as the time at which denoising starts.", title="γ of features",
              when={**ON_FEATURES, **MATCHED}),
        Watch("steps", "distribution", "How far the student's latent is from the teacher's before denoising and at every "
              "evaluation of the noise predictor, as if it ended there; 1 is as near as the teacher's mean.",
              title="denoising steps", unit="of the teacher's variance", when={**ON_FEATURES, **DENOISED}),
        Watch("denoising", "images", "The same latents of a few images, along the direction in which the teacher's vary most.",
              title="denoising", when={**ON_FEATURES, **DENOISED}),
        Watch("gamma_mean", "curve", "Mean γ over images.", title="mean γ of features", when={**ON_FEATURES, **MATCHED}),
        Watch("gamma_spread", "curve", "Standard deviation of γ over images.", title="spread of γ of features",
              when={**ON_FEATURES, **MATCHED}),
        Watch("logit_gamma", "distribution", "The same for logits.", title="γ of logits", when={**ON_LOGITS, **MATCHED}),
        Watch("logit_gamma_mean", "curve", "Mean γ over images.", title="mean γ of logits", when={**ON_LOGITS, **MATCHED}),
        Watch("logit_gamma_spread", "curve", "Standard deviation of γ over images.", title="spread of γ of logits",
              when={**ON_LOGITS, **MATCHED}),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of DiffKD."""

        distils: Literal["both", "features", "logits"] = knob(
            "both", "What is denoised and compared: the last feature map, the logits, or both.", source="both in the paper"
        )
        stage: Literal["map"] | int = knob(
            "map", "The student's stage whose map is compared, counted from 1; map: the one that is averaged at the end.",
            low=1, high=64, when=ON_FEATURES, level="advanced", source="the last map in the paper",
        )  # fmt: skip
        compression: Literal["none", "linear", "pca", "random"] = knob(
            "none", "What makes the teacher's map smaller: nothing, an autoencoder learned on the way, the directions of most "
            "variance, or random directions.", when=ON_FEATURES,
            source="none on CIFAR-100 and in detection, a linear autoencoder on ImageNet",
        )  # fmt: skip
        width: Literal["auto"] | int = knob(
            "auto", "Channels of the latent; auto: half of the teacher's.", low=1, high=8192, unit="channels", when=COMPRESSED,
            source="1024 on ImageNet, 768 for Swin-L; half where the code is told nothing",
        )  # fmt: skip
        samples: int = knob(
            2000, "Training images to which the projection is fitted.", low=1, high=1_000_000, unit="images", when=FITTED,
            level="advanced",
        )  # fmt: skip
        evaluations: int = knob(
            5, "How often the noise predictor is asked on the way from noise to clean (NFE).", low=1, high=200, when=DENOISED,
            source="5; 1 to 20 differ by .3 points on ImageNet",
        )  # fmt: skip
        grid: Literal["code", "paper"] = knob(
            "code", "Times of the evaluations. code: 400, 300, 200, 100, 0; paper: 500, 400, 300, 200, 100.",
            when=DENOISED, level="advanced", source="the code's; appendix B.1 says 500",
        )  # fmt: skip
        start: Literal["auto"] | int = knob(
            "auto", "Time at which denoising starts; auto: on the code's grid it grows with the evaluations (1 starts at 0 and "
            "denoises nothing, 5 at 400, 20 at 475), on the paper's it is 500.",
            low=1, high=999, title="start time", when=DENOISED, level="advanced",
        )  # fmt: skip
        noise_matching: bool = knob(
            True, "Blend in as much noise as a learned γ says, image by image; otherwise the student's latent is denoised as "
            "it is.", when=DENOISED, source="on; worth .3 points on ImageNet",
        )  # fmt: skip
        gamma_start: Literal["auto"] | float = knob(
            "auto", "γ at the beginning; auto: as fresh layers give it.", low=0.01, high=0.99, title="start value of γ",
            when=MATCHED, level="advanced",
        )  # fmt: skip
        logit_loss: Literal["kl", "dist"] = knob(
            "kl", "How logits are compared. dist: by correlation within and across images (DiffKD†).", when=ON_LOGITS
        )
        temperature: float = knob(
            1.0, "Softens the logits of both.", above=0.0, high=1000.0, scale="log", when=ON_LOGITS, source="1 in the paper"
        )
        feature_weight: float = knob(1.0, "Weight of the denoised map.", low=0.0, high=1e6, when=ON_FEATURES, source="1")
        logit_weight: float = knob(
            1.0, "Weight of the denoised logits.", low=0.0, high=1e6, when=ON_LOGITS, source="1; not said for DiffKD†"
        )
        diffusion_weight: float = knob(
            1.0, "Weight of the noise predictor's own loss.", low=0.0, high=1e6, when=DENOISED, source="1"
        )
        reconstruction_weight: float = knob(
            1.0, "Weight of the autoencoder's own loss.", low=0.0, high=1e6,
            when={**ON_FEATURES, "compression": ("linear",)}, source="1",
        )  # fmt: skip
        control: Literal["none", "no denoising"] = knob(
            "none", "no denoising: the student's projections alone meet the teacher, with neither noise nor a noise predictor.",
            level="advanced", controls={"no denoising": "no denoising"},
        )  # fmt: skip

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """What compresses the teacher's map, and a denoiser for the map and for the logits."""
        for match in self.matches(student, teacher):
            channels = match.teacher_shape[0]
            self.match, self.width = match, denoising_sizes.width(channels, self._settings())
            self.compression = self._compression(channels)
            self.on_features = self._denoiser(match.student_shape[0], self.width, spatial=True)
        if self._on_logits:
            self.on_logits = self._denoiser(facts.classes, facts.classes, spatial=False)

    def prepare(self, lab: Lab) -> None:
        """Fit a fixed projection; say how wide the latent is."""
        if not isinstance(getattr(self, "compression", None), LinearAutoencoder | FixedProjection):
            return
        if isinstance(self.compression, FixedProjection):
            with lab.stage("projection"):
                self._fit(self.compression, lab)
        lab.measure({"width": self.width, "channels": self.match.teacher_shape[0]})

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Every term. Raises ValueError without a teacher net."""
        return {**(self._of_features(seen) if self._on_features else {}), **(self._of_logits(seen) if self._on_logits else {})}

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """Gain over a linear map, what the compression keeps, γ."""
        found: dict[str, Tensor] = {}
        if self._on_features:
            f_s, f_t = self._maps(seen)
            z, again = self.compression(f_t)
            refined, way = self._refined(f_s, seen.generator)
            if not isinstance(self.compression, Whole):
                found["explained"] = linear_maps.explained(linear_maps.places(f_t), linear_maps.places(again))
            if self._denoises:
                each = (linear_maps.places(v) for v in (refined.denoised, refined.projected, z))
                found["noise_gap"] = linear_maps.gain_over_linear(*each)
                found["steps"] = denoising_shown.distances(refined.projected, way, z)
                found["denoising"] = denoising_shown.pictures(refined.projected, way, z)
            if self._matches_noise:
                found |= denoising_shown.of_gamma("gamma", refined.gamma)
        if self._on_logits and self._matches_noise:
            found |= denoising_shown.of_gamma("logit_gamma", self.on_logits(_as_map(seen.student.logits), seen.generator).gamma)
        return found

    def signals(self, seen: Seen) -> dict[str, Tensor]:
        """The student's latent before and after denoising, and the teacher's, means over places (B, c): of the map, or of the
        logits where only these are distilled."""
        if self._on_features:
            f_s, f_t = self._maps(seen)
            refined, target = self.on_features(f_s, seen.generator), self.compression(f_t)[0]
        else:
            refined, target = self.on_logits(_as_map(seen.student.logits), seen.generator), _as_map(_taught(seen).logits)
        each = {"student projected": refined.projected, "student denoised": refined.denoised, "teacher projected": target}
        return {name: value.mean((2, 3)) for name, value in each.items()}

    def names(self, watch: str) -> tuple[str, ...]:
        """The steps of the denoising; the distances of all but the teacher's own."""
        every = denoising_shown.names(self._times())
        return {"denoising": every, "steps": every[:-1]}.get(watch, ())

    def axis(self, watch: str) -> Axis | None:
        """γ from 0 to 1; the distances over the steps have their names."""
        return None if watch == "steps" else denoising_shown.gamma_axis(self._times()[0])

    def _of_features(self, seen: Seen) -> dict[str, Tensor]:
        f_s, f_t = self._maps(seen)
        z, again = self.compression(f_t)
        found = {"feature": functional.mse_loss(self.on_features(f_s, seen.generator).denoised, z)}
        if self._denoises:
            found["diffusion"] = self.on_features.diffusion_loss(z, seen.generator)
        if isinstance(self.compression, LinearAutoencoder):
            found["reconstruction"] = functional.mse_loss(again, f_t)
        return found

    def _of_logits(self, seen: Seen) -> dict[str, Tensor]:
        z_t = _as_map(_taught(seen).logits).to(self.on_logits.dtype)
        z_s = self.on_logits(_as_map(seen.student.logits), seen.generator).denoised
        found = {"logit": self._distance(z_s.flatten(1), z_t.flatten(1), self.temperature(seen))}
        if self._denoises:
            found["logit_diffusion"] = self.on_logits.diffusion_loss(z_t, seen.generator)
        return found

    def _refined(self, f_s: Tensor, generator: torch.Generator) -> tuple[Refined, tuple[Tensor, ...]]:
        """The student's latent, and at every step of its denoising where it is denoised."""
        if self._denoises:
            return self.on_features.step_by_step(f_s, generator)
        return self.on_features(f_s, generator), ()

    def _distance(self, z_s: Tensor, z_t: Tensor, temperature: float | Tensor) -> Tensor:
        if self.params.logit_loss == "kl":
            return logits.kd(z_s, z_t, temperature)
        return torch.stack(logits.dist(z_s, z_t, temperature)).sum()

    def _maps(self, seen: Seen) -> tuple[Tensor, Tensor]:
        """Both maps at the size of the smaller one."""
        return matched(seen.student.taps[self.match.student], _taught(seen).taps[self.match.teacher])

    def _compression(self, channels: int) -> nn.Module:
        match self.params.compression:
            case "none":
                return Whole()
            case "linear":
                return LinearAutoencoder(channels, self.width)
            case "pca" | "random":
                return FixedProjection(channels, self.width)

    def _denoiser(self, channels: int, width: int, *, spatial: bool) -> Denoiser:
        p = self.params
        start = None if p.gamma_start == "auto" else float(p.gamma_start)
        return Denoiser(channels, width, spatial=spatial, along=self._times(), matching=p.noise_matching, start=start)

    def _times(self) -> tuple[int, ...]:
        p = self.params
        if not self._denoises:
            return ()
        return diffusion.times(p.evaluations, p.grid, None if p.start == "auto" else int(p.start))

    def _fit(self, projection: FixedProjection, lab: Lab) -> None:
        """The moments of the teacher's map over the first `samples` images, at the size at which both maps meet."""
        assert lab.teacher is not None
        net, moments = lab.teacher.net, linear_maps.Moments()
        look = Look(net, {"map": self.match.teacher})  # type: ignore[arg-type]
        with evaluating(net), torch.no_grad():
            for x, _, _ in lab.batches(self.params.samples):
                f_t = functional.adaptive_avg_pool2d(look(x).taps["map"].float(), self.match.size)  # type: ignore[arg-type]
                moments.add(linear_maps.places(f_t))
        look.remove()
        if self.params.compression == "pca":
            directions = linear_maps.principal(moments.covariance, self.width)
        else:
            directions = linear_maps.random_directions(self.match.teacher_shape[0], self.width, lab.generator)
        projection.fit(moments, directions)

    def _settings(self) -> Mapping[str, Any]:
        return dict(self.params)

    @property
    def _on_features(self) -> bool:
        return self.params.distils != "logits"

    @property
    def _on_logits(self) -> bool:
        return self.params.distils != "features"

    @property
    def _denoises(self) -> bool:
        return denoising_sizes.denoises(self._settings())

    @property
    def _matches_noise(self) -> bool:
        return self._denoises and self.params.noise_matching


def _taught(seen: Seen) -> Any:
    if seen.teacher is None:
        raise ValueError("DiffKD looks into a teacher net: choose one")
    return seen.teacher


def _as_map(z: Tensor) -> Tensor:
    """Logits (B, C) as a map of one place."""
    return z[:, :, None, None]
