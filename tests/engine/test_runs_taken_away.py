"""Runs taken elsewhere: TensorBoard's event files and CSV, read back by plain readers."""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recorded import Recipe, record
from small_runs import ended, evaluated, make, started, step

from engine.runs import listing, tables, tensorboard
from engine.runs.png import gallery, heat, png


def records(path: Path) -> Iterator[bytes]:
    """The data of every record, its checksums verified."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == tensorboard._masked(data[at : at + 8])
        body = data[at + 12 : at + 12 + size]
        assert struct.unpack_from("<I", data, at + 12 + size)[0] == tensorboard._masked(body)
        yield body
        at += 16 + size


def message(data: bytes) -> dict[int, list[Any]]:
    """The fields of a protocol-buffers message."""
    found: dict[int, list[Any]] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        match key & 7:
            case 0:
                value: Any = varint()
            case 1:
                (value,) = struct.unpack_from("<d", data, at)
                at += 8
            case 2:
                size = varint()
                value = data[at : at + size]
                at += size
            case _:
                (value,) = struct.unpack_from("<f", data, at)
                at += 4
        found.setdefault(key >> 3, []).append(value)
    return found


def values(event: dict[int, list[Any]]) -> dict[str, dict[int, list[Any]]]:
    """Tag -> value message of an event's summary."""
    each = [message(v) for v in message(event[5][0]).get(1, [])] if 5 in event else []
    return {v[1][0].decode(): v for v in each}


def test_the_checksum_is_crc_32c() -> None:
    assert tensorboard.checksum(b"123456789") == 0xE3069283
    assert tensorboard.checksum(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_curves_are_scalars_with_their_steps_and_times(tmp_path: Path) -> None:
    run = make(tmp_path, "one")
    for event in (started(), step(10, 0.5), step(300, 0.25), evaluated(91.5)):
        run.append(event)
    path = tensorboard.write(run, tmp_path / "tb")
    assert path.parent == tmp_path / "tb" / "one" and path.name.startswith("events.out.tfevents.")
    first, experiment, *told = [message(r) for r in records(path)]
    assert first[3] == [b"brain.Event:2"]
    assert b"kd" in message(values(experiment)["experiment"][8][0])[8][0]
    assert [(e[2][0], values(e)["distilling/loss"][2][0]) for e in told[:2]] == [(10, 0.5), (300, 0.25)]
    assert values(told[2])["distilling/student/test/top1"][2] == [91.5]
    assert first[1] == [100.0]


def test_matrices_and_galleries_are_pictures(tmp_path: Path) -> None:
    run, _ = record(tmp_path, Recipe(epochs=5))
    told = [values(message(r)) for r in records(tensorboard.write(run, tmp_path / "tb"))]
    pictures = {tag: message(v[4][0]) for event in told for tag, v in event.items() if 4 in v}
    assert {tag.rpartition("/")[2] for tag in pictures} >= {"soft_labels_student", "samples", "reffakd.reconstructions"}
    for picture in pictures.values():
        encoded = picture[4][0]
        assert encoded.startswith(b"\x89PNG")
        assert struct.unpack_from(">II", encoded, 16) == (picture[2][0], picture[1][0])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_its_pixels(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    data = png(pixels)
    size = struct.unpack_from(">I", data, 33)[0]
    lines = np.frombuffer(zlib.decompress(data[41 : 41 + size]), dtype=np.uint8).reshape(5, 1 + 7 * channels)
    assert np.array_equal(lines[:, 1:].reshape(pixels.shape), pixels)
    assert not lines[:, 0].any()


def test_a_matrix_is_grey_from_its_smallest_to_its_largest_value() -> None:
    pixels = heat(np.array([[0.0, 1.0], [2.0, 4.0]]), side=4)
    assert pixels[::2, ::2, 0].tolist() == [[0, 64], [128, 255]]
    assert heat(np.full((3, 3), 7.0)).max() == 0


def test_images_lie_beside_each_other_and_rows_under_each_other() -> None:
    images = np.stack([np.full((2, 3, 3, 1), n, dtype=np.uint8) for n in range(2)])
    assert gallery(images).shape == (6, 6, 1)
    assert gallery(images)[:, 0, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_curves_as_csv_have_a_line_for_each_point(tmp_path: Path) -> None:
    run = make(tmp_path, "one")
    for event in (started(), step(10, 0.5), evaluated(91.5), ended()):
        run.append(event)
    tables.save_curves(run, tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert lines[0] == {"stage": "distilling", "name": "loss", "step": "10", "epoch": "1", "seconds": "0.0", "value": "0.5"}
    assert [line["name"] for line in lines[1:]] == [f"student/test/{n}" for n in ("top1", "top5", "loss")]


def test_the_table_as_csv_says_what_its_columns_say(tmp_path: Path) -> None:
    make(tmp_path, "one").append(started(title='A "quoted", title'))
    head = [("title", lambda r: r.title), ("methods", lambda r: r.methods), ("best", lambda r: r.top1_best)]
    tables.save_rows(listing(tmp_path), head, tmp_path / "runs.csv")
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["title", "methods", "best"], ['A "quoted", title', "kd", ""]]
