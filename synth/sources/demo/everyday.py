"""Scripts of everyday motion on two feet. Each gives the keys of one bout; a clip strings several together."""

from __future__ import annotations

from synth.sources.demo.draws import (
    Rng,
    about,
    any_arms,
    between,
    easy_arms,
    look,
    moved,
    pair,
    pick,
    stance,
    talking_arms,
    upright,
)
from synth.sources.demo.keys import Foot, Key

_FOR_BALANCE = ("forward", "forward_low", "guard", "carry_low", "lean", "steering", "hips", "knee")
_DOWN = ("forward_low", "hang", "lean", "knee", "across_low", "forward")


def stand_about(rng: Rng) -> list[Key]:
    """Stand, shift the weight, look around, talk with the hands."""
    feet = stance(rng)
    return [
        upright(rng, feet=feet, arms=easy_arms(rng), neck=look(rng, 1.3), hold=between(rng, 0.0, 0.4)),
        *(upright(rng, feet=feet, arms=talking_arms(rng)) for _ in range(3)),
    ]


def look_around(rng: Rng) -> list[Key]:
    """Turn head and trunk to the sides, look up and down, a hand over the eyes."""
    feet = stance(rng, 0.28, 0.1)
    keys = []
    for side in (1.0, -1.0):
        turn = side * between(rng, 15.0, 55.0)
        arms = pair(rng, "salute", "hang") if rng.uniform() < 0.3 else easy_arms(rng)
        keys.append(
            upright(
                rng,
                feet=feet,
                arms=arms,
                attitude=(0.35 * turn, 2.0, 0.0, 0.0),
                spine=about(rng, 5.0, 0.6 * turn),
                neck=(between(rng, -25.0, 25.0), turn, 0.0),
                hold=0.2,
            )
        )
    return keys


def turn_round(rng: Rng) -> list[Key]:
    """Turn on the spot in a few steps, and back."""
    total = between(rng, 60.0, 200.0)
    keys = []
    for share in (0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1):
        heading = share / 6.0 * total
        feet = moved(stance(rng, 0.28), 0.0, 0.0, heading)
        key = upright(rng, feet=feet, arms=pair(rng, "hang_bent", "hang"))
        keys.append(key.but(attitude=(heading, 3.0, 0.0, 0.0), neck=(0.0, 20.0, 0.0)))
    return keys


def reach(rng: Rng) -> list[Key]:
    """Reach with one hand or both, up, ahead, aside or across, with a step and the trunk."""
    start, step = stance(rng), stance(rng, 0.3, 0.35)
    name = pick(
        *(rng, "up", "forward_high", "forward", "side", "side_high", "across", "across_high", "climb_high"),
        *("reach_back", "forward_low", "release"),
    )
    other = name if rng.uniform() < 0.3 else pick(rng, "hang", "hang_bent", "side_low", "belly", "balance")
    high = name in ("up", "forward_high", "climb_high", "across_high")
    feet = tuple(Foot(f.x, f.z, f.heading, between(rng, 0.0, 40.0) if high else 0.0) for f in step)
    full = Key(
        move=between(rng, 0.6, 1.1),
        hold=between(rng, 0.0, 0.4),
        height=between(rng, 0.9, 1.04),
        feet=(feet[0], feet[1]),
        weight=between(rng, 0.3, 0.8),
        attitude=(between(rng, -25, 25), between(rng, -4, 14), between(rng, -6, 6), 0.0),
        spine=about(rng, -5.0 if high else 10.0, -15.0, spread=9.0),
        neck=(-18.0 if high else 8.0, 12.0, 0.0),
        arms=pair(rng, name, other, 12.0),
    )
    return [upright(rng, feet=start, arms=easy_arms(rng)), full, upright(rng, arms=talking_arms(rng))]


def bend(rng: Rng) -> list[Key]:
    """Bend down from the hips, to pick something up or touch the feet."""
    feet = stance(rng, 0.28, 0.2)
    pitch = between(rng, 25.0, 75.0)
    low = upright(
        rng,
        move=between(rng, 0.7, 1.2),
        hold=between(rng, 0.0, 0.3),
        feet=feet,
        height=between(rng, 0.78, 0.96),
        attitude=(between(rng, -15, 15), pitch, between(rng, -6, 6), 0.0),
        spine=about(rng, between(rng, 5.0, 55.0), between(rng, -25, 25), spread=6.0),
        neck=(between(rng, -30, 20), between(rng, -20, 20), 0.0),
        arms=pair(rng, pick(rng, *_DOWN), pick(rng, *_DOWN, "hips", "knee", "reach_back"), 13.0),
    )
    up = upright(rng, feet=feet, arms=pair(rng, pick(rng, "carry_high", "carry_low", "forward", "up")))
    return [upright(rng, feet=feet, arms=easy_arms(rng)), low, low.but(move=0.5, arms=any_arms(rng)), up]


def squat(rng: Rng) -> list[Key]:
    """Go down on both legs and up again, the arms out for balance or to the ground."""
    feet = stance(rng, 0.36, 0.05, 18.0)
    depth = between(rng, 0.42, 0.8)
    heels = max(0.0, between(rng, -20.0, 40.0)) if depth < 0.6 else 0.0
    low = Key(
        move=between(rng, 0.6, 1.1),
        hold=between(rng, 0.0, 0.5),
        height=depth,
        feet=(
            Foot(feet[0].x, feet[0].z, feet[0].heading, heels),
            Foot(feet[1].x, feet[1].z, feet[1].heading, heels),
        ),
        attitude=(0.0, (1.0 - depth) * between(rng, 15.0, 70.0), 0.0, 0.0),
        spine=about(rng, between(rng, 5.0, 40.0)),
        neck=(between(rng, -20, 10), between(rng, -25, 25), 0.0),
        arms=pair(rng, pick(rng, *_FOR_BALANCE)),
        knees=(between(rng, 5, 28), between(rng, 5, 28)),
    )
    return [upright(rng, feet=feet, arms=easy_arms(rng)), low, low.but(arms=any_arms(rng), move=0.6)]


def lunge(rng: Rng) -> list[Key]:
    """Take a long step ahead or aside, the knee bent."""
    ahead, aside = (between(rng, 0.45, 0.85), 0.12) if rng.uniform() < 0.65 else (0.1, between(rng, 0.5, 0.8))
    back_heel = between(rng, 15.0, 60.0) if ahead > 0.4 else 0.0
    low = Key(
        move=between(rng, 0.5, 0.8),
        hold=between(rng, 0.0, 0.3),
        height=between(rng, 0.6, 0.88),
        feet=(Foot(aside, ahead, between(rng, -5, 25)), Foot(-0.12, 0.0, between(rng, -30, 0), back_heel)),
        weight=between(rng, 0.5, 0.75),
        attitude=(between(rng, -20, 20), between(rng, 0, 25), between(rng, -8, 8), 0.0),
        spine=about(rng, 8.0, spread=14.0),
        neck=look(rng),
        arms=any_arms(rng),
    )
    return [upright(rng, arms=easy_arms(rng)), low, low.but(arms=any_arms(rng), move=0.7)]


def lift_and_carry(rng: Rng) -> list[Key]:
    """Squat to something on the ground, lift it with both hands, put it up or aside."""
    feet = stance(rng, 0.34, 0.15, 14.0)
    grab = Key(
        move=1.0,
        hold=0.2,
        height=between(rng, 0.55, 0.75),
        feet=feet,
        attitude=(0.0, between(rng, 20, 45), 0.0, 0.0),
        spine=about(rng, 28.0),
        neck=(-10.0, 0.0, 0.0),
        arms=pair(rng, pick(rng, "forward_low", "lean", "knee"), None, 7.0),
    )
    carry = upright(rng, feet=feet, arms=pair(rng, pick(rng, "carry_high", "carry_low", "steering")))
    turned = carry.but(move=0.8, attitude=(between(rng, -40, 40), 4.0, 0.0, 0.0))
    put = upright(
        rng, feet=feet, arms=pair(rng, pick(rng, "forward_high", "up_bent", "forward", "climb_high"))
    )
    return [upright(rng, feet=feet), grab, carry, turned.but(spine=about(rng, 5.0, spread=14.0)), put]


def stretch(rng: Rng) -> list[Key]:
    """Stretch arms and trunk: up, back, to the sides."""
    feet = stance(rng, 0.4)
    names = ("up", "up_wide", "head_back", "side_high", "side_back", "head_top", "goal_post", "across_high")
    keys = []
    for lean in (between(rng, 10, 32), -between(rng, 10, 32), 0.0):
        name = pick(rng, *names)
        other = name if rng.uniform() < 0.6 else pick(rng, *names, "hips")
        keys.append(
            upright(
                rng,
                feet=feet,
                move=between(rng, 0.7, 1.2),
                hold=between(rng, 0.0, 0.3),
                attitude=(0.0, between(rng, -8, 2), 0.2 * lean, 0.0),
                spine=about(rng, between(rng, -22, 8), between(rng, -25, 25), lean),
                neck=(between(rng, -30, 5), 0.0, 0.3 * lean),
                arms=pair(rng, name, other),
            )
        )
    return keys


def wave(rng: Rng) -> list[Key]:
    """Wave with one hand or both."""
    feet = stance(rng)
    other = pick(rng, "hang", "hang_bent", "hips", "pocket", "hang_wide", "wave")
    high = rng.uniform() < 0.4
    names = ("up_wide", "up_bent") if high else ("wave", "wave_in")
    keys = [upright(rng, feet=feet, move=0.35, arms=pair(rng, names[n % 2], other, 6.0)) for n in range(5)]
    return [upright(rng, feet=feet, arms=easy_arms(rng)), *keys]


def handle(rng: Rng) -> list[Key]:
    """Work with the hands: wipe, drink, phone, cook, push and pull."""
    feet = stance(rng, 0.26, 0.15)
    names = ("mouth", "ear", "face", "carry_high", "belly", "steering", "forward_low", "climb_middle")
    more = ("forward", "across_low", "present", "across", "pull", "forward_high", "head_top", "lean")
    lean = between(rng, 0.0, 25.0)
    return [
        upright(
            rng,
            feet=feet,
            move=between(rng, 0.4, 0.8),
            attitude=(between(rng, -15, 15), lean, 0.0, 0.0),
            spine=about(rng, lean, spread=8.0),
            neck=(between(rng, -5, 25), between(rng, -20, 20), 0.0),
            arms=pair(rng, pick(rng, *names, *more), pick(rng, *names, "hang", "hang_bent"), 13.0),
        )
        for _ in range(4)
    ]


def sit_chair(rng: Rng) -> list[Key]:
    """Sit down on a chair, sit about, get up."""
    feet = stance(rng, 0.28, 0.1, 12.0)
    down = Key(
        move=0.55,
        height=0.72,
        feet=feet,
        shift=(0.0, -0.12),
        attitude=(0.0, 32.0, 0.0, 0.0),
        spine=(22.0, 0.0, 0.0),
        neck=(-15.0, 0.0, 0.0),
        arms=pair(rng, pick(rng, "knee", "lean", "forward_low", "hang")),
    )
    names = ("thigh", "carry_high", "crossed", "belly", "steering", "mouth", "ear", "lean", "head_back")
    seat = between(rng, 0.46, 0.54)
    sitting = [
        Key(
            move=between(rng, 0.45, 0.9),
            hold=between(rng, 0.0, 0.5),
            height=seat,
            feet=feet,
            shift=(0.0, between(rng, -0.36, -0.3)),
            attitude=(0.0, between(rng, -22, 12), 0.0, 0.0),
            spine=about(rng, between(rng, 0, 30), spread=9.0),
            neck=look(rng),
            arms=pair(rng, pick(rng, *names), pick(rng, *names), 11.0),
            knees=(between(rng, 0, 18), between(rng, 0, 18)),
        )
        for _ in range(3)
    ]
    return [upright(rng, feet=feet, arms=easy_arms(rng)), down, *sitting, down.but(move=0.6)]
