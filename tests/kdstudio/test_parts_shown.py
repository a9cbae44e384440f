"""What methods put into the student to stay is counted beside the bare student, in the Plan and in the results."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from engine.extras import catalogue
from kdstudio.screens.run.results import _small
from kdstudio.screens.setup import outline
from kdstudio.screens.setup.plan import Plan, Said
from kdstudio.store import Store

RECIPE = "experiments/cifar100-resnet56-resnet20-letkd-2"


def test_the_plan_shows_the_student_with_its_layers_and_warns_where_the_teacher_is_smaller(store: Store, qtbot: QtBot) -> None:
    store.open_preset(RECIPE)
    sizes = {who: counts for who, *counts in outline.of(store.resolved().experiment, catalogue()).sizes}
    assert sizes["Student with letKD"] == [914_808, sizes["Student"][1] + 40_108_032]
    assert sizes["Student"][0] == 278_324
    plan = Plan(store)
    qtbot.addWidget(plan)
    plan.refresh()
    assert any(
        "914,808 parameters, more than its teacher's 861,620" in said.accessibleName() for said in plan.findChildren(Said)
    )
    store.set_value("methods.letkd.templates", 512)
    assert not any("more than its teacher's" in warning.sentence for warning in store.warnings)


def test_a_method_that_puts_nothing_into_the_student_adds_no_size(store: Store) -> None:
    store.open_preset("experiments/digits-kd")
    assert [who for who, *_ in outline.of(store.resolved().experiment, catalogue()).sizes] == ["Teacher", "Student"]


def test_a_net_without_room_for_the_inner_layer_is_a_problem_of_that_setting(store: Store) -> None:
    store.open_preset("experiments/digits-letkd")
    store.set_value("student.net", "lenet5")
    assert "does not show the map after the first block" in store.problem("methods.letkd.layers")
    store.set_value("methods.letkd.layers", "penultimate")
    assert store.problems == ()


def test_the_results_say_what_the_layers_cost() -> None:
    results = {
        "parameters": 914_808, "multiply_adds": 80_900_000, "parameters_bare": 278_324, "multiply_adds_bare": 40_800_000,
        "milliseconds": 30.0, "milliseconds_bare": 20.0,
    }  # fmt: skip
    assert _small(results) == "80.9\u202fM multiply-adds; bare 278\u202f324, 40.8\u202fM; +50 % time"
    assert _small({"parameters": 5, "multiply_adds": 1_000_000}) == "1.00\u202fM multiply-adds"
