"""What a sweep reports, from runs made by hand: held against sums on paper, SciPy and what lies in the files."""

from __future__ import annotations

import csv
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import small_runs
from scipy import stats
from small_catalogue import CATALOGUE

from engine import sweeps
from engine.events import Measured, StageEnded
from engine.sweeps import Progress, columns, report

TREE: dict[str, Any] = {
    "title": "Rates | and weights", "notes": "Made by hand.", "run": {"repeats": 3}, "baseline": "labels alone",
    "show": ["time", "agreement", "nothing"],
    "entries": [{"title": "labels alone", "vary": []}, {"title": "KD", "methods": {"kd": {}}}],
    "vary": [{"methods.kd.weight": [0.5, 2]}],
}  # fmt: skip
LAST = {"labels alone": [88.0, 89.0, 87.5], "KD · weight 0.5": [90.0, 90.2, 89.1], "KD · weight 2": [70.0, 80.0, 90.0]}
SECONDS = {"labels alone": [20.0, 22.0, 90.0], "KD · weight 0.5": [44.0, 40.0, 41.0], "KD · weight 2": [33.0, 33.0, 33.0]}
GROWTH = {"labels alone": 10e6, "KD · weight 0.5": 60e6, "KD · weight 2": 5e6}


def made(home: Path, entry: sweeps.Entry, seed: int, n: int) -> None:
    """A finished run of an entry, as its folder would hold it."""
    folder = small_runs.make(home, f"run-{entry.key}-{seed}")
    folder.append(small_runs.started(seed=seed))
    folder.append(StageEnded(stage="data", seconds=1.0, images=0, peak_memory=500_000_000))
    measured = {} if entry.title == "labels alone" else {"agreement": 80.0 + n}
    folder.append(Measured(stage="distilling", step=1, epoch=1, values={"agreement": 1.0} if measured else {}))
    folder.append(Measured(stage="distilling", step=2, epoch=2, values=measured))
    cost = SECONDS[entry.title][n]
    peak = 500_000_000 + int(GROWTH[entry.title])
    folder.append(StageEnded(stage="distilling", seconds=cost, images=9, peak_memory=peak))
    top1 = LAST[entry.title][n]
    results = {"top1_last": top1, "top1": top1 - 1, "epochs": 4, "parameters": 1000, "selection": "last", "seconds": cost}
    folder.append(small_runs.ended(**results))
    Progress(home, "by-hand").began(entry, seed, folder.path.name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Three entries on three seeds; the last seed of the last entry is still to run."""
    for entry in entries():
        for n, seed in enumerate(entry.seeds):
            if (entry.title, n) != ("KD · weight 2", 2):
                made(tmp_path, entry, seed, n)
    return tmp_path


def sweep() -> sweeps.Sweep:
    return sweeps.from_tree(TREE, "by-hand", catalogue=CATALOGUE)


def entries() -> tuple[sweeps.Entry, ...]:
    return sweeps.entries(sweep(), catalogue=CATALOGUE)


def rows(home: Path) -> dict[str, sweeps.Row]:
    return {row.entry.title: row for row in sweeps.rows(sweep(), entries(), Progress(home, "by-hand"))}


def test_a_gain_is_paired_over_the_seeds_that_both_have(home: Path) -> None:
    found = rows(home)
    whole, part = found["KD · weight 0.5"].gain("top1_last"), found["KD · weight 2"].gain("top1_last")
    test = stats.ttest_rel(LAST["KD · weight 0.5"], LAST["labels alone"]).confidence_interval(0.95)
    assert whole is not None and whole.half is not None and whole.pairs == 3
    assert (whole.mean - whole.half, whole.mean + whole.half) == pytest.approx((test.low, test.high))
    assert part is not None and part.pairs == 2 and part.mean == pytest.approx((70 - 88 + 80 - 89) / 2)
    assert found["labels alone"].gain("top1_last") is None


def test_time_and_memory_are_medians_beside_the_baselines(home: Path) -> None:
    row = rows(home)["KD · weight 0.5"]
    assert row.median("time") == 41 / 4, "seconds an epoch"
    assert row.ratio("time") == pytest.approx(41 / 22), "one disturbed run of the baseline does not count"
    assert row.extra("memory") == 50e6


def test_the_last_value_of_a_curve_can_be_shown(home: Path) -> None:
    found = rows(home)
    assert found["KD · weight 0.5"].by_seed("agreement") == {0: 80.0, 1: 81.0, 2: 82.0}
    assert found["labels alone"].by_seed("agreement") == {}
    assert report.unmeasured(sweep(), list(found.values())) == ["nothing"]


def test_the_table_says_it_in_words(home: Path) -> None:
    titles, lines = columns.in_words(list(rows(home).values()), ["time", "agreement", "nothing"], CATALOGUE)
    assert titles == [
        "entry", "runs", "last epoch", "chosen epoch", "to baseline", "time", "memory", "parameters", "agreement",
    ]  # fmt: skip
    assert lines[0] == [
        "labels alone (baseline)", "3 of 3", "88.17 ± 0.76", "87.17 ± 0.76", "–", "×1.00", "+0 MB", "1,000", "–",
    ]  # fmt: skip
    assert lines[1] == [
        "KD · weight 0.5", "3 of 3", "89.77 ± 0.59", "88.77 ± 0.59", "+1.60 [+0.61, +2.59]", "×1.86", "+50 MB", "1,000",
        "81 ± 1",
    ]  # fmt: skip
    assert lines[2][:2] == ["KD · weight 2", "2 of 3"] and lines[2][6] == "-5 MB"


def test_the_files_hold_every_number(home: Path) -> None:
    files = report.write(sweep(), list(rows(home).values()), Progress(home, "by-hand").folder)
    with (files[1].parent / "table.csv").open(newline="") as file:
        table = {line["entry"]: line for line in csv.DictReader(file)}
    kd = table["KD · weight 0.5"]
    assert float(kd["top1_last_mean"]) == pytest.approx(sum(LAST["KD · weight 0.5"]) / 3)
    assert float(kd["top1_last_deviation"]) == pytest.approx(stats.tstd(LAST["KD · weight 0.5"]))
    assert (kd["methods.kd.weight"], kd["seeds"], kd["top1_last_pairs"]) == ("0.5", "0 1 2", "3")
    assert float(kd["memory_extra_bytes"]) == 50e6 and float(kd["time_relative"]) == pytest.approx(41 / 22)
    assert kd["differs"] == "methods none -> kd; methods.kd.weight 0.5"
    assert table["labels alone"]["methods.kd.weight"] == "" == table["labels alone"]["top1_last_gain"]
    with (files[1].parent / "runs.csv").open(newline="") as file:
        runs = list(csv.DictReader(file))
    assert len(runs) == 8 and [float(r["top1_last"]) for r in runs[:3]] == LAST["labels alone"]


def test_the_text_has_the_table_what_it_means_and_the_plots(home: Path) -> None:
    files = report.write(sweep(), list(rows(home).values()), Progress(home, "by-hand").folder)
    text = files[0].read_text(encoding="utf-8")
    assert text.startswith("# Rates | and weights\n\nMade by hand.\n\n| entry | runs |")
    assert "seeds 0, 1, 2; the chosen epoch is the one exported (last)" in text
    assert "* **KD · weight 0.5**: methods none -> kd; methods.kd.weight 0.5\n" in text
    pictures = [p for p in files if p.suffix == ".png"]
    assert {p.name for p in pictures} == {
        "top1-last.png", "top1-last-over-methods-kd-weight.png", "time.png", "time-over-methods-kd-weight.png",
        "agreement.png", "agreement-over-methods-kd-weight.png",
    }  # fmt: skip
    assert all(f"]({p.name})" in text for p in pictures)


def test_a_plot_is_a_picture_of_its_size(home: Path) -> None:
    files = report.write(sweep(), list(rows(home).values()), Progress(home, "by-hand").folder)
    path = next(p for p in files if p.name == "top1-last-over-methods-kd-weight.png")
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG") and struct.unpack(">II", data[16:24]) == (1152, 648)
    assert len(data) > 5000, "something is drawn"


def test_a_title_with_a_bar_stays_in_its_cell() -> None:
    assert report._line(["a | b", "c"]) == "| a \\| b | c |"


def test_nothing_is_reported_while_no_run_is_done(tmp_path: Path) -> None:
    assert report.write(sweep(), list(rows(tmp_path).values()), tmp_path / "sweeps" / "by-hand") == []
    assert not (tmp_path / "sweeps").exists()


def test_a_run_that_has_not_ended_is_no_result(home: Path) -> None:
    entry = entries()[2]
    folder = small_runs.make(home, "unfinished")
    folder.append(small_runs.started(seed=2))
    Progress(home, "by-hand").began(entry, 2, "unfinished")
    assert [run.seed for run in rows(home)["KD · weight 2"].runs] == [0, 1]


def test_plots_are_imported_when_a_report_is_written_and_not_before() -> None:
    names = "'matplotlib' in sys.modules, 'torch' in sys.modules"
    code = f"import engine.cli, engine.sweeps, engine.sweeps.terminal, sys; print({names})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
