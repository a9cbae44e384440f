"""The closed form of the discriminant analysis finds scikit-learn's directions, whatever the batches."""

from __future__ import annotations

import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from engine.templates.lda import Moments, discriminants


def samples(classes: int, width: int, count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Correlated columns far from 0, with a mean for each class."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(classes, (count,), generator=generator)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64)
    means = 2 * torch.randn(classes, width, generator=generator, dtype=torch.float64)
    return 50 + torch.randn(count, width, generator=generator, dtype=torch.float64) @ mixing + means[y], y


def collected(x: Tensor, y: Tensor, classes: int, batch: int = 70) -> Moments:
    moments = Moments(classes, x.shape[1])
    for first in range(0, len(x), batch):
        moments.add(x[first : first + batch], y[first : first + batch])
    return moments


@pytest.mark.parametrize(("classes", "width", "count"), [(5, 12, 400), (30, 12, 900), (3, 8, 60), (2, 4, 50)])
def test_projections_are_those_of_scikit_learns_svd_solver_but_for_signs(classes: int, width: int, count: int) -> None:
    x, y = samples(classes, width, count)
    x[:, 1] = 0.0  # a channel that is never active
    expected = LinearDiscriminantAnalysis().fit(x.numpy(), y.numpy())
    mean, scalings = discriminants(collected(x, y, classes))
    projected, theirs = (x - mean) @ scalings, torch.from_numpy(expected.transform(x.numpy()))
    assert scalings.shape == expected.scalings_.shape == (width, min(width - 1, classes - 1))
    length = theirs.norm() / projected.norm()  # versions of scikit-learn differ by a common factor √(n/(n - C))
    assert length in (pytest.approx(1.0, rel=1e-9), pytest.approx(((count - classes) / count) ** 0.5, rel=1e-9))
    torch.testing.assert_close((length * projected).abs(), theirs.abs(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(mean, torch.from_numpy(expected.xbar_))


def test_the_best_direction_comes_first_and_classes_are_white_within() -> None:
    x, y = samples(6, 10, 500)
    mean, scalings = discriminants(collected(x, y, 6))
    u = (x - mean) @ scalings
    within = torch.cat([u[y == c] - u[y == c].mean(0) for c in range(6)])
    torch.testing.assert_close(within.T @ within / len(u), torch.eye(5, dtype=torch.float64), atol=1e-8, rtol=0)
    between = torch.stack([u[y == c].mean(0) for c in range(6)]).square().mul(torch.bincount(y)[:, None]).sum(0)
    assert (between.diff() <= 0).all()


def test_a_column_that_repeats_another_and_a_class_without_samples_say_nothing() -> None:
    x, y = samples(5, 8, 300)
    x[:, 3] = 2 * x[:, 2]
    plain = discriminants(collected(x[:, [0, 1, 2, 4, 5, 6, 7]], y, 5))[1]
    _, scalings = discriminants(collected(x, y, 7))
    assert scalings.shape == (8, 4) == (8, plain.shape[1])
    assert scalings.isfinite().all()


def test_one_class_or_one_mean_is_refused_in_a_sentence() -> None:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ValueError, match="20 samples of 1 classes cannot be told apart"):
        discriminants(collected(x, torch.zeros(20, dtype=torch.long), 4))
    with pytest.raises(ValueError, match="one and the same mean"):
        discriminants(collected(torch.cat([x, x]), torch.arange(2).repeat_interleave(20), 2))
