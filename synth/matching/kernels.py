"""The numba kernels of the exact search: bounds of 16 boxes, costs of 16 poses, and the descent.

Rounded numbers (see `tree`) decide only what can be left out, with a margin that covers the rounding; whatever
comes within the margin is measured again in float64 by `pose_cost`, straight from Eq. 1-3, and that alone decides.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from synth.matching.tree import ROUNDING, UNIT_WEIGHT
from synth.native import prefetch

LANES = 16
STACK = 512
MARGIN = np.float32(1 + 1e-5)
SLACK = np.float32(1e-4)
"""Float32 sums may differ from exact ones by this share and this many pixels."""

_f = np.float32
# Unsigned, here and in loops: numba would test every signed index for being negative.
_WIDTH = np.uint64(LANES)
_ROW, _ROW2, _ROW3, _ROW4 = (np.uint64(n * LANES) for n in (1, 2, 3, 4))
_LEAF, _NODE = np.uint64(36 * LANES), np.uint64(60 * LANES)
_LINE = np.uint64(32)
_UNIT = np.float32(UNIT_WEIGHT)


@njit(cache=True, error_model="numpy", inline="always")
def _box_term(nodes, row, lane, x, y, w):  # type: ignore[no-untyped-def]
    """Twice the least that one joint can add to the cost of any pose in box `lane`."""
    # t + |t| is twice the positive part; max() would not vectorise.
    dx = abs(_f(nodes[row + lane]) - x) - _f(nodes[row + _ROW + lane])
    dy = abs(_f(nodes[row + _ROW2 + lane]) - y) - _f(nodes[row + _ROW3 + lane])
    dx = dx + abs(dx)
    dy = dy + abs(dy)
    return (_f(nodes[row + _ROW4 + lane]) + w) * math.sqrt(dx * dx + dy * dy)


@njit(cache=True, error_model="numpy", inline="always")
def _pose_term(leaves, row, lane, x, y, w):  # type: ignore[no-untyped-def]
    """Cost that one joint adds to pose `lane`; none where the pose lacks it (weight 0)."""
    dx = _f(leaves[row + lane]) - x
    dy = _f(leaves[row + _ROW + lane]) - y
    own = _f(leaves[row + _ROW2 + lane])
    return (own + w * min(own, _f(1))) * math.sqrt(dx * dx + dy * dy)


@njit(cache=True, error_model="numpy", inline="always")
def _add_boxes(nodes, base, s, q, share, out):  # type: ignore[no-untyped-def]
    """Add the terms of joint slots s, s + 1 and s + 2 to the bounds."""
    x0, y0, w0 = q[3 * s], q[3 * s + 1], q[3 * s + 2]
    x1, y1, w1 = q[3 * s + 3], q[3 * s + 4], q[3 * s + 5]
    x2, y2, w2 = q[3 * s + 6], q[3 * s + 7], q[3 * s + 8]
    for lane in range(_WIDTH):
        out[lane] += _f(0.5) * (
            _box_term(nodes, base + np.uint64(80 * s), lane, x0, y0, w0 * share[lane])
            + _box_term(nodes, base + np.uint64(80 * s + 80), lane, x1, y1, w1 * share[lane])
            + _box_term(nodes, base + np.uint64(80 * s + 160), lane, x2, y2, w2 * share[lane])
        )


@njit(cache=True, error_model="numpy", inline="always")
def _add_poses(leaves, base, s, q, share, out):  # type: ignore[no-untyped-def]
    """Add the terms of joint slots s, s + 1 and s + 2 to the costs."""
    x0, y0, w0 = q[3 * s], q[3 * s + 1], q[3 * s + 2]
    x1, y1, w1 = q[3 * s + 3], q[3 * s + 4], q[3 * s + 5]
    x2, y2, w2 = q[3 * s + 6], q[3 * s + 7], q[3 * s + 8]
    for lane in range(_WIDTH):
        out[lane] += (
            _pose_term(leaves, base + np.uint64(48 * s), lane, x0, y0, w0 * share[lane])
            + _pose_term(leaves, base + np.uint64(48 * s + 48), lane, x1, y1, w1 * share[lane])
            + _pose_term(leaves, base + np.uint64(48 * s + 96), lane, x2, y2, w2 * share[lane])
        )


@njit(cache=True, error_model="numpy", forceinline=True)
def _any_within(v, limit):  # type: ignore[no-untyped-def]
    """Whether any of 16 values is within the limit (a tree of minima: no chain of 16)."""
    a = min(min(min(v[0], v[1]), min(v[2], v[3])), min(min(v[4], v[5]), min(v[6], v[7])))
    b = min(min(min(v[8], v[9]), min(v[10], v[11])), min(min(v[12], v[13]), min(v[14], v[15])))
    return min(a, b) <= limit


@njit(cache=True, error_model="numpy", forceinline=True)
def box_bounds(nodes, row, q, share, limit, out):  # type: ignore[no-untyped-def]
    """Lower bounds of the cost over the 16 children of a node; False where all pass the limit.

    Parameters
    ----------
    nodes : (N * 960,) int16
        For each joint slot of a node the boxes' centre and half width in x, in y, and least weight, 16 lanes
        each, rounded as `LimbTree` says.
    row : uint64
        The node.
    q : (36,) float32
        The query in the limb's frame: x and y in quanta, weight of each slot.
    share : (16,) float32
        Factor on the query's weights, by lane.
    limit : float32
        What a bound must not pass; sums are given up as soon as all 16 do.
    out : (16,) float32
        Filled with the bounds, like the limit in quanta times 32767.
    """
    base = row * _NODE
    for lane in range(_WIDTH):
        out[lane] = 0
    _add_boxes(nodes, base, 0, q, share, out)
    if not _any_within(out, limit):
        return False
    _add_boxes(nodes, base, 3, q, share, out)
    if not _any_within(out, limit):
        return False
    _add_boxes(nodes, base, 6, q, share, out)
    _add_boxes(nodes, base, 9, q, share, out)
    return _any_within(out, limit)


@njit(cache=True, error_model="numpy", forceinline=True)
def leaf_costs(leaves, row, q, share, limit, out):  # type: ignore[no-untyped-def]
    """Costs of the 16 poses of a leaf of `leaves` (L * 576,), as `box_bounds` does with boxes."""
    base = row * _LEAF
    for lane in range(_WIDTH):
        out[lane] = 0
    _add_poses(leaves, base, 0, q, share, out)
    if not _any_within(out, limit):
        return False
    _add_poses(leaves, base, 3, q, share, out)
    if not _any_within(out, limit):
        return False
    _add_poses(leaves, base, 6, q, share, out)
    if not _any_within(out, limit):
        return False
    _add_poses(leaves, base, 9, q, share, out)
    return _any_within(out, limit)


@njit(cache=True, error_model="numpy", forceinline=True)
def query_shares(masks, uniform, row, totals, out):  # type: ignore[no-untyped-def]
    """32767 over the sum of the query's weights over the labelled joints of each of a row's 16 masks.

    `uniform` tells by row whether all its masks are alike; `totals` comes from `mask_totals`.
    """
    low, six, lanes = np.uint16(63), np.uint16(6), _WIDTH
    if uniform[row]:
        mask = np.uint16(masks[row, 0])
        share = _UNIT / (totals[np.uint64(mask & low)] + totals[np.uint64(64) + np.uint64(mask >> six)])
        for lane in range(lanes):
            out[lane] = share
        return
    for lane in range(lanes):
        mask = np.uint16(masks[row, lane])
        out[lane] = totals[np.uint64(mask & low)] + totals[np.uint64(64) + np.uint64(mask >> six)]
    for lane in range(lanes):
        out[lane] = _UNIT / out[lane]


@njit(cache=True, error_model="numpy")
def pose_cost(query, pose, labelled, j, i, similarity):  # type: ignore[no-untyped-def]
    """D_j(p, q) of Eq. 3 in float64.

    Parameters
    ----------
    query, pose : (13, 2) float64, float32
        p and q, pixels.
    labelled : (13,) bool
        Labelled joints of q; j and i among them.
    j, i : int
        The joint in question and the connected one that gives the direction.
    similarity : bool
        Whether q is scaled to the query's limb length as well.
    """
    px, py = query[i, 0] - query[j, 0], query[i, 1] - query[j, 1]
    qx = np.float64(pose[i, 0]) - np.float64(pose[j, 0])
    qy = np.float64(pose[i, 1]) - np.float64(pose[j, 1])
    length = math.sqrt((px * px + py * py) * (qx * qx + qy * qy))
    scale = math.sqrt((px * px + py * py) / (qx * qx + qy * qy)) if similarity else 1.0
    cos = scale * (qx * px + qy * py) / length
    sin = scale * (qx * py - qy * px) / length
    query_part, query_weight, pose_part, pose_weight = 0.0, 0.0, 0.0, 0.0
    for k in range(13):
        if k == j or not labelled[k]:
            continue
        ax, ay = query[k, 0] - query[j, 0], query[k, 1] - query[j, 1]
        bx = np.float64(pose[k, 0]) - np.float64(pose[j, 0])
        by = np.float64(pose[k, 1]) - np.float64(pose[j, 1])
        dx = ax - (cos * bx - sin * by)
        dy = ay - (sin * bx + cos * by)
        distance = math.sqrt(dx * dx + dy * dy)
        wp = 1.0 / max(math.sqrt(ax * ax + ay * ay), 1.0)
        wq = 1.0 / max(math.sqrt(bx * bx + by * by), 1.0)
        query_part += wp * distance
        query_weight += wp
        pose_part += wq * distance
        pose_weight += wq
    return query_part / query_weight + pose_part / pose_weight


@njit(cache=True, error_model="numpy")
def mask_totals(q):  # type: ignore[no-untyped-def]
    """Sum the query's weights over every subset of slots 0-5 (first 64) and of slots 6-11 (last 64)."""
    totals = np.zeros(128, np.float32)
    for half in range(2):
        for bit in range(6):
            weight = q[3 * (6 * half + bit) + 2]
            for mask in range(1 << bit):
                totals[64 * half + (1 << bit) + mask] = totals[64 * half + mask] + weight
    return totals


@njit(cache=True, error_model="numpy")
def _insert(costs, ids, cost, entry):  # type: ignore[no-untyped-def]
    """Keep the best k in ascending order of (cost, id)."""
    k = costs.shape[0]
    if cost > costs[k - 1] or (cost == costs[k - 1] and entry > ids[k - 1]):
        return
    position = k - 1
    while position > 0 and (
        cost < costs[position - 1] or (cost == costs[position - 1] and entry < ids[position - 1])
    ):
        costs[position] = costs[position - 1]
        ids[position] = ids[position - 1]
        position -= 1
    costs[position] = cost
    ids[position] = entry


@njit(cache=True, error_model="numpy")
def search(q, query, j, i, unit, similarity, tree, poses, labelled, prune, scratch, costs, ids):  # type: ignore[no-untyped-def]
    """Find the best k poses of one limb's tree by depth-first descent, nearest box first.

    Parameters
    ----------
    q : (36,) float32
        The query in the limb's frame: x and y in quanta, weight of each joint slot.
    query : (13, 2) float64
        The query in pixels.
    j, i : int
        The limb.
    unit : float
        Pixels in one quantum.
    similarity : bool
        Whether poses are scaled to the query's limb.
    tree : tuple
        leaves, ids, leaf_masks, leaf_uniform, nodes, node_masks, node_uniform, level_start of a `LimbTree`.
    poses, labelled : (E, 13, 2) float32, (E, 13) bool
        The pool, pixels.
    prune : float32
        1 + eps.
    scratch : tuple
        Stack of nodes, levels (512,) int32 and bounds (512,) float32; two lane buffers (16,) float32.
    costs, ids : (k,) float64, int32
        Filled with the best k in ascending (cost, id) order; inf and -1 where there are fewer.
    """
    leaves, leaf_ids, leaf_masks, leaf_uniform, nodes, node_masks, node_uniform, level_start = tree
    stack_node, stack_level, stack_bound, out, share = scratch
    k = costs.shape[0]
    costs[:] = np.inf
    ids[:] = np.iinfo(np.int32).max
    totals = mask_totals(q)
    # For poses and for boxes, which may be left out a factor 1 + eps earlier.
    limit = near = _f(np.inf)
    stack_node[0], stack_level[0], stack_bound[0] = 0, level_start.shape[0] - 2, _f(0)
    top = 1
    while top:
        top -= 1
        if stack_bound[top] > near:
            continue
        level, place = stack_level[top], stack_node[top]
        if level >= 0:
            row = np.uint64(level_start[level] + place)
            query_shares(node_masks, node_uniform, row, totals, share)
            if box_bounds(nodes, row, q, share, near, out):
                below = leaf_ids.shape[0] if level == 0 else level_start[level] - level_start[level - 1]
                count = min(LANES, below - place * LANES)
                top = _push(stack_node, stack_level, stack_bound, top, out, near, place, level, count)
            continue
        row = np.uint64(place)
        if top and stack_level[top - 1] < 0:
            # Very likely the next leaf: it comes from memory while this one is measured.
            ahead = np.uint64(stack_node[top - 1]) * _LEAF
            for line in range(_LEAF // _LINE):
                prefetch(leaves, ahead + line * _LINE)
        query_shares(leaf_masks, leaf_uniform, row, totals, share)
        if not leaf_costs(leaves, row, q, share, limit, out):
            continue
        for lane in range(_WIDTH):
            entry = leaf_ids[row, lane]
            if out[lane] <= limit and entry >= 0:
                cost = pose_cost(query, poses[entry], labelled[entry], j, i, similarity)
                _insert(costs, ids, cost, entry)
                best = costs[k - 1] * MARGIN + SLACK
                limit = _f(UNIT_WEIGHT * (best / unit + ROUNDING))
                near = _f(UNIT_WEIGHT * (best / (prune * unit) + ROUNDING))
    for slot in range(k):
        if costs[slot] == np.inf:
            ids[slot] = -1


@njit(cache=True, error_model="numpy")
def _push(stack_node, stack_level, stack_bound, top, bounds, limit, place, level, count):  # type: ignore[no-untyped-def]
    """Put those of `count` children within the limit on the stack, the nearest on top; returns the new top."""
    first = top
    for lane in range(count):
        if bounds[lane] <= limit:
            position = top
            while position > first and stack_bound[position - 1] < bounds[lane]:
                stack_bound[position] = stack_bound[position - 1]
                stack_node[position] = stack_node[position - 1]
                position -= 1
            stack_bound[position] = bounds[lane]
            stack_node[position] = place * LANES + lane
            stack_level[top] = level - 1
            top += 1
    return top


@njit(cache=True, error_model="numpy", nogil=True)
def search_limb(q, queries, j, i, units, similarity, tree, poses, labelled, prune, costs, ids):  # type: ignore[no-untyped-def]
    """`search` for all queries (Q, 36), (Q, 13, 2) of one limb; fills costs and ids (Q, k)."""
    scratch = (
        np.empty(STACK, np.int32),
        np.empty(STACK, np.int32),
        np.empty(STACK, np.float32),
        np.empty(LANES, np.float32),
        np.empty(LANES, np.float32),
    )
    for n in range(q.shape[0]):
        search(
            q[n],
            queries[n],
            j,
            i,
            units[n],
            similarity,
            tree,
            poses,
            labelled,
            prune,
            scratch,
            costs[n],
            ids[n],
        )
