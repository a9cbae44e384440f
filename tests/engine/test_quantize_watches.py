"""What is shown of quantizers, and the findings that follow from it: each provoked, and each not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from builders import SmallNet

from engine.experiment import Experiment
from engine.findings import Found
from engine.quantize import looking
from engine.quantize.checks import AGAIN, CHECKS
from engine.quantize.flips import Flips
from engine.quantize.settings import QuantizeSettings
from engine.quantize.wrapping import layers_of, quantize, quantizers_of


def small(weights: int = 4, activations: int = 4) -> SmallNet:
    torch.manual_seed(0)
    net = SmallNet()
    quantize(net, QuantizeSettings(weights=weights, activations=activations))
    return net.eval()


@pytest.mark.parametrize(("bits", "columns"), [(1, 2), (2, 3), (4, 15), (8, 16)])
def test_every_row_of_weights_is_a_distribution_over_named_columns(bits: int, columns: int) -> None:
    seen = looking.of_weights(small(weights=bits))
    assert seen.layers == ["stem", "stages.0.conv", "stages.1.conv", "stages.2.conv"]
    assert seen.shares.shape == (4, columns) and len(seen.levels) == columns
    assert seen.histogram.shape == (4, 129) and len(seen.places) == 129 and len(seen.edges) == 130
    for shares in (seen.shares, seen.histogram):
        torch.testing.assert_close(shares.sum(1), torch.ones(4))


def test_the_shares_of_levels_are_counted() -> None:
    net = small(weights=2)
    with torch.no_grad():
        next(layers_of(net)).weight.copy_(torch.tensor([-2.0, -0.01, 0.01, 2.0]).reshape(4, 1, 1, 1).expand(4, 1, 3, 3))
    seen = looking.of_weights(net)
    assert seen.levels == ["−1", "0", "1"]
    assert seen.shares[0].tolist() == [0.25, 0.5, 0.25]
    assert seen.at == [-1, 0, 1] and (seen.edges[0], seen.edges[-1]) == (-4.03125, 4.03125)
    there = {seen.places[i]: v for i, v in enumerate(seen.histogram[0].tolist()) if v}
    assert there == {"−1": 0.25, "0": 0.5, "1": 0.25}


def test_activations_are_counted_at_every_use_of_a_quantizer() -> None:
    net = small(activations=2)
    for _, quantizer in quantizers_of(net):
        quantizer.step.data.fill_(0.5)
    values: list[torch.Tensor] = []
    net.stages[0].relu.register_forward_pre_hook(lambda module, args: values.append(args[0].clone()))
    seen = looking.of_activations(net, torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
    x = values[0]
    assert seen.places[0] == "stages.0.relu" and seen.levels == ["0", "1", "2", "3"]
    assert seen.steps.tolist() == [0.5] * 3
    assert seen.clipped[0].item() == pytest.approx((x > 1.5).float().mean().item())
    wanted = [(x <= 0), (x > 0) & (x <= 0.5), (x > 0.5) & (x <= 1.0), x > 1.0]
    assert seen.shares[0].tolist() == pytest.approx([w.float().mean().item() for w in wanted])


def test_levels_of_eight_bits_are_looked_at_in_groups() -> None:
    names = looking.grouped_names(range(256))
    assert (len(names), names[0], names[-1]) == (16, "0 to 15", "240 to 255")
    assert looking.grouped(torch.full((1, 256), 1 / 256)).tolist() == [[1 / 16] * 16]
    signed = looking.grouped_names(range(-127, 128))
    assert (len(signed), signed[0], signed[-1]) == (16, "−127 to −112", "113 to 127")


def test_a_weight_that_goes_and_comes_back_flips_and_one_that_only_goes_does_not() -> None:
    net = small(weights=1)
    layer = next(layers_of(net))
    followed = Flips(net, steps=1000)
    total = sum(x.weight.numel() for x in layers_of(net))
    start = layer.weight.detach().clone()
    found = []
    for step in range(101):
        with torch.no_grad():
            layer.weight.copy_(start)
            layer.weight[0, 0, 0, 0] *= (-1.0) ** step  # at every step
            layer.weight[0, 0, 0, 1] *= -1.0 if step > 50 else 1.0  # once
        found.append(followed.stepped(step))
    assert found[:-1] == [None] * 100
    assert found[-1] == pytest.approx(1 / total)
    assert followed.stepped(101) is None


def test_a_window_goes_on_after_a_resume() -> None:
    net = small(weights=1)
    first, second = Flips(net, 1000), Flips(net, 1000)
    for step in range(60):
        first.stepped(step)
    second.load(first.state())
    for step in range(60, 101):
        with torch.no_grad():
            for layer in layers_of(net):
                layer.weight.neg_()
        results = first.stepped(step), second.stepped(step)
    assert results == (1.0, 1.0)


def asked(key: str, values: list[tuple[int, float]], **settings: Any) -> Found | None:
    check = next(c for c in CHECKS if c.key == f"quantizer:{key}")
    quantized = {"weights": 4, "activations": 4, **settings}
    experiment = Experiment.model_validate({"student": {"quantize": quantized}, "training": {"epochs": 20}})
    return check.look({check.reads[0]: values}, experiment.model_dump())


def again(value: float, count: int = AGAIN) -> list[tuple[int, float]]:
    return [(epoch, value) for epoch in range(1, count + 1)]


@pytest.mark.parametrize(
    ("key", "values", "settings", "fix"),
    [
        ("activations", again(0.5), {"step_start": "largest"}, {"student.quantize.step_start": "calibrated"}),
        ("activations", again(0.25), {"activations": 2, "steps": "fixed"}, {"student.quantize.steps": "learned"}),
        ("activations", again(0.6), {}, {"student.quantize.step_rate": 0.1}),
        ("clipped", again(0.11), {"step_start": "optimal"}, {"student.quantize.step_start": "calibrated"}),
        ("clipped", again(0.3), {"step_rate": 1.0}, {}),
        ("weights", again(0.34), {"weights": 2}, {"training.learning_rate": 0.015}),
        ("weights", again(0.5), {"weights": 8}, {"training.learning_rate": 0.015}),
        ("flips", [(3, 0.3), (18, 0.06)], {}, {"training.learning_rate": 0.015}),
    ],
)
def test_a_quantizer_that_wastes_its_levels_is_named_with_a_fix(
    key: str, values: list[tuple[int, float]], settings: dict[str, Any], fix: dict[str, Any]
) -> None:
    found = asked(key, values, **settings)
    assert found is not None and found.sentence.endswith(".")
    assert found.fix == fix
    assert found.evidence == {next(c for c in CHECKS if c.key == f"quantizer:{key}").reads[0]: values[-1][1]}


@pytest.mark.parametrize(
    ("key", "values", "settings"),
    [
        ("activations", again(0.4), {}),
        ("activations", again(0.0), {"activations": 1}),
        ("activations", again(0.9, AGAIN - 1), {}),
        ("clipped", again(0.1), {}),
        ("clipped", [*again(0.3), (6, 0.05)], {}),
        ("clipped", again(0.2), {"activations": 1}),
        ("weights", again(0.27), {}),
        ("weights", again(0.0), {"weights": 1}),
        ("flips", [(3, 0.3), (18, 0.05)], {}),
        ("flips", [(3, 0.3), (9, 0.3)], {}),
        ("flips", [(18, 0.3)], {}),
        ("flips", [(3, 0.9), (18, 0.9)], {"weights": 8}),
    ],
)
def test_a_quantizer_in_order_is_left_alone(key: str, values: list[tuple[int, float]], settings: dict[str, Any]) -> None:
    assert asked(key, values, **settings) is None
