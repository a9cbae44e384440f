"""What evaluations measure of two nets, and the shares of terms in the gradient."""

from __future__ import annotations

import math

import pytest
import torch
from builders import golden

from engine.observing import probes

Y = torch.tensor([0, 2, 4, 1])


def test_a_student_that_is_its_teacher_agrees_in_everything() -> None:
    z = golden((4, 5), 0.7, 3)
    found = probes.of_logits(z, z, Y, 4.0)
    assert found.scalars["agreement"] == 100.0
    assert found.scalars["kl_to_teacher"] == pytest.approx(0.0, abs=1e-6)
    assert found.scalars["logit_correlation"] == pytest.approx(1.0)
    assert found.scalars["entropy_student"] == found.scalars["entropy_teacher"]
    assert torch.equal(*[found.arrays[f"soft_labels_{who}"].nan_to_num() for who in ("student", "teacher")])


def test_divergence_is_at_the_runs_temperature_and_calibration_at_one() -> None:
    z_s, z_t = golden((4, 5), 0.7, 3), golden((4, 5), 1.3, 5)
    soft, sharp = probes.of_logits(z_s, z_t, Y, 4.0).scalars, probes.of_logits(z_s, z_t, Y, 1.0).scalars
    assert soft["kl_to_teacher"] == pytest.approx(6.67068298603 / 16, rel=1e-6)
    assert sharp["kl_to_teacher"] == pytest.approx(2.57176067364, rel=1e-6)
    assert soft["ece_student"] == sharp["ece_student"]
    assert 0 <= soft["ece_teacher"] <= 100


def test_without_a_teacher_only_the_student_is_measured() -> None:
    found = probes.of_logits(golden((4, 5), 0.7), None, Y, 1.0)
    assert set(found.scalars) == {"entropy_student", "ece_student"}
    assert set(found.arrays) == {"soft_labels_student"}


def test_without_labels_images_are_grouped_by_the_teachers_choice() -> None:
    z = golden((4, 5), 1.3, 5)
    found = probes.of_logits(golden((4, 5), 0.7), z, None, 1.0)
    assert not any(name.startswith("ece") for name in found.scalars)
    seen = ~found.arrays["soft_labels_student"].isnan().any(dim=1)
    assert set(seen.nonzero().flatten().tolist()) == set(z.argmax(dim=1).tolist())


def test_what_a_teacher_says_beyond_label_smoothing_is_measured_where_every_class_was_seen() -> None:
    even = torch.full((5, 5), 0.1).fill_diagonal_(0.6).log()
    found = probes.of_logits(even, even, torch.arange(5), 1.0)
    assert found.scalars["smoothing_teacher"] == pytest.approx(0.0, abs=1e-6)
    assert "smoothing_teacher" not in probes.of_logits(even[:4], even[:4], torch.arange(4), 1.0).scalars


def test_stages_are_compared_with_those_that_belong_to_them() -> None:
    student = {"f1": golden((6, 4, 8, 8), 0.7), "f2": golden((6, 8, 4, 4), 0.9)}
    teacher = {"g1": golden((6, 3, 9, 9), 0.3), "g2": student["f1"], "g3": student["f2"]}
    found = probes.of_maps(student, teacher, [("f1", "g2"), ("f2", "g3")]).scalars
    assert set(found) == {"affinity_error/f1", "cka/f1", "affinity_error/f2", "cka/f2"}
    assert found["affinity_error/f1"] == pytest.approx(0.0, abs=1e-3)
    assert found["cka/f2"] == pytest.approx(1.0, rel=1e-6)


def test_features_without_places_have_no_affinity() -> None:
    found = probes.of_maps({"f1": golden((6, 8), 0.7)}, {"f1": golden((6, 4, 4, 4), 0.9)}, [("f1", "f1")]).scalars
    assert set(found) == {"cka/f1"}


def test_nothing_to_compare_gives_nothing() -> None:
    assert not probes.of_maps({"f1": golden((6, 8), 0.7)}, {}, []).scalars


def test_signal_to_noise_looks_at_eight_views() -> None:
    asked: list[int] = []

    def view(k: int) -> torch.Tensor:
        asked.append(k)
        return golden((5, 3), 0.7) + (0.1 if k % 2 else -0.1)

    expected = 10 * math.log10(golden((5, 3), 0.7).var(dim=0, correction=0).sum().item() / (3 * 0.01))
    assert probes.signal_to_noise(lambda x: x, view) == pytest.approx(expected, rel=1e-6)
    assert asked == list(range(8))


def test_shares_are_norms_of_weighted_gradients_over_their_sum() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    terms = {"a": 3 * w[0], "b": w[1], "c": torch.tensor(5.0), "d": torch.ones(1, requires_grad=True).sum()}
    found = probes.gradient_shares(terms, w)
    assert [found[f"gradient/{n}"] for n in "abcd"] == [3.0, 1.0, 0.0, 0.0]
    assert [found[f"share/{n}"] for n in "abcd"] == pytest.approx([0.75, 0.25, 0.0, 0.0])


def test_cosines_tell_terms_that_fight_from_terms_that_help() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    against = probes.gradient_shares({"a": w.sum(), "b": -2 * w.sum()}, w)
    along = probes.gradient_shares({"a": w.sum(), "b": 2 * w.sum()}, w)
    assert against["cosine/a"] == pytest.approx(-1.0) and against["cosine/b"] == pytest.approx(-1.0)
    assert along["cosine/a"] == pytest.approx(1.0)


def test_measuring_shares_leaves_the_graph_and_the_gradient_alone() -> None:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (w**2).sum()
    probes.gradient_shares({"a": loss, "b": 2 * loss}, w)
    assert w.grad is None
    loss.backward()
    assert torch.equal(w.grad, 2 * w.detach())  # type: ignore[arg-type]
