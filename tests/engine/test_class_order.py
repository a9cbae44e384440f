"""Which output of a net stands for which class: by name, by moving rows of the head, and by what it says of images."""

from __future__ import annotations

import pytest
import torch

from engine import nets
from engine.class_order import OrderError, best, by_name, reordered


def test_names_are_matched_without_regard_to_case_spaces_and_dashes() -> None:
    assert by_name(("Lawn Mower", "apple", "maple-tree"), ("maple_tree", "lawn_mower", "apple")) == (2, 0, 1)


def test_a_net_may_know_more_classes_than_are_asked_for() -> None:
    assert by_name(("a", "b", "c", "d"), ("d", "b")) == (3, 1)


def test_numbers_say_nothing_beside_words() -> None:
    assert by_name(("cat", "dog", "emu"), ("0", "1", "2")) == (0, 1, 2)


@pytest.mark.parametrize(("own", "wanted"), [(("cat", "dog"), ("0", "1", "2")), (("0", "1"), ("cat", "dog"))])
def test_numbers_do_not_hide_that_classes_differ(own: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    with pytest.raises(OrderError, match=f"tells {len(own)} classes apart .* the dataset has {len(wanted)}"):
        by_name(own, wanted)


def test_the_first_class_that_is_missing_is_named_with_both_numbers() -> None:
    said = r"tells 3 classes apart \('cat', 'dog', 'emu', …\), the dataset has 4, and 'fox' is none of its own"
    with pytest.raises(OrderError, match=said):
        by_name(("cat", "dog", "emu"), ("dog", "fox", "gnu", "cat"))


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2), (0, 1, 2)])
def test_moving_rows_of_the_head_moves_the_logits_exactly(order: tuple[int, ...]) -> None:
    net = nets.build("resnet8", classes=3, generator=torch.Generator().manual_seed(0)).eval()
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = net(x)
        reordered(net, order)
        assert torch.equal(net(x), before[:, list(order)])
    assert net.frame.classes == net.head.out_features == len(order)
    again = nets.build(**net.identity())
    assert again.load_state_dict(net.state_dict())


@pytest.mark.parametrize(
    ("order", "said"), [((0, 3), "position 3 is no output"), ((1, 1), "position 1 stands for two classes")]
)
def test_positions_that_cannot_be_are_refused(order: tuple[int, ...], said: str) -> None:
    with pytest.raises(nets.NetError, match=said):
        reordered(nets.build("resnet8", classes=3), order)


def test_the_best_order_undoes_a_permutation() -> None:
    chance = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (400,), generator=chance)
    moved = torch.randperm(10, generator=chance)
    logits = torch.nn.functional.one_hot(moved[labels], 10).float()
    logits[::7] = logits[::7].roll(1, dims=1)
    found = best(logits, labels)
    assert found.order == tuple(moved.tolist())
    assert found.permuted == pytest.approx(1 - 1 / 7, abs=0.01)
    assert found.plain < 0.3


def test_a_net_that_guesses_gains_nothing_from_the_best_order() -> None:
    chance = torch.Generator().manual_seed(0)
    found = best(torch.rand(2000, 100, generator=chance), torch.randint(100, (2000,), generator=chance))
    assert found.permuted < 0.03
