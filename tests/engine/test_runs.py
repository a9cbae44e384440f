"""Run folders: what is appended comes back, whatever killed the writer, and only one writes at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_runs import ended, evaluated, make, started, step

from engine import presets
from engine.events import Event, Measured, Note, RunEnded, RunResumed, RunStarted, Step, Watched
from engine.runs import LockedError, RunError, RunFolder, home


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make(tmp_path / "runs", "a-run")


def test_events_come_back_as_they_were_said(run: RunFolder) -> None:
    said: list[Event] = [started(), step(10, float("nan")), Note(text="naïve ✓\nlines"), ended(top1_last=97.0)]
    for event in said:
        run.append(event)
    back = RunFolder.open(run.path).events()
    assert repr(back) == repr(said)  # by their words, for a loss that is not a number equals nothing


def test_a_run_stores_its_experiment_with_the_origin_of_every_value(run: RunFolder) -> None:
    stored = RunFolder.open(run.path).experiment()
    assert stored.experiment.methods == {"kd": {"temperature": 4.0, "weight": 2.0}}
    assert stored.origins == {"methods": "a test", "methods.kd.weight": "a test"}


def test_a_stored_experiment_opens_although_its_method_is_gone(run: RunFolder) -> None:
    path = run.path / "experiment.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  kd:", "  gone:"), encoding="utf-8")
    assert list(run.experiment().experiment.methods) == ["gone"]


def test_a_damaged_stored_experiment_is_refused_with_its_line(run: RunFolder) -> None:
    path = run.path / "experiment.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  epochs: 30\n", "  epochs: many\n"), encoding="utf-8")
    with pytest.raises(presets.PresetError, match=r"experiment\.yaml:\d+:11: teacher\.epochs: Input should be a valid integer"):
        run.experiment()


def test_a_name_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert [make(tmp_path, "x").path.name for _ in range(3)] == ["x", "x-2", "x-3"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not the folder of a run"):
        RunFolder.open(tmp_path)


def test_a_torn_last_line_is_not_read_and_not_continued(run: RunFolder) -> None:
    for event in (started(), step(10)):
        run.append(event)
    with (run.path / "events.jsonl").open("ab") as file:
        file.write('{"event": "Note", "text": "caf\u00e9'.encode()[:-1])
    again = RunFolder.open(run.path)
    assert [type(e) for e in again.events()] == [RunStarted, Step]
    assert again.length() == 2
    again.append(step(20))
    assert [e.step for e in again.events() if isinstance(e, Step)] == [10, 20]
    assert again.length() == 3


def test_a_damaged_line_in_the_middle_is_not_passed_over(run: RunFolder) -> None:
    (run.path / "events.jsonl").write_bytes(b"not an event\n")
    with pytest.raises(ValueError, match="Expecting value"):
        run.events()


def test_a_resume_takes_back_what_was_said_after_its_checkpoint(run: RunFolder) -> None:
    for event in (started(), step(10)):
        run.append(event)
    kept = run.length()
    for event in (step(20), ended("stopped"), RunResumed(stage="distilling", step=10, epoch=1, kept=kept), step(20, 2.0)):
        run.append(event)
    later = run.length()
    for event in (step(30), RunResumed(stage="distilling", step=20, epoch=1, kept=later), step(30, 3.0)):
        run.append(event)
    steps = [(e.step, e.values["loss"]) for e in run.events() if isinstance(e, Step)]
    assert steps == [(10, 1.0), (20, 2.0), (30, 3.0)]
    assert not any(isinstance(e, RunEnded) for e in run.events())


def test_the_state_follows_the_log_and_the_lock(run: RunFolder) -> None:
    assert (run.state(), run.has_begun()) == ("interrupted", False)
    with run.lock():
        run.append(started())
        assert (run.state(), run.has_begun()) == ("running", True)
    assert run.state() == "interrupted"
    run.append(ended("stopped"))
    assert run.state() == "stopped"
    run.append(RunResumed(stage="distilling", step=1, epoch=1, kept=1))
    assert run.state() == "interrupted"
    run.append(ended("failed"))
    run.append(Note(text="exported"))
    assert run.state() == "failed"


def test_the_results_are_those_of_the_last_attempt(run: RunFolder) -> None:
    assert run.results() == {}
    run.append(ended(top1_last=97.5))
    assert run.results() == {"top1_last": 97.5}


def test_the_end_is_found_behind_a_long_log(run: RunFolder) -> None:
    for number in range(3000):
        run.append(step(number))
    run.append(ended())
    assert run.state() == "done"


def test_a_run_is_written_by_one_at_a_time(run: RunFolder) -> None:
    with run.lock(), pytest.raises(LockedError, match="is being written by another process"):
        run.lock().__enter__()
    with run.lock():
        assert run.state() == "running"


def test_the_lock_dies_with_its_process(run: RunFolder) -> None:
    code = (
        "import sys, pathlib, time\n"
        "from engine.runs import RunFolder\n"
        "with RunFolder.open(pathlib.Path(sys.argv[1])).lock():\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(600)\n"
    )
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True, cwd=root)
    with child:
        assert child.stdout is not None and child.stdout.readline() == "locked\n"
        assert run.state() == "running"
        child.kill()
    assert run.state() == "interrupted"
    with run.lock():
        assert run.state() == "running"


ARRAYS = st.tuples(st.sampled_from(["float32", "uint8"]), st.lists(st.integers(0, 4), min_size=1, max_size=4))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(kinds=st.lists(ARRAYS, min_size=1, max_size=4))
def test_any_arrays_come_back_from_their_records(
    kinds: list[tuple[str, list[int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = make(tmp_path_factory.mktemp("arrays"), "x")
    made = [np.arange(np.prod(shape)).reshape(shape).astype(dtype) for dtype, shape in kinds]
    for array, watched in [(a, recorded(run, "cka/f1", a)) for a in made]:
        back = run.array(watched)
        assert back.dtype == array.dtype
        assert np.array_equal(back, array)


def recorded(run: RunFolder, watch: str, array: np.ndarray) -> Watched:
    file, offset, shape, dtype = run.record(watch, array)
    return Watched(watch=watch, kind="matrix", stage="s", step=1, epoch=1, file=file, offset=offset, shape=shape, dtype=dtype)


def test_arrays_are_kept_as_float32_or_bytes_in_a_file_of_their_watch(run: RunFolder) -> None:
    one = recorded(run, "reffakd.soft labels", np.array([[0.5, 1.5]]))
    two = recorded(run, "reffakd.soft labels", np.array([True, False]))
    assert (one.file, one.offset, one.dtype) == ("reffakd.soft%20labels.bin", 0, "float32")
    assert (two.file, two.offset, two.dtype) == (one.file, 8, "uint8")
    assert run.array(one).tolist() == [[0.5, 1.5]]


def test_a_missing_or_shortened_array_file_is_named(run: RunFolder) -> None:
    watched = recorded(run, "m", np.zeros((3, 3)))
    path = run.path / "arrays" / watched.file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunError, match=r"m\.bin ends before the record of m at step 1"):
        run.array(watched)
    path.unlink()
    with pytest.raises(RunError, match=r"m\.bin is missing"):
        run.array(watched)


def test_columns_hold_every_curve_and_are_made_anew_when_stale_or_torn(run: RunFolder) -> None:
    run.append(step(10, 2.0))
    run.append(Measured(stage="distilling", step=10, epoch=1, values={"agreement": 0.5}))
    run.append(evaluated(90.0))
    first = run.columns()
    assert set(first) == {
        f"distilling/{n}" for n in ("loss", "agreement", *(f"student/test/{m}" for m in ("top1", "top5", "loss")))
    }
    cache = run.path / "columns" / "curves.npz"
    assert cache.is_file()
    run.append(step(20, float("inf")))
    loss = run.columns()["distilling/loss"]
    assert (loss.stage, loss.steps.tolist(), loss.values.tolist()) == ("distilling", [10, 20], [2.0, float("inf")])
    assert run.columns()["distilling/loss"].steps.tolist() == [10, 20]
    cache.write_bytes(cache.read_bytes()[:50])
    assert run.columns()["distilling/loss"].steps.tolist() == [10, 20]
    cache.unlink()
    assert set(run.columns()) == set(first)


def test_columns_are_read_from_the_cache_when_it_is_fresh(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.append(step(10))
    before = run.columns()
    monkeypatch.setattr("engine.runs.log.from_line", lambda line: pytest.fail("the log was read again"))
    assert run.columns().keys() == before.keys()


def test_a_copied_folder_opens_elsewhere(run: RunFolder, tmp_path: Path) -> None:
    watched = recorded(run, "m", np.ones(4))
    run.append(started())
    run.append(watched)
    moved = RunFolder.open(run.path.rename(tmp_path / "elsewhere"))
    assert moved.array(next(e for e in moved.events() if isinstance(e, Watched))).tolist() == [1, 1, 1, 1]


def test_the_log_for_people_has_the_time(run: RunFolder) -> None:
    run.log("first\n")
    run.log("second")
    lines = (run.path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert [line[20:] for line in lines] == ["first", "second"]
    assert lines[0][4] == lines[0][7] == "-"


def test_runs_lie_in_the_users_data_folder() -> None:
    assert home().parts[-2:] == ("kdstudio", "runs")
