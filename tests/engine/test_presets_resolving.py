"""Overlays on overlays: whose value stands, who decided it, and every way a preset is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_catalogue import CATALOGUE

from engine import presets
from engine.experiment import SCHEMA
from engine.presets.dialect import parse
from engine.presets.problems import PresetError, Problem
from engine.presets.schema import migrated

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def resolve(preset: str | Path, *sets: str, **form: Any) -> presets.Resolved:
    return presets.resolve(preset, sets, {k.replace("__", "."): v for k, v in form.items()}, catalogue=CATALOGUE)


def refused(preset: str | Path, *sets: str, **form: Any) -> tuple[Problem, ...]:
    with pytest.raises(PresetError) as caught:
        resolve(preset, *sets, **form)
    return caught.value.problems


def test_an_empty_preset_is_the_defaults(write: Write) -> None:
    found = resolve(write("x.yaml", ""))
    assert found.experiment.training.epochs == 30
    assert set(found.origins.values()) == {"default"}


def test_each_layer_overrules_the_one_below_and_is_named_as_origin(write: Write) -> None:
    low = write("low.yaml", "training: {epochs: 1, batch_size: 1, learning_rate: 1, drop: 0.2, momentum: 0.1}")
    high = write("high.yaml", "training: {epochs: 2, batch_size: 2, learning_rate: 2, drop: 0.3}")
    top = write("top.yaml", "extends: [low.yaml, high.yaml]\ntraining: {epochs: 3, batch_size: 3, learning_rate: 3}")
    found = resolve(top, "training.epochs=5", training__epochs=4, training__batch_size=4)
    training, origins = found.experiment.training, found.origins
    assert (training.epochs, origins["training.epochs"]) == (5, "--set")
    assert (training.batch_size, origins["training.batch_size"]) == (4, "you")
    assert (training.learning_rate, origins["training.learning_rate"]) == (3, str(top))
    assert (training.drop, origins["training.drop"]) == (0.3, str(high))
    assert (training.momentum, origins["training.momentum"]) == (0.1, str(low))
    assert origins["training.weight_decay"] == "default"


def test_what_an_extended_preset_extends_lies_below_it(write: Write) -> None:
    write("deep/a.yaml", "run: {seed: 1, repeats: 2}")
    write("deep/b.yaml", "extends: [a.yaml]\nrun: {seed: 2}")
    found = resolve(write("c.yaml", "extends: [./deep/b.yaml]"))
    assert (found.experiment.run.seed, found.experiment.run.repeats) == (2, 2)


def test_title_and_notes_are_not_inherited_but_expected_is(write: Write) -> None:
    write("a.yaml", "title: A\nnotes: of A\nexpected: {top1: 70, source: a paper}")
    found = resolve(write("b.yaml", "extends: [a.yaml]")).experiment
    assert (found.title, found.notes) == ("", "")
    assert found.expected is not None and found.expected.top1 == 70
    assert resolve(write("c.yaml", "extends: [a.yaml]\nexpected: null")).experiment.expected is None


def test_the_later_methods_decide_membership_and_order_and_settings_merge_by_key(write: Write) -> None:
    write("a.yaml", "methods: {kd: {temperature: 2, weight: 3}, dkd: {beta: 5}}")
    found = resolve(write("b.yaml", "extends: [a.yaml]\nmethods: {reffakd: {}, kd: {weight: 7}}"))
    assert list(found.experiment.methods) == ["reffakd", "kd"]
    assert found.experiment.methods["kd"] == {"temperature": 2, "weight": 7}
    assert "methods.dkd.beta" not in found.origins


def test_methods_without_settings_may_be_left_empty(write: Write) -> None:
    assert resolve(write("a.yaml", "methods:\n  dkd:\n  reffakd: {}\n")).experiment.methods == {"dkd": {}, "reffakd": {}}
    assert resolve(write("b.yaml", "methods:\ntraining:\n")).experiment.methods == {}


def test_an_empty_stack_in_a_later_overlay_takes_every_method_out(write: Write) -> None:
    write("a.yaml", "methods: {kd: {}}")
    assert resolve(write("b.yaml", "extends: [a.yaml]\nmethods: {}")).experiment.methods == {}


def test_defaults_for_a_method_count_only_when_it_is_in_the_stack(write: Write) -> None:
    write("pair.yaml", "defaults_for: {dkd: {beta: 2}, kd: {temperature: 9}}")
    found = resolve(write("x.yaml", "extends: [pair.yaml]\nmethods: {dkd: {}}"))
    assert found.experiment.methods == {"dkd": {"beta": 2}}
    assert found.origins["methods.dkd.beta"].endswith("pair.yaml")
    assert resolve(write("y.yaml", "extends: [pair.yaml]\nmethods: {dkd: {beta: 3}}")).experiment.methods["dkd"]["beta"] == 3


def test_settings_equal_to_the_methods_default_are_not_repeated_but_keep_their_origin(write: Write) -> None:
    path = write("x.yaml", "methods: {kd: {temperature: 4, weight: 1}}")
    found = resolve(path)
    assert found.experiment.methods == {"kd": {"weight": 1.0}}
    assert found.origins["methods.kd.temperature"] == str(path)


def test_every_setting_of_a_method_can_be_asked_for(write: Write) -> None:
    found = resolve(write("x.yaml", "methods: {dkd: {beta: 2, ce_weight: 3}}")).experiment
    assert presets.method_settings(found, "dkd", catalogue=CATALOGUE) == {"beta": 2.0, "warmup": 20, "ce_weight": 3.0}


def test_the_weight_of_the_labels_can_be_unset_again(write: Write) -> None:
    write("a.yaml", "methods: {kd: {ce_weight: 3}}")
    assert resolve(write("b.yaml", "extends: [a.yaml]\nmethods: {kd: {ce_weight: null}}")).experiment.methods == {"kd": {}}


def test_set_and_form_reach_methods(write: Write) -> None:
    path = write("x.yaml", "methods: {kd: {}}")
    found = resolve(path, "methods.dkd={beta: 3}", "methods.dkd.warmup=7", methods__kd__weight=0.5)
    assert found.experiment.methods == {"kd": {"weight": 0.5}, "dkd": {"beta": 3.0, "warmup": 7}}
    assert found.origins["methods.kd.weight"] == "you"
    assert found.origins["methods"] == found.origins["methods.dkd.beta"] == "--set"
    assert list(resolve(path, "methods={dkd: {}, kd: {}}").experiment.methods) == ["dkd", "kd"]
    assert list(resolve(path, methods={"reffakd": {}}).experiment.methods) == ["reffakd"]


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("title=2024", "title", "2024"), ("title=KD: a first try # 3", "title", "KD: a first try # 3"),
        ("dataset.root=", "dataset.root", ""), ("dataset.root=~/images", "dataset.root", "~/images"),
        ("run.threads=auto", "run.threads", "auto"), ("training.learning_rate=5e-4", "training.learning_rate", 5e-4),
        ("training.milestones=[3, 5]", "training.milestones", [3, 5]), ("dataset.labels=false", "dataset.labels", False),
    ],
)  # fmt: skip
def test_set_reads_texts_as_they_stand_and_the_rest_as_yaml(write: Write, text: str, path: str, value: Any) -> None:
    found: Any = resolve(write("x.yaml", ""), text).experiment
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("trainig: {}", 1, 1, "trainig: a preset has no such key; did you mean 'training'?"),
        ("epochs: 3", 1, 1, "it is a setting of teacher and of training"),
        ("kd: {}", 1, 1, "it is a method: write it under `methods`"),
        ("training.epochs: 3", 1, 1, "dots belong to --set"),
        ("training:\n  epoch: 3", 2, 3, "training.epoch: training has no such setting; did you mean 'epochs'?"),
        ("run: {weight_decay: 0}", 1, 7, "run has no such setting; it is a setting of teacher and of training"),
        ("student: {zzzz: 0}", 1, 11, "student has no such setting; there are net, source, file"),
        ("training: {epochs: 0}", 1, 20, "0 is outside the bounds: at least 1 and at most 10000 epochs"),
        ("training: {epochs: 3.5}", 1, 20, "3.5 is not a whole number"),
        ("training: {nesterov: on}", 1, 22, "'on' is not true or false"),
        ("training: {schedule: cosin}", 1, 22, "did you mean 'cosine'?"),
        ("training: {milestones: [5, x]}", 1, 24, "is not a list of whole numbers"),
        ("training: {learning_rate: .inf}", 1, 27, "inf is not finite"),
        ("dataset: {size: big}", 1, 17, "'big' is neither a whole number nor 'auto'"),
        ("dataset: digits", 1, 10, "'digits' is not a mapping of settings"),
        ("dataset: {name: digit}", 1, 17, "there is no dataset 'digit'; did you mean 'digits'?"),
        ("teacher: {net: zzz}", 1, 16, "there is no net 'zzz'; there are lenet5, none, resnet20, resnet56, resnet8"),
        ("student: {net: none}", 1, 16, "there is no net 'none'"),
        ("methods: kd", 1, 10, "is not a mapping from a method to its settings"),
        ("methods: {kdd: {}}", 1, 11, "there is no method 'kdd'; did you mean 'kd'?"),
        ("methods: {dkd: 3}", 1, 16, "3 is not a mapping of settings; write {} for the defaults"),
        ("methods: {dkd: {betta: 3}}", 1, 17, "dkd has no such setting; did you mean 'beta'?"),
        ("methods: {dkd: {beta: -3}}", 1, 23, "-3 is outside the bounds"),
        ("methods: {reffakd: {gamma: otto}}", 1, 28, "'otto' is neither a number nor 'auto'"),
        ("defaults_for: {dkd: {betta: 3}}", 1, 22, "did you mean 'beta'?"),
        ("title: 3", 1, 8, "3 is not a text"),
        ("expected: {top1: 70}", 1, 11, "needs its number and its source"),
        ("expected: {top1: 170, source: x}", 1, 18, "at most 100 percent"),
        ("expected: 70", 1, 11, "70 is not a mapping with `top1` and `source`"),
        ("extends: datasets/digits", 1, 10, "is not a list of presets"),
        ("extends: [3]", 1, 11, "3 is not the name or the path of a preset"),
        ("extends: [nowhere.yaml]", 1, 11, "there is no preset file"),
        ("extends: [experiments/digits-refakd]", 1, 11, "did you mean 'experiments/digits-reffakd'?"),
        ("kdstudio: 99", 1, 11, "written by a newer kdstudio (schema 99, this one reads up to 2); update kdstudio"),
        ("kdstudio: one", 1, 11, "'one' is not a schema version"),
    ],
)
def test_a_preset_is_refused_with_line_column_and_a_way_out(write: Write, text: str, line: int, column: int, said: str) -> None:
    path = write("x.yaml", text)
    [problem] = refused(path)
    assert (problem.file, problem.line, problem.column) == (str(path), line, column)
    assert str(problem).startswith(f"{path}:{line}:{column}: ")
    assert said in str(problem)


def test_every_problem_of_a_file_is_told_at_once(write: Write) -> None:
    found = refused(write("x.yaml", "trainig: {}\nrun: {seed: -1}\nmethods: {kdd: {}}\n"))
    assert [p.path for p in found] == ["trainig", "run.seed", "methods.kdd"]


def test_a_problem_in_an_extended_file_names_that_file(write: Write) -> None:
    low = write("low.yaml", "run: {seed: -1}")
    [problem] = refused(write("x.yaml", "extends: [low.yaml]"))
    assert problem.file == str(low)


def test_presets_that_extend_each_other_are_refused_with_the_chain(write: Write) -> None:
    write("a.yaml", "extends: [b.yaml]")
    b = write("b.yaml", "title: B\nextends: [a.yaml]")
    [problem] = refused(write("c.yaml", "extends: [a.yaml]"))
    assert (problem.file, problem.line) == (str(b), 2)
    assert "cannot extend itself" in problem.sentence and problem.sentence.count(" -> ") == 3


def test_one_preset_may_lie_under_two_others(write: Write) -> None:
    write("low.yaml", "run: {seed: 5}")
    write("a.yaml", "extends: [low.yaml]")
    write("b.yaml", "extends: [low.yaml]")
    assert resolve(write("c.yaml", "extends: [a.yaml, b.yaml]")).experiment.run.seed == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("training.epochs", "write a setting and its value"),
        ("=3", "write a setting and its value"),
        ("training.epochs=", "None is not a whole number"),
        ("training.epochs=[", "while parsing a flow node"),
        ("training.epoch=3", "did you mean 'epochs'?"),
        ("methods.kd.weight=1", "kd is not in the stack of methods, which holds dkd; add it with `--set methods.kd={}`"),
        ("methods.kdd={}", "did you mean 'kd'?"),
        ("dataset.name.x=3", "dataset has no such setting"),
        ("extends=[datasets/digits]", "can be written in a preset's file only"),
        ("kdstudio=1", "can be written in a preset's file only"),
    ],
)
def test_a_set_is_refused_with_its_own_text(write: Write, text: str, said: str) -> None:
    [problem] = refused(write("x.yaml", "methods: {dkd: {}}"), text)
    assert problem.file == f"--set {text}"
    assert said in str(problem)


def test_every_wrong_field_of_a_form_is_told_by_its_path(write: Write) -> None:
    found = refused(write("x.yaml", "methods: {kd: {}}"), training__epochs=0, run__seed="x", methods__kd__weight=-1)
    assert [(p.path, p.file, p.line) for p in found] == [
        ("training.epochs", "", 0), ("run.seed", "", 0), ("methods.kd.weight", "", 0),
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_says_so(write: Write, tmp_path: Path) -> None:
    [missing] = refused(tmp_path / "none.yaml")
    assert "there is no preset file" in missing.sentence
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("title: Größe".encode("latin-1"))
    [problem] = refused(latin)
    assert "is not UTF-8 text (byte 9)" in str(problem)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbftitle: From Windows\r\n")
    assert resolve(path).experiment.title == "From Windows"


def test_an_unknown_name_suggests_the_nearest() -> None:
    [problem] = refused("digits-reffakd")
    assert "there is no preset 'digits-reffakd'; did you mean 'experiments/digits-reffakd'?" in problem.sentence


def test_a_changed_file_is_read_again(write: Write) -> None:
    path = write("x.yaml", "run: {seed: 1}")
    assert resolve(path).experiment.run.seed == 1
    write("x.yaml", "run: {seed: 22}")
    assert resolve(path).experiment.run.seed == 22


def test_resolving_twice_shares_nothing(write: Write) -> None:
    path = write("x.yaml", "training: {milestones: [1, 2]}\nmethods: {kd: {weight: 2}}")
    first = resolve(path)
    first.experiment.training.milestones.append(9)
    first.experiment.methods["kd"]["weight"] = 5
    second = resolve(path).experiment
    assert (second.training.milestones, second.methods) == ([1, 2], {"kd": {"weight": 2.0}})


def test_a_setting_spelled_as_in_schema_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("kdstudio: 1\nteacher: {normalisation: none}\nstudent: {normalisation: half}\n")
    read = resolve(tmp_path / "old.yaml").experiment
    assert (read.teacher.normalization, read.student.normalization) == ("none", "half")


def test_an_older_file_is_migrated_step_by_step() -> None:
    def renamed(tree: dict[str, Any]) -> dict[str, Any]:
        return {**tree, "run": {"seed": tree["run"]["random_seed"]}}

    def moved(tree: dict[str, Any]) -> dict[str, Any]:
        return {**tree, "title": "migrated"}

    old = parse("kdstudio: 1\nrun: {random_seed: 4}\n", "old.yaml")
    new = migrated(old, {1: renamed, 2: moved}, newest=3)
    assert not isinstance(new, Problem)
    assert new.tree == {"kdstudio": 3, "run": {"seed": 4}, "title": "migrated"}


def test_a_file_without_a_version_is_of_the_first(write: Write) -> None:
    assert resolve(write("x.yaml", "title: X")).experiment.kdstudio == SCHEMA


def test_a_tree_from_elsewhere_stands_on_the_defaults_alone() -> None:
    found = presets.from_tree({"run": {"seed": 3}, "methods": {"kd": {}}}, "a click", catalogue=CATALOGUE)
    assert (found.experiment.run.seed, found.origins["run.seed"], found.path) == (3, "a click", None)
    with pytest.raises(PresetError, match="stands on the defaults alone"):
        presets.from_tree({"extends": ["datasets/digits"]}, "a click", catalogue=CATALOGUE)
    with pytest.raises(PresetError, match=r"a click: run\.seed: -1 is outside"):
        presets.from_tree({"run": {"seed": -1}}, "a click", catalogue=CATALOGUE)
