"""A teacher's logits, remembered: right, in bounded memory, and after a resume as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.memo import Memo

SAMPLES, VIEWS, CLASSES = 20, 3, 5


class Teacher:
    """Says of an image what it shows, and counts how many it was asked about."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        self.asked, self.dtype = list[int](), dtype

    def __call__(self, x: Tensor) -> Tensor:
        self.asked.append(len(x))
        return (x.flatten(1).sum(1, keepdim=True) * torch.arange(1, CLASSES + 1)).to(self.dtype)


def of(keys: Tensor) -> Tensor:
    """The image of a key: constant, of the key's value."""
    return keys[:, None, None, None].float().expand(-1, 1, 2, 2)


def batch(seed: int, count: int = 8) -> Tensor:
    return torch.randperm(SAMPLES * VIEWS, generator=torch.Generator().manual_seed(seed))[:count]


def memo(path: Path, rows: int = 1000, sizes: tuple[int, ...] = ()) -> Memo:
    return Memo(SAMPLES * VIEWS, rows, sizes, path / "memo.bin")


@pytest.mark.parametrize("sizes", [(), (4, 8)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_remembered_is_what_the_teacher_said(tmp_path: Path, sizes: tuple[int, ...], dtype: torch.dtype) -> None:
    made, teacher, honest = memo(tmp_path, sizes=sizes), Teacher(dtype), Teacher(dtype)
    for seed in range(60):
        keys = batch(seed)
        assert torch.equal(made.logits(teacher, of(keys), keys), honest(of(keys)))
    assert made.used == SAMPLES * VIEWS
    assert made.known / made.asked > 0.5
    assert sum(teacher.asked) < 0.6 * sum(honest.asked)
    if sizes:
        assert set(teacher.asked) <= set(sizes)


def test_a_view_that_is_known_is_not_asked_about_again(tmp_path: Path) -> None:
    made, teacher, keys = memo(tmp_path), Teacher(), batch(0)
    made.logits(teacher, of(keys), keys)
    made.logits(teacher, of(keys), keys.flip(0))
    assert teacher.asked == [8]


def test_only_what_is_missing_is_asked_about_in_a_batch_of_a_usual_size(tmp_path: Path) -> None:
    made, teacher = memo(tmp_path), Teacher()
    made.logits(teacher, of(torch.arange(8)), torch.arange(8))
    keys = torch.tensor([0, 30, 1, 2, 31, 3, 4, 32])
    assert torch.equal(made.logits(teacher, of(keys), keys), Teacher()(of(keys)))
    assert teacher.asked == [8, 4]  # three are missing, and fourths of eight are two


def test_memory_stays_within_its_bounds(tmp_path: Path) -> None:
    made, teacher = memo(tmp_path, rows=11), Teacher()
    for seed in range(30):
        keys = batch(seed)
        assert torch.equal(made.logits(teacher, of(keys), keys), Teacher()(of(keys)))
    assert made.used == 11


def test_a_key_that_comes_twice_in_a_batch_is_kept_once(tmp_path: Path) -> None:
    made, keys = memo(tmp_path), torch.tensor([5, 5, 6, 5])
    made.logits(Teacher(), of(keys), keys)
    assert made.used == 2


def test_a_resumed_run_remembers_what_was_known_at_its_checkpoint_and_not_more(tmp_path: Path) -> None:
    made, teacher = memo(tmp_path), Teacher(torch.bfloat16)
    for seed in range(3):
        made.logits(teacher, of(batch(seed)), batch(seed))
    made.state()
    made.logits(teacher, of(batch(3)), batch(3))
    state, known = made.state(), made.used
    made.logits(teacher, of(batch(4)), batch(4))
    made.state()

    again, asked = memo(tmp_path), Teacher(torch.bfloat16)
    again.load(state, torch.device("cpu"))
    assert again.used == known
    for seed in range(4):
        assert torch.equal(again.logits(asked, of(batch(seed)), batch(seed)), Teacher(torch.bfloat16)(of(batch(seed))))
    assert asked.asked == []
    assert torch.equal(again.logits(asked, of(batch(4)), batch(4)), Teacher(torch.bfloat16)(of(batch(4))))
    assert len(asked.asked) == 1
    assert again.state()["used"] == made.used


def test_a_memory_whose_file_was_cut_is_refused_with_its_name(tmp_path: Path) -> None:
    made = memo(tmp_path)
    made.logits(Teacher(), of(batch(0)), batch(0))
    state = made.state()
    (tmp_path / "memo.bin").write_bytes(b"short")
    with pytest.raises(OSError, match=r"memo\.bin is shorter"):
        memo(tmp_path).load(state, torch.device("cpu"))


def test_an_empty_memory_is_stored_and_taken_up(tmp_path: Path) -> None:
    made = memo(tmp_path)
    made.load(memo(tmp_path).state(), torch.device("cpu"))
    assert made.used == 0 and not (tmp_path / "memo.bin").exists()
