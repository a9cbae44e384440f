"""Rules on where teacher and student come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine import lineage, published
from engine.experiment import BROUGHT, NetSettings, TeacherSettings
from engine.export import header
from engine.normalization import KNOWN, TITLES, constants
from engine.presets import Problem
from engine.rules.case import Case

IMAGENET = 1000
TORCHVISION = "torchvision."


def _brought(case: Case, *sources: str) -> Iterator[tuple[str, NetSettings | TeacherSettings]]:
    """`teacher` and `student` with their settings, as far as they come from one of these sources."""
    student, teacher = case.experiment.student, case.experiment.teacher
    if student.source in sources:
        yield "student", student
    if case.has_teacher and teacher.source in sources:
        yield "teacher", teacher


def _files(case: Case) -> Iterator[Problem]:
    for who, settings in _brought(case, "file"):
        path = Path(settings.file).expanduser()
        if not settings.file:
            yield Problem(f"{who}.file", "choose the checkpoint: a .safetensors, or a .pth, .pt or .th state dict")
        elif not path.is_file():
            yield Problem(f"{who}.file", f"there is no file {settings.file!r}")
        elif path.suffix == ".safetensors" and header.is_student(path):
            yield from _other_net(f"{who}.file", who, path, settings.net)


def _runs(case: Case) -> Iterator[Problem]:
    for who, settings in _brought(case, "run"):
        place = f"{who}.run"
        if not settings.run:
            what = "whose student becomes the teacher" if who == "teacher" else "whose student this one starts from"
            yield Problem(place, f"name the run, or give the folder, {what}")
            continue
        given = Path(settings.run).expanduser()
        if case.home is None and len(given.parts) == 1 and not given.is_dir():
            continue
        yield from _run(place, who, settings, lineage.folder_of(settings.run, case.home or Path()), case.home or Path())


def _run(place: str, who: str, settings: NetSettings | TeacherSettings, folder: Path, home: Path) -> Iterator[Problem]:
    which = settings.checkpoint if isinstance(settings, NetSettings) else "student"
    path = folder / lineage.FILES[which]
    if not folder.is_dir():
        yield Problem(place, f"there is no run {settings.run!r}; name one of your runs, or give its folder")
    elif circle := lineage.circle(folder, home):
        yield Problem(place, f"the runs stand on each other in a circle ({' -> '.join(circle)}); choose another one")
    elif not path.is_file():
        other = "a finished run" if which == "student" else "another of its checkpoints, or another run"
        yield Problem(place, f"{settings.run!r} has no {path.name}; choose {other}")
    elif which == "student":
        try:
            yield from _other_net(place, who, path, settings.net)
        except header.StudentError as error:
            yield Problem(place, f"its student cannot be used: {error}")


def _other_net(place: str, who: str, path: Path, key: str) -> Iterator[Problem]:
    """Whether the student file holds another net than the one that is named. Raises StudentError for an unreadable one."""
    held = header.describe(path)["net"]["key"]
    if held != key:
        yield Problem(place, f"it holds a {held}, not a {key}; set {who}.net to {held}, or choose another one")


def _downloads(case: Case) -> Iterator[Problem]:
    dataset = case.experiment.dataset.name
    card = case.catalogue.datasets[dataset]
    for who, settings in _brought(case, "download"):
        entry = published.chosen(settings.download, settings.net, dataset)
        if entry is None:
            there = published.of_net(settings.net) or tuple(published.TEACHERS.values())
            what = f"no {settings.net} trained on {dataset} is known to be published"
            other = "set the source to train, or to a file" if who == "teacher" else "set the source to scratch, or to a file"
            yield Problem(f"{who}.download", f"{what}; choose one of {published.listed(there)}, or {other}")
        elif entry.net != settings.net:
            yield Problem(
                f"{who}.download", f"{entry.name} is a {entry.net}, not a {settings.net}; set {who}.net to {entry.net}"
            )
        elif card.classes > len(entry.classes):
            sentence = f"{entry.name} tells {len(entry.classes)} classes apart, {card.title} has {card.classes}"
            yield Problem(f"{who}.download", f"{sentence}; choose a teacher of the same classes")
        elif card.channels == 1:
            yield Problem(
                f"{who}.download", f"{entry.name} takes colour images, those of {card.title} are grey; choose another"
            )


def _pretrained(case: Case) -> Iterator[Problem]:
    card = case.catalogue.datasets[case.experiment.dataset.name]
    for who, settings in _brought(case, "pretrained"):
        if not settings.net.startswith(TORCHVISION):
            sentence = f"pretrained weights are torchvision's, and {settings.net} is none of its nets"
            yield Problem(f"{who}.source", f"{sentence}; choose a net whose name begins with {TORCHVISION}, or another source")
        elif card.channels == 1:
            yield Problem(f"{who}.source", f"torchvision's weights take colour images, those of {card.title} are grey")
    yield from _head(case)


def _head(case: Case) -> Iterator[Problem]:
    """A teacher of other classes without a head of its own for these can only show its features."""
    teacher, dataset = case.experiment.teacher, case.experiment.dataset
    if not case.has_teacher or teacher.source != "pretrained" or case.catalogue.datasets[dataset.name].classes == IMAGENET:
        return
    wanting = [key for key, card in case.methods.items() if card.needs.compares_logits]
    taking = [key for key, card in case.methods.items() if card.needs.classifier]
    if teacher.head == "none" and taking:
        sentence = f"{case.titles(taking)} takes the teacher's classifier, and without a head it has none for these classes"
        yield Problem("teacher.head", f"{sentence}; set it to train")
    elif teacher.head == "none" and wanting:
        sentence = f"{case.titles(wanting)} learns from logits, and without a head the teacher has none for these classes"
        yield Problem("teacher.head", f"{sentence}; set it to train, or take methods that look at features alone")
    elif teacher.head == "train" and not dataset.labels:
        sentence = "a head for these classes cannot be trained without labels; set it to none and take methods on features"
        yield Problem("teacher.head", sentence)


def _order(case: Case) -> Iterator[Problem]:
    classes = case.catalogue.datasets[case.experiment.dataset.name].classes
    for who, settings in _brought(case, *BROUGHT):
        order = settings.class_order
        twice = next((p for n, p in enumerate(order) if p in order[:n]), None)
        if order and classes and len(order) != classes:
            yield Problem(f"{who}.class_order", f"it holds {len(order)} positions for {classes} classes; name one for each")
        elif twice is not None:
            yield Problem(f"{who}.class_order", f"position {twice} stands for two classes; each output can stand for one")


def _channels(case: Case) -> Iterator[Problem]:
    channels = case.catalogue.datasets[case.experiment.dataset.name].channels
    for who, settings in _brought(case, *BROUGHT):
        choice = settings.normalization
        if choice in KNOWN and channels and constants(choice, channels) is None:
            sentence = f"{TITLES[choice]} constants are of {len(KNOWN[choice][0])} channels, the images have {channels}"
            yield Problem(f"{who}.normalization", f"{sentence}; choose auto, dataset, half or none")


RULES = (_files, _runs, _downloads, _pretrained, _order, _channels)
