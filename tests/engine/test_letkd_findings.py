"""What goes wrong with letKD's layers is found, with a fix that the experiment takes, and is not found where nothing is wrong;
and whole runs say, keep and resume what the layers are about."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine import extras, load_student, presets, rules, session
from engine.control import Control
from engine.events import Event, Finding, Measured, Note, Progressed, StageStarted, Watched
from engine.method import find
from engine.templates.checks import of

CHECKS = {check.key: check for check in of("letkd")}
QUICK: dict[str, Any] = {
    "dataset.subset": 0.2,
    "training.epochs": 3,
    "training.batch_size": 32,
    "teacher.source": "scratch",
    "run.threads": 1,
    "run.precision": "float32",
    "run.probe_images": 32,
    "run.report_every": 2,
    "methods.letkd.templates": 8,
    "methods.letkd.subclasses": 2,
}


def settings(**given: Any) -> Mapping[str, Any]:
    return {"methods": {"letkd": given}}


def over_epochs(**values: list[float]) -> dict[str, list[tuple[int, float]]]:
    return {f"letkd.{name}": list(enumerate(each, start=1)) for name, each in values.items()}


def test_every_check_reads_what_is_measured() -> None:
    kind = find("letkd")
    measured = {f"letkd.{w.name}" for w in kind.watches if w.kind == "curve"} | {"letkd.parameters"}
    assert {name for check in kind.checks for name in check.reads} <= measured


@pytest.mark.parametrize(
    ("key", "layer", "setting", "count"),
    [("letkd.templates-die", "penult", "templates", 4096), ("letkd.sub-classes-die", "inter", "subclasses", 8)],
)
def test_a_student_that_uses_a_quarter_of_the_teachers_templates_is_found(
    key: str, layer: str, setting: str, count: int
) -> None:
    few = over_epochs(**{f"{layer}_perplexity": [400, 240.0, 230, 220], f"{layer}_perplexity_teacher": [1000.0] * 4})
    found = CHECKS[key].look(few, settings(layers="both"))
    assert found is not None and "as many as 220.0 used evenly" in found.sentence
    assert found.fix == {f"methods.letkd.{setting}": count // 4}
    once = over_epochs(**{f"{layer}_perplexity": [240.0, 260, 220], f"{layer}_perplexity_teacher": [1000.0] * 3})
    assert CHECKS[key].look(once, settings(layers="both")) is None
    early = over_epochs(**{f"{layer}_perplexity": [240.0, 220], f"{layer}_perplexity_teacher": [1000.0] * 2})
    assert CHECKS[key].look(early, settings(layers="both")) is None


def test_a_loss_that_grows_on_held_out_images_alone_is_found_with_the_epoch_before() -> None:
    look = CHECKS["letkd.overfits"].look
    found = look(over_epochs(penult_gap=[0.9, 1.1, 1.3, 1.4, 1.5, 1.6]), settings())
    assert found is not None and found.fix == {"training.epochs": 2} and "1.60 times" in found.sentence
    assert look(over_epochs(penult_gap=[0.9, 1.1, 1.7, 1.6, 1.7, 1.8]), settings()) is None
    assert look(over_epochs(penult_gap=[0.9, 1.0, 1.1, 1.2, 1.3, 1.4]), settings()) is None
    assert look(over_epochs(penult_gap=[float("nan")] * 5), settings()) is None


def test_a_student_larger_than_its_teacher_is_found_with_the_templates_that_fit() -> None:
    sizes = over_epochs(parameters=[914_808.0], parameters_teacher=[861_620.0], parameters_penult=[532_482.0])
    found = CHECKS["letkd.larger-than-teacher"].look(sizes, settings(layers="both"))
    assert found is not None and found.fix == {"methods.letkd.templates": 2048} and "914,808" in found.sentence
    assert 914_808 - 532_482 + 2 * 64 * 2048 + 2 * 2048 + 2 <= 861_620
    small = over_epochs(parameters=[814_808.0], parameters_teacher=[861_620.0], parameters_penult=[532_482.0])
    assert CHECKS["letkd.larger-than-teacher"].look(small, settings(layers="both")) is None
    hopeless = over_epochs(parameters=[914_808.0], parameters_teacher=[1000.0], parameters_penult=[532_482.0])
    hopeless_found = CHECKS["letkd.larger-than-teacher"].look(hopeless, settings(layers="both"))
    assert hopeless_found is not None and hopeless_found.fix == {}


def quick(preset: str = "experiments/digits-letkd", **changes: Any) -> presets.Resolved:
    """A shipped experiment made small, with a teacher that has learned nothing; keywords use `__` for dots."""
    return presets.resolve(preset, form=QUICK | {k.replace("__", "."): v for k, v in changes.items()})


def ran(resolved: presets.Resolved, home: Path) -> tuple[session.Outcome, list[Event]]:
    said: list[Event] = []
    outcome = session.run(resolved, said.append, Control(), home=home)
    assert outcome.outcome == "done"
    return outcome, said


def findings(said: list[Event]) -> dict[str, Finding]:
    return {e.check: e for e in said if isinstance(e, Finding) and e.check.startswith("letkd.")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[session.Outcome, list[Event]]:
    """One uninterrupted quick run of letKD-2."""
    return ran(quick(), tmp_path_factory.mktemp("runs"))


def test_a_run_shows_its_templates_decisions_and_what_the_layers_cost(whole: tuple[session.Outcome, list[Event]]) -> None:
    outcome, said = whole
    shown = {e.watch for e in said if isinstance(e, Watched)} | {n for e in said if isinstance(e, Measured) for n in e.values}
    active = {f"letkd.{w.name}" for w in find("letkd").watches} - {"letkd.inner_clusters"}
    assert active <= shown
    told = {(e.stage, e.what) for e in said if isinstance(e, Progressed)}
    assert {("letkd.decisions", "k-means within classes"), ("letkd.templates", "k-means")} <= told
    results = outcome.results[0]
    layers = (2 * 64 * 8 + 2 * 8 + 2) + (2 * 64 * 20 + 2 * 20 + 2)
    assert results["parameters"] - results["parameters_bare"] == layers
    assert results["multiply_adds"] - results["multiply_adds_bare"] == 2 * 64 * (8 + 20) * 4
    assert results["milliseconds"] > 0 and results["milliseconds_bare"] > 0
    assert not {"letkd.larger-than-teacher", "letkd.unused"} & set(findings(said))


def test_the_student_is_exported_with_its_layers_and_works_without_teacher_or_preparation(
    whole: tuple[session.Outcome, list[Event]],
) -> None:
    path = whole[0].folders[0] / "student.safetensors"
    net = load_student(path)
    assert [part["name"] for part in net.parts] == ["letkd_inter", "letkd_penult"]
    assert net(torch.rand(2, 1, 8, 8)).shape == (2, 10)
    assert not any("centroids" in name or "matrix" in name for name in load_file(path))


@pytest.mark.parametrize("what", ["teacher's maps", "k-means within classes", "k-means"])
def test_a_preparation_that_is_stopped_goes_on_to_the_same_student(
    what: str, whole: tuple[session.Outcome, list[Event]], tmp_path: Path
) -> None:
    control, said = Control(), list[Event]()

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Progressed) and event.what == what:
            control.stop()

    stopped = session.run(quick(), sink, control, home=tmp_path)
    assert stopped.outcome == "stopped"
    after: list[Event] = []
    path = stopped.folders[0]
    resumed = session.run(session.resumable(path), after.append, Control(), home=tmp_path, resume=path)
    if what == "k-means":  # the stage before is not done again
        assert "letkd.decisions" not in {e.stage for e in after if isinstance(e, StageStarted)}
    one, other = (load_file(o.folders[-1] / "student.safetensors") for o in (whole[0], resumed))
    assert one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_layers_without_effect_are_found_unused(tmp_path: Path) -> None:
    _, said = ran(quick(methods__letkd__alpha_penult=0.0, methods__letkd__alpha_inter=0.0, training__epochs=5), tmp_path)
    found = findings(said)["letkd.unused"]
    assert found.evidence["letkd.with_layers"] == found.evidence["letkd.without_layers"]


def test_a_layer_that_outgrows_the_teacher_is_warned_of_and_found_and_its_fix_mends_it(tmp_path: Path) -> None:
    large = quick(methods__letkd__templates=4096, methods__letkd__layers="penultimate", methods__letkd__penult="none")
    (warning,) = (w for w in rules.warnings(large.experiment) if w.path == "methods.letkd")
    assert "more than its teacher's 272,186" in warning.sentence
    _, said = ran(large, tmp_path)
    found = findings(said)["letkd.larger-than-teacher"]
    mended = quick(
        methods__letkd__layers="penultimate",
        methods__letkd__penult="none",
        **{k.replace(".", "__"): v for k, v in found.fix.items()},
    )
    assert "methods.letkd" not in {w.path for w in rules.warnings(mended.experiment)}
    assert any("more than its teacher" in e.text for e in said if isinstance(e, Note))


def test_an_unsupervised_layer_has_no_term_and_no_stage_and_stays_in_a_stack(tmp_path: Path) -> None:
    outcome, said = ran(quick("experiments/digits-fitnet-layer", training__epochs=1), tmp_path)
    assert "letkd.templates" not in {e.stage for e in said if isinstance(e, StageStarted)}
    assert outcome.results[0]["parameters"] > outcome.results[0]["parameters_bare"]


def test_decisions_are_refused_without_labels_and_templates_are_not() -> None:
    def paths(**changes: Any) -> list[str]:
        return [p.path for p in rules.problems(quick(dataset__labels=False, **changes).experiment)]

    assert "dataset.labels" in paths()
    assert paths(methods__letkd__inter="k-means") == []
    assert paths(methods__letkd__layers="penultimate") == []


def test_the_plan_counts_the_layers_beside_the_bare_student() -> None:
    experiment = presets.resolve("experiments/cifar100-resnet56-resnet20-letkd-2").experiment
    assert rules.staying(experiment, extras.catalogue()) == {"letkd": (636_484, 40_108_032)}
    assert rules.staying(presets.resolve("experiments/digits-kd").experiment) == {}


def test_layers_that_change_a_decision_now_and_then_are_not_unused() -> None:
    look = CHECKS["letkd.unused"].look
    assert look(over_epochs(with_layers=[90.0, 90, 90, 90, 90], without_layers=[90.0, 90, 90, 90, 90]), settings()) is not None
    assert look(over_epochs(with_layers=[90.0, 90, 90, 90, 90], without_layers=[90.0, 90, 89, 90, 90]), settings()) is None
    assert look(over_epochs(with_layers=[90.0] * 4, without_layers=[90.0] * 4), settings()) is None
