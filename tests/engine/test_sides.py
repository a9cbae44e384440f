"""What a method is told of a net before training, and parts that take the classifier's place."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from builders import side_of
from torch import Tensor, nn

from engine import nets
from engine.method import Part
from engine.nets.parts import KINDS, insert, kind
from engine.taps import Look

KEYS = tuple(nets.keys())


def small(key: str) -> nets.Net:
    return nets.build(key, classes=5, channels=1, size=32, generator=torch.Generator().manual_seed(0)).eval()


@pytest.mark.parametrize("key", KEYS)
def test_a_side_knows_the_stages_the_classifier_and_the_modules_of_its_net(key: str) -> None:
    net = small(key)
    side = side_of(net, (1, 32, 32))
    assert side.stages and set(side.stages) <= set(net.taps)
    assert side.head is net.head
    assert side.head.in_features == side.shapes["pooled"][0]
    assert side.module_at(side.stages[0]) is net.module_at(side.stages[0])


@pytest.mark.parametrize("key", KEYS)
def test_the_norm_before_an_activation_has_the_channels_of_its_tap(key: str) -> None:
    side = side_of(small(key), (1, 32, 32))
    before = [tap for tap in side.shapes if tap.endswith("_pre")]
    assert all(side.norm_before(tap).num_features == side.shapes[tap][0] for tap in before)


@pytest.mark.parametrize("key", ["vgg8", "wrn16-1"])
def test_where_nothing_is_added_the_norm_puts_out_the_map_before_activation(key: str) -> None:
    net = small(key)
    norm = side_of(net, (1, 32, 32)).norm_before("f2_pre")
    seen: list[Tensor] = []
    norm.register_forward_hook(lambda module, args, output: seen.append(output))
    view = Look(net, {"before": "f2_pre"})(torch.rand(2, 1, 32, 32))
    assert torch.equal(seen[0], view.taps["before"])


def test_a_net_that_names_no_norm_says_where_it_does() -> None:
    with pytest.raises(nets.NetError, match="resnet8 names no batch normalization before 'f1'; it does for f1_pre, f2_pre"):
        side_of(small("resnet8"), (1, 32, 32)).norm_before("f1")
    with pytest.raises(nets.NetError, match="none of its taps"):
        side_of(small("lenet5"), (1, 32, 32)).norm_before("pooled")


class Borrowed(nn.Linear):
    """A classifier that reads other features than the net's own."""


@pytest.fixture
def borrowed() -> Iterator[None]:
    kind("test.borrowed")(Borrowed)
    kind("test.wider")(nn.Conv2d)
    yield
    del KINDS["test.borrowed"], KINDS["test.wider"]


def with_borrowed_head() -> nets.Net:
    net, chance = small("resnet8"), torch.Generator().manual_seed(1)
    wider = Part("wider", "f3", "test.wider", {"in_channels": 64, "out_channels": 96, "kernel_size": 1})
    insert(net, wider, chance)
    insert(net, Part("simkd", "head", "test.borrowed", {"in_features": 96, "out_features": 5}), chance)
    return net


@pytest.mark.usefixtures("borrowed")
def test_a_part_takes_the_classifiers_place() -> None:
    net = with_borrowed_head()
    assert isinstance(net.head, Borrowed) and net.fc is net.head
    view = Look(net.eval(), {"read": "pooled", "said": "simkd.out"})(torch.rand(2, 1, 32, 32))
    assert view.taps["read"].shape == (2, 96)
    assert torch.equal(view.taps["said"], view.logits)
    assert not any(name.startswith("simkd") for name in net.state_dict())


@pytest.mark.usefixtures("borrowed")
def test_a_net_with_another_classifier_is_rebuilt_from_its_identity() -> None:
    net = with_borrowed_head().eval()
    again = nets.build(**json.loads(json.dumps(net.identity()))).eval()
    again.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 32, 32)
    assert torch.equal(again(x), net(x))
