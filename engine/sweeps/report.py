"""What a sweep leaves behind: its table as CSV and Markdown, every run as CSV, and plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine import extras
from engine.cards import Catalogue
from engine.sweeps import columns
from engine.sweeps.declared import Sweep
from engine.sweeps.table import CHOSEN, LAST, MEMORY, TIME, Row
from engine.whole import write_whole

TABLE, RUNS, TEXT = "table.csv", "runs.csv", "report.md"


def write(sweep: Sweep, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Write everything into the sweep's folder, over what an earlier report left; nothing while no run is done. The files."""
    if not any(row.runs for row in rows):
        return []
    from engine.sweeps import plots

    catalogue, show = extras.catalogue(), sweep.tried.show
    _write_csv(folder / TABLE, columns.in_numbers(rows, show, catalogue))
    _write_csv(folder / RUNS, [_of_run(row, n, show) for row in rows for n in range(len(row.runs))])
    pictures = plots.draw(sweep, rows, folder, catalogue)
    for stale in set(folder.glob("*.png")) - set(pictures):
        stale.unlink()
    text = markdown(sweep, rows, catalogue, [path.name for path in pictures])
    write_whole(folder / TEXT, text.encode("utf-8"))
    return [folder / TEXT, folder / TABLE, folder / RUNS, *pictures]


def unmeasured(sweep: Sweep, rows: Sequence[Row]) -> list[str]:
    """What `show` names that no finished run has; nothing while none is done."""
    return [name for name in sweep.tried.show if any(row.runs for row in rows) and not any(row.by_seed(name) for row in rows)]


def markdown(sweep: Sweep, rows: Sequence[Row], catalogue: Catalogue, pictures: Sequence[str] = ()) -> str:
    """The report as text: what was asked, the table, what its columns mean, what differs, and the plots."""
    titles, lines = columns.in_words(rows, sweep.tried.show, catalogue)
    return "\n".join([
        f"# {sweep.title}", "", *([sweep.notes, ""] if sweep.notes else []),
        _line(titles), "|---|" + "---:|" * (len(titles) - 1), *(_line(line) for line in lines), "",
        meaning(rows), "", "## What differs", "", *_differences(rows, catalogue), "",
        *(f"![{Path(name).stem.replace('-', ' ')}]({name})" for name in pictures), "",
    ])  # fmt: skip


def meaning(rows: Sequence[Row]) -> str:
    """What the columns of the table mean, in sentences."""
    first = next((row for row in rows if row.is_baseline), rows[0])
    seeds = ", ".join(str(seed) for seed in first.entry.seeds)
    chosen = sorted({str(run.results["selection"]) for row in rows for run in row.runs if "selection" in run.results})
    return (
        f"Top-1 in percent, mean ± standard deviation over seeds {seeds}; the chosen epoch is the one exported "
        f"({', '.join(chosen)}). To baseline: difference of the last epochs to {first.entry.title!r} on the same seeds, with "
        "the 95 % interval of its mean (Student's t). Time: seconds an epoch, evaluations included, relative to the baseline; "
        "memory: by how much more distilling made the process grow; both medians over the seeds."
    )


def _differences(rows: Sequence[Row], catalogue: Catalogue) -> Iterator[str]:
    first = next((row for row in rows if row.is_baseline), rows[0])
    for row in rows:
        if row is not first:
            yield f"* **{row.entry.title}**: {columns.differs(first, row, catalogue) or 'nothing'}"
            if row.entry.after:
                yield f"  (its students start from those of {row.entry.after!r})"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _of_run(row: Row, n: int, show: Sequence[str]) -> dict[str, Any]:
    run = row.runs[n]
    names = dict.fromkeys((LAST, CHOSEN, "top1_highest", "best_epoch", TIME, MEMORY, "seconds", *show))
    return {"entry": row.entry.title, "seed": run.seed, "run": run.path.name} | {name: run.value(name) for name in names}


def _write_csv(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_whole(path, text.getvalue().encode("utf-8"))
