"""A checkpoint says by its weights which net it holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from engine import nets
from engine.cli import cli
from engine.nets import NetError
from engine.sources.recognizing import recognize


def saved(path: Path, key: str, classes: int, channels: int, size: int) -> Path:
    net = nets.build(key, classes=classes, channels=channels, size=size, mean=(0.0,) * channels, std=(1.0,) * channels)
    state = {name: value for name, value in net.state_dict().items() if name not in ("mean", "std")}
    torch.save({"state_dict": {f"module.{name}": value for name, value in state.items()}}, path)
    return path


@pytest.mark.parametrize(
    ("key", "classes", "channels", "size"),
    [
        ("resnet20", 100, 3, 32),
        ("resnet8", 10, 1, 8),
        ("vgg8", 7, 3, 32),
        ("lenet5", 10, 1, 32),
        ("mobilenetv2-half", 10, 3, 32),
    ],
)  # fmt: skip
def test_a_net_is_known_by_its_weights(tmp_path: Path, key: str, classes: int, channels: int, size: int) -> None:
    found = recognize(saved(tmp_path / "net.pth", key, classes, channels, size), channels, size)
    assert key in found.nets and (found.classes, found.channels) == (classes, channels)


def test_a_net_for_other_images_than_were_asked_about_is_known_too(tmp_path: Path) -> None:
    found = recognize(saved(tmp_path / "net.pth", "resnet20", 100, 3, 32), 1, 8)
    assert (found.nets, found.channels) == (("resnet20",), 3)


def test_weights_of_no_net_are_refused_with_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"layers.0.weight": torch.zeros(4, 4), "layers.0.bias": torch.zeros(4)}, path)
    with pytest.raises(NetError, match=r"other.pth fits none of the nets here: it holds 2 tensors, such as layers.0.weight"):
        recognize(path, 3, 32)


def test_the_command_says_it_as_a_line_of_json(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", "resnet8", 10, 1, 8)
    done = CliRunner().invoke(cli, ["recognize", str(path), "--channels", "1", "--size", "8", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["recognized"]["nets"] == ["resnet8"]
    assert CliRunner().invoke(cli, ["recognize", str(path), "--channels", "1", "--size", "8"]).output == "resnet8, 10 classes\n"


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"no")
    done = CliRunner().invoke(cli, ["recognize", str(path)])
    assert done.exit_code == 2 and "nothing in a checkpoint is executed" in done.output
