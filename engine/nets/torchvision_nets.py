"""torchvision's image classifiers by name (`torchvision.resnet18`), with taps at the ends of their stages.

The net itself is torchvision's own; auxiliary classifiers are off. Stages pass their maps through a `Tap` each, so that
parts can stand there as in our own nets. torchvision is imported where a net is first asked for.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engine.knobs import did_you_mean
from engine.nets.net import Design, Frame, Ghostly, Net, NetError, Place, Tap

PREFIX = "torchvision."
COMPARED = 224
"""The side for which torchvision's nets are made: the size of the last map there tells their stride."""


@dataclass(frozen=True)
class Family:
    """Nets whose names begin alike: the modules whose outputs are f0, f1, ... (`pools`: those before each pooling and the
    last of `features`), how maps lie there, the only side they take (0: any from the smallest on), what else the builder
    is told, and the first block of the last stage, where it is a row of blocks."""

    names: str
    title: str
    stages: tuple[str, ...] | Literal["pools"]
    paper: str
    layout: Literal["CHW", "HWC"] = "CHW"
    exact: int = 0
    options: Mapping[str, Any] | None = None
    first: str = ""


def _features(*numbers: int) -> tuple[str, ...]:
    return tuple(f"features.{n}" for n in numbers)


_LAYERS, _BLOCK = ("maxpool", "layer1", "layer2", "layer3", "layer4"), "layer4.0"
_WITHOUT_AUXILIARY = {"aux_logits": False, "init_weights": True, "transform_input": False}

FAMILIES = (
    Family(r"resnet\d+", "ResNet", _LAYERS, "He et al. 2015, arXiv 1512.03385", first=_BLOCK),
    Family(r"resnext", "ResNeXt", _LAYERS, "Xie et al. 2016, arXiv 1611.05431", first=_BLOCK),
    Family(r"wide_resnet", "Wide ResNet", _LAYERS, "Zagoruyko and Komodakis 2016, arXiv 1605.07146", first=_BLOCK),
    Family(r"regnet", "RegNet", ("stem", *(f"trunk_output.block{n}" for n in (1, 2, 3, 4))),
           "Radosavovic et al. 2020, arXiv 2003.13678"),
    Family(r"densenet", "DenseNet", ("features.pool0", *(f"features.denseblock{n}" for n in (1, 2, 3, 4))),
           "Huang et al. 2016, arXiv 1608.06993"),
    Family(r"mobilenet_v2", "MobileNetV2", _features(1, 3, 6, 13, 17), "Sandler et al. 2018, arXiv 1801.04381"),
    Family(r"mobilenet_v3_large", "MobileNetV3", _features(1, 3, 6, 12, 15), "Howard et al. 2019, arXiv 1905.02244"),
    Family(r"mobilenet_v3_small", "MobileNetV3", _features(0, 1, 3, 8, 11), "Howard et al. 2019, arXiv 1905.02244"),
    Family(r"efficientnet_b", "EfficientNet", _features(1, 2, 3, 5, 7), "Tan and Le 2019, arXiv 1905.11946"),
    Family(r"efficientnet_v2_s", "EfficientNetV2", _features(1, 2, 3, 5, 6), "Tan and Le 2021, arXiv 2104.00298"),
    Family(r"efficientnet_v2", "EfficientNetV2", _features(1, 2, 3, 5, 7), "Tan and Le 2021, arXiv 2104.00298"),
    Family(r"shufflenet_v2", "ShuffleNet V2", ("maxpool", "stage2", "stage3", "stage4"), "Ma et al. 2018, arXiv 1807.11164"),
    Family(r"mnasnet", "MNASNet", tuple(f"layers.{n}" for n in (7, 8, 9, 11, 13)), "Tan et al. 2018, arXiv 1807.11626"),
    Family(r"convnext", "ConvNeXt", _features(0, 1, 3, 5, 7), "Liu et al. 2022, arXiv 2201.03545"),
    Family(r"vgg", "VGG", "pools", "Simonyan and Zisserman 2014, arXiv 1409.1556"),
    Family(r"alexnet", "AlexNet", "pools", "Krizhevsky 2014, arXiv 1404.5997"),
    Family(r"squeezenet", "SqueezeNet", "pools", "Iandola et al. 2016, arXiv 1602.07360"),
    Family(r"googlenet", "GoogLeNet", ("conv1", "conv3", "inception3b", "inception4e", "inception5b"),
           "Szegedy et al. 2014, arXiv 1409.4842", options=_WITHOUT_AUXILIARY),
    Family(r"inception", "Inception", ("Conv2d_2b_3x3", "Conv2d_4a_3x3", "Mixed_5d", "Mixed_6e", "Mixed_7c"),
           "Szegedy et al. 2015, arXiv 1512.00567", options=_WITHOUT_AUXILIARY),
    Family(r"swin", "Swin Transformer", _features(0, 1, 3, 5, 7), "Liu et al. 2021, arXiv 2103.14030", layout="HWC"),
    Family(r"maxvit", "MaxViT", ("stem", *(f"blocks.{n}" for n in range(4))), "Tu et al. 2022, arXiv 2204.01697",
           exact=224),
    Family(r"vit", "Vision Transformer", (), "Dosovitskiy et al. 2020, arXiv 2010.11929", exact=224),
)  # fmt: skip
"""The first whose pattern a name begins with is a net's. A Vision Transformer has tokens and no maps: only `pooled`."""


@cache
def keys() -> tuple[str, ...]:
    """torchvision's classifiers of a family that is known here, as keys."""
    from torchvision import models

    names = models.list_models(module=models)
    return tuple(PREFIX + name for name in names if any(re.match(family.names, name) for family in FAMILIES))


def known(key: str) -> str:
    """torchvision's own name of a key. Raises NetError for one it does not have."""
    if key not in keys():
        name, names = key.removeprefix(PREFIX), [k.removeprefix(PREFIX) for k in keys()]
        instead = did_you_mean(name, names) or "; `kdstudio list nets` names them all"
        raise NetError(f"torchvision has no classifier {name!r}{instead}")
    return key.removeprefix(PREFIX)


@cache
def design(key: str) -> Design:
    """A net of torchvision as one that can be built. Raises NetError for a name it does not have."""
    name = known(key)
    family = next(f for f in FAMILIES if re.match(f.names, name))
    make = partial(TorchvisionNet, name=name, family=family)
    return Design(
        key=key, title=f"torchvision {name}", summary=f"{family.title} as torchvision has it, made for ImageNet.",
        family=f"torchvision · {family.title}", smallest=family.exact or _smallest(make), exact=family.exact, make=make,
        source=family.paper,
    )  # fmt: skip


class TorchvisionNet(Net):
    """A net of torchvision inside ours: `net` is torchvision's, our taps stand beside it.

    Taps are `f0`, `f1`, ..., in ResNets `f4_first`, and `pooled`, what goes into the last linear layer. A net that classifies
    by a convolution (SqueezeNet) has no head; its `pooled` is the average of its last map, where no part can stand. With other
    than three channels the first convolution is made anew from the weights that were drawn for three.
    """

    unused = r"^(?:AuxLogits|aux1|aux2)\."
    dialect = ((r"(?<=denselayer)(\d+\.(?:norm|conv))\.([12])\.", r"\1\2."),)

    def __init__(self, frame: Frame, name: str, family: Family) -> None:
        from torchvision import models

        net = models.get_model(name, weights=None, num_classes=frame.classes, **(family.options or {}))
        stages = _before_pools(net) if family.stages == "pools" else family.stages
        tapped = {f"f{i}": path for i, path in enumerate(stages)}
        inside = {f"f{len(stages) - 1}_first": family.first} if family.first else {}
        places = {tap: Place(tap, "input") for tap in (*tapped, "pooled", *inside)}
        self.has_linear_head = family.title != "SqueezeNet"
        super().__init__(frame, places if self.has_linear_head else places | {"pooled": Place("pooled", "output")})
        self.net = net
        if frame.channels != 3:
            _change_channels(net, frame.channels)
        for place, path in (tapped | inside).items():
            tap = Tap()
            self.add_module(place, tap)
            self.net.get_submodule(path).register_forward_hook(_Through(tap, family.layout))
        if self.has_linear_head:
            self.pooled: nn.Module = Tap()
            self.head.register_forward_pre_hook(_Before(self.pooled))
        else:
            self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.net.get_submodule("features").register_forward_hook(_Aside(self.pooled))

    @property
    def head(self) -> nn.Linear:
        """The last linear layer. Raises NetError where the net classifies by a convolution."""
        found = [module for module in self.net.modules() if isinstance(module, nn.Linear)]
        if not found:
            raise NetError(f"{self.frame.key} classifies by a convolution and has no linear head; choose another net")
        return found[-1]

    def logits(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of normalized images (B, C, H, W)."""
        return self.net(x)  # type: ignore[no-any-return]

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As of any module; MNASNet refuses a state dict without the versions that plain dicts lack."""
        whole = OrderedDict(state_dict)
        whole._metadata = self.state_dict()._metadata  # type: ignore[attr-defined]
        return super().load_state_dict(whole, strict, assign)


class _Through:
    """A forward hook that sends a stage's map through a tap; maps with their channels last are turned for it."""

    def __init__(self, tap: nn.Module, layout: str) -> None:
        self.tap, self.layout = tap, layout

    def __call__(self, module: nn.Module, args: Any, output: Tensor) -> Tensor:
        if self.layout == "CHW":
            return self.tap(output)  # type: ignore[no-any-return]
        return self.tap(output.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # type: ignore[no-any-return]


class _Before:
    """A forward pre-hook that sends what goes into a module through a tap."""

    def __init__(self, tap: nn.Module) -> None:
        self.tap = tap

    def __call__(self, module: nn.Module, args: Any) -> tuple[Tensor]:
        return (self.tap(args[0]),)


class _Aside:
    """A forward hook that shows a map to a module and passes the map on as it is."""

    def __init__(self, module: nn.Module) -> None:
        self.shown = module

    def __call__(self, module: nn.Module, args: Any, output: Tensor) -> None:
        self.shown(output)


def _before_pools(net: nn.Module) -> tuple[str, ...]:
    """The modules of `features` before each pooling, and the last if it is none."""
    layers = list(net.get_submodule("features"))  # type: ignore[call-overload]
    ends = [i - 1 for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    if not isinstance(layers[-1], nn.MaxPool2d):
        ends.append(len(layers) - 1)
    return _features(*ends)


def _change_channels(net: nn.Module, channels: int) -> None:
    """Make the first convolution one of `channels` inputs; weights of the first three are taken in turn."""
    path, first = next((n, m) for n, m in net.named_modules() if isinstance(m, nn.Conv2d))
    made = type(first)(
        channels, first.out_channels, first.kernel_size, first.stride, first.padding, first.dilation,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )  # fmt: skip
    with torch.no_grad():
        made.weight.copy_(first.weight[:, [i % 3 for i in range(channels)]])
        if made.bias is not None and first.bias is not None:
            made.bias.copy_(first.bias)
    owner, _, name = path.rpartition(".")
    net.get_submodule(owner).register_module(name, made)


def _smallest(make: Any) -> int:
    """The side from which no layer runs short, found without computing: at least the stride of the last map, more where a
    pooling or a convolution without padding needs it."""
    frame = Frame("", classes=2, channels=3, size=COMPARED, mean=(0.0,) * 3, std=(1.0,) * 3)
    with Ghostly():
        net = make(frame)
    net = net.to("meta").eval()
    sides: list[int] = []
    last = max((name for name in net.places if name != "pooled" and not name.endswith("_first")), default="pooled")
    net.get_submodule(last).register_forward_pre_hook(lambda module, args: sides.append(args[0].shape[2]))
    _passes(net, COMPARED)
    low, high = max(1, COMPARED // sides[0]), COMPARED
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _passes(net, middle) else (middle + 1, high)
    return low


def _passes(net: nn.Module, side: int) -> bool:
    try:
        with torch.no_grad():
            net(torch.empty(1, 3, side, side, device="meta"))
    except RuntimeError:  # what torch raises where a map would vanish
        return False
    return True
