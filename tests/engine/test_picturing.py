"""What evaluations show of single images and classes: the numbers, and that they stay few."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import golden

from engine import affinity, presets, session
from engine.affinity import maps as affinity_maps
from engine.control import Control
from engine.denoising import shown as denoising_shown
from engine.events import Event, RunStarted, Watched
from engine.experiment import RunSettings, TrainingSettings
from engine.observing import samples
from engine.observing.confusion import class_accuracy, confusion
from engine.observing.picturing import RECORDS, Picturing
from engine.runs import RunFolder

QUICK: dict[str, Any] = {
    "dataset.subset": 0.2, "teacher.source": "scratch", "training.epochs": 2, "training.batch_size": 32, "run.threads": 1,
    "run.precision": "float32", "run.probe_images": 32, "run.report_every": 2,
}  # fmt: skip


def test_a_row_of_a_confusion_is_shared_out_among_the_classes_that_were_named() -> None:
    found = confusion(torch.tensor([0, 0, 1, 0, 0]), torch.tensor([0, 1, 1, 0, 0]), 3)
    assert found[:2].tolist() == [[0.75, 0.25, 0.0], [0.0, 1.0, 0.0]]
    assert found[2].isnan().all()


def test_the_accuracy_of_each_class_is_the_diagonal_of_its_confusion() -> None:
    z, y = golden((40, 5), 0.7), torch.arange(40) % 4
    found = class_accuracy(z, y)
    torch.testing.assert_close(found[:4], 100 * confusion(y, z.argmax(1), 5).diagonal()[:4])
    assert math.isnan(found[4].item())


def test_outputs_name_the_likeliest_classes_of_both_and_how_far_they_are_apart() -> None:
    z_s, z_t = torch.tensor([[9.0, 0.0, 1.0, -9.0]]).log_softmax(1), torch.tensor([[0.0, 60.0, 1.0, 2.0]])
    row = dict(zip(samples.COLUMNS, samples.outputs(z_s, z_t, torch.tensor([2]))[0].tolist(), strict=True))
    assert [row[f"student class {k}"] for k in (1, 2, 3)] == [0, 2, 1]
    assert [row[f"teacher class {k}"] for k in (1, 2, 3)] == [1, 3, 2]
    assert row["student share 1"] == pytest.approx(z_s.exp()[0, 0].item())
    assert row["student label"] == pytest.approx(z_s.exp()[0, 2].item())
    assert row["difference"] == pytest.approx(1 - z_s.exp()[0, 1].item(), abs=1e-6)
    assert dict(zip(samples.COLUMNS, samples.outputs(z_s, z_s, None)[0].tolist()))["difference"] == 0.0


def test_where_nobody_teaches_nothing_is_labelled_and_classes_are_two_there_is_nothing() -> None:
    row = dict(zip(samples.COLUMNS, samples.outputs(torch.tensor([[1.0, 2.0]]), None, None)[0].tolist(), strict=True))
    known = {name for name, value in row.items() if not math.isnan(value)}
    assert known == {"student class 1", "student class 2", "student share 1", "student share 2"}


def test_thumbnails_are_no_larger_than_they_may_be() -> None:
    assert samples.thumbnails(torch.zeros(3, 1, 8, 8, dtype=torch.uint8)).shape == (3, 8, 8, 1)
    assert samples.thumbnails(torch.zeros(3, 3, 224, 224, dtype=torch.uint8)).shape == (3, 64, 64, 3)


def test_small_affinities_are_those_of_averaged_maps() -> None:
    f, coarse = golden((2, 5, 16, 16), 0.7), golden((2, 3, 4, 4), 0.9)
    assert affinity_maps.side_of(f, f) == 8 and affinity_maps.side_of(f, coarse) == 4
    averaged = f.float().reshape(2, 5, 8, 2, 8, 2).mean((3, 5))
    torch.testing.assert_close(affinity_maps.small(f, 8), affinity.affinity(averaged))
    assert affinity_maps.small(f, 8).shape == (2, 64, 64)


@pytest.mark.parametrize(("epochs", "every"), [(1, 1), (5, 1), (24, 1), (240, 1), (241, 7), (1000, 3)])
def test_what_is_large_is_shown_at_the_first_and_the_last_evaluation_and_few_between(epochs: int, every: int) -> None:
    report: Any = None
    picturing = Picturing(report, (), TrainingSettings(epochs=epochs), RunSettings(evaluate_every=every))
    evaluated = [epoch for epoch in range(1, epochs + 1) if epoch % every == 0 or epoch == epochs]
    due = [epoch for epoch in evaluated if picturing.due(epoch)]
    assert due[0] == evaluated[0] and due[-1] == epochs
    assert min(len(evaluated), RECORDS // 2) <= len(due) <= RECORDS + 2


def test_a_latent_that_comes_nearer_at_every_step_is_nearer_at_every_step() -> None:
    teacher = golden((10, 4, 3, 3), 0.7).float()
    way = [teacher + shift for shift in (0.5, 0.2, 0.0)]
    found = denoising_shown.distances(teacher + 1.0, way, teacher)
    spread = (teacher - teacher.mean((0, 2, 3), keepdim=True)).square().mean()
    torch.testing.assert_close(found, torch.tensor([1.0, 0.25, 0.04, 0.0]) / spread)
    shown = denoising_shown.pictures(teacher + 1.0, way, teacher)
    assert shown.shape == (5, 8, 3, 3, 1) and shown.dtype == torch.uint8
    assert torch.equal(shown[3], shown[4]) and shown[4].min() == 0 and shown[4].max() == 255


def test_pictures_of_latents_lie_along_the_direction_in_which_the_teachers_vary_most() -> None:
    x = golden((200, 6), 0.7).float() * torch.tensor([1.0, 1, 1, 9, 1, 1])
    _, direction = denoising_shown._main_direction(x)
    _, vectors = torch.linalg.eigh(torch.cov(x.T))
    assert abs(float(direction @ vectors[:, -1])) == pytest.approx(1.0, abs=1e-4)


def run(home: Path, preset: str, **changes: Any) -> tuple[Path, list[Event]]:
    said: list[Event] = []
    resolved = presets.resolve(preset, form=QUICK | {k.replace("__", "."): v for k, v in changes.items()})
    outcome = session.run(resolved, said.append, Control(), home=home)
    assert outcome.outcome == "done"
    return outcome.folders[0], said


def test_a_run_with_a_teacher_shows_samples_confusions_classes_and_affinities(tmp_path: Path) -> None:
    path, said = run(tmp_path, "experiments/digits-kd")
    folder = RunFolder.open(path)
    announced = {w["name"] for e in said if isinstance(e, RunStarted) for w in e.plan["watches"]}
    records = {name: folder.watched(name) for name in announced}
    assert all(records.values())
    assert len(records["samples"]) == len(records["confusion_teacher"]) == 1
    count = len(records["samples"][0].labels["label"])
    assert 16 <= count <= 32 and len(folder.array(records["samples"][0])) == count
    assert folder.array(records["outputs"][-1]).shape == (count, len(samples.COLUMNS))
    assert {tuple(r.labels["stage"]) for r in records["affinity_student"]} == {("f1", "f1"), ("f2", "f2"), ("f3", "f3")}
    assert all(len(r.labels["places"]) == 2 and r.shape[1] <= 64 for r in records["affinity_teacher"])
    kept = {r.labels["names"][3] for r in records["class_accuracy"]}
    assert kept == {"3"} and len(records["class_accuracy"]) == 2


def test_without_a_teacher_nothing_of_one_is_announced(tmp_path: Path) -> None:
    _, said = run(tmp_path, "experiments/digits-labels", teacher__net="none")
    shown = {e.watch for e in said if isinstance(e, Watched)}
    assert shown == {"soft_labels_student", "confusion", "class_accuracy", "samples", "outputs"}


def test_diffkd_shows_its_steps(tmp_path: Path) -> None:
    path, _ = run(tmp_path, "experiments/digits-diffkd", teacher__net="resnet8", dataset__subset=0.1)
    folder = RunFolder.open(path)
    steps, pictures = folder.watched("diffkd.steps")[-1], folder.watched("diffkd.denoising")[-1]
    assert steps.labels["names"] == ["student", "time 400", "time 300", "time 200", "time 100", "time 0"]
    assert pictures.labels["rows"] == [*steps.labels["names"], "teacher"]
    assert pictures.shape[:2] == (7, 8) and pictures.dtype == "uint8"


def test_letkd_numbers_its_templates_by_the_teachers_use(tmp_path: Path) -> None:
    path, _ = run(
        tmp_path, "experiments/digits-letkd", teacher__net="resnet8", dataset__subset=0.1, methods__letkd__templates=6
    )
    folder = RunFolder.open(path)
    maps = folder.array(folder.watched("letkd.penult_map")[-1])
    assert maps.shape[0] == 2 and maps.shape[1] <= 16 and maps.min() >= 1 and maps.max() <= 6
    assert (maps == maps.round()).all()
