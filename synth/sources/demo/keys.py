"""Key poses and the motion through them: feet that stay where they stand, and step from place to place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from synth.sources.demo import arms
from synth.sources.demo.body import Body
from synth.sources.demo.tracks import FPS, Tracks, attitude_matrices

Array = NDArray[np.float64]
Pair = tuple[float, float]
Triple = tuple[float, float, float]

_STEP = 0.02
"""Metres (or radians x 5) that a foot must be off its next place to step there."""


@dataclass(frozen=True)
class Foot:
    """Where the ball of a foot stands: metres from the clip's origin, heading and pitch in degrees."""

    x: float
    z: float
    heading: float = 0.0
    pitch: float = 0.0
    y: float = 0.0


def _both(name: str) -> Array:
    return np.stack([arms.arm(name)] * 2)


@dataclass(frozen=True)
class Key:
    """A pose of the whole body and when it is taken. Degrees and metres; see `Tracks` for the conventions.

    Parameters
    ----------
    move, hold : float
        Seconds to reach it from the key before, and to stay.
    height : float
        Of the root, as a share of its height when standing straight.
    shift : (float, float)
        Of the root from between the feet, x and z in metres, in the frame of its heading.
    weight : float
        Where between the feet it stands: 0 right foot, 1 left foot.
    attitude : (float, float, float, float)
        Heading, pitch, roll, spin.
    spine, neck : (float, float, float)
        Forward, turned left, leaning right.
    arms : (2, 4) float64
        States.
    feet : (Foot, Foot)
        Left and right.
    free : (2, 3) float64
        Ankle from hip in lengths of the leg, as for the left side.
    freed : (float, float)
        1 where `free` counts and not `feet`.
    knees : (float, float)
        Outward.
    hands : (2, 3) float64
        Held wrists.
    held : (float, float)
        1 where `hands` counts.
    airborne : bool
        On the way to this key and at it, nothing need touch the ground.
    """

    move: float = 0.6
    hold: float = 0.0
    height: float = 0.99
    shift: Pair = (0.0, 0.0)
    weight: float = 0.5
    attitude: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spine: Triple = (2.0, 0.0, 0.0)
    neck: Triple = (2.0, 0.0, 0.0)
    arms: Array = field(default_factory=lambda: _both("hang"))
    feet: tuple[Foot, Foot] = (Foot(0.10, 0.0, 6.0), Foot(-0.10, 0.0, -6.0))
    free: Array = field(default_factory=lambda: np.array([[0.0, -0.98, 0.05]] * 2))
    freed: Pair = (0.0, 0.0)
    knees: Pair = (4.0, 4.0)
    hands: Array = field(default_factory=lambda: np.zeros((2, 3)))
    held: Pair = (0.0, 0.0)
    airborne: bool = False

    def but(self, **changes: object) -> Key:
        """Copy the key with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def play(body: Body, keys: list[Key]) -> Tracks:
    """Motion through key poses.

    Joint angles pass smoothly through every key; feet stand still, and step while the key after is reached
    if it has them elsewhere: one after the other if both do.

    Parameters
    ----------
    body : Body
        The subject; heights are shares of its own.
    keys : list of Key
        At least two; the first one's `move` doesn't count.
    """
    arrive, leave = _times(keys)
    times = np.arange(int(leave[-1] * FPS) + 1) / FPS
    rows = np.stack([_row(body, key) for key in keys])
    knots, of_key = _knots(arrive, leave)
    values = PchipInterpolator(knots, rows[of_key], axis=0)(times)
    # muscles start and stop a limb less abruptly than the interpolation does
    values[:, 3:27] = gaussian_filter1d(values[:, 3:27], 0.06 * FPS, axis=0, mode="nearest")
    feet = np.stack([_foot_track(keys, side, arrive, leave, times) for side in (0, 1)], axis=1)
    feet[..., 4] = values[:, 32:34]
    pelvis = values[:, 0:3] + _between_feet(feet, values[:, 34:35])
    tracks = Tracks(
        pelvis=pelvis,
        attitude=values[:, 3:7],
        spine=values[:, 7:10],
        neck=values[:, 10:13],
        arms=values[:, 13:21].reshape(-1, 2, 4),
        hands=values[:, 37:43].reshape(-1, 2, 3),
        held=values[:, 35:37],
        feet=feet,
        free=values[:, 21:27].reshape(-1, 2, 3),
        freed=values[:, 27:29],
        knees=values[:, 29:31],
        airborne=values[:, 31] > 0.02,
    )
    return within_reach(body, tracks)


def _times(keys: list[Key]) -> tuple[Array, Array]:
    """Seconds at which each key is reached and left."""
    spans = np.array([[0.0 if k == 0 else key.move, key.hold] for k, key in enumerate(keys)])
    leave = np.cumsum(spans.sum(axis=1))
    return leave - spans[:, 1], leave


def _knots(arrive: Array, leave: Array) -> tuple[Array, NDArray[np.intp]]:
    """List times and keys of the interpolation: twice a key that is held."""
    times = np.stack([arrive, leave], axis=1).reshape(-1)
    of_key = np.repeat(np.arange(len(arrive)), 2)
    first = np.concatenate([[True], np.diff(times) > 1e-6])
    return times[first], of_key[first]


def _row(body: Body, key: Key) -> Array:
    """Flat numbers of a key: metres and radians, the root relative to the point between the feet."""
    heading = np.radians(key.attitude[0])
    lean = np.sin(np.radians(key.attitude[1] + 0.5 * key.spine[0]))
    sway = np.sin(np.radians(key.attitude[2] + 0.5 * key.spine[2]))
    # the hips go back when the trunk leans forward, so that the weight stays over the feet that bear it
    planted = (1.0 - max(key.freed)) * (1.0 - max(key.held))
    x = key.shift[0] + 0.16 * sway * planted
    z = key.shift[1] - 0.03 - 0.22 * lean * planted
    cosine, sine = np.cos(heading), np.sin(heading)
    return np.concatenate(
        [
            [cosine * x + sine * z, key.height * body.standing, cosine * z - sine * x],
            *(np.radians(part) for part in (key.attitude, key.spine, key.neck)),
            key.arms.reshape(-1),
            key.free.reshape(-1),
            key.freed,
            np.radians(key.knees),
            [float(key.airborne)],
            np.radians([foot.pitch for foot in key.feet]),
            [key.weight],
            key.held,
            key.hands.reshape(-1),
        ]
    )


def _between_feet(feet: Array, weight: Array) -> Array:
    """Ground point between the feet that the root stands over, (F, 3): ankles, not balls."""
    heading = feet[..., 3]
    ankles = feet[..., :3] - 0.12 * np.stack([np.sin(heading), 0 * heading, np.cos(heading)], axis=-1)
    middle = weight * ankles[:, 0] + (1.0 - weight) * ankles[:, 1]
    steadied = gaussian_filter1d(middle, 0.10 * FPS, axis=0, mode="nearest")
    return np.asarray(steadied * [1.0, 0.0, 1.0])


def _foot_track(keys: list[Key], side: int, arrive: Array, leave: Array, times: Array) -> Array:
    """Place, heading and pitch (0 here) of one foot, (F, 5)."""
    stands = np.array(
        [[key.feet[side].x, key.feet[side].y, key.feet[side].z, np.radians(key.feet[side].heading), 0.0]
         for key in keys]
    )  # fmt: skip
    track = np.repeat(stands[:1], len(times), axis=0)
    for k in range(1, len(keys)):
        change = stands[k] - stands[k - 1]
        start, end = _swing_time(keys[k - 1 : k + 1], side, leave[k - 1], arrive[k])
        u = np.clip((times - start) / max(end - start, 1e-6), 0.0, 1.0)
        track += (u**3 * (10.0 - 15.0 * u + 6.0 * u * u))[:, None] * change
        stepped = np.abs(change * [1.0, 1.0, 1.0, 0.2, 0.0]).max() > _STEP
        if stepped and not keys[k].freed[side] and not keys[k - 1].freed[side]:
            height = 0.03 + 0.12 * float(np.linalg.norm(change[:3]))
            track[:, 1] += min(height, 0.15) * np.sin(np.pi * u) ** 2
    return track


def _swing_time(pair: list[Key], side: int, start: float, end: float) -> Pair:
    """Time in which a foot goes from one key's place to the next one's: half of it if both feet do."""
    before, after = pair
    other = before.feet[1 - side], after.feet[1 - side]
    moves = np.hypot(other[0].x - other[1].x, other[0].z - other[1].z) > _STEP
    if not moves or before.airborne or after.airborne or any(after.freed):
        return start, end
    # the foot on the side to which the body goes steps first
    sideways = sum(foot.x for foot in after.feet) - sum(foot.x for foot in before.feet)
    first = (sideways >= 0.0) == (side == 0)
    middle = (start + end) / 2
    return (start, middle) if first else (middle, end)


def within_reach(body: Body, tracks: Tracks) -> Tracks:
    """Lower the root where the planted legs would not reach the ground."""
    rotation = attitude_matrices(tracks.attitude)
    highest = np.full(len(tracks), np.inf)
    for side, letter in enumerate("lr"):
        offset = rotation @ body.offset(f"{letter}hipjoint")
        heading, pitch = tracks.feet[:, side, 3], np.maximum(tracks.feet[:, side, 4], 0.0)
        back = 0.12 * np.cos(pitch)
        ankle = tracks.feet[:, side, :3] - back[:, None] * np.stack(
            [np.sin(heading), 0 * heading, np.cos(heading)], axis=-1
        )
        rise = body.ankle_height + 0.12 * np.sin(pitch)
        across = np.hypot(*(tracks.pelvis + offset - ankle)[:, [0, 2]].T)
        reach = 0.993 * body.leg
        height = np.sqrt(np.maximum(reach**2 - across**2, (0.3 * reach) ** 2))
        limit = ankle[:, 1] + rise + height - offset[:, 1]
        highest = np.minimum(highest, np.where(tracks.freed[:, side] > 0.3, np.inf, limit))
    excess = np.maximum(tracks.pelvis[:, 1] - highest, 0.0)
    # lowered a little before and after, so that the root doesn't jerk
    width = 2 * int(0.12 * FPS) + 1
    lowered = gaussian_filter1d(-minimum_filter1d(-excess, width), 0.08 * FPS, mode="nearest")
    return replace(tracks, pelvis=tracks.pelvis - lowered[:, None] * [0.0, 1.0, 0.0])
