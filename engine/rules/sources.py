"""Rules on where teacher and student come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.presets import Problem
from engine.rules.case import Case


def _sources(case: Case) -> Iterator[Problem]:
    student, teacher = case.experiment.student, case.experiment.teacher
    given: list[tuple[str, str, str]] = [("student.file", student.source, student.file)]
    if case.has_teacher:
        given.append(("teacher.file", teacher.source, teacher.file))
        if teacher.source == "run" and not teacher.run:
            yield Problem("teacher.run", "name the run, or give the folder, whose student becomes the teacher")
    for path, source, file in given:
        if source == "file" and not file:
            yield Problem(path, "choose the checkpoint: a .safetensors, or a .pth, .pt or .th state dict")
        elif source == "file" and not Path(file).expanduser().is_file():
            yield Problem(path, f"there is no file {file!r}")


def _earlier_run(case: Case) -> Iterator[Problem]:
    teacher = case.experiment.teacher
    if not case.has_teacher or teacher.source != "run" or not teacher.run:
        return
    folder = Path(teacher.run).expanduser()
    if not folder.is_dir():
        if case.home is None and len(folder.parts) == 1:
            return
        folder = (case.home or Path()) / folder
    if not folder.is_dir():
        yield Problem("teacher.run", f"there is no run {teacher.run!r}; name one of your runs, or give its folder")
    elif not (folder / "student.safetensors").is_file():
        yield Problem("teacher.run", f"{teacher.run!r} has no student.safetensors; choose a finished run")


RULES = (_sources, _earlier_run)
