"""Checkpoints in the dialects of the public zoos, and refusals that name what differs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from engine import nets
from engine.export.student import load, write
from engine.nets import Net
from engine.nets.weights import classes_in, from_file, load_weights


def resnet(seed: int, classes: int = 10, key: str = "resnet8") -> Net:
    return nets.build(key, classes=classes, mean=[0.5] * 3, std=[0.2] * 3, generator=torch.Generator().manual_seed(seed))


def foreign(net: Net) -> dict[str, Tensor]:
    """The state dict as a zoo without normalization buffers saves it."""
    return {k: v for k, v in net.state_dict().items() if k not in ("mean", "std")}


def same(one: Net, other: Net) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


DIALECTS = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model": lambda state: {"model": state},
    "net": lambda state: {"net": state, "acc": 71.2},
    "RepDistiller": lambda state: {
        "opt": Namespace(model="resnet8"), "model": state, "best_acc": numpy.float64(70.1), "optimizer": {"state": {}},
    },
    "mdistiller, the whole distiller": lambda state: {
        "epoch": 240, "best_acc": 71.2,
        "model": {f"module.student.{k}": v for k, v in state.items()} | {"module.teacher.fc.bias": torch.zeros(3)},
    },
    "counted by a profiler": lambda state: {**state, "total_ops": torch.zeros(1), "layer1.0.total_params": torch.zeros(1)},
    "parallel": lambda state: {f"module.{k}": v for k, v in state.items()},
    "compiled": lambda state: {f"_orig_mod.{k}": v for k, v in state.items()},
    "wrapped and parallel": lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}},
    "linear head": lambda state: {k.replace("fc.", "linear."): v for k, v in state.items()},
    "shortcut": lambda state: {k.replace("downsample.", "shortcut."): v for k, v in state.items()},
    "without counters": lambda state: {k: v for k, v in state.items() if "num_batches" not in k},
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("ending", [".pth", ".pt", ".th"])
def test_a_checkpoint_loads_in_every_dialect(dialect: str, ending: str, tmp_path: Path) -> None:
    source, net = resnet(1), resnet(2)
    torch.save(DIALECTS[dialect](foreign(source)), tmp_path / f"net{ending}")
    notes = load_weights(net, tmp_path / f"net{ending}")
    assert same(net, source)
    assert notes == (f"net{ending} carries no normalization; resnet8 keeps that of the dataset.",)


def test_a_safetensors_file_of_our_own_brings_its_normalization(tmp_path: Path) -> None:
    source = nets.build("lenet5", classes=10, channels=1, mean=[0.3], std=[0.4])
    net = nets.build("lenet5", classes=10, channels=1)
    save_file(source.state_dict(), tmp_path / "student.safetensors")
    assert load_weights(net, tmp_path / "student.safetensors") == ()
    assert same(net, source)


def test_weights_of_another_net_are_refused_with_keys_and_shapes(tmp_path: Path) -> None:
    torch.save(foreign(resnet(0, key="resnet8x4")), tmp_path / "a.pth")
    with pytest.raises(nets.NetError, match=r"does not fit resnet8: .*conv1\.weight is 32x3x3x3 in the file and 16x3x3x3 in"):
        load_weights(resnet(0), tmp_path / "a.pth")
    torch.save(foreign(resnet(0, key="resnet14")), tmp_path / "b.pth")
    with pytest.raises(nets.NetError, match=r"the net lacks layer1\.1\.conv1\.weight, .* and \d+ more$"):
        load_weights(resnet(0), tmp_path / "b.pth")
    with pytest.raises(nets.NetError, match=r"the file lacks layer1\.1\.conv1\.weight"):
        torch.save(foreign(resnet(0)), tmp_path / "c.pth")
        load_weights(resnet(0, key="resnet14"), tmp_path / "c.pth")


def test_a_student_file_of_another_net_says_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path / "student.safetensors", resnet(0), {})
    with pytest.raises(nets.NetError, match=r"student\.safetensors holds a resnet8, not a resnet14; set the net to resnet8"):
        load_weights(resnet(0, key="resnet14"), tmp_path / "student.safetensors")
    with pytest.raises(nets.NetError, match=r"student\.safetensors tells 10 classes apart, the dataset has 100"):
        load_weights(resnet(0, classes=100), tmp_path / "student.safetensors")


@pytest.mark.parametrize("said", ["not JSON", "[1]", "{}"])
def test_a_foreign_file_that_says_something_else_of_its_net_is_told_by_its_keys(said: str, tmp_path: Path) -> None:
    save_file(resnet(0).state_dict(), tmp_path / "net.safetensors", {"net": said})
    with pytest.raises(nets.NetError, match=r"the file lacks layer1\.1"):
        load_weights(resnet(0, key="resnet14"), tmp_path / "net.safetensors")


def test_a_refused_file_leaves_the_net_as_it_was(tmp_path: Path) -> None:
    torch.save(foreign(resnet(1, classes=100)), tmp_path / "a.pth")
    net, twin = resnet(0), resnet(0)
    with pytest.raises(nets.NetError):
        load_weights(net, tmp_path / "a.pth")
    assert same(net, twin)


def test_zero_padding_shortcuts_are_named(tmp_path: Path) -> None:
    state = {k: v for k, v in foreign(resnet(0)).items() if "downsample" not in k}
    torch.save(state, tmp_path / "option_a.th")
    with pytest.raises(nets.NetError, match="zero-padding shortcuts"):
        load_weights(resnet(0), tmp_path / "option_a.th")


FRAME = {"classes": 10, "channels": 3, "size": 32, "mean": [0.5] * 3, "std": [0.2] * 3}


def as_it_is_defined(state: dict[str, Tensor], images: Tensor) -> Tensor:
    """A ResNet-8 with zero-padding shortcuts, written down function by function."""
    x = (images - 0.5) / 0.2

    def normal(x: Tensor, name: str) -> Tensor:
        s = {k: state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")}
        return functional.batch_norm(x, s["running_mean"], s["running_var"], s["weight"], s["bias"])

    x = normal(functional.conv2d(x, state["conv1.weight"], padding=1), "bn1").relu()
    for layer, stride in (("layer1.0", 1), ("layer2.0", 2), ("layer3.0", 2)):
        out = normal(functional.conv2d(x, state[f"{layer}.conv1.weight"], stride=stride, padding=1), f"{layer}.bn1").relu()
        out = normal(functional.conv2d(out, state[f"{layer}.conv2.weight"], padding=1), f"{layer}.bn2")
        zeros = torch.zeros(len(x), (out.shape[1] - x.shape[1]) // 2, *out.shape[2:])
        x = (out + torch.cat([zeros, x[:, :, ::stride, ::stride], zeros], 1)).relu()
    return functional.linear(x.mean((2, 3)), state["linear.weight"], state["linear.bias"])


def test_a_file_with_zero_padding_shortcuts_is_built_with_them_and_rebuilt_from_its_identity(tmp_path: Path) -> None:
    source = {k: v for k, v in foreign(resnet(0)).items() if "downsample" not in k}
    state = {k.replace("fc.", "linear."): v for k, v in source.items()}
    torch.save({"state_dict": {f"module.{k}": v for k, v in state.items()}, "best_prec1": 91.2}, tmp_path / "resnet8.th")
    net, notes = from_file(tmp_path / "resnet8.th", "resnet8", **FRAME)
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(net.eval()(images), as_it_is_defined(state, images))
    assert notes[0] == "resnet8.th holds a resnet8 with padded shortcuts; it is built with them."
    write(tmp_path / "student.safetensors", net, {})
    assert torch.equal(load(tmp_path / "student.safetensors")(images), net(images))
    again, _ = from_file(tmp_path / "student.safetensors", "resnet8", **FRAME)
    assert torch.equal(again.eval()(images), net(images))


def test_a_file_with_projections_is_built_with_projections(tmp_path: Path) -> None:
    torch.save(foreign(resnet(1)), tmp_path / "resnet8.pth")
    net, notes = from_file(tmp_path / "resnet8.pth", "resnet8", **FRAME)
    assert net.identity() == resnet(1).identity() and same(net, resnet(1))
    assert notes == ("resnet8.pth carries no normalization; resnet8 keeps that of the dataset.",)


def test_a_file_of_other_classes_names_both_numbers(tmp_path: Path) -> None:
    torch.save(foreign(resnet(0, classes=100)), tmp_path / "a.pth")
    write(tmp_path / "a.safetensors", resnet(0, classes=100), {})
    for name in ("a.pth", "a.safetensors"):
        with pytest.raises(nets.NetError, match=rf"{name} tells 100 classes apart, the dataset has 10;"):
            from_file(tmp_path / name, "resnet8", **FRAME)
        assert classes_in(tmp_path / name, "resnet8", channels=3, size=32) == 100


def test_a_student_file_of_other_images_or_of_another_net_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.safetensors", resnet(0), {})
    with pytest.raises(nets.NetError, match="takes images of 3 channels, these have 1"):
        from_file(tmp_path / "a.safetensors", "resnet8", **{**FRAME, "channels": 1, "mean": [0.5], "std": [0.2]})
    with pytest.raises(nets.NetError, match="holds a resnet8, not a resnet20; set the net to resnet8"):
        from_file(tmp_path / "a.safetensors", "resnet20", **FRAME)


class Payload:
    """Something a pickle would have to import."""


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": Payload()}, tmp_path / "evil.pth")
    with pytest.raises(nets.NetError, match="nothing in a checkpoint is executed"):
        load_weights(resnet(0), tmp_path / "evil.pth")


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors", "empty.pth", "empty.safetensors", "absent.pth"])
def test_an_unreadable_file_is_named(name: str, tmp_path: Path) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"PK\x03\x04" + bytes(range(200)))
    if name.startswith("empty"):
        (tmp_path / name).touch()
    with pytest.raises(nets.NetError, match=name):
        load_weights(resnet(0), tmp_path / name)


def test_a_cut_off_checkpoint_is_named(tmp_path: Path) -> None:
    torch.save(foreign(resnet(0)), tmp_path / "net.pth")
    whole = (tmp_path / "net.pth").read_bytes()
    (tmp_path / "net.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(nets.NetError, match=r"net\.pth"):
        load_weights(resnet(0), tmp_path / "net.pth")


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], torch.zeros(3)])
def test_a_file_without_a_state_dict_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "log.pth")
    with pytest.raises(nets.NetError, match="holds no state dict"):
        load_weights(resnet(0), tmp_path / "log.pth")


@pytest.mark.parametrize("depth", [20, 32, 44, 56])
def test_the_published_cifar_100_checkpoints_load(depth: int, real_data: Path) -> None:
    path = real_data / "cifar100-weights" / f"cifar100_resnet{depth}.pth"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the real data")
    net = resnet(0, classes=100, key=f"resnet{depth}")
    load_weights(net, path)
    state = torch.load(path, weights_only=True)
    assert all(torch.equal(net.state_dict()[k], v) for k, v in state.items())
