"""What a run says while it goes: frozen facts in the past tense, JSON-able, without tensors and without Qt.

`events.jsonl` of a run folder is these, one a line; replaying it gives the live view.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Outcome = Literal["done", "stopped", "failed"]
Severity = Literal["info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a run; `at` is unix time in seconds, `clock` seconds spent running (pauses left out)."""

    at: float = 0.0
    clock: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The experiment is resolved and its folder exists.

    `plan` holds the declarations a screen needs: stages [{name, title, help}], terms [{name, title, weight, scale,
    help}], watches [{name, kind, title, every, unit, help, stage}], classes [names], epochs, steps_per_epoch,
    parameters, `expected`.
    """

    run: str
    title: str
    folder: str
    seed: int
    group: str
    repeat: int = 0
    repeats: int = 1
    plan: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunResumed(Event):
    """An attempt continued from a checkpoint: of the lines before this one in `events.jsonl`, readers keep the first
    `kept` (the log's length when the checkpoint was written) and drop the rest."""

    stage: str
    step: int
    epoch: int
    kept: int = 0


@dataclass(frozen=True, kw_only=True)
class StageStarted(Event):
    """A named piece of work began; `steps` is its length where known, else 0."""

    stage: str
    title: str
    steps: int = 0
    epochs: int = 0


@dataclass(frozen=True, kw_only=True)
class StageEnded(Event):
    """A stage is over; the ledger of what it cost. Memory in bytes, energy in joules (`None` where nothing counts it)."""

    stage: str
    seconds: float
    images: int
    peak_memory: int
    joules: float | None = None


@dataclass(frozen=True, kw_only=True)
class Step(Event):
    """Means since the last Step of the stage: `values` maps `loss`, `ce`, `<method>.<term>`, `weighted/<method>.<term>`,
    `train_top1`, `learning_rate`, `images_per_second` to numbers."""

    stage: str
    step: int
    steps: int
    epoch: int
    values: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Progressed(Event):
    """How far a stage has come with something that has no steps, such as a download: `done` of `total` (0: unknown), counted
    in `unit` (bytes, images, files), of `what`."""

    stage: str
    what: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True, kw_only=True)
class Evaluated(Event):
    """Accuracy of `who` (student, teacher, student_ema) on a split (held-out, test, train), top-1 and top-5 in percent."""

    who: str
    split: str
    stage: str
    step: int
    epoch: int
    top1: float
    top5: float
    loss: float
    images: int


@dataclass(frozen=True, kw_only=True)
class Measured(Event):
    """Scalars of the probes and of curve watches: `agreement`, `kl_to_teacher`, `ece_student`, `reffakd.gamma`, ..."""

    stage: str
    step: int
    epoch: int
    values: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Watched(Event):
    """One record of a distribution, matrix or images watch: raw bytes in `arrays/<file>` from `offset` on.

    dtype `float32` or `uint8`; images are N x H x W x C uint8 (several rows to compare: R x N x H x W x C), `outputs` N x K
    (`engine.observing.samples`), `affinity` N x P x P, `templates` R x N x H x W, of the images of `samples`. A `table` watch
    has no array but `rows`, a list of {label, value, note}. `labels` names axis entries where they are known.
    """

    watch: str
    kind: str
    stage: str
    step: int
    epoch: int
    file: str = ""
    offset: int = 0
    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    rows: tuple[dict[str, Any], ...] = ()
    labels: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Finding(Event):
    """A failure signature was seen: a sentence, its evidence, the criterion, and a fix to apply to a copy.

    `fix` maps dotted settings to values (`methods.reffakd.optimizer: adam`), empty where none helps.
    """

    check: str
    severity: Severity
    sentence: str
    evidence: dict[str, float]
    criterion: str
    fix: dict[str, Any]
    stage: str
    step: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Saved(Event):
    """A file of the run was written: kind is checkpoint, student or preset; `path` is relative to the run folder."""

    kind: str
    path: str
    step: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """A sentence for the log."""

    text: str
    severity: Severity = "info"


@dataclass(frozen=True, kw_only=True)
class WeightMoved(Event):
    """A person moved the weight of a term (`ce` or `<method>.<term>`) while the run went on; both are meant after warm-up.
    From here on the run is no longer what its settings say, and is left out of paired comparison."""

    term: str
    before: float
    after: float
    stage: str
    step: int
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Paused(Event):
    """The run waits for `resume` or `stop`."""


@dataclass(frozen=True, kw_only=True)
class Unpaused(Event):
    """The run goes on."""


@dataclass(frozen=True, kw_only=True)
class Refused(Event):
    """The experiment cannot run: problems as [{path, sentence}]."""

    problems: tuple[dict[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class RunEnded(Event):
    """The last word of an attempt, unless the process was killed. `results` holds what the runs table shows:
    top1_last, top1_best, best_epoch, selection, agreement, parameters, seconds, ... (percent, seconds)."""

    outcome: Outcome
    sentence: str
    results: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GroupEnded(Event):
    """All repeats of an experiment are over: mean and standard deviation (n - 1) over `runs` that finished; one run alone
    has no deviation."""

    group: str
    runs: tuple[str, ...]
    means: dict[str, float]
    deviations: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class SweepStarted(Event):
    """A sweep began, or went on: the titles of its entries in order, the one they are compared with, how many runs there are in
    all and how many of them are done."""

    sweep: str
    title: str
    folder: str
    entries: tuple[str, ...]
    baseline: str
    runs: int
    done: int


@dataclass(frozen=True, kw_only=True)
class SweepProgressed(Event):
    """The next run of a sweep belongs to an entry (`number` of `entries`, from 1); `done` of `runs` are behind, and about
    `seconds_left` are ahead (None before the first run has ended)."""

    entry: str
    number: int
    entries: int
    done: int
    runs: int
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class EntryEnded(Event):
    """An entry of a sweep is over for this attempt: its finished runs, and mean and standard deviation of their accuracies. The
    outcome may also be `refused`; the sentence says why it is not done."""

    entry: str
    outcome: str
    sentence: str
    runs: tuple[str, ...]
    means: dict[str, float]
    deviations: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class SweepEnded(Event):
    """The last word of an attempt at a sweep; `files` of the report lie in `folder`."""

    outcome: Outcome
    sentence: str
    folder: str
    files: tuple[str, ...]


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        RunStarted, RunResumed, StageStarted, StageEnded, Step, Progressed, Evaluated, Measured, Watched, Finding, Saved, Note,
        WeightMoved, Paused, Unpaused, Refused, RunEnded, GroupEnded, SweepStarted, SweepProgressed, EntryEnded, SweepEnded,
    )
}  # fmt: skip


def to_line(event: Event) -> str:
    """One line of `events.jsonl`. A non-finite number is written as {"nonfinite": "nan"}, for JSON has none."""
    data = {"event": type(event).__name__, **asdict(event)}
    try:
        return json.dumps(data, allow_nan=False, ensure_ascii=False)
    except ValueError:
        return json.dumps(_spelled(data), allow_nan=False, ensure_ascii=False)


def from_line(line: str) -> Event:
    """The event of one line. Raises ValueError for a line that is not one (a torn last line after a kill)."""
    data = _numbered(json.loads(line))
    if not isinstance(data, dict) or data.get("event") not in KINDS:
        raise ValueError(f"not an event: {line[:80]!r}")
    kind = KINDS[data.pop("event")]
    known = {f.name for f in fields(kind)}
    made: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
    return kind(**made)


_WORDS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def _spelled(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _spelled(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spelled(v) for v in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"nonfinite": str(value)}
    return value


def _numbered(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"nonfinite"}:
            return _WORDS[value["nonfinite"]]
        return {k: _numbered(v) for k, v in value.items()}
    return [_numbered(v) for v in value] if isinstance(value, list) else value
