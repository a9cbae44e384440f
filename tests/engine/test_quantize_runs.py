"""Whole runs of quantized students: what they say and leave, that they go on exactly, and where they may start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine import load_student, presets, rules, session
from engine.control import Control
from engine.events import Event, Measured, Note, RunEnded, RunStarted, Step, Watched
from engine.export import bundle, packed
from engine.export.student import StudentError
from engine.extras import catalogue
from engine.quantize.wrapping import layers_of, quantizers_of

QUICK: dict[str, Any] = {
    "dataset.subset": 0.3, "training.epochs": 2, "training.batch_size": 32, "run.threads": 1, "run.report_every": 2,
    "run.probe_images": 32, "run.save_every": 1, "run.compile": "off", "run.precision": "float32",
}  # fmt: skip
Ran = tuple[session.Outcome, list[Event]]


def quick(preset: str = "experiments/digits-quantized", **changes: Any) -> presets.Resolved:
    """A shipped experiment made small; keywords use `__` for dots."""
    return presets.resolve(preset, form=QUICK | {k.replace("__", "."): v for k, v in changes.items()})


def ran(resolved: presets.Resolved, home: Path, sink: Callable[[Event], None] = lambda event: None, **more: Any) -> Ran:
    said: list[Event] = []

    def both(event: Event) -> None:
        said.append(event)
        sink(event)

    return session.run(resolved, both, more.pop("control", Control()), home=home, **more), said


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return ran(quick(), tmp_path_factory.mktemp("runs"))


def notes(said: list[Event]) -> str:
    return "\n".join(event.text for event in said if isinstance(event, Note))


def test_a_run_counts_what_it_quantized(whole: Ran) -> None:
    assert "Quantized are 7 layers with 73,872 of 77,072 weights" in notes(whole[1])


def test_every_watch_of_the_quantizers_is_announced_and_shown(whole: Ran) -> None:
    _, said = whole
    plan = next(e for e in said if isinstance(e, RunStarted)).plan
    announced = {w["name"] for w in plan["watches"] if w["name"].startswith("quantization.")}
    shown = {e.watch for e in said if isinstance(e, Watched)} | {n for e in said if isinstance(e, Measured) for n in e.values}
    assert plan["quantization"] == "4-bit weights, 4-bit activations"
    assert announced - shown == {"quantization.flips"}  # this run is shorter than a window
    matrices = {e.watch: e for e in said if isinstance(e, Watched) and e.watch.startswith("quantization.")}
    weights = matrices["quantization.weights"]
    assert weights.shape == (7, 129) and len(weights.labels["edges"]) == 130
    assert weights.labels["levels"] == list(range(-7, 8))
    assert matrices["quantization.levels"].shape == (7, 15)
    assert matrices["quantization.activation_levels"].shape == (4, 16)
    assert matrices["quantization.steps"].shape == matrices["quantization.clipped"].shape == (4,)


def test_the_results_state_the_bytes_that_the_plan_foresaw(whole: Ran) -> None:
    results = whole[0].results[0]
    foreseen = rules.quantized(quick().experiment)
    assert (results["bytes"], results["bytes_float32"]) == (foreseen.packed, foreseen.plain) == (55_276, 313_784)
    assert results["compression"] == pytest.approx(5.68, abs=0.01)


def test_the_exported_student_is_quantized_and_packed_to_the_very_same_logits(whole: Ran, tmp_path: Path) -> None:
    written = bundle.write(whole[0].folders[0], tmp_path)
    assert [path.name for path in written] == ["student.safetensors", "preset.yaml", packed.FILE]
    own, small = load_student(written[0]), load_student(written[2])
    x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert all(len(layer.quantizer(layer.weight).unique()) <= 15 for layer in layers_of(own))
    assert torch.equal(own(x), small(x))
    assert 0 < written[2].stat().st_size - whole[0].results[0]["bytes"] < 10_000  # names and shapes
    assert load_student(written[0]).quantize["weights"] == 4


def test_weights_of_exactly_zero_are_not_packed_in_one_bit(whole: Ran, tmp_path: Path) -> None:
    outcome, _ = ran(quick(student__quantize__weights=1, training__epochs=1), tmp_path)
    net = load_student(outcome.folders[0] / "student.safetensors")
    packed.write(tmp_path / "x.safetensors", net, {})
    with torch.no_grad():
        next(layers_of(net)).weight[0, 0, 0, 0] = 0.0
    with pytest.raises(StudentError, match="exactly 0 cannot be packed in 1 bit"):
        packed.write(tmp_path / "y.safetensors", net, {})
    assert not (tmp_path / "y.safetensors").exists()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_levels_survive_packing(bits: int) -> None:
    most = 1 if bits == 1 else packed.highest(bits)
    q = torch.randint(-most, most + 1, (3, 5, 7), generator=torch.Generator().manual_seed(0)).float()
    q = torch.where(q == 0, 1.0, q) if bits == 1 else q
    found = packed.pack(q, bits)
    assert (found.dtype, len(found)) == (torch.uint8, -(-q.numel() * bits // 8))
    assert torch.equal(packed.unpack(found, bits, list(q.shape)), q)


def test_a_resumed_run_ends_with_the_same_quantized_student(tmp_path: Path) -> None:
    changes = {"training__ema": 0.9, "student__quantize__blend": "binaryrelax", "training__epochs": 3}
    outcome, _ = ran(quick(**changes), tmp_path / "whole")
    control = Control()

    def stop(event: Event) -> None:
        if isinstance(event, Step) and event.step >= 16:
            control.stop()

    cut, _ = ran(quick(**changes), tmp_path / "cut", stop, control=control)
    assert cut.outcome == "stopped"
    resumed, _ = ran(session.resumable(cut.folders[0]), tmp_path / "cut", resume=cut.folders[0])
    one, other = (load_file(o.folders[0] / "student.safetensors") for o in (outcome, resumed))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_student_goes_on_from_a_quantized_one_with_its_steps_and_from_a_float_one(tmp_path: Path) -> None:
    first, _ = ran(quick(student__quantize__weights=32, training__epochs=1), tmp_path)
    started = load_file(first.folders[0] / "student.safetensors")
    frozen = {"training__learning_rate": 1e-12, "training__epochs": 1, "student__quantize__weights": 1}
    second, said = ran(quick(student__source="run", student__run=first.folders[0].name, **frozen), tmp_path)
    assert "7 layers" in notes(said)
    net = load_student(second.folders[0] / "student.safetensors")
    assert torch.allclose(net.state_dict()["conv1.weight"], started["conv1.weight"])
    assert {f"{path}.step": q.step.item() for path, q in quantizers_of(net)} == pytest.approx(
        {name: value.item() for name, value in started.items() if name.endswith(".step")}
    )
    in_float = {**frozen, "student__quantize__weights": 32, "student__quantize__activations": 32}
    third, _ = ran(quick(student__source="run", student__run=second.folders[0].name, **in_float), tmp_path)
    plain = load_student(third.folders[0] / "student.safetensors")
    assert plain.quantize == {} and "compression" not in third.results[0]


@pytest.mark.parametrize("changes", [{"run__precision": "bfloat16"}, {"student__quantize__weights": 8}])
def test_methods_teach_a_quantized_student_and_a_quantized_student_teaches(
    changes: dict[str, Any], whole: Ran, tmp_path: Path
) -> None:
    teacher = {"teacher__net": "resnet8", "teacher__source": "run", "teacher__run": str(whole[0].folders[0])}
    outcome, said = ran(quick("experiments/digits-quantized-kd", training__epochs=1, **teacher, **changes), tmp_path)
    assert outcome.outcome == "done", next(e.sentence for e in said if isinstance(e, RunEnded))


def test_nothing_of_quantization_is_said_in_float32(tmp_path: Path) -> None:
    outcome, said = ran(quick("experiments/digits-quantized-twin", training__epochs=1), tmp_path)
    watches = next(e for e in said if isinstance(e, RunStarted)).plan["watches"]
    assert not any(w["name"].startswith("quantization.") for w in watches)
    assert not any(n.startswith("quantization.") for e in said if isinstance(e, Measured) for n in e.values)
    assert "bytes_float32" not in outcome.results[0] and "Quantized" not in notes(said)


def test_nets_without_relu_modules_are_refused_before_anything_is_loaded() -> None:
    experiment, known = quick().experiment, catalogue()
    card = known.nets["resnet8"]
    assert card.layers is not None
    smooth = replace(card, layers=replace(card.layers, activations=0))
    [problem] = rules.problems(experiment, replace(known, nets={**known.nets, "resnet8": smooth}))
    assert problem.path == "student.quantize.activations"
    assert "ResNet-8 does not put its activations out by ReLU modules alone" in problem.sentence


def test_float16_is_refused_where_steps_are_learned() -> None:
    found = {p.path: p.sentence for p in rules.problems(quick(run__precision="float16").experiment)}
    assert "bounded" in found["run.precision"]
    assert rules.problems(quick(run__precision="float16", student__quantize__steps="fixed").experiment) == ()
