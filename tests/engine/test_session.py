"""A whole run: what it says, that it pairs, that it obeys, and that it goes on exactly where it stood."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine import checkpoint, data, load_student, logits, nets, presets, seeds, session
from engine.control import Control
from engine.evaluation import evaluate
from engine.events import (
    Evaluated,
    Event,
    Finding,
    GroupEnded,
    Measured,
    Note,
    Paused,
    Refused,
    RunEnded,
    RunResumed,
    RunStarted,
    StageEnded,
    StageStarted,
    Step,
    Unpaused,
    Watched,
)
from engine.experiment import DatasetSettings
from engine.runs import RunFolder

QUICK: dict[str, Any] = {
    "dataset.subset": 0.2,
    "training.epochs": 2,
    "training.batch_size": 32,
    "run.threads": 1,
    "run.precision": "float32",
    "run.report_every": 2,
    "run.probe_images": 32,
    "run.share_every": 5,
}
REFFAKD = {"methods.reffakd.epochs": 2}
Ran = tuple[session.Outcome, list[Event]]


def quick(preset: str, **changes: Any) -> presets.Resolved:
    """A shipped experiment made small; keywords use `__` for dots."""
    return presets.resolve(preset, form=QUICK | {k.replace("__", "."): v for k, v in changes.items()})


def reffakd(**changes: Any) -> presets.Resolved:
    return quick("experiments/digits-reffakd", **{k.replace(".", "__"): v for k, v in REFFAKD.items()}, **changes)


def ran(resolved: presets.Resolved, home: Path, control: Control | None = None, **more: Any) -> Ran:
    said: list[Event] = []
    return session.run(resolved, said.append, control or Control(), home=home, **more), said


def student(outcome: session.Outcome) -> dict[str, torch.Tensor]:
    return load_file(outcome.folders[-1] / "student.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def stop_when(control: Control, seen: Callable[[Event], bool], said: list[Event]) -> Callable[[Event], None]:
    """A sink that pulls the lever once, at the first event of a kind."""

    def sink(event: Event) -> None:
        said.append(event)
        if seen(event):
            control.stop()

    return sink


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One uninterrupted quick run of the default experiment."""
    return ran(reffakd(), tmp_path_factory.mktemp("runs"))


def test_a_run_says_its_stages_in_the_order_it_announced(whole: Ran) -> None:
    _, said = whole
    started = next(e for e in said if isinstance(e, RunStarted))
    announced = [s["name"] for s in started.plan["stages"]]
    assert [e.stage for e in said if isinstance(e, StageStarted)] == announced
    assert [e.stage for e in said if isinstance(e, StageEnded)] == announced
    assert isinstance(said[-1], RunEnded) and said[-1].outcome == "done"


def test_every_step_reports_exactly_the_announced_terms(whole: Ran) -> None:
    _, said = whole
    started = next(e for e in said if isinstance(e, RunStarted))
    terms = {t["name"] for t in started.plan["terms"]}
    steps = [e for e in said if isinstance(e, Step) and e.stage == "distilling"]
    assert steps and all({n for n in e.values if n == "ce" or n.startswith("reffakd.")} == terms for e in steps)
    assert [e.step for e in steps] == [2 * (i + 1) for i in range(len(steps))]


def test_every_announced_watch_is_shown(whole: Ran) -> None:
    _, said = whole
    started = next(e for e in said if isinstance(e, RunStarted))
    arrays = {e.watch for e in said if isinstance(e, Watched)}
    curves = {n for e in said if isinstance(e, Measured) for n in e.values}
    shown = {w["name"] for w in started.plan["watches"]}
    assert shown - arrays - curves == set()


def test_the_probes_are_in_every_run(tmp_path: Path) -> None:
    _, said = ran(quick("experiments/digits-kd", teacher__source="scratch", dataset__flip=True), tmp_path)
    measured = {n for e in said if isinstance(e, Measured) for n in e.values}
    assert {
        "agreement", "kl_to_teacher", "logit_correlation", "ece_student", "ece_teacher", "entropy_student", "entropy_teacher",
        "affinity_error/f1", "affinity_error/f3", "cka/f1", "cka/f3", "snr_student", "snr_teacher",
        "share/kd.kl", "share/labels",
    } <= measured  # fmt: skip
    assert {
        "soft_labels_teacher", "soft_labels_student", "samples", "outputs", "confusion", "confusion_teacher",
        "agreement_matrix", "class_accuracy", "class_accuracy_teacher", "affinity_student", "affinity_teacher",
    } == {e.watch for e in said if isinstance(e, Watched)}  # fmt: skip


def test_the_log_replays_to_what_the_sink_heard(whole: Ran) -> None:
    outcome, said = whole
    assert RunFolder.open(outcome.folders[0]).events() == said


def test_the_student_file_is_the_student_that_was_measured(whole: Ran) -> None:
    outcome, said = whole
    net = load_student(outcome.folders[0] / "student.safetensors")
    best = outcome.results[0]["best_epoch"]
    reported = next(e for e in said if isinstance(e, Evaluated) and e.epoch == best and e.split == "test")
    assert outcome.results[0]["top1"] == reported.top1
    assert net(torch.rand(2, *([net.frame.channels] + [net.frame.size] * 2))).shape == (2, 10)
    assert set(load_file(outcome.folders[0] / "student.safetensors")) == set(net.state_dict())
    pictures = data.load(DatasetSettings(**reffakd().experiment.dataset.model_dump()), data.Sides(), "cpu")
    assert pictures.test is not None
    assert evaluate(net, pictures.test).top1 == pytest.approx(reported.top1)


def test_the_exported_preset_is_the_same_experiment(whole: Ran) -> None:
    outcome, _ = whole
    assert presets.resolve(outcome.folders[0] / "preset.yaml").experiment == reffakd().experiment


def test_two_runs_with_one_seed_are_equal(whole: Ran, tmp_path: Path) -> None:
    again, _ = ran(reffakd(), tmp_path)
    assert same(student(whole[0]), student(again))


def test_another_seed_is_another_student(whole: Ran, tmp_path: Path) -> None:
    again, _ = ran(reffakd(run__seed=1), tmp_path)
    assert not same(student(whole[0]), student(again))


@pytest.mark.parametrize("stage", ["reffakd.autoencoder", "distilling"])
def test_a_stopped_run_goes_on_exactly(stage: str, whole: Ran, tmp_path: Path) -> None:
    control, said = Control(), list[Event]()
    sink = stop_when(control, lambda e: isinstance(e, Step) and e.stage == stage and e.step >= 4, said)
    stopped = session.run(reffakd(), sink, control, home=tmp_path)
    assert stopped.outcome == "stopped" and RunFolder.open(stopped.folders[0]).state() == "stopped"
    resumed, after = ran(session.resumable(stopped.folders[0]), tmp_path, resume=stopped.folders[0])
    assert resumed.outcome == "done" and isinstance(after[0], RunResumed)
    assert same(student(whole[0]), student(resumed))
    events = RunFolder.open(resumed.folders[0]).events()
    assert curve(events) == curve(whole[1])
    assert images(events) == images(whole[1])


def images(events: list[Event]) -> dict[str, int]:
    """The ledger's images by stage."""
    return {e.stage: e.images for e in events if isinstance(e, StageEnded)}


def curve(events: list[Event]) -> list[tuple[str, int, float]]:
    return [(e.stage, e.step, e.values["loss"]) for e in events if isinstance(e, Step)]


def test_a_run_stopped_while_its_teacher_trains_goes_on_exactly(tmp_path: Path) -> None:
    kd = quick("experiments/digits-kd", teacher__epochs=2, teacher__net="resnet8")
    control, said = Control(), list[Event]()
    stopped = session.run(
        kd, stop_when(control, lambda e: isinstance(e, Step) and e.stage == "teacher" and e.step >= 4, said), control,
        home=tmp_path / "a",
    )  # fmt: skip
    resumed, _ = ran(session.resumable(stopped.folders[0]), tmp_path / "a", resume=stopped.folders[0])
    straight, _ = ran(kd, tmp_path / "b")
    assert same(student(straight), student(resumed))


def test_a_killed_run_is_interrupted_and_goes_on_exactly(whole: Ran, tmp_path: Path) -> None:
    sets = [f"--set={k}={v}" for k, v in (QUICK | REFFAKD | {"run.save_every": 1}).items()]
    words = ["train", "experiments/digits-reffakd", *sets, "--runs", str(tmp_path), "--json"]
    process = subprocess.Popen([sys.executable, "-m", "kdstudio", *words], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "Step" and event["stage"] == "distilling" and event["epoch"] == 2:
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    process.wait(30)
    path = next(p for p in tmp_path.iterdir() if (p / "experiment.yaml").is_file())
    assert RunFolder.open(path).state() == "interrupted"
    resumed, _ = ran(session.resumable(path), tmp_path, resume=path)
    assert same(student(whole[0]), student(resumed))
    assert curve(RunFolder.open(path).events()) == curve(whole[1])


def test_a_pause_keeps_the_run_and_does_not_count_as_time(whole: Ran, tmp_path: Path) -> None:
    control, said = Control(), list[Event]()

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Step) and event.step == 2 and event.stage == "distilling":
            control.pause()
        if isinstance(event, Paused):
            threading.Timer(0.5, control.resume).start()

    outcome = session.run(reffakd(), sink, control, home=tmp_path)
    paused = next(e for e in said if isinstance(e, Paused))
    going = next(e for e in said if isinstance(e, Unpaused))
    assert going.at - paused.at >= 0.5 > going.clock - paused.clock
    assert same(student(whole[0]), student(outcome))


def test_save_now_leaves_a_checkpoint_and_goes_on(tmp_path: Path) -> None:
    control, said, kept = Control(), list[Event](), list[dict[str, Any]]()

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Step) and event.step == 2 and event.stage == "distilling":
            control.save()
        if isinstance(event, Step) and event.step == 4 and event.stage == "distilling":
            kept.append(checkpoint.read(next(tmp_path.glob("*/checkpoints/last.safetensors"))))

    outcome = session.run(reffakd(), sink, control, home=tmp_path)
    assert outcome.outcome == "done"
    assert kept[0]["where"] == {"stage": "distilling", "step": 2, "epoch": 1}


def test_methods_of_one_seed_start_from_the_same_student_and_see_the_same_batches(tmp_path: Path) -> None:
    """With every method's weight at zero, only the labels teach: the students are the same to the last bit."""
    labels, _ = ran(quick("experiments/digits-labels"), tmp_path)
    silent = {"methods.reffakd.soft_weight": 0.0, "methods.reffakd.ce_weight": 1.0}
    method, _ = ran(reffakd(**{k.replace(".", "__"): v for k, v in silent.items()}), tmp_path)
    assert same(student(labels), student(method))


def test_repeats_count_seeds_up_and_end_with_mean_and_deviation(tmp_path: Path) -> None:
    outcome, said = ran(quick("experiments/digits-labels", run__repeats=2, training__epochs=1), tmp_path)
    assert [e.seed for e in said if isinstance(e, RunStarted)] == [0, 1]
    group = said[-1]
    assert isinstance(group, GroupEnded)
    tops = [r["top1"] for r in outcome.results]
    assert group.means["top1"] == pytest.approx(sum(tops) / 2)
    assert group.deviations["top1"] == pytest.approx(abs(tops[0] - tops[1]) / 2**0.5)


def test_a_stopped_group_goes_on_with_the_repeats_that_are_left(tmp_path: Path) -> None:
    control, said = Control(), list[Event]()
    two = quick("experiments/digits-labels", run__repeats=2, training__epochs=1)
    stopped = session.run(two, stop_when(control, lambda e: isinstance(e, Step), said), control, home=tmp_path)
    assert len(stopped.folders) == 1
    said = []
    resumed = session.run(session.resumable(stopped.folders[0]), said.append, Control(), resume=stopped.folders[0])
    after = said
    assert {path.parent for path in resumed.folders} == {tmp_path}
    assert [r.name.rsplit("-", 1)[1] for r in resumed.folders] == ["s0", "s1"]
    assert isinstance(after[-1], GroupEnded) and len(after[-1].runs) == 2


def test_a_finished_run_is_not_run_again(whole: Ran) -> None:
    path = whole[0].folders[0]
    before = (path / "events.jsonl").read_bytes()
    with pytest.raises(session.RefusedError, match="is finished"):
        ran(session.resumable(path), path.parent, resume=path)
    assert (path / "events.jsonl").read_bytes() == before


def test_a_run_that_somebody_writes_is_not_taken_up(whole: Ran, tmp_path: Path) -> None:
    control, said = Control(), list[Event]()
    labels = quick("experiments/digits-labels", training__epochs=1)
    stopped = session.run(labels, stop_when(control, lambda e: isinstance(e, Step), said), control, home=tmp_path)
    with RunFolder.open(stopped.folders[0]).lock(), pytest.raises(session.RefusedError, match="run"):
        ran(session.resumable(stopped.folders[0]), tmp_path, resume=stopped.folders[0])


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(session.RefusedError, match="choose another folder with --runs"):
        ran(quick("experiments/digits-labels"), tmp_path / "file")


def test_what_will_surprise_is_said_at_the_start_and_stands_in_the_log(tmp_path: Path) -> None:
    late = quick("experiments/digits-labels", training__schedule="multistep", training__milestones=[150])
    outcome, said = ran(late, tmp_path)
    notes = [e.text for e in said if isinstance(e, Note)]
    assert any("milestones" in text for text in notes)
    assert all(text in (outcome.folders[0] / "log.txt").read_text(encoding="utf-8") for text in notes)


def test_an_experiment_that_breaks_a_rule_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    said: list[Event] = []
    with pytest.raises(session.RefusedError, match=r"teacher\.net"):
        session.run(quick("experiments/digits-kd", teacher__net="none"), said.append, Control(), home=tmp_path)
    assert isinstance(said[-1], Refused) and list(tmp_path.iterdir()) == []


def test_a_broken_teacher_file_ends_the_run_with_its_sentence(tmp_path: Path) -> None:
    bad = tmp_path / "teacher.pth"
    bad.write_bytes(b"not a checkpoint")
    broken = quick("experiments/digits-kd", teacher__source="file", teacher__file=str(bad))
    outcome, said = ran(broken, tmp_path / "runs")
    assert outcome.outcome == "failed"
    assert isinstance(said[-1], RunEnded) and "teacher.pth" in said[-1].sentence


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_a_term_that_is_not_finite_is_named_and_never_applied(
    optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.logits.kd", lambda z_s, z_t, temperature: z_s.sum() * float("nan"))
    broken = quick("experiments/digits-kd", teacher__source="scratch", training__optimizer=optimizer, training__epochs=1)
    outcome, said = ran(broken, tmp_path)
    found = [e.check for e in said if isinstance(e, Finding)]
    assert "nonfinite:kd.kl" in found and "nonfinite:ce" not in found
    fresh = nets.build("resnet8", classes=10, channels=1, size=8, generator=seeds.generator(0, "student"))
    kept = student(outcome)
    assert all(torch.equal(weight, kept[name]) for name, weight in fresh.named_parameters())


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_first_update_that_is_masked_leaves_the_rest_of_the_run_sound(
    optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound, asked = logits.kd, list[int]()

    def broken_once(z_s: torch.Tensor, z_t: torch.Tensor, temperature: float) -> torch.Tensor:
        asked.append(1)
        return sound(z_s, z_t, temperature) * (float("nan") if len(asked) == 1 else 1.0)

    monkeypatch.setattr("engine.logits.kd", broken_once)
    once = quick("experiments/digits-kd", teacher__source="scratch", training__optimizer=optimizer,
                 training__learning_rate=0.01, training__epochs=1, run__share_every=0)  # fmt: skip
    outcome, said = ran(once, tmp_path)
    losses = [e.values["loss"] for e in said if isinstance(e, Step) and e.stage == "distilling"]
    assert outcome.outcome == "done" and all(0 < loss < 20 for loss in losses)


def test_the_teacher_library_trains_a_teacher_once(tmp_path: Path) -> None:
    kd = quick("experiments/digits-kd", teacher__epochs=1, teacher__net="resnet8", training__epochs=1)
    _, first = ran(kd, tmp_path)
    _, second = ran(kd, tmp_path)
    assert "teacher" in [e.stage for e in first if isinstance(e, StageStarted)]
    assert "teacher" not in [e.stage for e in second if isinstance(e, StageStarted)]
    assert [e.top1 for e in first if isinstance(e, Evaluated) and e.who == "teacher"] == [
        e.top1 for e in second if isinstance(e, Evaluated) and e.who == "teacher"
    ]


def test_a_lost_teacher_library_does_not_lose_the_students_progress(tmp_path: Path) -> None:
    """Stopped while distilling, then again while the lost teacher trains anew: the student goes on where it stood."""
    kd = quick("experiments/digits-kd", teacher__epochs=1, teacher__net="resnet8")
    home, control = tmp_path / "a", Control()
    path = session.run(kd, stop_when(control, at("distilling", 4), []), control, home=home).folders[0]
    shutil.rmtree(home / "teachers")
    control = Control()
    session.run(session.resumable(path), stop_when(control, at("teacher", 2), []), control, resume=path)
    resumed, _ = ran(session.resumable(path), home, resume=path)
    straight, _ = ran(kd, tmp_path / "b")
    assert same(student(straight), student(resumed))


def at(stage: str, step: int) -> Callable[[Event], bool]:
    return lambda e: isinstance(e, Step) and e.stage == stage and e.step >= step


def test_the_student_of_one_run_teaches_the_next(tmp_path: Path) -> None:
    first, _ = ran(quick("experiments/digits-labels"), tmp_path)
    outcome, said = ran(quick("experiments/digits-kd", teacher__source="run", teacher__run=first.folders[0].name,
                              teacher__net="resnet8", training__epochs=1), tmp_path)  # fmt: skip
    teacher = next(e for e in said if isinstance(e, Evaluated) and e.who == "teacher" and e.split == "test")
    assert outcome.outcome == "done" and teacher.top1 == first.results[0]["top1"]


def test_early_stopping_ends_the_run_and_says_so(tmp_path: Path) -> None:
    outcome, said = ran(quick("experiments/digits-labels", training__epochs=30, training__early_stopping=1), tmp_path)
    assert outcome.results[0]["epochs"] < 30
    assert any("Stopped early" in getattr(e, "text", "") for e in said)


@pytest.mark.parametrize(
    "changes",
    [
        {"training__ema": 0.9},
        {"training__accumulation": 2, "run__report_every": 1},
        {"training__accumulation": 3},
        {"training__optimizer": "adamw", "training__learning_rate": 0.001},
        {"training__optimizer": "rmsprop", "training__learning_rate": 0.001, "training__gradient_clip": 1.0},
        {"training__schedule": "multistep", "training__milestones": [1], "training__warmup_epochs": 1},
        {"dataset__crop": 1, "dataset__flip": True, "dataset__rotation": 10.0, "dataset__crop_fill": "reflect"},
        {"run__precision": "bfloat16"},
        {"run__selection": "test", "dataset__holdout": 0.0},
        {"run__selection": "last", "dataset__holdout": 0.0},
    ],
    ids=lambda c: "+".join(c),
)
def test_a_stop_in_the_middle_of_an_epoch_changes_nothing(changes: dict[str, Any], tmp_path: Path) -> None:
    labels = quick("experiments/digits-labels", training__label_smoothing=0.1, **changes)
    control, said = Control(), list[Event]()
    sink = stop_when(control, lambda e: isinstance(e, Step) and e.step >= 3, said)
    stopped = session.run(labels, sink, control, home=tmp_path / "a")
    resumed, _ = ran(session.resumable(stopped.folders[0]), tmp_path / "a", resume=stopped.folders[0])
    straight, _ = ran(labels, tmp_path / "b")
    assert same(student(straight), student(resumed))


def test_time_between_two_attempts_does_not_count(tmp_path: Path) -> None:
    control, said = Control(), list[Event]()
    labels = quick("experiments/digits-labels", training__epochs=1)
    stopped = session.run(labels, stop_when(control, lambda e: isinstance(e, Step), said), control, home=tmp_path)
    time.sleep(1.0)
    _, after = ran(session.resumable(stopped.folders[0]), tmp_path, resume=stopped.folders[0])
    assert after[0].clock - said[-1].clock < 0.9
