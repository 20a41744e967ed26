"""Arm poses: a vocabulary of natural ones, mixtures of them, and the shoulder's range of motion.

An arm is given in the frame of the ribcage as for a left arm: x outward, y up, z forward; a right arm is the
mirror image. Its state has four numbers: the rotation of the upper arm as a rotation vector relative to a
pose in the middle of its range (so that no singularity lies near a pose that people take, and poses may be
mixed), and the flexion of the elbow; radians.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.sources.demo.rotations import (
    cross,
    dot,
    frame_of,
    product,
    product_into,
    rotation_vectors,
    shortest_arc,
    turn_about,
    unit,
)

Array = NDArray[np.float64]

ELBOW_LIMIT = float(np.radians(150.0))
"""Radians."""

FORBIDDEN_DIRECTIONS = (
    ((0.0, 0.3, -0.954), 55.0),
    ((-1.0, 0.0, 0.0), 48.0),
    ((-0.7, -0.1, -0.707), 62.0),
)
"""Directions from which the upper arm keeps away, and by how many degrees at least: behind the back (extension
50, horizontal extension 30), across the chest (adduction 40), and behind the body's middle."""
TWIST_LIMITS = (-80.0, 125.0)
"""Degrees of outward (negative) and inward turn of the upper arm about itself, against the shortest way from
an arm raised half forward with its elbow bending up."""

VOCABULARY: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "hang": ((0.20, -0.97, -0.02), (0.10, -0.92, 0.35)),
    "hang_wide": ((0.36, -0.93, -0.05), (0.22, -0.92, 0.30)),
    "hang_bent": ((0.26, -0.95, -0.15), (0.12, -0.72, 0.68)),
    "swing_forward": ((0.16, -0.90, 0.42), (0.02, -0.72, 0.69)),
    "swing_back": ((0.22, -0.88, -0.42), (0.16, -0.98, 0.05)),
    "run_forward": ((0.20, -0.85, 0.48), (-0.30, 0.45, 0.84)),
    "run_back": ((0.32, -0.72, -0.62), (0.05, -0.75, 0.65)),
    "hips": ((0.62, -0.68, -0.38), (-0.62, -0.60, 0.50)),
    "pocket": ((0.28, -0.93, -0.27), (-0.05, -0.90, 0.42)),
    "behind_back": ((0.36, -0.88, -0.32), (-0.70, -0.62, -0.34)),
    "crossed": ((0.22, -0.85, 0.48), (-0.88, 0.10, 0.46)),
    "clasped_low": ((0.14, -0.93, 0.35), (-0.42, -0.72, 0.55)),
    "belly": ((0.30, -0.93, 0.10), (-0.72, -0.10, 0.68)),
    "carry_high": ((0.18, -0.82, 0.55), (-0.18, 0.15, 0.97)),
    "carry_low": ((0.20, -0.95, 0.20), (-0.08, -0.25, 0.96)),
    "guard": ((0.25, -0.78, 0.57), (-0.32, 0.85, 0.42)),
    "punch": ((-0.08, -0.02, 0.99), (-0.10, 0.02, 0.99)),
    "hook": ((0.70, 0.05, 0.71), (-0.82, 0.10, 0.56)),
    "uppercut": ((0.14, -0.50, 0.85), (-0.15, 0.92, 0.36)),
    "forward": ((0.06, -0.12, 0.99), (-0.05, -0.02, 0.99)),
    "forward_low": ((0.12, -0.62, 0.77), (0.02, -0.38, 0.92)),
    "forward_high": ((0.12, 0.52, 0.84), (0.02, 0.68, 0.73)),
    "up": ((0.20, 0.96, 0.18), (0.06, 0.98, 0.15)),
    "up_wide": ((0.60, 0.78, 0.15), (0.58, 0.80, 0.15)),
    "up_bent": ((0.55, 0.72, 0.42), (-0.30, 0.90, 0.30)),
    "side": ((0.99, 0.00, 0.08), (0.98, 0.04, 0.20)),
    "side_low": ((0.75, -0.65, 0.05), (0.78, -0.55, 0.28)),
    "side_high": ((0.76, 0.62, 0.15), (0.70, 0.68, 0.20)),
    "side_back": ((0.86, -0.15, -0.40), (0.90, -0.08, -0.15)),
    "goal_post": ((0.95, 0.05, 0.28), (0.12, 0.96, 0.25)),
    "scarecrow": ((0.95, 0.00, 0.28), (0.25, -0.88, 0.40)),
    "wing": ((0.80, -0.48, -0.30), (0.10, -0.45, 0.88)),
    "cocked": ((0.85, 0.22, -0.25), (0.05, 0.92, -0.15)),
    "release": ((0.45, 0.52, 0.72), (0.12, 0.58, 0.80)),
    "follow_through": ((-0.12, -0.55, 0.83), (-0.50, -0.56, 0.66)),
    "underhand_back": ((0.26, -0.75, -0.58), (0.20, -0.82, -0.50)),
    "underhand_forward": ((0.06, -0.30, 0.95), (0.00, 0.20, 0.98)),
    "face": ((0.30, -0.45, 0.84), (-0.42, 0.88, 0.05)),
    "mouth": ((0.34, -0.75, 0.56), (-0.42, 0.85, 0.32)),
    "ear": ((0.55, -0.70, 0.44), (-0.28, 0.94, 0.15)),
    "head_top": ((0.70, 0.55, 0.45), (-0.74, 0.62, -0.10)),
    "head_back": ((0.80, 0.52, 0.30), (-0.70, 0.40, -0.50)),
    "salute": ((0.78, 0.05, 0.62), (-0.62, 0.72, 0.30)),
    "wave": ((0.78, 0.02, 0.50), (0.30, 0.94, 0.15)),
    "wave_in": ((0.72, 0.05, 0.55), (-0.30, 0.94, 0.15)),
    "across": ((-0.32, -0.15, 0.93), (-0.62, -0.05, 0.78)),
    "across_low": ((-0.15, -0.72, 0.66), (-0.45, -0.60, 0.66)),
    "across_high": ((-0.20, 0.50, 0.83), (-0.45, 0.75, 0.48)),
    "reach_back": ((0.42, -0.62, -0.62), (0.38, -0.72, -0.55)),
    "climb_high": ((0.30, 0.68, 0.67), (-0.02, 0.94, 0.34)),
    "climb_middle": ((0.40, -0.25, 0.88), (-0.18, 0.80, 0.57)),
    "climb_low": ((0.30, -0.75, 0.59), (0.02, 0.10, 0.99)),
    "lean": ((0.24, -0.88, 0.40), (0.12, -0.86, 0.50)),
    "steering": ((0.20, -0.55, 0.81), (-0.15, 0.22, 0.96)),
    "pull": ((0.42, -0.72, -0.50), (-0.05, 0.10, 0.99)),
    "present": ((0.35, -0.75, 0.56), (0.55, -0.10, 0.83)),
    "shrug": ((0.40, -0.90, 0.15), (0.60, 0.25, 0.76)),
    "thigh": ((0.25, -0.85, 0.46), (-0.02, -0.55, 0.83)),
    "knee": ((0.20, -0.72, 0.66), (0.00, -0.64, 0.77)),
    "prop_back": ((0.34, -0.80, -0.48), (0.26, -0.92, -0.28)),
    "balance": ((0.90, -0.32, 0.28), (0.82, -0.20, 0.53)),
    "float": ((0.70, -0.35, 0.62), (0.45, 0.10, 0.88)),
}
"""Direction of the upper arm and of the forearm of each named pose, roughly of unit length."""

_REST_BEND = np.array([0.0, 0.5, 0.8660254])
_REST = frame_of(np.array([1.0, 0.0, 0.0]), _REST_BEND)
_HALF_FORWARD = unit(np.array([0.0, -1.0, 1.0]))
_NEUTRAL = frame_of(_HALF_FORWARD, unit(np.array([0.0, 1.0, 1.0]))) @ _REST.T
_MIDDLE = frame_of(unit(np.array([0.4, -0.45, 0.8])), np.array([-0.3, 0.6, 0.5])) @ _REST.T
_CENTRES = unit(np.array([centre for centre, _ in FORBIDDEN_DIRECTIONS]))
_DISTANCES = np.radians([degrees for _, degrees in FORBIDDEN_DIRECTIONS])
_LEAST_TWIST, _MOST_TWIST = (float(value) for value in np.radians(TWIST_LIMITS))


def state_of(upper: ArrayLike, fore: ArrayLike) -> Array:
    """State of an arm from the directions of its two bones.

    Parameters
    ----------
    upper, fore : (..., 3) float
        Directions, not parallel: their plane is where the elbow bends.

    Returns
    -------
    (..., 4) float64
        Rotation vector and elbow.
    """
    u, f = unit(np.asarray(upper, dtype=np.float64)), unit(np.asarray(fore, dtype=np.float64))
    rotation = frame_of(u, f) @ _REST.T
    elbow = np.arccos(np.clip((u * f).sum(axis=-1), -1.0, 1.0))
    return np.concatenate([rotation_vectors(_MIDDLE.T @ rotation), elbow[..., None]], axis=-1)


def rotation_of(states: Array) -> Array:
    """Rotation of the upper arm from its rest (straight outward), (..., 3, 3), of states (..., 4)."""
    flat = np.ascontiguousarray(states[..., :3]).reshape(-1, 3)
    return np.asarray(_rotations(flat)).reshape(*states.shape[:-1], 3, 3)


def direction_of(rotation: Array) -> Array:
    """Direction of the upper arm, (..., 3)."""
    return rotation[..., :, 0]


def twist_of(rotation: Array) -> Array:
    """Turn of the upper arm about itself, (...,) radians, positive inward; see `TWIST_LIMITS`."""
    neutral = shortest_arc(_HALF_FORWARD, direction_of(rotation)) @ _NEUTRAL
    turn = np.swapaxes(neutral, -1, -2) @ rotation
    return np.asarray(np.arctan2(turn[..., 2, 1], turn[..., 1, 1]))


def within_limits(states: Array) -> Array:
    """Bring arms back into their range of motion.

    The upper arm is turned away from where it cannot point, then turned about itself into its limits, and
    the elbow bent within its own. Arms within the limits stay as they are.

    Parameters
    ----------
    states : (..., 4) float64
        Arms.

    Returns
    -------
    (..., 4) float64
    """
    flat = np.ascontiguousarray(states).reshape(-1, 4)
    return np.asarray(_bounded(flat)).reshape(states.shape)


_STATES = {name: state_of(*directions) for name, directions in VOCABULARY.items()}


def arm(name: str) -> Array:
    """State (4,) of a named pose."""
    return _STATES[name].copy()


def varied(rng: np.random.Generator, state: Array, degrees: float = 10.0) -> Array:
    """Change all angles of an arm pose by random amounts of this standard deviation.

    It may leave the limits a little: whoever makes a motion of it brings it back.
    """
    spread = np.radians(degrees) * np.array([1.0, 1.0, 1.0, 1.4])
    return np.asarray(state + rng.normal(size=4) * spread)


def random_arm(rng: np.random.Generator) -> Array:
    """Draw an arm pose: a mixture of two of the vocabulary, varied."""
    first, second = (_STATES[name] for name in rng.choice(list(_STATES), size=2))
    share = rng.uniform() ** 2 * 0.6
    return varied(rng, first + share * (second - first), 12.0)


@njit(cache=True)
def _rotations(vectors: Array) -> Array:  # pragma: no cover
    rotations = np.empty((len(vectors), 3, 3))
    for n in range(len(vectors)):
        upper_arm(vectors[n], rotations[n])
    return rotations


@njit(cache=True)
def upper_arm(vector: Array, rotation: Array) -> None:  # pragma: no cover
    """Write the rotation (3, 3) of the upper arm from its rest, of one state's rotation vector (3,)."""
    angle = np.sqrt(dot(vector, vector))
    turn = turn_about(vector / angle if angle > 1e-9 else vector, angle)
    product_into(_MIDDLE, turn, rotation)


@njit(cache=True)
def _vector_of(rotation: Array) -> Array:  # pragma: no cover
    """Rotation vector of a rotation by less than a half turn."""
    sine = np.empty(3)
    for k in range(3):
        sine[k] = 0.5 * (rotation[(k + 2) % 3, (k + 1) % 3] - rotation[(k + 1) % 3, (k + 2) % 3])
    length = np.sqrt(dot(sine, sine))
    cosine = 0.5 * (rotation[0, 0] + rotation[1, 1] + rotation[2, 2] - 1.0)
    return sine * (np.arctan2(length, cosine) / length if length > 1e-9 else 1.0)


@njit(cache=True)
def _twist(rotation: Array) -> float:  # pragma: no cover
    """As `twist_of`, of one arm."""
    upper = rotation[:, 0]
    axis = cross(_HALF_FORWARD, upper)
    length = np.sqrt(dot(axis, axis))
    neutral = _NEUTRAL
    if length > 1e-9:
        neutral = product(turn_about(axis / length, np.arctan2(length, dot(_HALF_FORWARD, upper))), _NEUTRAL)
    return np.arctan2(dot(neutral[:, 2], rotation[:, 1]), dot(neutral[:, 1], rotation[:, 1]))


@njit(cache=True)
def _bounded(states: Array) -> Array:  # pragma: no cover
    """As `within_limits`, of states (N, 4). Arms within the limits keep their very bits."""
    result = states.copy()
    rotation = np.empty((3, 3))
    for n in range(len(states)):
        upper_arm(states[n, :3], rotation)
        moved = False
        # turning away from one direction may lead towards another: a second round settles it
        for k in range(2 * len(_CENTRES)):
            centre, least = _CENTRES[k % len(_CENTRES)], _DISTANCES[k % len(_CENTRES)]
            if dot(centre, rotation[:, 0]) > np.cos(least):
                axis = cross(centre, rotation[:, 0])
                length = np.sqrt(dot(axis, axis))
                missing = least - np.arctan2(length, dot(centre, rotation[:, 0]))
                rotation = product(turn_about(axis / max(length, 1e-9), missing), rotation)
                moved = True
        twist = _twist(rotation)
        excess = min(max(twist, _LEAST_TWIST), _MOST_TWIST) - twist
        if excess != 0.0:
            rotation = product(turn_about(rotation[:, 0], excess), rotation)
        if moved or excess != 0.0:
            vector = _vector_of(product(_MIDDLE.T, rotation))
            for k in range(3):
                result[n, k] = vector[k]
        result[n, 3] = min(max(states[n, 3], 0.0), ELBOW_LIMIT)
    return result
