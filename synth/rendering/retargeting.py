"""From recorded clips to the body: rotations of body parts beside the joints, and the fit to both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import Body
from synth.body.fit_problem import ROTATED_PARTS
from synth.body.fitting import fit_pose
from synth.body.shapes import Shape
from synth.skeletons import H36M17
from synth.sources.motion import MotionItem
from synth.sources.part_rotations import read_rotations
from synth.sources.records import DamagedItemError, Rejection

_PELVIS = H36M17.index("pelvis")
_SAME = 0.01
"""Metres by which a clip's joints may differ from the known ones before it is taken for another clip."""

_UP = (0.0, 1.0, 0.0)


@dataclass(frozen=True)
class ClipPoses:
    """The poses that a data set has from one clip.

    Parameters
    ----------
    item : MotionItem
        The clip.
    poses : (F,) int64
        Numbers of the poses.
    frames : (F,) int64
        Frame of each, from 0.
    joints : (F, 17, 3) float64
        As the data set knows them: world, metres, pelvis at x = z = 0.
    """

    item: MotionItem
    poses: NDArray[np.int64]
    frames: NDArray[np.int64]
    joints: NDArray[np.float64]


def recorded_rotations(clip: ClipPoses) -> NDArray[np.float32] | Rejection:
    """Rotations (F, P, 3, 3) of `ROTATED_PARTS` in a clip, NaN where it doesn't tell them.

    A clip that cannot be read, or whose joints are not those that the data set has, comes back as a
    `Rejection`: its poses are then fitted to the joints alone.
    """
    item = clip.item
    try:
        joints, rotations = read_rotations(item, clip.frames)
    except DamagedItemError as error:
        return Rejection(item.source, item.name, error.reason, error.detail)
    except IndexError:
        detail = f"frame {clip.frames.max()} is wanted"
        return Rejection(item.source, item.name, "clip is shorter than when the poses were taken", detail)
    joints = joints - joints[:, _PELVIS, None] * [1.0, 0.0, 1.0]
    apart = float(np.abs(joints - clip.joints).max())
    if apart > _SAME:
        detail = f"joints are up to {apart:.3f} m from those of the data set"
        return Rejection(item.source, item.name, "another clip of the same name", detail)
    found = np.full((len(clip.frames), len(ROTATED_PARTS), 3, 3), np.nan, np.float32)
    for part, turns in rotations.items():
        found[:, ROTATED_PARTS.index(part)] = turns
    return found


def fit_people(
    body: Body, shape: Shape, joints: NDArray[np.float64], rotations: NDArray[np.float32] | None
) -> NDArray[np.float32]:
    """Put one person each into poses, with as much as is known of their rotations.

    Parameters
    ----------
    body : Body
        The body model.
    shape : Shape
        F people.
    joints : (F, 17, 3) float64
        Joints of `H36M17` in the world, metres, y up.
    rotations : (F, P, 3, 3) float32, optional
        Of `ROTATED_PARTS` in the world; NaN where unknown.

    Returns
    -------
    (F, B, 3, 4) float32
        Bone matrices in the world.
    """
    transforms = np.empty((len(joints), len(body.bones), 3, 4), np.float32)
    turns = np.full((len(joints), len(ROTATED_PARTS), 3, 3), np.nan) if rotations is None else rotations
    known = np.isfinite(turns).all(axis=(2, 3))
    for pattern in np.unique(known, axis=0):
        rows = np.flatnonzero((known == pattern).all(axis=1))
        told = {part: turns[rows, k] for k, part in enumerate(ROTATED_PARTS) if pattern[k]}
        some = Shape(shape.coefficients[rows], shape.heads[rows], shape.landmarks[rows])
        transforms[rows] = fit_pose(body, some, joints[rows], told, up=_UP)
    return transforms


def seen_from(
    transforms: NDArray[np.float32], R: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Bone matrices (F, B, 3, 4) taken from the world to the frames of cameras R (F, 3, 3), t (F, 3)."""
    turned = R[:, None] @ transforms.astype(np.float64)
    turned[..., 3] += t[:, None]
    return turned.astype(np.float32)
