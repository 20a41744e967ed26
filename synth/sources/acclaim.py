"""Acclaim motion capture (ASF skeletons, AMC motions): parser and forward kinematics.

Equations, for a bone with parent p, direction d and length l (C from the bone's `axis`, M from its
channels): C = Rz Ry Rx, M = Rz Ry Rx, G = G_p C M C^-1, P = P_p + G (d l); a bone's position is its END.
`axis 0 0 20 ZYX` gives the angles about x, y, z and, in its letters, the order in which they and the channels
are applied ("XYZ": x first). The root stands at its `position` plus its translation channels, turned by its
`orientation` and then by M. Translation channels of other bones shift them along their own axes; `l`
lengthens them.

Choices where files differ: a missing `:units length` is 1 and metres are value x 0.0254 / length; a
missing `angle` means degrees; an AMC's own `:DEGREES` or `:RADIANS` goes before the ASF's unit; directions
that are not of unit length are normalised. Every frame must name every bone that has channels, in any order.
A motion that is damaged anywhere, be it its last line alone, is refused whole: nothing tells what else is
wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synth.sources.humanoid import Landmarks, PointTree, find_part, missing_joint, plain_name
from synth.sources.kinematics import (
    Frames,
    euler_matrix,
    identity_frames,
    times_matrix,
    times_vector,
    turned,
)

METRES_PER_INCH = 0.0254

_LIMB_ENDS = {
    "knee": ("femur", "upleg", "upperleg", "thigh"),
    "ankle": ("tibia", "lowleg", "lowerleg", "shin", "calf"),
    "elbow": ("humerus", "uparm", "upperarm"),
    "wrist": ("radius", "lowarm", "lowerarm", "forearm"),
}
_LIMB_STARTS = {"knee": "hip", "elbow": "shoulder"}


@dataclass(frozen=True)
class AcclaimSkeleton:
    """A skeleton in metres and radians; bone 0 is the root, the others are in the file's order.

    Parameters
    ----------
    names : tuple of str
        Bone names, lower case, B of them.
    parents : tuple of int
        Parent of each bone, -1 for the root.
    offsets : (B, 3) float64
        Direction times length of each bone, metres; for the root its `position`.
    axes : (B, 3) float64
        Angles of each bone's axis about x, y, z, radians; for the root its `orientation`.
    orders : tuple of str
        Order in which rotations are applied, e.g. ``"xyz"``.
    channels : tuple of tuple of str
        Channels of each bone in the AMC's order, out of tx ty tz rx ry rz l.
    metres_per_unit : float
        Scale of the file's lengths.
    degrees : bool
        Whether the file's angles are degrees.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: NDArray[np.float64]
    axes: NDArray[np.float64]
    orders: tuple[str, ...]
    channels: tuple[tuple[str, ...], ...]
    metres_per_unit: float
    degrees: bool

    @cached_property
    def first_column(self) -> tuple[int, ...]:
        """Column of a motion at which each bone's channels start; the last entry is their number."""
        return tuple(np.concatenate([[0], np.cumsum([len(c) for c in self.channels])]).tolist())

    @cached_property
    def axis_matrices(self) -> NDArray[np.float64]:
        """Matrix C of each bone, (B, 3, 3)."""
        return np.array([euler_matrix(a, order) for a, order in zip(self.axes, self.orders, strict=True)])

    @cached_property
    def parents_first(self) -> tuple[int, ...]:
        """Bones in an order that has every parent before its children."""
        order = [0]
        for bone in order:
            order += [child for child, parent in enumerate(self.parents) if parent == bone]
        return tuple(order)

    def with_ancestors(self, bones: set[int]) -> tuple[int, ...]:
        """List some bones and all that they hang on, parents first."""
        wanted = set(bones)
        for bone in reversed(self.parents_first):
            if bone in wanted and self.parents[bone] >= 0:
                wanted.add(self.parents[bone])
        return tuple(bone for bone in self.parents_first if bone in wanted)


def forward_kinematics(
    skeleton: AcclaimSkeleton, motion: NDArray[np.float64], bones: set[int] | None = None
) -> NDArray[np.float64]:
    """Positions of the ends of all bones.

    Parameters
    ----------
    skeleton : AcclaimSkeleton
        Skeleton of B bones.
    motion : (F, C) float64
        Channels as `parse_amc` returns them: metres and radians.
    bones : set of int, optional
        Bones that are wanted; others stay 0.

    Returns
    -------
    (F, B, 3) float64
        Metres, in the world of the file (y up in every known one).
    """
    positions = np.zeros((len(motion), len(skeleton.names), 3))
    needed = skeleton.with_ancestors(set(range(len(skeleton.names)) if bones is None else bones))
    frames = bone_rotations(skeleton, motion, needed)
    for bone in needed:
        parent = skeleton.parents[bone]
        channels = _channels(skeleton, motion, bone)
        if parent < 0:
            positions[:, bone] = skeleton.offsets[bone] + _translation(channels, len(motion))
        else:
            positions[:, bone] = positions[:, parent] + _bone_vector(
                skeleton, bone, frames[parent], frames[bone], channels
            )
    return positions


def bone_rotations(
    skeleton: AcclaimSkeleton, motion: NDArray[np.float64], bones: Iterable[int]
) -> dict[int, Frames]:
    """Global rotations G of some bones and of all that they hang on.

    Parameters
    ----------
    skeleton : AcclaimSkeleton
        Skeleton of B bones.
    motion : (F, C) float64
        Channels as `parse_amc` returns them: metres and radians.
    bones : iterable of int
        Bones that are wanted.

    Returns
    -------
    dict of int to (3, F, 3) float64
        Columns of each bone's rotation in all frames; it turns the skeleton at rest into the pose.
    """
    frames: dict[int, Frames] = {}
    for bone in skeleton.with_ancestors(set(bones)):
        parent = skeleton.parents[bone]
        before = identity_frames(len(motion)) if parent < 0 else frames[parent]
        frames[bone] = _rotated(skeleton, bone, before, _channels(skeleton, motion, bone))
    return frames


def rest_positions(skeleton: AcclaimSkeleton) -> NDArray[np.float64]:
    """Find the ends of the bones without motion, (B, 3) metres."""
    return forward_kinematics(skeleton, np.zeros((1, skeleton.first_column[-1])))[0]


def landmarks(skeleton: AcclaimSkeleton, file: str) -> tuple[PointTree, Landmarks]:
    """Find the joints of the human body on a skeleton by the names of its bones.

    Limbs are known by the bone that ends in them (knee: femur, ankle: tibia, elbow: humerus, wrist:
    radius); hip and shoulder are where femur and humerus start.

    Raises
    ------
    DamagedItemError
        If a joint of H36M-17 cannot be found.
    """
    names = {plain_name(name): bone for bone, name in enumerate(skeleton.names)}
    limbs: dict[str, int] = {}
    for side in ("left", "right"):
        for joint, parts in _LIMB_ENDS.items():
            bone = find_part(names, side, parts)
            if bone is None:
                raise missing_joint(f"{side}_{joint}", ", ".join(side[0] + part for part in parts), file)
            limbs[f"{side}_{joint}"] = bone
            if joint in _LIMB_STARTS:
                limbs[f"{side}_{_LIMB_STARTS[joint]}"] = skeleton.parents[bone]
    if "head" not in names:
        raise missing_joint("head", "head", file)
    tree = PointTree(skeleton.names, skeleton.parents, rest_positions(skeleton))
    return tree, Landmarks(limbs, skeleton.parents[names["head"]], names["head"])


def _channels(
    skeleton: AcclaimSkeleton, motion: NDArray[np.float64], bone: int
) -> dict[str, NDArray[np.float64]]:
    """Columns of a motion that move one bone, by name."""
    columns = motion[:, skeleton.first_column[bone] : skeleton.first_column[bone + 1]]
    return dict(zip(skeleton.channels[bone], columns.T, strict=True))


def _rotated(
    skeleton: AcclaimSkeleton, bone: int, before: Frames, channels: dict[str, NDArray[np.float64]]
) -> Frames:
    """G_p C M C^-1 of one bone in all frames; for the root M C."""
    axis = skeleton.axis_matrices[bone]
    is_root = skeleton.parents[bone] < 0
    turned_by_axis = skeleton.axes[bone].any()
    frames = times_matrix(before, axis) if turned_by_axis and not is_root else before
    for letter in reversed(skeleton.orders[bone]):
        if f"r{letter}" in channels:
            frames = turned(frames, letter, channels[f"r{letter}"])
    if turned_by_axis:
        frames = times_matrix(frames, axis if is_root else axis.T)
    return frames


def _bone_vector(
    skeleton: AcclaimSkeleton,
    bone: int,
    before: Frames,
    after: Frames,
    channels: dict[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """From the start to the end of one bone in all frames, (F, 3) metres."""
    offset = skeleton.offsets[bone]
    vector = times_vector(after, offset)
    if "l" in channels:
        length = np.linalg.norm(offset)
        vector = vector * (1 + channels["l"] / length)[:, None] if length > 0 else vector
    if any(f"t{letter}" in channels for letter in "xyz"):
        axes = times_matrix(before, skeleton.axis_matrices[bone])
        vector = vector + times_vector(axes, _translation(channels, len(vector)))
    return vector


def _translation(channels: dict[str, NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    """Stack the translation channels of a bone, (F, 3) metres; 0 where it has none."""
    still = np.zeros(count)
    return np.stack([channels.get(f"t{letter}", still) for letter in "xyz"], axis=1)
