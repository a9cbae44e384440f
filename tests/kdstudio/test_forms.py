"""Forms: cells from specs, conditions, advanced settings, origins, and problems where they are typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine import presets
from engine.experiment import CE_WEIGHT, section_specs
from kdstudio import theme
from kdstudio.forms import HEAD, Form
from kdstudio.screens.setup.sections import Section
from kdstudio.store import Store


@pytest.fixture
def form(store: Store, qtbot: QtBot) -> Form:
    made = Form("training", section_specs("training"), store)
    qtbot.addWidget(made)
    store.problems_changed.connect(made.refresh)
    made.refresh()
    made.show()
    return made


def type_into(form: Form, name: str, text: str, qtbot: QtBot) -> None:
    line = form.cells[name].editor.lineEdit()  # type: ignore[union-attr]
    line.selectAll()
    qtbot.keyClicks(line, text)


def test_a_setting_shows_only_where_its_condition_holds(form: Form, store: Store) -> None:
    store.set_value("training.schedule", "cosine")
    assert "milestones" not in form.cells
    store.set_value("training.schedule", "multistep")
    assert form.cells["milestones"].isVisible()
    store.set_value("training.schedule", "cosine")
    assert not form.cells["milestones"].isVisible()


def test_advanced_settings_wait_until_they_are_asked_for(form: Form) -> None:
    assert "ema" not in form.cells
    form.more.click()
    assert form.cells["ema"].isVisible()
    assert form.more.text().startswith("Hide")
    form.more.click()
    assert not form.cells["ema"].isVisible()


def test_cells_stand_in_the_order_of_their_declaration_whenever_they_were_made(form: Form) -> None:
    form.show_advanced(True)
    form.resize(theme.CELL, 4000)
    form.layout().activate()
    form._columns.activate()
    down = sorted((cell.y(), name) for name, cell in form.cells.items() if cell.isVisible())
    declared = [spec.name for spec in section_specs("training")]
    assert [name for _, name in down] == [name for name in declared if name in {shown for _, shown in down}]


def test_an_advanced_setting_that_is_wrong_shows_itself(form: Form, store: Store) -> None:
    store.set_value("training.ema", 7.0)
    assert form.cells["ema"].isVisible()


def test_a_problem_stands_at_the_field_while_typing_and_goes_with_it(form: Form, qtbot: QtBot) -> None:
    type_into(form, "epochs", "0", qtbot)
    cell = form.cells["epochs"]
    assert cell.wrong.isVisible()
    assert "outside the bounds" in cell.wrong.text()
    assert cell.editor.property("wrong") is True
    type_into(form, "epochs", "5", qtbot)
    assert not cell.wrong.isVisible()
    assert cell.editor.property("wrong") is False


def test_who_decided_a_value_stands_beside_it_and_can_be_undone(form: Form, store: Store, qtbot: QtBot) -> None:
    cell = form.cells["epochs"]
    before = store.value("training.epochs")
    place = cell.editor.y()
    type_into(form, "epochs", "5", qtbot)
    assert cell.origin.text() == "set by you"
    cell.layout().activate()  # type: ignore[union-attr]
    assert cell.reset.isVisible() and cell.editor.y() == place  # nothing jumps
    assert cell.reset.height() <= HEAD
    cell.reset.click()
    assert store.value("training.epochs") == before
    assert cell.origin.text() != "set by you"
    assert not cell.reset.isVisible()


def test_a_file_that_spells_defaults_out_is_named_only_where_it_says_something_else(
    form: Form, store: Store, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.yaml"
    whole.write_text(presets.to_yaml(presets.resolve("experiments/digits-dkd", ["training.epochs=7"])), encoding="utf-8")
    store.open_preset(whole)
    form.refresh()
    assert form.cells["epochs"].origin.text() == "set by whole"
    spoken = {name for name, cell in form.cells.items() if cell.origin.text()}
    assert spoken == {name for name, cell in form.cells.items() if store.value(cell.path) != cell.spec.default}
    assert spoken != set(form.cells)


def test_a_tooltip_tells_help_bounds_default_and_origin(form: Form) -> None:
    tip = form.cells["epochs"].toolTip()
    for words in ("Passes over the training images.", "At least 1", "Default: 30", "Set by:"):
        assert words in tip


def test_a_mix_writes_both_settings_as_one_step(store: Store, qtbot: QtBot) -> None:
    card = store.catalogue.methods["reffakd"]
    store.add_method("reffakd")
    form = Form("methods.reffakd", card.settings, store, card.mixes)
    qtbot.addWidget(form)
    form.refresh()
    mix = card.mixes[0]
    form.mixes[0].slider.setValue(30)
    first, second = f"methods.reffakd.{mix.first}", f"methods.reffakd.{mix.second}"
    assert (store.value(first), store.value(second)) == (0.3, 0.7)
    store.undo()
    assert not store.edited(first)
    assert not store.edited(second)


def test_an_unset_weight_of_the_labels_shows_what_the_method_proposes(store: Store, qtbot: QtBot) -> None:
    store.open_preset("experiments/digits-reffakd")
    store.set_value("methods.reffakd.ce_weight", None)
    form = Form("methods.reffakd", (CE_WEIGHT,), store)
    qtbot.addWidget(form)
    form.refresh()
    line = form.cells["ce_weight"].editor.lineEdit()  # type: ignore[union-attr]
    assert (line.text(), line.placeholderText()) == ("", "0.5, as proposed")


def test_a_folded_section_builds_no_form_and_tells_the_gist(store: Store, qtbot: QtBot) -> None:
    section = Section("training", "Training", section_specs("training"), store)
    qtbot.addWidget(section)
    section.refresh()
    assert section.form is None
    assert "epochs" in section.gist.text()
    assert "milestones" not in section.gist.text()
    store.set_value("training.epochs", -1)
    section.refresh()
    assert (section.changed.text(), section.wrong.text()) == ("1 changed", "1 to mend")
    section.fold.click()
    assert section.is_open()
    section.fold.click()
    assert not section.is_open()


def test_an_advanced_setting_can_be_revealed(store: Store, qtbot: QtBot) -> None:
    section = Section("training", "Training", section_specs("training"), store)
    qtbot.addWidget(section)
    section.show()
    cell: Any = section.reveal("training.ema")
    assert cell.isVisible()


def test_columns_follow_the_width(form: Form) -> None:
    def across(width: int) -> int:
        form.resize(width, 600)
        form.layout().activate()
        shown = [c for c in form.cells.values() if c.isVisible()]
        return len({c.x() for c in shown})

    assert across(theme.CELL + theme.SPACE) == 1
    assert across(3 * theme.CELL + 3 * theme.MARGIN) == 3
