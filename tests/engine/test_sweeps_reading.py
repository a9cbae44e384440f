"""A sweep as it is written: what it comes to, and how each mistake is told with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_catalogue import CATALOGUE

from engine import sweeps
from engine.presets import PresetError
from engine.sweeps import Range
from engine.sweeps.estimate import in_words, seconds_left
from engine.sweeps.values import drawn, draws, grid, listed

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "tried.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def entries(path: Path, *sets: str) -> tuple[sweeps.Entry, ...]:
    return sweeps.entries(sweeps.read(path, catalogue=CATALOGUE), sets, catalogue=CATALOGUE)


def titles(path: Path, *sets: str) -> list[str]:
    return [entry.title for entry in entries(path, *sets)]


def refused(path: Path, *sets: str) -> str:
    with pytest.raises(PresetError) as caught:
        entries(path, *sets)
    return str(caught.value)


def span(**said: Any) -> Range:
    return Range.model_validate({k.rstrip("_"): v for k, v in said.items()})


def test_every_combination_becomes_an_experiment_whose_title_says_what_differs(write: Write) -> None:
    path = write("title: A try\nmethods: {kd: {}}\nvary:\n - methods.kd.weight: [1, 2]\n - training.nesterov: [true, false]\n")
    found = entries(path)
    assert [e.title for e in found] == [
        "weight 1 · nesterov on", "weight 1 · nesterov off", "weight 2 · nesterov on", "weight 2 · nesterov off",
    ]  # fmt: skip
    last = found[-1].resolved
    assert last.experiment.methods["kd"]["weight"] == 2 and last.experiment.training.nesterov is False
    assert last.experiment.title == "weight 2 · nesterov off · A try"
    assert last.origins["methods.kd.weight"] == str(path)


def test_settings_of_one_item_move_together(write: Write) -> None:
    path = write("vary: [{training.epochs: [1, 2], training.batch_size: [8, 16]}]")
    assert titles(path) == ["epochs 1 · batch size 8", "epochs 2 · batch size 16"]
    assert "need as many values each (training.epochs 1, training.batch_size 2)" in refused(
        write("vary: [{training.epochs: [1], training.batch_size: [8, 16]}]")
    )


def test_an_entry_is_a_preset_upon_the_whole_files(write: Write) -> None:
    found = entries(write(
        "training: {epochs: 3, batch_size: 8}\nentries:\n"
        " - {title: plain}\n - {title: KD, methods: {kd: {weight: 2}}, training: {epochs: 4}}\n"
    ))  # fmt: skip
    assert [(e.title, e.resolved.experiment.training.epochs) for e in found] == [("plain", 3), ("KD", 4)]
    assert found[1].resolved.experiment.training.batch_size == 8
    assert [list(e.resolved.experiment.methods) for e in found] == [[], ["kd"]]


def test_what_an_entry_varies_stands_in_place_of_what_the_sweep_varies(write: Write) -> None:
    path = write(
        "vary: [{training.epochs: [1, 2]}]\nentries:\n"
        " - {title: alone, vary: []}\n - {title: own, vary: [{training.batch_size: [4, 8]}]}\n - {title: usual}\n"
    )
    assert titles(path) == ["alone", "own · batch size 4", "own · batch size 8", "usual · epochs 1", "usual · epochs 2"]


def test_a_setting_from_the_command_line_holds_for_every_entry(write: Write) -> None:
    path = write("vary: [{training.batch_size: [4, 8]}]")
    found = entries(path, "training.epochs=7", "run.repeats=2")
    assert {e.resolved.experiment.training.epochs for e in found} == {7}
    assert {e.seeds for e in found} == {(0, 1)}


def test_combinations_that_differ_in_nothing_that_matters_run_once(write: Write) -> None:
    path = write("vary:\n - training.schedule: [cosine, multistep]\n - training.drop: [0.1, 0.5]\n")
    assert titles(path) == ["schedule cosine", "schedule multistep · drop 0.1", "schedule multistep · drop 0.5"]


def test_only_and_except_keep_a_grid_sensible(write: Write) -> None:
    axes = "vary:\n - training.epochs: [1, 2, 3]\n - training.batch_size: [4, 8]\n"
    assert titles(write(axes + "except: [{training.epochs: [2, 3], training.batch_size: 8}]")) == [
        "epochs 1 · batch size 4", "epochs 1 · batch size 8", "epochs 2 · batch size 4", "epochs 3 · batch size 4",
    ]  # fmt: skip
    assert titles(write(axes + "only: [{training.epochs: 1}, {training.batch_size: 4, training.epochs: 3}]")) == [
        "epochs 1 · batch size 4", "epochs 1 · batch size 8", "epochs 3 · batch size 4",
    ]  # fmt: skip
    assert "no combination is left" in refused(write(axes + "only: [{training.epochs: 9}]"))


def test_a_draw_is_the_same_for_the_same_seed_and_more_of_it_keep_the_first(write: Write) -> None:
    text = "vary: [{training.learning_rate: {from: 1.0e-3, to: 1, scale: log}}, {training.epochs: {from: 1, to: 9}}]\n"
    three, five = titles(write(text + "draw: {count: 3, seed: 4}")), titles(write(text + "draw: {count: 5, seed: 4}"))
    assert len(set(five)) == 5 and five[:3] == three
    assert titles(write(text + "draw: {count: 3, seed: 5}")) != three


def test_a_draw_settles_for_all_there_is(write: Write) -> None:
    assert sorted(titles(write("vary: [{training.epochs: [1, 2, 3]}]\ndraw: {count: 10}"))) == [
        "epochs 1", "epochs 2", "epochs 3",
    ]  # fmt: skip


def test_two_settings_of_one_name_are_told_apart_by_their_paths(write: Write) -> None:
    path = write("vary: [{training.epochs: [1, 2], teacher.epochs: [3, 4]}]")
    assert titles(path)[0] == "training.epochs 1 · teacher.epochs 3"


def test_an_entry_may_start_from_the_students_of_an_earlier_one(write: Write) -> None:
    path = write("entries:\n - {title: first}\n - {title: second, starts_from: first, training: {epochs: 3}}\n")
    second = entries(path)[1]
    assert second.after == "first" and second.resolved.experiment.student.source == "run"
    assert sweeps.refusals(second, catalogue=CATALOGUE) == ()
    changed = entries(write(path.read_text().replace("first}", "first, training: {epochs: 9}}", 1)))[1]
    assert changed.key != second.key, "another start is another experiment"
    assert ":1:" in (said := refused(write("entries: [{title: a}, {title: b, starts_from: c}]"))) and "there is a" in said


def test_titles_notes_and_repeats_do_not_make_another_experiment(write: Write) -> None:
    one = entries(write("title: x\nvary: [{training.epochs: [1]}]"))[0]
    other = entries(write("title: y\nnotes: z\nrun: {repeats: 3}\nvary: [{training.epochs: [1]}]"))[0]
    seeded = entries(write("run: {seed: 5}\nvary: [{training.epochs: [1]}]"))[0]
    assert one.key == other.key != seeded.key


def test_a_plain_tree_is_a_sweep_too() -> None:
    made = sweeps.from_tree({"title": "From a form", "vary": [{"training.epochs": [1, 2]}]}, "a form", catalogue=CATALOGUE)
    assert [e.title for e in sweeps.entries(made, catalogue=CATALOGUE)] == ["epochs 1", "epochs 2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("vari: [{training.epochs: [1]}]", "tried.yaml:1:1: vari: a sweep has no such key; did you mean 'vary'?"),
        ("vary: [{training.epoch: [1]}]", ":1:9: vary.0.training.epoch: training has no such setting; did you mean 'epochs'?"),
        ("vary:\n - training.epochs: [1, 0]", ":2:25: vary.0.training.epochs.1: 0 is outside the bounds"),
        ("vary:\n - training.epochs: 3", ":2:21: vary.0.training.epochs: write a list of values, or a range"),
        ("vary:\n - training.epochs: []", ":2:21:"),
        ("vary: [{training.epochs: {from: 1, to: 4}}]", "say how many values: `count` or `step`, or `draw` some"),
        ("vary: [{training.epochs: {from: 4, to: 1, count: 2}}]", "`to` must be above `from`"),
        ("vary: [{training.epochs: {from: 0, to: 1, count: 2}}]", "0 is outside the bounds"),
        ("vary: [{training.epochs: {from: 1, to: 2, cout: 2}}]", "did you mean 'count'?"),
        ("vary: [{training.learning_rate: {from: 0, to: 1, count: 2, scale: log}}]", "`from` must be above 0"),
        ("vary: [{training.epochs: {from: 1, to: 2, count: 2, step: 1}}]", "`step` goes with neither"),
        ("vary: [{training.optimizer: {from: 1, to: 2, count: 2}}]", "is no number and has no range"),
        ("vary: [{methods.kd.weight: [1]}]", ":1:9: vary.0.methods.kd.weight: kd is not in the stack of methods"),
        ("vary: [{run.seed: [0, 1]}]", "every entry runs on the same seeds"),
        ("entries: [{title: a, run: {repeats: 2}}]", ":1:28: run.repeats: every entry runs on the same seeds"),
        ("entries: [{title: a, trainin: {epochs: 2}}]", ":1:22: trainin: a preset has no such key; did you mean 'training'?"),
        ("entries: [{training: {epochs: 2}}]", ":1:11: entries.0.title: title is missing"),
        ("entries: [{title: a}, {title: a, training: {epochs: 2}}]", "2 entries are called 'a'"),
        ("entries: [{title: plain}]\nbaseline: plan", ":2:11: baseline: no entry is called 'plan'; did you mean 'plain'?"),
        ("entries: [{title: KD}]\ndraw: {count: 0}", ":2:15: draw.count:"),
        ("entries: [{title: KD}]\ndraw: {cout: 3}", "draw.cout: there is no such key; did you mean 'count'?"),
        ("entries: [{title: KD}]\nonly: [{training.epohs: 3}]", ":2:9: only.0.training.epohs:"),
        ("entries: [{title: KD}]\nshow: [kdd.gap]", ":2:8: show.0: there is no method 'kdd'; did you mean 'kd'?"),
        ("entries: 3", "entries: "),
        ("title: nothing", "a sweep has entries, or settings to vary; this one has neither"),
        ("extends: [nothing]\nentries: [{title: a}]", "there is no preset 'nothing'"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_nearest_name(text: str, said: str, write: Write) -> None:
    assert said in refused(write(text))


def test_a_wrong_setting_on_the_command_line_is_told_as_such(write: Write) -> None:
    assert refused(write("entries: [{title: a}]"), "training.epoch=3").startswith("--set training.epoch=3: training.epoch:")


def test_a_missing_sweep_is_told_with_the_nearest_name() -> None:
    with pytest.raises(PresetError, match="there is no sweep 'sweeps/digits-faqd-projection'; did you mean"):
        sweeps.read("sweeps/digits-faqd-projection")


def test_ranges_hold_both_ends() -> None:
    assert listed(span(from_=0, to=1, count=5), "number") == [0, 0.25, 0.5, 0.75, 1]
    assert listed(span(from_=0.001, to=1, count=4, scale="log"), "number") == [0.001, 0.01, 0.1, 1]
    assert listed(span(from_=1, to=10, step=3), "integer") == [1, 4, 7, 10]
    assert listed(span(from_=0.1, to=0.5, step=0.1), "number") == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert listed(span(from_=1, to=4, count=9), "integer") == [1, 2, 3, 4], "whole numbers, each once"


def test_draws_lie_in_their_range_and_use_all_of_it() -> None:
    axes = [{"a": span(from_=1, to=4)}, {"b": span(from_=0.01, to=100, scale="log")}, {"c": ["x", "y"]}]
    kinds = {"a": "integer", "b": "number", "c": "text"}
    found = [row for row, _ in zip(draws(axes, kinds.__getitem__, 0), range(400), strict=False)]
    assert {row["a"] for row in found} == {1, 2, 3, 4} and {row["c"] for row in found} == {"x", "y"}
    assert all(0.01 <= row["b"] <= 100 for row in found)
    assert 0.4 < sum(row["b"] < 1 for row in found) / 400 < 0.6, "even in factors"
    assert drawn(span(from_=1, to=4), 0.999999, "integer") == 4


def test_drawn_settings_of_one_item_lie_at_the_same_share() -> None:
    axes = [{"a": span(from_=0, to=1), "b": span(from_=10, to=20)}]
    row = next(draws(axes, lambda _: "number", 3))
    assert row["b"] == pytest.approx(10 + 10 * row["a"], rel=1e-3)


def test_a_grid_of_nothing_is_one_entry() -> None:
    assert list(grid([], str)) == [{}]


def test_the_rest_is_estimated_by_an_entrys_own_runs_else_by_the_usual_one() -> None:
    assert seconds_left({}, {"a": 3}) is None
    assert seconds_left({"a": [10.0, 20.0], "b": [], "c": [45.0]}, {"a": 1, "b": 2, "c": 0}) == 15 + 2 * 30


def test_times_are_said_in_words() -> None:
    assert [in_words(s) for s in (4.4, 300, 7300)] == ["4 s", "5 min", "2 h 02 min"]
