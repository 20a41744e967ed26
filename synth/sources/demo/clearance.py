"""Arms kept out of the body and the ground by the least turns of shoulder and elbow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from synth.sources.demo import arms
from synth.sources.demo.arms import upper_arm
from synth.sources.demo.body import Body
from synth.sources.demo.capsules import Capsules, capsules, distance
from synth.sources.demo.rotations import dot, product, turn_about
from synth.sources.demo.solver import collar_angles
from synth.sources.demo.tracks import FPS
from synth.sources.demo.trunk import Trunk

Array = NDArray[np.float64]

_ROUNDS = 22
_ENOUGH = 0.012
"""Metres of overlap at which an arm is left where it is; below `capsules.TOLERANCE`."""
_PARTS = ("upper", "fore", "hand")


@dataclass(frozen=True)
class Arm:
    """One arm of a body among the body's capsules.

    Parameters
    ----------
    body : Body
        The subject.
    side : int
        0 left, 1 right.
    """

    body: Body
    side: int

    @cached_property
    def shape(self) -> Capsules:
        """Capsules of the body."""
        return body_capsules(self.body)

    @cached_property
    def own(self) -> list[int]:
        """Capsules of upper arm, forearm and hand."""
        return [self.shape.names.index("lr"[self.side] + part) for part in _PARTS]

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Part of the arm (0 to 2) and capsule that it must not meet, (Q, 2)."""
        found = []
        for a, b in self.shape.pairs.tolist():
            found += [(self.own.index(a), b)] if a in self.own else []
            found += [(self.own.index(b), a)] if b in self.own else []
        return np.array(found)

    @cached_property
    def geometry(self) -> Array:
        """Collar bone at rest (3,), lengths of upper arm, forearm and hand; as for a left arm."""
        hand = self.body.length("lhand", "lfingers")
        lengths = [self.body.length("lhumerus"), self.body.length("lradius", "lwrist"), hand]
        return np.concatenate([self.body.offset("lclavicle"), lengths])

    def place(self, states: Array, trunk: Trunk) -> Array:
        """Find the ends of the arm's three capsules, (F, 3, 2, 3) metres."""
        mirror = 1.0 - 2.0 * self.side
        return np.asarray(_placed(states, trunk.chest, trunk.chest_end, self.geometry, mirror))


def body_capsules(body: Body) -> Capsules:
    """Capsules of a subject, as thick as its stature asks for."""
    return capsules(body.skeleton.names, round(body.standing / 0.98, 3))


def clear(
    arm: Arm,
    states: Array,
    trunk: Trunk,
    ends: Array,
    loose: NDArray[np.bool_],
    floor: Array,
    starts: NDArray[np.intp],
) -> Array:
    """Move an arm out of the body and the ground where it is in them, smoothly in time.

    Parameters
    ----------
    arm : Arm
        Which.
    states : (F, 4) float64
        Its states.
    trunk : Trunk
        What it hangs on.
    ends : (F, K, 2, 3) float64
        Ends of the body's capsules, metres.
    loose : (F,) bool
        Frames in which it may be moved.
    floor : (F,) float64
        Height of the ground, minus infinity where there is none.
    starts : (N + 1,) intp
        First frame of each clip, and the number of frames.

    Returns
    -------
    (F, 4) float64
        States within the limits.
    """
    states = arms.within_limits(states)
    free = loose
    mirror = 1.0 - 2.0 * arm.side
    fixed = (trunk.chest, trunk.chest_end, ends, arm.geometry, mirror, arm.pairs, arm.shape.radii)
    own = arm.shape.radii[arm.own]
    for _ in range(_ROUNDS):
        turns = _ways_out(states, *fixed, own, loose, floor)
        if not turns.any():
            break
        # smoothing spreads a turn over its neighbours in time and takes from its height
        changes = 1.6 * smoothed(turns, starts, 0.09) * free[:, None]
        loose = np.asarray(changes.any(axis=1))
        states[loose] = arms.within_limits(states[loose] + changes[loose])
    return states


def smoothed(values: Array, starts: NDArray[np.intp], seconds: float) -> Array:
    """Curves (F, ...) made smooth over time, clip by clip."""
    result = values.copy()
    for a, b in pairwise(starts):
        if values[a:b].any():
            result[a:b] = gaussian_filter1d(values[a:b], seconds * FPS, axis=0, mode="nearest")
    return result


@njit(cache=True)
def _placed(
    states: Array, chest: Array, chest_end: Array, geometry: Array, mirror: float
) -> Array:  # pragma: no cover
    ends = np.empty((len(states), 3, 2, 3))
    for f in range(len(states)):
        _place(states[f], chest[f], chest_end[f], geometry, mirror, ends[f])
    return ends


@njit(cache=True)
def _place(
    state: Array, chest: Array, chest_end: Array, geometry: Array, mirror: float, ends: Array
) -> None:  # pragma: no cover
    """Write the ends of the arm's capsules: half the upper arm, the forearm, the hand."""
    rotation = np.empty((3, 3))
    upper_arm(state[:3], rotation)
    collar = collar_angles(rotation[:, 0].copy().reshape(1, 3))[0]
    turned = product(turn_about(_Z, collar[1]), turn_about(_Y, collar[0]))
    cosine, sine = np.cos(state[3]), np.sin(state[3])
    points = np.empty((4, 3))
    for k in range(3):
        sign = mirror if k == 0 else 1.0
        upper = rotation[k, 0]
        fore = cosine * upper + sine * dot(rotation[k], _BEND)
        shoulder = dot(turned[k], geometry)
        points[0, k] = sign * (shoulder + 0.5 * geometry[3] * upper)
        points[1, k] = sign * (shoulder + geometry[3] * upper)
        points[2, k] = points[1, k] + sign * geometry[4] * fore
        points[3, k] = points[2, k] + sign * geometry[5] * fore
    for part in range(3):
        for k in range(3):
            ends[part, 0, k] = chest_end[k] + dot(chest[k], points[part])
            ends[part, 1, k] = chest_end[k] + dot(chest[k], points[part + 1])


_BEND = np.array([0.0, 0.5, 0.8660254])
_Y, _Z = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


@njit(cache=True)
def _depth(
    own: Array, ends: Array, pairs: NDArray, radii: Array, own_radii: Array, floor: float
) -> float:  # pragma: no cover
    """Deepest overlap of the arm with the body or the ground."""
    deepest = floor - min(own[1, 0, 1], own[1, 1, 1], own[2, 1, 1]) + own_radii[2]
    for p in range(len(pairs)):
        part, other = pairs[p]
        apart = distance(own[part, 0], own[part, 1], ends[other, 0], ends[other, 1])
        deepest = max(deepest, own_radii[part] + radii[other] - apart)
    return deepest


@njit(cache=True)
def _scale(vector: Array, factor: float) -> None:  # pragma: no cover
    for k in range(len(vector)):
        vector[k] *= factor


@njit(cache=True)
def _squared_length(vector: Array) -> float:  # pragma: no cover
    total = 0.0
    for k in range(len(vector)):
        total += vector[k] * vector[k]
    return total


@njit(cache=True)
def _ways_out(
    states: Array,
    chest: Array,
    chest_end: Array,
    ends: Array,
    geometry: Array,
    mirror: float,
    pairs: NDArray,
    radii: Array,
    own_radii: Array,
    loose: NDArray,
    floor: Array,
) -> Array:  # pragma: no cover
    """Find changes of states, (F, 4), that bring the arm out to first order (Gauss-Newton); 0 where out."""
    turns = np.zeros_like(states)
    own, nudged = np.empty((3, 2, 3)), np.empty(4)
    for f in range(len(states)):
        if not loose[f]:
            continue
        _place(states[f], chest[f], chest_end[f], geometry, mirror, own)
        depth = _depth(own, ends[f], pairs, radii, own_radii, floor[f])
        if depth < _ENOUGH:
            continue
        for k in range(4):
            for j in range(4):
                nudged[j] = states[f, j]
            nudged[k] += 1e-4
            _place(nudged, chest[f], chest_end[f], geometry, mirror, own)
            turns[f, k] = (_depth(own, ends[f], pairs, radii, own_radii, floor[f]) - depth) / 1e-4
        turn = turns[f]
        _scale(turn, -(depth + 0.005) / max(_squared_length(turn), 1e-3))
        _scale(turn, min(1.0, 0.3 / max(np.sqrt(_squared_length(turn)), 1e-9)))
    return turns
