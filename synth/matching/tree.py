"""The search tree of one directed limb: 16-pose leaves under 16-way boxes, laid out for SIMD.

The pool's poses, seen from the limb (see `limbs`), are put in an order in which neighbours are alike
and cut into leaves of 16. Sixteen leaves make a node that knows the box of each of them, sixteen nodes
the next, up to one root. Lanes are the last axis, so that one instruction works on eight poses or boxes.
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

FAR = np.float32(1e9)
"""Coordinate of an empty lane: never the nearest."""


@dataclass(frozen=True)
class LimbTree:
    """The poses of one limb table in search order, with their boxes.

    Parameters
    ----------
    leaves : (L, 576) float32
        For each joint slot x, y and weight of 16 poses, one pose a lane.
    ids : (L, 16) int32
        Pool entry of each lane, -1 where empty.
    leaf_masks : (L, 16) int16
        Labelled joint slots of each lane, slot s at bit s.
    leaf_uniform : (L,) bool
        Whether all lanes have the same mask.
    nodes : (N, 960) float32
        For each joint slot the children's centre and half width in x, in y, and least weight, one child a
        lane. Nodes of the level above the leaves come first, the root last.
    node_masks : (N, 16) int16
        Joint slots that any pose of the child has.
    node_uniform : (N,) bool
        Whether all children have the same mask.
    level_start : (H + 1,) int32
        First node of each level, counted from the level above the leaves.
    """

    leaves: NDArray[np.float32]
    ids: NDArray[np.int32]
    leaf_masks: NDArray[np.int16]
    leaf_uniform: NDArray[np.bool_]
    nodes: NDArray[np.float32]
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
        _order_by_splits(order, keys)
        pad = -len(order) % LANES
        pieces.append(np.concatenate([order, np.full(pad, -1, np.int32)]))
    ids = np.concatenate(pieces).reshape(-1, LANES)
    if not len(ids):
        ids = np.full((1, LANES), -1, np.int32)
    leaves = _fill_leaves(ids, coordinates, weights)
    leaf_masks = np.where(ids >= 0, masks[ids], _ALL).astype(np.int16)
    nodes, node_masks, level_start = _build_nodes(leaves, ids, leaf_masks)
    return LimbTree(
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
def _order_by_splits(order: NDArray[np.int32], keys: NDArray[np.float32]) -> None:
    """Sort `order` in place by halving it again and again along the widest spread of its keys.

    `keys` row r belongs to the r-th element of the incoming order. Cuts fall on multiples of the
    subtree sizes 16, 256, 4096 …, so that leaves and nodes are contiguous.
    """
    count = order.shape[0]
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
    order[:] = order[rows]


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


def _fill_leaves(
    ids: NDArray[np.int32], coordinates: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Leaf blocks (L, 12, 3, 16) of poses given by id; empty lanes lie far away with weight 0."""
    leaves = np.empty((len(ids), 12, 3, LANES), np.float32)
    leaves[:, :, :2] = coordinates[ids].transpose(0, 2, 3, 1)
    leaves[:, :, 2] = weights[ids].transpose(0, 2, 1)
    empty = np.broadcast_to((ids < 0)[:, None, :], (len(ids), 12, LANES))
    leaves[:, :, 0][empty] = FAR
    leaves[:, :, 1][empty] = FAR
    leaves[:, :, 2][empty] = 0
    return leaves


def _build_nodes(
    leaves: NDArray[np.float32], ids: NDArray[np.int32], leaf_masks: NDArray[np.int16]
) -> tuple[NDArray[np.float32], NDArray[np.int16], NDArray[np.int32]]:
    """All node levels from the leaves up to one root, their masks, and where each level starts."""
    boxes = _leaf_boxes(leaves, ids)
    masks = np.bitwise_or.reduce(np.where(ids >= 0, leaf_masks, 0), axis=1).astype(np.int16)
    levels, level_masks = [], []
    start = [0]
    while True:
        pad = -len(boxes) % LANES
        # A child that isn't there has a box too far away to be entered.
        empty = np.full((pad, 12, 5), FAR, np.float32)
        empty[:, :, 4] = 1
        boxes = np.concatenate([boxes, empty]).reshape(-1, LANES, 12, 5)
        masks = np.concatenate([masks, np.full(pad, _ALL, np.int16)]).reshape(-1, LANES)
        levels.append(_node_rows(boxes))
        level_masks.append(masks)
        start.append(start[-1] + len(boxes))
        if len(boxes) == 1:
            break
        masks = np.bitwise_or.reduce(masks, axis=1)
        there = (boxes[..., 0] < FAR)[..., None]
        low = boxes[..., [0, 2]].min(axis=1)
        high = np.where(there, boxes[..., [1, 3]], -FAR).max(axis=1)
        boxes = np.stack(
            [low[..., 0], high[..., 0], low[..., 1], high[..., 1], boxes[..., 4].min(axis=1)], axis=-1
        )
    return np.concatenate(levels), np.concatenate(level_masks), np.array(start, np.int32)


def _node_rows(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Boxes (N, 16, 12, 5) as node rows (N, 960): centres and half widths, rounded outwards."""
    low, high = boxes[..., [0, 2]], boxes[..., [1, 3]]
    centre = ((low.astype(np.float64) + high) / 2).astype(np.float32)
    half = np.maximum(high.astype(np.float64) - centre, centre.astype(np.float64) - low)
    half = (half * (1 + 1e-6) + 1e-6).astype(np.float32)
    rows = np.stack([centre[..., 0], half[..., 0], centre[..., 1], half[..., 1], boxes[..., 4]], axis=-1)
    return rows.transpose(0, 2, 3, 1).reshape(len(boxes), -1)


def _leaf_boxes(leaves: NDArray[np.float32], ids: NDArray[np.int32]) -> NDArray[np.float32]:
    """Box of each leaf, (L, 12, 5): least and greatest x, least and greatest y, least weight.

    Where any pose of the leaf lacks the joint, the box is the whole plane: it adds nothing to the bound.
    """
    here = (ids >= 0)[:, None, :]
    weight = np.where(here, leaves[:, :, 2], np.inf).min(axis=-1)
    lacking = (weight == 0)[..., None]
    low = np.where(here[:, :, None], leaves[:, :, :2], FAR).min(axis=-1)
    high = np.where(here[:, :, None], leaves[:, :, :2], -FAR).max(axis=-1)
    low = np.where(lacking, -FAR, low)
    high = np.where(lacking, FAR, high)
    return np.stack([low[..., 0], high[..., 0], low[..., 1], high[..., 1], weight], axis=-1).astype(
        np.float32
    )
