"""What a person takes away from a finished run: the student and the preset, copied and verified, and a quantized student
packed, too; or the student alone, in the form that a file's ending names."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.export import packed, student

FILES = ("student.safetensors", "preset.yaml")


def write(run: Path, out: Path) -> tuple[Path, ...]:
    """Copy a run's student and preset into a folder and load the copy once; of a student with quantized weights also write
    the packed form. Raises StudentError for a run that has no student yet, OSError when the folder cannot be written."""
    _look(run, FILES)
    out.mkdir(parents=True, exist_ok=True)
    written = tuple(Path(shutil.copy2(run / name, out / name)) for name in FILES)
    net = student.load(written[0])
    if not packed.packs(net):
        return written
    packed.write(out / packed.FILE, net, student.describe(written[0])["about"])
    return (*written, out / packed.FILE)


def write_student(run: Path, path: Path) -> None:
    """Write a run's student alone: as it is (.safetensors), or as a program (.pt2, .onnx). Raises StudentError for a run that
    has no student yet and for what `program.write` refuses, OSError when the file cannot be written."""
    from engine.export import program  # loads much that only this needs

    _look(run, FILES[:1])
    kept = run / FILES[0]
    if path.suffix == kept.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        student.load(shutil.copy2(kept, path))
    else:
        program.write(path, student.load(kept), student.describe(kept)["about"])


def _look(run: Path, wanted: tuple[str, ...]) -> None:
    missing = [name for name in wanted if not (run / name).is_file()]
    if missing:
        raise student.StudentError(f"{run} has no {missing[0]} yet; only a finished run has, so resume it first")
