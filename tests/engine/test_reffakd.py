"""ReffAKD from images to soft labels, in a small laboratory, and what the student is taught by them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, golden, seen_batch, striped_images

from engine import logits
from engine.data import DataError
from engine.method import Method, chosen, find
from engine.soft_labels import similarity

QUICK = {"epochs": 3, "batch_size": 32, "output": "linear"}


def made(lab: SmallLab, **settings: Any) -> Any:
    method = find("reffakd")(chosen("reffakd", {**QUICK, **settings}))
    torch.manual_seed(0)
    method.build(lab.student, lab.teacher, lab.facts)
    return method


def prepared(**settings: Any) -> tuple[Any, SmallLab]:
    images, labels = striped_images(side=8)
    lab = SmallLab(images, labels)
    method = made(lab, **settings)
    method.prepare(lab)
    return method, lab


def test_soft_labels_are_the_row_softmax_of_the_boosted_similarity() -> None:
    method, lab = prepared(label_temperature=0.5)
    boosted = lab.shown["similarity"][0]
    assert torch.allclose(method.soft_labels, torch.softmax(boosted / 0.5, dim=1).float())
    assert torch.allclose(method.soft_labels.sum(dim=1), torch.ones(4))


def test_similarity_is_that_of_the_drawn_images_under_the_trained_encoder() -> None:
    method, lab = prepared(samples=100)
    images, labels = striped_images(side=8)
    with torch.no_grad():
        a = similarity.class_similarity(method.autoencoder.embed(lab.normalize(images)), labels, 4)
    assert torch.allclose(lab.shown["similarity"][0], similarity.boosted(a, lab.measured["gamma"]), atol=1e-6)


@pytest.mark.parametrize("control", ["none", "shuffled", "untrained"])
def test_the_automatic_boost_ranks_every_class_first_whatever_was_learned(control: str) -> None:
    _, lab = prepared(control=control)
    assert similarity.rows_right(lab.shown["similarity"][0]) == 4
    assert (lab.measured["rows_wrong"], lab.measured["rows_right"]) == (0.0, 4.0)


def test_a_given_boost_is_used_as_it_is() -> None:
    _, lab = prepared(gamma=0.25)
    plain = lab.shown["similarity"][0] - 0.25 * torch.eye(4)
    assert plain.diagonal().mean().item() == pytest.approx(lab.measured["diagonal"], rel=1e-9)
    assert lab.measured["gamma"] == 0.25


def test_matched_label_smoothing_has_reffakds_diagonal_and_even_rest() -> None:
    plain, _ = prepared(label_temperature=0.05)
    matched, _ = prepared(label_temperature=0.05, control="label smoothing")
    assert torch.allclose(matched.soft_labels.diagonal(), plain.soft_labels.diagonal())
    assert torch.allclose(matched.soft_labels, logits.smoothing_like(plain.soft_labels), atol=1e-6)
    assert not torch.allclose(matched.soft_labels, plain.soft_labels, atol=1e-4)


def test_shuffled_similarity_keeps_each_rows_values() -> None:
    plain, _ = prepared(label_temperature=0.05)
    mixed, _ = prepared(label_temperature=0.05, control="shuffled")
    assert torch.allclose(mixed.soft_labels.sort(dim=1).values, plain.soft_labels.sort(dim=1).values, atol=1e-6)
    assert torch.allclose(mixed.soft_labels.diagonal(), plain.soft_labels.diagonal(), atol=1e-6)
    assert not torch.allclose(mixed.soft_labels, plain.soft_labels, atol=1e-4)


def test_the_untrained_control_has_no_autoencoder_stage() -> None:
    method, lab = prepared(control="untrained")
    assert lab.stages == ["soft labels"] == [s.name for s in method.active_stages()]


def test_stages_and_watches_come_as_declared() -> None:
    method, lab = prepared()
    assert lab.stages == ["autoencoder", "soft labels"] == [s.name for s in method.active_stages()]
    assert set(lab.shown) == {w.name for w in method.active_watches()}
    assert len(lab.shown["explained"]) == len(lab.shown["reconstructions"]) == 3


def test_reconstructions_are_pairs_of_pictures_in_bytes_with_the_image_first() -> None:
    images, labels = striped_images(side=8)
    lab = SmallLab(images, labels)
    made(lab).prepare(lab)
    shown = lab.shown["reconstructions"][0]
    assert (shown.shape, shown.dtype) == ((2, 8, 8, 8, 1), torch.uint8)
    first = images[0].permute(1, 2, 0).mul(255)
    assert (shown[0, 0].float() - first).abs().max() <= 1.0
    assert lab.labels_of["reconstructions"] == {"rows": ["image", "reconstruction"]}


def test_the_autoencoder_learns_and_is_frozen_for_the_students_training() -> None:
    method, lab = prepared(epochs=30, learning_rate=0.01)
    first, last = lab.losses[0]["reconstruction"], lab.losses[-1]["reconstruction"]
    assert last < 0.8 * first
    assert lab.measured["explained"] > 0.2
    assert not any(p.requires_grad for p in method.parameters())


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_both_optimizers_are_there(optimizer: str) -> None:
    _, lab = prepared(optimizer=optimizer, epochs=1)
    assert lab.losses and all(torch.isfinite(torch.tensor(step["reconstruction"])) for step in lab.losses)


def test_preparation_depends_on_its_seed_alone() -> None:
    first, second = prepared()[0], prepared()[0]
    assert torch.equal(first.soft_labels, second.soft_labels)


def test_images_that_do_not_fit_are_resized_and_it_is_said() -> None:
    images, labels = striped_images(side=28)
    lab = SmallLab(images, labels)
    method = made(lab, epochs=1)
    method.prepare(lab)
    assert lab.shown["reconstructions"][0].shape[2:4] == (32, 32)
    assert "28x28 to 32x32" in lab.notes[0]


def test_augmented_embeddings_are_another_measurement_of_the_same_images() -> None:
    plain, augmented = prepared(samples=100)[1], prepared(samples=100, augmented=True)[1]
    a, b = plain.shown["similarity"][0], augmented.shown["similarity"][0]
    assert a.shape == b.shape and not torch.equal(a, b)


def test_a_class_with_a_single_image_is_named() -> None:
    images, labels = striped_images(side=8)
    keep = (labels != 2) | (torch.arange(len(labels)) == 2)
    lab = SmallLab(images[keep], labels[keep])
    with pytest.raises(DataError, match=r"'class 2' has 1 training images.*raise dataset\.subset"):
        made(lab).prepare(lab)
    assert lab.shown == {}


def test_without_labels_it_says_what_to_turn_on() -> None:
    images, _ = striped_images(side=8)
    lab = SmallLab(images, None)
    with pytest.raises(ValueError, match=r"turn dataset\.labels on"):
        made(lab, control="untrained").prepare(lab)


def with_soft_labels(q: torch.Tensor, **settings: Any) -> Method:
    images, labels = striped_images(classes=len(q), side=8)
    method = made(SmallLab(images, labels, classes=len(q)), **settings).double()
    method.soft_labels.copy_(q)
    return method


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_the_students_gradient_is_that_of_the_reference(temperature: float) -> None:
    q, y = torch.softmax(golden((5, 5), 0.9), dim=1), torch.tensor([0, 2, 4, 1])
    z = golden((4, 5), 0.7, 3).requires_grad_()
    with_soft_labels(q, temperature=temperature).losses(seen_batch(z, None, y))["soft"].backward()
    expected = temperature * (torch.softmax(z.detach() / temperature, dim=1) - q[y]) / 4
    assert z.grad is not None
    assert torch.allclose(z.grad, expected, atol=1e-12)


def test_the_other_reduction_is_smaller_by_the_number_of_classes() -> None:
    q, y, z = torch.softmax(golden((5, 5), 0.9), dim=1), torch.tensor([0, 2, 4, 1]), golden((4, 5), 0.7, 3)
    batchmean, mean = (
        with_soft_labels(q, kl_reduction=r).losses(seen_batch(z, None, y))["soft"].item() for r in ("batchmean", "mean")
    )
    assert batchmean == pytest.approx(5 * mean, rel=1e-12)


def test_the_loss_is_zero_where_the_softened_student_is_the_soft_label() -> None:
    q, y = torch.softmax(golden((5, 5), 0.9), dim=1), torch.tensor([0, 2, 4, 1])
    loss = with_soft_labels(q, temperature=4.0).losses(seen_batch(4 * q[y].log(), None, y))["soft"]
    assert loss.item() == pytest.approx(0.0, abs=1e-12)


def test_in_replace_mode_it_has_no_term_and_offers_logits_whose_softmax_is_the_soft_label() -> None:
    method, _ = prepared(mode="replace", label_temperature=0.1)
    y = torch.tensor([3, 0, 0, 2])
    seen = seen_batch(torch.zeros(4, 4), None, y)
    offered = method.teach(seen)
    assert method.losses(seen) == {} and method.active_terms() == ()
    assert torch.allclose(torch.softmax(offered, dim=1), method.soft_labels[y], atol=1e-6)


def test_at_the_takers_temperature_the_taker_sees_the_soft_labels_themselves() -> None:
    method, _ = prepared(mode="replace", offer_temperature=4.0)
    y = torch.tensor([3, 0, 0, 2])
    offered = method.teach(seen_batch(torch.zeros(4, 4), None, y))
    assert torch.allclose(torch.softmax(offered / 4.0, dim=1), method.soft_labels[y], atol=1e-6)


def test_in_replace_mode_controls_are_offered_too() -> None:
    method, _ = prepared(mode="replace", control="label smoothing", label_temperature=0.05)
    y = torch.tensor([3, 0])
    offered = method.teach(seen_batch(torch.zeros(2, 4), None, y))
    assert torch.allclose(torch.softmax(offered, dim=1), method.soft_labels[y], atol=1e-6)


def test_in_add_mode_nothing_is_offered() -> None:
    method, _ = prepared()
    assert method.teach(seen_batch(torch.zeros(2, 4), None, torch.tensor([0, 1]))) is None
    assert not method.teaches()


def test_state_travels_with_the_method() -> None:
    method, lab = prepared(label_temperature=0.05)
    other = made(lab)
    other.load_state_dict(method.state_dict())
    seen = seen_batch(golden((4, 4), 0.7).float(), None, torch.tensor([0, 1, 2, 3]))
    assert torch.equal(other.losses(seen)["soft"], method.losses(seen)["soft"])


def test_the_evidence_is_said_and_lies_in_a_table() -> None:
    _, lab = prepared()
    for name in ("neighbours", "neighbours_untrained", "neighbours_pixels"):
        assert 0 <= lab.measured[name] <= 100
    assert 1 <= lab.measured["effective_rank"] <= 48
    assert 0 < lab.measured["entropy"] <= 1
    labels = [row["label"] for row in lab.shown["evidence"][0]]
    assert "10 nearest neighbours of the embedding" in labels
    assert lab.shown["evidence"][0][-1]["note"] == "this run has no teacher net"


def test_beside_a_teacher_its_ranking_and_its_temperature_are_measured() -> None:
    images, labels = striped_images(side=8)
    torch.manual_seed(0)
    teacher = SmallNet(4)
    lab = SmallLab(images, labels, teacher=teacher)
    method = made(lab, label_temperature=0.05)
    method.prepare(lab)
    assert -1 <= lab.measured["rank_correlation"] <= 1
    with torch.no_grad():
        share = logits.relative_entropy(logits.soft_labels(teacher(images), lab.measured["teacher_temperature"])).item()
    assert share == pytest.approx(lab.measured["entropy"], abs=1e-3)
    assert any("this run's teacher" in row["label"] for row in lab.shown["cost"][0])


def test_the_cost_table_recomputes_the_published_ratios() -> None:
    _, lab = prepared(control="untrained")
    values = " ".join(row["value"] for row in lab.shown["cost"][0])
    for ratio in ("237.0×", "503.5×", "533.9×", "354.0×"):
        assert ratio in values
