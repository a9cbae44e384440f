"""How quick students are, measured alike and kept with their runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from compared import pair
from typer.testing import CliRunner

from engine import latency, nets
from engine.cli import cli
from engine.comparison import sides
from engine.export import student
from engine.export.header import StudentError


def with_students(home: Path) -> list[Path]:
    paths = pair(home)[:2]
    for path in paths:
        net = nets.build("lenet5", classes=10, channels=1, size=32, mean=(0.5,), std=(0.5,))
        student.write(path / "student.safetensors", net, {"classes": list("0123456789")})
    return paths


def test_students_are_timed_and_that_is_kept_with_each_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "ROUNDS", 2)
    paths = with_students(tmp_path)
    found = latency.measure(paths, torch.device("cpu"))
    assert all(found[p]["milliseconds"]["1"] > 0 for p in paths)
    kept = sides.latency(paths[0])
    assert kept["milliseconds_64"] == found[paths[0]]["milliseconds"]["64"] and "threads" in kept["machine"]


def test_the_terminal_says_each_run_as_a_line_and_refuses_one_without_a_student(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "ROUNDS", 1)
    paths = with_students(tmp_path)
    done = CliRunner().invoke(cli, ["latency", *(str(p) for p in paths), "--device", "cpu", "--json"])
    assert done.exit_code == 0, done.output
    assert [json.loads(line)["run"] for line in done.output.splitlines()] == [str(p) for p in paths]
    (paths[0] / "student.safetensors").unlink()
    assert CliRunner().invoke(cli, ["latency", str(paths[0])]).exit_code == 2
    with pytest.raises(StudentError, match="only finished runs"):
        latency.measure(paths, torch.device("cpu"))
