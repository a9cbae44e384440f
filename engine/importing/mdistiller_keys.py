"""The words of mdistiller's configs: its defaults, and what datasets, nets, methods and keys are called here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Value = Callable[[str], Any]
Put = Callable[[str, Any, str], None]
Leave = Callable[[str, str], None]


@dataclass(frozen=True)
class Settings:
    """A method there: its key here, its keys by our settings' names, and what else must be looked at."""

    key: str
    settings: Mapping[str, str]
    special: Callable[[Value, Put, Leave], Iterator[str]] | None = None


def _relational(value: Value, put: Put, leave: Leave) -> Iterator[str]:
    """RKD has one weight over both of its own."""
    over = value("RKD.LOSS.FEAT_WEIGHT")
    for key, name in (("RKD.DISTANCE_WEIGHT", "distance"), ("RKD.ANGLE_WEIGHT", "angle")):
        both = all(isinstance(v, (int, float)) for v in (over, value(key)))
        put(f"methods.rkd.{name}", over * value(key) if both else value(key), key)
    if value("RKD.PDIST.SQUARED") is not False:
        leave("RKD.PDIST.SQUARED", "distances are not squared here")
    if over != 1:
        yield f"RKD.LOSS.FEAT_WEIGHT = {over} is multiplied into both weights."


def _hint(value: Value, put: Put, leave: Leave) -> Iterator[str]:
    """The layer of a hint counts from the stem there, and from the first stage here."""
    layer = value("FITNET.HINT_LAYER")
    if layer == 0:
        leave("FITNET.HINT_LAYER", "the stem's map cannot be the hint here; the preset has the second stage")
    else:
        put("methods.fitnet.stage", layer, "FITNET.HINT_LAYER")
    yield from ()


METHODS: Mapping[str, Settings] = {
    "KD": Settings(
        "kd", {"TEMPERATURE": "temperature", "LOSS.CE_WEIGHT": "ce_weight", "LOSS.KD_WEIGHT": "weight"}
    ),
    "DKD": Settings(
        "dkd", {"T": "temperature", "ALPHA": "alpha", "BETA": "beta", "WARMUP": "warmup", "CE_WEIGHT": "ce_weight"}
    ),
    "AT": Settings("at", {"P": "power", "LOSS.CE_WEIGHT": "ce_weight", "LOSS.FEAT_WEIGHT": "weight"}),
    "RKD": Settings("rkd", {"LOSS.CE_WEIGHT": "ce_weight"}, _relational),
    "FITNET": Settings("fitnet", {"LOSS.CE_WEIGHT": "ce_weight", "LOSS.FEAT_WEIGHT": "weight"}, _hint),
    "CRD": Settings(
        "crd",
        {"MODE": "mode", "FEAT.DIM": "width", "LOSS.CE_WEIGHT": "ce_weight", "LOSS.FEAT_WEIGHT": "weight", "NCE.K": "negatives",
         "NCE.MOMENTUM": "momentum", "NCE.TEMPERATURE": "temperature"},
    ),
}  # fmt: skip
"""Methods that are here too."""

SECTIONS = frozenset({*METHODS, "KDSVD", "OFD", "NST", "PKT", "SP", "VID", "REVIEWKD"})
"""The sections of methods: only that of DISTILLER.TYPE counts."""

TRAINING: Mapping[str, str] = {
    "SOLVER.BATCH_SIZE": "batch_size", "SOLVER.EPOCHS": "epochs", "SOLVER.LR": "learning_rate",
    "SOLVER.LR_DECAY_STAGES": "milestones", "SOLVER.LR_DECAY_RATE": "drop", "SOLVER.WEIGHT_DECAY": "weight_decay",
    "SOLVER.MOMENTUM": "momentum",
}  # fmt: skip
"""Settings of the training by their keys."""

OPTIMIZERS: Mapping[str, str] = {"SGD": "sgd"}
TRAINERS = frozenset({"base", "crd"})
"""Ways of training that are the usual one here; CRD's draws its contrasting images itself."""

DATASETS: Mapping[str, Mapping[str, Any]] = {
    "cifar100": {"name": "cifar100", "crop": 4, "flip": True},
    "imagenet": {"name": "folder", "colour": "rgb", "size": 224, "resized_crop": 0.08, "flip": True},
    "tiny_imagenet": {"name": "tiny-imagenet", "flip": True, "rotation": 20.0},
}
"""Datasets with the augmentation of their training images."""

CIFAR_NETS: Mapping[str, str] = {
    **{f"resnet{depth}": f"resnet{depth}" for depth in (8, 14, 20, 32, 44, 56, 110)},
    "resnet8x4": "resnet8x4", "resnet32x4": "resnet32x4", "ResNet18": "resnet18", "ResNet50": "resnet50",
    **{f"wrn_{depth}_{wider}": f"wrn{depth}-{wider}" for depth in (16, 40) for wider in (1, 2)},
    **{f"vgg{depth}": f"vgg{depth}" for depth in (8, 11, 13, 16, 19)},
    "MobileNetV2": "mobilenetv2-half", "ShuffleV1": "shufflenetv1", "ShuffleV2": "shufflenetv2",
}  # fmt: skip
IMAGENET_NETS: Mapping[str, str] = {
    **{f"ResNet{depth}": f"torchvision.resnet{depth}" for depth in (18, 34, 50, 101)},
    "MobileNetV2": "torchvision.mobilenet_v2",
}
"""Nets by their names there."""

CHECKPOINTS: Mapping[str, str] = {
    "cifar100": "download_ckpts/cifar_teachers/{net}_vanilla/ckpt_epoch_240.pth",
    "tiny-imagenet": "download_ckpts/tiny_imagenet_teachers/{net}_vanilla/ti_res18",
}
NORMALIZATIONS: Mapping[str, str] = {"cifar100": "cifar100", "tiny-imagenet": "auto"}
"""Where the teachers lie there, and the constants they were trained with."""

_SEEN = "the maps are looked at here"
_LOGGING = "about logging and saving"
ASIDE: Mapping[str, str] = {
    "EXPERIMENT.PROJECT": _LOGGING, "EXPERIMENT.NAME": _LOGGING, "EXPERIMENT.TAG": _LOGGING,
    "DATASET.NUM_WORKERS": "decoding processes are counted by the machine (dataset.workers)",
    "DATASET.TEST.BATCH_SIZE": "accuracy does not depend on it", "LOG.TENSORBOARD_FREQ": _LOGGING,
    "LOG.SAVE_CHECKPOINT_FREQ": _LOGGING, "LOG.PREFIX": _LOGGING, "LOG.WANDB": _LOGGING, "FITNET.INPUT_SIZE": _SEEN,
    "CRD.FEAT.STUDENT_DIM": _SEEN, "CRD.FEAT.TEACHER_DIM": _SEEN, "RKD.PDIST.EPSILON": "against dividing by nothing only",
}  # fmt: skip
"""Keys that are understood and change nothing here, with the reason."""

TOLD = frozenset({
    "DISTILLER.TYPE", "DISTILLER.TEACHER", "DISTILLER.STUDENT", "DATASET.TYPE", "SOLVER.TYPE", "SOLVER.TRAINER",
    "EXPERIMENT.LOGIT_STAND", "RKD.LOSS.FEAT_WEIGHT", "RKD.PDIST.SQUARED", "FITNET.HINT_LAYER",
})  # fmt: skip
"""Keys that are looked at one by one."""

DEFAULTS: Mapping[str, Any] = {
    "DATASET.TYPE": "cifar100", "DISTILLER.TYPE": "NONE", "DISTILLER.TEACHER": "ResNet50", "DISTILLER.STUDENT": "resnet32",
    "SOLVER.TRAINER": "base", "SOLVER.BATCH_SIZE": 64, "SOLVER.EPOCHS": 240, "SOLVER.LR": 0.05,
    "SOLVER.LR_DECAY_STAGES": [150, 180, 210], "SOLVER.LR_DECAY_RATE": 0.1, "SOLVER.WEIGHT_DECAY": 1e-4,
    "SOLVER.MOMENTUM": 0.9, "SOLVER.TYPE": "SGD",
    "KD.TEMPERATURE": 4, "KD.LOSS.CE_WEIGHT": 0.1, "KD.LOSS.KD_WEIGHT": 0.9,
    "DKD.CE_WEIGHT": 1.0, "DKD.ALPHA": 1.0, "DKD.BETA": 8.0, "DKD.T": 4.0, "DKD.WARMUP": 20,
    "AT.P": 2, "AT.LOSS.CE_WEIGHT": 1.0, "AT.LOSS.FEAT_WEIGHT": 1000.0,
    "RKD.DISTANCE_WEIGHT": 25, "RKD.ANGLE_WEIGHT": 50, "RKD.LOSS.CE_WEIGHT": 1.0, "RKD.LOSS.FEAT_WEIGHT": 1.0,
    "RKD.PDIST.SQUARED": False,
    "FITNET.HINT_LAYER": 2, "FITNET.LOSS.CE_WEIGHT": 1.0, "FITNET.LOSS.FEAT_WEIGHT": 100.0,
    "CRD.MODE": "exact", "CRD.FEAT.DIM": 128, "CRD.LOSS.CE_WEIGHT": 1.0, "CRD.LOSS.FEAT_WEIGHT": 0.8,
    "CRD.NCE.K": 16384, "CRD.NCE.MOMENTUM": 0.5, "CRD.NCE.TEMPERATURE": 0.07,
}  # fmt: skip
"""What holds there where a file says nothing."""
