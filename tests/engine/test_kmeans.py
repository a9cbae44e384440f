"""k-means is Lloyd's to the letter: the same as scikit-learn's from the same start, in any chunks, from any break."""

from __future__ import annotations

import warnings

import pytest
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from engine import kmeans


def blobs(count: int = 3000, width: int = 12, seed: int = 0) -> Tensor:
    """Uneven, overlapping clouds far from the origin."""
    generator = torch.Generator().manual_seed(seed)
    middles = 4 * torch.randn(40, width, generator=generator)
    drawn = torch.randint(40, (count,), generator=generator)
    return 20 + middles[drawn] + torch.randn(count, width, generator=generator) * torch.rand(width, generator=generator)


def reference(points: Tensor, start: Tensor, iterations: int) -> KMeans:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged is meant
        return KMeans(len(start), init=start.numpy(), n_init=1, max_iter=iterations, tol=0.0).fit(points.numpy())


def found(points: Tensor, start: Tensor, iterations: int) -> tuple[kmeans.Lloyd, float]:
    lloyd = kmeans.Lloyd(start)
    lloyd.run(points, iterations)
    return lloyd, kmeans.inertia(kmeans.assign(points, lloyd.centroids)[1])


@pytest.mark.parametrize("iterations", [1, 5, 20])
@pytest.mark.parametrize("count", [3, 64, 300])
def test_it_is_scikit_learns_from_the_same_start_after_as_many_iterations(count: int, iterations: int) -> None:
    points = blobs()
    start = kmeans.start(points, count, torch.Generator().manual_seed(1))
    expected = reference(points, start, iterations)
    lloyd, inertia = found(points, start, iterations)
    assert inertia == pytest.approx(expected.inertia_, rel=1e-3)  # what is asked
    assert inertia == pytest.approx(expected.inertia_, rel=1e-5)  # what it is
    torch.testing.assert_close(lloyd.centroids, torch.from_numpy(expected.cluster_centers_), atol=1e-4, rtol=1e-4)


def test_a_centroid_without_points_goes_where_scikit_learn_sends_it() -> None:
    points = blobs()
    start = kmeans.start(points, 30, torch.Generator().manual_seed(1))
    start[4], start[9], start[10] = 1000.0, 1001.0, start[11]
    expected = reference(points, start, 6)
    lloyd, inertia = found(points, start, 6)
    assert lloyd.moved >= 3
    assert inertia == pytest.approx(expected.inertia_, rel=1e-5)
    labels, _ = kmeans.assign(points, lloyd.centroids)
    assert torch.bincount(labels, minlength=30).min() > 0


def test_more_centroids_than_different_points_leave_the_rest_where_they_are() -> None:
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0]]).repeat(4, 1)
    lloyd, inertia = found(points, points[:4].clone(), 5)
    assert inertia == 0.0 and lloyd.settled and lloyd.iteration < 5
    assert lloyd.centroids.isfinite().all()


def test_chunks_of_any_size_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    points = blobs(500)
    start = kmeans.start(points, 20, torch.Generator().manual_seed(1))
    whole, inertia = found(points, start, 5)
    monkeypatch.setattr(kmeans, "CELLS", {"cpu": 7 * 20})
    parts, same = found(points, start, 5)
    torch.testing.assert_close(parts.centroids, whole.centroids)
    assert same == pytest.approx(inertia, rel=1e-6)


def test_no_more_distances_than_allowed_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmeans, "CELLS", {"cpu": 600})
    asked: list[int] = []
    nearest = kmeans.nearest
    monkeypatch.setattr(kmeans, "nearest", lambda x, c: (asked.append(len(x) * len(c)), nearest(x, c))[1])
    found(blobs(500), blobs(500)[:20], 2)
    assert max(asked) <= 600 and len(asked) > 30


def test_one_generator_gives_one_start_of_different_points() -> None:
    points = blobs(50)
    starts = [kmeans.start(points, 50, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*starts)
    assert len(starts[0].unique(dim=0)) == 50
    with pytest.raises(ValueError, match="51 centroids cannot start from 50 points"):
        kmeans.start(points, 51, torch.Generator())


def test_the_nearest_is_the_nearest_and_its_distance_is_right() -> None:
    points, centroids = blobs(100), blobs(10, seed=5)
    labels, distances = kmeans.assign(points, centroids)
    plain = torch.cdist(points.double(), centroids.double()).square()
    assert torch.equal(labels, plain.argmin(1))
    torch.testing.assert_close(distances.double(), plain.amin(1), rtol=1e-5, atol=1e-4)


class Enough(Exception):  # noqa: N818
    """Somebody asked for a stop."""


def test_work_broken_off_within_an_iteration_goes_on_to_the_same_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kmeans, "CELLS", {"cpu": 50 * 20})
    points = blobs(500)
    start = kmeans.start(points, 20, torch.Generator().manual_seed(1))
    whole, _ = found(points, start, 8)
    first, calls = kmeans.Lloyd(start), 0

    def between(done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 34:  # ten chunks an iteration: in the fourth
            raise Enough

    with pytest.raises(Enough):
        first.run(points, 8, between)
    assert first.state()["iteration"] == 3
    second = kmeans.Lloyd(torch.zeros_like(start))
    second.load(first.state())
    second.run(points, 8)
    assert torch.equal(second.centroids, whole.centroids)


def test_half_precision_points_cluster_as_their_rounded_values_do() -> None:
    points = blobs(400)
    start = kmeans.start(points, 10, torch.Generator().manual_seed(1)).half().float()
    half, _ = found(points.half(), start, 4)
    full, _ = found(points.half().float(), start, 4)
    assert torch.equal(half.centroids, full.centroids)


def test_the_use_of_templates_is_worth_as_many_as_are_used_evenly() -> None:
    assert kmeans.perplexity(torch.tensor([5.0, 5.0, 0.0, 5.0, 5.0])).item() == pytest.approx(4.0)
    assert kmeans.perplexity(torch.tensor([0.0, 3.0])).item() == pytest.approx(1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_finds_what_the_cpu_finds_and_the_same_every_time() -> None:
    points = blobs()
    start = kmeans.start(points, 64, torch.Generator().manual_seed(1))
    own, _ = found(points, start, 10)
    there = [found(points.cuda(), start.cuda(), 10)[0].centroids for _ in range(2)]
    assert torch.equal(*there)
    torch.testing.assert_close(there[0].cpu(), own.centroids, atol=1e-4, rtol=1e-4)
