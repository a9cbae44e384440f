"""A source and its address in one: `source: {run: NAME}`."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_catalogue import CATALOGUE

from engine import presets
from engine.presets import PresetError


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("source", ["file", "run", "download"])
@pytest.mark.parametrize("who", ["teacher", "student"])
def test_a_source_may_hold_its_address(who: str, source: str, tmp_path: Path) -> None:
    address = "cifar100-resnet56" if source == "download" else "somewhere"
    path = written(tmp_path, f"title: t\n{who}: {{net: resnet56, source: {{{source}: {address}}}}}\n")
    settings = getattr(presets.resolve(path, catalogue=CATALOGUE).experiment, who)
    assert (settings.source, getattr(settings, source)) == (source, address)


def test_the_flat_form_says_the_same(tmp_path: Path) -> None:
    short = presets.resolve(written(tmp_path, "teacher: {net: resnet56, source: {file: a.pth}}\n"), catalogue=CATALOGUE)
    flat = presets.resolve(written(tmp_path, "teacher: {net: resnet56, source: file, file: a.pth}\n"), catalogue=CATALOGUE)
    assert short.experiment == flat.experiment
    assert short.origins == flat.origins


def test_the_command_line_takes_the_short_form(tmp_path: Path) -> None:
    path = written(tmp_path, "teacher: {net: resnet56}\n")
    found = presets.resolve(path, ["teacher.source={run: first}"], catalogue=CATALOGUE)
    assert (found.experiment.teacher.source, found.experiment.teacher.run) == ("run", "first")
    assert found.origins["teacher.run"] == "--set"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{web: x}", r"is no source; write one of \{file: …\}, \{run: …\}"),
        ("{file: a, run: b}", "is no source"),
        ("{}", "is no source"),
        ("{file: a.pth}, file: b.pth", "file is given twice, here and as teacher.file"),
    ],
)
def test_a_short_form_that_cannot_be_names_its_line(source: str, said: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"title: t\nteacher: {{net: resnet56, source: {source}}}\n")
    with pytest.raises(PresetError, match=said) as caught:
        presets.resolve(path, catalogue=CATALOGUE)
    assert (caught.value.problems[0].path, caught.value.problems[0].line) == ("teacher.source", 2)


def test_an_address_of_the_wrong_kind_names_its_own_place(tmp_path: Path) -> None:
    path = written(tmp_path, "title: t\nteacher:\n  net: resnet56\n  source:\n    run: 3\n")
    with pytest.raises(PresetError, match="3 is not a text") as caught:
        presets.resolve(path, catalogue=CATALOGUE)
    assert (caught.value.problems[0].path, caught.value.problems[0].line) == ("teacher.run", 5)
