"""MNIST and Fashion-MNIST: four files on disk in every layout, or from a server, and what is wrong with them in sentences."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from file_server import Served, serving

from engine import data
from engine.control import Stopped
from engine.data import DataError, Pictures, Sides, fashion_mnist, mnist
from engine.downloads import Remote
from engine.experiment import DatasetSettings

KINDS = {"fashion-mnist": (fashion_mnist, "FashionMNIST"), "mnist": (mnist, "MNIST")}


def contents() -> dict[str, bytes]:
    """A small dataset in the official format, file by file."""
    chance, made = np.random.default_rng(0), {}
    for name, n in {"train-images-idx3-ubyte": 60, "t10k-images-idx3-ubyte": 20}.items():
        made[name] = struct.pack(">IIII", 0x803, n, 28, 28) + chance.integers(0, 256, n * 784, np.uint8).tobytes()
        made[name.replace("images-idx3", "labels-idx1")] = struct.pack(">II", 0x801, n) + bytes(i % 10 for i in range(n))
    return made


def write(folder: Path, pack: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        (folder / f"{name}{'.gz' * pack}").write_bytes(gzip.compress(content) if pack else content)


def load(root: Path, name: str = "fashion-mnist", **settings) -> Pictures:
    return data.load(DatasetSettings(name=name, root=str(root), **settings), Sides(), "cpu")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("inside", [".", "raw", "torchvision's"])
@pytest.mark.parametrize("pack", [True, False])
def test_the_four_files_are_read_in_every_layout(name: str, inside: str, pack: bool, tmp_path: Path) -> None:
    write(tmp_path / inside.replace("torchvision's", f"{KINDS[name][1]}/raw"), pack)
    p = load(tmp_path, name)
    assert (len(p.train), len(p.heldout), len(p.test), p.shape) == (50, 10, 20, (1, 28, 28))
    assert p.class_names == KINDS[name][0].CLASSES


def test_a_folder_without_the_official_files_names_the_first_missing_one_and_where_it_was_looked_for(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"no t10k-labels-idx1-ubyte .*FashionMNIST/raw.*leave the folder empty to download"):
        load(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(DataError, match="train-images-idx3-ubyte holds 47035 bytes where its header says 47040"):
        load(tmp_path)
    path.write_bytes(b"hello")
    with pytest.raises(DataError, match="is no IDX file"):
        load(tmp_path)


DAMAGES = {
    "cut off": lambda content: content[: len(content) // 2],
    "something else": lambda content: b"no gzip at all",
    "overwritten": lambda content: content[:30] + b"x" * 30 + content[60:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_named(damage: str, tmp_path: Path) -> None:
    write(tmp_path, pack=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        load(tmp_path)


def test_images_and_labels_of_different_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes((tmp_path / "t10k-labels-idx1-ubyte").read_bytes())
    with pytest.raises(DataError, match=r"60 images .* 20 labels"):
        load(tmp_path)


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A server in place of the official one, and a download folder of the test's own."""
    packed = {f"{name}.gz": gzip.compress(content) for name, content in contents().items()}
    with serving(files=packed) as served:
        place = served.url.rpartition("/")[0]
        remotes = {
            name.removesuffix(".gz"): Remote(f"{place}/{name}", md5=hashlib.md5(content, usedforsecurity=False).hexdigest())
            for name, content in packed.items()
        }
        monkeypatch.setattr("engine.data.fashion_mnist.REMOTES", remotes)
        monkeypatch.setattr("engine.data.mnist.REMOTES", remotes)
        monkeypatch.setattr("appdirs.user_data_dir", lambda *names, **more: str(tmp_path / "data"))
        yield served


@pytest.mark.parametrize("name", KINDS)
def test_without_a_folder_they_are_downloaded_once_and_the_progress_is_told(name: str, official: Served) -> None:
    told = []
    settings = DatasetSettings(name=name)
    p = data.load(settings, Sides(), "cpu", lambda *how: told.append(how))
    assert len(p.test) == 20
    assert told[-1][0] == "downloading t10k-labels-idx1-ubyte.gz"
    assert told[-1][1] == told[-1][2] > 0
    assert told[-1][3] == "bytes"
    asked = len(official.ranges)
    assert torch.equal(data.load(settings, Sides(), "cpu").test.images, p.test.images)
    assert len(official.ranges) == asked == 4


def test_a_download_that_breaks_off_says_that_it_goes_on_and_does(official: Served) -> None:
    official.cut_after = 1000
    with pytest.raises(DataError, match=r"broke off after 0\.0 of 0\.\d MB .*the next try goes on from it.*dataset\.root"):
        data.load(DatasetSettings(name="mnist"), Sides(), "cpu")
    official.cut_after = 0
    assert len(data.load(DatasetSettings(name="mnist"), Sides(), "cpu").test) == 20
    assert official.ranges[1] == "bytes=1000-"


def test_a_file_with_another_checksum_is_not_kept(official: Served) -> None:
    official.files["train-labels-idx1-ubyte.gz"] = b"something else"
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz is not the file that was published: its md5"):
        data.load(DatasetSettings(name="mnist"), Sides(), "cpu")
    folder = data.courier.home() / "MNIST" / "raw"
    assert sorted(p.name for p in folder.iterdir()) == ["train-images-idx3-ubyte.gz"]


def test_a_server_that_is_not_there_is_named(official: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = dict.fromkeys(idx_names(), Remote("http://127.0.0.1:9/file", md5="0" * 32))
    monkeypatch.setattr("engine.data.mnist.REMOTES", nowhere)
    with pytest.raises(
        DataError, match=r"127\.0\.0\.1 cannot be reached .*check the network.*choose its folder as dataset\.root"
    ):
        data.load(DatasetSettings(name="mnist"), Sides(), "cpu")


def idx_names() -> list[str]:
    return list(contents())


def test_a_stop_ends_a_download(official: Served) -> None:
    with pytest.raises(Stopped):
        data.load(DatasetSettings(name="mnist"), Sides(), "cpu", stop=lambda: True)


def test_the_real_fashion_mnist_has_the_mean_and_std_of_the_sheet(real_data: Path) -> None:
    p = load(real_data / "fashion-mnist", holdout=0)
    assert (len(p.train), len(p.test)) == (60_000, 10_000)
    assert p.mean[0] == pytest.approx(0.28604, abs=5e-6)
    assert p.std[0] == pytest.approx(0.35302, abs=5e-6)
    assert torch.bincount(p.test.labels).tolist() == [1000] * 10


@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "train-images-idx3-ubyte"])
def test_the_checksums_are_those_of_the_real_files(name: str, real_data: Path) -> None:
    remote = fashion_mnist.REMOTES[name]
    path = real_data / "fashion-mnist" / f"{name}.gz"
    assert remote.fits(path)
    assert path.stat().st_size == remote.bytes
