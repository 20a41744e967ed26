"""The actions that subjects perform: ways to go, and scripts of key poses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from synth.sources.demo import arms, climbing, everyday, floor, sports
from synth.sources.demo.body import Body
from synth.sources.demo.draws import Rng, any_arms, between, easy_arms, pair, pick
from synth.sources.demo.gaits import Gait, go, reversed_in_time, with_arms
from synth.sources.demo.keys import Key, play
from synth.sources.demo.tracks import Tracks, wander

Action = Callable[[Body, Rng, float], Tracks]
Script = Callable[[Rng], list[Key]]


def scripted(script: Script) -> Action:
    """Make an action that strings bouts of a script together for some seconds, at one subject's pace."""

    def perform(body: Body, rng: Rng, seconds: float) -> Tracks:
        pace = float(np.exp(rng.normal(0.0, 0.16)))
        keys: list[Key] = []
        while sum(key.move + key.hold for key in keys[1:]) < seconds:
            keys += [key.but(move=key.move if key.airborne else key.move * pace) for key in script(rng)]
        tracks = play(body, keys)
        return alive(rng, tracks)

    return perform


def alive(rng: Rng, tracks: Tracks) -> Tracks:
    """Add the small sway of trunk, head and arms that people never lose."""
    frames = len(tracks)
    return replace(
        tracks,
        spine=tracks.spine + np.radians(2.0) * wander(rng, frames, 3),
        neck=tracks.neck + np.radians(3.0) * wander(rng, frames, 3),
        arms=tracks.arms + np.radians(3.0) * wander(rng, frames, 8).reshape(-1, 2, 4),
    )


def going(make: Callable[[Rng], Gait], *, backwards: bool = False, busy: float = 0.4) -> Action:
    """Make an action that goes along a path; with the probability `busy` the arms do something else meanwhile."""

    def perform(body: Body, rng: Rng, seconds: float) -> Tracks:
        gait = make(rng)
        tracks = go(body, rng, gait, seconds)
        if rng.uniform() < busy:
            share = np.clip(0.7 + 0.8 * wander(rng, len(tracks), 2, 1.2), 0.0, 1.0)
            keep = rng.uniform(size=2) < 0.3
            tracks = with_arms(tracks, _busy_arms(rng), share * ~keep)
        return reversed_in_time(tracks) if backwards else tracks

    return perform


def _busy_arms(rng: Rng) -> np.ndarray:
    kind = rng.uniform()
    return easy_arms(rng) if kind < 0.4 else any_arms(rng)


def walk(rng: Rng) -> Gait:
    """Walk: strolls to strides, bent or upright, loose or stiff arms."""
    speed = between(rng, 0.7, 1.75)
    swing = between(rng, 0.3, 1.3)
    return _swinging(
        Gait(
            speed=speed,
            cadence=1.25 + 0.45 * speed,
            duty=0.66 - 0.045 * speed,
            width=between(rng, 0.13, 0.22),
            lift=between(rng, 0.03, 0.09),
            push=between(rng, 28, 48),
            height=between(rng, 0.955, 0.99),
            lean=between(rng, -3, 9),
            crouch=between(rng, -4, 14),
            twist=between(rng, 2, 10),
            curve=between(rng, -35, 35) * (rng.uniform() < 0.6),
            toes_out=between(rng, -2, 14),
        ),
        rng,
        swing,
    )


def _swinging(gait: Gait, rng: Rng, amount: float, bent: float = 0.0) -> Gait:
    """Let the arms of a gait swing by about `amount` of the usual, elbows bent by 0 (walk) to 1 (run)."""
    ends = []
    for walking, running in (("swing_forward", "run_forward"), ("swing_back", "run_back")):
        ends.append(arms.arm(walking) + bent * (arms.arm(running) - arms.arm(walking)))
    middle = 0.5 * (ends[0] + ends[1])
    loose = np.radians(10.0) * rng.normal(size=4)
    forward, back = (middle + loose + amount * (end - middle) for end in ends)
    return replace(gait, forward=forward, back=back)


def run(rng: Rng) -> Gait:
    """Run: jog to sprint."""
    speed = between(rng, 1.9, 5.2)
    return _swinging(
        Gait(
            speed=speed,
            cadence=2.45 + 0.2 * speed,
            duty=0.44 - 0.032 * speed,
            width=between(rng, 0.15, 0.22),
            lift=0.10 + 0.055 * speed,
            strike=between(rng, -4, 10),
            push=between(rng, 45, 60),
            height=between(rng, 0.93, 0.97),
            bounce=-between(rng, 0.02, 0.045),
            lean=between(rng, 3, 13),
            crouch=between(rng, 0, 12),
            twist=between(rng, 5, 12),
            curve=between(rng, -15, 15) * (rng.uniform() < 0.5),
        ),
        rng,
        between(rng, 0.6, 1.2),
        between(rng, 0.6, 1.15),
    )


def sneak(rng: Rng) -> Gait:
    """Creep with bent knees and trunk."""
    held = pair(rng, pick(rng, "guard", "carry_high", "steering", "wing"), None, 10.0)
    return replace(
        walk(rng),
        speed=between(rng, 0.4, 0.9),
        cadence=between(rng, 1.1, 1.6),
        lift=between(rng, 0.08, 0.2),
        height=between(rng, 0.74, 0.9),
        lean=between(rng, 8, 28),
        crouch=between(rng, 8, 35),
        tiptoe=between(rng, 0, 22),
        strike=2.0,
        forward=held[0],
        back=held[1],
    )


def march(rng: Rng) -> Gait:
    """Go with raised knees, ahead or on the spot."""
    return _swinging(
        replace(
            walk(rng),
            speed=between(rng, 0.02, 1.1),
            cadence=between(rng, 1.6, 2.3),
            lift=between(rng, 0.2, 0.48),
            strike=0.0,
            push=25.0,
            duty=0.54,
        ),
        rng,
        between(rng, 0.8, 1.8),
        between(rng, 0.0, 1.0),
    )


def tiptoe(rng: Rng) -> Gait:
    """Go on tiptoe, arms out."""
    held = pair(rng, pick(rng, "balance", "side_low", "side", "hang_wide", "float"), None, 9.0)
    return replace(
        walk(rng),
        speed=between(rng, 0.3, 0.8),
        cadence=1.6,
        tiptoe=between(rng, 25, 40),
        strike=0.0,
        push=12.0,
        width=between(rng, 0.13, 0.17),
        forward=held[0],
        back=held[1],
    )


def sidestep(rng: Rng) -> Gait:
    """Go sideways, facing across the path."""
    held = pair(rng, pick(rng, "guard", "side_low", "hang_bent", "steering", "balance"), None, 12.0)
    return replace(
        walk(rng),
        speed=between(rng, 0.3, 0.8),
        cadence=between(rng, 1.6, 2.6),
        width=between(rng, 0.42, 0.6),
        facing=between(rng, 80, 100),
        strike=0.0,
        push=18.0,
        twist=2.0,
        height=between(rng, 0.8, 0.97),
        toes_out=between(rng, 2, 15),
        curve=0.0,
        forward=held[0],
        back=held[1],
    )


def stairs_up(rng: Rng) -> Gait:
    """Go up stairs."""
    return replace(
        walk(rng),
        speed=between(rng, 0.4, 0.65),
        cadence=between(rng, 1.4, 1.9),
        rise=between(rng, 0.14, 0.22),
        lift=0.1,
        strike=0.0,
        push=35.0,
        duty=0.62,
        lean=between(rng, 5, 16),
        curve=0.0,
    )


def stairs_down(rng: Rng) -> Gait:
    """Go down stairs."""
    gait = stairs_up(rng)
    return replace(gait, rise=-gait.rise, lift=0.06, lean=between(rng, -3, 6), strike=-12.0, height=0.96)


def skip(rng: Rng) -> Gait:
    """Skip with high knees and arms."""
    return replace(
        run(rng), speed=between(rng, 1.2, 2.2), cadence=2.0, lift=between(rng, 0.25, 0.4), duty=0.4
    )


def limp(rng: Rng) -> Gait:
    """Drag along: short steps, a swaying trunk, feet hardly lifted."""
    return replace(
        walk(rng),
        speed=between(rng, 0.25, 0.7),
        cadence=between(rng, 1.1, 1.5),
        duty=0.68,
        lift=0.02,
        strike=2.0,
        push=15.0,
        sway=between(rng, 0.03, 0.07),
        crouch=between(rng, 10, 40),
        lean=between(rng, 0, 15),
        height=between(rng, 0.88, 0.96),
    )


GROUND, FREE = "ground", "free"
"""What carries someone: the ground at height 0; or stairs, rungs, a bar."""


@dataclass(frozen=True)
class Entry:
    """An action by name, how often it occurs, and what carries it."""

    name: str
    action: Action
    weight: int
    support: str


REPERTOIRE = (
    Entry("walk", going(walk, busy=0.3), 4, GROUND),
    Entry("run", going(run, busy=0.12), 3, GROUND),
    Entry("sneak", going(sneak, busy=0.3), 1, GROUND),
    Entry("march", going(march), 1, GROUND),
    Entry("tiptoe", going(tiptoe), 1, GROUND),
    Entry("sidestep", going(sidestep), 1, GROUND),
    Entry("walk_back", going(walk, backwards=True), 1, GROUND),
    Entry("limp", going(limp), 1, GROUND),
    Entry("skip", going(skip), 1, GROUND),
    Entry("stairs_up", going(stairs_up), 1, FREE),
    Entry("stairs_down", going(stairs_down), 1, FREE),
    Entry("stand_about", scripted(everyday.stand_about), 2, GROUND),
    Entry("look_around", scripted(everyday.look_around), 1, GROUND),
    Entry("turn_round", scripted(everyday.turn_round), 1, GROUND),
    Entry("reach", scripted(everyday.reach), 2, GROUND),
    Entry("bend", scripted(everyday.bend), 2, GROUND),
    Entry("squat", scripted(everyday.squat), 2, GROUND),
    Entry("lunge", scripted(everyday.lunge), 2, GROUND),
    Entry("lift_carry", scripted(everyday.lift_and_carry), 1, GROUND),
    Entry("stretch", scripted(everyday.stretch), 1, GROUND),
    Entry("wave", scripted(everyday.wave), 1, GROUND),
    Entry("handle", scripted(everyday.handle), 2, GROUND),
    Entry("sit_chair", scripted(everyday.sit_chair), 2, GROUND),
    Entry("box", scripted(sports.box), 1, GROUND),
    Entry("kick", scripted(sports.kick), 2, GROUND),
    Entry("throw", scripted(sports.throw), 2, GROUND),
    Entry("swing", scripted(sports.swing), 1, GROUND),
    Entry("jump", scripted(sports.jump), 2, GROUND),
    Entry("jumping_jack", scripted(sports.jumping_jack), 1, GROUND),
    Entry("balance", scripted(sports.balance), 1, GROUND),
    Entry("dance", scripted(sports.dance), 4, GROUND),
    Entry("hop", scripted(sports.hop), 1, GROUND),
    Entry("kneel", scripted(floor.kneel), 1, GROUND),
    Entry("sit_ground", scripted(floor.sit_ground), 1, GROUND),
    Entry("lie_back", scripted(floor.lie_back), 1, GROUND),
    Entry("lie_front", scripted(floor.lie_front), 1, GROUND),
    Entry("lie_side", scripted(floor.lie_side), 1, GROUND),
    Entry("roll_over", scripted(floor.roll_over), 1, GROUND),
    Entry("push_up", scripted(floor.push_up), 1, GROUND),
    Entry("all_fours", scripted(floor.all_fours), 1, GROUND),
    Entry("crawl", scripted(floor.crawl), 1, GROUND),
    Entry("hang", scripted(climbing.hang), 2, FREE),
    Entry("hold_on", scripted(climbing.hold_on), 4, GROUND),
    Entry("ladder", scripted(climbing.ladder), 2, FREE),
)
