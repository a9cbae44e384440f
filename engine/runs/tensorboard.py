"""A run as TensorBoard reads it: curves, matrices, galleries and the experiment in one event file.

The format is small enough to be written by hand: a record is its length, a checksum of that, the data, and a checksum of
those (CRC-32C, masked); the data is an `Event` message of `tensorflow/core/util/event.proto` with a `Summary` inside.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.events import Evaluated, Event, Measured, Note, RunStarted, Step, Watched
from engine.runs.folder import RunFolder
from engine.runs.png import gallery, heat, png
from engine.whole import write_whole

STRING = 7
"""TensorBoard's number for tensors of texts (DT_STRING)."""


def write(run: RunFolder, out: Path) -> Path:
    """Write a run into a folder of its own under `out`, so that several of them are runs to TensorBoard; gives the file.
    Raises OSError where it cannot be written, RunError where an array of the run is damaged."""
    events = run.events()
    began = next((e.at for e in events if isinstance(e, RunStarted)), 0.0)
    experiment = (run.path / "experiment.yaml").read_text(encoding="utf-8")
    records = [
        _event(began, 0, _key(3, 2) + _sized(b"brain.Event:2")),
        _event(began, 0, _summary([_text("experiment", f"```yaml\n{experiment}\n```")])),
        *_told(run, events),
    ]
    path = out / run.path.name / f"events.out.tfevents.{round(began)}.{run.path.name}"
    write_whole(path, b"".join(_record(r) for r in records))
    return path


def _told(run: RunFolder, events: list[Event]) -> Iterator[bytes]:
    """The records of what a run said, in its order."""
    for event in events:
        if isinstance(event, (Step, Measured, Evaluated)):
            values = [_scalar(name, value) for name, value in _numbers(event).items()]
            yield _event(event.at, event.step, _summary(values))
        elif isinstance(event, Watched) and event.kind in ("matrix", "images"):
            picture = (heat if event.kind == "matrix" else gallery)(run.array(event))
            yield _event(event.at, event.step, _summary([_image(f"{event.stage}/{event.watch}", picture)]))
        elif isinstance(event, Note) and event.severity != "info":
            yield _event(event.at, 0, _summary([_text("warnings", event.text)]))


def _numbers(event: Step | Measured | Evaluated) -> Mapping[str, float]:
    if isinstance(event, Evaluated):
        return {f"{event.stage}/{event.who}/{event.split}/{name}": getattr(event, name) for name in ("top1", "top5", "loss")}
    return {f"{event.stage}/{name}": value for name, value in event.values.items()}


# Messages: a key is a field's number and how its value is written (0 varint, 1 eight bytes, 2 counted bytes, 5 four bytes)


def _event(at: float, step: int, content: bytes) -> bytes:
    return _key(1, 1) + struct.pack("<d", at) + _key(2, 0) + _varint(step) + content


def _summary(values: list[bytes]) -> bytes:
    return _key(5, 2) + _sized(b"".join(_key(1, 2) + _sized(value) for value in values))


def _scalar(tag: str, value: float) -> bytes:
    return _tag(tag) + _key(2, 5) + struct.pack("<f", value)


def _image(tag: str, pixels: npt.NDArray[np.uint8]) -> bytes:
    height, width, channels = pixels.shape
    about = b"".join(_key(n, 0) + _varint(value) for n, value in ((1, height), (2, width), (3, channels)))
    return _tag(tag) + _key(4, 2) + _sized(about + _key(4, 2) + _sized(png(pixels)))


def _text(tag: str, text: str) -> bytes:
    plugin = _key(1, 2) + _sized(_key(1, 2) + _sized(b"text"))
    tensor = _key(1, 0) + _varint(STRING) + _key(2, 2) + _sized(b"") + _key(8, 2) + _sized(text.encode("utf-8"))
    return _tag(tag) + _key(9, 2) + _sized(plugin) + _key(8, 2) + _sized(tensor)


def _tag(tag: str) -> bytes:
    return _key(1, 2) + _sized(tag.encode("utf-8"))


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


# Records


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked(length)) + data + struct.pack("<I", _masked(data))


def _masked(data: bytes) -> int:
    crc = checksum(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def checksum(data: bytes) -> int:
    """CRC-32C (Castagnoli) of some bytes: 0xE3069283 of `123456789`."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ 0x82F63B78 * (value & 1)
        return value

    return tuple(entry(n) for n in range(256))
