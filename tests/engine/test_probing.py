"""What an experiment will take is measured from a few steps, and nothing is kept of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from engine import presets, probing
from engine.cli import cli
from engine.control import Control, Stopped
from engine.data.split import Resident
from engine.data.thinned import Thinned, kept_apart

QUICK = ("run.threads=1", "run.device=cpu", "run.precision=float32", "run.compile=off")


@pytest.fixture(autouse=True)
def soon_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "ENOUGH", 0.05)


def cost(preset: str, home: Path, sets: Sequence[str] = ()) -> probing.Cost:
    resolved = presets.resolve(f"experiments/{preset}", [*QUICK, *sets])
    return probing.measure(resolved, home, lambda title: None, Control())


def test_long_stages_are_reckoned_from_their_steps_and_short_ones_as_they_were(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    found = cost("digits-dkd", home, ["training.epochs=200", "teacher.epochs=100"])
    stages = {stage.name: stage for stage in found.stages}
    assert list(stages) == ["data", "teacher", "distilling"]
    epoch = -(-round(1437 * 0.9) // 64)
    assert abs(stages["distilling"].steps - 200 * epoch) <= 200
    for name in ("teacher", "distilling"):
        stage = stages[name]
        assert stage.seconds >= stage.steps * stage.seconds_a_step > 0
        assert " of " in stage.words
    assert stages["data"].steps == 0
    assert found.seconds == pytest.approx(sum(stage.seconds for stage in found.stages))
    assert 0 < found.peak_memory < found.memory
    assert list(home.iterdir()) == []


def test_the_measured_speed_is_that_of_a_run(tmp_path: Path) -> None:
    found = cost("digits-labels", tmp_path, ["training.epochs=4"])
    distilling = found.stages[-1]
    resolved = presets.resolve("experiments/digits-labels", [*QUICK, "training.epochs=4"])
    from engine import session

    outcome = session.run(resolved, lambda event: None, Control(), home=tmp_path / "real")
    took = outcome.results[0]["seconds_distilling"]
    assert took / 4 < distilling.seconds < took * 4  # on a busy machine


def test_preparations_are_measured_on_few_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "PREPARED", 300)
    monkeypatch.setattr(probing, "EACH", 30)
    found = cost("digits-reffakd", tmp_path)
    stages = {stage.title: stage for stage in found.stages}
    assert stages["autoencoder"].steps > 100
    assert stages["soft labels"].words.endswith("% of the images; at most")


def test_a_teacher_that_is_kept_already_is_not_trained_again(tmp_path: Path) -> None:
    from engine import session

    sets = [*QUICK, "training.epochs=1", "teacher.epochs=1", "dataset.subset=0.2"]
    session.run(presets.resolve("experiments/digits-kd", sets), lambda event: None, Control(), home=tmp_path)
    kept = sorted(path.name for path in tmp_path.iterdir())
    found = cost("digits-kd", tmp_path, sets)
    assert "teacher" not in [stage.name for stage in found.stages]
    assert sorted(path.name for path in tmp_path.iterdir()) == kept


def test_a_measurement_can_be_stopped(tmp_path: Path) -> None:
    control = Control()
    control.stop()
    resolved = presets.resolve("experiments/digits-labels", QUICK)
    with pytest.raises(Stopped):
        probing.measure(resolved, tmp_path, lambda title: None, control)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_its_cost_as_a_line_of_json(tmp_path: Path) -> None:
    words = ["probe", "experiments/digits-labels", "--json", "--runs", str(tmp_path)]
    done = CliRunner().invoke(cli, [*words, *(word for each in QUICK for word in ("--set", each))])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0] == {"measuring": "data"}
    assert set(lines[-1]["cost"]) == {"stages", "seconds", "peak_memory", "memory", "repeats", "resources"}


def test_an_experiment_that_cannot_run_is_refused_by_its_setting(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["probe", "experiments/digits-kd", "--set", "teacher.net=none", "--runs", str(tmp_path)])
    assert done.exit_code == 2 and "teacher.net" in done.output


def test_thinned_images_keep_their_place_in_the_whole() -> None:
    images = torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1)
    whole = Resident(images, torch.arange(100))
    few = Thinned(whole, 10)
    assert len(few) == 10
    for index, given in few.batches(torch.arange(10), 4):
        assert torch.equal(given.flatten().long(), index)
        assert torch.equal(few.labels[index], index)  # type: ignore[index]
    assert few.take(torch.tensor([37])).item() == 37


def test_images_kept_apart_count_from_nought() -> None:
    images = torch.arange(100, dtype=torch.uint8).reshape(100, 1, 1, 1)
    own = kept_apart(Resident(images, torch.arange(100)), 10)
    assert own is not None and own.labels is not None and len(own) == len(own.labels) == 10
    found = list(own.batches(torch.arange(10), 4))
    assert torch.equal(torch.cat([index for index, _ in found]), torch.arange(10))
    assert torch.equal(torch.cat([given for _, given in found]).flatten().long(), own.labels)
    assert torch.equal(own.take(torch.tensor([3])).flatten().long(), own.labels[3:4])
    assert kept_apart(None, 10) is None
