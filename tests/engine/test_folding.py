"""A folded teacher says what it said, at its taps too, and leaves the net it was made from alone."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from builders import SmallNet
from torch import Tensor, nn

from engine import nets
from engine.folding import folded
from engine.nets.net import Net
from engine.taps import Look

KEYS = ("resnet8", "resnet8x4", "resnet18", "lenet5", "wrn16-1", "vgg8", "mobilenetv2-half", "shufflenetv1", "shufflenetv2")


def lived_in(net: Net, seed: int = 0) -> Net:
    """With statistics and affine parameters that are not those of a fresh net."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in (
                (module.running_mean, -0.5),
                (module.running_var, 0.5),
                (module.weight, 0.5),
                (module.bias, -0.5),
            ):
                tensor.data.copy_(torch.rand(tensor.shape, generator=generator) + low)
    return net.eval()


@pytest.mark.parametrize("key", KEYS)
def test_a_folded_net_says_the_same_everywhere(key: str) -> None:
    net = lived_in(nets.build(key, classes=7, generator=torch.Generator().manual_seed(1)))
    places = {tap: tap for tap in net.taps}
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    made = folded(net)
    with torch.no_grad():
        own, other = Look(net, places)(x), Look(made, places)(x)
    torch.testing.assert_close(other.logits, own.logits, rtol=1e-4, atol=1e-4)
    for tap in net.taps:
        torch.testing.assert_close(other.taps[tap], own.taps[tap], rtol=1e-3, atol=1e-4)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    left = sum(isinstance(m, nn.BatchNorm2d) for m in made.modules())
    assert left < sum(isinstance(m, nn.BatchNorm2d) for m in net.modules())
    assert not any(p.requires_grad for p in made.parameters())


def test_weights_lie_in_the_precision_of_the_run_and_buffers_in_float32() -> None:
    made = folded(lived_in(nets.build("resnet8", classes=4)), torch.bfloat16)
    assert {p.dtype for p in made.parameters()} == {torch.bfloat16}
    assert made.mean.dtype == torch.float32


def test_a_normalization_between_which_and_its_convolution_a_tap_looks_is_left() -> None:
    net = lived_in(SmallNet())
    net.places["raw"] = net.place("f1_pre").__class__("stages.0.conv", "output")
    made = folded(net)
    assert isinstance(made.get_submodule("stages.0.bn"), nn.BatchNorm2d)
    assert isinstance(made.get_submodule("stages.1.bn"), nn.Identity)


class Peeping(SmallNet):
    """Reads what lies between a convolution and its normalization, where no tap says so."""

    def logits(self, x: Tensor) -> Tensor:
        first = self.stages[0]
        between = first.conv(self.stem(x))
        x = first.relu(first.bn(between)) + between
        for stage in self.stages[1:]:
            x = stage(x)
        return self.fc(x.mean((2, 3)))


def test_what_somebody_else_reads_is_left_and_the_rest_is_folded() -> None:
    net = lived_in(Peeping())
    made, x = folded(net), torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(made(x), net(x), rtol=1e-4, atol=1e-5)
    assert [isinstance(made.get_submodule(f"stages.{i}.bn"), nn.Identity) for i in range(3)] == [False, True, True]


def test_an_activation_in_place_between_the_two_is_seen() -> None:
    net = lived_in(SmallNet())
    first = net.stages[0]
    net.stages[0] = nn.Sequential(OrderedDict(conv=first.conv, rise=nn.ReLU(inplace=True), bn=first.bn, relu=first.relu))
    made = folded(net)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in made.modules()) == 1
