"""Walking, running and their kin: feet planted along a path, the body carried over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from synth.sources.demo import arms
from synth.sources.demo.body import Body
from synth.sources.demo.keys import within_reach
from synth.sources.demo.tracks import FPS, Tracks, wander

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gait:
    """A way to get along. Metres, seconds, degrees.

    Parameters
    ----------
    speed : float
        Along the path.
    cadence : float
        Steps a second.
    duty : float
        Share of a stride for which a foot stands: under a half, both are off the ground in between.
    width : float
        Between the feet.
    lift : float
        How high a swinging foot goes.
    strike, push : float
        Toes up as the foot comes down, heel up as it leaves.
    tiptoe : float
        Heel up throughout.
    height : float
        Of the root, as a share of standing.
    bounce, sway : float
        Rise of the root over a standing foot (negative: sinks), and its way to that side.
    lean, crouch : float
        Forward pitch of the pelvis and flexion of the spine.
    twist : float
        Turn of the pelvis with the steps; the chest turns against it.
    forward, back : (4,) float64
        Arm as the opposite foot comes down, and half a stride later.
    curve : float
        Turn of the path, degrees a metre.
    facing : float
        Heading of the body against the path.
    rise : float
        Of the ground with each step: stairs.
    toes_out : float
        Heading of the feet, outward.
    """

    speed: float = 1.25
    cadence: float = 1.85
    duty: float = 0.61
    width: float = 0.16
    lift: float = 0.06
    strike: float = 18.0
    push: float = 42.0
    tiptoe: float = 0.0
    height: float = 0.985
    bounce: float = 0.018
    sway: float = 0.022
    lean: float = 3.0
    crouch: float = 2.0
    twist: float = 6.0
    forward: Array = field(default_factory=lambda: arms.arm("swing_forward"))
    back: Array = field(default_factory=lambda: arms.arm("swing_back"))
    curve: float = 0.0
    facing: float = 0.0
    rise: float = 0.0
    toes_out: float = 5.0


@dataclass(frozen=True)
class _Path:
    """Ground path as functions of the distance walked."""

    place: Callable[[Array], Array]
    heading: Callable[[Array], Array]


def go(body: Body, rng: np.random.Generator, gait: Gait, seconds: float) -> Tracks:
    """Motion of a gait along a winding path.

    Parameters
    ----------
    body : Body
        The subject; a taller one takes longer and slower steps.
    rng : numpy.random.Generator
        Source of all draws.
    gait : Gait
        How to go.
    seconds : float
        How long.
    """
    frames = int(seconds * FPS)
    stature = body.standing / 0.98
    # one clock for steps and way: its irregularities leave the feet where they stand
    time = np.arange(frames) / FPS + 0.05 * wander(rng, frames, 1, 1.0)[:, 0]
    strides = time * gait.cadence / 2.0 / np.sqrt(stature) + rng.uniform()
    step = gait.speed * stature / gait.cadence
    path = _winding(rng, gait.curve, 2.0 * step * np.array([-3.0, strides[-1] + 3.0]))
    feet = np.stack([_feet(gait, path, strides, step, side) for side in (0, 1)], axis=1)
    tracks = _carried(body, rng, gait, path, strides, step, feet)
    return within_reach(body, tracks)


def _winding(rng: np.random.Generator, curve: float, ends: Array) -> _Path:
    """Path between two distances, metres, whose direction turns steadily and wanders."""
    distance = np.linspace(ends[0], ends[1], int(20 * (ends[1] - ends[0])) + 50)
    steady = np.radians(rng.uniform(-180.0, 180.0) + curve * distance)
    heading = steady + np.radians(6.0) * wander(rng, len(distance), 1, 1.5)[:, 0]
    direction = np.stack([np.sin(heading), np.zeros_like(heading), np.cos(heading)], axis=-1)
    place = np.cumsum(direction, axis=0) * (distance[1] - distance[0])

    def place_at(along: Array) -> Array:
        return np.stack([np.interp(along, distance, place[:, k]) for k in range(3)], axis=-1)

    return _Path(place_at, lambda along: np.interp(along, distance, heading))


def _feet(gait: Gait, path: _Path, strides: Array, step: float, side: int) -> Array:
    """Ball of one foot, heading and pitch, (F, 5)."""
    own = strides - 0.5 * side
    number, phase = np.floor(own), own % 1.0
    swing = np.clip((phase - gait.duty) / (1.0 - gait.duty), 0.0, 1.0)
    here, there = (_stand(gait, path, number + k, step, side) for k in (0.0, 1.0))
    share = swing**3 * (10.0 - 15.0 * swing + 6.0 * swing**2)
    foot = here + share[:, None] * (there - here)
    foot[:, 1] += (gait.lift + abs(gait.rise)) * np.sin(np.pi * swing**0.8) ** 2
    return np.concatenate([foot, (gait.tiptoe + _pitch(gait, phase))[:, None] * np.pi / 180], axis=1)


def _stand(gait: Gait, path: _Path, number: Array, step: float, side: int) -> Array:
    """Where and how a foot stands in its strides of these numbers: x, y, z, heading; (F, 4)."""
    sign = 1.0 if side == 0 else -1.0
    index = 2.0 * number + side
    along = step * (index + gait.duty)
    heading = path.heading(along) + np.radians(gait.facing)
    outward = np.stack([np.cos(heading), np.zeros_like(heading), -np.sin(heading)], axis=-1)
    ahead = np.stack([np.sin(heading), np.zeros_like(heading), np.cos(heading)], axis=-1)
    place = path.place(along) + 0.5 * sign * gait.width * outward + 0.11 * ahead
    place[:, 1] = gait.rise * index
    return np.concatenate([place, (heading + sign * np.radians(gait.toes_out))[:, None]], axis=1)


def _pitch(gait: Gait, phase: Array) -> Array:
    """Pitch of a foot over its stride, degrees: heel strike, flat, push off, toes cleared."""
    d, s = gait.duty, 1.0 - gait.duty
    knots = [0.0, 0.14 * d, 0.55 * d, d, d + 0.2 * s, d + 0.6 * s, d + 0.88 * s, 1.0]
    values = [-gait.strike, 0.0, 0.0, gait.push, gait.push * 1.05, 4.0, -gait.strike, -gait.strike]
    return np.asarray(PchipInterpolator(knots, values)(phase))


def _carried(
    body: Body, rng: np.random.Generator, gait: Gait, path: _Path, strides: Array, step: float, feet: Array
) -> Tracks:
    """Carry the body over the feet."""
    frames = len(strides)
    along = 2.0 * step * strides
    heading = path.heading(along) + np.radians(gait.facing)
    turn, stands = 2 * np.pi * strides, 2 * np.pi * (strides - 0.5 * gait.duty)
    outward = np.stack([np.cos(heading), np.zeros_like(heading), -np.sin(heading)], axis=-1)
    pelvis = path.place(along) + (gait.sway * np.cos(stands))[:, None] * outward
    pelvis[:, 1] = body.standing * gait.height + gait.bounce * np.cos(2 * stands) + 2 * gait.rise * strides
    twist = np.radians(gait.twist) * np.cos(turn)
    still = np.zeros(frames)
    roll = np.radians(3.0) * np.cos(stands)
    attitude = np.stack([heading - twist, still + np.radians(gait.lean), roll, still], axis=-1)
    attitude[:, 1:3] += np.radians(1.2) * wander(rng, frames, 2)
    spine = np.stack([still + np.radians(gait.crouch), 2.0 * twist, roll], axis=-1)
    spine += np.radians(2.0) * wander(rng, frames, 3)
    neck = np.radians([6.0, 14.0, 3.0]) * wander(rng, frames, 3, 1.5)
    neck[:, 0] += np.radians(rng.normal(6.0, 8.0) - 0.5 * (gait.lean + gait.crouch))
    swing = np.stack([0.5 - 0.5 * np.cos(turn - 0.25), 0.5 + 0.5 * np.cos(turn - 0.25)], axis=1)
    states = gait.back + swing[..., None] * (gait.forward - gait.back)
    states = states + np.radians(2.5) * wander(rng, frames, 8).reshape(-1, 2, 4)
    return Tracks(
        pelvis=pelvis,
        attitude=attitude,
        spine=spine,
        neck=neck,
        arms=states,
        hands=np.zeros((frames, 2, 3)),
        held=np.zeros((frames, 2)),
        feet=feet,
        free=np.tile([0.0, -0.98, 0.05], (frames, 2, 1)),
        freed=np.zeros((frames, 2)),
        knees=np.full((frames, 2), np.radians(2.0)),
        airborne=np.full(frames, gait.duty < 0.5),
    )


def with_arms(tracks: Tracks, states: Array, share: Array) -> Tracks:
    """Lead some arms to other poses: on the way, someone waves or carries something.

    Parameters
    ----------
    tracks : Tracks
        F frames.
    states : (2, 4) float64
        The other poses.
    share : (F, 2) float64
        How far, 0 to 1.
    """
    return replace(tracks, arms=tracks.arms + share[..., None] * (states - tracks.arms))


def reversed_in_time(tracks: Tracks) -> Tracks:
    """Play a motion backwards."""
    flipped = {name: value[::-1].copy() for name, value in vars(tracks).items()}
    return Tracks(**flipped)
