"""Experiments that cannot run as a whole, and those that surprise: each rule provoked, and left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from safetensors.numpy import save_file
from small_catalogue import CATALOGUE

from engine import rules
from engine.experiment import Experiment


def experiment(**settings: Any) -> Experiment:
    """An experiment from dotted settings; `teacher.net` is none unless said."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        section, _, name = path.partition("__")
        if name:
            tree.setdefault(section, {})[name] = value
        else:
            tree[section] = value
    return Experiment.model_validate(tree)


def refused(**settings: Any) -> list[tuple[str, str]]:
    return [(p.path, p.sentence) for p in rules.problems(experiment(**settings), CATALOGUE)]


def warned(**settings: Any) -> list[tuple[str, str]]:
    return [(p.path, p.sentence) for p in rules.warnings(experiment(**settings), CATALOGUE)]


RUN = {"student__source": "run", "student__run": "one"}
REPLACE = {"reffakd": {"mode": "replace"}}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"methods": {"reffakd": {}}},
        {"methods": {"kd": {}}, "teacher__net": "resnet20"},
        {"methods": {**REPLACE, "dkd": {}}},
        {"methods": {"reffakd": {}, "dkd": {}}, "teacher__net": "resnet20"},
        {"methods": {"features": {}}, "teacher__net": "resnet20", "student__net": "resnet8"},
        {"methods": {"kd": {}}, "teacher__net": "resnet20", "teacher__source": "scratch", "dataset__labels": False},
        {"training__schedule": "multistep", "training__milestones": [3, 5]},
        {"run__selection": "last", "dataset__holdout": 0},
        {"run__device": "cuda:1"},
        {"student__net": "lenet5", "dataset__size": 32},
        {"methods": {"kd": {"weight": 0}}, "teacher__net": "resnet20"},
        {"teacher__file": "not/used", "student__file": "not/used"},
    ],
)
def test_an_experiment_that_can_run_has_no_problem(settings: dict[str, Any]) -> None:
    assert refused(**settings) == []


@pytest.mark.parametrize(
    ("settings", "path", "said"),
    [
        ({"student__net": "resnet9"}, "student.net", "there is no net 'resnet9'; did you mean 'resnet8'?"),
        ({"teacher__net": "resnet65"}, "teacher.net", "there is no net 'resnet65'"),
        ({"dataset__name": "digit"}, "dataset.name", "there is no dataset 'digit'; did you mean 'digits'?"),
        ({"methods": {"rekd": {}}}, "methods.rekd", "there is no method 'rekd'"),
        ({"methods": {"kd": {}, "dkd": {}}}, "teacher.net", "KD and DKD learns from a teacher's logits; choose a teacher net"),
        ({"methods": {"reffakd": {}, "dkd": {}}}, "teacher.net", "DKD learns from a teacher's logits"),
        ({"methods": {"features": {}}}, "teacher.net", "FEATURES looks into a teacher net; choose one"),
        ({"methods": {**REPLACE, "features": {}, "kd": {}}}, "teacher.net", "FEATURES looks into a teacher net"),
        ({"methods": {**REPLACE, "kd": {}}, "teacher__net": "resnet20"}, "teacher.net", "both this net and REFFAKD would give"),
        ({"methods": REPLACE}, "methods.reffakd.mode", "REFFAKD offers logits here, and no method of the stack takes them"),
        ({"dataset__labels": False}, "dataset.labels", "without a method there is nothing to learn from"),
        ({"dataset__labels": False, "methods": {"reffakd": {}}}, "dataset.labels", "REFFAKD needs the labels"),
        (
            {"dataset__labels": False, "methods": {"kd": {}}, "teacher__net": "resnet20"},
            "teacher.source", "a teacher cannot be trained without labels",
        ),
        ({"methods": {"reffakd": {"soft_weight": 0.0, "ce_weight": 0.0}}}, "methods.reffakd.ce_weight", "every weight is 0"),
        ({"student__source": "file"}, "student.file", "choose the checkpoint"),
        ({"student__source": "run"}, "student.run", "name the run, or give the folder, whose student this one starts from"),
        (
            {"teacher__net": "resnet20", "teacher__source": "download"},
            "teacher.download", "no resnet20 trained on digits is known to be published; choose one of cifar10-resnet20, ",
        ),
        (
            {"teacher__net": "resnet20", "teacher__source": "download", "teacher__download": "cifar10-resnet56"},
            "teacher.download", "cifar10-resnet56 is a resnet56, not a resnet20; set teacher.net to resnet56",
        ),
        (
            {"student__net": "resnet20", "student__source": "pretrained"},
            "student.source", "pretrained weights are torchvision's, and resnet20 is none of its nets",
        ),
        (
            {"student__net": "resnet20", "student__source": "download", "student__download": "cifar10-resnet20"},
            "student.download", "cifar10-resnet20 takes colour images, those of Digits are grey",
        ),
        (
            {"student__net": "resnet20", **RUN, "student__class_order": [0, 1, 2]},
            "student.class_order", "it holds 3 positions for 10 classes",
        ),
        (
            {"student__net": "resnet20", **RUN, "student__class_order": [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]},
            "student.class_order", "position 8 stands for two classes",
        ),
        (
            {"student__net": "resnet20", **RUN, "student__normalization": "imagenet"},
            "student.normalization", "ImageNet's constants are of 3 channels, the images have 1",
        ),
        ({"student__source": "file", "student__file": "no/such.pth"}, "student.file", "there is no file 'no/such.pth'"),
        ({"teacher__net": "resnet20", "teacher__source": "file"}, "teacher.file", "choose the checkpoint"),
        ({"teacher__net": "resnet20", "teacher__source": "run"}, "teacher.run", "name the run"),
        ({"dataset__name": "folder"}, "dataset.root", "A folder is read from a folder of your own; choose it"),
        (
            {"dataset__root": "no/such/folder"},
            "dataset.root", "no folder 'no/such/folder'; choose another, or leave it empty for the folder of downloads",
        ),
        ({"dataset__name": "folder", "dataset__root": "a/b"}, "dataset.root", "there is no folder 'a/b'; choose another"),
        ({"student__net": "lenet5", "dataset__size": 28}, "dataset.size", "lenet5 takes only 32 x 32 pixels; set it to auto"),
        ({"dataset__size": 4}, "dataset.size", "resnet8 takes images from 8 x 8 pixels on"),
        ({"training__schedule": "multistep", "training__milestones": [3, 3]}, "training.milestones", "epochs must rise"),
        ({"training__nesterov": True, "training__momentum": 0}, "training.nesterov", "needs a momentum above 0"),
        ({"dataset__holdout": 0}, "run.selection", "no images are held out"),
        ({"run__device": "gpu"}, "run.device", "'gpu' is no device; write auto, cpu, cuda or cuda:1"),
    ],
)  # fmt: skip
def test_an_experiment_that_cannot_run_names_the_setting_and_a_way_out(settings: dict[str, Any], path: str, said: str) -> None:
    [(where, sentence)] = refused(**settings)
    assert where == path
    assert said in sentence


def test_a_file_that_is_there_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"")
    assert refused(student__source="file", student__file=str(tmp_path / "w.pth")) == []
    assert refused(dataset__name="folder", dataset__root=str(tmp_path)) == []


def test_the_run_that_teaches_must_be_there_and_have_a_student(tmp_path: Path) -> None:
    def said(run: str, home: Path | None) -> list[str]:
        made = experiment(teacher__net="resnet20", teacher__source="run", teacher__run=run, methods={"kd": {}})
        return [p.sentence for p in rules.problems(made, CATALOGUE, home=home)]

    assert said("first", None) == []
    assert said("first", tmp_path) == ["there is no run 'first'; name one of your runs, or give its folder"]
    assert said(str(tmp_path / "gone"), None) == [
        f"there is no run {str(tmp_path / 'gone')!r}; name one of your runs, or give its folder"
    ]
    (tmp_path / "first").mkdir()
    assert said("first", tmp_path) == ["'first' has no student.safetensors; choose a finished run"]
    held(tmp_path / "first" / "student.safetensors", "resnet20")
    assert said("first", tmp_path) == said(str(tmp_path / "first"), None) == []
    (tmp_path / "first" / "student.safetensors").write_bytes(b"")
    assert "its student cannot be used" in said("first", tmp_path)[0]


def held(path: Path, net: str) -> None:
    """A student file that says it holds a net; its weights do not matter to rules."""
    about = {"format": "kdstudio student 1", "net": json.dumps({"key": net}), "about": json.dumps({"classes": ["a", "b"]})}
    save_file({"mean": numpy.zeros(1, numpy.float32)}, path, about)


@pytest.mark.parametrize("who", ["teacher", "student"])
@pytest.mark.parametrize("source", ["run", "file"])
def test_a_student_of_another_net_is_named_while_typing(who: str, source: str, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    held(tmp_path / "first" / "student.safetensors", "resnet56")
    named = "first" if source == "run" else str(tmp_path / "first" / "student.safetensors")
    settings = {f"{who}__net": "resnet20", f"{who}__source": source, f"{who}__{source}": named}
    [problem] = rules.problems(experiment(**settings), CATALOGUE, home=tmp_path)
    assert problem.path == f"{who}.{source}"
    assert problem.sentence == f"it holds a resnet56, not a resnet20; set {who}.net to resnet56, or choose another one"


def test_runs_that_stand_on_each_other_are_refused_with_the_circle(tmp_path: Path) -> None:
    for name, other in (("first", "second"), ("second", "third"), ("third", "first")):
        (tmp_path / name).mkdir()
        stored = f"kdstudio: 1\nteacher: {{net: resnet8, source: run, run: {other}}}\nstudent: {{net: resnet8}}\n"
        (tmp_path / name / "experiment.yaml").write_text(stored, encoding="utf-8")
        held(tmp_path / name / "student.safetensors", "resnet20")
    made = experiment(teacher__net="resnet20", teacher__source="run", teacher__run="second", methods={"kd": {}})
    [problem] = rules.problems(made, CATALOGUE, home=tmp_path)
    assert problem.path == "teacher.run"
    assert "in a circle (second -> third -> first -> second)" in problem.sentence
    (tmp_path / "first" / "experiment.yaml").write_text("kdstudio: 1\nstudent: {net: resnet8}\n", encoding="utf-8")
    assert rules.problems(made, CATALOGUE, home=tmp_path) == ()


def test_more_threads_than_cores_are_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert warned(run__threads=4) == []
    assert warned(run__threads=5) == [("run.threads", "this machine has 4 cores: 5 threads get in each other's way; use auto")]


def test_images_that_become_the_test_set_are_not_counted_as_training_images() -> None:
    undivided = replace(CATALOGUE.datasets["digits"], train_images=1000, test_images=0)
    catalogue = replace(CATALOGUE, datasets={**CATALOGUE.datasets, "digits": undivided})
    [warning] = rules.warnings(experiment(training__batch_size=900), catalogue)
    assert "only about 720 training images" in warning.sentence


def test_two_nets_that_take_different_sides_only_are_refused() -> None:
    other = replace(CATALOGUE.nets["lenet5"], key="lenet28", title="lenet28", exact=28)
    catalogue = replace(CATALOGUE, nets={**CATALOGUE.nets, "lenet28": other})
    made = experiment(student__net="lenet5", teacher__net="lenet28", methods={"kd": {}})
    [problem] = rules.problems(made, catalogue)
    assert "lenet5 takes only 32 x 32 and lenet28 takes only 28 x 28 pixels" in problem.sentence


def test_two_methods_that_both_offer_logits_are_refused() -> None:
    other = replace(CATALOGUE.methods["reffakd"], key="other", title="OTHER")
    catalogue = replace(CATALOGUE, methods={**CATALOGUE.methods, "other": other})
    made = experiment(methods={**REPLACE, "other": {"mode": "replace"}, "dkd": {}})
    [problem] = rules.problems(made, catalogue)
    assert (problem.path, "REFFAKD and OTHER would all give" in problem.sentence) == ("methods.other", True)


@pytest.mark.parametrize(
    ("settings", "path", "said"),
    [
        (
            {"training__schedule": "multistep", "training__milestones": [3, 30]},
            "training.milestones", "the drop after epoch 30 never comes: training has 30 epochs",
        ),
        (
            {"training__schedule": "multistep", "training__milestones": [3], "training__epochs": 1},
            "training.milestones", "the drop after epoch 3 never comes: training has 1 epoch",
        ),
        ({"training__schedule": "multistep", "training__milestones": []}, "training.milestones", "learning rate never drops"),
        ({"training__warmup_epochs": 30}, "training.warmup_epochs", "never reaches its peak"),
        ({"run__evaluate_every": 31}, "run.evaluate_every", "only the last epoch is evaluated"),
        (
            {"training__label_smoothing": 0.1, "methods": {"reffakd": {"ce_weight": 0.0}}},
            "training.label_smoothing", "has no effect: the labels have no weight",
        ),
        ({"teacher__net": "resnet20"}, "teacher.net", "no method learns from this teacher"),
        ({"training__batch_size": 2000}, "training.batch_size", "only about 1293 training images"),
        ({"training__drop": 0.5}, "training.drop", "has no effect unless schedule is multistep"),
        (
            {"methods": {"reffakd": {"mode": "replace", "soft_weight": 0.7}, "dkd": {}}},
            "methods.reffakd.soft_weight", "has no effect unless mode is add",
        ),
    ],
)  # fmt: skip
def test_an_experiment_that_surprises_is_warned_of(settings: dict[str, Any], path: str, said: str) -> None:
    assert refused(**settings) == []
    [(where, sentence)] = warned(**settings)
    assert where == path
    assert said in sentence


def test_the_defaults_surprise_nobody() -> None:
    assert warned() == []
    assert warned(methods={"kd": {}}, teacher__net="resnet20") == []
    assert warned(student__net="resnet9") == []


@pytest.mark.parametrize(
    ("methods", "weight"),
    [
        ({}, 1.0),
        ({"kd": {}}, 0.1),
        ({"reffakd": {}, "kd": {}}, 0.5),
        ({"reffakd": {}, "kd": {"ce_weight": 0.3}}, 0.3),
        ({"kd": {"ce_weight": 0.0}, "reffakd": {"ce_weight": 2.0}}, 0.0),
        ({"kd": {"ce_weight": None}, "reffakd": {}}, 0.1),
    ],
)
def test_the_first_method_that_says_so_decides_the_weight_of_the_labels(methods: dict[str, Any], weight: float) -> None:
    assert rules.ce_weight(experiment(methods=methods), CATALOGUE) == weight
    assert rules.ce_weight(experiment(methods=methods, dataset__labels=False), CATALOGUE) == 0.0
