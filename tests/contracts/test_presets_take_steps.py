"""Every shipped experiment that needs no download, and every quick variant, goes through all of its stages and takes steps.

Each is cut down to a tenth of the digits and one epoch; a quick variant on Fashion-MNIST is taken on the digits, for the rest
of its settings is what is tried. A run takes about a second; their teacher is trained once for all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import presets, session
from engine.control import Control
from engine.events import Event, Finding, Step
from engine.experiment import Experiment

SHIPPED = [n.name for n in presets.names() if n.shipped and n.kind == "experiments"]
QUICK = [name for name in SHIPPED if name.endswith("-quick")]
SMALL = [name for name in SHIPPED if name.startswith("experiments/digits-")] + QUICK
FIVE = ("reffakd", "letkd", "faqd", "aekt", "diffkd")
"""The papers whose published recipes have quick variants."""
MINUTES = 12 * 100
"""Steps of a quick variant's training at most: minutes of a small net on a laptop."""


def settled(name: str) -> Experiment:
    return presets.resolve(name).experiment


def cut(name: str) -> dict[str, Any]:
    """Settings that make a run of it small."""
    experiment = settled(name)
    form: dict[str, Any] = {
        "dataset.name": "digits", "dataset.subset": 0.1, "training.epochs": 1, "training.batch_size": 64, "run.repeats": 1,
        "run.threads": 1, "run.precision": "float32", "run.compile": "off", "run.probe_images": 32,
    }  # fmt: skip
    if experiment.teacher.net != "none":
        form["teacher.epochs"] = 1
    if "reffakd" in experiment.methods:
        form["methods.reffakd.epochs"] = 1
    return form


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("name", SMALL)
def test_it_goes_through_all_of_its_stages_and_takes_steps(name: str, home: Path) -> None:
    said: list[Event] = []
    outcome = session.run(presets.resolve(name, form=cut(name)), said.append, Control(), home=home)
    assert outcome.outcome == "done"
    steps = [event for event in said if isinstance(event, Step) and event.stage == "distilling"]
    assert steps and steps[-1].step >= 2
    assert not [event for event in said if isinstance(event, Finding) and event.severity == "error"]


def test_every_paper_with_a_published_recipe_has_a_quick_variant_of_the_same_methods() -> None:
    recipes = {tuple(settled(name).methods) for name in SHIPPED if name not in SMALL}
    wanted = {methods for methods in recipes if len(methods) == 1 and methods[0] in FIVE}
    assert {methods[0] for methods in wanted} == set(FIVE)
    assert wanted <= {tuple(settled(name).methods) for name in QUICK}


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_variant_is_small_enough_to_end_within_minutes(name: str) -> None:
    experiment = settled(name)
    assert experiment.dataset.name in ("digits", "fashion-mnist") and experiment.run.repeats == 1
    images = {"digits": 1797, "fashion-mnist": 60_000}[experiment.dataset.name] * experiment.dataset.subset
    assert experiment.training.epochs * images / experiment.training.batch_size <= MINUTES
    assert experiment.expected is None


def test_quick_variants_differ_in_what_is_taught_alone() -> None:
    told = [settled(name) for name in QUICK]
    assert len({experiment.dataset.model_dump_json() for experiment in told}) == 1
    assert len({experiment.training.model_dump_json() for experiment in told}) == 1
    assert {experiment.student.net for experiment in told} == {"resnet8"}
