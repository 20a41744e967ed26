from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.labels import nearest as nearest_module
from synth.labels.kmeans import (
    Strays,
    Sums,
    fill_empty,
    find_strays,
    finished,
    fit,
    inertia,
    new_centres,
    on_grid,
    square_sum,
    sums_of,
)
from synth.labels.nearest import index_centres, nearest
from synth.labels.seeding import initial_centres, seed_centres


def random(seed, *shape):
    """Points in clumps, so that some centres have near neighbours and some have not."""
    rng = np.random.default_rng(seed)
    clumps = rng.normal(size=(7, shape[1])) * 3
    return (clumps[rng.integers(0, 7, shape[0])] + rng.normal(size=shape)).astype(np.float32)


def distances(points, centres):
    """Squared distances (N, K), straight from the definition."""
    return ((points[:, None].astype(np.float64) - centres[None]) ** 2).sum(axis=2)


def check_nearest(points, centres, guess=None):
    ids, squared = nearest(index_centres(centres), points, guess)
    expected = distances(points, centres)
    # on a small grid all distances are exact, so that ties are ties
    np.testing.assert_array_equal(ids, expected.argmin(axis=1))
    np.testing.assert_allclose(squared, expected.min(axis=1), rtol=1e-12)


@given(
    st.integers(0, 10_000),
    st.integers(1, 80),
    st.integers(1, 40),
    st.sampled_from([1, 3, 8, 39]),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_nearest_is_the_first_of_the_least_distances(seed, points, centres, dims, guessed):
    """Whole coordinates make many ties and equal centres; the guess is arbitrary."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-3, 4, (points, dims)).astype(np.float32)
    middles = rng.integers(-3, 4, (centres, dims)).astype(np.float64)
    guess = rng.integers(0, centres, points).astype(np.int32) if guessed else None
    check_nearest(rows, middles, guess)


@pytest.mark.parametrize("listed", [16, 48, 1024])
def test_nearest_with_short_lists_compares_with_all(listed, monkeypatch):
    monkeypatch.setattr(nearest_module, "LISTED", listed)
    points, centres = random(0, 500, 5), random(1, 300, 5).astype(np.float64)
    index = index_centres(centres)
    assert index.near.shape == (300, min(listed, 304))
    worst = distances(points, centres).argmax(axis=1).astype(np.int32)
    check_nearest(points, centres)
    check_nearest(points, centres, worst)


def test_lists_begin_with_the_centre_and_their_gaps_hold():
    centres = random(2, 200, 6).astype(np.float64)
    index = index_centres(centres)
    away = np.sqrt(distances(centres, centres))
    assert (index.near[:, 0] == np.arange(200)).all()
    for own, (near, gaps) in enumerate(zip(index.near, index.gaps, strict=True)):
        listed = near[near >= 0]
        assert sorted(listed) == list(range(200))
        for tile, gap in enumerate(gaps[:-1]):
            rest = listed[16 * tile :]
            assert gap <= away[own, rest].min(initial=np.inf) + 1e-12
        # sorted but for buckets of a thousandth
        assert (np.diff(away[own, listed]) > -away[own].max() / 1000).all()


def test_nearest_of_nothing():
    ids, squared = nearest(index_centres(np.zeros((3, 2))), np.zeros((0, 2), np.float32))
    assert len(ids) == len(squared) == 0


def test_grid_makes_sums_exact():
    points = on_grid(random(3, 3000, 4), 26)
    assert points.dtype == np.float32
    assert (points.astype(np.float64) * 2**26 % 1 == 0).all()
    np.testing.assert_allclose(points, random(3, 3000, 4), atol=2**-26, rtol=1e-7)
    ids = np.random.default_rng(0).integers(0, 5, 3000).astype(np.int32)
    whole = sums_of(points, ids, 5)
    order = np.random.default_rng(1).permutation(3000)
    parts = [sums_of(points[rows], ids[rows], 5) for rows in np.array_split(order, 17)]
    added = parts[3]
    for part in parts[:3] + parts[4:]:
        added = part + added
    np.testing.assert_array_equal(added.totals, whole.totals)
    np.testing.assert_array_equal(added.counts, np.bincount(ids, minlength=5))


def test_inertia_from_sums():
    points, centres = random(4, 400, 3), random(5, 6, 3).astype(np.float64)
    squared = distances(points, centres)
    ids = squared.argmin(axis=1).astype(np.int32)
    found = inertia(sums_of(points, ids, 6), centres, square_sum(points))
    assert found == pytest.approx(squared.min(axis=1).sum(), rel=1e-12)


def plain_lloyd(points, centres, updates):
    """The textbook's version; no class may run empty."""
    for _ in range(updates):
        ids = distances(points, centres).argmin(axis=1)
        centres = np.stack([points[ids == k].astype(np.float64).mean(axis=0) for k in range(len(centres))])
    squared = distances(points, centres)
    return centres, squared.argmin(axis=1), squared.min(axis=1).sum()


@pytest.mark.parametrize("updates", [0, 1, 5])
def test_fit_is_lloyds_algorithm(updates):
    points = on_grid(random(6, 600, 5), 26)
    start = points[:20].astype(np.float64)
    found = fit(points, start, tolerance=0.0, max_iterations=updates)
    centres, ids, total = plain_lloyd(points, start, updates)
    np.testing.assert_allclose(found.centres, centres, rtol=1e-12)
    np.testing.assert_array_equal(found.ids, ids)
    assert found.inertias[-1] == pytest.approx(total, rel=1e-10)
    assert len(found.inertias) == updates + 1


def test_fit_ends_at_the_tolerance_and_doesnt_depend_on_the_order():
    points = on_grid(random(7, 900, 4), 26)
    told = []
    found = fit(points, points[:15], tolerance=1e-3, told=told.append)
    assert tuple(told) == found.inertias
    decreases = -np.diff(found.inertias) / np.array(found.inertias[:-1])
    assert decreases[-1] < 1e-3
    assert (decreases[:-1] >= 1e-3).all()
    order = np.random.default_rng(0).permutation(900)
    np.testing.assert_array_equal(fit(points[order], points[:15], tolerance=1e-3).centres, found.centres)


def test_when_iterations_end():
    assert not finished([], 0.1, 5)
    assert not finished([100.0], 0.1, 5)
    assert not finished([100.0, 89.9], 0.1, 5)
    assert finished([100.0, 90.0], 0.1, 5)
    assert finished([100.0, 50.0, 25.0], 0.1, 2)
    assert finished([0.0], 0.1, 5)


def test_empty_classes_take_the_farthest_points():
    """Classes 1 and 3 are empty; point 9 is the farthest but alone in class 2, points 4 and 6 tie."""
    sums = Sums(np.array([5, 0, 1, 0]), np.array([[10.0], [0.0], [9.0], [0.0]]))
    offers = [
        Strays(np.array([6, 2]), np.array([4.0, 1.0]), np.array([0, 0], np.int32), np.float32([[6], [2]])),
        Strays(np.array([9, 4]), np.array([5.0, 4.0]), np.array([2, 0], np.int32), np.float32([[9], [4]])),
    ]
    filled = fill_empty(sums, offers)
    assert filled.counts.tolist() == [3, 1, 1, 1]
    assert filled.totals.ravel().tolist() == [0.0, 4.0, 9.0, 6.0]
    assert sums.counts.tolist() == [5, 0, 1, 0]


def test_strays_are_the_farthest():
    points = np.float32([[0], [1], [2], [3]])
    found = find_strays(points, np.zeros(4, np.int32), np.array([1.0, 3.0, 0.5, 3.0]), np.arange(10, 14), 3)
    assert found.number.tolist() == [11, 13, 10]
    assert found.points.ravel().tolist() == [1, 3, 0]


def test_fit_repairs_empty_classes():
    points = on_grid(random(8, 200, 3), 26)
    start = np.concatenate([points[:5].astype(np.float64), np.full((3, 3), 1e3)])
    found = fit(points, start, tolerance=0.0)
    assert (np.bincount(found.ids, minlength=8) > 0).all()


def test_more_classes_than_different_points_leaves_some_empty():
    points = np.repeat(np.float32([[0, 0], [1, 0], [0, 2]]), 4, axis=0)
    found = fit(points, points[:6].astype(np.float64))
    assert found.inertias[-1] == 0.0
    assert sorted(np.unique(found.ids, return_counts=True)[1].tolist()) == [4, 4, 4]
    np.testing.assert_array_equal(found.centres[found.ids], points)


def test_an_empty_class_without_a_point_keeps_its_centre():
    moved = new_centres(Sums(np.array([2, 0]), np.array([[4.0], [0.0]])), np.array([[7.0], [8.0]]))
    assert moved.ravel().tolist() == [2.0, 8.0]


def test_seeds_are_different_points_and_follow_from_the_generator():
    points = random(9, 300, 5)
    seeds = seed_centres(points, 300, np.random.default_rng(1))
    assert sorted(map(tuple, seeds)) == sorted(map(tuple, points.astype(np.float64)))
    first, again, other = (seed_centres(points, 20, np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_seeds_reach_every_clump():
    """Far clumps of very different size: points drawn evenly would miss the small ones."""
    middles = np.arange(8)[:, None] * 100.0
    sizes = [500, 2, 2, 2, 2, 2, 2, 2]
    points = (np.repeat(middles, sizes, axis=0) + random(10, 514, 3) * 0.01).astype(np.float32)
    seeds = seed_centres(points, 8, np.random.default_rng(0))
    assert sorted(np.rint(seeds[:, 0] / 100).tolist()) == list(range(8))


def greedy_seeds(points, classes, rng):
    """Greedy k-means++ as the paper says, with the distances of all points for every draw."""
    first = int(rng.integers(len(points)))
    draws = rng.random((classes, 2 * (2 + int(np.log(classes)))))
    squared = distances(points, points[[first]])[:, 0]
    total = [squared.sum()]
    for own in range(1, classes):
        trials = np.searchsorted(np.cumsum(squared), draws[own] * squared.sum(), side="right")
        after = np.minimum(squared, distances(points, points[trials]).T)
        squared = after[after.sum(axis=1).argmin()]
        total.append(squared.sum())
    return total[-1]


def test_seeds_are_as_good_as_the_plain_algorithms():
    """Points are drawn in another order than there, so only averages can agree."""
    points = random(11, 400, 6)
    ours = [
        distances(points, seed_centres(points, 30, np.random.default_rng(s))).min(axis=1).sum()
        for s in range(20)
    ]
    plain = [greedy_seeds(points, 30, np.random.default_rng(s)) for s in range(20)]
    assert np.mean(ours) == pytest.approx(np.mean(plain), rel=0.03)


def test_seeds_of_equal_points():
    seeds = seed_centres(np.ones((5, 2), np.float32), 3, np.random.default_rng(0))
    assert seeds.tolist() == [[1, 1]] * 3
    with pytest.raises(InputError, match="6 classes from 5 poses"):
        seed_centres(np.ones((5, 2), np.float32), 6, np.random.default_rng(0))


def test_initial_centres_are_better_than_seeds():
    points = on_grid(random(12, 500, 4), 26)
    seeds = seed_centres(points, 12, np.random.default_rng(2))
    centres = initial_centres(points, 12, np.random.default_rng(2))
    assert distances(points, centres).min(axis=1).sum() < distances(points, seeds).min(axis=1).sum()
