"""Every shipped sweep resolves, can run once its data is there, is worded for a person; and every method is in one table."""

from __future__ import annotations

import pytest

from engine import presets, sweeps
from engine.extras import catalogue
from engine.presets.places import read

SHIPPED = [n for n in sweeps.names() if n.shipped]
EVERY = ("sweeps/fashion-mnist-every-method", "sweeps/cifar100-every-method")


def by_name(preset: presets.PresetName) -> str:
    return preset.name


@pytest.mark.parametrize("shipped", SHIPPED, ids=by_name)
def test_a_shipped_sweep_names_its_version_its_title_and_what_it_asks(shipped: presets.PresetName) -> None:
    tree = read(shipped.path).tree
    assert list(tree)[:3] == ["kdstudio", "title", "notes"]
    assert tree["title"] == sweeps.read(shipped.name).title != shipped.name


@pytest.mark.parametrize("shipped", SHIPPED, ids=by_name)
def test_every_entry_of_a_shipped_sweep_can_run_once_its_data_is_there(shipped: presets.PresetName) -> None:
    made = sweeps.read(shipped.name)
    entries = sweeps.entries(made)
    assert len(entries) > 1 and made.tried.baseline in {entry.title for entry in entries} | {""}
    problems = {entry.title: sweeps.refusals(entry) for entry in entries}
    assert {title: found for title, found in problems.items() if found} == {}


@pytest.mark.parametrize("shipped", SHIPPED, ids=by_name)
def test_the_entries_of_a_shipped_sweep_share_dataset_length_and_seeds(shipped: presets.PresetName) -> None:
    found = [entry.resolved.experiment for entry in sweeps.entries(sweeps.read(shipped.name))]
    assert len({(e.dataset.model_dump_json(), e.training.epochs, e.run.model_dump_json(), e.student.net) for e in found}) == 1


@pytest.mark.parametrize("name", EVERY)
def test_every_method_stands_beside_the_labels_alone(name: str) -> None:
    made = sweeps.read(name)
    found = {entry.title: entry.resolved.experiment for entry in sweeps.entries(made)}
    used = {key for experiment in found.values() for key in experiment.methods}
    assert set(catalogue().methods) - used == set(), f"add the method to presets/{name}.yaml"
    baseline = found[made.tried.baseline]
    assert not baseline.methods and baseline.teacher.net == "none"


def test_a_reconstruction_is_called_one_in_every_sweep() -> None:
    found = [entry for n in SHIPPED for entry in sweeps.entries(sweeps.read(n.name))]
    tried = [entry for entry in found if "aekt" in entry.resolved.experiment.methods]
    assert tried and all("reconstruction" in entry.title for entry in tried)


def test_what_every_method_is_tried_with_may_be_changed_from_the_command_line() -> None:
    sets = ["dataset.subset=0.5", "training.epochs=3", "teacher.source=file", "teacher.file=teacher.pth"]
    found = [entry.resolved.experiment for entry in sweeps.entries(sweeps.read(EVERY[1]), sets)]
    assert {(e.dataset.subset, e.training.epochs, e.teacher.file) for e in found} == {(0.5, 3, "teacher.pth")}
