"""Optimizers, learning rates, averages."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from engine import nets
from engine.experiment import TrainingSettings
from engine.optim import Average, optimizer, rate


def settings(**more) -> TrainingSettings:
    return TrainingSettings(**{"learning_rate": 0.1, "weight_decay": 0.01, **more})


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))


def descend(net: nn.Module, made: torch.optim.Optimizer, steps: int = 3) -> None:
    x = torch.linspace(-1, 1, 4 * 16).view(4, 1, 4, 4)
    for _ in range(steps):
        made.zero_grad()
        net(x).square().mean().backward()
        made.step()


REFERENCES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, weight_decay=0.01),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_an_optimizer_moves_the_weights_as_its_plain_form_does(name: str) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.Tanh(), nn.Linear(3, 2))
    twin = copy.deepcopy(net)
    descend(net, optimizer([net], settings(optimizer=name)))
    descend(twin, REFERENCES[name](twin.parameters()))
    for ours, plain in zip(net.parameters(), twin.parameters()):
        torch.testing.assert_close(ours, plain)


def test_nesterov_changes_the_steps() -> None:
    net, twin = small(), small()
    descend(net, optimizer([net], settings(nesterov=True)))
    descend(twin, torch.optim.SGD(twin.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01))
    torch.testing.assert_close(net[0].weight, twin[0].weight)


def test_norms_and_biases_can_be_spared_from_decay() -> None:
    net = small()
    decayed, spared = optimizer([net], settings(decay_norms_and_biases=False)).param_groups
    assert {id(p) for p in decayed["params"]} == {id(net[0].weight), id(net[3].weight)}
    assert {id(p) for p in spared["params"]} == {id(net[0].bias), id(net[1].weight), id(net[1].bias), id(net[3].bias)}
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)
    assert len(optimizer([net], settings()).param_groups) == 1


def test_shared_and_frozen_parameters_are_taken_once_and_not_at_all() -> None:
    net = small()
    net[3].requires_grad_(False)
    (group,) = optimizer([net, net[0], nn.Sequential(net)], settings()).param_groups
    assert len(group["params"]) == 4


def test_multistep_drops_after_the_epochs_of_its_milestones() -> None:
    s = settings(epochs=240, schedule="multistep", milestones=[150, 180, 210])
    epochs = {1: 0.1, 150: 0.1, 151: 0.01, 180: 0.01, 181: 0.001, 211: 1e-4, 240: 1e-4}
    assert {e: rate(s, (e - 1) * 10, 10) for e in epochs} == pytest.approx(epochs)
    assert rate(s, 150 * 10 - 1, 10) == pytest.approx(0.1)


def test_cosine_begins_at_the_peak_and_ends_just_above_zero() -> None:
    s = settings(epochs=4, schedule="cosine")
    rates = [rate(s, n, 5) for n in range(20)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(0.05)
    assert 0 < rates[-1] < 0.001
    assert rates == sorted(rates, reverse=True)
    assert rates[7] == pytest.approx(0.05 * (1 + math.cos(math.pi * 7 / 20)))


def test_constant_stays() -> None:
    assert {rate(settings(schedule="constant", epochs=3), n, 4) for n in range(12)} == {0.1}


@pytest.mark.parametrize("schedule", ["cosine", "constant", "multistep"])
def test_warm_up_climbs_evenly_to_the_peak_and_hands_over_without_a_jump(schedule: str) -> None:
    s = settings(epochs=10, warmup_epochs=2, schedule=schedule, milestones=[8])
    rates = [rate(s, n, 5) for n in range(12)]
    assert rates[:10] == pytest.approx([0.01 * (n + 1) for n in range(10)])
    assert rates[10] == pytest.approx(0.1)


def test_the_rate_is_pure_in_the_step_also_where_warm_up_fills_the_run() -> None:
    s = settings(epochs=2, warmup_epochs=5)
    assert [rate(s, n, 2.5) for n in range(5)] == [rate(s, n, 2.5) for n in range(5)]
    assert all(0 < rate(s, n, 2.5) <= 0.1 for n in range(5))


def test_an_average_follows_the_weights_with_a_quick_start() -> None:
    net = nn.Linear(2, 2)
    average = Average(net, 0.9)
    start = net.weight.detach().clone()
    with torch.no_grad():
        net.weight.add_(1)
    average.update(net)
    torch.testing.assert_close(average.net.weight, start + 0.9)
    for _ in range(300):
        average.update(net)
    torch.testing.assert_close(average.net.weight, net.weight)


def test_an_average_has_averaged_norms_and_copied_counters() -> None:
    net = nets.build("resnet8", classes=3, channels=1, size=8)
    average = Average(net, 0.99)
    net.train()(torch.rand(8, 1, 8, 8))
    average.update(net)
    assert average.net.bn1.num_batches_tracked == 1
    torch.testing.assert_close(average.net.bn1.running_var, 0.1 + 0.9 * net.bn1.running_var)
    assert not average.net.training
    assert not any(p.requires_grad for p in average.net.parameters())


def test_the_state_of_an_average_survives_saving() -> None:
    net = small()
    average = Average(net, 0.9)
    descend(net, optimizer([net], settings()))
    average.update(net)
    again = Average(small(), 0.9)
    again.load_state_dict(copy.deepcopy(average.state_dict()))
    for one in (average, again):
        one.update(net)
    assert again.updates == average.updates == 2
    assert all(torch.equal(a, b) for a, b in zip(average.net.state_dict().values(), again.net.state_dict().values()))
