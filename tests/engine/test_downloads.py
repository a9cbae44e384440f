"""A file from the network: whole and checked, or a sentence; cut in the middle it goes on."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest
from file_server import Served, serving

from engine.control import Stopped
from engine.downloads import DownloadError, Remote, fetch


def remote(served: Served) -> Remote:
    return Remote(served.url, sha256=hashlib.sha256(served.content).hexdigest())


def part(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".part")


def test_a_file_arrives_whole_and_its_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with serving() as served:
        path = fetch(remote(served), tmp_path / "downloads" / "weights.pt", tell=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == served.content
    assert told[0] == (0, len(served.content)) and told[-1] == (len(served.content), len(served.content))
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    with serving() as served:
        fetch(remote(served), tmp_path / "weights.pt")
        fetch(remote(served), tmp_path / "weights.pt")
    assert len(served.ranges) == 1


def test_another_file_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"an older version")
    with serving() as served:
        assert fetch(remote(served), path).read_bytes() == served.content


def test_a_download_that_breaks_off_keeps_its_part_and_goes_on_from_it(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with serving(cut_after=300_000) as served:
        with pytest.raises(DownloadError, match=r"broke off after 0\.3 of 1\.0 MB .*the next try goes on from it"):
            fetch(remote(served), path)
        assert part(path).stat().st_size == 300_000 and not path.exists()
        served.cut_after = 0
        fetch(remote(served), path)
    assert served.ranges == ["", "bytes=300000-"]
    assert path.read_bytes() == served.content


def test_a_server_that_ignores_ranges_is_asked_for_everything(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    part(path).write_bytes(b"\0" * 1000)
    with serving(ranged=False) as served:
        assert fetch(remote(served), path).read_bytes() == served.content


def test_a_part_that_is_already_whole_needs_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with serving() as served:
        part(path).write_bytes(served.content)
        assert fetch(remote(served), path).read_bytes() == served.content
    assert served.ranges == [f"bytes={len(served.content)}-"]


def test_a_part_of_another_version_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    part(path).write_bytes(b"\xff" * 1000)
    with serving() as served:
        assert fetch(remote(served), path).read_bytes() == served.content
    assert served.ranges == ["bytes=1000-", ""]


def test_a_wrong_checksum_is_a_sentence_and_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with (
        serving() as served,
        pytest.raises(DownloadError, match=r"is not the file that was published: its sha256 is .*, published is 0{64}"),
    ):
        fetch(Remote(served.url, sha256="0" * 64), path)
    assert list(tmp_path.glob("weights.pt*")) == []


def test_the_beginning_of_a_checksum_is_compared_where_no_more_is_published(tmp_path: Path) -> None:
    with serving() as served:
        short = Remote(served.url, sha256=hashlib.sha256(served.content).hexdigest()[:8])
        assert fetch(short, tmp_path / "weights.pt").is_file()
        with pytest.raises(DownloadError, match="published is 00000000"):
            fetch(Remote(served.url, sha256="0" * 8), tmp_path / "weights.pt")


def test_md5_serves_where_it_is_what_was_published(tmp_path: Path) -> None:
    with serving() as served:
        digest = hashlib.md5(served.content, usedforsecurity=False).hexdigest()
        assert fetch(Remote(served.url, md5=digest), tmp_path / "weights.pt").is_file()


def test_a_missing_file_is_a_sentence_with_the_place_for_it(tmp_path: Path) -> None:
    with (
        serving(status=404) as served,
        pytest.raises(DownloadError, match=r"answers 404 Not Found.*put the file at .*weights\.pt$"),
    ):
        fetch(remote(served), tmp_path / "weights.pt")


def test_without_a_network_the_sentence_says_what_to_fetch_and_where_to_put_it(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/weights.pt"
        with pytest.raises(
            DownloadError, match=r"127\.0\.0\.1 cannot be reached .*check the network.*put it at .*weights\.pt$"
        ):
            fetch(Remote(url, sha256="0" * 64), tmp_path / "weights.pt")


def test_a_stop_keeps_the_part(tmp_path: Path) -> None:
    path, told = tmp_path / "weights.pt", list[int]()
    with serving() as served, pytest.raises(Stopped):
        fetch(remote(served), path, tell=lambda done, total: told.append(done), stop=lambda: told[-1] > 100_000)
    assert part(path).stat().st_size == told[-1] > 100_000


def test_a_file_larger_than_the_disk_is_refused_before_it_fills_it(tmp_path: Path) -> None:
    with serving() as served, pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.downloads.shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
        with pytest.raises(DownloadError, match=r"weights\.pt needs 0\.0 GB and 0\.0 GB are free"):
            fetch(remote(served), tmp_path / "weights.pt")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "downloads").write_text("a file")
    with serving() as served, pytest.raises(DownloadError, match="cannot be written into"):
        fetch(remote(served), tmp_path / "downloads" / "weights.pt")


@pytest.mark.parametrize(
    "made", [{"url": "http://x/y"}, {"url": "http://x/y", "sha256": "abc"}, {"url": "file:///x", "sha256": "0" * 64}]
)
def test_nothing_is_fetched_without_a_checksum_or_from_elsewhere(made: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"checksum|http address"):
        Remote(**made)
