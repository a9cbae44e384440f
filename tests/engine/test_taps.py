"""Looking inside a net sees what passes there, costs nothing elsewhere, and leaves no trace."""

from __future__ import annotations

import copy

import pytest
import torch

from engine import nets
from engine.nets import Net
from engine.taps import Look, shapes


@pytest.fixture
def net() -> Net:
    return nets.build("resnet14", classes=10, generator=torch.Generator().manual_seed(0)).eval()


def hooks(net: Net) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules())


def test_a_look_gives_logits_and_taps_under_the_names_of_the_caller(net: Net) -> None:
    x = torch.rand(2, 3, 32, 32)
    view = Look(net, {"last": "f3", "before": "f3_pre", "features": "pooled", "again": "f3"})(x)
    assert torch.equal(view.logits, net(x))
    assert view.taps["last"] is view.taps["again"]
    assert torch.equal(view.taps["last"], view.taps["before"].relu())
    torch.testing.assert_close(view.taps["features"], view.taps["last"].mean((2, 3)))
    torch.testing.assert_close(net.head(view.taps["features"]), view.logits)


def test_the_pre_activation_tap_has_negative_values_the_other_has_none(net: Net) -> None:
    taps = Look(net, {"pre": "f1_pre", "post": "f1"})(torch.rand(2, 3, 32, 32)).taps
    assert taps["pre"].min() < 0
    assert taps["post"].min() == 0


def test_gradients_flow_through_what_was_seen(net: Net) -> None:
    view = Look(net, {"a": "f2"})(torch.rand(2, 3, 32, 32))
    view.taps["a"].sum().backward()
    assert net.conv1.weight.grad is not None
    assert net.fc.weight.grad is None


def test_without_gradient_nothing_is_kept_for_one(net: Net) -> None:
    with torch.no_grad():
        assert not Look(net, {"a": "f2"})(torch.rand(2, 3, 32, 32)).taps["a"].requires_grad


def test_nothing_is_kept_after_a_look_or_while_others_run_the_net(net: Net) -> None:
    look = Look(net, {"a": "f1"})
    look(torch.rand(1, 3, 32, 32))
    net(torch.rand(1, 3, 32, 32))
    assert look._seen == {}


def test_only_wanted_taps_have_hooks_and_removing_leaves_none(net: Net) -> None:
    first, second = Look(net, {"a": "f1", "b": "pooled"}), Look(net, {"c": "f1"})
    assert hooks(net) == 3
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(first(x).taps["a"], second(x).taps["c"])
    first.remove()
    second.remove()
    assert hooks(net) == 0
    assert first(x).taps == {}


def test_a_copy_of_a_watched_net_does_not_speak_to_the_look(net: Net) -> None:
    look, twin = Look(net, {"a": "f1"}), copy.deepcopy(net)
    twin(torch.rand(1, 3, 32, 32))
    assert look._seen == {}


def test_a_compiled_net_is_seen_alike(net: Net) -> None:
    x = torch.rand(2, 3, 16, 16)
    plain = Look(net, {"a": "f1", "b": "f2_pre"})
    expected = plain(x)
    plain.remove()
    look = Look(net, {"a": "f1", "b": "f2_pre"})
    net.compile(backend="aot_eager", dynamic=False)
    for _ in range(2):
        seen = look(x)
        torch.testing.assert_close(seen.logits, expected.logits)
        torch.testing.assert_close(seen.taps["b"], expected.taps["b"])


def test_an_unknown_tap_names_those_that_exist(net: Net) -> None:
    with pytest.raises(nets.NetError, match="resnet14 has no tap 'f7'; it has f0, f1, f2, f3, pooled, f1_pre"):
        Look(net, {"a": "f7"})


def test_shapes_are_known_without_running_and_leave_no_hook(net: Net) -> None:
    net.train()
    before = copy.deepcopy(net.bn1.running_mean)
    assert shapes(net, (3, 64, 64))["f3"] == (64, 16, 16)
    assert torch.equal(before, net.bn1.running_mean)
    assert net.training
    assert hooks(net) == 0
