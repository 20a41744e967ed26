"""Errors of single people's estimates: all that the tables are averages of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.metrics.errors import joint_errors, mean_over_joints, pa_mpjpe, rigid_mpjpe
from synth.metrics.estimates import Estimates
from synth.metrics.ranking import best_so_far, hits_so_far
from synth.metrics.truth import Truth
from synth.skeletons import BODY13, H36M17, Skeleton, correspondence

ROOT = "pelvis"
DEPTHS = tuple(sorted({round(10 ** (step / 10)) for step in range(31)} | {5, 50, 500}))
"""From 1 to 1000, evenly in their logarithm: how many of the first hypotheses a perfect judge may choose from."""

_TORSO = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


@dataclass(frozen=True)
class Scores:
    """Errors of N people's estimates.

    Parameters
    ----------
    skeleton : Skeleton
        The J joints that estimates and truth share.
    ks : tuple of int
        Numbers of first hypotheses, for the arrays of D columns.
    arrays : dict of str to (N, ...) float64
        Metres and pixels; NaN where the truth isn't known, infinite where only the estimate isn't. Those there are
        of: ``rooted`` (N, J), distances of the joints with both poses laid on the pelvis; ``body`` (N, B), those of
        the joints of `BODY13` with both laid on the torso centre; ``absolute`` (N, J), without alignment; ``rigid``
        and ``similar`` (N,), means after alignment, over the joints of `BODY13` and over all; ``pixels`` (N, J), in
        the picture, and ``head_size`` (N,); ``hits`` (N, D), 1 where the true class is among the first; ``best3d``
        and ``best2d`` (N, D), least mean ``body`` and ``pixels`` among the first hypotheses.
    """

    skeleton: Skeleton
    ks: tuple[int, ...]
    arrays: dict[str, NDArray[np.float64]]

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values()))) if self.arrays else 0

    @property
    def body(self) -> Skeleton:
        """The B joints of `BODY13` among those of `skeleton`."""
        return Skeleton(BODY13.name, tuple(joint for joint in BODY13.joints if joint in self.skeleton.joints))

    def take(self, rows: NDArray[np.integer[Any]]) -> Scores:
        """Pick some of the people."""
        return Scores(self.skeleton, self.ks, {name: array[rows] for name, array in self.arrays.items()})


def join_scores(parts: Sequence[Scores]) -> Scores:
    """Scores of several batches of one network, one after the other; at least one."""
    first = parts[0]
    joined = {name: np.concatenate([part.arrays[name] for part in parts]) for name in first.arrays}
    return Scores(first.skeleton, first.ks, joined)


def score_people(estimates: Estimates, truth: Truth) -> Scores:
    """Compare estimates with the truth, on the joints of one name, in the axes of the estimates.

    Parameters
    ----------
    estimates : Estimates
    truth : Truth
        Of the same people.

    Raises
    ------
    InputError
        If there are other numbers of people or of joints.
    """
    _check(estimates, len(truth))
    source, target = correspondence(H36M17, estimates.skeleton)
    skeleton = Skeleton(estimates.skeleton.name, tuple(estimates.skeleton.joints[i] for i in target))
    ks = _depths(estimates)
    solid = (truth.turned() if estimates.axes == "ray" else truth.joints3d)[:, source]
    flat = truth.joints2d[:, source]
    arrays: dict[str, NDArray[np.float64]] = {}
    if estimates.joints3d is not None:
        arrays |= _space(_joints(estimates.joints3d, target), solid, skeleton)
    if estimates.absolute3d is not None:
        arrays["absolute"] = joint_errors(_joints(estimates.absolute3d, target), truth.joints3d[:, source])
    if estimates.joints2d is not None:
        arrays["pixels"] = joint_errors(_joints(estimates.joints2d, target), flat)
        arrays["head_size"] = truth.head_size
    if estimates.ranked is not None and estimates.classes is not None:
        arrays["hits"] = hits_so_far(estimates.ranked, estimates.classes, ks)
    if estimates.hypotheses3d is not None:
        errors = _body_errors(_joints(estimates.hypotheses3d, target), solid[:, None], skeleton)
        arrays["best3d"] = best_so_far(mean_over_joints(errors), ks)
    if estimates.hypotheses2d is not None:
        found = _joints(estimates.hypotheses2d, target)
        errors = joint_errors(found, np.broadcast_to(flat[:, None], found.shape))
        arrays["best2d"] = best_so_far(mean_over_joints(errors), ks)
    return Scores(skeleton, ks, arrays)


def _check(estimates: Estimates, people: int) -> None:
    """Refuse estimates of other numbers of people or joints before anything is computed from them."""
    joints = len(estimates.skeleton)
    shapes = {
        "joints3d": (people, joints, 3),
        "absolute3d": (people, joints, 3),
        "joints2d": (people, joints, 2),
        "ranked": (people, None),
        "classes": (people,),
        "hypotheses3d": (people, None, joints, 3),
        "hypotheses2d": (people, None, joints, 2),
    }
    for name, expected in shapes.items():
        value = getattr(estimates, name)
        if value is None:
            continue
        fits = len(value.shape) == len(expected) and all(
            wanted in (None, found) for wanted, found in zip(expected, value.shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if size is None else str(size) for size in expected)
            raise InputError(
                f"estimates of {name} have shape {value.shape}, expected ({wanted}): "
                f"{people} people, {joints} joints of {estimates.skeleton.name}"
            )


def _depths(estimates: Estimates) -> tuple[int, ...]:
    """Numbers of first hypotheses that errors are told for: as many as each of the arrays holds, and fewer."""
    names = ("ranked", "hypotheses3d", "hypotheses2d")
    counts = [value.shape[1] for name in names if (value := getattr(estimates, name)) is not None]
    most = min(counts, default=0)
    return tuple(sorted({k for k in (*DEPTHS, most) if 1 <= k <= most}))


def _joints(values: NDArray[Any], target: NDArray[np.intp]) -> NDArray[np.float64]:
    return values[..., target, :].astype(np.float64)


def _space(
    found: NDArray[np.float64], wanted: NDArray[np.float64], skeleton: Skeleton
) -> dict[str, NDArray[np.float64]]:
    """Errors in 3D that can be told on this skeleton."""
    arrays = {"similar": pa_mpjpe(found, wanted)}
    if ROOT in skeleton.joints:
        arrays["rooted"] = joint_errors(found, wanted, root=skeleton.index(ROOT))
    if set(_TORSO) <= set(skeleton.joints):
        body = _body_joints(skeleton)
        arrays["rigid"] = rigid_mpjpe(found[:, body], wanted[:, body])
        arrays["body"] = _body_errors(found, wanted, skeleton)
    return arrays


def _body_errors(
    found: NDArray[np.float64], wanted: NDArray[np.float64], skeleton: Skeleton
) -> NDArray[np.float64]:
    """Distances of the joints of `BODY13` from the torso centre's point of view (Rogez & Schmid's absolute error)."""
    torso, body = skeleton.indices(_TORSO), _body_joints(skeleton)
    centred = [
        joints[..., body, :] - joints[..., torso, :].mean(axis=-2, keepdims=True)
        for joints in (found, wanted)
    ]
    return joint_errors(centred[0], np.broadcast_to(centred[1], centred[0].shape))


def _body_joints(skeleton: Skeleton) -> NDArray[np.intp]:
    return skeleton.indices(joint for joint in BODY13.joints if joint in skeleton.joints)
