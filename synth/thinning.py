"""Greedy thinning of poses: keep a pose unless one already kept is too similar.

Exact for the order given: the kept poses are those that comparing every pose with every kept one would
keep. A hash grid over projections that change no faster than the distance leaves few to compare.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr

Rule = Literal["max", "mean"]
RULES: tuple[Rule, ...] = ("max", "mean")

_GRID_AXES = 6
_SAMPLE = 4096


def thin_poses(poses: ArrayLike, rule: Rule, threshold: float) -> NDArray[np.intp]:
    """Positions of the poses that a greedy pass in the given order keeps.

    Parameters
    ----------
    poses : (N, J, 3) float
        Aligned poses, metres, finite.
    rule : {"max", "mean"}
        Distance between two poses: the greatest, or the mean, of the J distances of their joints.
    threshold : float
        Metres, positive. A pose is dropped if its distance to a kept one is less than this.

    Returns
    -------
    (M,) intp
        Ascending.
    """
    points = np.asarray(poses, dtype=np.float64)
    if len(points) == 0:
        return np.empty(0, dtype=np.intp)
    flat = np.ascontiguousarray(points.reshape(len(points), -1))
    projected = flat @ _bounded_directions(flat, rule)
    # cells are twice as wide as projections of like poses can differ, so these lie in two cells at most on
    # each axis; a hair wider, against the rounding of the projections
    width = 2.0 * threshold * (1.0 + 1e-6)
    limit = threshold**2 if rule == "max" else threshold * flat.shape[1] / 3
    kept: NDArray[np.intp] = _greedy(flat, projected, width, limit, rule == "max")
    return kept


def _bounded_directions(flat: NDArray[np.float64], rule: Rule) -> NDArray[np.float64]:
    """Directions (3J, A) along which two poses differ by no more than their distance under the rule.

    For "max", a coordinate of one joint: those that vary most and least alike (pivoted QR). For "mean", the
    principal directions of the poses with every joint's part made a unit vector and divided by J: the
    mean of J numbers, none of which exceeds the distance of its joint.
    """
    sample = flat[:: max(1, len(flat) // _SAMPLE)]
    centred = sample - sample.mean(axis=0)
    if rule == "max":
        pivots = qr(centred, mode="r", pivoting=True)[1]
        return np.eye(flat.shape[1])[:, pivots[:_GRID_AXES]]
    principal = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :_GRID_AXES]
    parts = principal.reshape(-1, 3, principal.shape[1])
    length = np.linalg.norm(parts, axis=1, keepdims=True)
    units = np.divide(parts, length, out=np.zeros_like(parts), where=length > 0.0)
    directions: NDArray[np.float64] = units.reshape(principal.shape) / len(parts)
    return directions


@njit(cache=True)
def _too_near(a: NDArray, b: NDArray, limit: float, by_max: bool) -> bool:  # pragma: no cover
    """Whether two flat poses are nearer than the limit (squared distance for max, sum for mean)."""
    total = 0.0
    for k in range(0, len(a), 3):
        dx, dy, dz = a[k] - b[k], a[k + 1] - b[k + 1], a[k + 2] - b[k + 2]
        squared = dx * dx + dy * dy + dz * dz
        if by_max:
            if squared >= limit:
                return False
        else:
            total += np.sqrt(squared)
            if total >= limit:
                return False
    return True


@njit(cache=True)
def _slot(cell: NDArray, mask: int) -> np.int64:  # pragma: no cover
    """Place of a cell in the hash table (FNV-1a over its coordinates)."""
    value = np.uint64(14695981039346656037)
    for coordinate in cell:
        value = (value ^ np.uint64(coordinate & 0xFFFFFFFF)) * np.uint64(1099511628211)
    return np.int64((value ^ (value >> np.uint64(29))) & np.uint64(mask))


@njit(cache=True)
def _find_same(
    flat: NDArray,
    projected: NDArray,
    i: int,
    width: float,
    limit: float,
    by_max: bool,
    head: NDArray,
    older: NDArray,
) -> int:  # pragma: no cover
    """Find a kept pose too near to pose i in the cells its projection can reach, or return -1."""
    axes = projected.shape[1]
    low, cell = np.empty(axes, np.int64), np.empty(axes, np.int64)
    for axis in range(axes):
        low[axis] = np.int64(np.floor(projected[i, axis] / width - 0.5))
    for corner in range(1 << axes):
        for axis in range(axes):
            cell[axis] = low[axis] + ((corner >> axis) & 1)
        other = head[_slot(cell, len(head) - 1)]
        while other >= 0:
            if _too_near(flat[i], flat[other], limit, by_max):
                return other
            other = older[other]
    return -1


@njit(cache=True)
def _greedy(
    flat: NDArray, projected: NDArray, width: float, limit: float, by_max: bool
) -> NDArray:  # pragma: no cover
    """Positions that are kept. Kept poses whose cells have one hash form a chain, newest first."""
    n, axes = projected.shape
    size = 1
    while size < 2 * n:
        size *= 2
    head, older = np.full(size, -1, np.int64), np.empty(n, np.int64)
    kept = np.empty(n, np.intp)
    cell = np.empty(axes, np.int64)
    count, last = 0, -1
    for i in range(n):
        # neighbours in time are alike: what dropped the pose before often drops this one
        if last >= 0 and _too_near(flat[i], flat[last], limit, by_max):
            continue
        last = _find_same(flat, projected, i, width, limit, by_max, head, older)
        if last < 0:
            for axis in range(axes):
                cell[axis] = np.int64(np.floor(projected[i, axis] / width))
            slot = _slot(cell, size - 1)
            older[i], head[slot] = head[slot], i
            kept[count], last = i, i
            count += 1
    return kept[:count].copy()
