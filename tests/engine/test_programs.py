"""Students as programs that run without kdstudio: they say what the student says, for any number of images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, side_of, striped_images
from torch import Tensor

from engine import nets
from engine.export import program
from engine.export.header import StudentError
from engine.method import chosen, find
from engine.nets.net import Net
from engine.nets.parts import insert

ABOUT = {"classes": ["cat", "dog", "owl", "fox"], "top1": 71.5}
FRAME: dict[str, Any] = {"classes": 4, "channels": 3, "size": 16, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.3)}
FOUR_BITS = {"weights": 4, "activations": 4}


def plain() -> Net:
    torch.manual_seed(0)
    return nets.build(key="resnet8", **FRAME)


def quantized() -> Net:
    torch.manual_seed(0)
    return nets.build(key="resnet8", quantize=FOUR_BITS, **FRAME)


def with_layers() -> Net:
    """A student in which letKD's layers stay."""
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=SmallNet(widths=(5, 6), side=8))
    lab.student = side_of(SmallNet(widths=(4, 8), side=8), lab.facts.shape)
    method = find("letkd")(chosen("letkd", {"templates": 12}))
    for part in method.parts(lab.student, lab.teacher, lab.facts):
        insert(lab.student.net, part, torch.Generator().manual_seed(0))
    return lab.student.net


def run_onnx(path: Path, images: Tensor) -> tuple[Tensor, dict[str, Any]]:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map["about"]
    return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0]), json.loads(about)


def run_pt2(path: Path, images: Tensor) -> tuple[Tensor, dict[str, Any]]:
    extra = {"about": ""}
    made = torch.export.load(path, extra_files=extra)
    return made.module()(images), json.loads(extra["about"])


RUN = {".pt2": run_pt2, ".onnx": run_onnx}


@pytest.mark.parametrize("ending", RUN)
@pytest.mark.parametrize("made", [plain, quantized, with_layers])
def test_a_program_says_what_the_student_says_of_one_image_and_of_many(tmp_path: Path, ending: str, made: Any) -> None:
    if ending == ".onnx":
        pytest.importorskip("onnxscript", reason="the extra 'onnx' is not installed")
    net = made().eval()
    path = tmp_path / "out" / f"student{ending}"
    program.write(path, net, ABOUT)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    for count in (1, 5):
        images = torch.rand(count, net.frame.channels, net.frame.size, net.frame.size)
        found, about = RUN[ending](path, images)
        with torch.no_grad():
            wanted = net(images)
        near = 0.25 * float(wanted.std()) if made is quantized and ending == ".onnx" else 1e-4
        torch.testing.assert_close(found, wanted, atol=near, rtol=1e-4)
        assert about == ABOUT


def test_another_ending_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(StudentError, match=r"\.pt2, \.onnx"):
        program.write(tmp_path / "student.tflite", plain(), ABOUT)


def test_missing_packages_are_named_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(StudentError, match="install onnx, onnxscript and onnxruntime"):
        program.write(tmp_path / "student.onnx", plain(), ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_says_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(path: Path, *given: Any) -> Any:
        path.write_bytes(b"a program")
        return lambda images: torch.zeros(len(images), 4)

    monkeypatch.setitem(program.KINDS, ".pt2", wrong)
    with pytest.raises(StudentError, match="differ"):
        program.write(tmp_path / "student.pt2", plain(), ABOUT)
    assert list(tmp_path.iterdir()) == []
