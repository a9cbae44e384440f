"""CRD: the golden value, what is drawn, what is remembered and when, and that a resumed run remembers it exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, golden, seen_batch, seen_maps, striped_images
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from engine import checkpoint, presets, rules, session
from engine.control import Control
from engine.data import DataError
from engine.events import Event, Finding, Measured, Step
from engine.method import Method, chosen, find
from engine.methods.crd import contrast_loss, fellows, strangers, strangers_again

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 2, 2, 0])
U = torch.tensor([[2, 0.5, 0.1, 0.3], [1, 0.2, 0.4, 0.05]], dtype=torch.float64)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_contrast_is_the_golden_value_and_its_gradient_the_derivative() -> None:
    assert contrast_loss(U, 10).item() == pytest.approx(1.93803008374, rel=1e-9)
    assert torch.autograd.gradcheck(lambda u: contrast_loss(u, 10), (U.clone().requires_grad_(),))


def test_the_contrast_by_loops_is_the_same() -> None:
    u, k, n = golden((3, 5), 0.7).abs() + 0.1, 4, 20
    own = sum(math.log(row[0] / (row[0] + k / n + 1e-7)) for row in u.tolist())
    rest = sum(math.log((k / n) / (v + k / n + 1e-7)) for row in u.tolist() for v in row[1:])
    assert contrast_loss(u, n).item() == pytest.approx(-(own + rest) / 3, rel=1e-12)


@pytest.mark.parametrize("draw", [strangers, strangers_again])
def test_what_is_drawn_is_of_other_classes_each_as_often(draw: Any) -> None:
    y = torch.tensor([0, 2, 1]).repeat(2000)
    found = draw(y, LABELS, 3, chance())
    assert found.shape == (6000, 3)
    assert not (LABELS[found] == y[:, None]).any()
    for c in range(3):
        counts = torch.bincount(found[y == c].flatten(), minlength=9)
        allowed = LABELS.ne(c)
        assert (counts[~allowed] == 0).all()
        assert counts[allowed] == pytest.approx(6000 / int(allowed.sum()), rel=0.12)


def test_no_image_is_drawn_twice_where_there_are_enough_and_some_are_where_there_are_not() -> None:
    y = torch.tensor([0, 1, 2, 2])
    once = strangers(y, LABELS, 5, chance())
    assert all(len(set(row)) == 5 for row in once.tolist())
    assert strangers_again(y, LABELS, 40, chance()).shape == (4, 40)


def test_one_generator_draws_the_same_again() -> None:
    y = torch.tensor([0, 1, 2])
    for draw in (strangers, strangers_again):
        assert torch.equal(draw(y, LABELS, 4, chance(3)), draw(y, LABELS, 4, chance(3)))
        assert not torch.equal(draw(y, LABELS, 4, chance(3)), draw(y, LABELS, 4, chance(4)))


def test_fellows_are_of_the_same_class_each_as_often() -> None:
    y = torch.tensor([2]).repeat(4000)
    found = fellows(y, LABELS, chance())
    assert torch.bincount(found, minlength=9)[LABELS == 2] == pytest.approx(1000, rel=0.12)
    assert (LABELS[found] == 2).all()


def made(**settings: Any) -> tuple[Method, SmallLab]:
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=SmallNet(widths=(5, 6, 8, 12)))
    method = find("crd")(chosen("crd", {"negatives": 6, **settings}))
    method.build(lab.student, lab.teacher, lab.facts)
    return method, lab


def batch(method: Method, lab: SmallLab, rows: Tensor) -> Any:
    seen = seen_batch(torch.zeros(len(rows), 4), torch.zeros(len(rows), 4), lab.facts.labels[rows])
    return seen_maps(lab, method, lab.images(rows), replace(seen, index=rows, generator=chance(7)))


ROWS = torch.tensor([3, 30, 11, 9])


def embedded(method: Method, seen: Any) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        own, other = method.embed_student(seen.student.taps["pooled"]), method.embed_teacher(seen.teacher.taps["pooled"])
    return functional.normalize(own), functional.normalize(other)


def test_a_batch_is_contrasted_with_the_other_nets_memory_by_the_reference_by_loops() -> None:
    method, lab = made()
    seen = batch(method, lab, ROWS)
    memory_s, memory_t = method.memory_student.clone(), method.memory_teacher.clone()
    (v_s, v_t), n = embedded(method, seen), len(memory_s)
    index = torch.cat([ROWS[:, None], strangers(seen.y, lab.facts.labels, 6, chance(7))], dim=1)
    found = method.losses(seen)
    for name, v, memory, scale in (
        ("student", v_s, memory_t, method.scale_student),
        ("teacher", v_t, memory_s, method.scale_teacher),
    ):
        likely = torch.stack([torch.stack([(memory[i] @ v[b] / 0.07).exp() for i in row]) for b, row in enumerate(index)])
        assert scale.item() == pytest.approx(likely.mean().item() * n, rel=1e-5)
        assert found[name].item() == pytest.approx(contrast_loss(likely / (likely.mean() * n), n).item(), rel=1e-5)


def test_the_scale_is_that_of_the_first_batch_and_stays() -> None:
    method, lab = made()
    assert method.scale_student.item() == method.scale_teacher.item() == 0
    method.losses(batch(method, lab, ROWS))
    first = method.scale_student.item()
    method.losses(batch(method, lab, ROWS + 1))
    assert first > 0 and method.scale_student.item() == first


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_what_is_remembered_moves_towards_what_was_seen_and_only_of_those_images(momentum: float) -> None:
    method, lab = made(momentum=momentum)
    seen, before = batch(method, lab, ROWS), {n: m.clone() for n, m in method.named_buffers() if n.startswith("memory")}
    v = dict(zip(("memory_student", "memory_teacher"), embedded(method, seen)))
    method.losses(seen)
    others = torch.ones(lab.facts.samples, dtype=torch.bool)
    others[ROWS] = False
    for name, old in before.items():
        new = method.get_buffer(name)
        torch.testing.assert_close(new[ROWS], functional.normalize(momentum * old[ROWS] + (1 - momentum) * v[name]))
        assert torch.equal(new[others], old[others])


def test_what_is_not_finite_is_not_remembered() -> None:
    method, lab = made()
    seen = batch(method, lab, ROWS)
    taps = {"pooled": seen.student.taps["pooled"].detach().clone()}
    taps["pooled"][0] = float("nan")
    before = method.memory_student.clone()
    method.losses(replace(seen, student=replace(seen.student, taps=taps)))
    assert torch.equal(method.memory_student[ROWS[0]], before[ROWS[0]])
    assert method.memory_student.isfinite().all() and not torch.equal(method.memory_student, before)


def test_the_memory_begins_even_and_is_as_long_as_the_training_images() -> None:
    method, lab = made(width=48)
    bound = 1 / math.sqrt(48 / 3)
    for memory in (method.memory_student, method.memory_teacher):
        assert memory.shape == (lab.facts.samples, 48)
        assert memory.abs().max() <= bound and memory.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert not torch.equal(method.memory_student, method.memory_teacher)


def test_the_memory_is_in_the_state_and_the_labels_are_not() -> None:
    method, _ = made()
    buffers = {name for name in method.state_dict() if "embed" not in name}
    assert buffers == {"memory_student", "memory_teacher", "scale_student", "scale_teacher"}


def test_relaxed_an_image_is_to_be_told_by_any_of_its_class() -> None:
    method, lab = made(mode="relax")
    seen = batch(method, lab, ROWS.repeat(50))
    rows = method._rows(seen.y, seen.index, seen.generator)
    assert (lab.facts.labels[rows[:, 0]] == seen.y).all() and not torch.equal(rows[:, 0], seen.index)
    exact = made()[0]
    assert torch.equal(exact._rows(seen.y, seen.index, seen.generator)[:, 0], seen.index)


def test_more_negatives_than_there_are_others_come_twice() -> None:
    assert made(negatives=24)[0].draw is strangers
    assert made(negatives=25)[0].draw is strangers_again


def test_images_of_one_class_are_refused() -> None:
    images, _ = striped_images(side=8, each=8)
    lab = SmallLab(images, torch.zeros(len(images), dtype=torch.long), teacher=SmallNet())
    with pytest.raises(DataError, match="all training images are of one class"):
        find("crd")(chosen("crd", {})).build(lab.student, lab.teacher, lab.facts)


def test_without_labels_it_is_refused_before_anything_is_loaded() -> None:
    experiment = presets.resolve(
        "experiments/digits-crd", form={"dataset.labels": False, "teacher.source": "scratch"}
    ).experiment
    assert [(p.path, p.sentence) for p in rules.problems(experiment)] == [
        ("dataset.labels", "CRD needs the labels of the training images")
    ]


def test_the_teachers_embedding_alone_learns_from_its_own_term() -> None:
    method, lab = made()
    seen = batch(method, lab, ROWS)
    found = method.losses(seen)
    own = [method.embed_student.weight, seen.student.taps["pooled"]]
    assert all(g is None for g in torch.autograd.grad(found["teacher"], own, retain_graph=True, allow_unused=True))
    gradient = torch.autograd.grad(found["student"], [*own, method.embed_teacher.weight], allow_unused=True)
    assert gradient[0].abs().sum() > 0 and gradient[1].abs().sum() > 0 and gradient[2] is None


def test_watching_looks_at_the_probes_images_alone() -> None:
    method, lab = made()
    seen = batch(method, lab, ROWS)
    before = method.memory_student.clone()
    v_s, v_t = embedded(method, seen)
    found = method.watch(replace(seen, index=torch.arange(10**6, 10**6 + 4)))
    assert found["alike"].item() == pytest.approx((v_s * v_t).sum(1).mean().item(), rel=1e-5)
    rest = [(v_s[i] @ v_t[j]).item() for i in range(4) for j in range(4) if i != j]
    assert found["apart"].item() == pytest.approx(sum(rest) / 12, rel=1e-4)
    assert torch.equal(method.memory_student, before)


QUICK: dict[str, Any] = {
    "dataset.subset": 0.2, "teacher.source": "scratch", "training.epochs": 3, "training.batch_size": 32, "run.threads": 1,
    "run.precision": "float32", "run.probe_images": 32, "run.report_every": 1, "run.share_every": 4,
    "methods.crd.negatives": 64,
}  # fmt: skip


def test_a_run_that_is_stopped_goes_on_with_what_it_remembered_to_the_same_student(tmp_path: Path) -> None:
    resolved = presets.resolve("experiments/digits-crd", form=QUICK)
    whole = session.run(resolved, lambda event: None, Control(), home=tmp_path / "whole")
    control, said = Control(), list[Event]()

    def sink(event: Event) -> None:
        said.append(event)
        if isinstance(event, Step) and event.stage == "distilling" and event.step == 12:
            control.stop()

    stopped = session.run(resolved, sink, control, home=tmp_path / "parts")
    assert stopped.outcome == "stopped"
    path = stopped.folders[0]
    kept = checkpoint.read(path / "checkpoints/last.safetensors")
    samples = len(kept["methods"]["crd"]["memory_student"])
    assert samples > 200 and kept["methods"]["crd"]["scale_student"] > 0
    resumed = session.run(session.resumable(path), said.append, Control(), home=tmp_path / "parts", resume=path)
    one, other = (load_file(o.folders[-1] / "student.safetensors") for o in (whole, resumed))
    assert one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
    measured = {name for e in said if isinstance(e, Measured) for name in e.values}
    assert {"crd.alike", "crd.apart", "share/crd.student", "share/labels"} <= measured and "share/crd.teacher" not in measured


def test_where_one_term_alone_reaches_the_student_no_share_is_measured_and_none_is_found_too_strong(tmp_path: Path) -> None:
    said: list[Event] = []
    form = QUICK | {"methods.crd.ce_weight": 0, "training.epochs": 1, "run.share_every": 1}
    session.run(presets.resolve("experiments/digits-crd", form=form), said.append, Control(), home=tmp_path)
    assert not [name for e in said if isinstance(e, Measured) for name in e.values if name.startswith("share/")]
    assert not [e for e in said if isinstance(e, Finding) and e.check.startswith("too-strong")]
