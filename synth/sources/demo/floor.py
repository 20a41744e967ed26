"""Scripts near and on the ground: kneel, sit, lie, roll, push up, crawl."""

from __future__ import annotations

import numpy as np

from synth.sources.demo.draws import (
    THERE_AND_BACK,
    Array,
    Rng,
    about,
    any_arms,
    between,
    leg,
    look,
    pair,
    pick,
    upright,
)
from synth.sources.demo.keys import Foot, Key

_OVER_KNEES = ("prop_back", "prop_back", "mouth", "ear", "face", "carry_high", "guard", "forward", "wave")
_LOW_SEAT = 0.115
"""Height of the root of someone who sits on the ground, as a share of its height when standing."""


def kneel(rng: Rng) -> list[Key]:
    """Go down on one knee or both, reach about, get up."""
    one = Key(
        move=0.9,
        height=between(rng, 0.5, 0.56),
        feet=(Foot(0.13, 0.32, 8.0), Foot(-0.12, -0.36, -5.0, 60.0)),
        weight=0.5,
        shift=(0.0, between(rng, -0.02, 0.05)),
        attitude=(0.0, between(rng, -4, 20), 0.0, 0.0),
        spine=about(rng, 8.0, spread=9.0),
        neck=look(rng),
        arms=any_arms(rng),
    )
    feet = (Foot(0.13, -0.36, 0.0, 62.0), Foot(-0.13, -0.36, 0.0, 62.0))
    both = one.but(feet=feet, shift=(0.0, 0.36), height=between(rng, 0.5, 0.53), arms=any_arms(rng))
    sunk = both.but(
        height=between(rng, 0.32, 0.42), shift=(0.0, between(rng, 0.02, 0.15)), arms=any_arms(rng)
    )
    start = upright(rng, feet=(Foot(0.13, 0.0, 8.0), Foot(-0.12, 0.0, -8.0)))
    tail = (
        [both, sunk, both.but(arms=any_arms(rng))] if rng.uniform() < 0.6 else [one.but(arms=any_arms(rng))]
    )
    return [start, one, *tail, one.but(move=0.8)]


def sit_ground(rng: Rng) -> list[Key]:
    """Sit on the ground with the legs out, drawn up, apart, crossed or to one side."""
    keys = []
    for _ in range(4):
        kind = pick(rng, "out", "up", "apart", "folded", "mixed")
        far, wide, knees = between(rng, 0.84, 0.97), between(rng, 0.09, 0.16), between(rng, -5, 15)
        if kind == "up":
            far = between(rng, 0.48, 0.68)
        elif kind == "apart":
            far, wide = between(rng, 0.75, 0.9), between(rng, 0.25, 0.5)
        elif kind == "folded":
            far, wide, knees = between(rng, 0.5, 0.6), 0.11, between(rng, 28, 45)
        other = between(rng, 0.5, 0.9) if kind == "mixed" else far
        pitch = between(rng, -28, -10 if kind in ("up", "folded") else 8)
        rest = "prop_back" if pitch < -12 else "knee"
        bent = kind in ("up", "folded", "mixed")
        names = _OVER_KNEES if bent else (rest, rest, "thigh", "forward_low", "crossed", "mouth", "forward")
        keys.append(
            Key(
                move=between(rng, 0.6, 1.0),
                hold=between(rng, 0.0, 0.3),
                height=_LOW_SEAT,
                feet=(Foot(wide, far, 8.0, -25.0), Foot(-wide, other, -8.0, -25.0)),
                shift=(0.0, -0.5 * (far + other) + 0.12),
                attitude=(0.0, pitch, 0.0, 0.0),
                spine=about(rng, between(rng, 5, 45), spread=8.0),
                neck=look(rng),
                arms=pair(rng, pick(rng, *names), pick(rng, *names), 11.0),
                knees=(knees, knees),
            )
        )
    return keys


def lie_back(rng: Rng) -> list[Key]:
    """Lie on the back: stretched out, knees drawn up, legs raised, half sitting up."""
    keys = []
    for _ in range(4):
        curl = between(rng, 0.0, 35.0) if rng.uniform() < 0.4 else 0.0
        legs = [
            leg(between(rng, 2, 16), between(rng, 0, 12), between(rng, 0.93, 0.99))
            if rng.uniform() < 0.4
            else leg(between(rng, 2, 12), between(rng, 25, 75), between(rng, 0.5, 0.98))
            for _ in range(2)
        ]
        keys.append(
            _lying(rng, pitch=-90.0 + 0.6 * curl, free=np.stack(legs)).but(
                spine=about(rng, 4.0 + curl, spread=4.0),
                neck=(0.5 * curl, between(rng, -25, 25), 0.0),
                arms=_on_back(rng),
            )
        )
    return keys


def _on_back(rng: Rng) -> Array:
    """Arms of someone who lies on the back, (2, 4): nothing below the plane of the back."""
    names = ("hang_bent", "belly", "crossed", "forward", "forward_high", "goal_post", "side", "up", "guard")
    return pair(rng, pick(rng, *names), pick(rng, *names), 7.0)


def lie_front(rng: Rng) -> list[Key]:
    """Lie face down, legs kicking gently."""
    return [
        _lying(
            rng,
            pitch=90.0,
            free=np.stack([leg(6, -4, 0.98), leg(6, -between(rng, 8, 28), between(rng, 0.72, 0.98))]),
        ).but(
            spine=about(rng, -between(rng, 2, 28), spread=4.0),
            neck=(-between(rng, 5, 45), between(rng, -35, 35), 0.0),
            arms=pair(rng, pick(rng, "up", "goal_post", "up_bent", "side_high"), None, 9.0),
        )
        for _ in range(4)
    ]


def lie_side(rng: Rng) -> list[Key]:
    """Lie on one side, the legs bent or scissoring."""
    keys = []
    for _ in range(4):
        bent = between(rng, 10, 60)
        free = np.stack(
            [leg(between(rng, 0, 25), bent, between(rng, 0.6, 0.97)), leg(-4, bent, between(rng, 0.7, 0.97))]
        )
        arms = pair(rng, pick(rng, "belly", "forward", "forward_low", "hang_bent"), "forward_high", 9.0)
        key = _lying(rng, pitch=0.0, free=free)
        keys.append(
            key.but(attitude=(0.0, between(rng, -8, 8), -90.0, 0.0), arms=arms, spine=about(rng, 12.0))
        )
    return keys


def _lying(rng: Rng, pitch: float, free: Array) -> Key:
    return Key(
        move=between(rng, 0.8, 1.3),
        hold=between(rng, 0.0, 0.3),
        height=0.12,
        attitude=(0.0, pitch, 0.0, 0.0),
        free=free,
        freed=(1.0, 1.0),
        knees=(between(rng, 0, 20), between(rng, 0, 20)),
    )


def roll_over(rng: Rng) -> list[Key]:
    """Roll from the back over a side onto the front."""
    free = np.stack([leg(4, 10, 0.95), leg(4, between(rng, 5, 40), between(rng, 0.75, 0.95))])
    arms = pair(rng, "up", None, 6.0)
    spins = (0.0, 50.0, 110.0, 180.0, 120.0, 60.0)
    key = _lying(rng, -90.0, free)
    return [
        key.but(move=0.7, attitude=(0.0, -90.0, 0.0, spin), arms=arms, spine=about(rng, 0.0))
        for spin in spins
    ]


def push_up(rng: Rng) -> list[Key]:
    """Press up from the ground on hands and toes, or hold a plank."""
    wide, ahead = between(rng, 0.2, 0.34), between(rng, 0.24, 0.32)
    hands = np.array([[wide, 0.06, ahead], [-wide, 0.06, ahead]])
    feet = (Foot(0.09, -0.93, 0.0, 62.0), Foot(-0.09, -0.93, 0.0, 62.0))
    # the root's place on the straight line from the ankles that falls from 17 to 4 degrees
    high, low = (
        Key(
            move=between(rng, 0.6, 1.0),
            height=0.14 + 0.89 * float(np.sin(np.radians(slope))),
            feet=feet,
            shift=(0.0, 0.89 * float(np.cos(np.radians(slope))) + 0.22),
            attitude=(0.0, 90.0 - slope, 0.0, 0.0),
            spine=about(rng, 0.0, spread=2.0),
            neck=(-between(rng, 5, 35), 0.0, 0.0),
            hands=hands,
            held=(1.0, 1.0),
        )
        for slope in (between(rng, 14.0, 19.0), between(rng, 2.0, 6.0))
    )
    return [high, low, high.but(spine=about(rng, -4.0, spread=3.0))]


def all_fours(rng: Rng) -> list[Key]:
    """Hands and feet or knees on the ground: bear, dog, cat, one hand or leg raised."""
    ahead = between(rng, 0.44, 0.5)
    keys = []
    for _ in range(3):
        kind = pick(rng, "knees", "bear", "dog", "knees")
        height, pitch = {"knees": (0.47, 86.0), "bear": (0.55, 94.0), "dog": (0.76, 125.0)}[kind]
        back = 0.42 if kind == "knees" else 0.05
        heels = 65.0 if kind == "knees" else between(rng, 10, 40)
        raised = kind == "knees" and rng.uniform() < 0.4
        keys.append(
            Key(
                move=between(rng, 0.7, 1.1),
                height=height,
                feet=(Foot(0.13, -back, 0.0, heels), Foot(-0.13, -back, 0.0, heels)),
                shift=(0.0, back + 0.16 if kind == "knees" else between(rng, 0.05, 0.15)),
                attitude=(0.0, pitch + between(rng, -6, 4), 0.0, 0.0),
                spine=about(rng, between(rng, -10, 22), spread=5.0),
                neck=(-between(rng, 0, 45), between(rng, -20, 20), 0.0),
                hands=np.array([[0.2, 0.06, ahead], [-0.2, 0.06, ahead]]),
                held=(1.0, 0.0 if raised and rng.uniform() < 0.5 else 1.0),
                arms=pair(rng, "forward_high", pick(rng, "forward_high", "side", "across"), 12.0),
                free=np.stack([leg(0, 0), leg(6.0, -between(rng, 5, 25), between(rng, 0.8, 0.97))]),
                freed=(0.0, 1.0 if raised else 0.0),
            )
        )
    return keys


def crawl(rng: Rng) -> list[Key]:
    """Crawl on hands and knees, and back: a hand and the other side's knee go by turns."""
    step, ahead = between(rng, 0.13, 0.2), between(rng, 0.44, 0.5)
    keys = []
    for n in THERE_AND_BACK:
        left, right = step * (n - n % 2), step * (n - (n + 1) % 2)
        feet = (Foot(0.12, right - 0.42, 0.0, 65.0), Foot(-0.12, left - 0.42, 0.0, 65.0))
        keys.append(
            Key(
                move=between(rng, 0.4, 0.6),
                height=0.47,
                feet=feet,
                shift=(0.0, 0.58),
                attitude=(0.0, between(rng, 82, 89), 0.0, between(rng, -4, 4)),
                spine=about(rng, between(rng, -6, 12), 6.0 if n % 2 else -6.0, spread=3.0),
                neck=(-between(rng, 5, 40), between(rng, -15, 15), 0.0),
                hands=np.array([[0.19, 0.06, ahead + left], [-0.19, 0.06, ahead + right]]),
                held=(1.0, 1.0),
            )
        )
    return keys
