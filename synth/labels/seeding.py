"""Where k-means begins: greedy k-means++ on a sample of the points, then Lloyd's algorithm on that sample.

Arthur and Vassilvitskii, "k-means++: The Advantages of Careful Seeding" (2007): each new centre is a point
drawn with probability proportional to its squared distance to the centres there are; of a few draws the one
counts that lowers the sum of these most. A sample of some tens of points a class stands for millions of
them, so the cost doesn't grow with their number.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.errors import InputError
from synth.labels.kmeans import fit
from synth.labels.nearest import pack_tiles
from synth.native import BLOCK, LANES, squared_distance, squared_distances

SAMPLE_PER_CLASS = 40
"""Points of the sample for every class."""

REFINED = 1e-3
"""Relative decrease of the inertia at which the iterations on the sample end: the rest is for all points."""


def seed_centres(points: NDArray[np.float32], classes: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Choose points as first centres by greedy k-means++, with 2 (2 + ln K) draws for each.

    Parameters
    ----------
    points : (N, D) float32
        All finite.
    classes : int
        K, at most N.
    rng : numpy.random.Generator

    Returns
    -------
    (K, D) float64
        Different points, as long as there are so many.

    Raises
    ------
    InputError
        There are fewer points than classes.
    """
    if not 0 < classes <= len(points):
        raise InputError(f"{classes} classes from {len(points)} poses: give a number from 1 to that of poses")
    first = int(rng.integers(len(points)))
    draws = rng.random((classes, 2 * (2 + int(math.log(classes)))))  # twice the usual: 0.4 % less inertia
    chosen = np.full(classes, first, dtype=np.int64)
    width = BLOCK * -(-points.shape[1] // BLOCK)
    padded = np.zeros((len(points), width), dtype=np.float32)
    padded[:, : points.shape[1]] = points
    _seed(padded, draws, pack_tiles(np.full((classes, width), np.inf)), chosen)
    return points[chosen].astype(np.float64)


def initial_centres(
    sample: NDArray[np.float32], classes: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Centres (K, D) float64 to begin with: `seed_centres` of a sample (N, D), moved to its local means."""
    return fit(sample, seed_centres(sample, classes, rng), tolerance=REFINED).centres


@njit(cache=True, error_model="numpy")
def _seed(points, draws, tiles, chosen):  # type: ignore[no-untyped-def]
    """Fill in `chosen` after its first; every class keeps its points in a linked list."""
    count, width = points.shape
    flat = points.ravel()
    squared = np.full(count, np.inf)
    follow = np.arange(1, count + 1)
    follow[count - 1] = -1
    head = np.full(len(chosen), -1)
    head[0] = 0
    potential = np.zeros(len(chosen))
    taken = np.empty(count, dtype=np.int64)
    away = np.full(-(-len(chosen) // LANES) * LANES, np.inf)
    away[0] = 0.0
    _claim(flat, width, chosen[0], 0, away, squared, follow, head, potential, taken)
    _put_column(tiles, points, chosen[0], 0)
    for own in range(1, len(chosen)):
        best = -1.0
        for trial in range(draws.shape[1]):
            row = _draw(draws[own, trial] * potential[:own].sum(), own, squared, follow, head, potential)
            _measure(flat, row, width, tiles, own, away)
            gain = _gain(flat, width, row, own, away, squared, follow, head)
            if gain > best:
                best, chosen[own] = gain, row
        _measure(flat, chosen[own], width, tiles, own, away)
        _claim(flat, width, chosen[own], own, away, squared, follow, head, potential, taken)
        _put_column(tiles, points, chosen[own], own)


@njit(cache=True, error_model="numpy")
def _put_column(tiles, points, row, own):  # type: ignore[no-untyped-def]
    dims = points.shape[1]
    for d in range(dims):
        tiles[(own // LANES * dims + d) * LANES + own % LANES] = points[row, d]


@njit(cache=True, error_model="numpy")
def _draw(target, classes, squared, follow, head, potential):  # type: ignore[no-untyped-def]
    """Find the point at which the running sum of the squared distances, class by class, passes `target`."""
    row = head[0]
    for own in range(classes):
        if target < potential[own]:
            at = head[own]
            while at >= 0 and target >= 0.0:
                row = at
                target -= squared[at]
                at = follow[at]
            return row
        target -= potential[own]
    return row


@njit(cache=True, error_model="numpy")
def _measure(flat, row, width, tiles, classes, away):  # type: ignore[no-untyped-def]
    """Squared distances of a point to the centres there are."""
    for block in range(-(-classes // LANES)):
        squared_distances(
            flat, row * width, tiles, block * width * LANES, width, away[block * LANES : (block + 1) * LANES]
        )


@njit(cache=True, error_model="numpy")
def _gain(flat, width, row, classes, away, squared, follow, head):  # type: ignore[no-untyped-def]
    """By how much a new centre would lower the sum of squared distances.

    A point can be nearer to it than to its centre only if the two centres are less than twice as far apart
    as the point is from its own. The lists begin with the farthest points.
    """
    gain = 0.0
    for own in range(classes):
        at = head[own]
        while at >= 0 and away[own] < 4.0 * squared[at]:
            gain += max(squared[at] - squared_distance(flat, at * width, row * width, width // BLOCK), 0.0)
            at = follow[at]
    return gain


@njit(cache=True, error_model="numpy")
def _claim(flat, width, row, new, away, squared, follow, head, potential, taken):  # type: ignore[no-untyped-def]
    """Move the points that are nearer to the new centre to its list, the farthest first."""
    count = 0
    for own in range(max(new, 1)):
        before, at = -1, head[own]
        while at >= 0 and away[own] < 4.0 * squared[at]:
            found = squared_distance(flat, at * width, row * width, width // BLOCK)
            if found < squared[at]:
                potential[own] -= squared[at]
                squared[at] = found
                taken[count] = at
                count += 1
                if before < 0:
                    head[own] = follow[at]
                else:
                    follow[before] = follow[at]
            else:
                before = at
            at = follow[at]
    mine = taken[:count]
    mine = mine[np.argsort(-squared[mine])]
    head[new] = mine[0] if count else -1
    for place in range(count):
        follow[mine[place]] = mine[place + 1] if place + 1 < count else -1
    potential[new] = squared[mine].sum()
