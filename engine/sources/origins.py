"""Nets from a file, an earlier run, a publisher and torchvision, as they were saved there, with what is recorded of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import torch

from engine import branching, lineage, published, runs
from engine.checkpoint import CheckpointError
from engine.data import Pictures
from engine.downloads import Remote, fetch
from engine.experiment import NetSettings
from engine.export import header, student
from engine.nets.net import Net, NetError
from engine.nets.weights import OWN, classes_in, from_file
from engine.published import Published
from engine.runs import RunFolder
from engine.sources.record import Errand, Record, Settings, SourceError

Found = tuple[Net, Record, tuple[str, ...]]
"""A net, what is recorded of it, and notes for the log."""


def downloads() -> Path:
    """Where published weights are kept."""
    return runs.home().parent / "downloads"


def of_file(path: Path, key: str, pictures: Pictures) -> Found:
    """A checkpoint as the net `key`, what is recorded of it, and notes. A student of kdstudio knows its own net; a published
    checkpoint is recognized by its weights."""
    if path.suffix == ".safetensors" and path.is_file() and header.is_student(path):
        return _of_student(path, key)
    net, notes = _plain(path, key, pictures)
    known = published.recognized(key, fingerprint(net))
    if known is not None:
        said = f"{path.name} is {known.name} of {known.source}: its normalization and classes apply."
        return net.eval(), _record_of(known), (said,)
    return net.eval(), Record(path.name), notes


def _plain(path: Path, key: str, pictures: Pictures) -> tuple[Net, tuple[str, ...]]:
    """The net of a checkpoint with as many classes as it holds, for these images; as yet with the dataset's normalization."""
    channels, side = pictures.shape[0], pictures.shape[1]
    try:
        classes = classes_in(path, key, channels=channels, size=side)
    except NetError:  # a file of another net, or none: what differs is said when it is read
        classes = max(1, len(pictures.class_names))
    return from_file(path, key, classes=classes, channels=channels, size=side, mean=pictures.mean, std=pictures.std)


def _of_student(path: Path, key: str) -> Found:
    net, about = student.load(path), header.describe(path)["about"]
    if key and net.frame.key != key:
        raise SourceError(
            f"{path} holds a {net.frame.key}, not a {key}; set the net to {net.frame.key}, or choose another file"
        )
    top1 = about.get("top1")
    return net, Record(path.name, tuple(about.get("classes", ())), None if top1 is None else float(top1)), ()


def student_of(run: str, home: Path) -> Path:
    """The student file of an earlier run, named or given as a folder. Raises SourceError where there is none."""
    folder = lineage.folder_of(run, home)
    path = folder / "student.safetensors"
    if not path.is_file():
        state = RunFolder.open(folder).state() if (folder / "experiment.yaml").is_file() else "not there"
        raise SourceError(f"the run {run!r} has no student.safetensors (the run is {state}); choose a finished run")
    return path


def of_run(settings: Settings, errand: Errand) -> Found:
    """The student of an earlier run, finished or as a checkpoint has it. Raises SourceError where there is none, or one of
    another net."""
    if isinstance(settings, NetSettings) and settings.checkpoint != "student":
        return _of_checkpoint(settings, errand)
    try:
        path = student_of(settings.run, errand.home)
    except SourceError as error:
        raise errand.refuse("run", str(error)) from error
    net, record, notes = _of_student(path, "")
    _check_net(net, settings, errand)
    return net, replace(record, name=f"the student of {path.parent.name}"), notes


def _of_checkpoint(settings: NetSettings, errand: Errand) -> Found:
    folder = lineage.folder_of(settings.run, errand.home)
    try:
        left = branching.left(folder, settings.checkpoint)
    except (branching.BranchError, CheckpointError) as error:
        raise errand.refuse("run", str(error)) from error
    _check_net(left.net, settings, errand)
    said = f"It branches from {folder.name} after epoch {left.epoch} ({settings.checkpoint} checkpoint)."
    return left.net, Record(f"the student of {folder.name} after epoch {left.epoch}", left.classes), (said,)


def _check_net(net: Net, settings: Settings, errand: Errand) -> None:
    if net.frame.key != settings.net:
        raise errand.refuse("run", f"it holds a {net.frame.key}, not a {settings.net}; set {errand.who}.net to {net.frame.key}")


def of_publisher(settings: Settings, pictures: Pictures, errand: Errand) -> Found:
    """Published weights, fetched unless they are there. Raises SourceError, DownloadError, NetError."""
    name = pictures.settings.name
    entry = published.chosen(settings.download, settings.net, name)
    if entry is None:
        raise errand.refuse("download", f"no {settings.net} trained on {name} is known to be published")
    if entry.net != settings.net:
        raise errand.refuse("download", f"{entry.name} is a {entry.net}, not a {settings.net}; set {errand.who}.net to it")
    path = _fetched(Remote(entry.url, sha256=entry.sha256, bytes=entry.bytes), entry.file, errand)
    net, _ = _plain(path, entry.net, pictures)
    return net.eval(), _record_of(entry), (f"The {errand.who} is {entry.name}: {entry.facts()}.",)


def _record_of(entry: Published) -> Record:
    return Record(entry.name, entry.classes, entry.top1, (entry.mean, entry.std))


def of_torchvision(settings: Settings, pictures: Pictures, errand: Errand) -> Found:
    """torchvision's weights of one of its nets. Raises SourceError, DownloadError, NetError."""
    from engine import pretrained

    try:
        weights = pretrained.weights(settings.net)
    except pretrained.PretrainedError as error:
        raise errand.refuse("source", str(error)) from error
    net, _ = _plain(_fetched(weights.remote, weights.file, errand), settings.net, pictures)
    said = f"The {errand.who} starts from {weights.name}."
    return net.eval(), Record(weights.file, weights.classes, None, weights.constants), (said,)


def _fetched(remote: Remote, name: str, errand: Errand) -> Path:
    return fetch(remote, downloads() / name, lambda done, total: errand.tell(name, done, total, "bytes"), errand.stop)


def fingerprint(net: Net) -> str:
    """A hash of a net's weights and statistics that does not depend on how its parts are named or ordered, nor on the
    normalization it carries."""
    kept = [t for name, t in net.state_dict().items() if name not in OWN and t.is_floating_point()]
    each = sorted(hashlib.sha256(repr(tuple(t.shape)).encode() + _bytes(t)).digest() for t in kept)
    return hashlib.sha256(b"".join(each)).hexdigest()


def _bytes(tensor: torch.Tensor) -> bytes:
    return tensor.detach().cpu().float().contiguous().numpy().tobytes()
