"""Every setting of every section and every method: the form has a field for it, which shows and judges its default."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engine.experiment import CE_WEIGHT, SECTIONS, section_specs
from engine.extras import catalogue
from engine.knobs import Spec, problem
from kdstudio import fields

EVERY = [(section, spec) for section in SECTIONS for spec in section_specs(section)]
EVERY += [(key, spec) for key, card in catalogue().methods.items() for spec in card.settings]
EVERY.append(("any method", CE_WEIGHT))


@pytest.mark.parametrize(
    ("owner", "spec"), [*EVERY, ("any", CE_WEIGHT)], ids=[f"{o}.{s.name}" for o, s in EVERY] + ["ce_weight"]
)
def test_a_setting_has_a_field_that_shows_its_default_and_says_nothing(
    owner: str, spec: Spec, qtbot: QtBot, qapp: QApplication
) -> None:
    field = fields.field(spec)
    qtbot.addWidget(field)
    heard: list[Any] = []
    field.edited.connect(heard.append)
    field.show_value(spec.default)
    assert heard == []
    assert field.accessibleName() == spec.label()
    assert spec.default is None or problem(spec, spec.default) is None
    assert spec.help.endswith(".") or spec.help.endswith("?")


@pytest.mark.parametrize("key", sorted(catalogue().methods))
def test_every_condition_and_every_mix_names_a_setting_of_its_method(key: str) -> None:
    card = catalogue().methods[key]
    known = {spec.name: spec for spec in (*card.settings, CE_WEIGHT)}
    for spec in card.settings:
        for name, allowed in spec.when.items():
            assert all(problem(known[name], value) is None for value in allowed)
    for mix in card.mixes:
        assert {mix.first, mix.second} <= set(known)
