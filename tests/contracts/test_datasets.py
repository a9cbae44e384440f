"""What holds for every registered dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

import pytest

from engine import data, presets
from engine.experiment import DatasetSettings


@pytest.mark.parametrize("key", data.keys())
def test_its_card_is_plain_data_with_words(key: str) -> None:
    card = data.card(key)
    assert card.key == key
    assert json.loads(json.dumps(asdict(card))) == asdict(card)
    assert card.title
    assert card.summary.endswith(".")
    assert card.licence or card.needs_folder


@pytest.mark.parametrize("key", sorted({*data.keys()} - {"digits"}))
def test_a_wrong_folder_is_refused_in_a_sentence(key: str) -> None:
    with pytest.raises(data.DataError, match=r"dataset\.root: .*/nowhere"):
        data.load(DatasetSettings(name=key, root="/nowhere"), data.Sides(), "cpu")


@pytest.mark.parametrize("key", data.keys())
def test_it_has_a_preset_of_its_name(key: str) -> None:
    assert presets.resolve(f"datasets/{key}").experiment.dataset.name == key


def test_the_cards_read_no_data() -> None:
    code = (
        "import sys; from engine import data; [data.card(k) for k in data.keys()]; "
        "loaded = {'sklearn', 'torchvision'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
