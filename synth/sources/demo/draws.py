"""Draws that all scripts share: arms, stances, trunks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.sources.demo import arms
from synth.sources.demo.keys import Foot, Key, Triple

Array = NDArray[np.float64]
Rng = np.random.Generator

_AT_EASE = (
    *("hang", "hang", "hang", "hang_wide", "hang_bent", "hang_bent", "hips", "pocket", "crossed"),
    *("clasped_low", "belly", "carry_high", "behind_back"),
)
_GESTURES = (
    *("present", "carry_high", "belly", "guard", "shrug", "forward_low", "float", "mouth", "ear", "face"),
    *("wave", "side_low", "steering", "balance", "wing", "pull"),
)
_HIGH = (
    *("climb_high", "climb_middle", "up", "up_bent", "up_wide", "goal_post", "forward_high", "side_high"),
    *("head_top", "wave", "across_high"),
)
_LOW = ("hang", "hang_wide", "hang_bent", "swing_back", "swing_forward", "clasped_low", "wing", "side_low")

THERE_AND_BACK = (0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1)
"""Steps of what goes along and returns, so that bouts follow one another."""


def pick(rng: Rng, *choices: str) -> str:
    """One of several names."""
    return choices[int(rng.integers(len(choices)))]


def between(rng: Rng, low: float, high: float) -> float:
    """Uniform number."""
    return float(rng.uniform(low, high))


def about(rng: Rng, *degrees: float, spread: float = 5.0) -> Triple:
    """Three angles, normally distributed about those given (0 where fewer are)."""
    centre = np.array([*degrees, 0.0, 0.0, 0.0][:3])
    a, b, c = (centre + spread * rng.normal(size=3)).tolist()
    return a, b, c


def pair(rng: Rng, left: str, right: str | None = None, degrees: float = 9.0) -> Array:
    """Both arms (2, 4) near named poses, the right one's like the left one's if not given."""
    return np.stack([arms.varied(rng, arms.arm(name), degrees) for name in (left, right or left)])


def any_arms(rng: Rng) -> Array:
    """Both arms (2, 4): any two poses; often alike, often one that hangs, or both held high."""
    kind = rng.uniform()
    if kind < 0.2:
        return pair(rng, pick(rng, *_HIGH), pick(rng, *_HIGH), 13.0)
    left = arms.random_arm(rng)
    if kind < 0.45:
        return np.stack([left, arms.varied(rng, left, 9.0)])
    if kind < 0.65:
        return np.stack([left, arms.varied(rng, arms.arm(pick(rng, *_LOW)), 12.0)])
    return np.stack([left, arms.random_arm(rng)])


def easy_arms(rng: Rng) -> Array:
    """Both arms of someone who stands about, (2, 4)."""
    left = pick(rng, *_AT_EASE)
    right = left if rng.uniform() < 0.5 else pick(rng, "hang", "hang_bent", "pocket", "hips", "hang_wide")
    return pair(rng, left, right)


def talking_arms(rng: Rng) -> Array:
    """Both arms of someone who talks, (2, 4): one or both in a gesture."""
    left = pick(rng, *_GESTURES)
    right = left if rng.uniform() < 0.4 else pick(rng, *_AT_EASE, *_GESTURES)
    return pair(rng, left, right, 12.0)


def stance(rng: Rng, width: float = 0.2, stagger: float = 0.05, turned: float = 8.0) -> tuple[Foot, Foot]:
    """Feet side by side: about so far apart, one ahead by about `stagger`, toes out by about `turned`."""
    half = 0.5 * max(width * between(rng, 0.8, 1.25), 0.15)
    ahead = 0.5 * stagger * float(rng.normal())
    left, right = turned * between(rng, 0.2, 1.8), -turned * between(rng, 0.2, 1.8)
    return Foot(half, ahead, left), Foot(-half, -ahead, right)


def moved(feet: tuple[Foot, Foot], x: float, z: float, heading: float = 0.0) -> tuple[Foot, Foot]:
    """Feet carried elsewhere: turned about the origin by `heading` degrees, then shifted."""
    cosine, sine = np.cos(np.radians(heading)), np.sin(np.radians(heading))

    def place(foot: Foot) -> Foot:
        return Foot(
            *(cosine * foot.x + sine * foot.z + x, cosine * foot.z - sine * foot.x + z),
            *(foot.heading + heading, foot.pitch, foot.y),
        )

    return place(feet[0]), place(feet[1])


def look(rng: Rng, spread: float = 1.0) -> Triple:
    """Direction of the head: mostly ahead, sometimes far to a side, up or down."""
    nod = float(np.clip(rng.normal(8.0, 13.0), -45.0, 50.0))
    return nod, float(rng.normal() * 22 * spread), float(rng.normal() * 5)


def upright(rng: Rng, **changes: object) -> Key:
    """Someone who stands, a little different each time; fields may be given."""
    key = Key(
        move=between(rng, 0.45, 0.9),
        height=between(rng, 0.965, 0.995),
        shift=(float(rng.normal() * 0.012), float(rng.normal() * 0.012)),
        weight=float(np.clip(rng.normal(0.5, 0.16), 0.15, 0.85)),
        attitude=(float(rng.normal() * 6.0), float(rng.normal(2.0, 2.0)), float(rng.normal() * 1.5), 0.0),
        spine=about(rng, 3.0, spread=4.0),
        neck=look(rng, 0.6),
        knees=(between(rng, -2.0, 9.0), between(rng, -2.0, 9.0)),
    )
    return key.but(**changes)


def leg(side_out: float, up: float, reach: float = 0.98) -> Array:
    """Ankle from hip in lengths of the leg, (3,): swung forward by `up` and outward by `side_out` degrees."""
    out, forward = np.radians(side_out), np.radians(up)
    direction = [np.sin(out), -np.cos(out) * np.cos(forward), np.cos(out) * np.sin(forward)]
    return reach * np.array(direction)
