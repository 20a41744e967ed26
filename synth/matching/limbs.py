"""Directed limbs and the frame each gives: the joint at the origin, its neighbour on the +x axis.

Seen from that frame, the rigid (or similarity) alignment of Eq. 2 is a change of coordinates made once,
and Eq. 3 a sum of plain distances.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import BODY13

Alignment = Literal["rigid", "similarity"]

LIMBS: NDArray[np.intp] = np.array(
    sorted([(a, b) for a, b in BODY13.bone_indices] + [(b, a) for a, b in BODY13.bone_indices])
)
"""The 28 directed limbs (j, i), one row each: every edge of `BODY13` in both directions."""

LIMB_OF: NDArray[np.intp] = np.full((13, 13), -1, np.intp)
LIMB_OF[LIMBS[:, 0], LIMBS[:, 1]] = np.arange(len(LIMBS))


def _slots() -> NDArray[np.intp]:
    """Nearest joints along the skeleton first: they weigh most, so a sum can be given up early."""
    steps = np.where(LIMB_OF >= 0, 1, 99)
    np.fill_diagonal(steps, 0)
    for via in range(13):
        steps = np.minimum(steps, steps[:, via, None] + steps[None, via])
    return np.argsort(steps, axis=1, kind="stable")[:, 1:]


SLOTS: NDArray[np.intp] = _slots()
"""Joint of each of the 12 slots, for each j: all but j itself, (13, 12)."""

LEAST_LENGTH = 1e-3
"""A limb shorter than this many pixels has no direction to align."""


def farthest_neighbours(joints: NDArray[np.floating]) -> NDArray[np.intp]:
    """Find the directly connected joint i that is farthest from each joint j of a query (Eq. 2).

    Parameters
    ----------
    joints : (N, 13, 2) float
        Queries, pixels.

    Returns
    -------
    (N, 13) intp
        i for every j; the lower index on a tie.
    """
    difference = joints[:, :, None] - joints[:, None, :]
    squared = (difference.astype(np.float64) ** 2).sum(axis=-1)
    squared[:, LIMB_OF < 0] = -1
    return squared.argmax(axis=-1)


def limb_frame(
    joints: NDArray[np.floating], labelled: NDArray[np.bool_], j: int, i: int, alignment: Alignment
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Poses in the frame of limb (j, i), with the weights of Eq. 3.

    Parameters
    ----------
    joints : (N, 13, 2) float
        Poses, pixels.
    labelled : (N, 13) bool
        Labelled joints.
    j, i : int
        The limb.
    alignment : {"rigid", "similarity"}
        Under similarity the unit is the pose's own limb length, else the pixel.

    Returns
    -------
    coordinates : (N, 12, 2) float32
        Joints k != j in the frame.
    weights : (N, 12) float32
        w_k^j = 1 / max(d(p_k, p_j), 1 px), normalised over the labelled k; all 0 for a pose that can't be
        aligned (j or i unlabelled, or a limb of no length).
    unit : (N,) float64
        Pixels in one unit of the frame.
    """
    slots = SLOTS[j]
    offset = joints.astype(np.float64) - joints[:, j : j + 1].astype(np.float64)
    direction = offset[:, i]
    length = np.hypot(direction[:, 0], direction[:, 1])
    usable = labelled[:, j] & labelled[:, i] & (length >= LEAST_LENGTH)
    length = np.where(usable, length, 1.0)
    cos, sin = (direction / length[:, None]).T[:, :, None]
    x, y = offset[:, slots, 0], offset[:, slots, 1]
    unit = length if alignment == "similarity" else np.ones_like(length)
    coordinates = np.stack([cos * x + sin * y, cos * y - sin * x], axis=-1) / unit[:, None, None]
    weights = np.where(labelled[:, slots], 1 / np.maximum(np.hypot(x, y), 1.0), 0.0)
    weights *= usable[:, None] / np.maximum(weights.sum(axis=1, keepdims=True), 1e-30)
    return coordinates.astype(np.float32), weights.astype(np.float32), unit
