"""`kdstudio predict`: a finished student, its teacher and other students say what they take image files for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from typer.testing import CliRunner, Result

from engine import load_student, presets, session
from engine.cli import cli
from engine.control import Control
from engine.runs import listing

QUICK: dict[str, Any] = {
    "dataset.subset": 0.2, "training.epochs": 2, "training.batch_size": 32, "run.threads": 1, "run.precision": "float32",
    "run.probe_images": 16, "run.report_every": 5,
}  # fmt: skip


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def said(done: Result) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: one with a teacher trained on the spot, one from the labels alone."""
    home = tmp_path_factory.mktemp("runs")
    for preset, form in (
        ("experiments/digits-kd", {"teacher.net": "resnet8", "teacher.epochs": 1, "student.net": "lenet5"}),
        ("experiments/digits-labels", {}),
    ):
        assert session.run(presets.resolve(preset, form=QUICK | form), lambda e: None, Control(), home=home).outcome == "done"
    return home


@pytest.fixture
def taught(home: Path) -> Path:
    return _by_teacher(home, "resnet8")


@pytest.fixture
def alone(home: Path) -> Path:
    return _by_teacher(home, "none")


def _by_teacher(home: Path, net: str) -> Path:
    return next(row.path for row in listing(home) if row.teacher == net)


@pytest.fixture
def digit(tmp_path: Path) -> Path:
    path = tmp_path / "digit.png"
    Image.fromarray((load_digits().images[3] * 15.9).astype(np.uint8)).resize((40, 40)).save(path)
    return path


def test_the_student_says_what_it_would_say_in_code(alone: Path, digit: Path) -> None:
    net, answer = said(call("predict", alone, digit, "--json"))
    assert (net["said"], net["who"]) == ("net", "student")
    frame = load_student(alone / "student.safetensors").frame
    assert net["net"] == frame.key and net["side"] == frame.size
    assert (answer["said"], answer["image"]) == ("prediction", str(digit))
    shares = [share for _, share in answer["guesses"]]
    assert len(shares) == 3 and shares == sorted(shares, reverse=True) and 0 < sum(shares) <= 1.001


def test_teacher_and_baseline_answer_beside_it(taught: Path, alone: Path, digit: Path) -> None:
    lines = said(call("predict", taught, digit, digit, "--teacher", "--beside", alone, "--json", "--named", 2))
    assert [line["who"] for line in lines] == ["student", "teacher", "baseline"] * 3
    assert lines[1]["net"] == "resnet8" and all(len(line["guesses"]) == 2 for line in lines[3:])


def test_a_run_that_had_no_teacher_says_so_and_answers(alone: Path, digit: Path) -> None:
    lines = said(call("predict", alone, digit, "--teacher", "--json"))
    assert [line["said"] for line in lines] == ["net", "missing", "prediction"]
    assert lines[1]["sentence"] == "the run had no teacher net"


def test_a_trained_teacher_that_is_gone_is_named(taught: Path, digit: Path, tmp_path: Path) -> None:
    kept = next((taught.parent / "teachers").iterdir())
    moved = kept.rename(tmp_path / kept.name)
    try:
        lines = said(call("predict", taught, digit, "--teacher", "--json"))
    finally:
        moved.rename(kept)
    assert lines[1]["said"] == "missing" and kept.name in lines[1]["sentence"]


def test_a_file_that_is_no_image_is_said_and_the_others_are_answered(alone: Path, digit: Path, tmp_path: Path) -> None:
    other = tmp_path / "words.png"
    other.write_text("words")
    lines = said(call("predict", alone, other, digit, "--json"))
    assert [line["said"] for line in lines] == ["net", "unreadable", "prediction"]
    assert str(other) in lines[1]["sentence"]


def test_colour_becomes_grey_for_a_student_of_grey_images(alone: Path, tmp_path: Path) -> None:
    path = tmp_path / "colour.jpg"
    Image.new("RGB", (90, 30), (200, 30, 40)).save(path)
    assert said(call("predict", alone, path, "--json"))[1]["said"] == "prediction"


def test_a_student_file_alone_is_enough_but_knows_no_teacher(taught: Path, digit: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    file.write_bytes((taught / "student.safetensors").read_bytes())
    lines = said(call("predict", file, digit, "--teacher", "--json"))
    assert [line["said"] for line in lines] == ["net", "missing", "prediction"]


def test_without_json_a_line_is_a_sentence(alone: Path, digit: Path) -> None:
    done = call("predict", alone, digit)
    assert done.exit_code == 0
    assert f"{digit}  student: " in done.stdout and " %" in done.stdout


def test_what_is_neither_a_student_nor_a_run_is_refused(digit: Path, tmp_path: Path) -> None:
    done = call("predict", digit, digit)
    assert done.exit_code == 2 and "cannot be read as safetensors" in done.stderr
    assert call("predict", "no-such-run", digit, "--runs", tmp_path).exit_code == 2
