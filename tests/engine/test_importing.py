"""Configs of mdistiller as presets: every key is used, set aside with a reason, or listed as not understood."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import importing, presets
from engine.cli import cli
from engine.extras import catalogue
from engine.importing import Imported
from engine.presets import PresetError

SOLVER = """
SOLVER:
  BATCH_SIZE: 64
  EPOCHS: 240
  LR: 0.05
  LR_DECAY_STAGES: [150, 180, 210]
  LR_DECAY_RATE: 0.1
  WEIGHT_DECAY: 0.0005
  MOMENTUM: 0.9
  TYPE: "SGD"
"""


def config(kind: str, teacher: str = "resnet56", student: str = "resnet20", more: str = "", solver: str = SOLVER) -> str:
    distiller = f'DISTILLER:\n  TYPE: "{kind}"\n  TEACHER: "{teacher}"\n  STUDENT: "{student}"'
    return f'EXPERIMENT:\n  NAME: ""\n  TAG: "a,b"\n  PROJECT: "cifar100_baselines"\n{distiller}{solver}{more}\n'


def brought(tmp_path: Path, text: str) -> Imported:
    path = tmp_path / "their.yaml"
    path.write_text(text, encoding="utf-8")
    return importing.read(path)


def resolved(found: Imported) -> presets.Resolved:
    return presets.from_tree(found.tree, "imported")


@pytest.mark.parametrize("kind", ["KD", "DKD", "AT", "RKD", "FITNET", "CRD"])
def test_a_published_recipe_is_the_shipped_preset_of_the_same_pair(tmp_path: Path, kind: str) -> None:
    more = {"DKD": "DKD:\n  BETA: 2.0\n"}.get(kind, "")
    found = brought(tmp_path, config(kind, more=more))
    shipped = presets.resolve(f"experiments/cifar100-resnet56-resnet20-{kind.lower()}").experiment
    mine = resolved(found).experiment
    assert found.left == ()
    assert (mine.dataset, mine.student, mine.training, mine.run) == (
        shipped.dataset,
        shipped.student,
        shipped.training,
        shipped.run,
    )
    assert (mine.teacher.net, mine.teacher.source) == ("resnet56", "download")
    assert "cifar100-resnet56" in found.notes[0]
    key = kind.lower()
    own, theirs = (presets.method_settings(each, key) for each in (mine, shipped))
    own["stage"] = "auto" if own.get("stage") == 2 else own.get("stage")  # the second is what auto comes to
    assert {**theirs, "stage": theirs.get("stage")} == own


def test_labels_alone_need_no_teacher(tmp_path: Path) -> None:
    found = brought(tmp_path, config("NONE"))
    experiment = resolved(found).experiment
    assert experiment.teacher.net == "none" and experiment.methods == {}
    assert [left.key for left in found.aside if left.key.startswith("DISTILLER")] == ["DISTILLER.TEACHER"]
    assert found.title == "Labels alone to resnet20 on cifar100 (mdistiller)"
    assert found.name == "experiments/labels-alone-to-resnet20-on-cifar100-mdistiller"


def test_what_a_file_does_not_say_is_mdistillers_default_and_not_ours(tmp_path: Path) -> None:
    found = brought(tmp_path, 'DISTILLER:\n  TYPE: "DKD"\n')
    experiment = resolved(found).experiment
    assert experiment.training.weight_decay == 1e-4 and experiment.training.epochs == 240
    assert (experiment.teacher.net, experiment.student.net) == ("resnet50", "resnet32")
    assert presets.method_settings(experiment, "dkd")["beta"] == 8.0


def test_keys_that_were_not_understood_are_listed_with_line_and_reason(tmp_path: Path) -> None:
    text = config("KD", solver=SOLVER + '  TRAINER: "dot"\n  DOT:\n    DELTA: 0.075\n', more="KD:\n  TEMPRATURE: 3\n")
    found = brought(tmp_path, text)
    lines = text.splitlines()
    said = {left.key: left for left in found.left}
    assert set(said) == {"SOLVER.TRAINER", "SOLVER.DOT.DELTA", "KD.TEMPRATURE"}
    assert all(lines[left.line - 1].split(":")[0].strip() == key.rpartition(".")[2] for key, left in said.items())
    assert str(said["SOLVER.TRAINER"]) == (
        f"SOLVER.TRAINER = dot (line {said['SOLVER.TRAINER'].line}): there is no such trainer here; the preset trains as usual"
    )
    assert "Not understood: SOLVER.TRAINER, SOLVER.DOT.DELTA, KD.TEMPRATURE." in resolved(found).experiment.notes


def test_logging_and_sections_of_other_methods_change_nothing(tmp_path: Path) -> None:
    found = brought(tmp_path, config("KD", more="LOG:\n  TENSORBOARD_FREQ: 50\nDATASET:\n  NUM_WORKERS: 8\nAT:\n  P: 3\n"))
    assert found.left == ()
    assert {left.key: left.sentence for left in found.aside}["AT.P"] == "belongs to AT, which this config does not use"


def test_a_value_that_cannot_be_is_left_out_and_says_why(tmp_path: Path) -> None:
    found = brought(
        tmp_path, config("KD", solver=SOLVER.replace("EPOCHS: 240", "EPOCHS: many"), more="KD:\n  TEMPERATURE: -1\n")
    )
    assert resolved(found).experiment.training.epochs == 30
    said = {left.key: left.sentence for left in found.left}
    assert said["SOLVER.EPOCHS"] == "'many' is not a whole number; the preset has kdstudio's own value"
    assert said["KD.TEMPERATURE"].startswith("-1 is outside the bounds")


@pytest.mark.parametrize(("theirs", "ours"), [("vgg13", "vgg13"), ("wrn_40_2", "wrn40-2"), ("ShuffleV2", "shufflenetv2"),
                                              ("MobileNetV2", "mobilenetv2-half"), ("ResNet18", "resnet18")])  # fmt: skip
def test_their_names_of_nets_are_ours(tmp_path: Path, theirs: str, ours: str) -> None:
    assert resolved(brought(tmp_path, config("KD", student=theirs))).experiment.student.net == ours


def test_every_net_and_setting_of_the_tables_exists_here() -> None:
    from engine.importing import mdistiller_keys as keys

    known = catalogue()
    assert set(keys.CIFAR_NETS.values()) <= set(known.nets)
    for kind, settings in keys.METHODS.items():
        names = {spec.name for spec in known.methods[settings.key].settings} | {"ce_weight"}
        assert set(settings.settings.values()) <= names
        assert all(f"{kind}.{name}" in keys.DEFAULTS for name in settings.settings)


def test_a_net_and_a_method_that_are_not_here_are_said_and_the_rest_comes_along(tmp_path: Path) -> None:
    found = brought(tmp_path, config("REVIEWKD", student="DenseNet", more="REVIEWKD:\n  WARMUP_EPOCHS: 5\n"))
    assert [left.key for left in found.left] == ["DISTILLER.TYPE", "DISTILLER.STUDENT", "REVIEWKD.WARMUP_EPOCHS"]
    assert resolved(found).experiment.training.epochs == 240


def test_a_teacher_that_lies_near_the_file_is_taken_and_one_that_nobody_published_is_asked_for(tmp_path: Path) -> None:
    found = brought(tmp_path, config("KD", teacher="vgg13"))
    assert found.tree["teacher"]["source"] == "file"
    assert "download_ckpts/cifar_teachers/vgg13_vanilla/ckpt_epoch_240.pth" in found.notes[0]
    checkpoint = tmp_path / "download_ckpts" / "cifar_teachers" / "resnet56_vanilla" / "ckpt_epoch_240.pth"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    (tmp_path / "configs" / "cifar100").mkdir(parents=True)
    near = brought(tmp_path / "configs" / "cifar100", config("KD"))
    assert near.tree["teacher"]["file"] == str(checkpoint) and near.tree["teacher"]["normalization"] == "cifar100"


def test_imagenet_takes_torchvisions_nets_and_teacher(tmp_path: Path) -> None:
    text = config("AT", "ResNet34", "ResNet18", 'DATASET:\n  TYPE: "imagenet"\n')
    found = brought(tmp_path, text)
    tree = found.tree
    assert tree["teacher"] == {"net": "torchvision.resnet34", "source": "pretrained"}
    assert tree["student"]["net"] == "torchvision.resnet18"
    assert tree["dataset"]["name"] == "folder" and tree["dataset"]["resized_crop"] == 0.08


def test_a_stem_as_hint_and_weights_over_weights_are_said(tmp_path: Path) -> None:
    stem = brought(tmp_path, config("FITNET", more="FITNET:\n  HINT_LAYER: 0\n"))
    assert [left.key for left in stem.left] == ["FITNET.HINT_LAYER"]
    over = brought(tmp_path, config("RKD", more="RKD:\n  LOSS:\n    FEAT_WEIGHT: 2\n"))
    assert over.tree["methods"]["rkd"]["distance"] == 50 and over.tree["methods"]["rkd"]["angle"] == 100


def test_logit_standardization_of_the_project_that_took_the_format_over_comes_first_in_the_stack(tmp_path: Path) -> None:
    found = brought(tmp_path, config("KD").replace("EXPERIMENT:\n", "EXPERIMENT:\n  LOGIT_STAND: True\n"))
    assert list(resolved(found).experiment.methods) == ["logit_standardization", "kd"] and found.left == ()


def test_a_preset_from_elsewhere_is_brought_in_too_and_anything_else_is_refused(tmp_path: Path) -> None:
    own = brought(tmp_path, "title: Mine\nextends: [experiments/digits-kd]\ntraining: {epochs: 3}\n")
    assert own.tree["extends"] == ["experiments/digits-kd"] and own.title == "Mine"
    with pytest.raises(PresetError, match="is neither a preset of kdstudio"):
        brought(tmp_path, "a: 1\n")
    with pytest.raises(PresetError, match="is indented with a tab"):
        brought(tmp_path, "DISTILLER:\n\tTYPE: KD\n")
    with pytest.raises(PresetError, match="cannot be read"):
        importing.read(tmp_path / "nowhere.yaml")


def test_the_terminal_keeps_a_preset_and_lists_what_it_did_not_understand(tmp_path: Path) -> None:
    path = tmp_path / "their.yaml"
    path.write_text(config("KD", more="KD:\n  NOISE: 1\n"), encoding="utf-8")
    done = CliRunner().invoke(cli, ["import", str(path), "--name", "experiments/their-own"])
    assert done.exit_code == 0 and "KD.NOISE = 1" in done.stderr and "not known" in done.stderr
    assert "kdstudio train experiments/their-own" in done.stdout
    assert presets.resolve("experiments/their-own").experiment.student.net == "resnet20"
    again = CliRunner().invoke(cli, ["import", str(path), "--name", "experiments/their-own"])
    assert again.exit_code == 2 and "there is a preset 'experiments/their-own' already" in again.stderr
    shown = CliRunner().invoke(cli, ["import", str(path), "--print"])
    assert "resnet20" in shown.stdout and shown.exit_code == 0
    presets.path_for("experiments/their-own").unlink()


def test_without_a_name_a_free_one_is_found(tmp_path: Path) -> None:
    found = brought(tmp_path, config("KD"))
    first, second = importing.keep(found), importing.keep(found)
    assert second.stem == f"{first.stem}-2"
    first.unlink()
    second.unlink()
