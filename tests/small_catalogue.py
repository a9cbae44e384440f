"""A small catalogue made by hand, so that presets and rules are tested whatever methods and nets exist."""

from __future__ import annotations

from engine.cards import Catalogue, DatasetCard, MethodCard, Needs, NetCard, Term
from engine.knobs import Spec


def _method(key: str, needs: Needs, settings: tuple[Spec, ...], ce_weight: float = 1.0, offers=None, terms=()) -> MethodCard:
    return MethodCard(key, key.upper(), f"The method {key}.", "", ce_weight, needs, settings, terms, offers=offers)


def _number(name: str, default: float, **more) -> Spec:
    return Spec(name, "number", default, f"The {name}.", low=0.0, high=1000.0, **more)


KD = _method(
    "kd", Needs("logits"), (_number("temperature", 4.0), _number("weight", 0.9)), 0.1, terms=(Term("kl", "KL.", "weight"),)
)
DKD = _method(
    "dkd", Needs("logits", labels=True), (_number("beta", 8.0), Spec("warmup", "integer", 20, "Epochs.", low=0, high=100)),
    terms=(Term("nckd", "Non-target.", "beta", "warmup"),),
)  # fmt: skip
REFFAKD = _method(
    "reffakd",
    Needs("none", labels=True, index=True),
    (
        Spec("mode", "choice", "add", "How it is used.", choices=("add", "replace")),
        Spec("gamma", "number", "auto", "Diagonal boost.", low=0.0, high=1.0, words=("auto",)),
        _number("soft_weight", 0.5, when={"mode": ("add",)}),
        Spec("mirror", "boolean", False, "Mirror the images."),
    ),
    0.5,
    offers={"mode": ("replace",)},
    terms=(Term("soft", "Soft labels.", "soft_weight", when={"mode": ("add",)}),),
)
FEATURES = _method("features", Needs("net"), (_number("weight", 1.0),), terms=(Term("maps", "Maps.", "weight"),))


def _net(key: str, smallest: int, exact: int = 0) -> NetCard:
    return NetCard(key, key, "", "", smallest, exact, 1000, 2000, {"pooled": (64,)})


CATALOGUE = Catalogue(
    methods={m.key: m for m in (DKD, FEATURES, KD, REFFAKD)},
    nets={n.key: n for n in (_net("lenet5", 32, 32), _net("resnet8", 8), _net("resnet20", 8), _net("resnet56", 8))},
    datasets={
        d.key: d
        for d in (
            DatasetCard("digits", "Digits", "", 10, 1, 8, 1437, 360, needs_folder=False),
            DatasetCard("fashion-mnist", "Fashion-MNIST", "", 10, 1, 28, 60000, 10000, needs_folder=False),
            DatasetCard("folder", "A folder", "", 0, 0, 0, 0, 0, needs_folder=True),
        )
    },
    sources="made by hand",
)
