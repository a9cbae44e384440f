"""Nets from somewhere: a file, an earlier run, a published checkpoint, torchvision. Each keeps its own normalisation and is
brought into the dataset's order of classes, and what is recorded of it comes with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from engine import nets, published, runs
from engine.class_order import OrderError, by_name, reordered
from engine.data import Pictures
from engine.downloads import Remote, fetch
from engine.experiment import NetSettings, TeacherSettings
from engine.export import header, student
from engine.nets.net import Net, NetError, seeded
from engine.nets.weights import OWN, classes_in, from_file
from engine.normalisation import KNOWN, TITLES, Constants, constants
from engine.published import Published
from engine.runs import RunFolder

Settings = NetSettings | TeacherSettings
Tell = Callable[[str, int, int, str], None]
"""Takes progress: of what, done, total, unit."""


class SourceError(ValueError):
    """A net that cannot be had; the sentence says which setting, why, and what to do."""


@dataclass(frozen=True)
class Record:
    """What is known of weights beside the weights: whose they are, the names of the classes in the order of the outputs,
    the accuracy somebody measured (percent), the normalisation they were trained with. Empty or None: not recorded."""

    name: str
    classes: tuple[str, ...] = ()
    top1: float | None = None
    constants: Constants | None = None


@dataclass(frozen=True)
class Brought:
    """A net ready for a dataset. `order` are the positions that its outputs had in `record`, class by class of the dataset;
    `strange` says that it tells other classes apart and has a fresh head; `notes` are for the log; `examined` says that it
    comes from elsewhere, so that it may be fed or read wrongly."""

    net: Net
    record: Record
    order: tuple[int, ...]
    strange: bool = False
    notes: tuple[str, ...] = ()
    examined: bool = True


@dataclass(frozen=True)
class Errand:
    """Whom a net is fetched for (`teacher` or `student`), and what fetching needs: the folder of the runs, what a fresh head
    is drawn from, whom to tell, and whether to stop."""

    who: str
    home: Path
    generator: torch.Generator = field(default_factory=torch.Generator)
    tell: Tell = lambda what, done, total, unit: None
    stop: Callable[[], bool] = lambda: False

    def refuse(self, setting: str, sentence: str) -> SourceError:
        """The error of a setting of whom the net is for."""
        return SourceError(f"{self.who}.{setting}: {sentence}")


def downloads() -> Path:
    """Where published weights are kept."""
    return runs.home().parent / "downloads"


def fresh(key: str, pictures: Pictures, generator: torch.Generator | None) -> Net:
    """A net for these pictures with fresh weights and the dataset's normalisation."""
    return nets.build(
        key, classes=len(pictures.class_names), channels=pictures.shape[0], size=pictures.shape[1], mean=pictures.mean,
        std=pictures.std, generator=generator,
    )  # fmt: skip


def bring(settings: Settings, pictures: Pictures, errand: Errand) -> Brought:
    """The net that settings with a source of weights name, fit for the pictures. Raises SourceError, NetError, StudentError
    and DownloadError, each a sentence."""
    match settings.source:
        case "file":
            net, record, notes = of_file(Path(settings.file).expanduser(), settings.net, pictures)
        case "run":
            net, record, notes = _of_run(settings, errand)
        case "download":
            net, record, notes = _of_publisher(settings, pictures, errand)
        case "pretrained":
            net, record, notes = _of_torchvision(settings, pictures, errand)
        case _:
            raise ValueError(f"{settings.source} brings no weights")
    notes += normalised(net, settings.normalisation, record, pictures)
    _check_images(net, settings.net, pictures, errand)
    return _ordered(net, record, settings, pictures, errand, notes)


# From where


def of_file(path: Path, key: str, pictures: Pictures) -> tuple[Net, Record, tuple[str, ...]]:
    """A checkpoint as the net `key`, what is recorded of it, and notes. A student of kdstudio knows its own net; a published
    checkpoint is recognised by its weights."""
    if path.suffix == ".safetensors" and path.is_file() and header.is_student(path):
        return _of_student(path, key)
    net, notes = _plain(path, key, pictures)
    known = published.recognised(key, fingerprint(net))
    if known is not None:
        said = f"{path.name} is {known.name} of {known.source}: its normalisation and classes apply."
        return net.eval(), _record_of(known), (said,)
    return net.eval(), Record(path.name), notes


def _plain(path: Path, key: str, pictures: Pictures) -> tuple[Net, tuple[str, ...]]:
    """The net of a checkpoint with as many classes as it holds, for these images; as yet with the dataset's normalisation."""
    channels, side = pictures.shape[0], pictures.shape[1]
    try:
        classes = classes_in(path, key, channels=channels, size=side)
    except NetError:  # a file of another net, or none: what differs is said when it is read
        classes = len(pictures.class_names)
    return from_file(path, key, classes=classes, channels=channels, size=side, mean=pictures.mean, std=pictures.std)


def _of_student(path: Path, key: str) -> tuple[Net, Record, tuple[str, ...]]:
    net, about = student.load(path), header.describe(path)["about"]
    if key and net.frame.key != key:
        raise SourceError(
            f"{path} holds a {net.frame.key}, not a {key}; set the net to {net.frame.key}, or choose another file"
        )
    top1 = about.get("top1")
    return net, Record(path.name, tuple(about.get("classes", ())), None if top1 is None else float(top1)), ()


def student_of(run: str, home: Path) -> Path:
    """The student file of an earlier run, named or given as a folder. Raises SourceError where there is none."""
    given = Path(run).expanduser()
    folder = given if given.is_dir() else home / run
    path = folder / "student.safetensors"
    if not path.is_file():
        state = RunFolder.open(folder).state() if (folder / "experiment.yaml").is_file() else "not there"
        raise SourceError(f"the run {run!r} has no student.safetensors (the run is {state}); choose a finished run")
    return path


def _of_run(settings: Settings, errand: Errand) -> tuple[Net, Record, tuple[str, ...]]:
    try:
        path = student_of(settings.run, errand.home)
    except SourceError as error:
        raise errand.refuse("run", str(error)) from error
    net, record, notes = _of_student(path, "")
    if net.frame.key != settings.net:
        raise errand.refuse("run", f"it holds a {net.frame.key}, not a {settings.net}; set {errand.who}.net to {net.frame.key}")
    return net, replace(record, name=f"the student of {path.parent.name}"), notes


def _of_publisher(settings: Settings, pictures: Pictures, errand: Errand) -> tuple[Net, Record, tuple[str, ...]]:
    name = pictures.settings.name
    entry = published.chosen(settings.download, settings.net, name)
    if entry is None:
        raise errand.refuse("download", f"no {settings.net} trained on {name} is known to be published")
    if entry.net != settings.net:
        raise errand.refuse("download", f"{entry.name} is a {entry.net}, not a {settings.net}; set {errand.who}.net to it")
    remote = Remote(entry.url, sha256=entry.sha256, bytes=entry.bytes)
    path = fetch(
        remote, downloads() / entry.file, lambda done, total: errand.tell(entry.file, done, total, "bytes"), errand.stop
    )
    net, _ = _plain(path, entry.net, pictures)
    return net.eval(), _record_of(entry), (f"The {errand.who} is {entry.name}: {entry.facts()}.",)


def _record_of(entry: Published) -> Record:
    return Record(entry.name, entry.classes, entry.top1, (entry.mean, entry.std))


def _of_torchvision(settings: Settings, pictures: Pictures, errand: Errand) -> tuple[Net, Record, tuple[str, ...]]:
    from engine import pretrained

    try:
        weights = pretrained.weights(settings.net)
    except pretrained.PretrainedError as error:
        raise errand.refuse("source", str(error)) from error
    path = fetch(
        weights.remote,
        downloads() / weights.file,
        lambda done, total: errand.tell(weights.file, done, total, "bytes"),
        errand.stop,
    )
    net, _ = _plain(path, settings.net, pictures)
    return (
        net.eval(),
        Record(weights.file, weights.classes, None, weights.constants),
        (f"The {errand.who} starts from {weights.name}.",),
    )


def fingerprint(net: Net) -> str:
    """A hash of a net's weights and statistics that does not depend on how its parts are named or ordered, nor on the
    normalisation it carries."""
    kept = [t for name, t in net.state_dict().items() if name not in OWN and t.is_floating_point()]
    each = sorted(hashlib.sha256(repr(tuple(t.shape)).encode() + _bytes(t)).digest() for t in kept)
    return hashlib.sha256(b"".join(each)).hexdigest()


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().float().contiguous().numpy().tobytes()


# Made fit


def normalised(net: Net, choice: str, record: Record, pictures: Pictures) -> tuple[str, ...]:
    """Give the net the chosen normalisation (see `TeacherSettings.normalisation`); gives notes. Raises SourceError."""
    if choice == "auto":
        if record.constants is not None:
            renormalise(net, record.constants)
        return ()
    wanted = (pictures.mean, pictures.std) if choice == "dataset" else constants(choice, net.frame.channels)
    if wanted is None:
        count = len(KNOWN[choice][0])
        raise SourceError(
            f"normalisation: {TITLES[choice]} constants are of {count} channels, and these images have {net.frame.channels}; "
            "choose auto, dataset, half or none"
        )
    renormalise(net, wanted)
    return (f"{record.name} is given {TITLES[choice]} normalisation, as the settings say.",)


def renormalise(net: Net, wanted: Constants) -> None:
    """Replace the normalisation that a net carries. Raises SourceError for another number of channels."""
    mean, std = (tuple(float(v) for v in part) for part in wanted)
    if len(mean) != net.frame.channels:
        raise SourceError(
            f"{net.frame.key} takes {net.frame.channels} channels, and its weights were normalised for {len(mean)}"
        )
    with torch.no_grad():
        net.mean.copy_(torch.tensor(mean).reshape(net.mean.shape))
        net.std.copy_(torch.tensor(std).reshape(net.std.shape))
    net.frame = replace(net.frame, mean=mean, std=std)


def _check_images(net: Net, key: str, pictures: Pictures, errand: Errand) -> None:
    frame = net.frame
    if (frame.channels, frame.size) != pictures.shape[:2]:
        own, these = f"{frame.channels}x{frame.size}x{frame.size}", "x".join(str(n) for n in pictures.shape)
        hint = f"set dataset.size to {frame.size}" if frame.channels == pictures.shape[0] else "choose another one"
        raise SourceError(f"the {errand.who}, a {key}, was trained on {own} images, these are {these}; {hint}")


def _ordered(net: Net, record: Record, settings: Settings, pictures: Pictures, errand: Errand, notes: Sequence[str]) -> Brought:
    """The net with its outputs in the order of the dataset's classes."""
    names, said = pictures.class_names, list(notes)
    if settings.class_order:
        order = tuple(settings.class_order)
        if len(order) != len(names):
            raise errand.refuse("class_order", f"it holds {len(order)} positions, the dataset has {len(names)} classes")
    elif record.classes:
        try:
            order = by_name(record.classes, names)
        except OrderError as error:
            if settings.source == "pretrained":
                return Brought(
                    _new_head(net, len(names), errand.generator), record, tuple(range(len(names))), True, tuple(said)
                )
            raise _others(errand, record, str(error)) from error
        if order != tuple(range(len(record.classes))):
            said.append(f"The classes of {record.name} stand in another order, or are more; they are matched by their names.")
    elif net.frame.classes == len(names):
        order = tuple(range(len(names)))
    else:
        count = f"it tells {net.frame.classes} classes apart, the dataset has {len(names)}"
        raise _others(errand, record, count)
    reordered(net, order)
    return Brought(net, record, order, False, tuple(said))


def _others(errand: Errand, record: Record, what: str) -> SourceError:
    return SourceError(
        f"the {errand.who} cannot be {record.name}: {what}. Choose one that was trained on these classes, or say in "
        f"{errand.who}.class_order which of its outputs stands for each"
    )


def _new_head(net: Net, classes: int, generator: torch.Generator) -> Net:
    """The net with a fresh last layer for other classes."""
    with seeded(generator):
        head: Any = torch.nn.Linear(net.head.in_features, classes)
    net.head.weight, net.head.bias, net.head.out_features = head.weight, head.bias, classes
    net.frame = replace(net.frame, classes=classes)
    return net
