"""The mean pose of a split, as the estimate that any network must beat."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.geometry import torso_centre
from synth.metrics.estimates import Estimates
from synth.metrics.truth import Truth, read_truth, split_ids
from synth.skeletons import H36M17
from synth.store.reader import Store

_PEOPLE = 100_000
"""Read at a time."""


def mean_pose(store: Store, split: str = "train") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean pose of a split of a store.

    Returns
    -------
    joints3d : (17, 3) float64
        Relative to the torso centre, metres; NaN where nobody's is known.
    joints2d : (17, 2) float64
        Pixels of the box; NaN likewise.

    Raises
    ------
    InputError
        The split is empty.
    """
    ids = split_ids(store, split)
    total = {"solid": np.zeros((len(H36M17), 3)), "flat": np.zeros((len(H36M17), 2))}
    count = {name: np.zeros(values.shape) for name, values in total.items()}
    for start in range(0, len(ids), _PEOPLE):
        for name, joints in _centred(read_truth(store, ids[start : start + _PEOPLE])).items():
            total[name] += np.nansum(joints, axis=0)
            count[name] += np.isfinite(joints).sum(axis=0)
    means = {
        name: np.divide(total[name], number, out=np.full(number.shape, np.nan), where=number > 0)
        for name, number in count.items()
    }
    return means["solid"], means["flat"]


def _centred(truth: Truth) -> dict[str, NDArray[np.float64]]:
    return {
        "solid": truth.joints3d - torso_centre(truth.joints3d)[:, None],
        "flat": truth.joints2d,
    }


def same_for_all(
    joints3d: NDArray[np.floating[Any]], joints2d: NDArray[np.floating[Any]], people: int
) -> Estimates:
    """One pose (17, 3) and (17, 2) as the estimate of everybody; what isn't known isn't estimated."""
    solid = np.broadcast_to(joints3d, (people, *joints3d.shape)) if np.isfinite(joints3d).all() else None
    flat = np.broadcast_to(joints2d, (people, *joints2d.shape)) if np.isfinite(joints2d).any() else None
    return Estimates(H36M17, joints3d=solid, joints2d=flat)
