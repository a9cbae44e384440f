"""What nets say of image files: a finished student, its teacher where that is at hand, other students beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import at_hand
from engine.data import DataError
from engine.data.pixels import to_unit
from engine.decoding.images import decode
from engine.downloads import DownloadError
from engine.export import header, student
from engine.export.header import StudentError
from engine.nets.net import Net, NetError
from engine.presets import PresetError
from engine.pretrained import PretrainedError
from engine.runs import RunFolder
from engine.sources import SourceError
from engine.sources.origins import student_of

FORESEEN = (StudentError, NetError, SourceError, PretrainedError, PresetError, DownloadError, OSError)
"""Why a net cannot be had; each a sentence."""


@dataclass(frozen=True)
class Asked:
    """A net that is asked: who it is in the comparison (student, teacher, baseline), what it is called, the file of a student,
    and the names of its classes in the order of its outputs."""

    who: str
    name: str
    net: Net
    classes: tuple[str, ...]

    def about(self) -> dict[str, Any]:
        """What is said of it before it is asked."""
        return {"said": "net", "who": self.who, "name": self.name, "net": self.net.frame.key, "side": self.net.frame.size}


def student_at(given: str, home: Path, who: str = "student") -> tuple[Asked, Path | None]:
    """The student of a file, or of a run named or given as a folder, and the folder of that run. Raises one of `FORESEEN`."""
    named = Path(given).expanduser()
    file = named if named.is_file() else student_of(given, home)
    about = header.describe(file)["about"]
    net = student.load(file)
    classes = tuple(about.get("classes") or (str(n) for n in range(net.frame.classes)))
    folder = file.parent if (file.parent / "experiment.yaml").is_file() else None
    return Asked(who, str(about.get("title") or folder or file.name), net, classes), folder


def teacher_beside(asked: Asked, folder: Path | None) -> Asked:
    """The teacher of a student's run. Raises one of `FORESEEN`."""
    if folder is None:
        raise SourceError("the student lies outside of its run, which alone knows its teacher")
    net, name = at_hand.teacher_of(RunFolder.open(folder))
    return Asked("teacher", name, net, asked.classes)


def predictions(nets: Sequence[Asked], images: Sequence[str], named: int) -> Iterator[dict[str, Any]]:
    """For each image in turn what every net says of it, as soon as it is known: the `named` likeliest classes with their
    probabilities, and the milliseconds it took on the CPU; or why the image cannot be read."""
    for path in images:
        for asked in nets:
            try:
                x = _pixels(path, asked.net)
            except DataError as error:
                yield {"said": "unreadable", "image": path, "sentence": str(error)}
                break
            yield {"said": "prediction", "who": asked.who, "name": asked.name, "image": path} | _answer(asked, x, named)


def _pixels(path: str, net: Net) -> torch.Tensor:
    """One image (1, C, side, side) in [0, 1] as a net takes it: its middle square, resized, grey where the net sees grey."""
    into = np.empty((1, net.frame.channels, net.frame.size, net.frame.size), dtype=np.uint8)
    decode([path], into)
    return to_unit(torch.from_numpy(into))


def _answer(asked: Asked, x: torch.Tensor, named: int) -> dict[str, Any]:
    began = time.perf_counter()
    with torch.no_grad():
        p = torch.softmax(asked.net(x).float(), dim=1)[0]
    spent = 1000.0 * (time.perf_counter() - began)
    values, classes = p.topk(min(named, len(p)))
    guesses = [[asked.classes[c], round(v, 4)] for c, v in zip(classes.tolist(), values.tolist())]
    return {"guesses": guesses, "milliseconds": round(spent, 2)}
