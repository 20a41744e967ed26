"""k-means by Lloyd's algorithm, in steps that can be shared out among processes and interrupted.

A step asks of every part of the points for `Sums`, adds these up, and moves the centres to the means. On
points of a grid (see `on_grid`) the sums are exact, so it makes no difference how the points are shared out:
any number of processes and any size of the parts give the same centres, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.labels.nearest import index_centres, nearest

TOLERANCE = 1e-4
"""Relative decrease of the inertia at which, or below, the iterations end."""

MAX_ITERATIONS = 300


def on_grid(values: ArrayLike, step_bits: int) -> NDArray[np.float32]:
    """Round to multiples of 2^-step_bits, so that float64 adds up many values without rounding.

    Sums are exact as long as the absolute values add up to less than 2^(53 - step_bits).

    Parameters
    ----------
    values : (...) float
    step_bits : int
        26 for metres (15 nanometres; sums up to 134,000 km), 16 for pixels.
    """
    scale = float(2**step_bits)
    return (np.rint(np.asarray(values, dtype=np.float64) * scale) / scale).astype(np.float32)


@dataclass(frozen=True)
class Sums:
    """What the points of one part add to the new centres.

    Parameters
    ----------
    counts : (K,) int64
        Points of each class.
    totals : (K, D) float64
        Their sums.
    """

    counts: NDArray[np.int64]
    totals: NDArray[np.float64]

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.counts + other.counts, self.totals + other.totals)


@dataclass(frozen=True)
class Strays:
    """Points far from their centres, which may found classes of their own.

    Parameters
    ----------
    number : (E,) int64
        Number of each point among all points, or its sample id.
    squared : (E,) float64
        Squared distance to its centre.
    ids : (E,) int32
        Its class.
    points : (E, D) float32
    """

    number: NDArray[np.int64]
    squared: NDArray[np.float64]
    ids: NDArray[np.int32]
    points: NDArray[np.float32]


@dataclass(frozen=True)
class Clustering:
    """Result of `fit`.

    Parameters
    ----------
    centres : (K, D) float64
    ids : (N,) int32
        Nearest centre of each point.
    inertias : tuple of float
        Sum of the squared distances before every update, and at the end: one more than there were updates.
    """

    centres: NDArray[np.float64]
    ids: NDArray[np.int32]
    inertias: tuple[float, ...]


def sums_of(points: NDArray[np.float32], ids: NDArray[np.int32], classes: int) -> Sums:
    """Count and add up the points (N, D) of each class."""
    sums = Sums(np.zeros(classes, np.int64), np.zeros((classes, points.shape[1])))
    _add_points(np.ascontiguousarray(points), ids, sums.counts, sums.totals)
    return sums


@njit(cache=True, error_model="numpy")
def _add_points(points, ids, counts, totals):  # type: ignore[no-untyped-def]
    for row in range(len(ids)):
        own = ids[row]
        counts[own] += 1
        for d in range(points.shape[1]):
            totals[own, d] += points[row, d]


def square_sum(points: NDArray[np.float32]) -> float:
    """Sum of all squared coordinates, in float64."""
    return float(np.sum(np.square(points, dtype=np.float64)))


def inertia(sums: Sums, centres: NDArray[np.float64], squares: float) -> float:
    """Sum of squared distances of all points to their centres, without another look at the points.

    Parameters
    ----------
    sums : Sums
        Of all points.
    centres : (K, D) float64
        Those by which the points' classes were found.
    squares : float
        `square_sum` of all points.
    """
    cross = float(np.sum(sums.totals * centres))
    own = float(np.sum(sums.counts * np.sum(centres**2, axis=1)))
    return max(squares - 2.0 * cross + own, 0.0)


def finished(inertias: Sequence[float], tolerance: float, max_iterations: int) -> bool:
    """Tell whether the iterations end, from the inertias found so far (one before each update)."""
    if len(inertias) > max_iterations or (inertias and inertias[-1] == 0.0):
        return True
    return len(inertias) > 1 and inertias[-2] - inertias[-1] <= tolerance * inertias[-2]


def empty_classes(sums: Sums) -> int:
    """Count the classes without a point."""
    return int(np.sum(sums.counts == 0))


def find_strays(
    points: NDArray[np.float32],
    ids: NDArray[np.int32],
    squared: NDArray[np.float64],
    numbers: NDArray[np.int64],
    most: int,
) -> Strays:
    """Pick the points farthest from their centres, at most `most`, farthest first, ties by number."""
    chosen = np.lexsort((numbers, -squared))[:most]
    return Strays(numbers[chosen], squared[chosen], ids[chosen], points[chosen])


def strays_wanted(sums: Sums) -> int:
    """How many strays each part should offer: twice as many as classes are empty, as some are not free."""
    return 2 * empty_classes(sums)


def fill_empty(sums: Sums, offers: Iterable[Strays]) -> Sums:
    """Give every empty class a point that was far from its centre.

    The empty classes, in order, take the points farthest from their centres, the farthest first and among
    equally far ones the first; a point that is alone in its class or lies on its centre is passed over. A
    class for which no point is left stays empty.

    Parameters
    ----------
    sums : Sums
        Of all points.
    offers : iterable of Strays
        The farthest points of every part, `strays_wanted` of each.
    """
    parts = list(offers)
    number, squared, ids, points = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("number", "squared", "ids", "points")
    )
    counts, totals = sums.counts.copy(), sums.totals.copy()
    empty = np.flatnonzero(counts == 0).tolist()
    for stray in np.lexsort((number, -squared)).tolist():
        if not empty or squared[stray] == 0.0:
            break
        if counts[ids[stray]] > 1:
            own, point = empty.pop(0), points[stray].astype(np.float64)
            counts[ids[stray]] -= 1
            totals[ids[stray]] -= point
            counts[own], totals[own] = 1, point
    return Sums(counts, totals)


def new_centres(sums: Sums, centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of the classes, (K, D) float64; an empty class keeps its centre."""
    filled = sums.counts > 0
    moved = centres.copy()
    moved[filled] = sums.totals[filled] / sums.counts[filled, None]
    return moved


def fit(
    points: NDArray[np.float32],
    centres: ArrayLike,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    told: Callable[[float], None] | None = None,
) -> Clustering:
    """Run Lloyd's algorithm on points in memory.

    Parameters
    ----------
    points : (N, D) float32
        On a grid (`on_grid`) if the result shall not depend on their order.
    centres : (K, D) float
        Where to begin.
    tolerance : float
        The iterations end when the inertia decreases by no more than this share of it; 0: when it stays.
    max_iterations : int
        Most updates of the centres.
    told : callable, optional
        Called with the inertia of each iteration.
    """
    squares, numbers = square_sum(points), np.arange(len(points))
    now, inertias = np.array(centres, dtype=np.float64), list[float]()
    ids: NDArray[np.int32] | None = None
    while True:
        ids, squared = nearest(index_centres(now), points, ids)
        sums = sums_of(points, ids, len(now))
        inertias.append(inertia(sums, now, squares))
        if told:
            told(inertias[-1])
        if finished(inertias, tolerance, max_iterations):
            return Clustering(now, ids, tuple(inertias))
        if empty_classes(sums):
            sums = fill_empty(sums, [find_strays(points, ids, squared, numbers, strays_wanted(sums))])
        now = new_centres(sums, now)
