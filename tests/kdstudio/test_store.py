"""The state of the form: what was typed, what it resolves to, and what is wrong with it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine import presets
from engine.extras import catalogue
from engine.presets import PresetError
from kdstudio.store import Store

BETA = "methods.dkd.beta"


def test_a_typed_value_is_the_persons_and_can_be_reset(store: Store) -> None:
    before = store.value(BETA)
    store.set_value(BETA, 3.5)
    assert (store.value(BETA), store.origin(BETA)) == (3.5, "you")
    assert store.resolved().experiment.methods["dkd"]["beta"] == 3.5
    store.reset_value(BETA)
    assert (store.value(BETA), store.edited()) == (before, False)


def test_typing_the_presets_own_value_is_no_change(store: Store) -> None:
    store.set_value("training.epochs", 7)
    store.set_value("training.epochs", store.base().experiment.training.epochs)
    assert not store.edited()


def test_every_value_says_which_overlay_decided_it(store: Store) -> None:
    assert store.origin("teacher.net") != "default"
    assert store.origin("run.seed") == "default"


def test_a_wrong_value_stays_in_its_field_and_the_experiment_keeps_the_presets(store: Store) -> None:
    before = store.resolved().experiment.training.epochs
    store.set_value("training.epochs", "many")
    assert store.value("training.epochs") == "many"
    assert "'many' is not a whole number" in store.problem("training.epochs")
    assert store.resolved().experiment.training.epochs == before
    store.set_value("training.epochs", 3)
    assert store.problems == ()
    assert store.resolved().experiment.training.epochs == 3


def test_one_wrong_value_does_not_hide_what_the_others_mean(store: Store) -> None:
    store.set_value("training.epochs", -1)
    store.set_value("training.batch_size", 32)
    assert store.resolved().experiment.training.batch_size == 32
    assert [p.path for p in store.problems] == ["training.epochs"]


def test_a_rule_across_settings_is_a_problem_at_the_setting_it_names(store: Store) -> None:
    store.set_value("teacher.net", "none")
    assert "teacher" in store.problem("teacher.net")


def test_methods_are_added_moved_and_removed_in_order(store: Store) -> None:
    store.add_method("kd")
    assert tuple(store.resolved().experiment.methods) == ("dkd", "kd")
    store.move_method("kd", -1)
    assert tuple(store.resolved().experiment.methods) == ("kd", "dkd") == store.stack()
    store.remove_method("kd")
    assert not store.edited()


def test_the_first_method_cannot_be_moved_past_the_top(store: Store) -> None:
    store.add_method("kd")
    store.move_method("dkd", -1)
    assert store.stack() == ("dkd", "kd")


def test_removing_a_method_forgets_what_was_typed_into_it(store: Store) -> None:
    store.set_value(BETA, 3.5)
    store.remove_method("dkd")
    assert store.problems == ()
    store.add_method("dkd")
    assert store.value(BETA) == store.base().experiment.methods["dkd"].get("beta", 8.0)


def test_typing_on_in_one_field_is_one_step_to_undo(store: Store) -> None:
    for value in (1, 12, 120):
        store.set_value("training.epochs", value)
    store.set_value("training.batch_size", 16)
    store.undo()
    assert store.value("training.epochs") == 120
    store.undo()
    assert not store.edited()
    store.redo()
    assert store.value("training.epochs") == 120


def test_a_saved_preset_holds_only_the_differences_and_is_the_persons_own(store: Store) -> None:
    store.set_value(BETA, 3.5)
    store.save_as("experiments/mine", "Mine")
    assert (store.own(), store.edited(), store.value(BETA), store.resolved().experiment.title) == (True, False, 3.5, "Mine")
    text = (presets.user_folder() / "experiments" / "mine.yaml").read_text(encoding="utf-8")
    assert "beta: 3.5" in text
    assert "batch_size" not in text


def test_saving_writes_into_the_persons_own_preset(store: Store) -> None:
    store.save_as("experiments/mine", "Mine")
    store.set_value("training.epochs", 4)
    store.save()
    assert presets.resolve("experiments/mine").experiment.training.epochs == 4


def test_a_shipped_preset_is_not_written_over(store: Store) -> None:
    with pytest.raises(PresetError, match="read-only"):
        store.save_as("experiments/digits-dkd", "Mine")


def test_a_preset_that_is_not_there_leaves_the_form_as_it_is(store: Store) -> None:
    with pytest.raises(PresetError, match="no preset"):
        store.open_preset("experiments/nowhere")
    assert store.resolved().name == "experiments/digits-dkd"


def test_the_command_line_runs_the_same_experiment(store: Store) -> None:
    store.add_method("reffakd")
    store.move_method("reffakd", -1)
    store.set_value("methods.dkd.warmup", 3)
    store.set_value("training.milestones", [2, 4])
    store.set_value("training.nesterov", True)
    store.set_value("dataset.root", "a folder/with spaces")
    words = shlex.split(store.command().replace("\\\n", " "))
    assert words[:3] == ["kdstudio", "train", "experiments/digits-dkd"]
    again = presets.resolve(words[2], sets=[word for word in words[3:] if word != "--set"])
    assert again.experiment == store.resolved().experiment
    assert tuple(again.experiment.methods) == tuple(store.resolved().experiment.methods)


def test_a_fix_opens_as_a_change_to_a_copy(store: Store) -> None:
    store.open_preset("experiments/digits-dkd", fix={BETA: 2.0})
    assert (store.value(BETA), store.origin(BETA)) == (2.0, "you")


def test_changes_are_told_in_order(store: Store, qtbot: QtBot) -> None:
    with qtbot.waitSignals([store.changed, store.problems_changed], order="strict"):
        store.set_value("training.epochs", 3)
    with qtbot.waitSignals([store.preset_changed, store.changed, store.problems_changed], order="strict"):
        store.open_preset("experiments/digits-labels")


def test_a_run_that_is_not_there_is_said_while_it_is_typed(tmp_path: Path, qapp: QApplication) -> None:
    store = Store(catalogue(), tmp_path)
    store.open_preset("experiments/digits-dkd")
    store.set_values({"teacher.source": "run", "teacher.run": "first"})
    assert store.problem("teacher.run") == "there is no run 'first'; name one of your runs, or give its folder"
