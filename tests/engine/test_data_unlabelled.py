"""Images without labels: the teacher names the classes, and a labelled folder may stand beside them for the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from engine import data, presets, rules, session
from engine.control import Control
from engine.data import DataError, Pictures, Sides
from engine.events import Evaluated, Event
from engine.experiment import DatasetSettings, Experiment
from engine.export.student import describe


def paint(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (level, 0, 0)).save(path)


def fill(root: Path) -> Path:
    for i in range(20):
        paint(root / "flat" / f"{i:02}.png", i)
    for name, level in (("ant", 100), ("bee", 150), ("cow", 200)):
        paint(root / "test" / name / "a.png", level)
    return root


def load(root: Path, **settings) -> Pictures:
    chosen = DatasetSettings(name="unlabelled", root=str(root / "flat"), labels=False, **settings)
    return data.load(chosen, Sides(), "cpu")


def test_it_has_images_but_neither_classes_nor_labels_nor_a_test(tmp_path: Path) -> None:
    p = load(fill(tmp_path))
    assert (len(p.train), len(p.heldout), p.test, p.class_names, p.shape) == (18, 2, None, (), (3, 16, 16))
    assert p.train.labels is None
    assert p.heldout.labels is None
    assert p.named(("a", "b")).class_names == ("a", "b")


def test_a_labelled_test_folder_takes_the_order_of_the_teachers_classes(tmp_path: Path) -> None:
    p = load(fill(tmp_path), test_root=str(tmp_path / "test"))
    assert p.class_names == ("ant", "bee", "cow")
    named = p.named(("cow", "ant", "bee"))
    assert named.class_names == ("cow", "ant", "bee")
    assert named.test.labels.tolist() == [1, 2, 0]
    assert named.test.images[:, 0, 0, 0].tolist() == [100, 150, 200]
    assert named.train.labels is None
    assert p.named(("ant", "bee", "cow")).test.labels.tolist() == [0, 1, 2]


def test_a_test_folder_of_other_classes_than_the_teachers_is_refused(tmp_path: Path) -> None:
    p = load(fill(tmp_path), test_root=str(tmp_path / "test"))
    with pytest.raises(DataError, match=r"dataset\.test_root: 'cow' is none of the teacher's classes \(3 in the folder, 2 in"):
        p.named(("ant", "bee"))
    with pytest.raises(DataError, match=r"some of the teacher's classes are missing"):
        p.named(("ant", "bee", "cow", "dog"))


def test_too_few_images_and_a_wrong_test_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    with pytest.raises(DataError, match=r"dataset\.root: .*/flat holds too few images \(0\)"):
        load(tmp_path)
    fill(tmp_path)
    with pytest.raises(DataError, match=r"dataset\.test_root: there is no folder"):
        load(tmp_path, test_root=str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"dataset\.test_root: .*/flat holds images, but no folder for each class"):
        load(tmp_path, test_root=str(tmp_path / "flat"))


def run(home: Path, preset: str, **form) -> tuple[session.Outcome, list[Event]]:
    quick = {"training.epochs": 1, "training.batch_size": 8, "run.threads": 1, "run.probe_images": 16, "run.compile": "off",
             "student.net": "resnet8"}  # fmt: skip
    said: list[Event] = []
    chosen = presets.resolve(preset, form=quick | {k.replace("__", "."): v for k, v in form.items()})
    return session.run(chosen, said.append, Control(), home=home), said


def test_a_student_learns_from_unlabelled_images_the_classes_that_its_teacher_has(tmp_path: Path) -> None:
    for number, name in enumerate(("ant", "bee", "cow")):
        for i in range(12):
            paint(tmp_path / "labelled" / name / f"{i}.png", 80 * number + i)
    taught, _ = run(
        tmp_path, "experiments/digits-labels", dataset__name="folder", dataset__root=str(tmp_path / "labelled"),
    )  # fmt: skip
    fill(tmp_path)
    learnt, said = run(
        tmp_path, "experiments/digits-kd", dataset__name="unlabelled", dataset__root=str(tmp_path / "flat"),
        dataset__labels=False, dataset__test_root=str(tmp_path / "test"), teacher__net="resnet8", teacher__source="run",
        teacher__run=str(taught.folders[0]),
    )  # fmt: skip
    assert learnt.outcome == "done", said[-1]
    assert learnt.results[0]["selection"] == "by agreement with the teacher"
    assert {e.split for e in said if isinstance(e, Evaluated) and e.who == "student"} == {"test"}
    assert describe(learnt.folders[0] / "student.safetensors")["about"]["classes"] == ["ant", "bee", "cow"]


def test_labels_of_images_that_have_none_are_refused_before_anything_is_read() -> None:
    experiment = Experiment()
    experiment.dataset = DatasetSettings(name="unlabelled", root=str(Path.cwd()))
    assert ("dataset.labels", True) in {(p.path, "have no labels" in p.sentence) for p in rules.problems(experiment)}
