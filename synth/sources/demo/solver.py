"""From tracks to the channels of an AMC file: limbs by two-bone inverse kinematics, all within limits.

All limbs are solved as left ones; for the right side vectors are mirrored before (x -> -x) and the angles
about y and z after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.geometry import axis_angle_to_matrix, axis_rotation
from synth.sources.demo import arms
from synth.sources.demo.body import Body, limit_arrays
from synth.sources.demo.legs import Leg, solve_leg
from synth.sources.demo.rotations import apply, continuous_euler, unit
from synth.sources.demo.tracks import Tracks, attitude_matrices
from synth.sources.demo.trunk import MIRROR, SPINE, Trunk, trunk_of, two_bones
from synth.sources.kinematics import euler_matrix

Array = NDArray[np.float64]

_NECK = ("lowerneck", "upperneck", "head")
_ELBOW = np.array([0.55, -0.75, -0.35])


@dataclass(frozen=True)
class Solution:
    """Joint angles, and what an arm needs to be changed afterwards.

    Parameters
    ----------
    motion : (F, C) float64
        Radians and metres, as `parse_amc` gives them; all within the limits of `body.channel_limits`.
    states : (F, 2, 4) float64
        States of the arms.
    trunk : Trunk
        As the motion has it.
    """

    motion: Array
    states: Array
    trunk: Trunk


def solve(body: Body, tracks: Tracks, starts: NDArray[np.intp]) -> Solution:
    """Joint angles of a motion, but for upper arms and elbows: their states are left for `set_arm`.

    Parameters
    ----------
    body : Body
        The subject.
    tracks : Tracks
        What it is to do, F frames.
    starts : (N + 1,) intp
        First frame of each clip, and F.
    """
    motion = np.zeros((len(tracks), body.skeleton.first_column[-1]))
    root = attitude_matrices(tracks.attitude)
    motion[:, 0:3] = tracks.pelvis
    motion[:, 3:6] = continuous_euler(root, starts)
    for names, angles in ((SPINE, tracks.spine), (_NECK, tracks.neck)):
        for name in names:
            motion[:, body.columns(name)] = angles / 3.0
    clipped = _clipped(body, motion)
    trunk = trunk_of(body, root, clipped)
    states = np.stack([_arm_states(body, tracks, trunk, side) for side in (0, 1)], axis=1)
    for side in (0, 1):
        _set_leg(body, motion, starts, side, solve_leg(body, tracks, trunk, side))
        _set_collar(body, motion, side, arms.rotation_of(states[:, side]))
        _set_hand(body, tracks, Solution(motion, states, trunk), side)
    return Solution(_clipped(body, motion), states, trunk)


def _clipped(body: Body, motion: Array) -> Array:
    return np.clip(motion, *limit_arrays(body))


def _set_leg(body: Body, motion: Array, starts: NDArray[np.intp], side: int, leg: Leg) -> None:
    """Write the channels of one leg."""
    letter = "lr"[side]
    axis = euler_matrix(body.skeleton.axes[body.skeleton.names.index("lfemur")], "xyz")
    motion[:, body.columns(f"{letter}femur")] = _sided(continuous_euler(axis.T @ leg.thigh, starts), side)
    motion[:, body.columns(f"{letter}tibia")] = leg.knee[:, None]
    motion[:, body.columns(f"{letter}foot")] = leg.foot * ([1.0, 1.0] if side == 0 else [1.0, -1.0])
    motion[:, body.columns(f"{letter}toes")] = leg.toes[:, None]


def _arm_states(body: Body, tracks: Tracks, trunk: Trunk, side: int) -> Array:
    """States of one arm, (F, 4), with the hand drawn to where it is to be held."""
    states = tracks.arms[:, side]
    weight = tracks.held[:, side, None]
    if not weight.any():
        return arms.within_limits(states)
    reached = states
    # the collar bone follows the arm, so that the shoulder is known only once the arm is
    for _ in range(2):
        reached = _reaching(body, tracks, trunk, side, arms.rotation_of(reached))
    return arms.within_limits(states + weight * (reached - states))


def _reaching(body: Body, tracks: Tracks, trunk: Trunk, side: int, rotation: Array) -> Array:
    """States (F, 4) of an arm whose wrist is where it is to be held, the shoulder being as `rotation` has it."""
    collar = collar_angles(arms.direction_of(rotation))
    turned = axis_rotation("z", collar[:, 1]) @ axis_rotation("y", collar[:, 0])
    shoulder = turned @ body.offset("lclavicle")
    wrist = apply(np.swapaxes(trunk.chest, -1, -2), tracks.hands[:, side] - trunk.chest_end) * MIRROR[side]
    line = unit(wrist - shoulder)
    # elbows hang down and outward, whichever way the arm reaches
    across = unit(_ELBOW - (line @ _ELBOW)[:, None] * line)
    lengths = body.length("lhumerus"), body.length("lradius", "lwrist")
    upper, bend = two_bones(wrist - shoulder, across, lengths)
    inward = unit((upper * across).sum(axis=-1, keepdims=True) * upper - across)
    return arms.state_of(upper, np.cos(bend)[:, None] * upper + np.sin(bend)[:, None] * inward)


def set_arm(body: Body, motion: Array, starts: NDArray[np.intp], side: int, states: Array) -> None:
    """Write the channels of collar bone, upper arm and elbow of one side from states (F, 4)."""
    letter = "lr"[side]
    rotation = arms.rotation_of(states)
    turned = _set_collar(body, motion, side, rotation)
    axis = euler_matrix(body.skeleton.axes[body.skeleton.names.index("lhumerus")], "xyz")
    angles = continuous_euler(axis.T @ np.swapaxes(turned, -1, -2) @ rotation @ axis, starts)
    motion[:, body.columns(f"{letter}humerus")] = _sided(angles, side)
    motion[:, body.columns(f"{letter}radius")] = states[:, 3:]


def _set_collar(body: Body, motion: Array, side: int, rotation: Array) -> Array:
    """Write the channels of the collar bone under an upper arm (F, 3, 3); its rotations as for a left one."""
    collar = collar_angles(arms.direction_of(rotation))
    motion[:, body.columns(f"{'lr'[side]}clavicle")] = collar if side == 0 else -collar
    return axis_rotation("z", collar[:, 1]) @ axis_rotation("y", collar[:, 0])


@njit(cache=True)
def collar_angles(upper: Array) -> Array:  # pragma: no cover
    """Turn of the left collar bone about y and z that goes with upper arms' directions, (F, 2) radians."""
    angles = np.empty((len(upper), 2))
    for n in range(len(upper)):
        raised = min(max(0.35 + 0.65 * upper[n, 1], 0.0), 1.0)
        angles[n, 0] = np.radians(-9.0 * upper[n, 2] - 1.0)
        angles[n, 1] = np.radians(20.0 * raised * np.sqrt(raised))
    return angles


def _set_hand(body: Body, tracks: Tracks, solution: Solution, side: int) -> None:
    """Write the channels of forearm turn, hand and fingers: relaxed, or flat on the ground they lean on."""
    letter, motion = "lr"[side], solution.motion
    leaning = tracks.held[:, side] * np.clip((0.25 - tracks.hands[:, side, 1]) / 0.1, 0.0, 1.0)
    turn, back = _flat_hand(solution.states[:, side], solution.trunk.chest * MIRROR[side], leaning)
    still = np.zeros_like(turn)
    motion[:, body.columns(f"{letter}wrist")] = _sided(np.stack([still, -turn, still], axis=-1), side)[:, [1]]
    motion[:, body.columns(f"{letter}hand")] = _sided(np.stack([back, still, still], axis=-1), side)[
        :, [0, 2]
    ]
    motion[:, body.columns(f"{letter}fingers")] = np.radians(22.0 - 20.0 * leaning)[:, None]


def _flat_hand(states: Array, chest: Array, leaning: Array) -> tuple[Array, Array]:
    """Turn of the forearm about itself and bend of the hand, (F,) each, of hands that lean on the ground.

    The forearm turns so that the fingers point where the head does, and the hand bends back to lie level.
    """
    axis = np.array([0.0, -0.8660254, 0.5])
    forearm = chest @ arms.rotation_of(states) @ axis_angle_to_matrix(states[:, 3:] * axis)
    along, fingers = forearm[..., 0], forearm[..., 1]
    ahead = chest[..., 1] - (chest[..., 1] * along).sum(axis=-1, keepdims=True) * along
    sine = (np.cross(fingers, ahead) * along).sum(axis=-1) * np.linalg.det(chest)
    turn = np.arctan2(sine, (fingers * ahead).sum(axis=-1))
    steep = np.arcsin(np.clip(-along[:, 1], 0.0, 1.0))
    return turn * leaning, np.radians(8.0) * (1.0 - leaning) - steep * leaning


def _sided(angles: Array, side: int) -> Array:
    """Angles about x, y, z of a left limb, (F, 3), as those of the given side."""
    return angles if side == 0 else angles * [1.0, -1.0, -1.0]
