"""The search tree of one directed limb: 16-pose leaves under 16-way boxes, laid out for SIMD.

The pool's poses, seen from the limb (see `limbs`), are put in an order in which neighbours are alike
and cut into leaves of 16. Sixteen leaves make a node that knows the box of each of them, sixteen nodes
the next, up to one root. Lanes are the last axis, so that one instruction works on eight poses or boxes.

The search waits for memory, so everything is rounded to 16 bits, such that a cost measured from the rounded
numbers is never more than the true one plus `ROUNDING` quanta: coordinates to the nearest quantum, those
beyond the range into it (where the query is put as well: projections on a square only shorten distances),
weights down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

LANES = 16
"""Poses in a leaf and children of a node: two AVX registers of float32."""

_ALL = (1 << 12) - 1

_ASIDE = 3.0
_OWN_GROUP = 8 * LANES

RANGE = 16383
"""Greatest coordinate, in quanta."""

UNIT_WEIGHT = 32767
"""A weight of 1."""

ROUNDING = float(np.sqrt(2)) * 1.001
"""Quanta by which a rounded cost may exceed the true one: half a quantum in x and in y of every joint, and
the weights of either pose sum to 1."""

_WITHIN = 0.9995
"""Share of the coordinates that must lie within the range."""


@dataclass(frozen=True)
class LimbTree:
    """The poses of one limb table in search order, with their boxes.

    Parameters
    ----------
    quantum : float
        Units of the limb's frame in one quantum of a coordinate.
    leaves : (L, 576) int16
        For each joint slot x, y (quanta) and weight (1/32767) of 16 poses, one pose a lane.
    ids : (L, 16) int32
        Pool entry of each lane, -1 where empty.
    leaf_masks : (L, 16) int16
        Labelled joint slots of each lane, slot s at bit s.
    leaf_uniform : (L,) bool
        Whether all lanes have the same mask.
    nodes : (N, 960) int16
        For each joint slot the children's centre and half width in x, in y (quanta), and least weight, one
        child a lane. Nodes of the level above the leaves come first, the root last.
    node_masks : (N, 16) int16
        Joint slots that any pose of the child has.
    node_uniform : (N,) bool
        Whether all children have the same mask.
    level_start : (H + 1,) int32
        First node of each level, counted from the level above the leaves.
    """

    quantum: float
    leaves: NDArray[np.int16]
    ids: NDArray[np.int32]
    leaf_masks: NDArray[np.int16]
    leaf_uniform: NDArray[np.bool_]
    nodes: NDArray[np.int16]
    node_masks: NDArray[np.int16]
    node_uniform: NDArray[np.bool_]
    level_start: NDArray[np.int32]


def build_tree(coordinates: NDArray[np.float32], weights: NDArray[np.float32]) -> LimbTree:
    """Build the tree of one limb table.

    Parameters
    ----------
    coordinates : (E, 12, 2) float32
        Joints in the limb's frame, pixels; anything where the weight is 0.
    weights : (E, 12) float32
        w_k^j of each pose (Eq. 3), 0 for an unlabelled joint or a pose that is not in the table.

    Returns
    -------
    LimbTree
        Poses without any weight are left out.
    """
    if not len(weights):
        # One pose without any label: a tree whose only leaf is empty.
        coordinates, weights = np.zeros((1, 12, 2), np.float32), np.zeros((1, 12), np.float32)
    masks = ((weights > 0) @ (1 << np.arange(12))).astype(np.int16)
    pieces = []
    for part in _label_groups(masks):
        order = part.astype(np.int32)
        keys = _sort_keys(coordinates[part], weights[part])
        pad = -len(order) % LANES
        pieces.append(np.concatenate([order[_order_by_splits(keys)], np.full(pad, -1, np.int32)]))
    ids = np.concatenate(pieces).reshape(-1, LANES)
    if not len(ids):
        ids = np.full((1, LANES), -1, np.int32)
    quantum = _quantum(coordinates, weights)
    leaves = _fill_leaves(ids, coordinates / quantum, weights)
    leaf_masks = np.where(ids >= 0, masks[ids], _ALL).astype(np.int16)
    nodes, node_masks, level_start = _build_nodes(leaves, ids, leaf_masks)
    return LimbTree(
        quantum,
        leaves.reshape(len(leaves), -1),
        ids,
        leaf_masks,
        (leaf_masks == leaf_masks[:, :1]).all(axis=1),
        nodes,
        node_masks,
        (node_masks == node_masks[:, :1]).all(axis=1),
        level_start,
    )


def _label_groups(masks: NDArray[np.int16]) -> list[NDArray[np.intp]]:
    """Poses by their labelled joints, the largest group first; small groups together at the end.

    A box around poses that lack the same joints is bounded by all the joints they have.
    """
    values, group, counts = np.unique(masks, return_inverse=True, return_counts=True)
    large = np.flatnonzero((counts >= _OWN_GROUP) & (values != 0))
    groups = [np.flatnonzero(group == g) for g in large[np.argsort(-counts[large], kind="stable")]]
    small = np.flatnonzero((counts[group] < _OWN_GROUP) & (masks != 0))
    return [*groups, small]


def _sort_keys(coordinates: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coordinates (E, 24) scaled by each joint's mean weight, so that a split cuts where cost changes most.

    An unlabelled joint is put `_ASIDE` mean deviations from the joint's mean place, so that poses which lack
    the same joints tend to end up together without tearing apart those which are alike in the others.
    """
    labelled = weights > 0
    count = np.maximum(labelled.sum(axis=0), 1)
    mean = np.where(labelled[..., None], coordinates, 0).sum(axis=0) / count[:, None]
    spread = np.abs(np.where(labelled[..., None], coordinates - mean, 0)).sum(axis=(0, 2)) / (2 * count)
    aside = mean + _ASIDE * spread[:, None]
    keys = np.where(labelled[..., None], coordinates, aside) * (weights.sum(axis=0) / count)[:, None]
    return np.ascontiguousarray(keys.reshape(len(keys), 24), dtype=np.float32)


@njit(cache=True)
def _order_by_splits(keys: NDArray[np.float32]) -> NDArray[np.int32]:
    """Rows of `keys`, ordered by halving them again and again along the widest spread of their keys.

    Cuts fall on multiples of the subtree sizes 16, 256, 4096 …, so that leaves and nodes are contiguous.
    """
    count = keys.shape[0]
    rows = np.arange(count, dtype=np.int32)
    starts = np.empty(128, np.int64)
    stops = np.empty(128, np.int64)
    top = 0
    if count > LANES:
        starts[0], stops[0], top = 0, count, 1
    while top:
        top -= 1
        start, stop = starts[top], stops[top]
        size = stop - start
        unit = LANES
        while unit * LANES < size:
            unit *= LANES
        half = max(unit, (size // 2 + unit // 2) // unit * unit)
        axis = _widest_axis(keys, rows, start, stop)
        _select(keys, rows, start, stop - 1, start + half, axis)
        for a, b in ((start, start + half), (start + half, stop)):
            if b - a > LANES:
                starts[top], stops[top] = a, b
                top += 1
    return rows


@njit(cache=True)
def _widest_axis(keys: NDArray[np.float32], rows: NDArray[np.int32], start: int, stop: int) -> int:
    """Axis with the greatest variance among rows[start:stop]."""
    dims = keys.shape[1]
    total = np.zeros(dims, np.float64)
    square = np.zeros(dims, np.float64)
    for r in range(start, stop):
        for d in range(dims):
            value = np.float64(keys[rows[r], d])
            total[d] += value
            square[d] += value * value
    best, axis = -1.0, 0
    for d in range(dims):
        spread = square[d] - total[d] * total[d] / (stop - start)
        if spread > best:
            best, axis = spread, d
    return axis


@njit(cache=True)
def _select(
    keys: NDArray[np.float32], rows: NDArray[np.int32], low: int, high: int, nth: int, axis: int
) -> None:
    """Quickselect: put the nth smallest of rows[low:high + 1] in its place, ties by row number."""
    while low < high:
        middle = rows[(low + high) // 2]
        pivot = keys[middle, axis]
        i, j = low, high
        while i <= j:
            while keys[rows[i], axis] < pivot or (keys[rows[i], axis] == pivot and rows[i] < middle):
                i += 1
            while keys[rows[j], axis] > pivot or (keys[rows[j], axis] == pivot and rows[j] > middle):
                j -= 1
            if i <= j:
                rows[i], rows[j] = rows[j], rows[i]
                i += 1
                j -= 1
        if nth <= j:
            high = j
        elif nth >= i:
            low = i
        else:
            return


def _quantum(coordinates: NDArray[np.float32], weights: NDArray[np.float32]) -> float:
    """Choose the unit of rounded coordinates such that nearly all that count lie within the range."""
    known = np.abs(coordinates[weights > 0])
    return max(float(np.quantile(known, _WITHIN)) * 1.05, 1e-3) / RANGE if known.size else 1.0


def _fill_leaves(
    ids: NDArray[np.int32], coordinates: NDArray[np.floating], weights: NDArray[np.float32]
) -> NDArray[np.int16]:
    """Leaf blocks (L, 12, 3, 16) of poses given by id, coordinates in quanta; empty lanes have no weight."""
    leaves = np.empty((len(ids), 12, 3, LANES), np.int16)
    rounded = np.clip(np.rint(coordinates), -RANGE, RANGE).astype(np.int16)
    leaves[:, :, :2] = rounded[ids].transpose(0, 2, 3, 1)
    # A float32 product may come out a rounding too high.
    shares = np.floor(weights.astype(np.float64) * UNIT_WEIGHT).astype(np.int16)
    leaves[:, :, 2] = shares[ids].transpose(0, 2, 1)
    leaves[np.broadcast_to((ids < 0)[:, None, None, :], leaves.shape)] = 0
    return leaves


def _build_nodes(
    leaves: NDArray[np.int16], ids: NDArray[np.int32], leaf_masks: NDArray[np.int16]
) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int32]]:
    """All node levels from the leaves up to one root, their masks, and where each level starts.

    A child that isn't there has the last one's box; `search` knows how many there are.
    """
    low, high, weight = _leaf_boxes(leaves, ids)
    masks = np.bitwise_or.reduce(np.where(ids >= 0, leaf_masks, 0), axis=1).astype(np.int16)
    levels, level_masks = [], []
    start = [0]
    while True:
        pad = -len(low) % LANES
        low, high, weight, masks = (
            np.concatenate([part, part[-1:].repeat(pad, axis=0)]).reshape(-1, LANES, *part.shape[1:])
            for part in (low, high, weight, masks)
        )
        levels.append(_node_rows(low, high, weight))
        level_masks.append(masks)
        start.append(start[-1] + len(low))
        if len(low) == 1:
            break
        masks = np.bitwise_or.reduce(masks, axis=1)
        low, high, weight = low.min(axis=1), high.max(axis=1), weight.min(axis=1)
    return np.concatenate(levels), np.concatenate(level_masks), np.array(start, np.int32)


def _node_rows(
    low: NDArray[np.int32], high: NDArray[np.int32], weight: NDArray[np.int32]
) -> NDArray[np.int16]:
    """Boxes (N, 16, 12, 2) and least weights (N, 16, 12) as node rows (N, 960): centres and half widths."""
    centre = (low + high) // 2
    half = np.maximum(high - centre, centre - low)
    parts = (centre[..., 0], half[..., 0], centre[..., 1], half[..., 1], weight)
    return np.stack(parts, axis=-1).transpose(0, 2, 3, 1).reshape(len(low), -1).astype(np.int16)


def _leaf_boxes(
    leaves: NDArray[np.int16], ids: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Least and greatest x and y of each leaf (L, 12, 2) and its least weight (L, 12), int32.

    Where any pose of the leaf lacks the joint, the box is the whole range: it adds nothing to the bound.
    """
    here = (ids >= 0)[:, None, :]
    weight = np.where(here, leaves[:, :, 2], UNIT_WEIGHT).min(axis=-1).astype(np.int32)
    lacking = (weight == 0)[..., None]
    low = np.where(here[:, :, None], leaves[:, :, :2], RANGE).min(axis=-1)
    high = np.where(here[:, :, None], leaves[:, :, :2], -RANGE).max(axis=-1)
    return (
        np.where(lacking, -RANGE, low).astype(np.int32),
        np.where(lacking, RANGE, high).astype(np.int32),
        weight,
    )
