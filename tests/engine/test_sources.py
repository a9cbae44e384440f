"""Nets from files, runs, publishers and torchvision: what they bring with them, and sentences for what does not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from file_server import Served, serving

from engine import data, nets, pretrained, published
from engine.data import Pictures
from engine.downloads import DownloadError, Remote
from engine.experiment import DatasetSettings, NetSettings, TeacherSettings
from engine.export import student
from engine.nets import Net, NetError
from engine.sources import Errand, SourceError, bring, classes_of, downloads, fingerprint

DIGITS = tuple(str(n) for n in range(10))
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def digits() -> Pictures:
    return data.load(DatasetSettings(name="digits", subset=0.2), data.Sides(8), "cpu")


@pytest.fixture
def coloured(digits: Pictures) -> Pictures:
    """The digits in three equal channels: images that the published nets take."""

    def painted(split: Any) -> Any:
        return replace(split, images=split.images.expand(-1, 3, -1, -1))

    return replace(
        digits, train=painted(digits.train), heldout=painted(digits.heldout), test=painted(digits.test),
        mean=digits.mean * 3, std=digits.std * 3, shape=(3, 8, 8),
    )  # fmt: skip


def made(classes: int = 10, key: str = "resnet8", channels: int = 1, size: int = 8, **frame: Any) -> Net:
    chance = torch.Generator().manual_seed(classes)
    constants = {"mean": [0.3] * channels, "std": [0.4] * channels} | frame
    return nets.build(key, classes=classes, channels=channels, size=size, generator=chance, **constants).eval()


def plain(net: Net, path: Path, wrap: Callable[[Any], Any] = lambda state: state) -> Path:
    """A state dict as the public libraries save it: without normalization."""
    torch.save(wrap({k: v for k, v in net.state_dict().items() if k not in ("mean", "std")}), path)
    return path


def errand(home: Path, who: str = "teacher", **more: Any) -> Errand:
    return Errand(who, home, torch.Generator().manual_seed(0), **more)


def file(path: Path, net: str = "resnet8", **more: Any) -> TeacherSettings:
    return TeacherSettings(net=net, source="file", file=str(path), **more)


def said(net: Net, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return net(x)


# Files


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"model": s}, lambda s: {f"module.{k}": v for k, v in s.items()}])
def test_a_plain_file_gets_the_datasets_normalization(wrap: Callable[[Any], Any], digits: Pictures, tmp_path: Path) -> None:
    found = bring(file(plain(made(), tmp_path / "net.pth", wrap)), digits, errand(tmp_path))
    assert found.net.frame.mean == pytest.approx(digits.mean)
    assert torch.allclose(found.net.mean.flatten(), torch.tensor(digits.mean))
    assert found.order == tuple(range(10)) and "carries no normalization" in found.notes[0]


def test_a_student_file_keeps_its_own_normalization(digits: Pictures, tmp_path: Path) -> None:
    student.write(tmp_path / "student.safetensors", made(), {"classes": list(digits.class_names), "top1": 97.5})
    found = bring(file(tmp_path / "student.safetensors"), digits, errand(tmp_path))
    assert found.net.frame.mean == (0.3,) and (found.record.top1, found.record.classes) == (97.5, digits.class_names)


@pytest.mark.parametrize(
    ("choice", "mean", "std"), [("none", 0.0, 1.0), ("half", 0.5, 0.5), ("dataset", None, None), ("auto", 0.3, 0.4)]
)
def test_a_chosen_normalization_replaces_the_nets(
    choice: str, mean: float | None, std: float | None, digits: Pictures, tmp_path: Path
) -> None:
    student.write(tmp_path / "student.safetensors", made(), {"classes": list(digits.class_names)})
    net = bring(file(tmp_path / "student.safetensors", normalization=choice), digits, errand(tmp_path)).net
    wanted = digits.mean + digits.std if mean is None or std is None else (mean, std)
    assert (*net.mean.flatten().tolist(), *net.std.flatten().tolist()) == pytest.approx(wanted)
    assert net.identity()["mean"] == pytest.approx([wanted[0]])


def test_constants_of_three_channels_do_not_fit_grey_images(digits: Pictures, tmp_path: Path) -> None:
    path = plain(made(), tmp_path / "net.pth")
    with pytest.raises(SourceError, match=r"teacher\.normalization: ImageNet's constants are of 3 channels, .* have 1"):
        bring(file(path, normalization="imagenet"), digits, errand(tmp_path))


def test_classes_in_another_order_are_matched_by_name(digits: Pictures, tmp_path: Path) -> None:
    net, order = made(), [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    student.write(tmp_path / "student.safetensors", net, {"classes": [digits.class_names[n] for n in order]})
    x = torch.rand(2, 1, 8, 8)
    found = bring(file(tmp_path / "student.safetensors"), digits, errand(tmp_path))
    assert torch.equal(said(found.net, x), said(net, x)[:, list(found.order)])
    assert [order[position] for position in found.order] == list(range(10))
    assert "matched by their names" in found.notes[-1]


def test_a_teacher_of_more_classes_keeps_the_rows_of_these(digits: Pictures, tmp_path: Path) -> None:
    net = made(classes=12)
    student.write(tmp_path / "student.safetensors", net, {"classes": ["x", *digits.class_names, "y"]})
    x = torch.rand(2, 1, 8, 8)
    found = bring(file(tmp_path / "student.safetensors"), digits, errand(tmp_path))
    assert torch.equal(said(found.net, x), said(net, x)[:, 1:11])


def test_positions_bring_a_plain_file_of_more_classes_into_order(digits: Pictures, tmp_path: Path) -> None:
    net, order = made(classes=12), [11, 3, 5, 0, 1, 2, 4, 6, 7, 8]
    path, x = plain(net, tmp_path / "net.pth"), torch.rand(2, 1, 8, 8)
    found = bring(file(path, class_order=order, normalization="none"), digits, errand(tmp_path))
    unfed = made(classes=12, mean=[0.0], std=[1.0])
    assert torch.equal(said(found.net, x), said(unfed, x)[:, order])


@pytest.mark.parametrize(
    ("classes", "about", "words"),
    [
        (12, None, r"cannot be net\.pth: it tells 12 classes apart, the dataset has 10\. .* teacher\.class_order"),
        (10, list(WORDS), r"it tells 10 classes apart \('zero', 'one', 'two', …\), the dataset has 10, and '0' is none"),
    ],
)
def test_classes_that_differ_are_refused_with_numbers_and_names(
    classes: int, about: list[str] | None, words: str, digits: Pictures, tmp_path: Path
) -> None:
    wanted = digits if about is None else replace(digits, class_names=("0", *(f"{n} th" for n in range(9))))
    path = tmp_path / ("net.pth" if about is None else "student.safetensors")
    if about is None:
        plain(made(classes=classes), path)
    else:
        student.write(path, made(classes=classes), {"classes": about})
    with pytest.raises(SourceError, match=words):
        bring(file(path), wanted, errand(tmp_path))


def test_a_checkpoint_of_another_net_lists_the_first_keys_that_differ(digits: Pictures, tmp_path: Path) -> None:
    path = plain(made(key="resnet14"), tmp_path / "net.pth")
    with pytest.raises(NetError, match=r"does not fit resnet8: the net lacks layer1\.1\."):
        bring(file(path), digits, errand(tmp_path))


def test_a_checkpoint_with_code_in_it_is_not_executed(digits: Pictures, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    torch.save({"model": made().state_dict(), "more": Evil()}, tmp_path / "net.pth")
    with pytest.raises(NetError, match="nothing in a checkpoint is executed"):
        bring(file(tmp_path / "net.pth"), digits, errand(tmp_path))
    assert not (tmp_path / "ran").exists()


def test_images_of_another_size_are_refused_with_both_sizes(digits: Pictures, tmp_path: Path) -> None:
    student.write(tmp_path / "student.safetensors", made(size=16), {"classes": list(digits.class_names)})
    with pytest.raises(SourceError, match=r"was trained on 1x16x16 images, these are 1x8x8; set dataset\.size to 16"):
        bring(file(tmp_path / "student.safetensors"), digits, errand(tmp_path))


# Runs


def test_a_run_without_a_student_is_said_with_its_state(digits: Pictures, tmp_path: Path) -> None:
    settings = TeacherSettings(net="resnet8", source="run", run="nothing")
    with pytest.raises(
        SourceError, match=r"teacher\.run: the run 'nothing' has no student\.safetensors \(the run is not there\)"
    ):
        bring(settings, digits, errand(tmp_path))


def test_images_without_classes_take_the_teachers(digits: Pictures, tmp_path: Path) -> None:
    nameless = replace(digits, class_names=())
    student.write(tmp_path / "student.safetensors", made(classes=3), {"classes": ["a", "b", "c"]})
    settings = file(tmp_path / "student.safetensors")
    assert classes_of(settings, nameless, errand(tmp_path)) == ("a", "b", "c")
    assert classes_of(file(plain(made(classes=3), tmp_path / "n.pth")), nameless, errand(tmp_path)) == ("0", "1", "2")
    with pytest.raises(SourceError, match=r"teacher\.source: train knows no classes"):
        classes_of(TeacherSettings(net="resnet8"), nameless, errand(tmp_path))


# Publishers


@contextmanager
def publishing(net: Net, classes: tuple[str, ...], patch: pytest.MonkeyPatch, folder: Path, **how: Any) -> Iterator[Served]:
    """A publisher of one net for the digits, with constants of its own; what is fetched lies under `folder`."""
    content = plain(net, folder / "published.pt").read_bytes()
    with serving(content=content, **how) as served:
        entry = published.Published(
            "digits-resnet8", "resnet8", "digits", served.url, hashlib.sha256(content).hexdigest()[:8], 98.5,
            mean=(0.1, 0.2, 0.3), std=(0.6, 0.7, 0.8), classes=classes, weights=fingerprint(net),
        )  # fmt: skip
        patch.setattr(published, "TEACHERS", {entry.name: entry})
        patch.setattr("engine.sources.origins.downloads", lambda: folder / "downloads")
        yield served


def test_a_published_teacher_brings_its_constants_classes_and_record(
    coloured: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int, str]] = []
    settings = TeacherSettings(net="resnet8", source="download")
    with publishing(made(channels=3), coloured.class_names[::-1], monkeypatch, tmp_path) as served:
        found = bring(settings, coloured, errand(tmp_path, tell=lambda *what: told.append(what)))
        again = bring(settings, coloured, errand(tmp_path))
    assert len(served.ranges) == 1 and fingerprint(again.net) == fingerprint(found.net)
    assert found.net.frame.mean == (0.1, 0.2, 0.3) and found.order == tuple(range(9, -1, -1))
    assert found.record.top1 == 98.5 and "98.50 % on digits, as published by" in found.notes[0]
    assert told[-1] == ("weights.pt", len(served.content), len(served.content), "bytes")


def test_the_same_weights_in_a_file_saved_anew_are_recognized(
    coloured: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = made(channels=3)
    with publishing(net, coloured.class_names, monkeypatch, tmp_path):
        found = bring(file(plain(net, tmp_path / "mine.pth", lambda s: {"state_dict": s})), coloured, errand(tmp_path))
        other = bring(file(plain(made(channels=3, classes=10, key="resnet14"), tmp_path / "o.pth"), "resnet14"), coloured,
                      errand(tmp_path))  # fmt: skip
    assert found.notes == (
        "mine.pth is digits-resnet8 of chenyaofo/pytorch-cifar-models: its normalization and classes apply.",
    )
    assert found.net.frame.std == (0.6, 0.7, 0.8) and found.record.top1 == 98.5
    assert other.net.frame.std == pytest.approx(coloured.std)


def test_a_download_that_breaks_off_is_a_sentence_and_goes_on_next_time(
    coloured: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TeacherSettings(net="resnet8", source="download")
    with publishing(made(channels=3), coloured.class_names, monkeypatch, tmp_path, cut_after=100_000) as served:
        with pytest.raises(DownloadError, match=r"broke off after .* the next try goes on from it"):
            bring(settings, coloured, errand(tmp_path))
        served.cut_after = 0
        assert bring(settings, coloured, errand(tmp_path)).record.name == "digits-resnet8"
    assert served.ranges == ["", "bytes=100000-"]


def test_downloads_lie_beside_the_runs() -> None:
    assert downloads().name == "downloads" and downloads().parent.name == "kdstudio"


@pytest.mark.parametrize("entry", published.TEACHERS.values(), ids=lambda entry: entry.name)
def test_every_published_teacher_is_complete(entry: published.Published) -> None:
    Remote(entry.url, sha256=entry.sha256)
    assert entry.net in set(nets.keys()) and entry.file.endswith(f"-{entry.sha256[:8]}.pt")
    assert len(entry.classes) == len(set(entry.classes)) == {"cifar10": 10, "cifar100": 100}[entry.dataset]
    assert published.chosen("auto", entry.net, entry.dataset) is entry and list(entry.classes) == sorted(entry.classes)


# torchvision


def test_torchvisions_weights_come_with_address_checksum_and_classes() -> None:
    found = pretrained.weights("torchvision.resnet18")
    assert found.remote.url.startswith("https://download.pytorch.org/models/resnet18-")
    assert found.remote.sha256 == found.file.removesuffix(".pth").rpartition("-")[2]
    assert len(found.classes) == 1000 and found.constants == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize(
    ("key", "said"), [("resnet20", "publishes no weights of resnet20"), ("torchvision.resnet17", "'resnet17'; did")]
)
def test_a_net_that_torchvision_has_no_weights_of_is_said(key: str, said: str) -> None:
    with pytest.raises(pretrained.PretrainedError, match=said):
        pretrained.weights(key)


@contextmanager
def torchvisions(net: Net, classes: tuple[str, ...], patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """torchvision publishing this net, with constants of its own."""
    content = plain(net, folder / "published.pt").read_bytes()
    with serving(content=content) as served:
        remote = Remote(served.url, sha256=hashlib.sha256(content).hexdigest()[:8])
        weights = pretrained.Weights("Made.UP", remote, "made-up.pth", classes, ((0.1, 0.2, 0.3), (0.6, 0.7, 0.8)))
        patch.setattr(pretrained, "weights", lambda key: weights)
        patch.setattr("engine.sources.origins.downloads", lambda: folder / "downloads")
        yield


@pytest.mark.parametrize("who", ["teacher", "student"])
def test_pretrained_weights_of_other_classes_get_a_fresh_head(
    who: str, coloured: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = made(channels=3, classes=5)
    settings = NetSettings(net="resnet8", source="pretrained")
    with torchvisions(net, ("a", "b", "c", "d", "e"), monkeypatch, tmp_path):
        one, same = (bring(settings, coloured, errand(tmp_path, who)) for _ in range(2))
    assert one.strange and one.net.frame.classes == one.net.head.out_features == 10
    assert one.net.frame.mean == (0.1, 0.2, 0.3)
    assert torch.equal(one.net.conv1.weight, net.conv1.weight)  # type: ignore[union-attr,arg-type]
    assert torch.equal(one.net.head.weight, same.net.head.weight)


def test_pretrained_weights_of_the_same_classes_keep_their_head(
    coloured: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, settings = made(channels=3), NetSettings(net="resnet8", source="pretrained")
    with torchvisions(net, coloured.class_names[::-1], monkeypatch, tmp_path):
        found = bring(settings, coloured, errand(tmp_path))
    assert not found.strange and torch.equal(found.net.head.weight, net.head.weight.flip(0))
