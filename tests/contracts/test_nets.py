"""What holds for every registered net. Each is built once, for the smallest images it takes; what needs no numbers is asked
of a net without storage."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from engine import nets
from engine.catalogue_file import net_card
from engine.nets.counts import multiply_adds, parameters
from engine.quantize.settings import QuantizeSettings
from engine.quantize.wrapping import quantize
from engine.taps import Look


@pytest.fixture(scope="module", params=nets.keys())
def key(request: pytest.FixtureRequest) -> str:
    """Every net; the tests of one net follow each other."""
    return request.param


def made(key: str) -> nets.Net:
    card = nets.card(key)
    return nets.build(
        key,
        classes=5,
        size=card.exact or card.smallest,
        mean=[0.4] * 3,
        std=[0.3] * 3,
        generator=torch.Generator().manual_seed(0),
    )


@pytest.fixture(scope="module")
def net(key: str) -> nets.Net:
    """The net; whoever trains it takes a copy or leaves it evaluating."""
    return made(key).eval()


def images(net: nets.Net, batch: int = 2) -> torch.Tensor:
    shape = (batch, net.frame.channels, net.frame.size, net.frame.size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_its_card_is_plain_data_and_counts_the_net_of_the_catalogue(key: str) -> None:
    card = nets.card(key)
    net = nets.ghost(key, classes=100, channels=3, size=32)
    assert net_card(json.loads(json.dumps(asdict(card)))) == card
    assert (card.parameters, card.multiply_adds) == (parameters(net), multiply_adds(net, (3, 32, 32)))
    assert card.title
    assert card.summary
    assert card.smallest <= 32


def test_its_card_tells_the_counts_and_shapes_of_other_classes(key: str) -> None:
    card = nets.card(key)
    found = nets.measured(key, 3, 7, [32])[0]
    assert card.size_on(3, 32, 7) == found[:2]
    assert card.shapes_on(32) == found.taps


def test_every_stride_of_it_has_something_to_halve_from_its_smallest_side_on(key: str) -> None:
    card = nets.card(key)
    sides = [card.exact] if card.exact else [card.smallest, card.smallest + 1, card.smallest + 3, 4 * card.smallest]
    found = nets.measured(key, 3, 5, sides)
    maps = [[shape for shape in each.taps.values() if len(shape) == 3] for each in found]
    assert all(min(shape[1:]) >= 1 for each in maps for shape in each)
    if not card.exact:
        assert min(shape[1] for shape in maps[-1]) == 4  # four times the smallest side leaves four times one position


def test_it_takes_the_smallest_side_it_declares_and_refuses_the_next_smaller(key: str, net: nets.Net) -> None:
    assert net(images(net)).isfinite().all()
    with pytest.raises(nets.NetError, match="pixels"):
        nets.build(key, classes=5, size=net.frame.size - 1)


def test_every_tap_is_seen_with_the_shape_it_declares(key: str, net: nets.Net) -> None:
    seen = Look(net, {tap: tap for tap in net.taps})(images(net, batch=3)).taps
    declared = nets.measured(key, 1, 5, [net.frame.size])[0].taps  # channels do not matter
    assert {k: tuple(v.shape) for k, v in seen.items()} == {k: (3, *v) for k, v in declared.items()}


def test_the_last_tap_before_the_head_is_what_the_head_reads(net: nets.Net) -> None:
    view = Look(net, {"pooled": "pooled"})(images(net))
    torch.testing.assert_close(net.head(view.taps["pooled"]), view.logits)


def test_one_generator_makes_one_net(key: str, net: nets.Net) -> None:
    pairs = zip(made(key).state_dict().values(), net.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_it_is_rebuilt_from_its_identity_and_state_with_the_same_logits(net: nets.Net) -> None:
    again = nets.build(**json.loads(json.dumps(net.identity()))).eval()
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(images(net)), net(images(net)))


def test_it_can_be_quantized_as_its_card_says(key: str) -> None:
    card = nets.card(key)
    ghost = nets.ghost(key, classes=5, channels=3, size=card.exact or max(card.smallest, 32))
    account = quantize(ghost, QuantizeSettings(weights=4, activations=4))
    assert card.layers is not None
    assert account.activations == card.layers.activations > 0
    assert account.layers == card.layers.inner_layers + 1


def test_half_precision_stays_finite(net: nets.Net) -> None:
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        assert net(images(net, batch=4)).isfinite().all()


def test_no_two_entries_of_its_state_share_memory(net: nets.Net) -> None:
    places = [v.data_ptr() for v in net.state_dict().values() if v.numel()]
    assert len(places) == len(set(places))


def test_every_weight_of_it_learns(key: str) -> None:
    net = made(key).train()
    net(images(net, batch=3)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
