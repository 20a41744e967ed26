"""What all targets share: which joints are known, and which lie in the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def known_joints(joints: NDArray[np.float64], labelled: ArrayLike | None) -> NDArray[np.bool_]:
    """Joints (N, J) that are flagged as labelled (all, without flags) and have finite coordinates (N, J, D)."""
    finite: NDArray[np.bool_] = np.all(np.isfinite(joints), axis=-1)
    return finite if labelled is None else finite & np.asarray(labelled, dtype=bool)


def inside_picture(joints2d: NDArray[np.float64], side: float) -> NDArray[np.bool_]:
    """Joints (N, J) that lie in a square picture, whose edges are at -0.5 and side - 0.5; False for NaN."""
    within: NDArray[np.bool_] = np.logical_and(joints2d >= -0.5, joints2d <= side - 0.5)
    inside: NDArray[np.bool_] = np.all(within, axis=-1)
    return inside
