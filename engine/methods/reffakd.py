"""ReffAKD: soft labels from the embeddings of a small autoencoder, without a teacher.

One C x C matrix is made before training; the student sees row y of it for every image of class y.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from engine import logits
from engine.data import DataError
from engine.knobs import knob
from engine.method import Facts, Knobs, Lab, Method, Mix, Needs, Seen, Side, Stage, Term, Watch
from engine.soft_labels import checks as soft_label_checks
from engine.soft_labels import costs, evidence, similarity
from engine.soft_labels.autoencoder import Autoencoder, explained, fitted, resize

RATES = {"adam": 1e-3, "sgd": 0.1}
SHOWN = 8
SAMPLE = 1024
JUDGED = 2000
NUMBERS = 2**25
CHUNK = 500
TRAINED = {"control": ("none", "label smoothing", "shuffled")}


class ReffAKD(Method):
    """L = (1 - α) CE + α T² KL(q_y ‖ softmax(z / T)), q the row softmax of class similarity with a boosted diagonal."""

    title = "ReffAKD"
    summary = "Soft labels per class from a small autoencoder's embeddings: no teacher at all."
    formula = (
        "L = (1 − α) CE(y, z) + α T^2 KL(q_y ‖ softmax(z / T))\n"
        "q = softmax((A + γ I) / τ_q), row by row\n"
        "A_{ij} = mean cos(e_a, e_b) over images a of class i and b of class j,   e the autoencoder's embedding"
    )
    paper = "Doshi, Kim: ReffAKD: Resource-efficient Autoencoder-based Knowledge Distillation, arXiv 2404.09886"
    ce_weight = 0.5
    needs = Needs(labels=True)
    offers: Mapping[str, tuple[Any, ...]] = {"mode": ("replace",)}
    terms = (
        Term(
            "soft", title="soft labels", weight="soft_weight", scale="log", when={"mode": ("add",)},
            help="T² times the divergence of the student's softened outputs from the soft label of the image's class.",
        ),
    )  # fmt: skip
    mixes = (Mix("alpha", "Share of the soft labels in the loss; the rest goes to the labels.", "soft_weight", "ce_weight"),)
    checks = soft_label_checks.of("reffakd")
    stages = (
        Stage("autoencoder", "autoencoder", "Learn to reconstruct the training images; labels are not used.", when=TRAINED),
        Stage("soft labels", "soft labels", "Measure how similar the classes look to the encoder and make soft labels of it."),
    )
    watches = (
        Watch("reconstructions", "images", "Training images above what the autoencoder makes of them.", every="epoch",
              stage="autoencoder", when=TRAINED),
        Watch("explained", "curve", "Share of what can be reconstructed that is; 0 for a constant picture.", every="epoch",
              stage="autoencoder", when=TRAINED),
        Watch("similarity", "matrix", "Mean cosine between the embeddings of two classes, with the boost on the diagonal.",
              every="stage", stage="soft labels", title="class similarity"),
        Watch("soft_labels", "matrix", "The soft label of each class (rows: true class).", every="stage",
              stage="soft labels", title="soft labels · ReffAKD"),
        Watch("evidence", "table", "What the soft labels hold, and whether the embeddings know anything of the classes.",
              every="stage", stage="soft labels"),
        Watch("cost", "table", "The autoencoder beside a teacher, by the published rules and honestly.", every="stage",
              stage="soft labels", title="cost beside a teacher"),
    )  # fmt: skip

    class Params(Knobs):
        """Settings of ReffAKD."""

        mode: Literal["add", "replace"] = knob(
            "add", "add: a loss term of its own; replace: no term, but its soft labels stand in for a teacher's logits."
        )
        soft_weight: float = knob(
            0.5, "Weight of the soft labels.", low=0.0, high=1000.0, when={"mode": ("add",)},
            source="the paper searches 0.1 to 0.9 and records no choice",
        )  # fmt: skip
        temperature: float = knob(
            4.0, "Softens the student's outputs, not the soft labels.", above=0.0, high=1000.0, scale="log",
            when={"mode": ("add",)}, source="the paper searches 1, 5, 10, 20",
        )  # fmt: skip
        label_temperature: float = knob(
            1.0, "Sharpens the soft labels when below 1. At the paper's 1 they are all but uniform, for cosines lie in [0, 1].",
            above=0.0, high=100.0, scale="log", source="1 in the paper; .02 gives 94 % of the largest entropy on CIFAR-100",
        )  # fmt: skip
        gamma: Literal["auto"] | float = knob(
            "auto", "Boost of the diagonal; auto: the smallest that ranks every class first in its own row.",
            low=0.0, high=10.0, title="diagonal boost γ", source="official: .0225 CIFAR-100, Tiny-ImageNet; .008 Fashion-MNIST",
        )  # fmt: skip
        samples: int = knob(
            40, "Images drawn from each class to measure similarity.", low=2, high=100000, unit="images",
            title="samples per class", source="40 in the official notebooks",
        )  # fmt: skip
        epochs: int = knob(
            12, "Epochs of the autoencoder.", low=1, high=10000, unit="epochs", title="autoencoder epochs",
            when=TRAINED, source="200 in the official notebooks; the loss settles within 8 to 12",
        )  # fmt: skip
        optimizer: Literal["adam", "sgd"] = knob(
            "adam", "adam: learns reliably; sgd: the official one (momentum .9), which can stay at a constant picture.",
            title="autoencoder optimizer", when=TRAINED, level="advanced",
        )  # fmt: skip
        learning_rate: Literal["auto"] | float = knob(
            "auto", "Of the autoencoder; auto: .001 for adam, .1 for sgd. Falls to a fifth at 30, 60 and 80 % of the epochs.",
            above=0.0, high=10.0, scale="log", title="autoencoder learning rate", when=TRAINED, level="advanced",
        )  # fmt: skip
        weight_decay: float = knob(
            0.0, "Of the autoencoder; the official sgd uses 5e-4.", low=0.0, high=1.0, scale="log",
            title="autoencoder weight decay", when=TRAINED, level="advanced",
        )  # fmt: skip
        batch_size: int = knob(
            128, "Images a step of the autoencoder.", low=1, high=65536, unit="images", title="autoencoder batch size",
            when=TRAINED, level="advanced", source="128 in the official notebooks",
        )  # fmt: skip
        output: Literal["sigmoid", "linear"] = knob(
            "sigmoid", "Last layer of the autoencoder. Its target is the normalized image, which a sigmoid cannot reach "
            "everywhere: the official code does so all the same.", title="autoencoder output", level="advanced",
        )  # fmt: skip
        augmented: bool = knob(
            False, "Measure similarity on augmented images, as the official notebooks do.", title="augmented embeddings",
            level="advanced",
        )  # fmt: skip
        gamma_grid: float = knob(
            0.0005, "An automatic γ is the next multiple of this.", above=0.0, high=1.0, scale="log", title="grid of γ",
            when={"gamma": ("auto",)}, level="advanced",
        )  # fmt: skip
        kl_reduction: Literal["batchmean", "mean"] = knob(
            "batchmean", "batchmean: averaged over images (as the CIFAR-100 notebook); mean: also divided by the number "
            "of classes (its other notebooks).", title="average of the KL", when={"mode": ("add",)}, level="advanced",
        )  # fmt: skip
        offer_temperature: float = knob(
            1.0, "Multiplies the logits offered. At the temperature of the method that takes them, that method sees the soft "
            "labels themselves; at 1 it softens them further.", above=0.0, high=1000.0, scale="log",
            when={"mode": ("replace",)}, level="advanced",
        )  # fmt: skip
        control: Literal["none", "label smoothing", "shuffled", "untrained"] = knob(
            "none", "Controls. label smoothing: the same diagonal, the rest even; shuffled: each row's other entries in random "
            "order; untrained: an encoder that has learned nothing.", level="advanced",
            controls={"label smoothing": "matched label smoothing", "shuffled": "shuffled soft labels",
                      "untrained": "untrained encoder"},
        )  # fmt: skip

    params: Params

    def build(self, student: Side, teacher: Side | None, facts: Facts) -> None:
        """The autoencoder, and room for what `prepare` finds."""
        self.autoencoder = Autoencoder(facts.shape[0], self.params.output).requires_grad_(False)
        self.side = fitted(*facts.shape[1:])
        classes = facts.classes
        self.soft_labels: Tensor
        self.offered: Tensor
        self.register_buffer("soft_labels", torch.zeros(classes, classes))
        self.register_buffer("offered", torch.zeros(classes, classes))

    def losses(self, seen: Seen) -> dict[str, Tensor]:
        """The student against the soft label of each image's class; nothing where this method stands in for a teacher."""
        if self.params.mode == "replace":
            return {}
        if seen.y is None:
            raise ValueError("ReffAKD needs labels: its soft labels belong to classes")
        p = self.params
        loss = logits.kl(seen.student.logits, self.soft_labels[seen.y], p.temperature, p.kl_reduction)
        return {"soft": loss * p.temperature**2}

    def teach(self, seen: Seen) -> Tensor | None:
        """(B, C): the logarithm of each image's soft label up to a constant, as logits; None where nothing is offered."""
        return self.offered[seen.y] if self.teaches() and seen.y is not None else None

    def prepare(self, lab: Lab) -> None:
        """Train the autoencoder, then make soft labels of its embeddings. Raises DataError for a class of one image."""
        _check_classes(lab)
        if self.side != tuple(lab.facts.shape[1:]):
            lab.note(f"images are resized from {_by(lab.facts.shape[1:])} to {_by(self.side)} for the autoencoder, "
                     "whose sides are multiples of 8")  # fmt: skip
        untrained = copy.deepcopy(self.autoencoder)
        if self.params.control != "untrained":
            self._train(lab)
        with lab.stage("soft labels"), torch.no_grad():
            similar = self._similarity(lab)
            gamma = self._gamma(similar)
            self._keep(similar, gamma, lab.generator)
            self._report(lab, similar, gamma, untrained)

    def _input(self, lab: Lab, x: Tensor) -> Tensor:
        return lab.normalize(resize(x, self.side))

    def _train(self, lab: Lab) -> None:
        p = self.params
        rate = RATES[p.optimizer] if p.learning_rate == "auto" else float(p.learning_rate)
        weights = list(self.autoencoder.parameters())
        optimizer: torch.optim.Optimizer
        if p.optimizer == "sgd":
            optimizer = torch.optim.SGD(weights, rate, momentum=0.9, weight_decay=p.weight_decay, fused=True)
        else:
            optimizer = torch.optim.Adam(weights, rate, weight_decay=p.weight_decay, fused=True)
        drops = sorted({max(1, round(p.epochs * share)) for share in (0.3, 0.6, 0.8)})
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, drops, gamma=0.2)
        sample = self._input(lab, lab.images(_spread(lab.facts.samples, SAMPLE)))
        steps = -(-lab.facts.samples // p.batch_size)

        def loss(x: Tensor, y: Tensor | None) -> Mapping[str, Tensor]:
            target = self._input(lab, x)
            return {"reconstruction": functional.mse_loss(self.autoencoder(target), target)}

        lab.loop(
            "autoencoder", [self.autoencoder], loss, epochs=p.epochs, batch_size=p.batch_size, optimizer=optimizer,
            schedule=schedule, after_epoch=lambda epoch: self._look(lab, sample, epoch * steps),
        )  # fmt: skip

    @torch.no_grad()
    def _look(self, lab: Lab, sample: Tensor, updates: int) -> None:
        """Report how much of the sample is explained, and show some of it."""
        made = self.autoencoder(sample)
        lab.measure({"updates": float(updates)})
        lab.show("explained", torch.tensor(explained(sample, made, self.params.output)))
        low, high = (self._input(lab, torch.full_like(sample[:1], v)) for v in (0.0, 1.0))
        rows = torch.stack((sample[:SHOWN], made[:SHOWN]))
        pixels = ((rows - low) / (high - low)).clamp(0, 1).mul(255).round().byte()
        lab.show("reconstructions", pixels.permute(0, 1, 3, 4, 2), {"rows": ["image", "reconstruction"]})

    def _embed(self, lab: Lab, x: Tensor) -> Tensor:
        return self.autoencoder.embed(self._input(lab, x))

    def _similarity(self, lab: Lab) -> Tensor:
        """A (C, C) of `samples` images a class."""
        labels = _labels(lab)
        drawn = similarity.draw(labels.cpu(), lab.facts.class_names, self.params.samples, lab.generator)
        collected = similarity.Similarity(lab.facts.classes)
        if self.params.augmented:
            wanted = torch.zeros(lab.facts.samples, dtype=torch.bool)
            wanted[drawn] = True
            for x, _, index in lab.batches(augment=True):
                here = wanted[index.cpu()].to(x.device)
                if bool(here.any()):
                    collected.add(self._embed(lab, x[here]), labels[index[here]])
        else:
            for chunk in drawn.split(CHUNK):
                collected.add(self._embed(lab, lab.images(chunk)), labels[chunk.to(labels.device)])
        return collected.matrix()

    def _gamma(self, similar: Tensor) -> float:
        gamma = self.params.gamma
        return similarity.boost(similar, self.params.gamma_grid) if gamma == "auto" else float(gamma)

    def _keep(self, similar: Tensor, gamma: float, generator: torch.Generator) -> None:
        """Store what the student is to see: A + γI through a softmax, or a control of it."""
        z = similarity.boosted(similar, gamma) / self.params.label_temperature
        if self.params.control == "shuffled":
            z = similarity.shuffled(z, generator)
        q = torch.softmax(z, dim=1)
        if self.params.control == "label smoothing":
            q = logits.smoothing_like(q)
            z = q.log()
        self.soft_labels.copy_(q)
        self.offered.copy_(z * self.params.offer_temperature)

    def _report(self, lab: Lab, similar: Tensor, gamma: float, untrained: Autoencoder) -> None:
        """Show the matrices, and say what they are worth."""
        names = {"classes": list(lab.facts.class_names)}
        lab.show("similarity", similarity.boosted(similar, gamma), names)
        lab.show("soft_labels", self.soft_labels, names)
        values = evidence.of_labels(similar, gamma, self.params.label_temperature)
        index = _spread(lab.facts.samples, JUDGED)
        y = _labels(lab)[index.to(lab.device)]
        values |= self._of_embeddings(lab, index, y, untrained)
        if lab.teacher is not None:
            net = lab.teacher.net
            z = torch.cat([net(lab.images(part)).float() for part in index.split(CHUNK)])
            values |= evidence.of_teacher(z, y, similar, values["entropy"], self.params.temperature)
        lab.measure(values)
        lab.show("evidence", evidence.rows(values, lab.facts.classes))
        lab.show("cost", self._costs(lab))

    def _of_embeddings(self, lab: Lab, index: Tensor, y: Tensor, untrained: Autoencoder) -> dict[str, float]:
        """Evidence from as many images as fit into `NUMBERS` numbers."""
        first = self._input(lab, lab.images(index[:1]))
        most = max(2, NUMBERS // self.autoencoder.embed(first).shape[1])
        x = torch.cat([self._input(lab, lab.images(part)) for part in index[:most].split(CHUNK)])
        own, other = (torch.cat([net.embed(part) for part in x.split(CHUNK)]) for net in (self.autoencoder, untrained))
        return evidence.of_embeddings(x, y[:most], own, other)

    def _costs(self, lab: Lab) -> list[dict[str, Any]]:
        facts = lab.facts
        teacher = None if lab.teacher is None else costs.measure("this run's teacher", lab.teacher.net, facts.shape)
        epochs = 0 if self.params.control == "untrained" else self.params.epochs
        shape = (facts.shape[0], *self.side)
        return costs.table(self.autoencoder, shape, facts.classes, facts.samples, epochs, teacher)


def _labels(lab: Lab) -> Tensor:
    if lab.facts.labels is None:
        raise ValueError("ReffAKD needs labels to know which images belong to one class; turn dataset.labels on")
    return lab.facts.labels


def _check_classes(lab: Lab) -> None:
    """Said before the autoencoder is trained, for the similarity of a class to itself is that of two of its images."""
    counts = torch.bincount(_labels(lab), minlength=lab.facts.classes).tolist()
    scarce = int(min(range(len(counts)), key=counts.__getitem__))
    if counts[scarce] < 2:
        raise DataError(
            f"class {lab.facts.class_names[scarce]!r} has {counts[scarce]} training images, and ReffAKD measures its "
            "similarity to itself between two; add images of it, raise dataset.subset or lower dataset.holdout"
        )


def _by(side: tuple[int, ...]) -> str:
    return "x".join(str(s) for s in side)


def _spread(samples: int, count: int) -> Tensor:
    """At most `count` positions, evenly spread over the training images."""
    return torch.linspace(0, samples - 1, min(samples, count), dtype=torch.float64).round().long()
