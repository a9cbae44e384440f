"""Pairs of nets that a method cannot compare are refused before anything is loaded, and what will surprise is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_catalogue import CATALOGUE

from engine import rules
from engine.cards import Catalogue, Features, MethodCard, Needs, NetCard, counted_as
from engine.experiment import Experiment
from engine.knobs import Spec

STAGE = Spec("stage", "integer", "auto", "The stage.", low=1, high=9, words=("auto",))


def net(key: str, taps: dict[str, tuple[int, ...]], parameters: int = 10_000, **more: Any) -> NetCard:
    return NetCard(key, key.upper(), "", "", 8, 0, parameters, 1, taps, **more)


def method(key: str, *features: Features, needs: str = "net", **more: Any) -> MethodCard:
    return MethodCard(key, key.upper(), "", "", 1.0, Needs(needs), (STAGE,), (), features=features, **more)


NARROW = {"f0": (4, 32, 32), "f1": (4, 32, 32), "f2": (8, 16, 16), "pooled": (8,), "f1_pre": (4, 32, 32), "f2_pre": (8, 16, 16)}
WIDE = {"f0": (9, 32, 32), "f1": (9, 16, 16), "f2": (12, 8, 8), "f3": (20, 4, 4), "pooled": (20,)}
FLAT = {"pooled": (9,)}
SMALLER = {counted_as(1, 8, 10): {tap: (shape[0], *(s // 4 for s in shape[1:])) for tap, shape in NARROW.items()}}

PAIRS = replace(
    CATALOGUE,
    nets={c.key: c for c in (net("narrow", NARROW, 200), net("wide", WIDE), net("flat", FLAT))},
    methods={c.key: c for c in (
        method("all", Features()),
        method("at", Features(places=True)),
        method("hint", Features(stages="stage", adapter="regressor")),
        method("fsp", Features(equal_channels=True)),
        method("ofd", Features(activation="before")),
        method("pooled", Features(stages="pooled", adapter="linear")),
        method("either", Features(equal_channels=True, when={"stage": (1,)})),
        method("kd", needs="logits"),
        method("scaled", needs="logits", modifies=True),
    )},
)  # fmt: skip


def experiment(student: str, teacher: str, **methods: dict[str, Any]) -> Experiment:
    nets = {"student": {"net": student}, "teacher": {"net": teacher}}
    return Experiment.model_validate({**nets, "methods": methods})


def refused(student: str, teacher: str, **methods: dict[str, Any]) -> list[tuple[str, str]]:
    return [(p.path, p.sentence) for p in rules.problems(experiment(student, teacher, **methods), PAIRS)]


@pytest.mark.parametrize(
    ("student", "teacher", "methods", "path", "said"),
    [
        ("narrow", "wide", {"fsp": {}}, "student.net",
         "FSP cannot compare NARROW with WIDE: it needs equally many channels: student f1 4 × 32 × 32, teacher f1 9 × 16 × 16"),
        ("narrow", "wide", {"ofd": {}}, "student.net",
         "OFD cannot compare NARROW with WIDE: the teacher does not show its maps before activation: there is no tap f1_pre "
         "(student f1 4 × 32 × 32, teacher f1 9 × 16 × 16)"),
        ("narrow", "wide", {"hint": {"stage": 3}}, "methods.hint.stage",
         "HINT cannot compare NARROW with WIDE: stage 3 of the student has no counterpart in the teacher; there are 1 (student "
         "f1 4 × 32 × 32, teacher f1 9 × 16 × 16), 2 (student f2 8 × 16 × 16, teacher f3 20 × 4 × 4)"),
        ("flat", "wide", {"all": {}}, "student.net",
         "ALL cannot compare FLAT with WIDE: the student has no stages whose maps could be compared; it shows pooled 9"),
    ],
)  # fmt: skip
def test_what_a_method_cannot_compare_is_refused_with_both_shapes(
    student: str, teacher: str, methods: dict[str, Any], path: str, said: str
) -> None:
    assert refused(student, teacher, **methods) == [(path, said)]


@pytest.mark.parametrize(
    "methods", [{"all": {}}, {"hint": {}}, {"pooled": {}}, {"hint": {"stage": 2}, "all": {}}, {"either": {}}]
)
def test_what_can_be_compared_is_no_problem(methods: dict[str, Any]) -> None:
    assert refused("narrow", "wide", **methods) == []


def test_what_is_required_under_a_setting_only_is_refused_under_it_only() -> None:
    assert refused("narrow", "wide", either={"stage": 2}) == []
    assert len(refused("narrow", "wide", either={"stage": 1})) == 1


def test_without_a_teacher_net_the_one_problem_is_that() -> None:
    assert refused("narrow", "none", all={}) == [("teacher.net", "ALL looks into a teacher net; choose one")]


def test_what_is_compared_is_told_by_method_with_its_adapters() -> None:
    found = rules.compared(experiment("narrow", "wide", hint={}, kd={}, fsp={}, all={}), PAIRS)
    assert list(found) == ["hint", "all"]
    [hint] = found["hint"]
    assert (hint.student, hint.teacher, hint.adapter) == ("f2", "f2", "regressor")
    assert hint.parameters == 3 * 3 * 8 * 12 + 3 * 12
    assert hint.how() == "convolution, BN, ReLU, 900 parameters"
    assert [m.how() for m in found["all"]] == [
        "compared as they are; the student's map averaged to 16 × 16",
        "compared as they are; the student's map averaged to 4 × 4",
    ]


def test_shapes_are_those_on_the_experiments_own_images_where_both_nets_were_seen_on_them() -> None:
    catalogue = replace(PAIRS, nets={**PAIRS.nets, "narrow": replace(PAIRS.nets["narrow"], shapes=SMALLER)})

    def first(teacher: str, known: Catalogue) -> tuple[int, ...]:
        return rules.compared(experiment("narrow", teacher, all={}), known)["all"][0].student_shape

    assert first("narrow", PAIRS) == (4, 32, 32)
    assert first("narrow", catalogue) == (4, 8, 8)
    assert first("wide", catalogue) == (4, 32, 32)


def test_an_adapter_larger_than_the_student_is_warned_of() -> None:
    said = [p for p in rules.warnings(experiment("narrow", "wide", hint={}), PAIRS) if p.path == "methods.hint"]
    assert [p.sentence for p in said] == [
        "the adapter that HINT trains has 900 parameters, more than the student (student f2 8 × 16 × 16, teacher f2 12 × 8 × "
        "8); it is dropped afterwards"
    ]
    assert not [p for p in rules.warnings(experiment("wide", "narrow", hint={}), PAIRS) if p.path == "methods.hint"]


def test_maps_of_one_place_are_warned_of_where_places_are_compared() -> None:
    small = {tap: (shape[0], *(1 for _ in shape[1:])) for tap, shape in WIDE.items()}
    catalogue = replace(PAIRS, nets={**PAIRS.nets, "small": net("small", small)})
    said = [(p.path, p.sentence) for p in rules.warnings(experiment("small", "narrow", at={}, all={}), catalogue)]
    assert said[:1] == [
        (
            "dataset.size",
            "AT compares places, and these maps have one: student f2 12 × 1 × 1, teacher f1 4 × 32 × 32; larger "
            "images have more",
        )
    ]
    assert not any("ALL" in sentence for _, sentence in said)
    assert not any("places" in p.sentence for p in rules.warnings(experiment("wide", "narrow", at={}), catalogue))


def test_a_modifier_needs_a_method_on_logits_beside_it() -> None:
    assert refused("narrow", "wide", scaled={}, kd={}) == []
    assert refused("narrow", "wide", scaled={}, all={}) == [
        ("methods.scaled", "SCALED changes what methods on logits see, and there is none in the stack; add one, such as KD")
    ]
