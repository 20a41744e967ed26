"""BVH motion capture: parser and forward kinematics for any channel order, and the way to H36M-17.

A joint's rotation M is the product of its channels in the file's order (``Zrotation Yrotation Xrotation``:
Rz Ry Rx); P = P_p + G_p (offset + translation), G = G_p M. A joint's position is where its bone STARTS.

Choices where files differ. Position channels of the root are added to its offset; those of another joint
replace its offset if they lie nearer to it than to 0 (most programs write the offset into them), else are
added. A file gives no unit: it is the one, out of metres, centimetres, millimetres, inches and the CMU unit
(0.0254 / 0.45 m, as in CMU's ASF files), with which the leg (hip to knee to ankle, at rest) comes nearest to
0.8 m in ratio. Where the skeleton at rest stands along z, z is taken for up and turned to y.

The usual conversion of CMU's data to BVH (by "cgspeed") lacks the thorax bone: everything above the back is
11.7 cm too low. Legs and pelvis equal those of CMU's own files; prefer these where lengths matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import H36M17
from synth.sources.bvh_text import BvhSkeleton, parse_bvh
from synth.sources.humanoid import (
    Landmarks,
    PointTree,
    find_part,
    h36m17_weights,
    missing_joint,
    plain_name,
)
from synth.sources.kinematics import Frames, identity_frames, times_vector, turned

UNITS = {"metre": 1.0, "centimetre": 0.01, "millimetre": 0.001, "inch": 0.0254, "CMU unit": 0.0254 / 0.45}
"""Units that BVH files are written in, in metres."""

_STANDARD_LEG = 0.8

_JOINTS = {
    "hip": ("upleg", "upperleg", "thigh", "femur", "hip"),
    "knee": ("lowleg", "lowerleg", "shin", "calf", "tibia", "knee", "leg"),
    "ankle": ("ankle", "foot"),
    "shoulder": ("uparm", "upperarm", "arm", "humerus", "shldr", "shoulder"),
    "elbow": ("forearm", "lowarm", "lowerarm", "radius", "elbow"),
    "wrist": ("wrist", "hand"),
}
"""Names of the bone that starts in each joint; a left shoulder beside a left arm is the collar."""


def forward_kinematics(
    skeleton: BvhSkeleton, motion: NDArray[np.float64], points: set[int] | None = None
) -> NDArray[np.float64]:
    """Positions of all joints and end sites.

    Parameters
    ----------
    skeleton : BvhSkeleton
        Skeleton of P points.
    motion : (F, C) float64
        Channels in the file's order, file units and degrees.
    points : set of int, optional
        Points that are wanted; others may stay 0.

    Returns
    -------
    (F, P, 3) float64
        File units.
    """
    return _moved(skeleton, motion, set(range(len(skeleton.names))) if points is None else points)[0]


def point_rotations(
    skeleton: BvhSkeleton, motion: NDArray[np.float64], points: set[int]
) -> dict[int, Frames]:
    """Global rotations G of some points and of all that they hang on.

    Returns
    -------
    dict of int to (3, F, 3) float64
        Columns of each point's rotation in all frames; it turns what starts there at rest into the pose.
    """
    return _moved(skeleton, motion, points)[1]


def _moved(
    skeleton: BvhSkeleton, motion: NDArray[np.float64], points: set[int]
) -> tuple[NDArray[np.float64], dict[int, Frames]]:
    """Positions (F, P, 3) and rotations of some points and their ancestors; other positions stay 0."""
    wanted = skeleton.with_ancestors(points)
    positions = np.zeros((len(motion), len(skeleton.names), 3))
    frames: dict[int, Frames] = {}
    for point in wanted:
        parent = skeleton.parents[point]
        columns = motion[:, skeleton.first_column[point] : skeleton.first_column[point + 1]]
        channels = dict(zip(skeleton.channels[point], columns.T, strict=True))
        before = identity_frames(len(motion)) if parent < 0 else frames[parent]
        step = _step(skeleton.offsets[point], channels, is_root=parent < 0)
        positions[:, point] = times_vector(before, step) + (positions[:, parent] if parent >= 0 else 0)
        for name, angle in channels.items():
            if name[1:] == "rotation":
                before = turned(before, name[0], np.radians(angle))
        frames[point] = before
    return positions, frames


def rest_positions(skeleton: BvhSkeleton) -> NDArray[np.float64]:
    """Positions with all joints unturned, (P, 3) file units."""
    positions = np.array(skeleton.offsets)
    for point, parent in enumerate(skeleton.parents):
        if parent >= 0:
            positions[point] += positions[parent]
    return positions


def landmarks(skeleton: BvhSkeleton, file: str) -> tuple[PointTree, Landmarks]:
    """Find the joints of the human body on a skeleton by name.

    Raises
    ------
    DamagedItemError
        If a limb joint or the head cannot be found; the middle of the body is derived.
    """
    names: dict[str, int] = {}
    for point, name in enumerate(skeleton.names):
        names.setdefault(plain_name(name), point)
    limbs: dict[str, int] = {}
    for side in ("left", "right"):
        for joint, parts in _JOINTS.items():
            found = find_part(names, side, parts)
            if found is None:
                raise missing_joint(f"{side}_{joint}", ", ".join(side + part for part in parts), file)
            limbs[f"{side}_{joint}"] = found
    if "head" not in names:
        raise missing_joint("head", "head", file)
    tree = PointTree(skeleton.names, skeleton.parents, rest_positions(skeleton))
    start, end = _head(tree, names["head"])
    pelvis = next((names[name] for name in ("hips", "pelvis", "hip") if name in names), 0)
    return tree, Landmarks(limbs, start, end, pelvis)


def unit_in_metres(weights: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    """Choose the unit with which the left leg at rest comes nearest to 0.8 m.

    Parameters
    ----------
    weights : (17, P) float64
        From `h36m17_weights`.
    rest : (P, 3) float64
        Positions at rest, file units.
    """
    joints = weights @ rest
    leg = [joints[H36M17.index(f"left_{joint}")] for joint in ("hip", "knee", "ankle")]
    length = float(np.linalg.norm(np.diff(leg, axis=0), axis=1).sum())
    if length == 0:
        return 1.0
    return min(UNITS.values(), key=lambda unit: abs(np.log(unit * length / _STANDARD_LEG)))


def read_clip(text: str, file: str) -> tuple[NDArray[np.float64], float]:
    """Joints of H36M-17 of a BVH file.

    Parameters
    ----------
    text : str
        The file's text.
    file : str
        Name for error messages.

    Returns
    -------
    joints : (F, 17, 3) float64
        Metres, y up.
    fps : float
        Frames per second.

    Raises
    ------
    DamagedItemError
        If the file cannot be read or lacks a joint.
    """
    skeleton, motion, fps = parse_bvh(text, file)
    return clip_joints(skeleton, motion, file), fps


def clip_joints(skeleton: BvhSkeleton, motion: NDArray[np.float64], file: str) -> NDArray[np.float64]:
    """Joints (F, 17, 3) of H36M-17 in metres, y up; errors as of `read_clip`."""
    tree, named = landmarks(skeleton, file)
    weights = h36m17_weights(tree, named)
    used = set(np.flatnonzero(weights.any(axis=0)).tolist())
    points = forward_kinematics(skeleton, motion, used) * unit_in_metres(weights, tree.rest)
    return np.matmul(weights, points) @ upright_axes(tree, named).T


def upright_axes(tree: PointTree, named: Landmarks) -> NDArray[np.float64]:
    """Rotation (3, 3) from the file's axes to y up: the identity, or z turned to y."""
    feet = (tree.rest[named.limbs["left_ankle"]] + tree.rest[named.limbs["right_ankle"]]) / 2
    upright = tree.rest[named.head_end] - feet
    if np.abs(upright).argmax() == 2 and upright[2] > 0:
        return np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    return np.eye(3)


def _step(
    offset: NDArray[np.float64], channels: dict[str, NDArray[np.float64]], *, is_root: bool
) -> NDArray[np.float64]:
    """Offset and translation of a joint: (3,), or (F, 3) where it has position channels."""
    names = [f"{letter}position" for letter in "xyz"]
    if not any(name in channels for name in names):
        return offset
    count = len(next(iter(channels.values())))
    given = np.stack([channels.get(name, np.zeros(count)) for name in names], axis=1)
    written = np.array([name in channels for name in names])
    error = np.linalg.norm(np.where(written, given - offset, 0), axis=1).mean()
    if not is_root and error < np.linalg.norm(given, axis=1).mean():
        return np.where(written, given, offset)
    return offset + given


def _head(tree: PointTree, head: int) -> tuple[int, int]:
    """Find start and end of the head bone: the end is the farthest child, else the joint itself."""
    children = [p for p, parent in enumerate(tree.parents) if parent == head]
    lengths = [float(np.linalg.norm(tree.rest[p] - tree.rest[head])) for p in children]
    if lengths and max(lengths) > 0:
        return head, children[int(np.argmax(lengths))]
    return tree.parents[head], head
