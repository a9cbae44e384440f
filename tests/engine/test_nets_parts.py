"""Parts stay in a net, are taps themselves, and are rebuilt from plain data."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from engine import nets
from engine.method import Part
from engine.nets.parts import KINDS, insert, kind
from engine.taps import Look, shapes


class Bottleneck(nn.Module):
    """A part with a tap inside: narrow (C/2), then back."""

    taps = {"narrow": "down"}  # noqa: RUF012

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(wide, wide // 2, 1), nn.Conv2d(wide // 2, wide, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.up(self.down(x))


class Classifier(nn.Linear):
    """A classifier of a method's own."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__(width, classes)


@pytest.fixture(autouse=True)
def bottleneck_is_a_kind() -> Iterator[None]:
    kind("test.bottleneck")(Bottleneck)
    yield
    del KINDS["test.bottleneck"]


def small(seed: int = 0) -> nets.Net:
    return nets.build("resnet8", classes=10, channels=1, size=8, generator=torch.Generator().manual_seed(seed))


PART = Part("letkd", after="f2", kind="test.bottleneck", arguments={"wide": 32})


def test_a_part_takes_part_and_has_taps_of_its_own() -> None:
    net, x = small().eval(), torch.rand(2, 1, 8, 8)
    before = net(x)
    insert(net, PART, torch.Generator().manual_seed(1))
    assert not torch.equal(net(x), before)
    assert net.taps[-2:] == ("letkd.out", "letkd.narrow")
    assert shapes(net, (1, 8, 8))["letkd.narrow"] == (16, 4, 4)
    view = Look(net, {"raw": "f2", "narrow": "letkd.narrow", "out": "letkd.out"})(x)
    module = net.get_submodule("f2.letkd")
    torch.testing.assert_close(module(view.taps["raw"]), view.taps["out"])
    torch.testing.assert_close(module.down(view.taps["raw"]), view.taps["narrow"])


def test_parts_follow_one_another_in_the_order_of_their_insertion() -> None:
    net, chance = small().eval(), torch.Generator().manual_seed(1)
    first, second = insert(net, PART, chance), insert(net, Part("next", "f2", "test.bottleneck", {"wide": 32}), chance)
    view = Look(net, {"raw": "f2", "out": "next.out"})(torch.rand(2, 1, 8, 8))
    torch.testing.assert_close(second(first(view.taps["raw"])), view.taps["out"])


def test_a_net_with_parts_is_rebuilt_from_its_identity_and_its_weights() -> None:
    net = small()
    insert(net, PART, torch.Generator().manual_seed(1))
    again = nets.build(**json.loads(json.dumps(net.identity())))
    again.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(again.eval()(x), net.eval()(x))
    twin = copy.deepcopy(net)
    assert torch.equal(twin.eval()(x), net(x))


def test_the_weights_of_a_part_come_from_the_generator() -> None:
    one, other = small(), small()
    insert(one, PART, torch.Generator().manual_seed(1))
    insert(other, PART, torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_what_goes_into_a_classifier_that_replaces_another_is_still_a_tap() -> None:
    net = nets.build("torchvision.mobilenet_v3_small", classes=7, channels=3, size=32)
    kind("test.classifier")(Classifier)
    try:
        insert(
            net, Part("own", after="head", kind="test.classifier", arguments={"width": 1024, "classes": 7}), torch.Generator()
        )
    finally:
        del KINDS["test.classifier"]
    view = Look(net.eval(), {"pooled": "pooled", "out": "own.out"})(torch.rand(2, 3, 32, 32))
    assert torch.equal(view.taps["out"], view.logits)
    torch.testing.assert_close(net.head(view.taps["pooled"]), view.logits)


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (Part("a", "f9", "test.bottleneck"), "resnet8 has no tap 'f9'"),
        (Part("a", "f1_pre", "test.bottleneck"), "cannot be inserted after 'f1_pre' of resnet8; it can after f0, f1"),
        (Part("a", "f1", "test.bottlenek"), "no kind of part named 'test.bottlenek'; did you mean 'test.bottleneck'"),
        (PART, "already has a part named 'letkd'"),
    ],
)
def test_a_part_that_cannot_be_inserted_is_refused(part: Part, sentence: str) -> None:
    net = small()
    insert(net, PART, torch.Generator())
    with pytest.raises(nets.NetError, match=sentence):
        insert(net, part, torch.Generator())
