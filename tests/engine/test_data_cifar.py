"""CIFAR in every form it lies about in; nothing of its pickles is executed."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from file_server import Served, serving
from PIL import Image

from engine import data
from engine.data import DataError, Pictures, Sides, cifar, cifar10, cifar100
from engine.downloads import Remote
from engine.experiment import DatasetSettings

LAYOUTS = {"cifar10": cifar10.LAYOUT, "cifar100": cifar100.LAYOUT}
EACH = 5


def drawn(layout: cifar.Layout, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 3072) and labels (n,) of a file: every class EACH times."""
    chance = np.random.default_rng(len(file) + len(layout.classes))
    labels = np.arange(len(layout.classes)).repeat(EACH)
    return chance.integers(0, 256, (len(labels), 3072), np.uint8), labels


def binary(layout: cifar.Layout) -> dict[str, bytes]:
    made = {}
    for name in (n for part in layout.binary.files for n in part):
        pixels, labels = drawn(layout, stem(layout, name))
        coarse = [np.zeros((len(labels), 1), np.uint8)] * (layout.labels - 1)
        made[f"{layout.binary.folder}/{name}"] = np.hstack([*coarse, labels[:, None].astype(np.uint8), pixels]).tobytes()
    return made


class Python2(pickle._Pickler):
    """Writes bytes as the official files have them: as the strings of Python 2."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, content: bytes) -> None:
        self.write(b"T" + struct.pack("<I", len(content)) + content)

    dispatch[bytes] = save_bytes


def python2(table: dict) -> bytes:
    made = io.BytesIO()
    Python2(made, 2).dump(table)
    return made.getvalue()


def python(layout: cifar.Layout, write=python2) -> dict[str, bytes]:
    made = {}
    for name in (n for part in layout.python.files for n in part):
        pixels, labels = drawn(layout, stem(layout, name))
        table = {"data": pixels, layout.key: labels.tolist(), "filenames": ["a.png"] * len(labels)}
        made[f"{layout.python.folder}/{name}"] = write(table)
    return made


def stem(layout: cifar.Layout, name: str) -> str:
    return name.removesuffix(".bin")


def packed(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


FORMS = {
    "binary": lambda root, layout: write(root, binary(layout)),
    "binary, its folder itself": lambda root, layout: write(root, {Path(n).name: c for n, c in binary(layout).items()}),
    "python": lambda root, layout: write(root, python(layout)),
    "python, written anew": lambda root, layout: write(root, python(layout, lambda table: pickle.dumps(table, protocol=2))),
    "python, its folder itself": lambda root, layout: write(root, {Path(n).name: c for n, c in python(layout).items()}),
    "binary archive": lambda root, layout: write(root, {layout.binary.archive: packed(binary(layout))}),
    "python archive": lambda root, layout: write(root, {layout.python.archive: packed(python(layout))}),
}


def load(name: str, root: Path | str, **settings) -> Pictures:
    return data.load(DatasetSettings(name=name, root=str(root), holdout=0, **settings), Sides(), "cpu")


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_images_and_labels(name: str, form: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    FORMS[form](tmp_path, layout)
    p = load(name, tmp_path)
    pixels, labels = drawn(layout, stem(layout, layout.binary.files[1][0]))
    assert torch.equal(p.test.images, torch.from_numpy(pixels.reshape(-1, 3, 32, 32)))
    assert p.test.labels.tolist() == labels.tolist()
    assert len(p.train) == len(labels) * len(layout.binary.files[0])
    assert p.class_names == layout.classes


def test_the_classes_are_in_alphabetical_order_so_that_folders_of_images_agree() -> None:
    assert list(cifar100.CLASSES) == sorted(cifar100.CLASSES)
    assert list(cifar10.CLASSES) == sorted(cifar10.CLASSES)
    assert (len(cifar10.CLASSES), len(cifar100.CLASSES)) == (10, 100)


def paint(root: Path, classes: tuple[str, ...]) -> None:
    for part in ("train", "test"):
        for number, name in enumerate(classes):
            (root / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32), (number, 0, 0)).save(root / part / name / "0.png")


def test_a_folder_of_images_a_class_will_do(tmp_path: Path) -> None:
    paint(tmp_path, cifar10.CLASSES)
    p = load("cifar10", tmp_path)
    assert p.test.images[:, 0, 0, 0].tolist() == p.test.labels.tolist() == list(range(10))


def test_a_folder_of_other_classes_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "other", ("cat", "unicorn"))
    with pytest.raises(DataError, match=r"holds other classes than CIFAR-10: 'unicorn' is no class of it.*dataset `folder`"):
        load("cifar10", tmp_path / "other")
    paint(tmp_path / "fewer", ("cat", "dog"))
    with pytest.raises(DataError, match=r"only 2 of its classes are there"):
        load("cifar10", tmp_path / "fewer")


def test_a_folder_with_nothing_of_it_says_what_was_looked_for_and_where(tmp_path: Path) -> None:
    write(tmp_path, {"cifar-100-python/train": b""})
    with pytest.raises(DataError) as caught:
        load("cifar100", tmp_path)
    sentence = str(caught.value)
    assert str(tmp_path) in sentence
    for name in ("cifar-100-binary/ with train.bin, test.bin", "cifar-100-python/ with train, test", "cifar-100-python.tar.gz"):
        assert name in sentence


def ran(text: str) -> None:
    raise AssertionError(f"the pickle was executed: {text}")


class Nasty:
    def __reduce__(self):
        return ran, ("boo",)


@pytest.mark.parametrize("value", [Nasty(), {"data": np.array([Nasty()]), "labels": [0]}, {"data": slice(1)}])
def test_a_pickle_that_names_anything_but_arrays_is_refused_and_not_run(value: object, tmp_path: Path) -> None:
    FORMS["python"](tmp_path, cifar10.LAYOUT)
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(pickle.dumps(value))
    with pytest.raises(DataError, match=r"test_batch is damaged, or not what it should be \(it names .*, which is no part"):
        load("cifar10", tmp_path)


WRONG = {
    "cut off": (lambda content: content[:-100], "is damaged, or not what it should be"),
    "a list": (lambda content: pickle.dumps([1, 2]), "holds no table of arrays"),
    "other labels": (lambda content: content.replace(b"labels", b"lables"), "has no `data` and `labels`"),
    "empty": (lambda content: b"", "is damaged, or not what it should be"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_pickle_of_something_else_is_named(what: str, tmp_path: Path) -> None:
    FORMS["python"](tmp_path, cifar10.LAYOUT)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    change, sentence = WRONG[what]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=f"data_batch_3 {sentence}"):
        load("cifar10", tmp_path)


def test_a_binary_file_of_the_wrong_length_or_label_is_named(tmp_path: Path) -> None:
    FORMS["binary"](tmp_path, cifar10.LAYOUT)
    path = tmp_path / "cifar-10-batches-bin" / "data_batch_2.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"data_batch_2\.bin is \d+ bytes long, which is no multiple of 3073"):
        load("cifar10", tmp_path)
    path.write_bytes(bytes([77]) + whole[1:])
    with pytest.raises(DataError, match=r"holds the label 77; CIFAR-10 has 10 classes"):
        load("cifar10", tmp_path)


def test_an_archive_that_is_cut_off_or_lacks_a_file_is_named(tmp_path: Path) -> None:
    whole = packed(binary(cifar10.LAYOUT))
    path = tmp_path / "cifar-10-binary.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz is cut off or damaged .*fetch it again"):
        load("cifar10", tmp_path)
    path.write_bytes(packed(dict(list(binary(cifar10.LAYOUT).items())[:3])))
    with pytest.raises(DataError, match=r"holds no cifar-10-batches-bin/data_batch_4\.bin"):
        load("cifar10", tmp_path)


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server in place of the official one, and a download folder of the test's own."""
    content = packed(binary(cifar10.LAYOUT))
    with serving(content=content) as served:
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        remote = Remote(f"{served.url.rpartition('/')[0]}/cifar-10-binary.tar.gz", md5=md5)
        monkeypatch.setattr("engine.data.cifar10.LAYOUT", replace(cifar10.LAYOUT, remote=remote))
        monkeypatch.setattr("appdirs.user_data_dir", lambda *names, **more: str(tmp_path / "data"))
        yield served


def test_a_download_that_breaks_off_goes_on_and_leaves_only_what_is_read(official: Served) -> None:
    official.cut_after = 50_000
    with pytest.raises(DataError, match=r"broke off .*dataset\.root"):
        load("cifar10", "")
    official.cut_after = 0
    told = []
    p = data.load(DatasetSettings(name="cifar10", holdout=0), Sides(), "cpu", lambda *how: told.append(how))
    assert official.ranges[1] == "bytes=50000-"
    assert (len(p.train), len(p.test)) == (250, 50)
    assert {how[0] for how in told} == {"downloading cifar-10-binary.tar.gz", "unpacking cifar-10-binary.tar.gz"}
    assert [f.name for f in data.courier.home().iterdir()] == ["cifar-10-batches-bin"]
    assert torch.equal(load("cifar10", "").test.images, p.test.images)
    assert len(official.ranges) == 2


def test_unpacking_that_was_killed_half_way_is_done_again(official: Served) -> None:
    load("cifar10", "")
    (data.courier.home() / "cifar-10-batches-bin" / "test_batch.bin").unlink()
    assert len(load("cifar10", "").test) == 50


def test_the_real_cifar_100_has_the_mean_and_std_of_the_sheet(real_data: Path) -> None:
    folder = real_data / "cifar100"
    if not folder.is_dir():
        pytest.skip("CIFAR-100 is not unpacked as a folder cifar100 in the folder of real data")
    p = load("cifar100", folder)
    assert p.mean == pytest.approx((0.5071, 0.4865, 0.4409), abs=5e-5)
    assert p.std == pytest.approx((0.2673, 0.2564, 0.2762), abs=5e-5)
