"""Runs laid side by side: what counts, what differs, what is gained, and the report."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from compared import pair, sweep, told
from typer.testing import CliRunner

from engine.cli import cli
from engine.comparison import CompareError, Comparison, colours, curves, importance, matrices, metrics, page, saved, text
from engine.comparison.front import front
from engine.comparison.sides import LATENCY
from engine.events import Note, RunResumed
from engine.runs import RunFolder, marks


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_runs_that_differ_only_in_their_seed_are_one_contender(home: Path) -> None:
    found = Comparison.of(pair(home))
    assert [(c.title, [s.seed for s in c.sides]) for c in found.contenders] == [("labels", [0, 1, 2]), ("kd", [0, 1, 2])]


def test_runs_are_called_as_a_person_renamed_them(home: Path) -> None:
    paths = pair(home)
    marks.write_all({path: marks.Marks(title="no teacher") for path in paths[:3]})
    assert [c.title for c in Comparison.of(paths).contenders] == ["no teacher", "kd"]


def test_a_gain_is_paired_over_seeds_with_its_interval(home: Path) -> None:
    found = Comparison.of(pair(home))
    cell = found.cell(found.contenders[1], metrics.NAMES["top1"])
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # t(.975, 2) from tables; the gains are 1.0, 1.2, 1.1
    assert cell.difference == f"+1.10 [+{1.1 - half:.2f}, +{1.1 + half:.2f}]"
    assert cell.verdict == "better"
    assert found.cell(found.contenders[0], metrics.NAMES["top1"]).difference == "–"


def test_pinning_another_baseline_turns_the_difference_round(home: Path) -> None:
    found = Comparison.of(pair(home))
    turned = found.pinned(found.sides[3])
    cell = turned.cell(turned.contenders[0], metrics.NAMES["top1"])
    assert cell.difference.startswith("−1.10") and cell.verdict == "worse"


def test_a_run_whose_weights_were_moved_by_hand_counts_nowhere_and_is_named(home: Path) -> None:
    paths = pair(home)
    moved = told(home, "kd-s3", {"methods": {"kd": {}}}, 3, 50.0, moved=True)
    found = Comparison.of([*paths, moved.path])
    kd = found.contenders[1]
    assert len(kd.sides) == 4 and set(kd.by_seed("top1")) == {0, 1, 2}
    assert any("kd.kl was moved by hand" in remark for remark in found.remarks)


def test_a_run_that_is_not_done_is_left_out_of_means_and_named(home: Path) -> None:
    paths = [*pair(home), told(home, "kd-s4", {"methods": {"kd": {}}}, 4, 10.0, outcome="").path]
    found = Comparison.of(paths)
    assert found.contenders[1].spread("top1").count == 3  # type: ignore[union-attr]
    assert any("kd · seed 4 is left out" in remark and "interrupted" in remark for remark in found.remarks)


def test_two_runs_on_one_seed_are_said_and_the_later_counts(home: Path) -> None:
    paths = [*pair(home), told(home, "kd-s0-again", {"title": "kd", "methods": {"kd": {}}}, 0, 99.0).path]
    found = Comparison.of(paths)
    assert found.contenders[1].by_seed("top1")[0] == 99.0
    assert any("several runs on seed 0" in remark for remark in found.remarks)


def test_contenders_of_one_title_are_told_apart_by_what_differs(home: Path) -> None:
    runs = [told(home, f"kd-s{n}", {"methods": {"kd": {"temperature": t}}}, 0, 90.0) for n, t in enumerate((2.0, 8.0))]
    titles = [c.title for c in Comparison.of([run.path for run in runs]).contenders]
    assert titles == ["kd · temperature 2", "kd · temperature 8"]


def test_the_end_that_all_titles_share_is_said_of_none(home: Path) -> None:
    given = (("labels · A sweep · quick", {}), ("kd · A sweep · quick", {"kd": {}}))
    runs = [told(home, f"run{n}-s0", {"title": title, "methods": m}, 0, 90.0) for n, (title, m) in enumerate(given)]
    found = Comparison.of([run.path for run in runs])
    assert [found.name(contender) for contender in found.contenders] == ["labels", "kd"]
    assert found.title == "labels · kd"
    plain = Comparison.of(pair(home))
    assert [plain.name(contender) for contender in plain.contenders] == ["labels", "kd"]


def test_settings_stand_side_by_side_and_only_what_differs_is_asked_for(home: Path) -> None:
    found = Comparison.of(pair(home))
    by_path = {s.path: s for s in found.settings}
    assert by_path["methods"].words(0) == "none" and by_path["methods"].words(3) == "kd"
    assert by_path["methods.kd.temperature"].words(0) == "–"
    assert not by_path["training.epochs"].differs
    differing = {s.path for s in found.differing}
    assert {"methods", "run.seed", "methods.kd.temperature"} <= differing and "training.epochs" not in differing


def test_a_method_that_is_gone_shows_what_was_stored_of_it(home: Path) -> None:
    paths = pair(home)
    stored = paths[-1] / "experiment.yaml"
    stored.write_text(stored.read_text(encoding="utf-8").replace("kd:", "long_gone:"), encoding="utf-8")
    by_path = {s.path: s for s in Comparison.of(paths).settings}
    assert by_path["methods"].words(5) == "long_gone"
    assert by_path["methods.long_gone.temperature"].words(5) == "4"


@pytest.mark.parametrize("count", [1, 21])
def test_fewer_than_two_and_more_than_twenty_are_refused(home: Path, count: int) -> None:
    with pytest.raises(CompareError, match=f"not {count}"):
        Comparison.of([home / str(n) for n in range(count)])


def test_a_folder_that_is_no_run_and_a_foreign_baseline_are_refused(home: Path, tmp_path: Path) -> None:
    paths = pair(home)
    with pytest.raises(CompareError, match="not the folder of a run"):
        Comparison.of([*paths, tmp_path])
    with pytest.raises(CompareError, match="not among the compared runs"):
        Comparison.of(paths[:2], baseline=paths[3])


def test_the_pareto_front_keeps_what_no_other_beats_in_both() -> None:
    assert front([(1, 50), (2, 60), (3, 55), (2, 40), (4, 60)]) == {0, 1}
    assert front([(1, 50), (1, 50)]) == {0, 1}
    assert front([]) == set()


def test_the_front_of_runs_takes_means_of_gains_and_medians_of_costs(home: Path) -> None:
    found = Comparison.of(
        [*pair(home), told(home, "big-s0", {"methods": {"kd": {"temperature": 9.0}}}, 0, 80.0, parameters=5000).path]
    )
    points = {p.title: p for p in found.points("parameters", "top1")}
    assert points["labels"].best and not points["big"].best
    assert points["kd"].gain == pytest.approx(91.6)


def test_a_setting_that_decides_everything_explains_everything_and_one_that_does_not_nothing() -> None:
    values = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    assert importance.explained(["a", "a", "b", "b", "c", "c"], values) == 1.0
    assert importance.explained(["a", "b", "a", "b", "a", "b"], values) == 0.0
    assert importance.explained(["a", "a", "a", "a", "a", "a"], values) == 0.0


def test_the_share_explained_is_kelleys_epsilon_squared() -> None:
    groups, values = ["a", "a", "b", "b"], [1.0, 2.0, 4.0, 5.0]
    within, total = 2 * 0.5, sum((v - 3.0) ** 2 for v in values)
    assert importance.explained(groups, values) == pytest.approx(1 - (within / 2) / (total / 3))


def test_rank_correlation_is_spearmans_with_ties_at_their_mean_rank() -> None:
    assert importance.rank_correlation([1, 2, 3], [10, 100, 1000]) == pytest.approx(1.0)
    assert importance.rank_correlation([1, 2, 2, 3], [4, 3, 2, 1]) == pytest.approx(-0.9486832980505138)
    assert importance.rank_correlation([1, 1, 1], [1, 2, 3]) is None


def test_a_sweep_names_its_setting_as_what_matters(home: Path) -> None:
    ranked = Comparison.of(sweep(home)).importance("top1")
    assert [one.path for one in ranked] == ["methods.kd.temperature"]
    assert ranked[0].share > 0.99 and ranked[0].trend == pytest.approx(0.9759, abs=1e-3)


def test_parallel_axes_order_numbers_by_size_and_end_with_what_came_out(home: Path) -> None:
    found = Comparison.of(sweep(home, (8.0, 1.0, 4.0)))
    axes = found.axes(metrics.NAMES["top1"])
    assert [axis.path for axis in axes] == ["methods.kd.temperature", "top1"]
    assert [words for _, words in axes[0].ticks] == ["1", "4", "8"]
    assert axes[0].places[:2] == (1.0, 1.0) and axes[1].places[0] == 0.0 and max(axes[1].places) == 1.0


def test_every_number_of_the_runs_has_a_plot_those_most_looked_at_first(home: Path) -> None:
    found = [(o.key, o.title) for o in Comparison.of(pair(home)).overlays]
    assert found[:2] == [("distilling/student/test/top1", "Accuracy on test images"), ("distilling/loss", "Loss")]
    assert ("distilling/kd.kl", "Kd · soft labels") in found


def test_a_plot_is_drawn_over_steps_epochs_or_seconds_of_its_stage(home: Path) -> None:
    side = Comparison.of(pair(home)).sides[0]
    column = curves.read(side, ["distilling/loss"])["distilling/loss"]
    assert curves.positions(column, "step")[:2].tolist() == [10, 20]
    assert curves.positions(column, "epoch")[:2].tolist() == [1, 2]
    assert curves.positions(column, "time")[:2].tolist() == [1, 2]


def test_smoothing_in_blocks_is_the_recursion() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal(1000)
    values[[3, 500]] = np.nan
    mean = mass = 0.0
    for value, found in zip(values, curves.averaged(values, 0.97), strict=True):
        if np.isfinite(value):
            mean, mass = 0.97 * mean + 0.03 * value, 0.97 * mass + 0.03
            assert found == pytest.approx(mean / mass)
        else:
            assert np.isnan(found)
    assert curves.averaged(values, 0.0) is values


def test_seeds_are_gathered_as_far_as_all_of_them_reach() -> None:
    x = np.arange(5.0)
    band = curves.gathered([(x, x), (x[:4], x[:4] + 2)])
    assert band.x.tolist() == [0, 1, 2, 3] and band.mean.tolist() == [1, 2, 3, 4]
    assert band.deviation == pytest.approx(np.full(4, math.sqrt(2)))


def test_matrices_of_runs_are_subtracted_where_they_are_about_the_same(home: Path) -> None:
    found = Comparison.of(pair(home))
    kind = matrices.kinds(found.sides)[0]
    one, other = (matrices.matrix(side, kind) for side in found.sides[:2])
    assert one is not None and other is not None and kind.title == "Soft labels · student"
    assert matrices.difference(other, one).values == pytest.approx(0.05 * np.array([[-1, 1], [1, -1]]), abs=1e-6)
    assert one.rows == ["cat", "dog"]
    with pytest.raises(CompareError, match="not about the same things"):
        matrices.difference(one, matrices.Matrix(other.values, ["fox", "dog"], other.columns, 1))


def test_distributions_of_runs_are_rows_of_one_matrix(home: Path) -> None:
    sides = Comparison.of(pair(home)).sides
    kind = matrices.distributions(sides)[0]
    found = matrices.rows_of(sides[:2], kind)
    assert found is not None and (kind.title, found[1].columns) == ("Class accuracy", ["cat", "dog"])
    assert found[1].values.tolist() == [[90.0, 89.0], [90.5, 89.5]]
    assert matrices.rows_of([], kind) is None


def test_a_colour_stays_when_others_come_and_go(home: Path) -> None:
    names = [f"run-{n}" for n in range(20)]
    first = colours.number_of(home, names[:3])
    assert {n: colours.number_of(home, names)[n] for n in names[:3]} == first
    assert colours.number_of(home, list(reversed(names)))[names[1]] == first[names[1]]
    assert len(set(colours.number_of(home, names).values())) == 20


def test_a_saved_comparison_comes_back_also_after_its_runs_moved_as_a_whole(home: Path, tmp_path: Path) -> None:
    paths = pair(home)
    saved.save(home, saved.Saved("KD / labels", tuple(paths), paths[3], (paths[1],)))
    assert saved.names(home) == ["KD / labels"]
    elsewhere = home.rename(tmp_path / "elsewhere")
    found = saved.load(elsewhere, "KD / labels")
    assert [p.name for p in found.runs] == [p.name for p in paths] and all(p.is_dir() for p in found.runs)
    assert (found.baseline.name, [p.name for p in found.hidden]) == ("kd-s0", ["labels-s1"])
    saved.delete(elsewhere, "KD / labels")
    with pytest.raises(CompareError, match="no comparison named"):
        saved.load(elsewhere, "KD / labels")


def test_the_page_needs_nothing_else_and_says_what_the_comparison_says(home: Path, tmp_path: Path) -> None:
    found = Comparison.of([*pair(home), told(home, "a<b>-s0", {"methods": {"kd": {"temperature": 9.0}}}, 0, 95.0).path])
    page.write(found, tmp_path / "report.html")
    made = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|@import|url\(|(src|href)=\"(?!data:)", made)
    assert "a&lt;b&gt;" in made and "a<b>" not in made
    assert "+1.10 [+0.85, +1.35]" in made and "methods.kd.temperature" in made
    assert made.count("<polyline") > 10 and made.count("data:image/png;base64,") >= 7


def test_the_report_wears_the_colours_of_the_window() -> None:
    from engine.shipped import place
    from kdstudio import theme

    style = (place("assets") / "report" / "report.css").read_text(encoding="utf-8")
    light, dark = style.split("@media", 1)
    for scheme, series in ((light, theme.SERIES_LIGHT), (dark, theme.SERIES_DARK)):
        assert re.findall(r"--s\d: (#\w+)", scheme) == list(series)
    assert len(theme.SERIES_LIGHT) == colours.HUES


def test_markdown_and_csv_hold_means_gains_and_every_run(home: Path, tmp_path: Path) -> None:
    found = Comparison.of(pair(home))
    made = text.markdown(found)
    assert "| kd | 0, 1, 2 | 91.60 ± 0.56 | +1.10 [+0.85, +1.35] |" in made
    assert "| methods | none | none | none | kd | kd | kd |" in made
    runs, means = text.write_csv(found, tmp_path / "report.csv")
    rows = list(csv.DictReader(runs.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 6 and float(rows[3]["top1"]) == 91.0
    assert (float(rows[0]["distilling/loss least"]), rows[0]["distilling/loss least at"]) == (0.25, "80")
    assert float(list(csv.DictReader(means.read_text(encoding="utf-8").splitlines()))[1]["top1_gain"]) == pytest.approx(1.1)


def test_the_terminal_compares_and_writes_what_is_asked_for(home: Path, tmp_path: Path) -> None:
    names = [path.name for path in pair(home)]
    files = [tmp_path / name for name in ("c.html", "c.md", "c.csv")]
    done = CliRunner().invoke(cli, ["compare", *names, "--runs", str(home), "--baseline", "kd-s0", "--html", str(files[0]),
                                    "--markdown", str(files[1]), "--csv", str(files[2])])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert all(path.is_file() for path in files) and "−1.10" in files[1].read_text(encoding="utf-8")
    refused = CliRunner().invoke(cli, ["compare", "nothing", "--runs", str(home)])
    assert refused.exit_code == 2 and "there is no run 'nothing'" in refused.output


def test_latency_is_a_cost_once_it_was_measured_and_a_damaged_file_says_so(home: Path) -> None:
    paths = pair(home)
    for n, path in enumerate(paths):
        (path / LATENCY).write_text(json.dumps({"machine": "a", "milliseconds": {"1": 1.0 + n, "64": 9.0}}), encoding="utf-8")
    assert "milliseconds_1" in [m.name for m in Comparison.of(paths).metrics]
    assert [p.cost for p in Comparison.of(paths).points("milliseconds_1", "top1")] == [2.0, 5.0]
    (paths[0] / LATENCY).write_text("{", encoding="utf-8")
    with pytest.raises(CompareError, match="delete it and measure anew"):
        Comparison.of(paths)


def test_only_the_curves_that_are_asked_for_are_read(home: Path) -> None:
    run = RunFolder.open(pair(home)[0])
    assert set(run.columns(frozenset({"distilling/loss", "nothing"}))) == {"distilling/loss"}
    assert set(run.curves()) == set(run.columns())
    column = run.columns()["distilling/loss"]
    assert (column.per_epoch, column.clocks.tolist()[:2]) == (10.0, [1.0, 2.0])


def test_what_was_said_but_for_numbers_is_kept_beside_the_log_until_the_log_changes(home: Path) -> None:
    run = RunFolder.open(pair(home)[0])
    first = [type(event).__name__ for event in run.facts()]
    assert first == ["RunStarted", "StageStarted", "Watched", "Watched", "RunEnded"]
    kept = run.path / "columns" / "facts.jsonl"
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 6
    run.append(RunResumed(stage="distilling", step=0, epoch=0, kept=2))
    run.append(Note(text="again"))
    assert [type(event).__name__ for event in run.facts()] == ["RunStarted", "StageStarted", "Note"]
    kept.write_text("torn", encoding="utf-8")
    assert len(run.facts()) == 3
