"""What a person takes away from a finished run: the student and the preset, copied and verified, and a quantized student
packed, too."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.export import packed, student

FILES = ("student.safetensors", "preset.yaml")


def write(run: Path, out: Path) -> tuple[Path, ...]:
    """Copy a run's student and preset into a folder and load the copy once; of a student with quantized weights also write
    the packed form. Raises StudentError for a run that has no student yet, OSError when the folder cannot be written."""
    missing = [name for name in FILES if not (run / name).is_file()]
    if missing:
        raise student.StudentError(f"{run} has no {missing[0]} yet; only a finished run has, so resume it first")
    out.mkdir(parents=True, exist_ok=True)
    written = tuple(Path(shutil.copy2(run / name, out / name)) for name in FILES)
    net = student.load(written[0])
    if not packed.packs(net):
        return written
    packed.write(out / packed.FILE, net, student.describe(written[0])["about"])
    return (*written, out / packed.FILE)
