"""Saved presets: only what differs, read back equal, written whole, and never over a shipped one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_catalogue import CATALOGUE

from engine import presets
from engine.experiment import SCHEMA, SECTIONS, put_section, section_specs
from engine.knobs import Spec
from engine.presets.dialect import dump, parse
from engine.presets.problems import PresetError
from engine.presets.schema import method_specs
from engine.shipped import place
from engine.whole import write_whole

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029\ufeff"), max_size=30)
NAMES = {"dataset.name": CATALOGUE.datasets, "student.net": CATALOGUE.nets, "teacher.net": (*CATALOGUE.nets, "none")}


def values(path: str, spec: Spec) -> st.SearchStrategy[Any]:
    """Every value a setting may have."""
    low, high = spec.low if spec.low is not None else spec.above, spec.high
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(int(low or 0), int(high or 10**6)),
        "number": st.floats(low or 0.0, high or 1e6, exclude_min=spec.above is not None),
        "boolean": st.booleans(),
        "text": TEXTS,
        "path": TEXTS,
        "choice": st.sampled_from(spec.choices or ("",)),
        "integers": st.lists(st.integers(int(low or 0), 10**4), max_size=4),
    }
    found = st.sampled_from(sorted(NAMES[path])) if path in NAMES else kinds[spec.kind]
    return found | st.sampled_from(spec.words) if spec.words else found


def some_of(prefix: str, specs: tuple[Spec, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """A few settings of a section or a method."""
    return st.fixed_dictionaries({}, optional={s.name: values(f"{prefix}.{s.name}", s) for s in specs})


def nested(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree with the sections that lie inside others there."""
    made: dict[str, Any] = {key: value for key, value in tree.items() if "." not in key}
    for section in tree.keys() - made.keys():
        put_section(made, section, tree[section])
    return made


STACKS = st.lists(st.sampled_from(sorted(CATALOGUE.methods)), unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: some_of(key, method_specs(key, CATALOGUE)) for key in keys})
)
EXPECTED = st.fixed_dictionaries({"top1": st.floats(0, 100), "source": TEXTS}, optional={"teacher": TEXTS})
TREES = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS,
        "notes": TEXTS,
        **{section: some_of(section, section_specs(section)) for section in SECTIONS},
        "methods": STACKS,
        "defaults_for": STACKS,
        "expected": st.none() | EXPECTED,
    },
).map(nested)


def read(path: Path, *sets: str) -> presets.Resolved:
    return presets.resolve(path, sets, catalogue=CATALOGUE)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tree=TREES)
def test_any_experiment_saved_and_read_back_is_equal(tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("saved") / "x.yaml"
    resolved = presets.from_tree(tree, "hypothesis", catalogue=CATALOGUE)
    presets.save(path, resolved, catalogue=CATALOGUE)
    assert read(path).experiment == resolved.experiment
    path.write_text(presets.to_yaml(resolved, catalogue=CATALOGUE), encoding="utf-8")
    assert read(path).experiment == resolved.experiment


@settings(max_examples=60, deadline=None, derandomize=True)
@given(below=TREES, own=TREES, edited=TREES)
def test_a_sparse_file_on_what_lies_below_is_the_same_experiment(
    below: dict[str, Any], own: dict[str, Any], edited: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("saved")
    write_tree(folder / "below.yaml", below)
    write_tree(folder / "own.yaml", own | {"extends": ["below.yaml"]})
    form = {key: value for key, value in edited.items() if key != "defaults_for"}
    resolved = presets.resolve(folder / "own.yaml", (), form, catalogue=CATALOGUE)
    presets.save(folder / "deeper" / "saved.yaml", resolved, catalogue=CATALOGUE)
    again = read(folder / "deeper" / "saved.yaml")
    assert again.experiment == resolved.experiment
    assert presets.differences(again, catalogue=CATALOGUE) == presets.differences(resolved, catalogue=CATALOGUE)


def write_tree(path: Path, tree: dict[str, Any]) -> None:
    path.write_text(dump(tree), encoding="utf-8")


def test_a_saved_preset_holds_only_what_differs_from_below(tmp_path: Path) -> None:
    write_tree(tmp_path / "pair.yaml", {"student": {"net": "resnet20"}, "defaults_for": {"dkd": {"beta": 2}}})
    write_tree(tmp_path / "x.yaml", {"title": "X", "extends": ["pair.yaml"], "run": {"seed": 3}, "methods": {"kd": {}}})
    resolved = read(
        tmp_path / "x.yaml", "run.seed=0", "student.net=resnet8", "training.epochs=30", "methods={dkd: {warmup: 2}}"
    )
    presets.save(tmp_path / "y.yaml", resolved, catalogue=CATALOGUE)
    assert parse((tmp_path / "y.yaml").read_text(encoding="utf-8"), "y").tree == {
        "kdstudio": SCHEMA, "title": "X", "extends": ["pair.yaml"], "student": {"net": "resnet8"},
        "methods": {"dkd": {"warmup": 2}},
    }  # fmt: skip


def test_a_setting_put_back_to_its_default_over_an_overlay_is_written(tmp_path: Path) -> None:
    write_tree(tmp_path / "low.yaml", {"training": {"epochs": 7}, "methods": {"kd": {"weight": 3}}})
    write_tree(tmp_path / "x.yaml", {"extends": ["low.yaml"]})
    resolved = read(tmp_path / "x.yaml", "training.epochs=30", "methods.kd.weight=0.9")
    assert resolved.experiment.methods == {"kd": {}}
    presets.save(tmp_path / "x.yaml", resolved, catalogue=CATALOGUE)
    again = read(tmp_path / "x.yaml").experiment
    assert (again.training.epochs, presets.method_settings(again, "kd", catalogue=CATALOGUE)["weight"]) == (30, 0.9)


def test_a_preset_saved_over_itself_keeps_what_it_extends(tmp_path: Path) -> None:
    write_tree(tmp_path / "low.yaml", {"run": {"seed": 4}})
    write_tree(tmp_path / "x.yaml", {"title": "X", "extends": ["low.yaml"]})
    presets.save(tmp_path / "x.yaml", read(tmp_path / "x.yaml", "run.repeats=2"), catalogue=CATALOGUE)
    text = (tmp_path / "x.yaml").read_text(encoding="utf-8")
    assert parse(text, "x").tree == {"kdstudio": SCHEMA, "title": "X", "extends": ["low.yaml"], "run": {"repeats": 2}}


def test_the_self_contained_text_extends_nothing_and_spells_everything_out(tmp_path: Path) -> None:
    write_tree(tmp_path / "low.yaml", {"methods": {"dkd": {"beta": 3}}})
    write_tree(tmp_path / "x.yaml", {"extends": ["low.yaml"]})
    tree = parse(presets.to_yaml(read(tmp_path / "x.yaml"), catalogue=CATALOGUE), "out").tree
    assert "extends" not in tree
    assert tree["methods"] == {"dkd": {"beta": 3.0, "warmup": 20}}
    assert set(tree["training"]) == {s.name for s in section_specs("training")}


def test_a_stored_experiment_says_who_decided_each_value_and_resolves_as_a_preset(tmp_path: Path) -> None:
    write_tree(tmp_path / "x.yaml", {"training": {"epochs": 3}, "methods": {"kd": {"weight": 2}}})
    resolved = read(tmp_path / "x.yaml", "run.seed=5")
    stored = tmp_path / "experiment.yaml"
    stored.write_text(presets.with_origins(resolved.experiment, resolved.origins, catalogue=CATALOGUE), encoding="utf-8")
    again = read(stored)
    assert again.experiment == resolved.experiment
    assert again.origins["run.seed"] == "--set"
    assert again.origins["training.epochs"] == again.origins["methods.kd.weight"] == str(tmp_path / "x.yaml")
    assert again.origins == resolved.origins  # defaults stay defaults, though the file spells them out


def test_a_value_that_a_hand_changed_in_a_stored_experiment_is_decided_by_that_file(tmp_path: Path) -> None:
    write_tree(tmp_path / "x.yaml", {"methods": {"kd": {}}})
    resolved = read(tmp_path / "x.yaml")
    text = presets.with_origins(resolved.experiment, resolved.origins, catalogue=CATALOGUE)
    stored = tmp_path / "experiment.yaml"
    stored.write_text(text.replace("batch_size: 64", "batch_size: 32"), encoding="utf-8")
    again = read(stored)
    assert again.experiment.training.batch_size == 32
    assert again.origins["training.batch_size"] == str(stored)
    assert again.origins["training.epochs"] == "default"


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.yaml"
    write_whole(path, b"old")

    def failing(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.yaml"]


def test_a_shipped_preset_is_never_written_over() -> None:
    path = place("presets") / "experiments" / "digits-labels.yaml"
    with pytest.raises(PresetError, match=r"experiments/digits-labels came with kdstudio and is read-only"):
        presets.save(path, presets.from_tree({}, "test", catalogue=CATALOGUE), catalogue=CATALOGUE)


@pytest.mark.parametrize("name", ["x", "experiments/", "experiments/a/b", "experiments/..", "sweeps/x", "experiments/a b", ""])
def test_a_name_that_cannot_be_a_file_is_refused(name: str) -> None:
    with pytest.raises(PresetError, match="cannot name a preset"):
        presets.path_for(name)


def test_the_name_of_a_shipped_preset_cannot_be_taken() -> None:
    with pytest.raises(PresetError, match="save under another name"):
        presets.path_for("experiments/digits-labels")


def test_a_users_own_preset_is_listed_and_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.presets.places.user_folder", lambda: tmp_path / "presets")
    path = presets.path_for("experiments/mine")
    presets.save(path, presets.from_tree({"title": "My own"}, "test", catalogue=CATALOGUE), catalogue=CATALOGUE)
    [mine] = [n for n in presets.names() if not n.shipped]
    assert mine == presets.PresetName("experiments/mine", "My own", "experiments", False, path)
    found = presets.resolve("experiments/mine", ["run.seed=1"], catalogue=CATALOGUE)
    assert (found.name, found.path, found.experiment.title) == ("experiments/mine", path, "My own")


def test_a_broken_preset_of_the_users_is_listed_with_its_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.presets.places.user_folder", lambda: tmp_path)
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "broken.yaml").write_text("a: [", encoding="utf-8")
    [broken] = [n for n in presets.names() if not n.shipped]
    assert broken.name == broken.title == "pairs/broken"
    assert "broken.yaml:1:" in broken.problem


def test_quantization_is_read_from_inside_the_student_and_saved_there(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("student: {net: resnet20, quantize: {weights: 4, activations: 4}}\n", encoding="utf-8")
    resolved = read(tmp_path / "own.yaml", "student.quantize.weights=1")
    quantized = resolved.experiment.student.quantize
    assert (quantized.weights, quantized.activations, quantized.words()) == (1, 4, "1-bit weights, 4-bit activations")
    assert resolved.origins["student.quantize.weights"] == "--set"
    presets.save(tmp_path / "saved.yaml", resolved, catalogue=CATALOGUE)
    assert "  quantize:\n    weights: 1\n    activations: 4\n" in (tmp_path / "saved.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "path", "sentence"),
    [
        ("student:\n  quantize: {weights: 3}", "student.quantize.weights", "3 is not one of 1, 2, 4, 8, 32"),
        ("student:\n  quantize: {weihgts: 4}", "student.quantize.weihgts", "did you mean 'weights'?"),
        ("student:\n  quantize: 4", "student.quantize", "4 is not a mapping of settings"),
        ("student:\n  quantize: {weights: true}", "student.quantize.weights", "True is not one of"),
        ("student.quantize: {weights: 4}", "student.quantize", "dots belong to --set"),
        ("student: {activations: 4}", "student.activations", "it is a setting of student.quantize"),
    ],
)
def test_what_quantization_cannot_be_is_refused_where_it_stands(text: str, path: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(presets.PresetError, match=re.escape(sentence)) as refused:
        read(tmp_path / "own.yaml")
    [problem] = refused.value.problems
    assert problem.path == path
    assert problem.line > 0


@pytest.mark.skipif(os.name != "posix", reason="another system keeps who may read a file elsewhere")
def test_who_may_read_a_written_file_stays_as_it_was(tmp_path: Path) -> None:
    plain, kept = tmp_path / "plain.yaml", tmp_path / "kept.yaml"
    plain.touch()
    kept.touch()
    kept.chmod(0o640)
    write_whole(tmp_path / "new.yaml", b"new")
    write_whole(kept, b"new")
    assert (tmp_path / "new.yaml").stat().st_mode == plain.stat().st_mode
    assert kept.stat().st_mode & 0o777 == 0o640
