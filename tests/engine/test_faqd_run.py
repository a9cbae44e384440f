"""FAQD in whole, tiny runs: without any label in sight, with projections, and resumed.

Some take a few seconds: two runs are compared, or five evaluations are waited for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from engine import load_student, presets, session
from engine.control import Control
from engine.events import Evaluated, Event, Finding, Measured, Step, Watched
from engine.export.student import describe

QUICK: dict[str, Any] = {
    "student.net": "resnet8", "training.epochs": 2, "training.batch_size": 32, "run.threads": 1, "run.precision": "float32",
    "run.compile": "off", "run.probe_images": 32, "run.share_every": 0, "run.report_every": 1,
}  # fmt: skip
TAUGHT = {"dataset.subset": 0.1, "teacher.net": "resnet8", "teacher.source": "scratch"}


def run(home: Path, preset: str, form: dict[str, Any]) -> tuple[session.Outcome, list[Event]]:
    said: list[Event] = []
    outcome = session.run(presets.resolve(f"experiments/{preset}", form=QUICK | form), said.append, Control(), home=home)
    assert outcome.outcome == "done", said[-1]
    return outcome, said


def losses(said: list[Event], name: str) -> list[float]:
    return [e.values[name] for e in said if isinstance(e, Step) and e.stage == "distilling"]


def flat(folder: Path, count: int = 96) -> Path:
    """Digits as picture files in one folder, whose names say nothing of their class."""
    folder.mkdir()
    for number, pixels in enumerate(load_digits().images[:count]):
        Image.fromarray((pixels * 15.9).astype("uint8")).save(folder / f"{number:03}.png")
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a net that was trained on digits for a moment, and that names their classes."""
    outcome, _ = run(tmp_path_factory.mktemp("teacher"), "digits-labels", {"dataset.subset": 0.1, "training.epochs": 1})
    return outcome.folders[0] / "student.safetensors"


def test_a_flat_folder_and_a_teachers_file_are_enough_to_train_a_student(tmp_path: Path, teacher: Path) -> None:
    images = flat(tmp_path / "pictures")
    outcome, said = run(tmp_path / "runs", "digits-faqd-label-free", {
        "dataset.name": "unlabelled", "dataset.root": str(images), "dataset.labels": False, "teacher.net": "resnet8",
        "teacher.source": "file", "teacher.file": str(teacher),
    })  # fmt: skip
    assert not [e for e in said if isinstance(e, Evaluated)]  # nobody knows what is right
    assert outcome.results[0]["selection"] == "by agreement with the teacher"
    assert "agreement" in outcome.results[0] and "top1" not in outcome.results[0]
    reported = next(e.values for e in said if isinstance(e, Step))
    assert {"faqd.affinity", "faqd.logits"} <= set(reported) and not {"ce", "train_top1", "weighted/labels"} & set(reported)
    assert losses(said, "faqd.logits")[-1] < losses(said, "faqd.logits")[0]
    student = outcome.folders[0] / "student.safetensors"
    assert describe(student)["about"]["classes"] == describe(teacher)["about"]["classes"] == [str(d) for d in range(10)]
    assert load_student(student)(torch.rand(2, 1, 8, 8)).shape == (2, 10)


def test_labels_that_are_there_are_not_read_where_they_are_not_to_be(tmp_path: Path, teacher: Path) -> None:
    _, said = run(tmp_path, "digits-faqd", {
        "dataset.subset": 0.1, "dataset.labels": False, "teacher.net": "resnet8", "teacher.source": "file",
        "teacher.file": str(teacher), "training.epochs": 1,
    })  # fmt: skip
    assert {e.split for e in said if isinstance(e, Evaluated) and e.who == "student"} == {"test"}
    assert "ce" not in next(e.values for e in said if isinstance(e, Step))


def test_estimates_are_measured_beside_the_exact_loss_and_called_needless_where_they_are(tmp_path: Path) -> None:
    _, said = run(tmp_path, "digits-faqd-fast", TAUGHT | {"methods.faqd.projections": 12})
    measured = {name: value for e in said if isinstance(e, Measured) for name, value in e.values.items()}
    assert measured["faqd.estimate_cost"] == pytest.approx(1.0)
    assert 0 < measured["faqd.estimate_error"] < 10
    shown = {e.watch: e.shape for e in said if isinstance(e, Watched) and e.watch.startswith("faqd.")}
    assert shown == {"faqd.stages": (3,), "faqd.estimate_by_stage": (3,)}
    [finding] = [e for e in said if isinstance(e, Finding) and e.check.startswith("faqd.")]
    assert (finding.check, finding.fix) == ("faqd.estimate-needless", {"methods.faqd.affinity": "exact"})


def test_one_projection_is_found_rough_and_forty_are_not(tmp_path: Path) -> None:
    epochs = TAUGHT | {"training.epochs": 5, "training.batch_size": 128, "dataset.subset": 0.05, "run.seed": 1}

    def found(k: int) -> set[str]:
        _, said = run(tmp_path, "digits-faqd-fast", epochs | {"methods.faqd.projections": k})
        return {e.check for e in said if isinstance(e, Finding)}

    assert "faqd.estimate-rough" in found(1)
    assert "faqd.estimate-rough" not in found(40)


@pytest.mark.parametrize("draw", ["fixed", "fresh"])
def test_projections_survive_a_stop_and_a_resume(draw: str, tmp_path: Path) -> None:
    form = TAUGHT | {"methods.faqd.draw": draw, "methods.faqd.projections": 2, "training.epochs": 1}
    _, whole = run(tmp_path / "whole", "digits-faqd-fast", form)
    control, said = Control(), list[Event]()
    resolved = presets.resolve("experiments/digits-faqd-fast", form=QUICK | form)

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Step) and event.stage == "distilling" and event.step == 2:
            control.stop()

    stopped = session.run(resolved, sink, control, home=tmp_path / "cut")
    assert stopped.outcome == "stopped"
    ended = session.run(resolved, said.append, Control(), home=tmp_path / "cut", resume=stopped.folders[0])
    assert ended.outcome == "done"
    assert losses(said, "faqd.affinity") == losses(whole, "faqd.affinity")
