"""The whole of one experiment, typed: dataset, teacher, student, a stack of methods, training, run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine import normalization, published
from engine.knobs import Knobs, Spec, knob, specs
from engine.quantize.settings import QuantizeSettings

SCHEMA = 2

Auto = Literal["auto"]


class DatasetSettings(Knobs):
    """Which images, where they lie, and how a batch of them is augmented."""

    name: str = knob("digits", "Which dataset the student learns from.")
    root: str = knob("", "Folder of the data; empty: the library's own download folder.", kind="path", title="folder")
    test_root: str = knob(
        "", "Folder of labelled test images, one subfolder a class; empty: none, and accuracy is not measured.",
        kind="path", title="test folder", when={"name": ("unlabelled",)},
    )  # fmt: skip
    labels: bool = knob(True, "Use the labels of the training images; without them only a teacher teaches.")
    split: float = knob(
        0.2, "Share of the images that becomes the test set where the dataset brings none.",
        low=0.05, high=0.5, level="advanced", title="test share",
    )  # fmt: skip
    split_seed: int = knob(0, "Seed of that split; the same for every run, so that runs compare.", low=0, level="advanced")
    holdout: float = knob(
        0.1, "Stratified share of the training images kept aside to choose the best epoch; 0 trains on all of them.",
        low=0.0, high=0.5, title="held-out share",
    )  # fmt: skip
    subset: float = knob(1.0, "Stratified share of the training images to use.", above=0.0, high=1.0, level="advanced")
    size: Auto | int = knob("auto", "Side the images are resized to; auto: the dataset's own, or the next the nets take.",
                            low=4, high=512, unit="pixels", level="advanced")  # fmt: skip
    colour: Literal["auto", "grey", "rgb"] = knob(
        "auto", "Kind of images; auto: what the files are, which must then all be of one kind.",
        when={"name": ("folder", "unlabelled")}, level="advanced",
    )  # fmt: skip
    loading: Literal["auto", "memory", "stream"] = knob(
        "auto", "memory: all images on the device; stream: batch by batch; auto: memory where they fit.", level="advanced"
    )
    workers: Auto | int = knob(
        "auto", "Processes that decode images while others train; auto: one a core, less one for the run.",
        low=1, high=64, unit="processes", when={"loading": ("auto", "stream")}, level="advanced",
    )  # fmt: skip
    crop: int = knob(0, "Random crop after padding by this much on each side.", low=0, high=64, unit="pixels")
    crop_fill: Literal["zero", "reflect"] = knob("zero", "What the padding of the crop is filled with.", level="advanced")
    resized_crop: float = knob(
        0.0, "Cut out a random part of at least this share of the area and enlarge it, as for ImageNet (0.08); 0: off.",
        low=0.0, high=1.0, title="resized crop",
    )  # fmt: skip
    flip: bool = knob(False, "Mirror half of the images left to right.")
    rotation: float = knob(0.0, "Rotate by a random angle up to this, either way.", low=0.0, high=180.0, unit="degrees")
    views: int = knob(
        0, "So many augmented views of each image, taken in turn, one an epoch; 0: a new one every epoch. A teacher of whom "
        "nothing but logits is needed is then asked about each view once.",
        low=0, high=10_000, unit="views an image", level="advanced",
    )  # fmt: skip

    def augmentation(self) -> dict[str, Any]:
        """How batches are augmented, as far as it is on: what the weights of a trained teacher depend on."""
        added = self.model_dump(include={"resized_crop", "views"})
        return self.model_dump(include={"crop", "crop_fill", "flip", "rotation"}) | {k: v for k, v in added.items() if v}


BROUGHT = ("file", "run", "download", "pretrained")
"""Sources of weights that somebody trained before."""

_CHECKPOINT = "The checkpoint: .safetensors, or a .pth/.pt/.th state dict."
_NORMALIZATION = (
    "By which constants it shifts and scales pixels; auto: what its file, its run or its publisher says, else the dataset's."
)
_CLASS_ORDER = (
    "For each class of the dataset the position, from 0, of the output that stands for it; empty: by the names of the classes "
    "where its file says them, else as they are."
)


class NetSettings(Knobs):
    """A net and where its weights come from."""

    net: str = knob("resnet8", "The architecture.")
    source: Literal["scratch", "file", "run", "download", "pretrained"] = knob(
        "scratch",
        "scratch: fresh weights from the run's seed; file: a checkpoint; run: the student of an earlier run; download: "
        "published weights; pretrained: torchvision's, of ImageNet.",
    )
    file: str = knob("", _CHECKPOINT, kind="path", when={"source": ("file",)})
    run: str = knob("", "The run (name or folder) whose student it starts from.", when={"source": ("run",)})
    checkpoint: Literal["student", "best", "last"] = knob(
        "student",
        "Which state of that run: student: as it was exported at the end; best: after its best epoch so far; last: as it was "
        "saved last, and methods that are set as there go on with what they had learned.",
        when={"source": ("run",)},
    )
    download: str = knob(
        published.AUTO, "Which published weights; auto: those of this net on this dataset.",
        kind="choice", choices=(published.AUTO, *published.names()), when={"source": ("download",)},
    )  # fmt: skip
    normalization: str = knob(
        "auto", _NORMALIZATION, kind="choice", choices=normalization.CHOICES, when={"source": BROUGHT}, level="advanced"
    )
    class_order: list[int] = knob([], _CLASS_ORDER, low=0, when={"source": BROUGHT}, level="advanced")
    quantize: QuantizeSettings = Field(default_factory=QuantizeSettings)


class TeacherSettings(Knobs):
    """The teacher net, if any."""

    net: str = knob("none", "The architecture; none: no teacher net at all.")
    source: Literal["train", "file", "run", "download", "pretrained", "scratch"] = knob(
        "train",
        "train: trained on the same data as the run's first stage, kept and reused; file: a checkpoint; "
        "run: the student of an earlier run; download: published weights; pretrained: torchvision's, of ImageNet; "
        "scratch: untrained, as a control.",
    )
    file: str = knob("", _CHECKPOINT, kind="path", when={"source": ("file",)})
    run: str = knob("", "The run (name or folder) whose student becomes the teacher.", when={"source": ("run",)})
    download: str = knob(
        published.AUTO, "Which published teacher; auto: that of this net on this dataset.",
        kind="choice", choices=(published.AUTO, *published.names()), when={"source": ("download",)},
    )  # fmt: skip
    normalization: str = knob(
        "auto", _NORMALIZATION, kind="choice", choices=normalization.CHOICES, when={"source": BROUGHT}, level="advanced"
    )
    class_order: list[int] = knob([], _CLASS_ORDER, low=0, when={"source": BROUGHT}, level="advanced")
    head: Literal["train", "none"] = knob(
        "train",
        "Where ImageNet's classes are not the dataset's: train a new last layer as the run's first stage, kept and reused; "
        "none: leave it out, and only features teach.",
        when={"source": ("pretrained",)},
    )
    epochs: int = knob(
        30, "Epochs of the teacher's own training.", low=1, high=2000, unit="epochs", when={"source": ("train", "pretrained")}
    )
    learning_rate: float = knob(
        0.05, "Peak learning rate of the teacher's own training (SGD, momentum 0.9, cosine).",
        above=0.0, high=10.0, scale="log", when={"source": ("train", "pretrained")}, level="advanced",
    )  # fmt: skip
    weight_decay: float = knob(
        5e-4, "Weight decay of the teacher's own training.", low=0.0, high=1.0, scale="log",
        when={"source": ("train", "pretrained")}, level="advanced",
    )  # fmt: skip

    def stages(self) -> tuple[str, ...]:
        """The stages in which the teacher is fetched and trained, where it needs them."""
        fetched = ("download",) if self.source in ("download", "pretrained") else ()
        trained = self.source == "train" or (self.source == "pretrained" and self.head == "train")
        return (*fetched, "teacher") if trained else fetched


class TrainingSettings(Knobs):
    """How the student is trained."""

    epochs: int = knob(30, "Passes over the training images.", low=1, high=10000, unit="epochs")
    batch_size: int = knob(64, "Images a step.", low=1, high=65536, unit="images")
    optimizer: Literal["sgd", "adamw", "rmsprop"] = knob("sgd", "How weights are updated.")
    learning_rate: float = knob(0.05, "Peak learning rate.", above=0.0, high=10.0, scale="log")
    momentum: float = knob(
        0.9, "Share of the last update kept.", low=0.0, high=0.9999, when={"optimizer": ("sgd", "rmsprop")}, level="advanced"
    )
    nesterov: bool = knob(False, "Nesterov's look-ahead.", when={"optimizer": ("sgd",)}, level="advanced")
    weight_decay: float = knob(5e-4, "Pull of the weights towards zero.", low=0.0, high=1.0, scale="log")
    decay_norms_and_biases: bool = knob(
        True, "Whether weight decay also acts on normalization weights and biases, as the papers' recipes do.", level="advanced"
    )
    schedule: Literal["multistep", "cosine", "constant"] = knob("cosine", "How the learning rate falls.")
    milestones: list[int] = knob(
        [150, 180, 210], "Epochs after which the learning rate drops.", low=1, unit="epochs", when={"schedule": ("multistep",)}
    )
    drop: float = knob(0.1, "Factor of each drop.", above=0.0, high=1.0, when={"schedule": ("multistep",)})
    warmup_epochs: int = knob(0, "Epochs in which the learning rate climbs to its peak.", low=0, high=1000, unit="epochs",
                              level="advanced")  # fmt: skip
    label_smoothing: float = knob(0.0, "Share of each label spread evenly over all classes.", low=0.0, high=0.9)
    gradient_clip: float = knob(0.0, "Largest norm of the gradient; 0: no limit.", low=0.0, level="advanced")
    accumulation: int = knob(1, "Batches whose gradients are summed into one update.", low=1, high=1024, unit="batches",
                             level="advanced")  # fmt: skip
    ema: float = knob(0.0, "Decay of the moving average of the weights that is evaluated and exported; 0: none.",
                      low=0.0, high=0.99999, level="advanced", title="weight average (EMA)")  # fmt: skip
    early_stopping: int = knob(0, "Stop after this many evaluations without a better one; 0: never.", low=0, high=1000,
                               unit="evaluations", level="advanced")  # fmt: skip


class RunSettings(Knobs):
    """Seed, repeats, device, and how often the run looks at itself."""

    seed: int = knob(0, "With one seed every method starts from the same student and sees the same batches.", low=0,
                     high=2**31 - 1)  # fmt: skip
    repeats: int = knob(1, "How many runs, on seeds counted up from this one; results report mean and deviation.", low=1,
                        high=100, unit="runs")  # fmt: skip
    device: str = knob("auto", "auto, cpu, cuda or cuda:1.", level="advanced")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = knob(
        "auto", "Arithmetic of the nets while training; losses and accuracies stay in float32. auto: bfloat16 where the device "
        "has it and, on a CPU, where it is measured to be quicker.", level="advanced",
    )  # fmt: skip
    compile: Literal["auto", "off", "on"] = knob(
        "auto", "Compile the nets with torch.compile (needs a C++ compiler on a CPU); auto: in long runs, where it is measured "
        "to pay.", level="advanced",
    )  # fmt: skip
    threads: Auto | int = knob("auto", "CPU threads; auto: measured once for this machine and kind of net.", low=1, high=1024,
                               level="advanced")  # fmt: skip
    memo: Auto | float = knob(
        "auto", "Memory for remembering the teacher's logits of each view of an image, where methods need nothing else of it; "
        "0: none. auto: up to a quarter of what is free.",
        low=0.0, high=1024.0, unit="GiB", level="advanced", title="teacher memo",
    )  # fmt: skip
    time_budget: float = knob(
        0.0, "The run ends, properly, with the epoch in which it has taken this long, its teacher and stages included and "
        "pauses left out; 0: no limit.", low=0.0, high=1_000_000.0, unit="minutes", level="advanced", title="budget of time",
    )  # fmt: skip
    energy_budget: float = knob(
        0.0, "The run ends, properly, with the epoch in which it has used this much energy, where the device counts it; 0: no "
        "limit.", low=0.0, high=1_000_000.0, unit="Wh", level="advanced", title="budget of energy",
    )  # fmt: skip
    evaluate_every: int = knob(1, "Epochs between evaluations.", low=1, high=1000, unit="epochs", level="advanced")
    report_every: int = knob(10, "Steps between reported means.", low=1, high=10000, unit="steps", level="advanced")
    save_every: int = knob(5, "Epochs between checkpoints.", low=1, high=1000, unit="epochs", level="advanced")
    selection: Literal["held-out", "test", "last"] = knob(
        "held-out", "What chooses the best epoch. `test` is what most papers did; the report says so.", level="advanced"
    )
    probe_images: int = knob(
        512, "Images each evaluation's probes look at.", low=16, high=10000, unit="images", level="advanced"
    )
    share_every: int = knob(200, "Steps between measurements of each term's share of the gradient; 0: never.", low=0,
                            high=100000, unit="steps", level="advanced")  # fmt: skip


class Expected(BaseModel):
    """A published accuracy beside which a run is drawn; never a promise."""

    model_config = ConfigDict(extra="forbid")

    top1: float = Field(ge=0, le=100)
    source: str
    teacher: str = ""


class Experiment(BaseModel):
    """One experiment. `methods` maps a method's key to the settings that differ from its defaults, in stack order."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    kdstudio: int = SCHEMA
    title: str = ""
    notes: str = ""
    dataset: DatasetSettings = Field(default_factory=DatasetSettings)
    teacher: TeacherSettings = Field(default_factory=TeacherSettings)
    student: NetSettings = Field(default_factory=NetSettings)
    methods: dict[str, dict[str, Any]] = Field(default_factory=dict)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    run: RunSettings = Field(default_factory=RunSettings)
    expected: Expected | None = None


SECTIONS: dict[str, type[Knobs]] = {
    "dataset": DatasetSettings,
    "teacher": TeacherSettings,
    "student": NetSettings,
    "student.quantize": QuantizeSettings,
    "training": TrainingSettings,
    "run": RunSettings,
}
"""The sections made of settings, by their path, outer ones first; methods bring their own."""

TITLES = {"student.quantize": "quantization"}
"""What a section is called where its name does not say it."""

CE_WEIGHT = Spec(
    name="ce_weight",
    kind="number",
    default=None,
    help="Weight of the cross-entropy with the labels; unset: what the first method of the stack proposes.",
    title="weight of the labels",
    low=0.0,
    high=1000.0,
)
"""A setting every method has: the first method of the stack that sets it decides."""


@cache
def section_specs(section: str) -> tuple[Spec, ...]:
    """The settings of one section, without those of sections inside it."""
    return specs(SECTIONS[section])


def section_of(tree: Mapping[str, Any], section: str) -> dict[str, Any]:
    """What a plain tree says of one section, without the sections inside it; empty where it says nothing."""
    for name in section.split("."):
        tree = tree.get(name) or {}
    return {name: value for name, value in tree.items() if f"{section}.{name}" not in SECTIONS}


def put_section(tree: dict[str, Any], section: str, values: Mapping[str, Any]) -> None:
    """Say something of a section in a plain tree; mappings on the way to it are made."""
    for name in section.split("."):
        tree = tree.setdefault(name, {})
    tree.update(values)


def settings_of(experiment: Experiment, section: str) -> Knobs:
    """The settings of one section of an experiment."""
    return attrgetter(section)(experiment)  # type: ignore[no-any-return]
