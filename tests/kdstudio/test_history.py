from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorded import Recipe, record, shorter
from shown import replayed

from engine import events
from engine.runs import marks
from kdstudio.history import History
from kdstudio.screens.run.header import progress

SMALL = Recipe(epochs=6)


def test_live_and_replay_build_the_same(tmp_path: Path) -> None:
    folder, said = record(tmp_path, SMALL)
    live, stored = History(), History(folder.path)
    for event in said:
        live.take(event)
    stored.take_all(folder.events(), alive=False)
    assert live.log == stored.log
    assert live.findings == stored.findings
    assert live.curves.keys() == stored.curves.keys()
    assert all(np.array_equal(live.curves[k].y(), stored.curves[k].y()) for k in live.curves)
    assert live.watched == stored.watched


def test_stages_are_known_before_they_begin_and_end_done(tmp_path: Path) -> None:
    history = replayed(tmp_path, SMALL)
    assert list(history.stages) == ["data", "reffakd.autoencoder", "reffakd.soft labels", "distilling", "evaluation"]
    assert {s.state for s in history.stages.values()} == {"done"}
    assert history.state == "done"


def test_a_stage_that_a_later_one_begins_without_was_skipped(tmp_path: Path) -> None:
    _, said = record(tmp_path, Recipe(epochs=2, teacher=True))
    history = History()
    history.take_all([e for e in said if getattr(e, "stage", "") != "teacher"], alive=False)
    assert {name: stage.state for name, stage in history.stages.items()} == {
        "data": "done", "teacher": "skipped", "distilling": "done", "evaluation": "done",
    }  # fmt: skip


def test_a_run_without_a_last_word_and_without_a_writer_was_interrupted(tmp_path: Path) -> None:
    assert replayed(tmp_path, shorter(SMALL, 0.5)).state == "interrupted"
    assert replayed(tmp_path, shorter(SMALL, 0.5), alive=True).state == "running"


def test_time_left_follows_the_pace_and_leaves_pauses_out(tmp_path: Path) -> None:
    history = replayed(tmp_path, shorter(SMALL, 0.5), alive=True)
    before = history.current().left()  # type: ignore[union-attr]
    history.take(events.Paused(at=history.at + 1, clock=history.clock))
    assert history.state == "paused"
    history.take(events.Unpaused(at=history.at + 3600, clock=history.clock))
    stage = history.current()
    assert stage is not None
    assert stage.left() == before
    history.take(events.Step(at=history.at + 1, clock=history.clock + 0.25, stage=stage.name, step=stage.step + 10,
                             steps=stage.steps, epoch=stage.epoch, values={}))  # fmt: skip
    assert stage.left() == pytest.approx((stage.steps - stage.step) * 0.0245, rel=0.2)


def test_a_resume_forgets_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    history = replayed(tmp_path, shorter(SMALL, 0.9, "stopped"))
    history.take(events.RunResumed(stage="distilling", step=42, epoch=2))
    assert history.state == "running"
    assert history.ended is None
    assert history.curves["distilling", "loss"].x("step").max() <= 42
    assert max(w.step for w in history.watched["outputs"]) <= 42
    assert history.curves["reffakd.autoencoder", "loss"].last() > 0
    assert history.stages["distilling"].step == 42


def test_a_resume_in_an_early_stage_forgets_the_later_ones(tmp_path: Path) -> None:
    history = replayed(tmp_path, shorter(SMALL, 0.9, "stopped"))
    history.take(events.RunResumed(stage="reffakd.autoencoder", step=21, epoch=1))
    assert len(history.curves["distilling", "loss"]) == 0
    assert history.findings == []
    assert history.watched["reffakd.similarity"] == []
    assert history.stages["distilling"].state == "waiting"


def test_a_run_begun_anew_forgets_everything_it_measured(tmp_path: Path) -> None:
    history = replayed(tmp_path, shorter(SMALL, 0.9, "stopped"))
    history.take(events.RunResumed(stage="", step=0, epoch=0, kept=1))
    assert all(len(c) == 0 for c in history.curves.values())
    assert history.log[-1].text == "Begun anew: nothing had been kept yet."


def test_a_run_that_was_renamed_is_called_so(tmp_path: Path) -> None:
    folder, said = record(tmp_path, SMALL)
    marks.write(folder.path, marks.Marks(title="the good one"))
    history = History(folder.path)
    history.take_all(said, alive=False)
    assert history.title == "the good one"


def test_arrays_are_read_from_where_the_run_lies_now(tmp_path: Path) -> None:
    folder, said = record(tmp_path / "old", SMALL)
    (tmp_path / "new").mkdir()
    moved = folder.path.rename(tmp_path / "new" / "elsewhere")
    history = History(moved)
    history.take_all(said, alive=False)
    assert history.array(history.watched["reffakd.similarity"][-1]).shape == (10, 10)


def test_the_log_speaks_in_sentences(tmp_path: Path) -> None:
    texts = [line.text for line in replayed(tmp_path, SMALL).log]
    assert "Autoencoder began." in texts
    assert any(t.startswith("Student on test images after epoch 6:") for t in texts)
    assert any("over: 00:02, 16,000 images, 260.0 MB at most" in t for t in texts)
    assert all(t[0].isupper() and t.endswith(".") for t in texts)


def test_a_teacher_is_measured_before_the_first_epoch_and_the_log_says_so() -> None:
    history = History()
    history.take(events.Evaluated(who="teacher", split="test", stage="distilling", step=0, epoch=0, top1=72.63, top5=91.0,
                                  loss=1.2, images=10_000))  # fmt: skip
    assert history.log[-1].text == "Teacher on test images: 72.63 %."


def test_a_refusal_names_its_problems() -> None:
    history = History()
    history.take(events.Refused(problems=({"path": "teacher.net", "sentence": "KD needs a teacher"},)))
    assert history.state == "refused"
    assert history.log[-1].severity == "error"
    assert "KD needs a teacher" in history.log[-1].text


def test_a_download_shows_how_far_it_is_until_steps_begin() -> None:
    history = History()
    history.take(events.StageStarted(stage="data", title="data"))
    for clock, done in ((1.0, 0), (2.0, 25_000_000)):
        history.take(events.Progressed(clock=clock, stage="data", what="a.tar.gz", done=done, total=100_000_000, unit="bytes"))
    stage = history.current()
    assert stage is not None
    assert (stage.share(), stage.left()) == (0.25, pytest.approx(3.0))
    assert progress(history) == "a.tar.gz: 25.0 MB of 100.0 MB"
    history.take(events.Step(clock=3.0, stage="data", step=1, steps=10, epoch=1, values={}))
    assert (stage.share(), stage.progress) == (0.1, None)
