"""Rotations of body parts in recorded motion: what the positions of joints do not tell.

They are turns from one reference pose, that of `synth.body.fitting`, to the pose: upright, facing z, arms
stretched sideways, palms down (y up, x to the person's left). CMU's and HDM05's skeletons rest in it. BVH
skeletons rest in any pose: there each limb is first swung from the reference to where it points at rest,
and hands are left out, because nothing tells how palms lie at rest.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.frames import swing
from synth.sources import bvh
from synth.sources.acclaim import AcclaimSkeleton, bone_rotations
from synth.sources.bvh_text import BvhSkeleton, parse_bvh
from synth.sources.files import read_file, text_of
from synth.sources.humanoid import Landmarks, PointTree, find_part, plain_name
from synth.sources.motion import MotionItem, acclaim_joints, is_bvh, open_acclaim

Rotations = dict[str, NDArray[np.float64]]

_MIDDLE = {"chest": "thorax", "head": "head"}
_SIDES = {
    "thigh": ("femur", "upleg", "upperleg", "thigh"),
    "upper_arm": ("humerus", "uparm", "upperarm"),
    "hand": ("hand", "wrist"),
    "foot": ("foot",),
}
_LIMBS = {"thigh": ("hip", "knee"), "upper_arm": ("shoulder", "elbow"), "foot": ("ankle", "")}
"""Joints between which a BVH file's bone of each limb part lies; how a foot points at rest isn't asked."""

_SIDEWAYS, _DOWN = np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0])


def read_rotations(item: MotionItem, frames: ArrayLike) -> tuple[NDArray[np.float64], Rotations]:
    """Joints and rotations of body parts at some frames of a clip.

    Parameters
    ----------
    item : MotionItem
        The clip, as `synth.sources.catalog.motion_items` lists it.
    frames : (F,) int
        Frames of the file, from 0.

    Returns
    -------
    joints : (F, 17, 3) float64
        Joints of `H36M17` in the world, metres, y up, as `read_item` gives them.
    rotations : dict of str to (F, 3, 3) float64
        In the same world, by part; parts that the skeleton has no bone for are left out.

    Raises
    ------
    DamagedItemError
        If the clip cannot be used.
    IndexError
        If the clip has no such frame.
    """
    rows = np.asarray(frames, dtype=np.int64)
    if is_bvh(item):
        bvh_skeleton, motion, _ = parse_bvh(text_of(read_file(item.root, item.name)), item.name)
        chosen = motion[rows]
        joints = bvh.clip_joints(bvh_skeleton, chosen, item.name)
        return joints, bvh_part_rotations(bvh_skeleton, chosen, item.name)
    skeleton, motion = open_acclaim(item)
    chosen = motion[rows]
    return acclaim_joints(item, skeleton, chosen), part_rotations(skeleton, chosen)


def part_rotations(skeleton: AcclaimSkeleton, motion: NDArray[np.float64]) -> Rotations:
    """Global rotations of the parts that `synth.body.fitting.fit_pose` can take into account.

    Parameters
    ----------
    skeleton : AcclaimSkeleton
        Skeleton with bones of usual names.
    motion : (F, C) float64
        Channels as `parse_amc` returns them: metres and radians.

    Returns
    -------
    dict of str to (F, 3, 3) float64
        Rotation matrices from rest to pose in the world of the file; parts that the skeleton has no bone
        for are left out.
    """
    names = {plain_name(name): bone for bone, name in enumerate(skeleton.names)}
    bones: dict[str, int | None] = {"pelvis": 0}
    bones |= {part: names.get(name) for part, name in _MIDDLE.items()}
    for side in ("left", "right"):
        bones |= {f"{side}_{part}": find_part(names, side, spellings) for part, spellings in _SIDES.items()}
    found = {part: bone for part, bone in bones.items() if bone is not None}
    frames = bone_rotations(skeleton, motion, found.values())
    return {part: np.moveaxis(frames[bone], 0, -1) for part, bone in found.items()}


def bvh_part_rotations(skeleton: BvhSkeleton, motion: NDArray[np.float64], file: str) -> Rotations:
    """Global rotations of the same parts but the hands in a BVH file.

    Parameters
    ----------
    skeleton : BvhSkeleton
        Skeleton with joints of usual names.
    motion : (F, C) float64
        Channels in the file's order, file units and degrees.
    file : str
        Name for error messages.

    Returns
    -------
    dict of str to (F, 3, 3) float64
        Rotation matrices from the reference pose to the pose, y up.

    Raises
    ------
    DamagedItemError
        If a limb joint or the head cannot be found.
    """
    tree, named = bvh.landmarks(skeleton, file)
    points = {"pelvis": named.pelvis, "chest": _chest(tree, named.limbs), "head": named.head_start}
    for side in ("left", "right"):
        points |= {f"{side}_{part}": named.limbs[f"{side}_{start}"] for part, (start, _) in _LIMBS.items()}
    turned = bvh.point_rotations(skeleton, motion, set(points.values()))
    upright, resting = bvh.upright_axes(tree, named), _resting_axes(tree, named)
    return {
        part: upright @ np.moveaxis(turned[point], 0, -1) @ resting @ _swung(part, tree, named, resting)
        for part, point in points.items()
    }


def _chest(tree: PointTree, limbs: Mapping[str, int]) -> int:
    """Find the highest point that both arms hang on."""
    left = _chain(tree, limbs["left_shoulder"])
    return next(point for point in _chain(tree, limbs["right_shoulder"]) if point in left)


def _chain(tree: PointTree, point: int) -> list[int]:
    chain = [tree.parents[point]]
    while tree.parents[chain[-1]] >= 0:
        chain.append(tree.parents[chain[-1]])
    return chain


def _resting_axes(tree: PointTree, named: Landmarks) -> NDArray[np.float64]:
    """Axes of the file, in columns (3, 3), that point left, up and ahead of the person at rest."""
    feet = (tree.rest[named.limbs["left_ankle"]] + tree.rest[named.limbs["right_ankle"]]) / 2
    across = tree.rest[named.limbs["left_hip"]] - tree.rest[named.limbs["right_hip"]]
    left, up = _nearest_axis(across), _nearest_axis(tree.rest[named.head_end] - feet)
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _nearest_axis(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    axis = np.zeros(3)
    largest = np.abs(vector).argmax()
    axis[largest] = np.sign(vector[largest])
    return axis


def _swung(part: str, tree: PointTree, named: Landmarks, resting: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest turn (3, 3), in the person's axes, from the reference pose to where a part points at rest.

    Trunk, head and feet stand at rest as in the reference pose.
    """
    side, _, limb = part.partition("_")
    start, end = _LIMBS.get(limb, ("", ""))
    if not end:
        return np.eye(3)
    along = tree.rest[named.limbs[f"{side}_{end}"]] - tree.rest[named.limbs[f"{side}_{start}"]]
    arm = _SIDEWAYS if side == "left" else -_SIDEWAYS
    turn: NDArray[np.float64] = swing(arm if limb == "upper_arm" else _DOWN, resting.T @ along)
    return turn
