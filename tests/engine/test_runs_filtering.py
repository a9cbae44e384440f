"""Filter expressions: what they hold for, and the sentence where one cannot be read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from small_runs import ended, make, started
from typer.testing import CliRunner

from engine.cli import cli
from engine.runs import filtering
from engine.runs.filtering import FilterError
from engine.runs.rows import RunRow


def row(name: str, **facts: Any) -> RunRow:
    return RunRow(**{"name": name, "path": Path(name), "state": "done"} | facts)


ROWS = (
    row("a", title="DKD on CIFAR", methods=("dkd",), top1_best=91.0, tags=("paper",), seconds=700, size=30_000_000,
        results={"parameters": 270_000}, settings={"training.epochs": 200, "training.optimizer": "sgd"}),
    row("b", title="DKD again", methods=("dkd", "at"), top1_best=90.5, tags=("paper", "draft"), archived=True,
        settings={"training.epochs": 240, "training.optimizer": "adamw"}, started=time.time() - 3600),
    row("c", title="Labels [alone]", state="failed", seed=3, note="ran out of memory", started=1_741_082_400.0,
        settings={"training.epochs": 200}),
    row("d", title="KD", methods=("kd",), state="interrupted", top1_best=50.0, parent="a", student="resnet20"),
)  # fmt: skip


def found(text: str) -> str:
    holds = filtering.read(text).holds
    return "".join(each.name for each in ROWS if holds(each))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "abcd"),
        ("   ", "abcd"),
        ("top1 > 90 and method:dkd and tag:paper not archived", "a"),
        ("top1>90 method:dkd", "ab"),
        ("top1 >= 90.5% or failed", "abc"),
        ("not (top1 > 90 or failed)", "d"),
        ("not failed not top1>90", "d"),
        ("dkd again", "b"),
        ('"dkd on"', "a"),
        ("labels", "c"),
        ("title:kd", "abd"),
        ("title=kd", "d"),
        ("title != kd", "abc"),
        ('title:"dkd *"', "ab"),
        ("title:[alone]", "c"),
        ("method:a*", "b"),
        ("methods != dkd", "cd"),
        ("time > 10m", "a"),
        ("size < 1MB", "bcd"),
        ("size >= 0.03GB", "a"),
        ("parameters < 0.5M", "a"),
        ("seed = 3", "c"),
        ("started = 2025-03-04", "c"),
        ("started > 2025-03-05", "b"),
        ("age < 2h", "b"),
        ("note:memory", "c"),
        ("parent:a", "d"),
        ("state:failed or state = interrupted", "cd"),
        ("training.epochs > 200", "b"),
        ("training.optimizer=sgd", "a"),
        ("training.optimizer != sgd", "b"),
        ("STUDENT:ResNet20", "d"),
        ("archived", "b"),
        ('"archived"', ""),
    ],
)
def test_an_expression_holds_for(text: str, names: str) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "sentence", "at"),
    [
        ("topp1 > 90", "a run has no “topp1”; did you mean 'top1'?", 0),
        ("zzzzzz:1", "it has state, title, .* and every setting, such as training.epochs", 0),
        ("top1 >", "after “top1 >” a number is missing", 6),
        ("top1 > many", "top1 is compared with a number, and “many” is none", 7),
        ("time > 3 years", None, 0),
        ("time > 3y", "a duration such as 10m or 2h, and “3y” is none", 7),
        ("started > yesterday", "a day such as 2025-03-04", 10),
        ("title > 3", "title is no number: write title:3, or != for the opposite", 6),
        ("state:finishd", "no run is “finishd”", 6),
        ("(dkd or kd", "the bracket that opens here is not closed", 0),
        ("dkd)", "there is no bracket open", 3),
        ("dkd and", "after “and” something is missing", 7),
        ("or dkd", "at the beginning something is missing", 0),
        ("dkd or or kd", "after “or” something is missing", 7),
        ('title:"dkd', "the quotation mark is not closed", 6),
        ("what!", "“!” means nothing here; put what is searched into quotation marks", 4),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, sentence: str | None, at: int) -> None:
    if sentence is None:  # `3` are seconds, and `years` is searched
        assert found(text) == ""
        return
    with pytest.raises(FilterError, match=sentence) as refused:
        filtering.read(text)
    assert refused.value.at == at


def test_only_an_expression_that_speaks_of_archived_runs_decides_of_them() -> None:
    assert filtering.read("dkd and not archived").speaks_of_archived
    assert not filtering.read('dkd "archived"').speaks_of_archived


def test_a_thousand_runs_are_filtered_within_a_blink() -> None:
    many = [row(f"run-{n}", title=f"Run {n}", top1_best=n / 10, methods=("dkd",), tags=("paper",)) for n in range(1000)]
    begun = time.perf_counter()
    holds = filtering.read("top1 > 90 and method:dkd and tag:paper run not archived").holds
    assert sum(map(holds, many)) == 99
    assert time.perf_counter() - begun < 0.05


def test_the_terminal_lists_the_runs_for_which_a_filter_holds(tmp_path: Path) -> None:
    for name, top1 in (("good", 95.0), ("bad", 50.0)):
        run = make(tmp_path, name)
        run.append(started(title=name))
        run.append(ended(top1=top1))
    asked = CliRunner().invoke(cli, ["list", "runs", "--runs", str(tmp_path), "--where", "top1 > 90"])
    assert "good" in asked.output and "bad" not in asked.output
    refused = CliRunner().invoke(cli, ["list", "runs", "--runs", str(tmp_path), "--where", "top1 >"])
    assert refused.exit_code == 2
    assert "--where: after “top1 >” a number is missing (at character 7)" in refused.output
