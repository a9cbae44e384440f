"""What makes a run quick changes nothing: remembering the teacher, compiling, and going on after either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine import presets, session
from engine.control import Control
from engine.events import Event, Step
from engine.presets import Resolved

KD: dict[str, Any] = {
    "dataset.subset": 0.1, "training.epochs": 3, "training.batch_size": 32, "teacher.net": "resnet8",
    "teacher.source": "scratch", "run.threads": 1, "run.report_every": 1, "run.probe_images": 16, "run.precision": "float32",
    "run.share_every": 0, "run.save_every": 1,
}  # fmt: skip


def kd(**changes: Any) -> Resolved:
    return presets.resolve("experiments/digits-kd", form=KD | {k.replace("__", "."): v for k, v in changes.items()})


def ran(resolved: Resolved, home: Path, resume: Path | None = None) -> tuple[Path, list[float]]:
    """The run's folder, and its losses step by step."""
    said: list[Event] = []
    outcome = session.run(resolved, said.append, Control(), home=home, resume=resume)
    return outcome.folders[0], [e.values["loss"] for e in said if isinstance(e, Step) and e.stage == "distilling"]


def same(a: Path, b: Path) -> bool:
    one, other = (load_file(run / "student.safetensors") for run in (a, b))
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    "views", [{"dataset__flip": True}, {"dataset__crop": 2, "dataset__rotation": 10.0, "dataset__views": 2}]
)
def test_remembering_the_teacher_changes_no_loss_by_more_than_rounding(views: dict[str, Any], tmp_path: Path) -> None:
    _, plain = ran(kd(**views, run__memo=0.0), tmp_path / "plain")
    folder, kept = ran(kd(**views), tmp_path / "kept")
    assert kept == pytest.approx(plain, rel=1e-5)
    assert not (folder / "checkpoints" / "memo.bin").exists()


def test_a_run_that_remembers_goes_on_exactly(tmp_path: Path) -> None:
    resolved = kd(dataset__crop=1, dataset__flip=True)
    control, said = Control(), list[Event]()

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Step) and event.stage == "distilling" and event.step == 7:
            control.stop()

    stopped = session.run(resolved, sink, control, home=tmp_path / "a").folders[0]
    assert (stopped / "checkpoints" / "memo.bin").is_file()
    resumed, _ = ran(session.resumable(stopped), tmp_path / "a", resume=stopped)
    straight, _ = ran(resolved, tmp_path / "b")
    assert same(resumed, straight)


def test_a_compiled_run_looks_into_its_nets_learns_as_a_plain_one_and_goes_on_exactly(tmp_path: Path) -> None:
    form = KD | {"training.epochs": 2, "run.share_every": 2}
    resolved = presets.resolve("experiments/digits-kd", ["methods.at={weight: 100}"], form=form)
    _, plain = ran(resolved, tmp_path / "plain")
    ran(kd(training__epochs=1, run__compile="on"), tmp_path / "before")  # the same nets, nobody looking into them
    resolved.experiment.run.compile = "on"
    straight, compiled = ran(resolved, tmp_path / "compiled")
    assert compiled == pytest.approx(plain, rel=1e-3)
    control = Control()
    stopped = session.run(
        resolved, lambda e: control.stop() if isinstance(e, Step) and e.step == 3 else None, control, home=tmp_path / "again"
    ).folders[0]
    resumed, _ = ran(session.resumable(stopped), tmp_path / "again", resume=stopped)
    assert same(resumed, straight)
