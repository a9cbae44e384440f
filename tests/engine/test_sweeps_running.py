"""Sweeps that really run, as small as runs can be: stopped, killed, edited, refused, and gone on with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine import session, sweeps
from engine.cli import cli
from engine.control import Control
from engine.events import (
    EntryEnded,
    Event,
    Note,
    Refused,
    RunResumed,
    RunStarted,
    Step,
    SweepEnded,
    SweepProgressed,
    SweepStarted,
    from_line,
)
from engine.runs import RunFolder
from engine.runs.lock import locked
from engine.sweeps import Progress, SweepError, running

TEXT = """\
title: Two rates
extends: [experiments/digits-labels]
dataset: {subset: 0.1}
training: {epochs: 1, batch_size: 32}
run: {repeats: 2, threads: 1, precision: float32, probe_images: 16, share_every: 0, report_every: 1}
vary: [{training.learning_rate: [0.05, 0.2]}]
"""
ENTRIES = TEXT[: TEXT.index("vary")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, TEXT)


def write(folder: Path, text: str) -> Path:
    path = folder / "rates.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def swept(
    file: Path, home: Path, *, stop_at: Callable[[Event], bool] = lambda event: False, keep_going: bool = False
) -> tuple[str, list[Event]]:
    """Run a sweep, and what it said; a lever is pulled at the first event of a kind."""
    said: list[Event] = []
    control = Control()

    def sink(event: Event) -> None:
        said.append(event)
        if stop_at(event):
            control.stop()

    sweep = sweeps.read(file)
    return running.run(sweep, sweeps.entries(sweep), sink, control, home=home, keep_going=keep_going), said


def kinds(said: list[Event], kind: type[Event]) -> list[Event]:
    return [event for event in said if isinstance(event, kind)]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Event]]:
    """A sweep that ran in one go: its file, the folder of the runs, what it said."""
    folder = tmp_path_factory.mktemp("whole")
    outcome, said = swept(write(folder, TEXT), folder / "runs")
    assert outcome == "done"
    return folder / "rates.yaml", folder / "runs", said


def test_a_sweep_says_how_many_runs_there_are_and_how_long_the_rest_takes(done: tuple[Path, Path, list[Event]]) -> None:
    said = done[2]
    began = said[0]
    assert isinstance(began, SweepStarted) and (began.runs, began.done) == (4, 0)
    assert began.entries == ("learning rate 0.05", "learning rate 0.2") and began.baseline == "learning rate 0.05"
    steps = [e for e in said if isinstance(e, SweepProgressed)]
    assert [(e.done, e.number) for e in steps] == [(0, 1), (1, 1), (2, 2), (3, 2)]
    assert steps[0].seconds_left is None and all(e.seconds_left is not None and e.seconds_left > 0 for e in steps[1:])
    assert isinstance(said[-1], SweepEnded) and said[-1].sentence == "Every run is done."


def test_every_entry_runs_on_the_same_seeds_in_a_group_of_its_own(done: tuple[Path, Path, list[Event]]) -> None:
    began = [e for e in done[2] if isinstance(e, RunStarted)]
    assert [(e.seed, e.repeat, e.repeats) for e in began] == [(0, 0, 2), (1, 1, 2)] * 2
    assert began[0].group == began[1].group != began[2].group == began[3].group
    assert began[2].title == "learning rate 0.2 · Two rates"


def test_an_entry_ends_with_mean_and_deviation(done: tuple[Path, Path, list[Event]]) -> None:
    first = next(e for e in done[2] if isinstance(e, EntryEnded))
    results = [RunFolder.open(done[1] / name).results() for name in first.runs]
    assert len(results) == 2
    assert first.means["top1_last"] == pytest.approx((results[0]["top1_last"] + results[1]["top1_last"]) / 2)
    assert first.deviations["top1_last"] == pytest.approx(abs(results[0]["top1_last"] - results[1]["top1_last"]) / 2**0.5)


def test_the_report_lies_beside_what_the_sweep_knows(done: tuple[Path, Path, list[Event]]) -> None:
    folder = done[1] / "sweeps" / "rates"
    found = {p.name for p in folder.iterdir()}
    pictures = {"top1-last.png", "top1-last-over-training-learning-rate.png"}
    assert found == {"sweep.json", "lock", "report.md", "table.csv", "runs.csv"} | pictures
    assert (folder / "top1-last.png").read_bytes().startswith(b"\x89PNG")
    assert len((folder / "runs.csv").read_text().splitlines()) == 5


def test_a_sweep_that_is_done_runs_nothing(done: tuple[Path, Path, list[Event]]) -> None:
    outcome, said = swept(done[0], done[1])
    assert outcome == "done" and kinds(said, RunStarted) == []
    assert isinstance(said[0], SweepStarted) and said[0].done == 4


def test_a_stopped_sweep_goes_on_where_it_stood_and_new_seeds_join_their_entries(
    done: tuple[Path, Path, list[Event]], tmp_path: Path
) -> None:
    home = shutil.copytree(done[1], tmp_path / "runs")
    file = write(tmp_path, TEXT.replace("repeats: 2", "repeats: 3"))
    outcome, said = swept(file, home, stop_at=lambda event: isinstance(event, Step))
    assert outcome == "stopped" and [e.seed for e in said if isinstance(e, RunStarted)] == [2]
    assert isinstance(said[-1], SweepEnded) and said[-1].sentence == "2 of 6 runs are left; the same command goes on with them."
    assert "report.md" in said[-1].files, "what is done is reported"
    outcome, again = swept(file, home)
    began = [e for e in again if isinstance(e, RunStarted)]
    assert outcome == "done" and len(kinds(again, RunResumed)) == 1
    assert [(e.seed, e.repeat, e.title) for e in began] == [(2, 2, "learning rate 0.2 · Two rates")]
    earlier = next(e for e in reversed(done[2]) if isinstance(e, RunStarted))
    assert began[0].group == earlier.group, "a new seed joins the runs of its entry"


def test_a_killed_sweep_goes_on_where_it_stood(done: tuple[Path, Path, list[Event]], tmp_path: Path) -> None:
    """Slow (5 s): only a process of its own can be killed."""
    home = shutil.copytree(done[1], tmp_path / "runs")
    file = write(tmp_path, TEXT.replace("repeats: 2", "repeats: 3"))
    command = [sys.executable, "-c", "from engine.cli import cli; cli()", "sweep", str(file), "--runs", str(home), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if isinstance(from_line(line), Step):
                process.kill()
                break
    outcome, said = swept(file, home)
    assert outcome == "done" and isinstance(said[0], SweepStarted) and said[0].done == 4
    assert len(kinds(said, RunResumed)) == 1 and len(kinds(said, RunStarted)) == 1


def test_an_edited_entry_is_said_to_be_and_alone_runs_anew(done: tuple[Path, Path, list[Event]], tmp_path: Path) -> None:
    shutil.copytree(done[1], tmp_path / "runs")
    text = ENTRIES + "entries: [{title: learning rate 0.05}, {title: learning rate 0.2, training: {learning_rate: 0.3}}]\n"
    _, said = swept(write(tmp_path, text), tmp_path / "runs")
    notes = [e.text for e in said if isinstance(e, Note) and "other settings" in e.text]
    assert notes == ["'learning rate 0.2' was run with other settings (training.learning_rate 0.2 -> 0.3); it is run anew"]
    assert [e.title for e in said if isinstance(e, RunStarted)] == ["learning rate 0.2 · Two rates"] * 2
    kept = json.loads((tmp_path / "runs" / "sweeps" / "rates" / "sweep.json").read_text())["entries"]
    assert len(kept) == 3, "runs of an entry that the file no longer has are not forgotten"


def test_a_run_whose_folder_is_gone_is_run_again(done: tuple[Path, Path, list[Event]], tmp_path: Path) -> None:
    shutil.copytree(done[1], tmp_path / "runs")
    gone = next(e for e in done[2] if isinstance(e, RunStarted))
    shutil.rmtree(tmp_path / "runs" / gone.run)
    outcome, said = swept(done[0], tmp_path / "runs")
    assert outcome == "done" and [(e.title, e.seed) for e in said if isinstance(e, RunStarted)] == [(gone.title, gone.seed)]


def test_a_refused_entry_is_named_before_anything_starts(tmp_path: Path) -> None:
    text = (
        ENTRIES + "entries: [{title: plain}, {title: lost, extends: [methods/kd]}, {title: missing, extends: [methods/at]}]\n"
    )
    path, home = write(tmp_path, text.replace("repeats: 2", "repeats: 1")), tmp_path / "runs"
    said: list[Event] = []
    sweep = sweeps.read(path)
    with pytest.raises(session.RefusedError, match=r"teacher\.net: .*\(lost\); teacher\.net: .*\(missing\)"):
        running.run(sweep, sweeps.entries(sweep), said.append, Control(), home=home)
    assert [type(e) for e in said] == [Refused] and not list(home.glob("2*"))
    outcome, said = swept(path, home, keep_going=True)
    assert outcome == "failed"
    assert [(e.entry, e.outcome) for e in said if isinstance(e, EntryEnded)] == [
        ("plain", "done"), ("lost", "refused"), ("missing", "refused"),
    ]  # fmt: skip
    assert isinstance(said[-1], SweepEnded) and "lost, missing did not run to the end" in said[-1].sentence


def test_what_is_wrong_with_every_entry_is_said_once(file: Path, tmp_path: Path) -> None:
    write(tmp_path, TEXT.replace("subset: 0.1", "name: folder"))
    with pytest.raises(session.RefusedError) as caught:
        swept(file, tmp_path / "runs")
    assert [p.sentence.rpartition(" (")[2] for p in caught.value.problems if p.path == "dataset.root"] == ["every entry)"]


def test_a_failed_run_ends_a_sweep_unless_it_keeps_going(tmp_path: Path) -> None:
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    broken = f"{{title: broken, student: {{source: {{file: {tmp_path / 'broken.pth'}}}}}}}"
    tried = f"entries: [{broken}, {{title: on, starts_from: broken}}, {{title: plain}}]\n"
    path = write(tmp_path, ENTRIES.replace("repeats: 2", "repeats: 1") + tried)
    outcome, said = swept(path, tmp_path / "runs")
    ended = [e for e in said if isinstance(e, EntryEnded)]
    assert outcome == "failed" and [(e.entry, e.outcome) for e in ended] == [("broken", "failed")]
    assert "seed 0: " in ended[0].sentence and "broken.pth" in ended[0].sentence
    outcome, said = swept(path, tmp_path / "runs", keep_going=True)
    assert outcome == "failed" and [e.outcome for e in said if isinstance(e, EntryEnded)] == ["failed", "refused", "done"]


def test_a_defect_is_raised_when_the_others_are_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect of one method must not cost the night of all the others, and must not be swallowed either."""
    path = write(tmp_path, TEXT.replace("repeats: 2", "repeats: 1"))
    real, calls = session.run, list[str]()

    def faulty(resolved: session.Resolved, *words: object, **more: object) -> session.Outcome:
        calls.append(resolved.experiment.title)
        if len(calls) == 1:
            raise ZeroDivisionError("a defect")
        return real(resolved, *words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(session, "run", faulty)
    with pytest.raises(ExceptionGroup) as caught:
        swept(path, tmp_path / "runs", keep_going=True)
    assert [str(e) for e in caught.value.exceptions] == ["a defect"] and len(calls) == 2
    assert (tmp_path / "runs" / "sweeps" / "rates" / "report.md").is_file()


def test_an_entry_starts_from_the_student_of_the_same_seed(tmp_path: Path) -> None:
    text = ENTRIES + "entries: [{title: first}, {title: on, starts_from: first}]\n"
    outcome, said = swept(write(tmp_path, text), tmp_path / "runs")
    assert outcome == "done"
    runs = {(e.title.partition(" ")[0], e.seed): e for e in said if isinstance(e, RunStarted)}
    for seed in (0, 1):
        experiment = RunFolder.open(Path(runs["on", seed].folder)).experiment().experiment
        assert experiment.student.run == runs["first", seed].run
    assert "start from those of 'first'" in (tmp_path / "runs" / "sweeps" / "rates" / "report.md").read_text()


def test_a_sweep_runs_once_at_a_time(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "sweeps" / "rates"
    folder.mkdir(parents=True)
    with locked(folder / "lock"), pytest.raises(session.RefusedError, match="is being run by another process"):
        swept(file, tmp_path / "runs")


def test_a_damaged_memory_is_told_with_its_file(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "sweeps" / "rates"
    folder.mkdir(parents=True)
    for text in ("{", "[]", '{"version": 1, "entries": [{"key": "a"}]}'):
        (folder / "sweep.json").write_text(text)
        with pytest.raises(SweepError, match=r"sweep\.json is damaged .* move it away"):
            swept(file, tmp_path / "runs")
    (folder / "sweep.json").write_text('{"version": 99, "entries": []}')
    with pytest.raises(SweepError, match="newer kdstudio"):
        swept(file, tmp_path / "runs")


@pytest.mark.parametrize("name", ["..", "../elsewhere", "/etc", ""])
def test_a_run_named_in_the_memory_cannot_lie_elsewhere(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "sweeps" / "rates"
    folder.mkdir(parents=True)
    (folder / "sweep.json").write_text(json.dumps({"version": 1, "entries": [{"key": "a", "title": "x", "runs": {"0": name}}]}))
    with pytest.raises(SweepError, match="is no name of a run"):
        Progress(tmp_path, "rates")


def test_two_experiments_of_one_title_started_within_a_second_are_two_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.time, "strftime", lambda form: "20250304-101112")
    names = []
    for _ in range(3):
        names.append(session._name("One title", tmp_path))
        (tmp_path / f"{names[-1]}-s0").mkdir()
    assert names == [f"20250304-101112-one-title{end}" for end in ("", "-2", "-3")]


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, ["sweep", *words])


def test_the_terminal_says_the_entries_without_running_them(file: Path, tmp_path: Path) -> None:
    found = call(str(file), "--entries", "--set", "run.repeats=3", "--runs", str(tmp_path / "runs"))
    assert found.output.splitlines() == [
        "Two rates: 2 entries, 6 runs", "  learning rate 0.05 (baseline)", "  learning rate 0.2",
    ]  # fmt: skip
    assert not (tmp_path / "runs").exists()


def test_the_terminal_makes_the_report_anew(done: tuple[Path, Path, list[Event]], tmp_path: Path) -> None:
    shutil.copytree(done[1], tmp_path / "runs")
    folder = tmp_path / "runs" / "sweeps" / "rates"
    for path in folder.glob("[!s]*"):
        path.unlink()
    (folder / "stale.png").write_bytes(b"")
    found = call(str(done[0]), "--report", "--runs", str(tmp_path / "runs"))
    assert found.exit_code == 0 and "learning rate 0.05 (baseline)" in found.output
    assert (folder / "report.md").is_file() and not (folder / "stale.png").exists()
    other = call(str(done[0]), "--report", "--set", "training.epochs=2", "--runs", str(tmp_path / "runs"))
    assert other.exit_code == 2 and "no run of" in other.output


def test_the_terminal_refuses_with_a_sentence(file: Path, tmp_path: Path) -> None:
    assert call("sweeps/nothing").exit_code == 2
    found = call(str(file), "--set", "student.net=resnet9", "--runs", str(tmp_path / "runs"))
    assert found.exit_code == 2 and "there is no net 'resnet9'" in found.output
    (tmp_path / "runs" / "sweeps" / "rates").mkdir(parents=True)
    (tmp_path / "runs" / "sweeps" / "rates" / "sweep.json").write_text("{")
    found = call(str(file), "--runs", str(tmp_path / "runs"))
    assert found.exit_code == 2 and "is damaged" in found.output


def test_the_terminal_ends_a_sweep_with_its_table_and_an_exit_code(file: Path, tmp_path: Path) -> None:
    found = call(str(file), "--set", "run.repeats=1", "--runs", str(tmp_path / "runs"))
    assert found.exit_code == 0, found.output
    assert "run 2 of 2 · entry 2 of 2: learning rate 0.2 · about" in found.output
    assert "learning rate 0.2: done · last epoch" in found.output
    assert "entry                          last epoch" in found.output
    assert CliRunner().invoke(cli, ["list", "sweeps"]).output.count("sweeps/") > 5
