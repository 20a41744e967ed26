"""Pose classes of Rogez and Schmid (section 3): groups of similar poses seen from similar views.

A pose is orientated, that is, given in the camera's axes, and relative to the torso centre; in three
dimensions it is a point of 39 numbers in metres. A class stands for the poses nearest to its mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.cameras import BODY13_OF_H36M17
from synth.errors import InputError
from synth.geometry import to_optical_axis
from synth.labels.kmeans import Sums, on_grid
from synth.labels.nearest import CentreIndex, index_centres, nearest
from synth.skeletons import BODY13, H36M17
from synth.store.reader import open_store

Turn = Literal["ray", "none"]
TURNS: tuple[Turn, ...] = get_args(Turn)

JOINTS = len(BODY13)
METRE_BITS = 26
"""Poses are rounded to 2^-26 m (15 nanometres), so that sums of millions of them are exact."""
PIXEL_BITS = 16

_TORSO = BODY13.indices(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))


def body_joints(joints: ArrayLike) -> NDArray[np.float64]:
    """Joints of `BODY13`, (..., 13, D) float64, of poses of 13 or of the 17 joints of `H36M17`.

    Raises
    ------
    InputError
        Another number of joints.
    """
    points = np.asarray(joints, dtype=np.float64)
    count = points.shape[-2] if points.ndim >= 2 else 0
    if count == len(H36M17):
        return points[..., BODY13_OF_H36M17, :]
    if count != JOINTS:
        raise InputError(
            f"poses of shape {points.shape}: expected {JOINTS} joints ({BODY13.name}) or {len(H36M17)} "
            f"({H36M17.name}) on the second last axis"
        )
    return points


def orientated_poses(joints3d: ArrayLike, turn: Turn = "ray") -> NDArray[np.float32]:
    """Poses as the classes compare them.

    Parameters
    ----------
    joints3d : (N, 17 or 13, 3) float
        Joints in the camera frame (x right, y down, z forward), metres.
    turn : {"ray", "none"}
        ``ray``: turned by the least rotation that brings the camera's ray through the torso centre to +z, so
        that a person looks the same wherever in the picture it stands. ``none``: in the camera's axes.

    Returns
    -------
    (N, 39) float32
        Joints of `BODY13` relative to the torso centre (mean of shoulders and hips), metres, on the grid of
        `METRE_BITS`.

    Raises
    ------
    InputError
        Another number of joints; or, with ``ray``, a torso centre that isn't in front of the camera.
    """
    body = body_joints(joints3d)
    centre = body[:, _TORSO].mean(axis=1)
    away = body - centre[:, None]
    if turn == "ray":
        _check_in_front(centre)
        away = away @ np.swapaxes(to_optical_axis(centre), -1, -2)
    return on_grid(away.reshape(-1, 3 * JOINTS), METRE_BITS)


def _check_in_front(centre: NDArray[np.float64]) -> None:
    unknown = np.flatnonzero(~np.isfinite(centre).all(axis=1))
    if len(unknown):
        raise InputError(
            f"pose {unknown[0]} has no 3D joints: classes are made of poses in 3D; a store that knows 2D joints alone "
            "is given the classes of another store (synth label assign --by 2d)"
        )
    behind = np.flatnonzero(~(centre[:, 2] > 0.0))
    if len(behind):
        raise InputError(
            f"pose {behind[0]}: its torso centre is at z = {centre[behind[0], 2]:g} m, not in front of the "
            "camera; give joints in the camera frame, or use poses that need no turning"
        )


def picture_poses(joints2d: ArrayLike) -> NDArray[np.float32]:
    """Joints of `BODY13` in the box, (N, 26) float32 pixels on a grid, of (N, 17 or 13, 2)."""
    return on_grid(body_joints(joints2d).reshape(-1, 2 * JOINTS), PIXEL_BITS)


@dataclass(frozen=True)
class PoseClasses:
    """K classes.

    Parameters
    ----------
    means3d : (K, 13, 3) float32
        Mean orientated poses, joints of `BODY13`, metres from the torso centre.
    means2d : (K, 13, 2) float32
        Mean joints in pixels of the 220-pixel box; NaN for a class without a pose.
    counts : (K,) int64
        Poses that the means are of.
    turn : {"ray", "none"}
        How poses were made ready, see `orientated_poses`.
    """

    means3d: NDArray[np.float32]
    means2d: NDArray[np.float32]
    counts: NDArray[np.int64]
    turn: Turn

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def index(self) -> CentreIndex:
        """The means in 3D, ready to be searched."""
        return index_centres(self.means3d.reshape(len(self), -1))


def make_classes(means3d: NDArray[np.floating], pictures: Sums, turn: Turn) -> PoseClasses:
    """Put classes together.

    Parameters
    ----------
    means3d : (K, 39) float
    pictures : Sums
        Of `picture_poses` by class.
    turn : {"ray", "none"}
    """
    filled = pictures.counts > 0
    means2d = np.full(pictures.totals.shape, np.nan)
    means2d[filled] = pictures.totals[filled] / pictures.counts[filled, None]
    return PoseClasses(
        means3d.reshape(-1, JOINTS, 3).astype(np.float32),
        means2d.reshape(-1, JOINTS, 2).astype(np.float32),
        pictures.counts,
        turn,
    )


def load_classes(path: Path, allow_unsealed: bool = False) -> PoseClasses:
    """Read the classes of a label pass.

    Parameters
    ----------
    path : Path
        ``STORE/labels/classes-NAME``.
    allow_unsealed : bool
        Also read those of a pass whose samples are still being given their classes.

    Raises
    ------
    InputError
        It holds no classes.
    StoreError
        No sealed label pass is there.
    """
    store = open_store(path, allow_unsealed)
    turn = store.attributes.get("recipe", {}).get("turn")
    if turn not in TURNS or "means3d" not in store.meta.tables:
        raise InputError(f"{path} holds no pose classes; `synth label classes` makes such a label pass")
    return PoseClasses(store.numbers("means3d"), store.numbers("means2d"), store.numbers("counts"), turn)


class Assigned(NamedTuple):
    """Classes of N poses and how far the poses are from the classes' means.

    `ids` is (N,) int32, -1 for a pose without a labelled joint; `error` (N,) float32 is the mean distance of
    its joints, in metres (3D) or pixels (2D), NaN for such a pose.
    """

    ids: NDArray[np.int32]
    error: NDArray[np.float32]


def assign_3d(classes: PoseClasses, poses: NDArray[np.float32]) -> Assigned:
    """Find the nearest mean of each pose in 3D, the first among equally near ones.

    Parameters
    ----------
    classes : PoseClasses
    poses : (N, 39) float32
        As `orientated_poses` gives them with the classes' `turn`.

    Raises
    ------
    InputError
        A coordinate is not finite.
    """
    wrong = np.flatnonzero(~np.isfinite(poses).all(axis=1))
    if len(wrong):
        raise InputError(f"pose {wrong[0]} has a coordinate that is not finite; leave it out")
    ids, _ = nearest(classes.index, poses)
    return Assigned(ids, joint_error(poses.reshape(-1, JOINTS, 3), classes.means3d[ids]))


def assign_2d(
    classes: PoseClasses, joints2d: NDArray[np.float32], labelled: NDArray[np.bool_] | None = None
) -> Assigned:
    """Find the class whose mean in the picture is nearest, by the mean distance of the labelled joints.

    The first among equally near ones; this error is the least that any class gives.

    Parameters
    ----------
    classes : PoseClasses
    joints2d : (N, 13, 2) float32
        Joints of `BODY13` in pixels of the 220-pixel box, where a person stands as in the store's pictures.
    labelled : (N, 13) bool, optional
        Joints that are known; all if not given.
    """
    known = np.ones(joints2d.shape[:2], np.bool_) if labelled is None else labelled
    wrong = np.flatnonzero(~np.isfinite(joints2d[known]).all(axis=-1))
    if len(wrong):
        raise InputError(
            f"pose {np.nonzero(known)[0][wrong[0]]} has a labelled joint that is not finite; mark it unlabelled"
        )
    columns = np.ascontiguousarray(classes.means2d.reshape(len(classes), -1).T, dtype=np.float64)
    ids, error = _nearest_pictures(joints2d.astype(np.float64), known, np.nan_to_num(columns, nan=np.inf))
    return Assigned(ids, error.astype(np.float32))


@njit(cache=True, error_model="numpy")
def _nearest_pictures(joints, known, columns):  # type: ignore[no-untyped-def]
    """Nearest class and mean joint distance; `columns` (26, K) are the classes' x and y, joint by joint."""
    classes = columns.shape[1]
    ids = np.full(len(joints), -1, dtype=np.int32)
    error = np.full(len(joints), np.nan)
    total = np.empty(classes)
    for row in range(len(joints)):
        total[:] = 0.0
        count = 0
        for joint in range(known.shape[1]):
            if known[row, joint]:
                count += 1
                x, y = joints[row, joint, 0], joints[row, joint, 1]
                for own in range(classes):
                    dx, dy = columns[2 * joint, own] - x, columns[2 * joint + 1, own] - y
                    total[own] += np.sqrt(dx * dx + dy * dy)
        if count > 0:
            ids[row] = np.argmin(total)
            error[row] = total[ids[row]] / count
    return ids, error


def joint_error(joints: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean distance (N,) of the joints (N, 13, D) of two poses each, in their unit."""
    away = np.linalg.norm(joints.astype(np.float64) - others, axis=-1)
    return away.mean(axis=-1).astype(np.float32)


class Quantisation(NamedTuple):
    """What is lost when poses are replaced by their classes' means.

    `error3d` and `error2d` are mean joint distances (metres, pixels) to the means of the class that is
    nearest in 3D; `bound2d` is that to the nearest mean in the picture, the least error that any choice of a
    class gives (the lower bound of Fig. 8).
    """

    error3d: float
    error2d: float
    bound2d: float


def quantisation(
    classes: PoseClasses, poses: NDArray[np.float32], pictures: NDArray[np.float32]
) -> Quantisation:
    """Measure the classes on poses, best on such as they were not made from.

    Parameters
    ----------
    classes : PoseClasses
    poses : (N, 39) float32
        As of `orientated_poses`.
    pictures : (N, 26) float32
        As of `picture_poses`.
    """
    in_space = assign_3d(classes, poses)
    joints2d = pictures.reshape(-1, JOINTS, 2)
    filled = np.flatnonzero(classes.counts[in_space.ids] > 0)
    error2d = joint_error(joints2d[filled], classes.means2d[in_space.ids[filled]])
    bound = assign_2d(classes, joints2d).error
    return Quantisation(
        float(in_space.error.mean(dtype=np.float64)),
        float(error2d.mean(dtype=np.float64)),
        float(bound.mean(dtype=np.float64)),
    )
