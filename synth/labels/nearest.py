"""The exact nearest of thousands of centres, found by the triangle inequality.

Around a guess g at the distance r of a point, a centre nearer than the best one found so far, at b, lies
within r + b of g. So each centre keeps a list of its neighbours, nearest first, and a point looks along its
guess's list until no neighbour can be near enough. All distances that decide are float64 sums of a fixed
order: the result depends neither on the guess nor on which points are searched together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.native import LANES, squared_distances

LISTED = 1024
"""Neighbours kept of each centre, itself the first; points that need more are compared with all centres."""

_LANES = np.uint64(LANES)
"""Unsigned in loops: numba would test every signed index for being negative."""
_BUCKETS = 1024
_REACH = 1.0 + 1e-9
"""Rounding of the distances, far below this share, must not hide a centre."""
_PIVOTS = 64
_HOPS = 3
_HOP_TILES = 3


@dataclass(frozen=True)
class CentreIndex:
    """Centres made ready to be searched; see `index_centres`.

    Parameters
    ----------
    centres : (K, D) float64
    tiles : (ceil(K / 16) * D * 16,) float64
        The centres in order, sixteen a tile, each tile one coordinate after the other; infinite where the
        last has none.
    near : (K, M) int32
        Neighbours of each centre, nearest first but for ties of a thousandth of the widest distance;
        itself at the front; -1 past the last.
    gaps : (K, M / 16 + 1) float64
        No neighbour from place 16 t on, listed or not, is nearer to the centre than `gaps[:, t]`.
    """

    centres: NDArray[np.float64]
    tiles: NDArray[np.float64]
    near: NDArray[np.int32]
    gaps: NDArray[np.float64]


def index_centres(centres: NDArray[np.floating]) -> CentreIndex:
    """Make centres ready to be searched: some K^2 distances and lists of up to `LISTED` neighbours.

    Parameters
    ----------
    centres : (K, D) float
        All finite; equal ones are allowed.
    """
    points = np.ascontiguousarray(centres, dtype=np.float64)
    count, dims = points.shape
    tiles = pack_tiles(points)
    listed = LANES * -(-min(LISTED, count) // LANES)
    near = np.full((count, listed), -1, dtype=np.int32)
    gaps = np.zeros((count, listed // LANES + 1))
    rounded = points.astype(np.float32)
    slack = np.linalg.norm(points - rounded, axis=1)
    _list_neighbours(rounded.ravel(), slack, tiles, dims, near, gaps)
    return CentreIndex(points, tiles, near, gaps)


def nearest(
    index: CentreIndex, points: NDArray[np.float32], guess: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Find the nearest centre of every point; among equally near ones the first.

    Parameters
    ----------
    index : CentreIndex
        K centres.
    points : (N, D) float32
        All finite.
    guess : (N,) int32, optional
        A centre that is likely to be near each point, such as its class of the last iteration. It decides
        how long the search takes, never what it finds.

    Returns
    -------
    ids : (N,) int32
    squared : (N,) float64
        Squared distance to it.
    """
    rows = np.ascontiguousarray(points, dtype=np.float32)
    if guess is None:
        guess = _guess(index, rows)
    return _search(index, rows, guess, index.near.shape[1] // LANES, exact=True)


def _guess(index: CentreIndex, points: NDArray[np.float32]) -> NDArray[np.int32]:
    """Go from the nearest of a few centres to ever nearer ones along the lists' beginnings."""
    count = len(index.centres)
    pivots = np.arange(0, count, -(-count // _PIVOTS), dtype=np.int32)
    ids, squared = np.zeros(len(points), np.int32), np.full(len(points), np.inf)
    _compare_all(points.ravel(), pack_tiles(index.centres[pivots]), points.shape[1], ids, squared)
    guess = pivots[ids]
    tiles = min(_HOP_TILES, index.near.shape[1] // LANES)
    for _ in range(_HOPS if count > LANES * tiles else 0):
        guess, _ = _search(index, points, guess, tiles, exact=False)
    return guess


def _search(
    index: CentreIndex, points: NDArray[np.float32], guess: NDArray[np.int32], tiles: int, exact: bool
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    order = np.argsort(guess, kind="stable")
    starts = np.zeros(len(index.centres) + 1, dtype=np.int64)
    np.cumsum(np.bincount(guess, minlength=len(index.centres)), out=starts[1:])
    ids, squared = guess.astype(np.int32), np.full(len(points), np.inf)
    left = np.zeros(len(points), dtype=np.bool_)
    _look_along_lists(
        points.ravel(), order, starts, index.centres, index.near, index.gaps, tiles, ids, squared, left
    )
    rest = np.flatnonzero(left)
    if exact and len(rest):
        own, far = ids[rest], squared[rest]
        _compare_all(points[rest].ravel(), index.tiles, points.shape[1], own, far)
        ids[rest], squared[rest] = own, far
    return ids, squared


def pack_tiles(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay points (K, D) out as `CentreIndex.tiles`."""
    count, dims = points.shape
    padded = np.full((-(-count // LANES) * LANES, dims), np.inf)
    padded[:count] = points
    return np.ascontiguousarray(padded.reshape(-1, LANES, dims).transpose(0, 2, 1)).ravel()


@njit(cache=True, error_model="numpy")
def _list_neighbours(points, slack, tiles, dims, near, gaps):  # type: ignore[no-untyped-def]
    """Fill in `near` and `gaps` of a `CentreIndex` by a bucket sort of each centre's distances."""
    count = len(slack)
    size = dims * LANES
    blocks = len(tiles) // size
    away = np.empty(blocks * LANES)
    bucket = np.empty(count, dtype=np.int32)
    ends = np.empty(_BUCKETS + 1, dtype=np.int64)
    for own in range(count):
        for block in range(blocks):
            out = away[block * LANES : (block + 1) * LANES]
            squared_distances(points, own * dims, tiles, block * size, dims, out)
        for other in range(count):
            # less what rounding the centre to float32 may have added
            away[other] = max(math.sqrt(away[other]) - slack[own], 0.0)
        _sort_neighbours(own, away[:count], bucket, ends, near[own], gaps[own])


@njit(cache=True, error_model="numpy")
def _sort_neighbours(own, away, bucket, ends, near, gaps):  # type: ignore[no-untyped-def]
    scale = (_BUCKETS - 1) / max(away.max(), 1e-30)
    for other in range(len(away)):
        bucket[other] = np.int32(away[other] * scale)
    bucket[own] = -1
    ends[:] = 0
    for other in range(len(away)):
        ends[bucket[other] + 1] += 1
    # now, for each bucket, where its first neighbour goes; the centre itself is before all
    for b in range(_BUCKETS):
        ends[b + 1] += ends[b]
    near[0] = own
    beyond = np.inf
    for other in range(len(away)):
        b = bucket[other]
        if b >= 0:
            place = ends[b]
            if place < len(near):
                near[place] = other
                ends[b] = place + 1
            elif away[other] < beyond:
                beyond = away[other]
    gaps[len(gaps) - 1] = beyond
    for place in range(min(len(near), len(away)) - 1, -1, -1):
        beyond = min(beyond, away[near[place]])
        gaps[place // LANES] = beyond
    for tile in range(-(-len(away) // LANES), len(gaps) - 1):
        gaps[tile] = np.inf


@njit(cache=True, error_model="numpy")
def _look_along_lists(  # type: ignore[no-untyped-def]
    points, order, starts, centres, near, gaps, tiles, ids, squared, left
):
    """Search the first `tiles` tiles of the lists; `left` marks points whose nearest may be further on."""
    count, dims = centres.shape
    tile = np.empty(dims * LANES)
    out = np.empty(LANES)
    active = order.copy()
    reach = np.empty(len(ids))
    for own in range(count):
        first, last = starts[own], starts[own + 1]
        for step in range(tiles + 1):
            last = _still_searching(active, first, last, step, gaps[own, step], reach, squared)
            if first == last:
                break
            if step < tiles:
                listed = near[own, step * LANES : (step + 1) * LANES]
                _fill_tile(centres, listed, tile)
                for place in range(first, last):
                    row = active[place]
                    squared_distances(points, row * dims, tile, 0, dims, out)
                    if step == 0:
                        reach[row] = math.sqrt(out[0])
                    _keep_best(out, listed, row, ids, squared)
        for place in range(first, last):
            left[active[place]] = True


@njit(cache=True, error_model="numpy")
def _still_searching(active, first, last, step, gap, reach, squared):  # type: ignore[no-untyped-def]
    """Move the points that a neighbour at `gap` may still be nearest to, to the front; where they end."""
    if step == 0:
        return last
    kept = first
    for place in range(first, last):
        row = active[place]
        if gap <= (reach[row] + math.sqrt(squared[row])) * _REACH:
            active[kept] = row
            kept += 1
    return kept


@njit(cache=True, error_model="numpy")
def _fill_tile(centres, listed, tile):  # type: ignore[no-untyped-def]
    for lane in range(LANES):
        other = listed[lane]
        for d in range(centres.shape[1]):
            tile[d * LANES + lane] = centres[other, d] if other >= 0 else np.inf


@njit(cache=True, error_model="numpy", inline="always")
def _keep_best(out, listed, row, ids, squared):  # type: ignore[no-untyped-def]
    own, best = ids[row], squared[row]
    for lane in range(_LANES):
        away = out[lane]
        if away <= best and (away < best or listed[lane] < own):
            own, best = listed[lane], away
    ids[row], squared[row] = own, best


@njit(cache=True, error_model="numpy")
def _compare_all(points, tiles, dims, ids, squared):  # type: ignore[no-untyped-def]
    """Compare points with all centres of some tiles, in order; `ids` and `squared` hold the best so far."""
    size = dims * LANES
    out = np.empty(LANES)
    for block in range(len(tiles) // size):
        listed = np.arange(block * LANES, (block + 1) * LANES).astype(np.int32)
        for row in range(len(ids)):
            squared_distances(points, row * dims, tiles, block * size, dims, out)
            _keep_best(out, listed, row, ids, squared)
