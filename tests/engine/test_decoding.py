"""Processes that decode: the same pixels as here, in order, whatever is asked at once, and gone when nobody needs them."""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from engine.decoding import crew as crews
from engine.decoding.crew import Crew
from engine.decoding.images import DataError, decode


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A hundred noisy images, every third a JPEG."""
    folder, chance, made = tmp_path_factory.mktemp("noise"), np.random.default_rng(0), []
    for i in range(100):
        path = folder / f"{i:03}.{'jpg' if i % 3 == 0 else 'png'}"
        Image.fromarray(chance.integers(0, 256, (20 + i % 5, 24, 3), np.uint8)).save(path)
        made.append(str(path))
    return made


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew(2, 3, 16)
    yield made
    made.close()


def space(count: int) -> np.ndarray:
    return np.empty((count, 3, 16, 16), np.uint8)


def here(paths: list[str]) -> np.ndarray:
    into = space(len(paths))
    decode(paths, into)
    return into


def cut(files: list[str], size: int) -> list[list[str]]:
    return [files[i : i + size] for i in range(0, len(files), size)]


@pytest.mark.parametrize("size", [1, 7, 16, 40, 100])
def test_batches_of_any_size_come_in_order_with_the_pixels_that_would_be_decoded_here(
    size: int, files: list[str], crew: Crew
) -> None:
    batches = cut(files, size)
    found = list(crew.batches(batches, space))
    assert len(found) == len(batches)
    for paths, pixels in zip(batches, found):
        assert np.array_equal(pixels, here(paths))


def test_spawned_processes_do_the_same_where_there_is_no_fork(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "START", "spawn")
    crew = Crew(1, 3, 16)
    assert np.array_equal(next(crew.batches([files[:40]], space)), here(files[:40]))
    crew.close()
    assert not multiprocessing.active_children()


def test_several_readings_may_be_under_way_at_once_even_with_little_memory(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "SLOTS", 2)
    crew = Crew(1, 3, 16)
    try:
        outer = crew.batches(cut(files, 40), space)
        assert np.array_equal(next(outer), here(files[:40]))
        for _ in range(3):
            assert np.array_equal(next(crew.batches([files[50:90]], space)), here(files[50:90]))
        abandoned = crew.batches(cut(files, 20), space)
        next(abandoned)
        abandoned.close()
        assert np.array_equal(next(outer), here(files[40:80]))
        assert np.array_equal(next(outer), here(files[80:]))
    finally:
        crew.close()


def test_it_does_not_read_on_without_end(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crews, "SLOTS", 3)
    crew, asked = Crew(1, 3, 16), []

    def endless() -> Iterator[list[str]]:
        while True:
            asked.append(1)
            yield files[:8]

    try:
        reading = crew.batches(endless(), space)
        for _ in range(20):
            next(reading)
        assert len(asked) < 20 + 3 * crews.PIECE / 8 + 3
    finally:
        crew.close()


def test_a_damaged_file_is_named_when_its_batch_is_reached(files: list[str], crew: Crew, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(Path(files[0]).read_bytes()[:300])
    reading = crew.batches([files[:20], [*files[20:39], str(bad)], files[40:]], space)
    assert np.array_equal(next(reading), here(files[:20]))
    with pytest.raises(DataError, match=r"bad\.jpg is damaged or cut off"):
        next(reading)
    assert np.array_equal(next(crew.batches([files[:3]], space)), here(files[:3]))


def test_a_file_that_is_gone_is_named(files: list[str], crew: Crew) -> None:
    with pytest.raises(DataError, match=r"gone\.png is no longer there"):
        next(crew.batches([["/nowhere/gone.png"]], space))


def test_a_process_that_dies_ends_the_reading_with_a_sentence(files: list[str], crew: Crew) -> None:
    reading = crew.batches(cut(files * 50, 20), space)
    next(reading)
    for process in multiprocessing.active_children():
        process.kill()
    with pytest.raises(DataError, match=r"ended by itself, perhaps for want of memory; set fewer dataset\.workers"):
        list(reading)
    assert np.array_equal(next(crew.batches([files[:3]], space)), here(files[:3]))


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_its_processes_are_gone_when_it_is_closed_or_forgotten(how: str, files: list[str]) -> None:
    crew = Crew(2, 3, 16)
    reading = crew.batches(cut(files * 50, 20), space)
    next(reading)
    pids = [p.pid for p in multiprocessing.active_children()]
    assert len(pids) == 2
    if how == "closed":
        crew.close()
    else:
        del crew, reading
        gc.collect()
    assert not any(alive(pid) for pid in pids)


def alive(pid: int | None) -> bool:
    return psutil.pid_exists(pid or 0) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


SCRIPT = """
import os, signal, sys
import numpy as np
from engine.decoding.crew import Crew

if __name__ == "__main__":
    import multiprocessing
    crew = Crew(2, 3, 16)
    reading = crew.batches([sys.argv[1:]] * 100000, lambda n: np.empty((n, 3, 16, 16), np.uint8))
    next(reading)
    print(*(p.pid for p in multiprocessing.active_children()), "torch" in sys.modules, flush=True)
    if os.environ["ENDING"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit(3)
"""


@pytest.mark.parametrize("ending", ["killed", "left"])
def test_its_processes_end_with_the_run_however_it_ends(ending: str, files: list[str], tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "ENDING": ending, "PYTHONPATH": str(Path(crews.__file__).parents[2])}
    done = subprocess.run([sys.executable, str(script), *files[:20]], env=env, capture_output=True, text=True, timeout=60)
    *pids, torch = done.stdout.split()
    assert len(pids) == 2
    assert torch == "False"
    deadline = time.monotonic() + 5
    while any(alive(int(pid)) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(alive(int(pid)) for pid in pids)
