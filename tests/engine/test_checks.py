"""Every declared check is provoked once and left alone once; fixes are settings that exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from engine import checks, method
from engine.experiment import Experiment
from engine.findings import Check, Found
from engine.knobs import problem, specs

EVERY: dict[str, Check] = {
    c.key: c for c in (*checks.ALL, *(c for key in tuple(method.keys()) for c in method.find(key).checks))
}


@dataclass(frozen=True)
class Case:
    """Evidence (one value an epoch, or pairs) that provokes a check, evidence that does not, and the fix expected."""

    check: str
    provoking: dict[str, list[float]]
    harmless: dict[str, list[float]]
    fix: dict[str, Any]
    methods: dict[str, dict[str, Any]] = field(default_factory=lambda: {"kd": {}})
    teacher: str = "resnet20"


REFFAKD: dict[str, Any] = {"methods": {"reffakd": {}}, "teacher": "none"}
CASES = (
    Case("nearly-uniform", {"entropy_teacher": [0.995]}, {"entropy_teacher": [0.98]}, {"methods.kd.temperature": 4.0},
         methods={"kd": {"temperature": 20.0}}),
    Case("nearly-one-hot", {"entropy_teacher": [0.012]}, {"entropy_teacher": [0.06]}, {"methods.kd.temperature": 4.0},
         methods={"kd": {"temperature": 1.0}}),
    Case("only-smoothing", {"smoothing_teacher": [2e-4], "entropy_teacher": [0.8]},
         {"smoothing_teacher": [2e-3], "entropy_teacher": [0.8]}, {"methods.kd.control": "label smoothing"}),
    Case("underfits", {"fit/train": [40.0, 55.0], "fit/labels alone": [41.0, 60.5], "share/labels": [0.03, 0.04]},
         {"fit/train": [40.0, 56.0], "fit/labels alone": [41.0, 60.5], "share/labels": [0.03, 0.04]},
         {"methods.kd.ce_weight": 0.6}),
    Case("overfits", {"fit/train": [80.0, 85.0, 90.0, 92.0, 95.0], "fit/held-out": [78.0, 77.9, 77.0, 76.5, 76.0]},
         {"fit/train": [80.0, 85.0, 90.0, 92.0, 95.0], "fit/held-out": [78.0, 77.9, 77.9, 76.5, 76.0]},
         {"training.weight_decay": 0.001}),
    Case("too-strong:kd.kl", {"share/kd.kl": [0.5, 0.95, 0.96, 0.95]}, {"share/kd.kl": [0.95, 0.95, 0.89, 0.95]},
         {"methods.kd.weight": 0.0118}),
    Case("idle:kd.kl", {"share/kd.kl": [0.01, 0.01, 0.01]}, {"share/kd.kl": [0.01, 0.01]}, {"methods.kd.weight": 22.3}),
    Case("too-strong:labels", {"share/labels": [0.95, 0.95, 0.95]}, {"share/labels": [0.8] * 3},
         {"methods.kd.ce_weight": 0.00132}),
    Case("idle:labels", {"share/labels": [0.01] * 3}, {"share/labels": [0.03] * 3}, {"methods.kd.ce_weight": 7.42},
         methods={"kd": {"ce_weight": 0.3}}),
    Case("fight:kd.kl", {"cosine/kd.kl": [-0.3, -0.3, 0.9, -0.4]}, {"cosine/kd.kl": [-0.3, -0.1, 0.9]},
         {"methods.kd.weight": 0.45}),
    Case("nonfinite:kd.kl", {"nonfinite/kd.kl": [3.0]}, {"nonfinite/kd.kl": [0.0]}, {"run.precision": "float32"}),
    Case("diffkd.no-gap", {"diffkd.noise_gap": [0.3, 0.01, 0.0, -0.2, 0.019, 0.01]},
         {"diffkd.noise_gap": [0.01, 0.01, 0.03, 0.01, 0.01]}, {"methods.diffkd.control": "no denoising"},
         methods={"diffkd": {}}),
    Case("diffkd.gamma-collapsed:features",
         {"diffkd.gamma_mean": [0.5, 0.995, 0.996, 0.998], "diffkd.gamma_spread": [0.1, 0.02, 0.01, 0.006]},
         {"diffkd.gamma_mean": [0.995, 0.995, 0.98, 0.995], "diffkd.gamma_spread": [0.02] * 4},
         {"methods.diffkd.gamma_start": 0.33}, methods={"diffkd": {}}),
    Case("diffkd.gamma-collapsed:logits",
         {"diffkd.logit_gamma_mean": [0.5] * 3, "diffkd.logit_gamma_spread": [0.004] * 3},
         {"diffkd.logit_gamma_mean": [0.5] * 3, "diffkd.logit_gamma_spread": [0.004, 0.004, 0.005]},
         {"methods.diffkd.gamma_start": 0.9}, methods={"diffkd": {}}),
    Case("diffkd.compression-loses",
         {"diffkd.width": [32], "diffkd.channels": [64], "diffkd.explained": [0.2, 0.85, 0.85, 0.855]},
         {"diffkd.width": [32], "diffkd.channels": [64], "diffkd.explained": [0.2, 0.85, 0.88, 0.89]},
         {"methods.diffkd.width": 64}, methods={"diffkd": {"compression": "linear"}}),
    Case("letkd.templates-die",
         {"letkd.penult_perplexity": [240.0, 230.0, 220.0], "letkd.penult_perplexity_teacher": [1000.0] * 3},
         {"letkd.penult_perplexity": [240.0, 260.0, 220.0], "letkd.penult_perplexity_teacher": [1000.0] * 3},
         {"methods.letkd.templates": 1024}, methods={"letkd": {"templates": 4096}}),
    Case("letkd.sub-classes-die",
         {"letkd.inter_perplexity": [24.0, 23.0, 22.0], "letkd.inter_perplexity_teacher": [100.0] * 3},
         {"letkd.inter_perplexity": [24.0, 23.0], "letkd.inter_perplexity_teacher": [100.0] * 2},
         {"methods.letkd.subclasses": 2}, methods={"letkd": {"subclasses": 8}}),
    Case("letkd.unused", {"letkd.with_layers": [60.0] * 5, "letkd.without_layers": [59.95] * 5},
         {"letkd.with_layers": [60.0] * 5, "letkd.without_layers": [59.95] * 4 + [59.8]}, {}, methods={"letkd": {}}),
    Case("letkd.larger-than-teacher",
         {"letkd.parameters": [914_808], "letkd.parameters_teacher": [861_620], "letkd.parameters_penult": [532_482]},
         {"letkd.parameters": [814_808], "letkd.parameters_teacher": [861_620], "letkd.parameters_penult": [532_482]},
         {"methods.letkd.templates": 2048}, methods={"letkd": {"templates": 4096}}),
    Case("letkd.overfits", {"letkd.penult_gap": [0.9, 1.1, 1.3, 1.4, 1.5, 1.6]},
         {"letkd.penult_gap": [0.9, 1.1, 1.7, 1.6, 1.7, 1.8]}, {"training.epochs": 2}, methods={"letkd": {}}),
    Case("faqd.estimate-rough", {"faqd.estimate_error": [0.1, 0.3, 0.4, 0.3, 0.5, 0.26]},
         {"faqd.estimate_error": [0.3, 0.4, 0.3, 0.2, 0.5]}, {"methods.faqd.affinity": "exact"},
         methods={"faqd": {"affinity": "fast"}}),
    Case("faqd.estimate-needless", {"faqd.estimate_cost": [1.0]}, {"faqd.estimate_cost": [0.99]},
         {"methods.faqd.affinity": "exact"}, methods={"faqd": {"affinity": "fast"}}),
    Case("faqd.kl-blows-up", {"faqd.surprise": [3.0, 24.0]}, {"faqd.surprise": [24.0, 19.0]},
         {"methods.faqd.logit_loss": "mse"}, methods={"faqd": {"logit_loss": "kl"}}),
    Case("aekt.saturated", {"aekt.limited": [90.0, 80.0, 30.0]}, {"aekt.limited": [90.0, 80.0]},
         {"methods.aekt.limit": 10.0}, methods={"aekt": {"warmup": 2}}),
    Case("aekt.idle", {"aekt.distance": [0.0, 0.001, 0.002]}, {"aekt.distance": [0.0, 0.001, 0.02]}, {},
         methods={"aekt": {"warmup": 2}}),
    Case("aekt.too-small", {"aekt.rank": [100.0, 60.0, 49.0]}, {"aekt.rank": [49.0, 40.0]}, {},
         methods={"aekt": {"warmup": 2}}),
    Case("reffakd.learned-nothing", {"reffakd.updates": [400, 800, 1200], "reffakd.explained": [0.0, 0.01, 0.02]},
         {"reffakd.updates": [400, 800, 1200], "reffakd.explained": [0.0, 0.4, 0.9]},
         {"methods.reffakd.optimizer": "adam", "methods.reffakd.learning_rate": "auto", "methods.reffakd.weight_decay": 0.0},
         methods={"reffakd": {"optimizer": "sgd", "weight_decay": 5e-4}}, teacher="none"),
    Case("reffakd.no-better", {"reffakd.neighbours": [12.2], "reffakd.neighbours_untrained": [11.8]},
         {"reffakd.neighbours": [14.0], "reffakd.neighbours_untrained": [11.8]}, {"methods.reffakd.output": "linear"},
         **REFFAKD),
    Case("reffakd.gamma-too-small",
         {"reffakd.rows_wrong": [19], "reffakd.gamma": [0.008], "reffakd.gamma_min": [0.0234]},
         {"reffakd.rows_wrong": [0], "reffakd.gamma": [0.024], "reffakd.gamma_min": [0.0234]},
         {"methods.reffakd.gamma": "auto"}, methods={"reffakd": {"gamma": 0.008}}, teacher="none"),
    Case("reffakd.nearly-uniform", {"reffakd.entropy": [0.99998], "reffakd.label_temperature_offered": [0.0203]},
         {"reffakd.entropy": [0.94], "reffakd.label_temperature_offered": [0.0203]},
         {"methods.reffakd.label_temperature": 0.02}, **REFFAKD),
    Case("reffakd.nearly-one-hot", {"reffakd.entropy": [0.04], "reffakd.label_temperature_offered": [0.0203]},
         {"reffakd.entropy": [0.06], "reffakd.label_temperature_offered": [0.0203]},
         {"methods.reffakd.label_temperature": 0.02}, **REFFAKD),
    Case("reffakd.only-smoothing", {"reffakd.kl_to_smoothing": [2.7e-4]}, {"reffakd.kl_to_smoothing": [1.2e-3]},
         {"methods.reffakd.control": "label smoothing"}, **REFFAKD),
)  # fmt: skip


def settings(case: Case) -> dict[str, Any]:
    return Experiment.model_validate({"methods": case.methods, "teacher": {"net": case.teacher}}).model_dump()


def ask(case: Case, evidence: dict[str, list[float]]) -> Found | None:
    numbered = {name: [(epoch, float(v)) for epoch, v in enumerate(values, 1)] for name, values in evidence.items()}
    return EVERY[case.check].look(numbered, settings(case))


by_check = pytest.mark.parametrize("case", CASES, ids=[c.check for c in CASES])


@by_check
def test_its_signature_is_found_with_evidence_and_a_fix(case: Case) -> None:
    found = ask(case, case.provoking)
    assert found is not None
    assert found.sentence.endswith((".", "%"))
    assert found.evidence
    assert found.fix == case.fix


@by_check
def test_what_lies_beside_the_criterion_is_left_alone(case: Case) -> None:
    assert ask(case, case.harmless) is None


@by_check
def test_it_is_asked_when_what_it_reads_is_measured(case: Case) -> None:
    assert set(EVERY[case.check].reads) <= set(case.provoking)


@by_check
def test_nothing_measured_is_nothing_found(case: Case) -> None:
    assert ask(case, {name: [] for name in EVERY[case.check].reads}) is None


@by_check
def test_its_fix_is_made_of_settings_within_their_bounds(case: Case) -> None:
    sections = {"training": Experiment().training, "run": Experiment().run}
    for path, value in case.fix.items():
        *head, name = path.split(".")
        if name == "ce_weight":
            continue
        known = specs(method.find(head[1]).Params if head[0] == "methods" else type(sections[head[0]]))
        assert problem(next(s for s in known if s.name == name), value) is None


def family(key: str) -> str:
    return key.partition(":")[0]


def test_every_declared_check_is_provoked_here() -> None:
    assert {family(key) for key in EVERY} == {family(c.check) for c in CASES}


def test_every_term_of_every_method_is_watched_for_strength_fights_and_finiteness() -> None:
    for key in tuple(method.keys()):
        for term in method.find(key).terms:
            name = f"{key}.{term.name}"
            reaching = {f"too-strong:{name}", f"idle:{name}", f"fight:{name}"}
            assert f"nonfinite:{name}" in EVERY
            assert reaching & set(EVERY) == (set() if term.own else reaching)


def test_no_two_checks_share_a_key() -> None:
    assert len(EVERY) == len(checks.ALL) + sum(len(method.find(k).checks) for k in tuple(method.keys()))


def asked(check: str, evidence: dict[str, list[tuple[int, float]]], **more: Any) -> Found | None:
    experiment = Experiment.model_validate({"methods": {"kd": {}}, "teacher": {"net": "resnet20"}, **more})
    return EVERY[check].look(evidence, experiment.model_dump())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0, 200.0])
def test_the_temperature_offered_is_another_one_in_the_direction_the_finding_names(temperature: float) -> None:
    stack = {"kd": {"temperature": temperature}, "dkd": {"temperature": 2 * temperature}}
    for check, share, sign in (("nearly-uniform", 0.995, -1), ("nearly-one-hot", 0.01, 1)):
        found = asked(check, {"entropy_teacher": [(1, share)]}, methods=stack)
        assert found is not None and len(found.fix) == 2
        for path, offered in found.fix.items():
            assert sign * (offered - stack[path.split(".")[1]]["temperature"]) > 0


def test_a_temperature_out_of_bounds_is_not_offered() -> None:
    found = asked("nearly-one-hot", {"entropy_teacher": [(1, 0.01)]}, methods={"kd": {"temperature": 1000.0}})
    assert found is not None and found.fix == {}


def test_a_fight_says_over_what_it_was_judged() -> None:
    within = asked("fight:kd.kl", {"cosine/kd.kl": [(1, 0.9), *[(2, -0.3)] * 3]})
    across = asked("fight:kd.kl", {"cosine/kd.kl": [(1, -0.3), (2, -0.3), (3, -0.3)]})
    assert within is not None and "-0.30 in the last epoch" in within.sentence
    assert across is not None and "-0.30 in the last 3 checks" in across.sentence


def test_the_offered_weight_would_give_a_fifth_of_the_gradient() -> None:
    found = asked("too-strong:kd.kl", {"share/kd.kl": [(1, 0.95)] * 3})
    assert found is not None
    factor = found.fix["methods.kd.weight"] / 0.9
    assert 0.95 * factor / (0.95 * factor + 0.05) == pytest.approx(0.2, abs=1e-3)


def test_a_share_of_one_offers_no_weight_it_cannot_reckon() -> None:
    found = asked("too-strong:kd.kl", {"share/kd.kl": [(1, 1.0)] * 3})
    assert found is not None and found.fix == {}


def test_in_full_precision_a_non_finite_term_offers_a_lower_learning_rate() -> None:
    found = asked("nonfinite:kd.kl", {"nonfinite/kd.kl": [(1, 1.0)]}, run={"precision": "float32"})
    assert found is not None and found.fix == {"training.learning_rate": 0.005}


def test_a_fight_is_judged_over_an_epoch_where_one_has_enough_measurements() -> None:
    early, late = [(1, -0.9)] * 5, [(2, 0.1), (2, 0.2), (2, -0.9)]
    assert asked("fight:kd.kl", {"cosine/kd.kl": [*early, *late]}) is None
    assert asked("fight:kd.kl", {"cosine/kd.kl": [*early, *[(2, -0.3)] * 3]}) is not None


def test_soft_labels_of_a_method_are_judged_by_its_own_checks() -> None:
    assert asked("nearly-uniform", {"entropy_teacher": [(1, 0.999)]}, teacher={"net": "none"}) is None


def test_a_small_data_set_gets_its_updates_before_its_autoencoder_is_blamed() -> None:
    def after(updates: float, epoch: int) -> Found | None:
        evidence = {"reffakd.updates": [(epoch, updates)], "reffakd.explained": [(epoch, 0.0)]}
        return asked("reffakd.learned-nothing", evidence, methods={"reffakd": {"epochs": 12}})

    assert after(33, 3) is None
    assert after(900, 2) is None
    assert after(600, 3) is not None
    assert after(132, 12) is not None


def test_noise_matching_that_keeps_nothing_or_was_started_anew_gets_another_fix() -> None:
    def after(mean: float, **settings: Any) -> dict[str, Any]:
        evidence = {"diffkd.gamma_mean": [(e, mean) for e in (1, 2, 3)], "diffkd.gamma_spread": [(e, 0.1) for e in (1, 2, 3)]}
        found = asked("diffkd.gamma-collapsed:features", evidence, methods={"diffkd": settings})
        assert found is not None
        return found.fix

    assert after(0.01) == {"methods.diffkd.gamma_start": 0.9}
    assert after(0.01, gamma_start=0.9) == {"methods.diffkd.noise_matching": False}
    assert after(0.995, gamma_start=0.33) == {"methods.diffkd.noise_matching": False}
    assert after(0.995, start=200) == {"methods.diffkd.gamma_start": 0.58}


def test_a_fixed_projection_as_wide_as_it_can_be_is_given_up() -> None:
    evidence = {"diffkd.width": [(0, 64.0)], "diffkd.channels": [(0, 64.0)], "diffkd.explained": [(e, 0.5) for e in (1, 2, 3)]}
    fixes = {}
    for compression in ("pca", "linear"):
        found = asked("diffkd.compression-loses", evidence, methods={"diffkd": {"compression": compression, "width": 64}})
        assert found is not None
        fixes[compression] = found.fix
    assert fixes == {"pca": {"methods.diffkd.compression": "none"}, "linear": {"methods.diffkd.width": 128}}


def test_a_matched_control_is_not_told_that_it_is_label_smoothing() -> None:
    evidence = {"reffakd.kl_to_smoothing": [(1, 1e-5)]}
    assert asked("reffakd.only-smoothing", evidence, methods={"reffakd": {"control": "label smoothing"}}) is None
