"""Images that stream are the images that would lie in memory, in a run as well: same order, same weights, same resume."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from engine import data, presets, session
from engine.control import Control
from engine.data import DataError, Pictures, Sides
from engine.events import Event, Note, Progressed, RunEnded, RunResumed, Step
from engine.experiment import DatasetSettings
from engine.runs import RunFolder

CLASSES = ("ant", "bee", "cow")


def paint(folder: Path, images: int = 40, side: int = 12) -> Path:
    """Noise whose colour belongs to its class."""
    chance = np.random.default_rng(0)
    for number, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for i in range(images):
            noise = chance.integers(0, 120, (side, side, 3)) + 60 * np.eye(3, dtype=np.int64)[number]
            Image.fromarray(noise.astype(np.uint8)).save(folder / name / f"{i:03}.png")
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("streaming") / "pictures")


def load(root: Path, loading: str, name: str = "folder", **settings) -> Pictures:
    return data.load(DatasetSettings(name=name, root=str(root), loading=loading, **settings), Sides(), "cpu")


@pytest.fixture
def streamed(root: Path) -> Iterator[Pictures]:
    pictures = load(root, "stream", workers=2)
    yield pictures
    pictures.close()


def test_what_streams_is_what_would_lie_in_memory(root: Path, streamed: Pictures) -> None:
    kept = load(root, "memory")
    assert (kept.loading, streamed.loading) == ("memory", "stream")
    for name in ("train", "heldout", "test"):
        here, there = getattr(kept, name), getattr(streamed, name)
        assert (len(here), here.shape, here.device) == (len(there), there.shape, there.device)
        assert torch.equal(here.labels, there.labels)
        index = torch.randperm(len(here))
        assert torch.equal(here.take(index), there.take(index))
    assert (kept.mean, kept.std, kept.class_names) == (streamed.mean, streamed.std, streamed.class_names)


@pytest.mark.parametrize("name", ["folder", "digits"])
@pytest.mark.parametrize("start", [0, 2])
def test_batches_are_the_same_from_any_place_on(name: str, start: int, root: Path) -> None:
    kept, streamed = (load(root if name == "folder" else Path(), loading, name) for loading in ("memory", "stream"))
    sequence = torch.randperm(60)
    pairs = list(zip(kept.train.batches(sequence, 16, start), streamed.train.batches(sequence, 16, start), strict=True))
    assert [len(here[0]) for here, _ in pairs] == [16, 16, 16, 12][start:]
    for here, there in pairs:
        assert torch.equal(here[0], there[0])
        assert torch.equal(here[1], there[1])
    streamed.close()


def test_images_in_memory_stream_at_another_size_without_ever_being_all_of_it() -> None:
    kept, streamed = (load(Path(), loading, "digits", size=20) for loading in ("memory", "stream"))
    index = torch.arange(50)
    assert torch.equal(kept.train.take(index), streamed.train.take(index))
    assert streamed.bytes == 1797 * 400


def test_larger_than_the_budget_streams_by_itself_and_says_the_numbers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.loading.ROOM", 1e-9)
    pictures = load(root, "auto")
    assert pictures.loading == "stream"
    assert pictures.bytes == 120 * 3 * 12 * 12 > pictures.budget
    assert "they take 0.0 GB as 12x12 pixels, and 0.0 GB may be filled (0% of what is free on cpu)" in pictures.notes[-1]
    with pytest.raises(DataError, match=r"dataset\.loading: the images take"):
        load(root, "memory")
    pictures.close()


def test_mean_and_deviation_of_a_stated_sample_are_near_those_of_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.data.loading.SAMPLE", 30)
    kept, one, again = (load(root, loading) for loading in ("memory", "stream", "stream"))
    assert one.mean == again.mean != kept.mean
    assert one.mean == pytest.approx(kept.mean, abs=0.05)
    assert one.notes[-1] == "Mean and deviation of the pixels are those of 30 training images, drawn with seed 0."
    one.close()
    again.close()


def test_the_fingerprint_follows_the_files(root: Path, tmp_path: Path) -> None:
    copy = paint(tmp_path / "copy", images=4)
    before, same = (load(copy, "stream").train.fingerprint() for _ in range(2))
    for path in copy.rglob("*.png"):
        Image.new("RGB", (12, 12)).save(path)
    after = load(copy, "stream").train.fingerprint()
    assert before == same != after


QUICK = {
    "dataset.name": "folder", "dataset.loading": "stream", "dataset.workers": 1, "dataset.flip": True, "dataset.crop": 1,
    "student.net": "resnet8", "teacher.net": "none", "training.epochs": 2, "training.batch_size": 16, "run.threads": 1,
    "run.report_every": 1, "run.probe_images": 16, "run.precision": "float32", "run.compile": "off",
}  # fmt: skip


def resolved(root: Path, **changes) -> presets.Resolved:
    form = QUICK | {"dataset.root": str(root)} | {k.replace("__", "."): v for k, v in changes.items()}
    return presets.resolve("experiments/digits-labels", form=form)


def weights(outcome: session.Outcome) -> dict[str, torch.Tensor]:
    return load_file(outcome.folders[-1] / "student.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def ran(chosen: presets.Resolved, home: Path, control: Control | None = None, **more) -> tuple[session.Outcome, list[Event]]:
    said: list[Event] = []
    return session.run(chosen, said.append, control or Control(), home=home, **more), said


def stopped_at(step: int, chosen: presets.Resolved, home: Path) -> session.Outcome:
    control = Control()

    def sink(event: Event) -> None:
        if isinstance(event, Step) and event.step == step:
            control.stop()

    return session.run(chosen, sink, control, home=home)


def test_a_run_that_streams_trains_the_weights_of_one_in_memory_and_leaves_no_process(root: Path, tmp_path: Path) -> None:
    streams, said = ran(resolved(root), tmp_path / "a")
    assert not multiprocessing.active_children()
    assert any("1 process decodes them" in e.text for e in said if isinstance(e, Note))
    keeps, _ = ran(resolved(root, dataset__loading="memory"), tmp_path / "b")
    assert streams.outcome == keeps.outcome == "done"
    assert same(weights(streams), weights(keeps))


def test_a_run_that_is_stopped_in_mid_epoch_goes_on_exactly(root: Path, tmp_path: Path) -> None:
    straight, _ = ran(resolved(root), tmp_path / "a")
    stopped = stopped_at(3, resolved(root), tmp_path / "b")
    assert stopped.outcome == "stopped"
    assert not multiprocessing.active_children()
    resumed, after = ran(session.resumable(stopped.folders[0]), tmp_path / "b", resume=stopped.folders[0])
    assert isinstance(after[0], RunResumed) and after[0].step == 3
    assert same(weights(straight), weights(resumed))


def test_a_resume_streams_as_the_run_did_whatever_fits_by_then(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.loading.SAMPLE", 30)
    with monkeypatch.context() as little:
        little.setattr("engine.data.loading.ROOM", 1e-9)
        straight, _ = ran(resolved(root, dataset__loading="auto"), tmp_path / "a")
        stopped = stopped_at(3, resolved(root, dataset__loading="auto"), tmp_path / "b")
    resumed, said = ran(session.resumable(stopped.folders[0]), tmp_path / "b", resume=stopped.folders[0])
    assert any("stream to cpu" in e.text for e in said if isinstance(e, Note))
    assert same(weights(straight), weights(resumed))


def test_an_image_that_breaks_in_the_middle_of_a_run_ends_it_with_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = paint(tmp_path / "pictures", images=20)
    monkeypatch.setattr("engine.data.loading.SAMPLE", 4)

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Step) and event.step == 1:
            for path in folder.rglob("01*.png"):
                path.write_bytes(path.read_bytes()[:60])

    said: list[Event] = []
    outcome = session.run(resolved(folder), sink, Control(), home=tmp_path / "runs")
    assert outcome.outcome == "failed"
    assert not multiprocessing.active_children()
    ended = said[-1]
    assert isinstance(ended, RunEnded)
    assert ".png is damaged or cut off" in ended.sentence
    assert RunFolder.open(outcome.folders[0]).state() == "failed"


def test_a_run_streams_from_a_thread_as_the_windows_does(root: Path, tmp_path: Path) -> None:
    found: list[session.Outcome] = []
    thread = threading.Thread(target=lambda: found.append(ran(resolved(root, training__epochs=1), tmp_path)[0]))
    thread.start()
    thread.join(60)
    assert [outcome.outcome for outcome in found] == ["done"]
    assert not multiprocessing.active_children()


def test_decoding_is_told_as_progress_and_a_stop_ends_it(root: Path, tmp_path: Path) -> None:
    _, said = ran(resolved(root, dataset__loading="memory", training__epochs=1), tmp_path)
    progress = [e for e in said if isinstance(e, Progressed)]
    assert {(e.stage, e.unit) for e in progress} == {("data", "files"), ("data", "images")}
    assert all(e.done <= e.total for e in progress)
    control = Control()
    outcome = session.run(
        resolved(root), lambda event: control.stop() if isinstance(event, Progressed) else None, control, home=tmp_path
    )
    assert outcome.outcome == "stopped"


def test_streaming_to_a_gpu_gives_the_same_images(root: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    settings = DatasetSettings(name="folder", root=str(root), loading="stream", holdout=0)
    pictures, kept = data.load(settings, Sides(), "cuda"), load(root, "memory", holdout=0)
    for index, images in pictures.train.batches(torch.randperm(len(kept.train)), 16):
        assert images.device.type == "cuda"
        assert torch.equal(images.cpu(), kept.train.take(index))
    pictures.close()
