"""Matching, Eq. 1-4: for each joint of each query the pool pose that fits best around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.matching.index import MatchIndex
from synth.matching.kernels import search_limb
from synth.matching.limbs import LIMB_OF, LIMBS, Alignment, farthest_neighbours, limb_frame
from synth.matching.tree import RANGE


@dataclass(frozen=True)
class Matches:
    """The best k pool poses for each joint of each query.

    Parameters
    ----------
    entries : (N, 13, k) int32
        Rows of the index's poses in ascending order of cost (the lowest row on a tie); -1 where a joint
        wasn't searched or nothing fits.
    costs : (N, 13, k) float64
        D_j(p, q) of Eq. 3, pixels; inf where there is no entry.
    neighbours : (N, 13) intp
        The connected joint i that aligned each joint j.
    """

    entries: NDArray[np.int32]
    costs: NDArray[np.float64]
    neighbours: NDArray[np.intp]


def match(
    index: MatchIndex,
    queries: NDArray[np.floating],
    searched: NDArray[np.bool_],
    k: int = 1,
    eps: float = 0.0,
) -> Matches:
    """Find q_j = argmin_q D_j(p, q) for every searched joint j of every query p (Eq. 4).

    Parameters
    ----------
    index : MatchIndex
        The pool.
    queries : (N, 13, 2) float
        Projected poses p, box pixels.
    searched : (N, 13) bool
        Joints to search: those that aren't self-occluded.
    k : int
        How many of the best to return.
    eps : float
        0 for the exact minimum. Otherwise boxes are left out that could only lower the cost by less than a
        factor 1 + eps: each cost is at most (1 + eps) times the exact one. Which pose is found depends on
        the query alone, never on the others.

    Returns
    -------
    Matches

    Raises
    ------
    ValueError
        If `eps` is negative or not finite, or `k` not positive.
    """
    if not 0 <= eps < np.inf or k < 1:
        raise ValueError(f"eps must be finite and 0 or more and k 1 or more, got eps={eps}, k={k}")
    exact: NDArray[np.float64] = np.ascontiguousarray(queries, dtype=np.float64)
    neighbours = farthest_neighbours(exact)
    entries = np.full((*searched.shape, k), -1, np.int32)
    costs = np.full((*searched.shape, k), np.inf)
    limb = np.where(searched, LIMB_OF[np.arange(13), neighbours], -1)
    # All jobs of one limb together: its tree, some megabytes, then stays in the processor's cache.
    for number in np.unique(limb[limb >= 0]):
        rows = np.flatnonzero((limb == number).any(axis=1))
        j, i = (int(joint) for joint in LIMBS[number])
        found = _match_limb(index, exact[rows], int(number), j, i, k, eps)
        entries[rows, j], costs[rows, j] = found
    return Matches(entries, costs, neighbours)


def _match_limb(
    index: MatchIndex, queries: NDArray[np.float64], number: int, j: int, i: int, k: int, eps: float
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Search one limb's tree for many queries; ids and costs (Q, k)."""
    everything = np.ones(queries.shape[:2], np.bool_)
    coordinates, weights, units = limb_frame(queries, everything, j, i, index.alignment)
    quantum = index.quanta[number]
    places = np.clip(coordinates / np.float32(quantum), -RANGE, RANGE)
    q = np.concatenate([places, weights[..., None]], axis=-1).reshape(len(queries), 36)
    ids = np.full((len(queries), k), -1, np.int32)
    costs = np.full((len(queries), k), np.inf)
    usable = np.flatnonzero(weights.any(axis=1))
    if len(usable) and len(index):
        found_costs, found_ids = costs[usable], ids[usable]
        search_limb(
            q[usable],
            queries[usable],
            j,
            i,
            units[usable] * quantum,
            index.alignment == "similarity",
            index.tree(number),
            index.joints,
            index.labelled,
            np.float32(1 + eps),
            found_costs,
            found_ids,
        )
        costs[usable], ids[usable] = found_costs, found_ids
    return ids, costs


def alignment_transforms(
    queries: NDArray[np.floating],
    poses: NDArray[np.floating],
    j: NDArray[np.intp],
    i: NDArray[np.intp],
    alignment: Alignment,
) -> NDArray[np.float64]:
    """T of Eq. 2 for pairs of query and pose: turns (and scales) about q_j and moves q_j to p_j.

    Parameters
    ----------
    queries, poses : (..., 13, 2) float
        p and q, pixels.
    j, i : (...) intp
        The joint and its neighbour.
    alignment : {"rigid", "similarity"}
        Whether q_i only points to p_i or falls on it.

    Returns
    -------
    (..., 2, 3) float64
        q' = T[:, :2] q + T[:, 2].
    """

    def joint(of: NDArray[np.floating], which: NDArray[np.intp]) -> NDArray[np.float64]:
        return np.take_along_axis(of, which[..., None, None], axis=-2)[..., 0, :].astype(np.float64)

    p_j, q_j = joint(queries, j), joint(poses, j)
    p, q = joint(queries, i) - p_j, joint(poses, i) - q_j
    p_length, q_length = np.hypot(*np.moveaxis(p, -1, 0)), np.hypot(*np.moveaxis(q, -1, 0))
    scale = p_length / q_length if alignment == "similarity" else np.ones_like(p_length)
    factor = scale / (p_length * q_length)
    cos = (q * p).sum(axis=-1) * factor
    sin = (q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]) * factor
    rotation = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shift = p_j - (rotation @ q_j[..., None])[..., 0]
    return np.concatenate([rotation, shift[..., None]], axis=-1)
