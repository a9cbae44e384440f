"""Control runs: which exist for an experiment, and that they differ in what they are called after and in nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from small_catalogue import CATALOGUE

from engine import presets, rules
from engine.extras import catalogue
from engine.queue import AWAITED
from engine.siblings import Sibling, siblings


def controls(tree: dict[str, Any], known: Any = None) -> dict[str, Sibling]:
    known = known or catalogue()
    resolved = presets.from_tree({"title": "Mine", **tree}, "a test", catalogue=known)
    return {s.title: s for s in siblings(resolved, catalogue=known)}


TAUGHT: dict[str, Any] = {"teacher": {"net": "resnet20"}, "run": {"seed": 5, "repeats": 3}}


def test_labels_alone_has_neither_teacher_nor_methods_and_the_same_seeds() -> None:
    found = controls(TAUGHT | {"methods": {"kd": {}}})["labels alone"].resolved.experiment
    assert (found.teacher.net, found.methods, found.run.seed, found.run.repeats) == ("none", {}, 5, 3)
    assert found.title == "labels alone · Mine"


def test_an_experiment_on_labels_alone_has_no_controls() -> None:
    assert controls({}) == {}


def test_without_labels_there_are_no_labels_alone() -> None:
    assert "labels alone" not in controls(TAUGHT | {"methods": {"kd": {}}, "dataset": {"labels": False}})


def test_the_controls_that_methods_declare_are_offered_for_them_alone() -> None:
    soft = controls({"methods": {"reffakd": {}}})
    assert {"matched label smoothing", "shuffled soft labels", "untrained encoder"} <= set(soft)
    assert soft["shuffled soft labels"].resolved.experiment.methods["reffakd"]["control"] == "shuffled"
    assert "no denoising" not in soft
    assert "no denoising" in controls(TAUGHT | {"methods": {"diffkd": {}}})


def test_methods_on_logits_have_matched_smoothing_and_shuffled_labels_for_the_whole_stack() -> None:
    found = controls(TAUGHT | {"methods": {"kd": {}, "dkd": {}, "at": {}}})
    for title, value in (("matched label smoothing", "label smoothing"), ("shuffled soft labels", "shuffled")):
        methods = found[title].resolved.experiment.methods
        assert {key: given.get("control") for key, given in methods.items()} == {"kd": value, "dkd": value, "at": None}
    assert "matched label smoothing" not in controls(TAUGHT | {"methods": {"at": {}}})


def test_soft_label_controls_want_labels() -> None:
    free = TAUGHT | {"teacher": {"net": "resnet20", "source": "scratch"}, "dataset": {"labels": False}}
    assert "shuffled soft labels" not in controls(free | {"methods": {"kd": {"ce_weight": 0}}})


def test_a_layer_without_supervision_takes_it_from_all_its_layers() -> None:
    both = controls(TAUGHT | {"methods": {"letkd": {"layers": "both", "templates": 64}}})
    changed = both["KD layer without supervision"].resolved.experiment.methods["letkd"]
    assert (changed["penult"], changed["inter"]) == ("none", "none")
    last = controls(TAUGHT | {"methods": {"letkd": {"templates": 64}}})
    changed = last["KD layer without supervision"].resolved.experiment.methods["letkd"]
    assert (changed["penult"], changed.get("inter")) == ("none", None)


def test_a_control_that_the_experiment_is_already_is_not_offered() -> None:
    assert "shuffled soft labels" not in controls({"methods": {"reffakd": {"control": "shuffled"}}})
    scratch = TAUGHT | {"teacher": {"net": "resnet20", "source": "scratch"}, "methods": {"kd": {}}}
    assert "untrained teacher" not in controls(scratch)
    assert "untrained teacher" in controls(TAUGHT | {"methods": {"kd": {}}})


def test_a_quantized_student_has_a_full_precision_twin() -> None:
    tree = TAUGHT | {"methods": {"kd": {}}, "student": {"quantize": {"weights": 4, "activations": 4}}}
    twin = controls(tree)["full-precision twin"].resolved.experiment.student.quantize
    assert (twin.weights, twin.activations) == (32, 32)


def test_each_term_is_left_out_in_turn_and_the_labels_too() -> None:
    found = controls(TAUGHT | {"methods": {"kd": {}, "dkd": {}}}, CATALOGUE)
    assert found["without KD's kl"].resolved.experiment.methods["kd"]["weight"] == 0
    assert found["without DKD's nckd"].resolved.experiment.methods["dkd"]["beta"] == 0
    alone = found["without the labels"].resolved.experiment
    assert rules.ce_weight(alone, CATALOGUE) == 0


def test_one_term_beside_the_labels_is_left_out_by_the_labels_alone() -> None:
    found = controls(TAUGHT | {"methods": {"kd": {}}}, CATALOGUE)
    assert "without the labels" in found
    assert not [title for title in found if title.startswith("without KD")]


def test_published_figures_are_not_carried_over() -> None:
    tree = TAUGHT | {"methods": {"kd": {}}, "expected": {"top1": 90.0, "source": "a paper"}}
    assert controls(tree)["labels alone"].resolved.experiment.expected is None


def test_a_teacher_that_is_still_to_come_is_taken_as_made() -> None:
    tree = {"teacher": {"net": "resnet20", "source": "run", "run": f"{AWAITED}abc"}, "methods": {"kd": {}, "dkd": {}}}
    found = controls(tree)
    assert any(title.startswith("without DKD's") for title in found)
    assert found["labels alone"].resolved.experiment.teacher.net == "none"


@pytest.mark.parametrize("name", [p.name for p in presets.names(("experiments",)) if p.shipped and not p.problem])
def test_every_control_of_a_shipped_experiment_can_run(name: str) -> None:
    resolved = presets.resolve(name)
    for sibling in siblings(resolved):
        other = sibling.resolved.experiment
        assert (other.run, other.dataset, other.training) == (
            resolved.experiment.run, resolved.experiment.dataset, resolved.experiment.training
        )  # fmt: skip
        assert not rules.problems(other)
