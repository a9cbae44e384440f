"""FitNet, AT and RKD: the reference's golden values, and what their formulas must have in common with no code at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, golden, seen_batch, seen_maps, striped_images
from torch import Tensor

from engine.method import Method, chosen, find
from engine.methods.at import attention, attention_loss
from engine.methods.fitnet import hint
from engine.methods.rkd import angle_loss, distance_loss

F_S = [golden((4, 6, 8, 8), 0.7).abs(), golden((4, 6, 4, 4), 0.9).abs()]
F_T = [golden((4, 6, 8, 8), 1.3).abs(), golden((4, 6, 4, 4), 1.7).abs()]
E_S, E_T = golden((4, 7), 0.7), golden((4, 9), 1.3)


def made(key: str, widths: tuple[int, ...] = (5, 6, 8, 12), **settings: Any) -> tuple[Method, SmallLab, Any]:
    """A method between a student of three stages and a teacher, and a batch as it sees it."""
    images, labels = striped_images(side=8, each=8)
    lab = SmallLab(images, labels, teacher=SmallNet(widths=widths))
    method = find(key)(chosen(key, settings))
    method.build(lab.student, lab.teacher, lab.facts)
    batch = seen_batch(torch.zeros(8, 4), torch.zeros(8, 4), torch.zeros(8, dtype=torch.long))
    return method, lab, seen_maps(lab, method, images[:8], batch)


def test_fitnets_hint_is_the_golden_value() -> None:
    assert hint(F_S[0], F_T[0]).item() == pytest.approx(0.189509010189, rel=1e-9)


def test_attention_transfer_is_the_golden_value_at_one_stage_at_both_and_across_sizes() -> None:
    assert attention_loss(F_S[0], F_T[0]).item() == pytest.approx(0.000409569892801, rel=1e-9)
    both = sum(attention_loss(s, t) for s, t in zip(F_S, F_T))
    assert float(both) == pytest.approx(0.00134136654076, rel=1e-9)
    assert attention_loss(F_S[0], F_T[1]).item() == pytest.approx(0.00111478551022, rel=1e-9)


def test_relations_are_the_golden_values_at_different_widths() -> None:
    distance, angle = distance_loss(E_S, E_T).item(), angle_loss(E_S, E_T).item()
    assert distance == pytest.approx(0.021249702244, rel=1e-9)
    assert angle == pytest.approx(0.0420530507751, rel=1e-9)
    weights = find("rkd")(chosen("rkd", {}))
    total = sum(weights.weight(term, 1) * value for term, value in zip(weights.terms, (distance, angle)))
    assert total == pytest.approx(2.63389509485, rel=1e-9)


def test_relations_by_loops_are_the_same() -> None:
    def plain(f: Tensor) -> tuple[Tensor, Tensor]:
        n = len(f)
        d = torch.tensor([[(f[i] - f[j]).norm() for j in range(n)] for i in range(n)])
        e = torch.zeros(n, n, f.shape[1], dtype=f.dtype)
        for i in range(n):
            for j in range(n):
                if i != j:
                    e[i, j] = (f[j] - f[i]) / (f[j] - f[i]).norm()
        a = torch.stack([torch.stack([torch.stack([e[i, j] @ e[i, k] for k in range(n)]) for j in range(n)]) for i in range(n)])
        return d / d[d > 0].mean(), a

    (d_s, a_s), (d_t, a_t) = plain(E_S), plain(E_T)
    smooth = torch.nn.functional.smooth_l1_loss
    torch.testing.assert_close(distance_loss(E_S, E_T), smooth(d_s, d_t).double())
    torch.testing.assert_close(angle_loss(E_S, E_T), smooth(a_s, a_t))


@pytest.mark.parametrize("loss", [hint, attention_loss, distance_loss, angle_loss])
def test_a_student_that_is_its_teacher_has_nothing_to_learn(loss: Any) -> None:
    f = F_S[0] if loss in (hint, attention_loss) else E_S
    assert loss(f, f).item() == 0.0


def test_attention_does_not_see_how_strong_a_map_is_or_in_which_channels() -> None:
    f = F_S[0] - 0.5
    assert attention_loss(3 * f.flip(1), f).item() == pytest.approx(0.0, abs=1e-15)
    assert attention_loss(f[:, :3].repeat(1, 4, 1, 1), f[:, :3]).item() == pytest.approx(0.0, abs=1e-15)
    torch.testing.assert_close(attention(f, 4.0).norm(dim=1), torch.ones(4, dtype=torch.float64))


def test_relations_do_not_see_scale_shift_or_rotation() -> None:
    rotation = torch.linalg.qr(golden((7, 7), 0.37))[0]
    moved = 3 * E_S @ rotation + 5
    assert distance_loss(moved, E_S).item() == pytest.approx(0.0, abs=1e-15)
    assert angle_loss(moved, E_S).item() == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("loss", [hint, attention_loss])
@pytest.mark.parametrize("sides", [(4, 4), (4, 2), (2, 4)])
def test_the_gradient_of_losses_on_maps_is_their_derivative(loss: Any, sides: tuple[int, int]) -> None:
    own = (golden((2, 3, sides[0], sides[0]), 0.7) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: loss(f, golden((2, 3, sides[1], sides[1]), 1.3)), (own,))


@pytest.mark.parametrize("loss", [distance_loss, angle_loss])
def test_the_gradient_of_losses_on_relations_is_their_derivative(loss: Any) -> None:
    assert torch.autograd.gradcheck(lambda f: loss(f, E_T), (E_S.clone().requires_grad_(),))


@pytest.mark.parametrize("loss", [distance_loss, angle_loss])
def test_images_that_coincide_for_the_student_pull_nowhere_and_break_nothing(loss: Any) -> None:
    own = torch.cat([E_S[:1], E_S[:1], E_S[2:]]).float().requires_grad_()
    value = loss(own, E_T.float())
    value.backward()
    assert value.isfinite()
    assert own.grad is not None and own.grad.abs().max() < 10


def test_fitnet_takes_the_second_stages_and_its_regressor_goes_to_the_teachers_shape() -> None:
    method, _, seen = made("fitnet")
    assert set(seen.student.taps) == set(seen.teacher.taps) == {"f2"}
    assert method.regressor(seen.student.taps["f2"]).shape == seen.teacher.taps["f2"].shape
    assert set(method.losses(seen)) == {"hint"}
    assert [n for n, _ in method.named_parameters()] == [
        f"regressor.{n}" for n in ("conv.weight", "conv.bias", "bn.weight", "bn.bias")
    ]


def test_fitnet_takes_the_stage_that_is_asked_for_and_what_belongs_to_it() -> None:
    method, _, seen = made("fitnet", stage=3)
    assert (set(seen.student.taps), set(seen.teacher.taps)) == ({"f3"}, {"f4"})
    assert method.losses(seen)["hint"].isfinite()


def test_attention_by_stage_is_watched_under_the_students_stages_and_sums_to_the_term() -> None:
    method, _, seen = made("at")
    assert method.names("stages") == ("f1", "f2", "f3")
    torch.testing.assert_close(method.watch(seen)["stages"].sum(), method.losses(seen)["attention"])


@pytest.mark.parametrize("key", ["fitnet", "at", "rkd"])
def test_without_a_teacher_net_the_sentence_says_what_to_choose(key: str) -> None:
    method, _, seen = made(key)
    with pytest.raises(ValueError, match="looks into a teacher net: choose one"):
        method.losses(replace(seen, teacher=None))


@pytest.mark.parametrize(("key", "weight"), [("fitnet", 100.0), ("at", 1000.0)])
def test_weights_are_those_of_the_public_libraries(key: str, weight: float) -> None:
    method = find(key)(chosen(key, {}))
    assert [method.weight(term, 1) for term in method.terms] == [weight]
    assert method.ce_weight == 1.0
