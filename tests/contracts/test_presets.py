"""Every shipped preset resolves, can run, is worded for a person, and survives saving."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import cataloguing, presets, rules
from engine.extras import catalogue
from engine.presets.places import read
from engine.shipped import place

SHIPPED = [n for n in presets.names() if n.shipped]
SAID = {
    "experiments/cifar100-resnet56-resnet20-letkd-2": ["methods.letkd"],
    "experiments/tiny-imagenet-resnet56-resnet20-letkd-2": ["methods.letkd"],
    "experiments/tiny-imagenet-resnet34-resnet18-faqd": ["dataset.size"],
}
"""Published recipes that warn, and of what: with both layers of letKD that student is larger than its teacher, and FAQD's
scripts enlarge images of 64 pixels to 224."""
EXPERIMENTS = [n for n in SHIPPED if n.kind == "experiments"]


def by_name(preset: presets.PresetName) -> str:
    return preset.name


@pytest.fixture(scope="module", autouse=True)
def counted() -> None:
    """torchvision's nets that shipped experiments name are counted, as the window and a run do it."""
    found = [presets.resolve(n.name).experiment for n in EXPERIMENTS]
    named = {net for e in found for net in (e.teacher.net, e.student.net) if net.startswith("torchvision.")}
    cataloguing.complete(sorted(named))
    catalogue.cache_clear()


@pytest.mark.parametrize("preset", SHIPPED, ids=by_name)
def test_a_shipped_preset_resolves_and_names_its_version_and_title(preset: presets.PresetName) -> None:
    assert presets.resolve(preset.name).name == preset.name
    tree = read(preset.path).tree
    assert list(tree)[:2] == ["kdstudio", "title"]
    assert tree["title"] == preset.title != preset.name


@pytest.mark.parametrize("preset", EXPERIMENTS, ids=by_name)
def test_a_shipped_experiment_can_run_once_its_data_is_there(preset: presets.PresetName) -> None:
    experiment = presets.resolve(preset.name).experiment
    own_folder = catalogue().datasets[experiment.dataset.name].needs_folder
    assert [p.path for p in rules.problems(experiment)] == (["dataset.root"] if own_folder else [])
    assert [w.path for w in rules.warnings(experiment)] == SAID.get(preset.name, [])


@pytest.mark.parametrize("preset", EXPERIMENTS, ids=by_name)
def test_a_shipped_experiment_saved_or_exported_is_the_same(preset: presets.PresetName, tmp_path: Path) -> None:
    resolved = presets.resolve(preset.name)
    presets.save(tmp_path / "saved.yaml", resolved)
    (tmp_path / "alone.yaml").write_text(presets.to_yaml(resolved), encoding="utf-8")
    for name in ("saved.yaml", "alone.yaml"):
        assert presets.resolve(tmp_path / name).experiment == resolved.experiment


@pytest.mark.parametrize("preset", EXPERIMENTS, ids=by_name)
def test_a_published_accuracy_names_its_source_and_says_whose_teacher_it_was(preset: presets.PresetName) -> None:
    experiment = presets.resolve(preset.name).experiment
    if experiment.expected is None:
        assert read(preset.path).tree.get("expected") is None
    else:
        assert experiment.expected.source
        assert bool(experiment.expected.teacher) == (experiment.teacher.net != "none")


def test_a_published_accuracy_is_compared_on_the_whole_training_set() -> None:
    found = [presets.resolve(n.name).experiment for n in EXPERIMENTS]
    published = [e for e in found if e.expected]
    assert published
    assert {(e.dataset.holdout, e.run.selection) for e in published} == {(0.0, "test")}


def test_every_method_and_dataset_has_a_preset_and_every_method_an_experiment() -> None:
    names = {n.name for n in SHIPPED}
    assert {f"methods/{key}" for key in catalogue().methods} <= names
    assert {f"datasets/{key}" for key in catalogue().datasets} <= names
    used = {key for n in EXPERIMENTS for key in presets.resolve(n.name).experiment.methods}
    assert used == set(catalogue().methods)


def test_a_pair_preset_is_named_after_its_nets() -> None:
    pairs = [n for n in SHIPPED if n.kind == "pairs"]
    found = {n.name: presets.resolve(n.name).experiment for n in pairs}
    assert found
    assert set(found) == {f"pairs/{e.teacher.net}-{e.student.net}" for e in found.values()}


def test_every_file_among_the_presets_is_one_that_can_be_picked() -> None:
    sweeps = {n.path for n in presets.names((presets.SWEEPS,)) if n.shipped}
    assert {p for p in place("presets").rglob("*") if p.is_file()} == {n.path for n in SHIPPED} | sweeps


def test_the_default_experiment_needs_no_teacher_and_no_download() -> None:
    experiment = presets.resolve("experiments/digits-reffakd").experiment
    assert (experiment.dataset.name, experiment.teacher.net, list(experiment.methods)) == ("digits", "none", ["reffakd"])
