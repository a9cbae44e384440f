"""letKD: layers that stay in the student and explain what they see by a teacher's templates, supervised by the teacher.

letKD-1 has one after the last map, supervised by k-means over the teacher's map; letKD-2 another after the first block of
the last stage, supervised by the teacher's decisions between sub-classes. The student uses them without a teacher.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from engine import kmeans, templates
from engine.knobs import knob
from engine.method import Facts, Features, Knobs, Lab, Match, Method, Needs, Part, Places, Seen, Side, Stage, Term, Watch
from engine.nets.counts import parameters
from engine.templates import Decisions, Templates
from engine.templates import checks as template_checks
from engine.templates import search as template_search
from engine.templates.layer import Layer, silenced
from engine.templates.search import Search
from engine.templates.vectors import GIB, places, resized

LAST, INNER = ("penultimate", "both"), ("intermediate", "both")
BY_KMEANS = {"layers": LAST, "penult": ("k-means",)}
BY_DECISIONS = {"layers": INNER, "inter": ("decisions",)}
INNER_BY_KMEANS = {"layers": INNER, "inter": ("k-means",)}
INNER_SUPERVISED = {"layers": INNER, "inter": ("decisions", "k-means")}


def _watches(layer: str, where: str, standing: Any, supervised: Any) -> tuple[Watch, ...]:
    """What is shown of one layer, standing or supervised under these conditions."""
    return (
        Watch(f"{layer}_agreement", "curve", f"Places of {where} whose best template is the teacher's.", unit="%",
              title=f"template agreement · {layer}", when=supervised),
        Watch(f"{layer}_perplexity", "curve", f"As many templates of {where}, evenly used, are as varied as the student's use.",
              unit="templates", title=f"templates in use · {layer}", when=standing),
        Watch(f"{layer}_perplexity_teacher", "curve", "The same of the teacher's assignments on the same images.",
              unit="templates", title=f"templates in use by the teacher · {layer}", when=supervised),
        Watch(f"{layer}_usage", "distribution", "How often the student's places choose each template, those that the teacher "
              "uses most first; many templates share a bar.", title=f"use of templates · {layer}", when=standing),
        Watch(f"{layer}_map", "templates", f"Which template each place of {where} chooses, and which the teacher assigns; "
              "numbered by the teacher's use, from 1.", title=f"templates over images · {layer}", when=standing),
    )  # fmt: skip


class LetKD(Method):
    """L = CE + KL at the last map + KL at the map inside the last stage, each between assignments of places to templates."""

    title = "letKD"
    summary = "Layers that stay in the student match each place with the teacher's templates, and let the student decide."
    formula = (
        "L = CE(y, z^S) + Σ_ℓ w_ℓ mean KL(t ‖ softmax(a)),   ℓ over the layers, the mean over places\n"
        "a = g_1 cos(W_1, x),   x ← x + α g_2 cos(W_2, ReLU(BN(a)))\n"
        "t = softmax(−s ‖F^T − ρ_k‖^2),   ρ_k the teacher's templates"
    )
    paper = "Gorgun, Gurbuz, Alatan: Knowledge Distillation Layer that Lets the Student Decide, BMVC 2023, arXiv 2309.02843"
    needs = Needs(teacher="net", labels_when=BY_DECISIONS)
    features = (
        Features(stages="first", adapter="templates", part="letkd.inter", when={"layers": INNER}),
        Features(stages="map", adapter="templates", part="letkd.penult", when={"layers": LAST}),
    )
    terms = (
        Term("penult", title="templates", weight="penult_weight", when=BY_KMEANS,
             help="Divergence of the last layer's assignments from the teacher's, averaged over places."),
        Term("inter", title="inner templates", weight="inter_weight", when=INNER_SUPERVISED,
             help="Divergence of the inner layer's assignments from the teacher's decisions, averaged over places."),
    )  # fmt: skip
    stages = (
        Stage("decisions", "decisions", "Sub-classes of each class of the teacher's inner map, and how it decides among them.",
              when=BY_DECISIONS),
        Stage("inner templates", "inner templates", "k-means over the teacher's inner map.", when=INNER_BY_KMEANS),
        Stage("templates", "templates", "k-means over the teacher's last map.", when=BY_KMEANS),
    )  # fmt: skip
    watches = (
        Watch("confusions", "matrix", "How the teacher decides at single places of its inner map (rows: the image's class).",
              every="stage", stage="decisions", title="localized decisions", when=BY_DECISIONS),
        Watch("directions", "table", "What the decisions were made from, and what they are worth.", every="stage",
              stage="decisions", when=BY_DECISIONS),
        Watch("inner_clusters", "table", "What k-means made of the inner map.", every="stage", stage="inner templates",
              when=INNER_BY_KMEANS),
        Watch("clusters", "table", "What k-means made of the last map.", every="stage", stage="templates", when=BY_KMEANS),
        *_watches("penult", "the last layer", {"layers": LAST}, BY_KMEANS),
        *_watches("inter", "the inner layer", {"layers": INNER}, INNER_SUPERVISED),
        Watch("penult_gap", "curve", "The last layer's loss on images that are not trained on over its mean in training since "
              "the last evaluation.", title="held-out over train · penult", when=BY_KMEANS),
        Watch("with_layers", "curve", "Accuracy on the probe's images (agreement with the teacher without labels), layers as "
              "they are.", unit="%", title="probe with layers"),
        Watch("without_layers", "curve", "The same with α = 0 in every layer.", unit="%", title="probe with α = 0"),
    )  # fmt: skip
    checks = template_checks.of("letkd")

    class Params(Knobs):
        """Settings of letKD."""

        layers: Literal["penultimate", "both", "intermediate"] = knob(
            "penultimate", "penultimate: a layer after the last map (letKD-1); both: another after the first block of the last "
            "stage (letKD-2); intermediate: that one alone.",
        )  # fmt: skip
        templates: int = knob(
            4096, "Templates of the last layer: clusters of the teacher's last map. The layer's size and time grow with them.",
            low=1, high=65536, scale="log", when={"layers": LAST}, source="4096 (supplement, section 1)",
        )  # fmt: skip
        subclasses: int = knob(
            8, "Templates of the inner layer for each class.", low=1, high=1024, title="sub-classes per class",
            when={"layers": INNER}, source="8: from 8 on accuracy stays (supplement, figure 1)",
        )  # fmt: skip
        penult: Literal["k-means", "none"] = knob(
            "k-means", "Supervision of the last layer; none: a layer that learns from the student's losses alone, as a control "
            "of its capacity.", title="supervision of the last layer", when={"layers": LAST},
            controls={"none": "KD layer without supervision"},
        )  # fmt: skip
        inter: Literal["decisions", "k-means", "none"] = knob(
            "decisions", "Supervision of the inner layer. decisions: the teacher's, between sub-classes (needs labels); "
            "k-means: as many templates without classes; none: a control of its capacity.",
            title="supervision of the inner layer", when={"layers": INNER}, controls={"none": "KD layer without supervision"},
        )  # fmt: skip
        penult_weight: float = knob(1.0, "Weight of the last layer's divergence.", low=0.0, high=1e4, when=BY_KMEANS)
        inter_weight: float = knob(1.0, "Weight of the inner layer's divergence.", low=0.0, high=1e4, when=INNER_SUPERVISED)
        alpha_penult: float = knob(
            1.0, "Residual α of the last layer, fixed; 0: supervised, but without effect (QuEST).", low=0.0, high=100.0,
            title="α, last layer", when={"layers": LAST}, level="advanced", source="1; 0.1 from ResNet-50 to MobileNetV2",
        )  # fmt: skip
        alpha_inter: float = knob(
            1.0, "Residual α of the inner layer, fixed.", low=0.0, high=100.0, title="α, inner layer", when={"layers": INNER},
            level="advanced", source="1; 0.2 from ResNet-50 to MobileNetV2",
        )  # fmt: skip
        sharpness: float = knob(
            1.0, "Multiplies the squared distances to the templates in the teacher's softmax.", above=0.0, high=1e4,
            scale="log", level="advanced", source="1",
        )  # fmt: skip
        components: Literal["auto"] | int = knob(
            "auto", "Directions kept of the discriminant analysis; auto: all but the last, at most 60.", low=1, high=4096,
            title="directions", when=BY_DECISIONS, level="advanced", source="60 on CIFAR-100, 8 on CIFAR-10",
        )  # fmt: skip
        iterations: int = knob(20, "Iterations of k-means.", low=1, high=1000, level="advanced", source="20")
        vectors: Literal["all"] | int = knob(
            "all", "Feature vectors that k-means sees; all: every place of every training image, as published. Fewer are drawn "
            "evenly and make it as many times quicker; the templates are then of that sample.",
            low=1, high=10**9, level="advanced", source="all",
        )  # fmt: skip
        memory: float = knob(
            2.0, "For the teacher's feature vectors: in float32 where they fit, else in float16, else as many as fit are drawn "
            "evenly; the log says which. CIFAR-100 with ResNet-56 takes 0.76.", above=0.0, high=4096.0, unit="GiB",
            level="advanced",
        )  # fmt: skip

    params: Params

    def _pairs(self, student: Side, teacher: Side | None) -> dict[str, Match]:
        """Where each layer stands, and which map of the teacher supervises it."""
        names = [name for name, where in (("inter", INNER), ("penult", LAST)) if self.params.layers in where]
        return dict(zip(names, self.matches(student, teacher)))

    def parts(self, student: Side, teacher: Side | None, facts: Facts) -> tuple[Part, ...]:
        """The layers."""
        counts = {"inter": self.params.subclasses * facts.classes, "penult": self.params.templates}
        alphas = {"inter": self.params.alpha_inter, "penult": self.params.alpha_penult}
        return tuple(
            Part(f"letkd_{name}", pair.student, "letkd.layer",
                 {"width": pair.student_shape[0], "templates": counts[name], "alpha": alphas[name]})
            for name, pair in self._pairs(student, teacher).items()
        )  # fmt: skip

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """Room for what `prepare` finds."""
        self.pairs = self._pairs(student, teacher)
        layers = {name: cast(Layer, student.module_at(f"letkd_{name}.out")) for name in self.pairs}
        self._seat = (student.net, layers)  # in a tuple: the student is no module of this one
        self.found = nn.ModuleDict({name: self._room(name, facts) for name in self._supervised()})
        self.trained: Tensor
        self.register_buffer("trained", torch.zeros(2, dtype=torch.float64))

    def _supervised(self) -> tuple[str, ...]:
        said = {"inter": self.params.inter, "penult": self.params.penult}
        return tuple(name for name in self.pairs if said[name] != "none")

    def _room(self, name: str, facts: Facts) -> nn.Module:
        p, width = self.params, self.pairs[name].teacher_shape[0]
        if name == "penult":
            return Templates(p.templates, width)
        if p.inter == "k-means":
            return Templates(p.subclasses * facts.classes, width)
        return Decisions(facts.classes, p.subclasses, width, templates.directions(width, facts.classes, p.components))

    def taps(self, student: Side, teacher: Side | None) -> tuple[Places, Places]:
        """The layers' scores, and the teacher's maps."""
        own = {name: f"letkd_{name}.scores" for name in self.pairs}
        return own, {name: self.pairs[name].teacher for name in self.found}

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Each supervised layer's divergence. Raises ValueError without a teacher net or, for decisions, without labels."""
        found = {}
        for name in self.found:
            scores, target = self._assigned(name, seen)
            found[name] = templates.template_loss(scores, target)
        if "penult" in found and self.training:
            loss = found["penult"].detach().double()
            self.trained += torch.stack((loss, torch.ones_like(loss)))
        return found

    def _assigned(self, name: str, seen: Seen) -> tuple[Tensor, Tensor]:
        """The student's scores and the teacher's target at every place, (n, K) each."""
        if seen.teacher is None:
            raise ValueError("letKD looks into a teacher net: choose one")
        scores = seen.student.taps[name]
        z = places(resized(seen.teacher.taps[name], cast(Any, scores.shape[2:])))
        y = seen.teacher.logits.argmax(1) if seen.y is None else seen.y
        with torch.no_grad():
            target = self.found[name](z, y.repeat_interleave(scores.shape[2] * scores.shape[3]), self.params.sharpness)
        return places(scores), target

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """Agreement, use of templates, the gap to training, and accuracy with and without the layers. Where a sample has no
        labels the teacher's choice stands for them."""
        found: dict[str, Tensor] = {}
        for name in self.pairs:
            found |= self._use(name, seen)
        if "penult" in self.found:
            held_out = templates.template_loss(*self._assigned("penult", seen))
            found["penult_gap"] = held_out / (self.trained[0] / self.trained[1]).float()
            self.trained.zero_()
        net, layers = self._seat
        found["with_layers"] = self._right(net, seen)
        with silenced(layers.values()):
            found["without_layers"] = self._right(net, seen)
        return found

    def _use(self, name: str, seen: Seen) -> dict[str, Tensor]:
        scores = places(seen.student.taps[name])
        best, count = scores.argmax(1), scores.shape[1]
        use = templates.shares(best, count)
        found = {f"{name}_perplexity": kmeans.perplexity(use), f"{name}_usage": templates.bars(use, self._order(name, use))}
        maps = [best]
        if name in self.found:
            _, target = self._assigned(name, seen)
            other = target.argmax(1)
            maps.append(other)
            found[f"{name}_agreement"] = 100.0 * (best == other).float().mean()
            found[f"{name}_perplexity_teacher"] = kmeans.perplexity(templates.shares(other, count))
        rank = self._order(name, use).argsort()  # of each template, from 0
        shape = (len(maps), len(seen.x), *seen.student.taps[name].shape[2:])
        found[f"{name}_map"] = 1 + rank[torch.stack(maps)].reshape(shape)[:, : templates.MAPPED]
        return found

    def _order(self, name: str, use: Tensor) -> Tensor:
        """The templates by how often the training images use them; as they are where nothing supervises them."""
        if name not in self.found:
            return torch.arange(len(use), device=use.device)
        return cast(Tensor, self.found[name].usage).argsort(descending=True, stable=True)

    def _right(self, net: nn.Module, seen: Seen) -> Tensor:
        wanted = seen.y
        if wanted is None:
            assert seen.teacher is not None
            wanted = seen.teacher.logits.argmax(1)
        return 100.0 * (net(seen.x).argmax(1) == wanted).float().mean()

    def names(self, watch: str) -> tuple[str, ...]:
        """The templates behind each bar, by their rank in the teacher's use."""
        name, _, what = watch.partition("_")
        if what != "usage":
            return ()
        _, layers = self._seat
        count = layers[name].norm.num_features
        wide = templates.per_bar(count)
        firsts = range(1, count + 1, wide)
        return tuple(f"{first} to {min(first + wide - 1, count)}" if wide > 1 else str(first) for first in firsts)

    def prepare(self, lab: Lab) -> None:
        """Find templates and decisions, each stage from a seed of its own, so that a resumed run finds the same."""
        seeds = torch.randint(2**62, (2,), generator=lab.generator).tolist()
        self._say_sizes(lab)
        inner, last = (torch.Generator().manual_seed(seed) for seed in seeds)
        for name, found in self.found.items():
            if isinstance(found, Decisions):
                template_search.decide(lab, "decisions", found, self._search(name), inner)
            elif isinstance(found, Templates) and name == "inter":
                template_search.cluster(lab, "inner templates", "inner_clusters", found, self._search(name), inner)
            elif isinstance(found, Templates):
                template_search.cluster(lab, "templates", "clusters", found, self._search(name), last)

    def _search(self, name: str) -> Search:
        pair, p = self.pairs[name], self.params
        height, width = pair.student_shape[1:]
        return Search(pair.teacher, (height, width), p.vectors, round(p.memory * GIB), p.iterations)

    def _say_sizes(self, lab: Lab) -> None:
        """How large the student is with its layers, without them, and beside its teacher."""
        net, layers = self._seat
        own = {f"parameters_{name}": float(parameters(layer)) for name, layer in layers.items()}
        whole = parameters(net)
        sizes = {"parameters": float(whole), "parameters_penult": 0.0, **own}
        if lab.teacher is not None:
            sizes["parameters_teacher"] = float(parameters(lab.teacher.net))
        lab.measure(sizes)
        bare = whole - int(sum(own.values()))
        lab.note(f"the student has {whole:,} parameters, {bare:,} without the layers that stay in it")
