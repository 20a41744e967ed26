"""All clips of one subject at once: poses solved, set on the ground, arms kept out of the body."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from synth.sources.acclaim import forward_kinematics
from synth.sources.demo.body import Body
from synth.sources.demo.capsules import lowest, segments
from synth.sources.demo.clearance import Arm, clear, smoothed
from synth.sources.demo.solver import Solution, set_arm, solve
from synth.sources.demo.tracks import Tracks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Performance:
    """Motion of several clips, one after the other.

    Parameters
    ----------
    body : Body
        The subject.
    motion : (F, C) float64
        Channels of all frames, radians and metres.
    positions : (F, B, 3) float64
        Ends of the bones, metres.
    starts : (N + 1,) intp
        First frame of each clip, and the number of frames.
    grounded : (F,) bool
        Frames in which the ground carries the subject, and nothing else.
    """

    body: Body
    motion: Array
    positions: Array
    starts: NDArray[np.intp]
    grounded: NDArray[np.bool_]


def perform(body: Body, clips: list[Tracks], grounded: list[bool]) -> Performance:
    """Joint angles of several clips of one subject.

    Parameters
    ----------
    body : Body
        The subject.
    clips : list of Tracks
        What it does.
    grounded : list of bool
        Whether the ground carries it, clip by clip.
    """
    starts = np.cumsum([0] + [len(clip) for clip in clips])
    tracks = joined(clips)
    carried = np.repeat(grounded, np.diff(starts))
    solution = solve(body, tracks, starts)
    positions = forward_kinematics(body.skeleton, solution.motion, _but_arms(body))
    raised = _settling(body, positions, tracks, carried, starts) * np.array([[0.0], [1.0], [0.0]])
    solution.motion[:, :3] += raised.T
    trunk = replace(solution.trunk, chest_end=solution.trunk.chest_end + raised.T)
    solution = replace(solution, trunk=trunk)
    _clear_arms(body, solution, positions + raised.T[:, None], tracks.held < 0.95, carried, starts)
    positions = forward_kinematics(body.skeleton, solution.motion)
    return Performance(body, solution.motion, positions, starts, carried)


def _but_arms(body: Body) -> set[int]:
    """Bones of trunk, head and legs, and the collar bones."""
    below_shoulder = ("humerus", "radius", "wrist", "hand", "fingers", "thumb")
    return {k for k, name in enumerate(body.skeleton.names) if name[1:] not in below_shoulder}


def joined(clips: list[Tracks]) -> Tracks:
    """Several tracks one after the other."""
    return Tracks(
        **{f.name: np.concatenate([getattr(clip, f.name) for clip in clips]) for f in fields(Tracks)}
    )


def _settling(
    body: Body, positions: Array, tracks: Tracks, carried: NDArray[np.bool_], starts: NDArray[np.intp]
) -> Array:
    """How far to raise the root so that the lowest point touches the ground, (F,) metres.

    Who may be in the air is only kept from sinking into the ground.
    """
    height = lowest(body, positions)
    loose = tracks.airborne | ~carried
    raised = np.where(loose, np.maximum(-height, 0.0), -height) * carried
    return smoothed(raised, starts, 0.06)


def _clear_arms(
    body: Body,
    solution: Solution,
    positions: Array,
    loose: NDArray[np.bool_],
    carried: NDArray[np.bool_],
    starts: NDArray[np.intp],
) -> None:
    """Write the channels of both arms, moved so that they meet neither the body nor the ground."""
    floor = np.where(carried, 0.0, -np.inf)
    both = Arm(body, 0), Arm(body, 1)
    ends = segments(both[0].shape, positions)
    for side, arm in enumerate(both):
        ends[:, arm.own] = arm.place(solution.states[:, side], solution.trunk)
    for side, arm in enumerate(both):
        states = clear(arm, solution.states[:, side], solution.trunk, ends, loose[:, side], floor, starts)
        ends[:, arm.own] = arm.place(states, solution.trunk)
        set_arm(body, solution.motion, starts, side, states)
