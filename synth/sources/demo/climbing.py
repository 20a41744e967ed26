"""Scripts of hands that hold on: hang, lean on a frame, climb a ladder."""

from __future__ import annotations

import numpy as np

from synth.sources.demo.draws import (
    THERE_AND_BACK,
    Rng,
    about,
    between,
    leg,
    look,
    pair,
    pick,
    stance,
)
from synth.sources.demo.keys import Foot, Key


def hang(rng: Rng) -> list[Key]:
    """Hang from a bar: swing, draw the knees up, pull up, one hand off."""
    wide = between(rng, 0.14, 0.36)
    bar = between(rng, 2.15, 2.4)
    keys = []
    for n in range(5):
        swing = between(rng, 5, 28) * (1.0 if n % 2 else -1.0)
        pulled = between(rng, 0.0, 0.5) if rng.uniform() < 0.4 else between(rng, 0.0, 0.12)
        legs = [
            leg(between(rng, 0, 14), between(rng, -15, 20), between(rng, 0.8, 0.98))
            if rng.uniform() < 0.5
            else leg(between(rng, 0, 14), between(rng, 20, 85), between(rng, 0.45, 0.9))
            for _ in range(2)
        ]
        keys.append(
            Key(
                move=between(rng, 0.5, 0.8),
                height=1.17 + 0.62 * pulled,
                attitude=(between(rng, -12, 12), -swing, between(rng, -6, 6), 0.0),
                shift=(0.0, 0.012 * swing),
                spine=about(rng, 0.0, spread=8.0),
                neck=(between(rng, -25, 10), between(rng, -20, 20), 0.0),
                hands=np.array([[wide, bar, 0.0], [-wide, bar, 0.0]]),
                held=(1.0, 0.0 if rng.uniform() < 0.2 else 1.0),
                arms=pair(rng, "up", pick(rng, "hang", "up_bent", "side_low"), 10.0),
                free=np.stack(legs),
                freed=(1.0, 1.0),
                airborne=True,
            )
        )
    return keys


def hold_on(rng: Rng) -> list[Key]:
    """Lean on and hold something at chest to head height, squat below it, shift about: play on a frame."""
    feet = stance(rng, 0.3, between(rng, 0.1, 0.5), 10.0)
    high = (
        "climb_high",
        "climb_middle",
        "up",
        "up_bent",
        "up_wide",
        "goal_post",
        "forward_high",
        "side_high",
    )
    middle = ("climb_middle", "climb_low", "forward", "steering", "side", "forward_low", "pull")
    keys = []
    for _ in range(4):
        names = high if rng.uniform() < 0.6 else middle
        raised = rng.uniform() < 0.3
        keys.append(
            Key(
                move=between(rng, 0.5, 0.9),
                height=between(rng, 0.88, 1.0) if raised else between(rng, 0.5, 1.0),
                feet=feet,
                weight=1.0 if raised else between(rng, 0.2, 0.8),
                shift=(between(rng, -0.05, 0.05), between(rng, -0.2, 0.12)),
                attitude=(between(rng, -20, 20), between(rng, -18, 30), between(rng, -8, 8), 0.0),
                spine=about(rng, 6.0, spread=12.0),
                neck=look(rng),
                arms=pair(rng, pick(rng, *names), pick(rng, *names, "hang_bent", "forward"), 13.0),
                free=np.stack(
                    [leg(0, 0), leg(between(rng, 0, 25), between(rng, -40, 85), between(rng, 0.5, 0.85))]
                ),
                freed=(0.0, 1.0 if raised else 0.0),
                knees=(between(rng, -4, 22), between(rng, -4, 22)),
            )
        )
    return keys


def ladder(rng: Rng) -> list[Key]:
    """Climb a ladder and down again: hands and feet go by turns."""
    rung = between(rng, 0.26, 0.34)
    ahead, wide, narrow = between(rng, 0.32, 0.42), between(rng, 0.18, 0.26), between(rng, 0.09, 0.13)
    keys = []
    reach = 1.5 + between(rng, -0.1, 0.2)
    for n in THERE_AND_BACK:
        left, right = n - n % 2, n - (n + 1) % 2
        hands = [[wide, reach + right * rung, ahead], [-wide, reach + left * rung, ahead]]
        keys.append(
            Key(
                move=between(rng, 0.45, 0.7),
                height=0.9 + (n - 0.5) * rung / 0.98,
                feet=(
                    Foot(narrow, ahead - 0.06, 0.0, 8.0, max(left, 0) * rung),
                    Foot(-narrow, ahead - 0.06, 0.0, 8.0, max(right, 0) * rung),
                ),
                shift=(0.0, -0.24),
                attitude=(0.0, between(rng, 0, 10), between(rng, -3, 3), 0.0),
                spine=about(rng, 6.0),
                neck=(-between(rng, 0, 30), 0.0, 0.0),
                hands=np.array(hands),
                held=(1.0, 1.0),
                knees=(12.0, 12.0),
                airborne=True,
            )
        )
    return keys
