"""Putting the body into recorded poses: bone matrices from the 17 joints of H36M.

Knees, ankles, elbows, wrists and thorax come to lie on the given joints, bones being stretched along
themselves. Hips and shoulders go half-way from where the body has them to the given ones (MoCap's hips are
often too narrow, its shoulders too wide and too high), and neck and head keep nearly their own size (MoCap's
"head" is often well below the crown). `posed_joints` tells where the body's own joints are.

Where the rotations of body parts were recorded they decide what joints leave open: the twist of limbs,
where the face and the palms look, how the feet stand. They are turns from a reference pose that
stands upright, faces z, with arms stretched sideways and palms down (y up, x to the person's left), to the
pose, in the frame of the joints.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.archive import Body
from synth.body.fit_problem import SIDES, FitProblem, make_problem
from synth.body.frames import (
    Floats,
    apply,
    bone_map,
    mapped,
    perpendicular,
    rigid_map,
    swing,
    turn_between,
    unit,
)
from synth.body.limbs import (
    FINGERS,
    Hand,
    Limb,
    finger_maps,
    level_foot,
    limb_maps,
    lower_turn,
    measured_hinge,
    twisted_forearm,
)
from synth.body.shapes import Shape
from synth.body.trunk import trunk_maps

RELAXED_CURL = 0.3

_GIRDLE_SHARE = 0.5
"""Share of the way from the body's own hips and shoulders to the given ones at which limbs start."""

_X = np.array([1.0, 0.0, 0.0])
_LEFT_RIGHT = np.array([1.0, -1.0])[:, None, None]
_ARM = _LEFT_RIGHT * np.array([1.0, 0.0, 0.0]), _LEFT_RIGHT * np.array([0.0, -1.0, 0.0])
"""Directions (2, 1, 3) of the arms in the reference pose, and their elbows' axes there."""


def fit_pose(
    body: Body,
    shape: Shape,
    joints: ArrayLike,
    rotations: Mapping[str, ArrayLike] | None = None,
    up: ArrayLike | None = None,
    curl: ArrayLike = RELAXED_CURL,
) -> NDArray[np.float32]:
    """Bone matrices that put a body, or several, into recorded poses.

    A call has a fixed cost of many small operations: fit many poses, or many people, at once.

    Parameters
    ----------
    body : Body
        The body model.
    shape : Shape
        One person; or F people, one for each pose. Each is scaled as a whole to the size of the skeleton.
    joints : (17, 3) or (F, 17, 3) float
        Joints of `H36M17` in metres, in any right-handed frame (a camera's, too). With one person, frames of
        one skeleton.
    rotations : mapping of str to (3, 3) or (F, 3, 3) float, optional
        Recorded rotations of some of `ROTATED_PARTS`.
    up : (3,) or (F, 3) float, optional
        Direction away from the ground: feet whose rotation isn't given stand level where the ankle allows.
    curl : float or (F, 2) float
        How far the left and the right hand are closed, 0 flat to 1 a fist.

    Returns
    -------
    (B, 3, 4) or (F, B, 3, 4) float32
        `matrix[:, :3] @ rest_point + matrix[:, 3]` is the posed point.

    Raises
    ------
    InputError
        If joints are not finite, have another shape or no extent, there are neither one nor F people, or a
        rotation has an unknown name.
    """
    given = np.asarray(joints, dtype=np.float64)
    frames = given[None] if given.ndim == 2 else given
    fit = make_problem(body, shape, frames, {} if rotations is None else rotations)
    closed = np.broadcast_to(np.asarray(curl, dtype=np.float64), (len(frames), 2)).T[..., None]
    vertical = None if up is None else unit(np.asarray(up, dtype=np.float64))
    maps = trunk_maps(fit)
    for bone, sides in (
        _arm_maps(fit, maps["spine_5"], closed) | _leg_maps(fit, maps["pelvis"], vertical)
    ).items():
        maps |= {f"{side}_{bone}": one for side, one in zip(SIDES, sides, strict=True)}
    stacked = np.stack([maps[bone] for bone in body.bones], axis=1).astype(np.float32)
    return stacked[0] if given.ndim == 2 else stacked


def posed_joints(body: Body, shape: Shape, transforms: ArrayLike) -> Floats:
    """Where the body's own joints are in a pose.

    Parameters
    ----------
    body : Body
        The body model.
    shape : Shape
        One person, or one for each pose.
    transforms : (..., B, 3, 4) float
        Bone matrices.

    Returns
    -------
    (..., 17, 3) float64
        Joints of `H36M17` in the frame of the matrices.
    """
    maps = np.asarray(transforms, dtype=np.float64)
    bones = np.concatenate([np.arange(len(body.bones)), body.landmark_bones])
    points = np.concatenate([shape.heads, shape.landmarks], axis=-2)
    joints: Floats = body.joint_weights.astype(np.float64) @ mapped(maps[..., bones, :, :], points)
    return joints


def _arm_maps(fit: FitProblem, chest_map: Floats, curl: Floats) -> dict[str, Floats]:
    """Make the maps (2, F, 3, 4) of both arms from the collar bones to the finger tips."""
    chest = chest_map[..., :3] / fit.scale[..., None]
    start, middle, end = (fit.both(bone) for bone in ("upper_arm_1", "forearm_1", "hand"))
    rest = Limb(start, middle, end, unit(np.cross(middle - start, end - middle)))
    own = mapped(chest_map, start)
    shoulder = own + _GIRDLE_SHARE * (fit.both_joints("shoulder") - own)
    elbow, wrist = fit.both_joints("elbow"), fit.both_joints("wrist")
    carried = _carried_axes(fit, "upper_arm", _ARM[1], chest, rest, elbow - shoulder)
    posed = measured_hinge((shoulder, elbow, wrist), carried, "arm")
    hand = Hand(end, _finger_points(fit), _LEFT_RIGHT)
    turn = _hand_turns(fit, hand, rest, posed)
    limb = limb_maps(rest, posed, carried, fit.scale)
    collar = fit.both("clavicle")
    girdle = bone_map((collar, start), (mapped(chest_map, collar), shoulder), chest, fit.scale)
    maps = {
        "clavicle": girdle,
        "shoulder": girdle,
        "upper_arm_1": limb["upper_1"],
        "upper_arm_2": limb["upper_2"],
        "forearm_1": limb["lower"],
        "forearm_2": twisted_forearm(rest, posed, turn, fit.scale),
        "hand": rigid_map(end, wrist, turn, fit.scale),
    }
    for joint, fingers in enumerate(finger_maps(hand, wrist, turn, curl, fit.scale), start=1):
        maps |= {f"{name}_{joint}": one for name, one in zip(FINGERS, fingers, strict=True)}
    return maps


def _leg_maps(fit: FitProblem, pelvis_map: Floats, up: Floats | None) -> dict[str, Floats]:
    """Make the maps (2, F, 3, 4) of both legs from the hips to the toes."""
    pelvis = pelvis_map[..., :3] / fit.scale[..., None]
    start, middle, end = (fit.both(bone) for bone in ("thigh_1", "shin_1", "foot"))
    rest = Limb(start, middle, end, unit(perpendicular(_X, unit(middle - start))))
    own = mapped(pelvis_map, start)
    hip = own + _GIRDLE_SHARE * (fit.both_joints("hip") - own)
    knee, ankle = fit.both_joints("knee"), fit.both_joints("ankle")
    carried = _carried_axes(fit, "thigh", np.stack([_X, _X])[:, None], pelvis, rest, knee - hip)
    posed = measured_hinge((hip, knee, ankle), carried, "leg")
    limb = limb_maps(rest, posed, carried, fit.scale)
    turn = level_foot(lower_turn(rest, posed), posed, up)
    for number, side in enumerate(SIDES):
        turn[number] = fit.rotations.get(f"{side}_foot", turn[number])
    foot = rigid_map(end, ankle, turn, fit.scale)
    return {
        "thigh_1": limb["upper_1"],
        "thigh_2": limb["upper_2"],
        "shin_1": limb["lower"],
        "shin_2": limb["lower"],
        "foot": foot,
        "toes": foot,
    }


def _carried_axes(
    fit: FitProblem, part: str, reference: Floats, trunk: Floats, rest: Limb, upper: Floats
) -> Floats:
    """Hinge axes (2, F, 3) of limbs that swing from the trunk without twist, or as they were recorded."""
    carried = apply(swing(apply(trunk, rest.upper), upper) @ trunk, rest.axis)
    for number, side in enumerate(SIDES):
        if f"{side}_{part}" in fit.rotations:
            carried[number] = apply(fit.rotations[f"{side}_{part}"], reference[number])
    return carried


def _hand_turns(fit: FitProblem, hand: Hand, rest: Limb, posed: Limb) -> Floats:
    """Rotations (2, F, 3, 3) of the hands: recorded, or going on straight from the forearms."""
    turns = lower_turn(rest, posed)
    along, axis = hand.along(), hand.palm() * hand.sign
    for number, side in enumerate(SIDES):
        recorded = fit.rotations.get(f"{side}_hand")
        if recorded is not None:
            to = (apply(recorded, reference[number]) for reference in _ARM)
            turns[number] = turn_between(along[number], axis[number], *to)
    return turns


def _finger_points(fit: FitProblem) -> tuple[Floats, Floats, Floats]:
    """Where the bones of all fingers start at rest, three of (5, 2, G, 3)."""
    first, second, third = (np.stack([fit.both(f"{finger}_{n}") for finger in FINGERS]) for n in (1, 2, 3))
    return first, second, third
