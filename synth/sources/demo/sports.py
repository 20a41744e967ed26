"""Scripts of sports, dance and play: kicks, throws, punches, jumps, balances."""

from __future__ import annotations

import numpy as np

from synth.sources.demo import arms as arm_poses
from synth.sources.demo.draws import (
    Array,
    Rng,
    about,
    any_arms,
    between,
    leg,
    look,
    moved,
    pair,
    pick,
    stance,
    upright,
)
from synth.sources.demo.keys import Foot, Key

_GRAVITY = 9.81


def box(rng: Rng) -> list[Key]:
    """Guard, punches, hooks, uppercuts, a duck."""
    feet = (Foot(0.14, 0.18, -15.0), Foot(-0.14, -0.18, -45.0, 18.0))
    guard = Key(
        move=0.25,
        height=between(rng, 0.88, 0.95),
        feet=feet,
        attitude=(-25.0, 6.0, 0.0, 0.0),
        spine=about(rng, 10.0),
        neck=(0.0, 20.0, 0.0),
        arms=pair(rng, "guard", None, 7.0),
    )
    keys = [guard]
    for _ in range(4):
        name = pick(rng, "punch", "hook", "uppercut", "punch", "across")
        turn = between(rng, 10.0, 35.0)
        left = rng.uniform() < 0.5
        arms = pair(rng, name, "guard", 8.0) if left else pair(rng, "guard", name, 8.0)
        sign = -1.0 if left else 1.0
        blow = guard.but(
            move=between(rng, 0.16, 0.3),
            arms=arms,
            attitude=(-25.0 + 0.8 * sign * turn, 8.0, 0.0, 0.0),
            spine=about(rng, 10.0, 0.8 * sign * turn),
            weight=between(rng, 0.45, 0.7),
        )
        keys += [blow, guard.but(arms=pair(rng, "guard", None, 9.0), spine=about(rng, 10.0, spread=8.0))]
    duck = guard.but(move=0.35, height=between(rng, 0.65, 0.8), spine=about(rng, 30.0, spread=10.0))
    return [*keys, duck]


def kick(rng: Rng) -> list[Key]:
    """Raise a knee and kick ahead, aside or back; or swing the leg as at a ball."""
    kind = pick(rng, "front", "side", "ball", "back", "knee")
    stand = (Foot(0.05, 0.0, 12.0), Foot(-0.14, -0.05, -10.0))
    arms = pair(rng, pick(rng, "guard", "balance", "side_low", "hang_wide"), None, 12.0)
    chamber = Key(
        move=between(rng, 0.3, 0.5),
        height=0.97,
        feet=stand,
        weight=1.0,
        attitude=(0.0, -4.0, 0.0, 0.0),
        spine=about(rng, 6.0),
        arms=arms,
        free=np.stack([leg(0, 0), leg(8.0, between(rng, 55, 85), between(rng, 0.45, 0.62))]),
        freed=(0.0, 1.0),
    )
    up, out = between(rng, 45.0, 112.0), between(rng, 0.0, 16.0)
    tilt = between(rng, 0.1, 0.3) * up
    end = chamber.but(move=0.2, attitude=(0.0, -tilt, 0.0, 0.0), spine=about(rng, tilt))
    if kind == "side":
        end = end.but(free=np.stack([leg(0, 0), leg(between(rng, 35, 65), between(rng, 0, 45))]))
        end = end.but(attitude=(0.0, 0.0, -tilt, 0.0), spine=about(rng, 5.0, 0.0, -10.0))
    elif kind == "back":
        end = end.but(free=np.stack([leg(0, 0), leg(8.0, -between(rng, 15, 30))]))
        end = end.but(attitude=(0.0, between(rng, 20, 60), 0.0, 0.0), spine=about(rng, 5.0))
    elif kind == "ball":
        swing = leg(8.0, -between(rng, 15, 30), between(rng, 0.7, 0.9))
        chamber = chamber.but(
            free=np.stack([leg(0, 0), swing]), arms=pair(rng, "side_low", "reach_back", 10.0)
        )
        end = end.but(free=np.stack([leg(0, 0), leg(-4.0, between(rng, 30, 75), 0.97)]))
    elif kind == "front":
        end = end.but(free=np.stack([leg(0, 0), leg(out, up, 0.98)]))
    start = upright(rng, feet=stand, arms=pair(rng, "hang_bent", None, 12.0))
    return [start, chamber, end.but(arms=any_arms(rng)), chamber.but(move=0.3), start.but(move=0.45)]


def throw(rng: Rng) -> list[Key]:
    """Throw or serve with the right arm: overhand, underhand, sidearm, or with both hands."""
    kind = pick(rng, "over", "under", "side", "both")
    wind, release, follow = {
        "over": ("cocked", "release", "follow_through"),
        "under": ("underhand_back", "underhand_forward", "forward_high"),
        "side": ("side_back", "side", "across"),
        "both": ("head_back", "forward_high", "forward_low"),
    }[kind]
    other = [pick(rng, "forward", "side", "balance"), "hang_wide", pick(rng, "wing", "hang_bent")]
    if kind == "both":
        other = [wind, release, follow]
    turn = 0.0 if kind == "both" else between(rng, 20.0, 50.0)
    back, front = Foot(-0.14, -0.1, -40.0), Foot(0.12, between(rng, 0.25, 0.6), 0.0)
    ready = upright(rng, feet=(Foot(0.12, 0.05, 0.0), back), arms=pair(rng, "carry_high", None, 12.0))
    cocked = Key(
        move=between(rng, 0.45, 0.7),
        height=between(rng, 0.88, 0.96),
        feet=(front, back),
        weight=0.25,
        attitude=(-turn, -4.0, 0.0, 0.0),
        spine=about(rng, -8.0, -0.7 * turn, 8.0),
        neck=(0.0, 0.8 * turn, 0.0),
        arms=pair(rng, other[0], wind, 9.0),
    )
    lean = between(rng, 5.0, 25.0)
    heel = Foot(back.x, back.z, back.heading, 40.0)
    let_go = cocked.but(
        move=between(rng, 0.2, 0.32),
        feet=(front, heel),
        weight=0.65,
        attitude=(0.3 * turn, 0.6 * lean, 0.0, 0.0),
        spine=about(rng, 0.6 * lean, 0.4 * turn, -6.0),
        neck=(0.0, 0.0, 0.0),
        arms=pair(rng, other[1], release, 9.0),
    )
    through = let_go.but(
        move=between(rng, 0.2, 0.35),
        weight=0.75,
        attitude=(0.6 * turn, lean, 0.0, 0.0),
        spine=about(rng, 1.3 * lean, 0.5 * turn),
        arms=pair(rng, other[2], follow, 9.0),
    )
    return [ready, cocked, let_go, through]


def swing(rng: Rng) -> list[Key]:
    """Swing something with both hands, as in golf, baseball, or with a hammer."""
    feet = stance(rng, 0.45, 0.1, 15.0)
    lean = between(rng, 5.0, 35.0)
    back = pick(rng, "head_top", "side_high", "across_high", "cocked")
    low = pick(rng, "forward_low", "forward", "across_low")
    high = pick(rng, "across_high", "up_bent", "climb_high")
    turn = between(rng, 25.0, 55.0)
    address = upright(
        rng, feet=feet, height=0.93, attitude=(0.0, lean, 0.0, 0.0), arms=pair(rng, low, None, 7.0)
    )
    wind = address.but(
        move=0.6,
        attitude=(-turn, lean, 0.0, 0.0),
        spine=about(rng, 6.0, -0.7 * turn),
        neck=(10.0, turn, 0.0),
        arms=pair(rng, pick(rng, "across", "across_high"), back, 9.0),
    )
    end = address.but(
        move=0.35,
        attitude=(turn, 0.3 * lean, 0.0, 0.0),
        spine=about(rng, -2.0, 0.7 * turn),
        weight=0.7,
        arms=pair(rng, back, high, 9.0),
    )
    return [address, wind, address.but(move=0.25, arms=pair(rng, low, None, 9.0)), end]


def jump(rng: Rng) -> list[Key]:
    """Crouch, leap up or ahead, land, and absorb it."""
    start = stance(rng, 0.26, 0.05)
    height = between(rng, 0.12, 0.42)
    travel = between(rng, 0.0, 0.9) if rng.uniform() < 0.6 else 0.0
    turn = between(rng, -90, 90) if rng.uniform() < 0.3 else 0.0
    flight = float(np.sqrt(2.0 * height / _GRAVITY))
    crouch = Key(
        move=0.5,
        height=between(rng, 0.62, 0.78),
        feet=start,
        attitude=(0.0, between(rng, 15, 40), 0.0, 0.0),
        spine=about(rng, 20.0),
        neck=(-10.0, 0.0, 0.0),
        arms=pair(rng, pick(rng, "reach_back", "swing_back", "wing", "hang_bent")),
    )
    toes = tuple(Foot(foot.x, foot.z, foot.heading, 50.0) for foot in start)
    off = crouch.but(
        move=0.28,
        height=1.05,
        feet=(toes[0], toes[1]),
        shift=(0.0, 0.15 * travel),
        attitude=(0.1 * turn, 6.0 + 10.0 * travel, 0.0, 0.0),
        spine=about(rng, -2.0),
        arms=pair(rng, pick(rng, "forward_high", "up", "up_wide", "side", "forward", "up_bent")),
    )
    feet = moved(start, 0.0, travel, turn)
    top = off.but(
        move=flight,
        height=1.05 + height,
        feet=moved(start, 0.0, 0.5 * travel, 0.5 * turn),
        attitude=(0.5 * turn, between(rng, 0, 25), 0.0, 0.0),
        free=_flying_legs(rng),
        freed=(1.0, 1.0),
        airborne=True,
        arms=any_arms(rng),
    )
    land = off.but(move=flight, height=1.0, feet=feet, shift=(0.0, 0.0), attitude=(turn, 8.0, 0.0, 0.0))
    absorb = crouch.but(move=0.26, feet=feet, attitude=(turn, 25.0, 0.0, 0.0), arms=any_arms(rng))
    rise = upright(rng, feet=feet, move=0.5).but(attitude=(turn, 2.0, 0.0, 0.0))
    return [upright(rng, feet=start), crouch, off, top, land, absorb, rise]


def _flying_legs(rng: Rng) -> Array:
    """Legs in the air, (2, 3): straight down, tucked, spread, or split."""
    kind = pick(rng, "down", "tuck", "spread", "split", "heels")
    if kind == "tuck":
        return np.stack([leg(8, between(rng, 40, 75), between(rng, 0.45, 0.65))] * 2)
    if kind == "spread":
        return np.stack([leg(between(rng, 15, 38), 5.0)] * 2)
    if kind == "split":
        return np.stack([leg(4, between(rng, 30, 60)), leg(4, -25.0, between(rng, 0.7, 0.95))])
    if kind == "heels":
        return np.stack([leg(5, -20.0, between(rng, 0.5, 0.75))] * 2)
    return np.stack([leg(6, 5.0, 0.97), leg(6, between(rng, -5, 20), 0.95)])


def jumping_jack(rng: Rng) -> list[Key]:
    """Feet and arms apart and together in small leaps."""
    together, apart = stance(rng, 0.18, 0.0), stance(rng, 0.62, 0.0, 12.0)
    wide = Key(feet=apart, move=0.28, height=0.95, arms=pair(rng, pick(rng, "up_wide", "side_high", "side")))
    hop = Key(move=0.16, height=1.08, freed=(1.0, 1.0), airborne=True, arms=pair(rng, "side"))
    hop = hop.but(free=np.stack([leg(12.0, 4.0, 0.93)] * 2))
    narrow = Key(feet=together, move=0.2, height=0.95, arms=pair(rng, "hang_wide"))
    return [narrow, hop, wide.but(move=0.2), hop.but(feet=apart), narrow]


def balance(rng: Rng) -> list[Key]:
    """Stand on one leg, the other knee raised, the foot on the shin, or the body tipped forward."""
    kind = pick(rng, "knee", "tree", "plane", "hold", "aside")
    stand = (Foot(0.06, 0.0, 8.0), Foot(-0.12, 0.0, -8.0))
    free, pitch, tilt = leg(6, between(rng, 50, 90), between(rng, 0.4, 0.65)), 0.0, 0.0
    if kind == "tree":
        free = leg(14.0, 15.0, between(rng, 0.55, 0.7))
    elif kind == "plane":
        free, pitch = leg(3.0, -between(rng, 5, 25)), between(rng, 30.0, 75.0)
    elif kind == "hold":
        free = leg(4.0, -35.0, between(rng, 0.35, 0.5))
    elif kind == "aside":
        free, tilt = leg(between(rng, 25, 45), 5.0), -between(rng, 5, 30)
    key = Key(
        move=between(rng, 0.7, 1.1),
        hold=between(rng, 0.1, 0.5),
        height=between(rng, 0.93, 0.985),
        feet=stand,
        weight=1.0,
        attitude=(0.0, pitch, tilt, 0.0),
        spine=about(rng, -0.15 * pitch, 0.0, -0.2 * tilt),
        neck=(-0.4 * pitch, 0.0, 0.0),
        arms=any_arms(rng),
        free=np.stack([leg(0, 0), free]),
        freed=(0.0, 1.0),
        knees=(4.0, 45.0 if kind == "tree" else 4.0),
    )
    return [upright(rng, feet=stand), key, key.but(arms=any_arms(rng), move=0.8)]


def dance(rng: Rng) -> list[Key]:
    """Dance: steps, turns, bends, raised legs and free arms in rhythm."""
    beat = between(rng, 0.35, 0.6)
    x, z, heading = 0.0, 0.0, 0.0
    keys = []
    for _ in range(6):
        x, z = x + float(rng.normal() * 0.15), z + float(rng.normal() * 0.18)
        heading += float(rng.normal() * 22.0)
        feet = moved(stance(rng, between(rng, 0.16, 0.6), 0.4, 12.0), x, z, heading)
        raised = rng.uniform() < 0.25
        keys.append(
            Key(
                move=beat,
                height=between(rng, 0.9, 1.0) if raised else between(rng, 0.72, 1.0),
                feet=feet,
                weight=0.95 if raised else between(rng, 0.2, 0.8),
                attitude=(
                    heading + float(rng.normal() * 15),
                    float(rng.normal(5, 10)),
                    float(rng.normal() * 7),
                    0.0,
                ),
                spine=about(rng, 4.0, spread=14.0),
                neck=look(rng),
                arms=any_arms(rng),
                free=np.stack(
                    [leg(0, 0), leg(between(rng, 4, 40), between(rng, -25, 80), between(rng, 0.5, 0.85))]
                ),
                freed=(0.0, 1.0 if raised else 0.0),
                knees=(between(rng, -4, 20), between(rng, -4, 20)),
            )
        )
    return keys


def hop(rng: Rng) -> list[Key]:
    """Hop on one leg."""
    foot = Foot(0.05, 0.0, 5.0)
    raised = leg(6.0, between(rng, -30, 50), between(rng, 0.5, 0.75))
    arms = any_arms(rng)
    other = np.stack([arm_poses.varied(rng, state, 15.0) for state in arms])
    low = Key(move=0.25, height=0.9, feet=(foot, Foot(-0.12, 0.0)), weight=1.0, freed=(0.0, 1.0), arms=arms)
    low = low.but(free=np.stack([leg(2, 0, 0.97), raised]), attitude=(0.0, between(rng, 0, 20), 0.0, 0.0))
    top = low.but(move=0.2, height=1.1, freed=(1.0, 1.0), airborne=True, arms=other)
    return [low, top, low.but(move=0.2), low.but(move=0.15, height=0.86)]
