"""The entries of a sweep: each an ordinary experiment with a title that says in what it differs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine import extras, rules
from engine.cards import Catalogue
from engine.knobs import did_you_mean
from engine.presets import PresetError, Problem, Resolved, layered
from engine.presets.schema import kind_of
from engine.sweeps import contents
from engine.sweeps.declared import Start, Sweep
from engine.sweeps.values import draws, grid

TRIES = 50
"""Draws for each one wanted before a sweep settles for fewer: a few lists have only so many combinations."""


@dataclass(frozen=True)
class Entry:
    """One thing that a sweep tries. `varied` are the values it has by dotted path, `start` the title of the entry it is made
    from (empty: the sweep's own preset), `after` that of the earlier entry whose students it starts from, and `key` a digest
    of all that matters."""

    title: str
    resolved: Resolved
    varied: Mapping[str, Any]
    start: str
    after: str
    key: str

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds it runs on, in order."""
        run = self.resolved.experiment.run
        return tuple(range(run.seed, run.seed + run.repeats))


def entries(sweep: Sweep, sets: Sequence[str] = (), *, catalogue: Catalogue | None = None) -> tuple[Entry, ...]:
    """All entries in the order they run, `--set` texts laid over each. Those that differ in nothing that matters are one.
    Raises PresetError where one cannot be resolved, and for a baseline or a start that none of them is."""
    known = catalogue or extras.catalogue()
    made: list[Entry] = []
    for n, start in enumerate(sweep.tried.starts()):
        made += _of(sweep, n, start, sets, known, made)
    problems = [*_alike(sweep, made), *_uneven(sweep, made), *_baseline(sweep, made)]
    if problems:
        raise PresetError(problems)
    return tuple(made)


def refusals(entry: Entry, *, home: Path | None = None, catalogue: Catalogue | None = None) -> tuple[Problem, ...]:
    """Why an entry cannot run; a student that an earlier entry is still to make is taken as made."""
    found = rules.problems(entry.resolved.experiment, catalogue, home=home)
    return tuple(p for p in found if not (entry.after and p.path == "student.run"))


def _of(
    sweep: Sweep, n: int, start: Start | None, sets: Sequence[str], catalogue: Catalogue, before: Sequence[Entry]
) -> list[Entry]:
    """The entries made from one start, each once."""
    draw, axes = sweep.tried.draw, sweep.tried.axes(start)
    known = {entry.key for entry in before}
    found: list[Entry] = []
    for varied in _combinations(sweep, axes, catalogue):
        entry = _resolved(sweep, n, start, varied, sets, catalogue, before)
        if entry.key in known or not _meant(sweep, entry, catalogue):
            continue
        known.add(entry.key)
        found.append(entry)
        if draw is not None and axes and len(found) == draw.count:
            break
    return found


def _combinations(sweep: Sweep, axes: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> Iterable[dict[str, Any]]:
    def kind(path: str) -> str:
        return kind_of(path, catalogue)

    draw = sweep.tried.draw
    if draw is None or not axes:
        return grid(axes, kind)
    return itertools.islice(draws(axes, kind, draw.seed), TRIES * draw.count)


def _resolved(
    sweep: Sweep, n: int, start: Start | None, varied: Mapping[str, Any], sets: Sequence[str], catalogue: Catalogue,
    before: Sequence[Entry],
) -> Entry:  # fmt: skip
    title, after = (start.title, start.starts_from) if start else ("", "")
    layers = [sweep.base, *([sweep.overlays[n]] if start else [])]
    values = {**varied, **({"student.source": "run"} if after else {})}
    try:
        found = layered(layers, sweep.name, values, sets, beside=sweep.folder, catalogue=catalogue)
    except PresetError as error:
        raise PresetError(_placed(sweep, p, _place(sweep, n, start)) for p in error.problems) from error
    said = " · ".join(part for part in (title, contents.words(varied, found.experiment, catalogue)) if part)
    experiment = found.experiment.model_copy(update={"title": f"{said} · {sweep.title}", "notes": sweep.notes})
    source = _source(sweep, n, after, before)
    key = contents.key(experiment, catalogue, source)
    return Entry(said, replace(found, experiment=experiment), varied, title, after, key)


def _place(sweep: Sweep, n: int, start: Start | None) -> str:
    """Where what is varied of an entry is written."""
    return "vary" if start is None or start.vary is None else f"entries.{n}.vary"


def _placed(sweep: Sweep, problem: Problem, place: str) -> Problem:
    """A problem of a varied value, which knows no line, at the line of the setting in the sweep."""
    written = [p for p in sweep.document.keys if p.startswith(f"{place}.") and p.endswith(f".{problem.path}")]
    if problem.file or not written:
        return problem if problem.file else replace(problem, file=sweep.document.file)
    return sweep.document.problem(written[0], problem.sentence, at="key")


def _source(sweep: Sweep, n: int, after: str, before: Sequence[Entry]) -> str:
    """The key of the entry whose students another starts from; empty where it starts afresh. Raises PresetError where no
    earlier entry has this title."""
    if not after:
        return ""
    titles = {entry.title: entry.key for entry in before}
    if after not in titles:
        sentence = f"no entry before this one is called {after!r}{did_you_mean(after, titles) or _listed(titles)}"
        raise PresetError([sweep.document.problem(f"entries.{n}.starts_from", sentence)])
    return titles[after]


def _listed(titles: Iterable[str]) -> str:
    named = list(titles)
    return f"; there {'are' if len(named) > 1 else 'is'} {', '.join(named)}" if named else "; it is the first"


def _meant(sweep: Sweep, entry: Entry, catalogue: Catalogue) -> bool:
    """Whether `only` and `except` leave a combination in; what is not varied of a start alone is always meant."""
    if not entry.varied:
        return True
    values = contents.settings(entry.resolved.experiment, catalogue)

    def fits(condition: Mapping[str, Any]) -> bool:
        return all(values.get(p) in (allowed if isinstance(allowed, list) else [allowed]) for p, allowed in condition.items())

    only, excepted = sweep.tried.only, sweep.tried.excepted
    return (not only or any(map(fits, only))) and not any(map(fits, excepted))


def _alike(sweep: Sweep, made: Sequence[Entry]) -> Iterator[Problem]:
    """Entries that nobody could tell apart, and a sweep without any."""
    titles = [entry.title for entry in made]
    for title in dict.fromkeys(t for t in titles if titles.count(t) > 1):
        yield sweep.document.problem("entries", f"{titles.count(title)} entries are called {title!r}; name them apart")
    if not made:
        yield sweep.document.problem("only" if sweep.tried.only else "except", "no combination is left to run")


def _uneven(sweep: Sweep, made: Sequence[Entry]) -> Iterator[Problem]:
    """Entries on other seeds than the first, which an entry's own `extends` may bring."""
    for entry in made[1:]:
        if entry.seeds != made[0].seeds:
            sentence = (
                f"{entry.title!r} runs on other seeds than {made[0].title!r}; set run.seed and run.repeats for the whole sweep"
            )
            yield sweep.document.problem("entries", sentence)


def _baseline(sweep: Sweep, made: Sequence[Entry]) -> Iterator[Problem]:
    wanted, titles = sweep.tried.baseline, [entry.title for entry in made]
    if wanted and made and wanted not in titles:
        yield sweep.document.problem(
            "baseline", f"no entry is called {wanted!r}{did_you_mean(wanted, titles) or _listed(titles)}"
        )
