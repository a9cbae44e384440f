"""The Plan shows what each method compares of the two nets, and Start waits for a pair that can be compared."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engine.extras import catalogue
from kdstudio import theme
from kdstudio.screens.setup import outline
from kdstudio.screens.setup.plan import Plan, Said
from kdstudio.store import Store


@pytest.fixture
def plan(store: Store, qtbot: QtBot) -> Plan:
    made = Plan(store)
    qtbot.addWidget(made)
    return made


def words(plan: Plan) -> list[str]:
    return [made.text() for made in plan.findChildren(QLabel)]


def test_each_pair_of_maps_is_shown_with_its_adapter_and_what_is_only_for_training(plan: Plan) -> None:
    store = plan._store
    store.open_preset("experiments/digits-fitnet")
    store.set_value("student.net", "vgg8")
    plan.refresh()
    said = words(plan)
    assert "FITNET COMPARES" in said
    assert "f2 256 × 2 × 2  ←  f2 32 × 4 × 4" in [shown.replace("\u00a0", " ") for shown in said]
    assert "Convolution, BN, ReLU, 131,168 parameters" in said
    assert "131\u202fk parameters only for training" in said


def test_a_method_on_logits_compares_no_maps(plan: Plan) -> None:
    plan._store.open_preset("experiments/digits-kd")
    plan.refresh()
    assert not any("COMPARES" in shown for shown in words(plan))
    assert outline.of(plan._store.resolved().experiment, catalogue()).pairs == ()


def test_a_pair_that_cannot_be_compared_is_a_problem_that_names_both_shapes(plan: Plan) -> None:
    store = plan._store
    store.open_preset("experiments/digits-fitnet")
    store.set_value("methods.fitnet.stage", 9)
    plan.refresh()
    [problem] = [made for made in plan.findChildren(Said) if made.property("tone") == "problem"]
    assert problem.path == "methods.fitnet.stage"
    assert any("stage 9 of the student has no counterpart" in shown and "32 × 4 × 4" in shown for shown in words(plan))
    assert not plan.start.isEnabled()


@pytest.mark.parametrize("layers", ["letkd-2", "diffkd", "fitnet"])
def test_nothing_in_the_plan_is_wider_than_the_plan(plan: Plan, layers: str) -> None:
    plan._store.open_preset(f"experiments/cifar100-resnet56-resnet20-{layers}")
    plan.refresh()
    assert plan.outline.minimumSize().width() <= theme.SIDE - 2 * theme.GAP - 2
