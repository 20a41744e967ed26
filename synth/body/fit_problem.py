"""What the parts of a fit share: the body at rest, the given joints and rotations, the size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from synth.body.archive import Body
from synth.body.frames import Floats
from synth.body.shapes import Shape
from synth.errors import InputError
from synth.skeletons import H36M17

SIDES = ("left", "right")
ROTATED_PARTS = (
    *("pelvis", "chest", "head"),
    *(f"{side}_{part}" for side in SIDES for part in ("thigh", "upper_arm", "hand", "foot")),
)
"""Parts whose recorded rotations are taken into account."""

_YARDSTICKS = (
    ("left_hip", "left_knee", "left_ankle"),
    ("right_hip", "right_knee", "right_ankle"),
    ("left_shoulder", "left_elbow"),
    ("right_shoulder", "right_elbow"),
)
"""Chains of joints whose lengths tell the size of a body."""


@dataclass(frozen=True)
class FitProblem:
    """F poses of one person (G = 1), or one pose each of F people (G = F).

    Parameters
    ----------
    points : dict of str to (G, 3) float64
        Bone heads and landmarks at rest.
    rest : dict of str to (G, 3) float64
        The body's own joints of `H36M17` at rest.
    joints : dict of str to (F, 3) float64
        Given joints.
    rotations : dict of str to (F, 3, 3) float64
        Recorded rotations.
    scale : (G, 1) float64
        Size of the posed body, 1 for its own.
    """

    points: dict[str, Floats]
    rest: dict[str, Floats]
    joints: dict[str, Floats]
    rotations: dict[str, Floats]
    scale: Floats

    def both(self, bone: str) -> Floats:
        """Head of a bone at rest on both sides, (2, G, 3), left first."""
        return np.stack([self.points[f"{side}_{bone}"] for side in SIDES])

    def both_joints(self, joint: str) -> Floats:
        """Given joint on both sides, (2, F, 3), left first."""
        return np.stack([self.joints[f"{side}_{joint}"] for side in SIDES])


def make_problem(body: Body, shape: Shape, frames: Floats, rotations: Mapping[str, ArrayLike]) -> FitProblem:
    """Check and sort the input of a fit; `frames` are joints (F, 17, 3).

    Raises
    ------
    InputError
        If joints are not finite, have another shape or no extent, there are as many people as neither one nor
        frames, or a rotation has an unknown name.
    """
    if frames.shape[1:] != (len(H36M17), 3) or not np.isfinite(frames).all():
        raise InputError(f"joints of shape {frames.shape}: expected finite (17, 3) or (F, 17, 3) of h36m17")
    if shape.heads.ndim == 3 and len(shape.heads) != len(frames):
        raise InputError(
            f"{len(shape.heads)} people and {len(frames)} poses: expected one person, or as many"
        )
    unknown = sorted(set(rotations) - set(ROTATED_PARTS))
    if unknown:
        raise InputError(f"no body part {', '.join(unknown)}; rotations are of {', '.join(ROTATED_PARTS)}")
    scale = np.atleast_1d(body_scale(body, shape, frames))
    if not (scale > 0).all():
        raise InputError("joints that all coincide: no body can be fitted to them")
    points = np.concatenate([shape.heads, shape.landmarks], axis=-2)
    names = (*body.bones, *body.landmarks)
    return FitProblem(
        points=_by_name(names, points),
        rest=_by_name(H36M17.joints, rest_joints(body, shape)),
        joints=_by_name(H36M17.joints, frames),
        rotations={
            name: np.broadcast_to(np.asarray(turn, dtype=np.float64), (len(frames), 3, 3))
            for name, turn in rotations.items()
        },
        scale=scale[:, None],
    )


def rest_joints(body: Body, shape: Shape) -> Floats:
    """Find the body's own joints of `H36M17` at rest, (..., 17, 3) metres."""
    points = np.concatenate([shape.heads, shape.landmarks], axis=-2)
    joints: Floats = body.joint_weights.astype(np.float64) @ points
    return joints


def body_scale(body: Body, shape: Shape, joints: ArrayLike) -> Floats:
    """Size of a skeleton in units of the body's: ratio of legs, upper arms and trunk.

    Parameters
    ----------
    body : Body
        The body model.
    shape : Shape
        One person, or as many as frames.
    joints : (F, 17, 3) float
        Joints of `H36M17`, metres.

    Returns
    -------
    () or (F,) float64
        One for the person, the median over the frames; or one for each.
    """
    own = _size(_by_name(H36M17.joints, rest_joints(body, shape)))
    given = _size(_by_name(H36M17.joints, np.asarray(joints, dtype=np.float64)))
    ratio: Floats = given / own if shape.heads.ndim == 3 else np.median(given) / own[0]
    return ratio


def middle(joints: Mapping[str, Floats], joint: str) -> Floats:
    """Point half-way between a joint of the left and of the right."""
    return (joints[f"left_{joint}"] + joints[f"right_{joint}"]) / 2


def _by_name(names: tuple[str, ...], points: Floats) -> dict[str, Floats]:
    """Points (P, 3) or (G, P, 3) as (1, 3) or (G, 3) by name."""
    batch = points.reshape(-1, *points.shape[-2:])
    return dict(zip(names, np.ascontiguousarray(np.moveaxis(batch, 1, 0)), strict=True))


def _size(joints: Mapping[str, Floats]) -> Floats:
    """Sum (...,) of the lengths that tell a body's size."""
    chains = sum(
        np.linalg.norm(joints[a] - joints[b], axis=-1) for chain in _YARDSTICKS for a, b in pairwise(chain)
    )
    trunk = np.linalg.norm(middle(joints, "shoulder") - middle(joints, "hip"), axis=-1)
    total: Floats = chains + trunk
    return total
