"""Nets with quantizers: where they stand, what stays in float32, what their state holds, and what is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from builders import SmallNet
from safetensors.torch import load_file, save_file
from torch import nn

from engine import nets
from engine.class_order import reordered
from engine.export.tensors import apart
from engine.extras import catalogue
from engine.folding import folded
from engine.method import Part
from engine.nets.counts import parameters, size_in_bytes
from engine.nets.parts import KINDS, insert
from engine.quantize.activations import ActivationQuantizer
from engine.quantize.layers import described, sizes_of
from engine.quantize.settings import FEW, QuantizeSettings
from engine.quantize.sizes import of_card
from engine.quantize.starting import begin, least_error, steps_for
from engine.quantize.wrapping import Account, baked, layers_of, quantize, quantizers_of, unquantized
from engine.taps import Look

FOUR = QuantizeSettings(weights=4, activations=4)


def built(key: str, classes: int = 5, channels: int = 3) -> nets.Net:
    card = catalogue().nets[key]
    side = card.exact or max(card.smallest, 8)
    return nets.build(key, classes=classes, channels=channels, size=side, generator=torch.Generator().manual_seed(0))


def images(net: nets.Net, batch: int = 4) -> torch.Tensor:
    shape = (batch, net.frame.channels, net.frame.size, net.frame.size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def wrapped(key: str = "resnet8", settings: QuantizeSettings = FOUR) -> tuple[nets.Net, Account]:
    net = built(key)
    return net, quantize(net, settings)


@pytest.mark.parametrize("key", ["resnet8", "resnet18", "resnet50", "wrn16-1", "vgg8", "mobilenetv2-half", "shufflenetv1",
                                 "shufflenetv2", "lenet5"])  # fmt: skip
def test_every_family_trains_is_counted_and_is_rebuilt_from_its_identity(key: str) -> None:
    net, account = wrapped(key)
    kept = {path for paths in account.kept.values() for path in paths}
    assert account.layers + len(kept) == sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in net.modules())
    assert all("downsample" in path or net.get_submodule(path) is net.head for path in kept)
    assert account.activations == len(list(quantizers_of(net))) > 0
    assert not any(isinstance(m, nn.ReLU) for m in net.modules())
    Look(net, {tap: tap for tap in net.taps})(images(net)).logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    again = nets.build(**json.loads(json.dumps(net.identity())))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again.eval()(images(net)), net.eval()(images(net)))


def test_what_a_layer_computes_with_has_as_many_levels_as_bits_allow() -> None:
    net, _ = wrapped()
    assert all(len(layer.quantizer(layer.weight).unique()) <= 15 for layer in layers_of(net))
    assert len(net.conv1.weight.unique()) <= 15 < len(net.state_dict()["conv1.weight"].unique())
    seen: list[torch.Tensor] = []
    net.layer1[0].relu.register_forward_hook(lambda module, args, out: seen.append(out / module.step))
    net(images(net))
    assert len(seen) == 2  # one quantizer a block, used twice
    assert all(torch.allclose(q, q.round(), atol=1e-4) and q.min() >= 0 and q.max() < 15.5 for q in seen)


def test_a_quantized_net_holds_the_state_of_the_float_net_and_one_step_a_quantizer() -> None:
    float_net, (net, account) = built("resnet20"), wrapped("resnet20")
    steps = {name for name in net.state_dict() if name.endswith(".step")}
    assert len(steps) == account.activations == 10  # nine blocks and the stem
    assert set(net.state_dict()) == set(float_net.state_dict()) | steps
    assert torch.equal(net.state_dict()["conv1.weight"], float_net.state_dict()["conv1.weight"])


@pytest.mark.parametrize(
    ("rules", "layers"),
    [
        ({}, 7),
        ({"first_layer": "keep"}, 6),
        ({"last_layer": "quantize"}, 8),
        ({"shortcuts": "quantize"}, 9),
        ({"first_layer": "keep", "last_layer": "quantize", "shortcuts": "quantize"}, 9),
    ],
)
def test_first_layer_last_layer_and_shortcuts_follow_their_rules(rules: dict[str, str], layers: int) -> None:
    _, account = wrapped(settings=QuantizeSettings(weights=1, **rules))
    assert account.layers == layers
    assert account.activations == 0


def test_the_account_says_what_was_quantized_and_what_was_not() -> None:
    _, account = wrapped()
    said = account.sentence()
    shortcuts = "shortcuts (layer2.0.downsample.0, layer3.0.downsample.0)"
    for words in ("7 layers with 74,160 of 77,040 weights", shortcuts, "the last layer (fc)", "at 4 quantizers"):
        assert words in said


def test_in_float32_nothing_changes() -> None:
    net, float_net = wrapped(settings=QuantizeSettings())[0], built("resnet8")
    assert net.identity() == float_net.identity()
    assert torch.equal(net.eval()(images(net)), float_net.eval()(images(net)))


def test_activations_that_are_no_relu_modules_are_refused_by_name() -> None:
    class Calling(SmallNet):
        def logits(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(super().logits(x))

    with pytest.raises(nets.NetError, match=r"cannot be quantized.*calls relu itself"):
        quantize(Calling(), FOUR)
    net = SmallNet()
    for stage in net.stages:
        stage.relu = nn.SiLU()
    with pytest.raises(nets.NetError, match="calls silu itself"):
        quantize(net, FOUR)
    assert quantize(net, QuantizeSettings(weights=4)).layers == 4


def test_a_net_is_quantized_once() -> None:
    net, _ = wrapped()
    with pytest.raises(nets.NetError, match="quantized already"):
        quantize(net, FOUR)


class Cosine(nn.Module):
    """A layer of its own kind, which normalizes its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 8))
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.relu(torch.einsum("bchw,kc->bkhw", x, nn.functional.normalize(self.weight))).mean(1, keepdim=True)


def test_parts_are_quantized_too_whatever_kind_of_layer_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "tests.cosine", Cosine)
    net = SmallNet()
    part = insert(net, Part("mine", "f3", "tests.cosine"), torch.Generator().manual_seed(0))
    account = quantize(net, QuantizeSettings(weights=2, activations=2))
    assert account.layers == 5
    assert len(part.weight.unique()) == 3
    assert isinstance(part.relu, ActivationQuantizer)
    net(torch.rand(2, 1, 8, 8)).sum().backward()
    assert part._parameters["weight"].grad is not None


def test_two_paths_to_one_relu_are_one_quantizer_and_hooks_stay() -> None:
    net = SmallNet()
    shared = net.stages[0].relu
    net.stages[1].relu = shared
    seen: list[str] = []
    shared.register_forward_hook(lambda *_: seen.append("seen"))
    assert quantize(net, FOUR).activations == 2
    assert net.stages[0].relu is net.stages[1].relu is shared
    seen.clear()
    net(torch.rand(2, 1, 8, 8))
    assert seen == ["seen", "seen"]


def test_a_shared_quantizer_is_stored_under_both_its_names(tmp_path: Path) -> None:
    net = SmallNet()
    net.stages[1].relu = net.stages[0].relu
    quantize(net, FOUR)
    stored = apart(net)
    save_file(stored, tmp_path / "x.safetensors")  # refuses tensors that share memory
    assert torch.equal(stored["stages.0.relu.step"], stored["stages.1.relu.step"])
    again = SmallNet()
    again.stages[1].relu = again.stages[0].relu
    quantize(again, FOUR)
    again.load_state_dict(load_file(tmp_path / "x.safetensors"))
    assert torch.equal(again.eval()(torch.ones(2, 1, 8, 8)), net.eval()(torch.ones(2, 1, 8, 8)))


@pytest.mark.parametrize("weights", FEW)
def test_the_size_is_bits_and_scales_and_the_rest_in_float32(weights: int) -> None:
    float_net, (net, account) = built("resnet20"), wrapped("resnet20", QuantizeSettings(weights=weights, activations=4))
    found = sizes_of(net)
    rest = size_in_bytes(float_net) - 4 * account.weights
    assert found.plain == size_in_bytes(float_net)
    assert found.packed == rest + -(-account.weights * weights // 8) + 4 * account.layers + 4 * account.activations
    assert found.compression == found.plain / found.packed


@pytest.mark.parametrize("key", ["resnet8", "lenet5", "wrn16-1", "mobilenetv2-half"])
@pytest.mark.parametrize("rules", [{}, {"first_layer": "keep", "last_layer": "quantize", "shortcuts": "quantize"}])
def test_the_plan_comes_to_the_same_bytes_as_the_net(key: str, rules: dict[str, str]) -> None:
    settings = QuantizeSettings(weights=4, activations=2, **rules)
    layers = catalogue().nets[key].layers
    for channels, classes in ((1, 10), (3, 7)):
        net = built(key, classes, channels)
        assert layers == described(net)
        count = parameters(net)
        quantize(net, settings)
        assert of_card(settings, layers, count, channels, classes) == sizes_of(net)


def test_the_weights_of_a_baked_net_are_the_quantized_ones() -> None:
    net, _ = wrapped()
    made = baked(net)
    assert torch.equal(made.eval()(images(net)), net.eval()(images(net)))
    assert len(made.state_dict()["conv1.weight"].unique()) <= 15
    assert list(layers_of(made)) == [] and len(list(quantizers_of(made))) == 4
    assert type(made.conv1) is nn.Conv2d


def test_a_quantized_teacher_is_folded_with_its_quantized_weights() -> None:
    net, _ = wrapped(settings=QuantizeSettings(weights=2))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
    made = folded(net.eval())
    assert sum(isinstance(m, nn.BatchNorm2d) for m in made.modules()) == 0
    torch.testing.assert_close(made(images(net)), net(images(net)), rtol=1e-4, atol=1e-5)


def test_the_float_net_behind_is_given_back_with_its_steps() -> None:
    float_net, (net, _) = built("resnet8"), wrapped()
    begin(net, steps_for(built("resnet8"), lambda: images(net, 16), FOUR))
    found, started = unquantized(net)
    assert found.identity() == float_net.identity()
    assert torch.equal(found.state_dict()["conv1.weight"], float_net.state_dict()["conv1.weight"])
    assert started.bits == 4 and started.steps == {path: q.step.item() for path, q in quantizers_of(net)}
    quantize(found, FOUR)
    begin(found, started)
    assert torch.equal(found.eval()(images(net)), net.eval()(images(net)))


def test_a_copy_is_quantized_by_quantizers_of_its_own() -> None:
    net, _ = wrapped()
    made = copy.deepcopy(net)
    with torch.no_grad():
        made.conv1._parameters["weight"].mul_(2)
        made.relu.step.mul_(2)
    assert torch.equal(made.conv1.weight, 2 * net.conv1.weight)
    assert made.relu.step == 2 * net.relu.step


def test_calibrated_steps_have_the_least_error_and_the_largest_reach_the_largest() -> None:
    values = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    assert least_error(values, 2) == pytest.approx(0.25, rel=0.04)  # where a³ + (1 - 3a)³/3 is least
    net, x = built("resnet8"), images(built("resnet8"), 32)
    largest = steps_for(net, lambda: x, QuantizeSettings(activations=4, step_start="largest"))
    calibrated = steps_for(net, lambda: x, QuantizeSettings(activations=4, step_start="calibrated"))
    assert largest.steps.keys() == calibrated.steps.keys() == {"relu", "layer1.0.relu", "layer2.0.relu", "layer3.0.relu"}
    assert all(calibrated.steps[path] < largest.steps[path] for path in largest.steps)


@pytest.mark.parametrize(("start", "step"), [("released", 0.6511), ("optimal", 0.487)])
def test_steps_may_begin_at_constants(start: str, step: float) -> None:
    settings = QuantizeSettings(activations=2, step_start=start, steps="fixed")
    found = steps_for(built("resnet8"), lambda: torch.empty(0), settings)
    assert set(found.steps.values()) == {step}


def test_calibration_leaves_the_net_as_it_was() -> None:
    net = built("resnet8")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    steps_for(net, lambda: images(net, 16), FOUR)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_under_autocast_weights_and_activations_stay_on_their_levels() -> None:
    net, _ = wrapped()
    seen: list[tuple[torch.Tensor, float]] = []
    for _, quantizer in quantizers_of(net):
        quantizer.register_forward_hook(lambda module, args, out: seen.append((out, module.step.item())))
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(images(net))
    logits.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    assert all(len(out.unique()) <= 16 for out, _ in seen)


def test_the_classes_of_a_quantized_head_are_reordered_with_the_float_weights_behind() -> None:
    net, _ = wrapped(settings=QuantizeSettings(weights=2, last_layer="quantize", ternary_scale="all"))
    x, before = images(net), net.eval()(images(net))
    reordered(net, (4, 3, 2, 1, 0))
    torch.testing.assert_close(net(x), before.flip(1))
