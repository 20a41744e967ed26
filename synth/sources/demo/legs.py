"""Legs: feet on the ground where they stand, or swung freely, by two-bone inverse kinematics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.geometry import axis_rotation
from synth.sources.demo.body import BALL_HEIGHT, FOOT_SLOPE, Body, channel_limits
from synth.sources.demo.rotations import apply, frame_of, shortest_arc, unit
from synth.sources.demo.tracks import Tracks
from synth.sources.demo.trunk import MIRROR, Trunk, two_bones
from synth.sources.kinematics import euler_matrix

Array = NDArray[np.float64]

_HEEL_BEHIND_BALL = 0.16
_LEG_FORWARD = unit(np.array([0.0, -1.0, 1.0]))
_LEG_FORWARD_KNEE = unit(np.array([0.0, 1.0, 1.0]))
_TOES_UP = float(np.radians(channel_limits()["lfoot"][0][1]))
_ROUNDS = 2


@dataclass(frozen=True)
class Leg:
    """Joint angles of one leg, as of a left one.

    Parameters
    ----------
    thigh : (F, 3, 3) float64
        Frame of the thigh in that of the pelvis: the knee's axis, against the bone, and across both.
    knee : (F,) float64
        Flexion, radians.
    foot : (F, 2) float64
        Turn of the foot about its x and z, radians.
    toes : (F,) float64
        Turn of the toes about their x, radians.
    """

    thigh: Array
    knee: Array
    foot: Array
    toes: Array


def solve_leg(body: Body, tracks: Tracks, trunk: Trunk, side: int) -> Leg:
    """Joint angles of one leg.

    Where a flat sole would bend the ankle further than it goes, as in a deep squat, the heel is lifted.

    Parameters
    ----------
    body : Body
        The subject.
    tracks : Tracks
        What it is to do, F frames.
    trunk : Trunk
        What the legs hang on.
    side : int
        0 left, 1 right.
    """
    feet = tracks.feet[:, side].copy()
    standing = 1.0 - tracks.freed[:, side]
    leg = _reaching(body, tracks, trunk, feet, side)
    for _ in range(_ROUNDS):
        missing = np.maximum(_TOES_UP - leg.foot[:, 0], 0.0) * standing
        if not missing.any():
            break
        feet[:, 4] += missing
        leg = _reaching(body, tracks, trunk, feet, side)
    return leg


def _reaching(body: Body, tracks: Tracks, trunk: Trunk, feet: Array, side: int) -> Leg:
    """Leg whose foot stands as `feet` (F, 5) says, as far as it isn't freed."""
    mirror, freed = MIRROR[side], tracks.freed[:, side, None]
    turn = np.swapaxes(trunk.root, -1, -2)
    hip = trunk.pelvis + trunk.root @ body.offset(f"{'lr'[side]}hipjoint")
    planted = apply(turn, _ankles(body, feet) - hip) * mirror
    ankle = planted * (1.0 - freed) + tracks.free[:, side] * body.leg * freed
    ahead = apply(turn, _heading(feet[:, 3])) * mirror
    knee = _knee_direction(ankle, ahead, tracks.knees[:, side])
    femur, bend = two_bones(ankle, knee, (body.length("lfemur"), body.length("ltibia")))
    thigh = frame_of(np.cross(knee, femur), -femur)
    shank = thigh @ axis_rotation("x", bend)
    pointing = _pointing(feet, turn, mirror, shank, freed)
    toes = -np.maximum(feet[:, 4] * (1.0 - freed[:, 0]), 0.0)
    return Leg(thigh, bend, _foot_angles(shank, pointing), toes)


def _ankles(body: Body, feet: Array) -> Array:
    """Ankles in the world of feet that turn about the ball if the heel is up, else about the heel."""
    heading, pitch = feet[:, 3], feet[:, 4]
    ball_to_ankle = np.array([0.0, body.ankle_height - BALL_HEIGHT, -_run(body)])
    ball_to_heel = np.array([0.0, -BALL_HEIGHT, -_HEEL_BEHIND_BALL])
    pivot = np.where(pitch[:, None] > 0.0, [0.0, -BALL_HEIGHT, 0.0], ball_to_heel)
    turned = apply(axis_rotation("x", pitch), ball_to_ankle - pivot) + pivot
    ball = feet[:, :3] + [0.0, BALL_HEIGHT, 0.0]
    return ball + apply(axis_rotation("y", heading), turned)


def _run(body: Body) -> float:
    """Horizontal distance of ankle and ball on a flat foot, metres."""
    return float(np.sqrt(body.length("lfoot") ** 2 - (body.ankle_height - BALL_HEIGHT) ** 2))


def _heading(heading: Array) -> Array:
    return np.stack([np.sin(heading), np.zeros_like(heading), np.cos(heading)], axis=-1)


def _knee_direction(ankle: Array, ahead: Array, outward: Array) -> Array:
    """Direction across the leg's line in which the knee bends, (F, 3).

    It is that of a leg swung forward without twist, drawn towards the foot's own direction where the leg
    stands below the body, and turned outward.
    """
    line = unit(ankle)
    neutral = shortest_arc(_LEG_FORWARD, line) @ _LEG_FORWARD_KNEE
    across = unit(ahead - (ahead * line).sum(axis=-1, keepdims=True) * line)
    upright = np.clip(-line[:, 1:2], 0.0, 1.0) ** 2 * np.clip((across * neutral).sum(-1, keepdims=True), 0, 1)
    knee = unit(neutral + 0.8 * upright * (across - neutral))
    cosine, sine = np.cos(outward)[:, None], np.sin(outward)[:, None]
    return np.asarray(cosine * knee - sine * np.cross(line, knee))


def _pointing(feet: Array, turn: Array, mirror: Array, shank: Array, weight: Array) -> Array:
    """Direction from ankle to ball in the frame of the pelvis: as the sole lies, or loosely down if free."""
    slope = np.radians(FOOT_SLOPE) + feet[:, 4]
    flat = np.stack([np.zeros_like(slope), -np.sin(slope), np.cos(slope)], axis=-1)
    planted = apply(turn, apply(axis_rotation("y", feet[:, 3]), flat)) * mirror
    loose = np.radians(FOOT_SLOPE + 22.0)
    hanging = shank @ np.array([0.0, -np.sin(loose), np.cos(loose)])
    return unit(planted * (1.0 - weight) + hanging * weight)


def _foot_angles(shank: Array, pointing: Array) -> Array:
    """Find turns of the foot about its x and z, (F, 2), that point it from the ankle to the ball."""
    # the foot's axis turns -y into the bone's direction at rest, so two angles point it anywhere
    rest_frame = euler_matrix(np.array([np.radians(FOOT_SLOPE) - np.pi / 2, 0.0, 0.0]), "xyz")
    local = apply(np.swapaxes(shank @ rest_frame, -1, -2), pointing)
    raised = np.arcsin(np.clip(-local[:, 2], -1.0, 1.0))
    return np.stack([raised, np.arctan2(local[:, 0], -local[:, 1])], axis=-1)
