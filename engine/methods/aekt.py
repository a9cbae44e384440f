"""AEKT, reconstructed: how sure the teacher is of the right class is learned the harder, the surer it is than the student.

The paper's equations, tables and code are not public. What is: the teacher's confidence in the target class is weighted
adaptively by the ratio of teacher and student, and a fully connected "task serialization" layer keeps classification and
distillation apart. Everything beyond that is a reconstruction, and says so.
"""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn

from engine import logits, serialization, serialization_checks, soft_label_controls
from engine.knobs import Condition, knob
from engine.method import Classifier, Facts, Knobs, Lab, Method, Needs, Part, Places, Seen, Side, Term, Watch
from engine.serialization import Relations
from engine.soft_label_controls import Control

SWAPPED: Condition = {"serialization": ("swap",)}
LAYERED: Condition = {"serialization": ("serial", "swap")}


class AEKT(Method):
    """L = CE(z) + w(e) (α L_E(z') + β NCKD(z')), z' = W z + b the serialized logits and w growing to 1 over the warm-up."""

    title = "AEKT (reconstruction)"
    summary = (
        "A reconstruction, for the paper's equations are not public: the teacher's confidence in the right class, weighted by "
        "how much surer it is than the student, beside DKD's other classes; a layer keeps both tasks apart."
    )
    formula = (
        "L = CE(y, z^S) + w(e) (α L_E(z′) + β NCKD(z′)),   z′ = W z^S + b,   w(e) = min(e / E_{warm-up}, 1)\n"
        "ρ = min(p_y^T / p_y^S, ρ_{max}),   p = softmax(z / τ)\n"
        "R1: τ^2 ρ KL([p_y^T, 1 − p_y^T] ‖ [p_y^S, 1 − p_y^S])    R2: τ^2 (ρ − ln ρ − 1)    R3: τ^2 ρ    R4: τ^2 ½ ln^2 ρ"
    )
    paper = "Park, Lee: Adaptive Explicit Knowledge Transfer for Knowledge Distillation, arXiv 2409.01679 (abstract only)"
    needs = Needs(teacher="logits", labels=True)
    classifier = Classifier("aekt.classifier", when=SWAPPED)
    checks = serialization_checks.of("aekt")
    terms = (
        Term("explicit", title="target class", weight="alpha", warmup="warmup",
             help="Reconstruction: τ² times how sure the teacher is of the right class, weighted by its ratio to the student."),
        Term("implicit", title="other classes", weight="beta", warmup="warmup", scale="log",
             help="DKD's τ² KL of the outputs among the classes other than the right one."),
    )  # fmt: skip
    watches = (
        Watch("rho", "curve", "ρ = p_y of the teacher over that of the student, softened; median of the probe's images.",
              title="ρ"),
        Watch("rest", "curve", "r = 1 - p_y of the student over that of the teacher, softened; median of the probe's images.",
              title="r"),
        Watch("confidence_teacher", "curve", "Mean p_y of the teacher, softened.", unit="%", title="confidence · teacher"),
        Watch("confidence_student", "curve", "Mean p_y of the student where it is distilled, softened.", unit="%",
              title="confidence · student"),
        Watch("limited", "curve", "Training images at the largest ratio allowed, since the last evaluation.", unit="%",
              title="images at ρ_max"),
        Watch("relations", "matrix", "W of the serialization layer: how much each class (columns) says for each other (rows).",
              title="relations of classes", when=LAYERED),
        Watch("distance", "curve", "‖W - I‖_F/√C: 0 while the layer does nothing.", title="layer's way from the identity",
              when=LAYERED),
        Watch("rank", "curve", "Effective rank of W.", unit="% of the classes", title="layer's rank", when=LAYERED),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of the reconstruction of AEKT."""

        reconstruction: Literal["R1", "R2", "R3", "R4"] = knob(
            "R1", "Reconstructed form of the explicit term, ρ the teacher's confidence over the student's. R1: DKD's target "
            "class weighted by ρ; R2: ρ - ln ρ - 1; R3: ρ itself, which never stops; R4: half of ln² ρ, the gentlest.",
            source="a reconstruction; R1 reads the paper's summary literally",
        )  # fmt: skip
        serialization: Literal["serial", "swap", "parallel", "none"] = knob(
            "serial", "Reconstructed place of the layer that keeps the tasks apart. serial: behind the logits, for distilling, "
            "dropped afterwards; swap: for classification, it stays in the student; parallel: a second head; none.",
            source="a reconstruction; the paper says a fully connected layer",
        )  # fmt: skip
        temperature: float = knob(
            4.0, "Softens the outputs of both.", above=0.0, high=1000.0, scale="log", source="DKD's, unknown for AEKT"
        )
        alpha: float = knob(
            1.0, "Weight of the target class.", low=0.0, high=1000.0, source="DKD's, unknown for AEKT"
        )  # fmt: skip
        beta: float = knob(
            8.0, "Weight of the other classes (NCKD).", low=0.0, high=1000.0, source="DKD's by pair, unknown for AEKT"
        )
        limit: float = knob(
            5.0, "Largest ratio ρ that still pulls harder; early on the student is so unsure that ρ is far above 1.", low=1.0,
            high=1e6, scale="log", title="ρ_max", source="a reconstruction",
        )  # fmt: skip
        warmup: int = knob(
            20, "Epochs in which both weights grow to their full value.", low=0, high=10000, unit="epochs",
            title="warm-up", source="DKD's, unknown for AEKT",
        )  # fmt: skip
        decayed: bool = knob(
            True, "Weight decay on the serialization layer, as on the student.", title="decay of the layer", level="advanced",
            when={"serialization": ("serial", "swap", "parallel")}, source="a reconstruction",
        )  # fmt: skip
        control: Control = soft_label_controls.control()

    params: Params

    def parts(self, student: Side, teacher: Side | None, facts: Facts) -> tuple[Part, ...]:
        """Where classification stands behind the layer, a classifier with it."""
        if self.params.serialization != "swap":
            return ()
        self._before = (student.head,)  # in a tuple: the student's classifier is no module of this one
        width, classes = student.head.in_features, facts.classes
        return (Part("aekt", "head", "aekt.classifier", {"width": width, "classes": classes}),)

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """The layer that is only for training, where it is, and room to count."""
        self._names = facts.class_names
        match self.params.serialization:
            case "serial":
                self.layer: nn.Module = Relations(facts.classes)
            case "parallel":
                self.layer = nn.Linear(student.shapes["pooled"][0], facts.classes)
            case "swap":
                self._stays = (cast(serialization.Serialized, student.module_at("aekt.out")),)
                with torch.no_grad():  # the student begins as it does without the layer
                    self._stays[0].weight.copy_(self._before[0].weight)
                    if self._before[0].bias is not None:
                        self._stays[0].bias.copy_(self._before[0].bias)
        self.counted: Tensor
        self.register_buffer("counted", torch.zeros(2, dtype=torch.float64))

    def taps(self, student: Side, teacher: Side | None) -> tuple[Places, Places]:
        """What the distilled logits are made of, beside the net's own."""
        looked = {"parallel": {"pooled": "pooled"}, "swap": {"classified": "aekt.classified"}}
        return looked.get(self.params.serialization, {}), {}

    def answers(self, seen: Seen) -> Tensor:
        """The distilled logits z'."""
        match self.params.serialization:
            case "serial":
                return self.layer(seen.student.logits)  # type: ignore[no-any-return]
            case "parallel":
                return self.layer(seen.student.taps["pooled"])  # type: ignore[no-any-return]
            case "swap":
                return seen.student.taps["classified"]
        return seen.student.logits

    def undecayed(self) -> tuple[nn.Parameter, ...]:
        """The layer's, where it is to be spared."""
        if self.params.decayed or self.params.serialization == "none":
            return ()
        return tuple((self.layer if self.params.serialization != "swap" else self._stays[0].relations).parameters())

    def prepare(self, lab: Lab) -> None:
        """Say once more what this is."""
        p = self.params
        lab.note(
            f"the paper's equations are not public; this is reconstruction {p.reconstruction}, serialization {p.serialization}"
        )

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """Both terms, at the distilled logits. Raises ValueError without a teacher or without labels."""
        if seen.teacher is None or seen.y is None:
            raise ValueError("AEKT needs labels and someone's logits: choose a teacher net, or a method that teaches")
        p, temperature, y = self.params, self.temperature(seen), seen.y
        z_s, z_t = seen.student.logits, soft_label_controls.controlled(seen.teacher.logits, y, temperature, p.control)
        if self.training:
            with torch.no_grad():
                at_limit = (logits.confidence(z_s, z_t, y, temperature).rho >= p.limit).double()
                self.counted += torch.stack((at_limit.sum(), torch.ones_like(at_limit).sum()))
        return {
            "explicit": logits.explicit(z_s, z_t, y, temperature, p.reconstruction, p.limit),
            "implicit": logits.nckd(z_s, z_t, y, temperature),
        }

    def watch(self, seen: Seen) -> dict[str, Tensor]:
        """Ratios and confidences of the probe's images, and the layer. Where a sample has no labels the teacher's choice stands
        for them."""
        assert seen.teacher is not None
        z_t = seen.teacher.logits
        y = z_t.argmax(1) if seen.y is None else seen.y
        sure = logits.confidence(seen.student.logits, z_t, y, self.temperature(seen))
        found = {
            "rho": sure.rho.median(),
            "rest": sure.rest.median(),
            "confidence_teacher": 100.0 * sure.teacher.mean(),
            "confidence_student": 100.0 * sure.student.mean(),
            "limited": 100.0 * (self.counted[0] / self.counted[1].clamp_min(1)).float(),
        }
        self.counted.zero_()
        if self.params.serialization not in LAYERED["serialization"]:
            return found
        relations = self.layer if self.params.serialization == "serial" else self._stays[0].relations
        matrix = cast(Relations, relations).matrix
        return found | {
            "relations": matrix,
            "distance": serialization.distance(matrix),
            "rank": serialization.rank(matrix),
        }

    def names(self, watch: str) -> tuple[str, ...]:
        """The classes."""
        return self._names
