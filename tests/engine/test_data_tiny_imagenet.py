"""Tiny ImageNet as it is published, as people sort it, and out of its archive."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from file_server import Served, serving
from PIL import Image

from engine import data
from engine.data import DataError, Pictures, Sides
from engine.downloads import Remote
from engine.experiment import DatasetSettings

IDS = ("n01443537", "n01629819", "n02012849", "n03126707")
WORDS = "n00001740\tentity\nn01443537\tgoldfish, Carassius auratus\nn01629819\tEuropean fire salamander\n" + (
    "n02012849\tcrane\nn03126707\tcrane\n"
)


def jpeg(level: int, mode: str = "RGB") -> bytes:
    made = io.BytesIO()
    Image.new(mode, (64, 64), level if mode == "L" else (level, 0, 0)).save(made, "jpeg", quality=100)
    return made.getvalue()


def files() -> dict[str, bytes]:
    made = {f"train/{name}/images/{name}_{i}.JPEG": jpeg(10 * n + 5) for n, name in enumerate(IDS) for i in range(3)}
    made[f"train/{IDS[1]}/images/{IDS[1]}_0.JPEG"] = jpeg(99, "L")
    made |= {f"train/{name}/{name}_boxes.txt": b"" for name in IDS}
    table = ""
    for i in range(8):
        made[f"val/images/val_{i}.JPEG"] = jpeg(200 + i)
        table += f"val_{i}.JPEG\t{IDS[3 - i % 4]}\t0\t32\t44\t62\n"
    made["val/val_annotations.txt"] = table.encode()
    made["test/images/test_0.JPEG"] = jpeg(0)
    made["words.txt"] = WORDS.encode()
    made["wnids.txt"] = "\n".join(reversed(IDS)).encode()
    return made


def write(root: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def load(root: Path | str, **how) -> Pictures:
    return data.load(DatasetSettings(name="tiny-imagenet", root=str(root), holdout=0), Sides(), "cpu", **how)


@pytest.mark.parametrize("inside", ["", "tiny-imagenet-200"])
def test_it_is_read_as_published_with_words_for_classes(inside: str, tmp_path: Path) -> None:
    write(tmp_path / inside, files())
    p = load(tmp_path)
    assert p.class_names == ("goldfish", "European fire salamander", "crane (n02012849)", "crane (n03126707)")
    assert (len(p.train), len(p.test), p.shape) == (12, 8, (3, 64, 64))
    assert p.test.labels.tolist() == [3, 2, 1, 0] * 2
    assert [abs(int(v) - 200 - i) <= 2 for i, v in enumerate(p.test.images[:, 0, 9, 9])] == [True] * 8


def test_a_few_grey_images_are_read_as_colour(tmp_path: Path) -> None:
    p = load(write(tmp_path, files()))
    assert p.train.images[3, :, 9, 9].tolist() == [99, 99, 99]


def test_validation_images_sorted_into_class_folders_will_do(tmp_path: Path) -> None:
    found = {name: content for name, content in files().items() if not name.startswith("val")}
    found |= {f"val/{name}/images/{name}.JPEG": jpeg(7) for name in IDS}
    assert load(write(tmp_path, found)).test.labels.tolist() == [0, 1, 2, 3]


WRONG = {
    "nothing": ({}, r"holds no train/ and val/ of Tiny ImageNet, nor does .*tiny-imagenet-200; choose the unpacked folder"),
    "packed": ({"tiny-imagenet-200.zip": b""}, r"unpack .*tiny-imagenet-200\.zip; choose"),
    "no labels": (None, r"has neither val_annotations\.txt nor a folder of images for each class"),
    "a class too many": ({"val/val_annotations.txt": b"val_0.JPEG\tn777\t0"}, r"line 1: 'n777' is none of the 4 classes"),
    "an image too few": ({"val/val_annotations.txt": b"val_9.JPEG\tn01443537"}, r"val/images/val_9\.JPEG is missing, though"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_the_folder_is_said(what: str, tmp_path: Path) -> None:
    change, sentence = WRONG[what]
    if change is None:
        write(tmp_path, {k: v for k, v in files().items() if not k.startswith("val/val_")})
    elif "val/val_annotations.txt" in change:
        write(tmp_path, files() | change)
    else:
        write(tmp_path, change)
    with pytest.raises(DataError, match=sentence):
        load(tmp_path)


def packed(top: str = "tiny-imagenet-200") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files().items():
            archive.writestr(f"{top}/{name}", content)
    return made.getvalue()


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server in place of the official one, and a download folder of the test's own."""
    with serving(content=packed()) as served:
        publish(served, monkeypatch)
        monkeypatch.setattr("appdirs.user_data_dir", lambda *names, **more: str(tmp_path / "data"))
        yield served


def publish(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    md5 = hashlib.md5(served.content, usedforsecurity=False).hexdigest()
    monkeypatch.setattr("engine.data.tiny_imagenet.REMOTE", Remote(served.url, md5=md5))


def test_without_a_folder_it_is_downloaded_and_unpacked_once(official: Served) -> None:
    told = []
    assert len(load("", tell=lambda *how: told.append(how)).test) == 8
    assert [f.name for f in data.courier.home().iterdir()] == ["tiny-imagenet-200"]
    assert ("unpacking tiny-imagenet-200.zip", 28, 28, "files") in told
    assert len(load("").test) == 8
    assert len(official.ranges) == 1


def test_a_download_that_breaks_off_goes_on(official: Served) -> None:
    official.cut_after = 3000
    with pytest.raises(DataError, match="broke off"):
        load("")
    official.cut_after = 0
    assert len(load("").test) == 8
    assert official.ranges[1] == "bytes=3000-"


@pytest.mark.parametrize("content", [packed("elsewhere"), packed()[:3000]])
def test_an_archive_of_something_else_is_named(content: bytes, official: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    official.content = content
    publish(official, monkeypatch)
    with pytest.raises(DataError, match=r"tiny-imagenet-200\.zip (holds no folder tiny-imagenet-200|is cut off or damaged)"):
        load("")
    assert not (data.courier.home() / "tiny-imagenet-200").exists()


def test_unpacking_without_room_is_refused_before_it_begins(official: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    load_usage = type("Usage", (), {"free": 10_000, "total": 1, "used": 1})
    monkeypatch.setattr("engine.data.archives.shutil.disk_usage", lambda path: load_usage)
    monkeypatch.setattr("engine.downloads._check_room", lambda part, need: None)
    with pytest.raises(DataError, match=r"unpacks to 0\.0 GB and 0\.0 GB are free in .*; make room there"):
        load("")
