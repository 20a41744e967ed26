"""Who the procedural subjects are, what each performs, and clips that a person could have moved."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from synth.sources.demo.body import Body, make_body
from synth.sources.demo.capsules import TOLERANCE, lowest, penetration
from synth.sources.demo.clearance import body_capsules
from synth.sources.demo.performance import Performance, perform
from synth.sources.demo.repertoire import GROUND, REPERTOIRE
from synth.sources.demo.tracks import FPS, Tracks, mirrored

Array = NDArray[np.float64]

SUBJECTS = 40
CLIPS = 24
SECONDS = 5.5

_BODY_STAGE, _CAST_STAGE, _CLIP_STAGE = 1, 2, 3
_ATTEMPTS = 3
_LEAST_SECONDS = 3.0
"""A clip is cut to its longest stretch without fault, and drawn anew if that is shorter than this."""
_OFF_GROUND = 0.05
"""Metres below the ground, or above it where nobody jumps, that are a fault."""
_JERKED = 0.4
"""Metres by which a joint leaves the straight and steady way through three frames (230 m/s2); likewise."""


@dataclass(frozen=True)
class DemoClip:
    """One clip of a procedural subject.

    Parameters
    ----------
    action : str
        Name in the repertoire.
    grounded : bool
        Whether the ground carries it, else stairs, rungs or a bar.
    motion : (F, C) float64
        Channels, radians and metres.
    positions : (F, B, 3) float64
        Ends of the bones, metres.
    """

    action: str
    grounded: bool
    motion: Array
    positions: Array


@dataclass(frozen=True)
class DemoSubject:
    """A procedural subject and all its clips."""

    name: str
    body: Body
    clips: tuple[DemoClip, ...]


def clip_name(subject: str, number: int, clip: DemoClip) -> str:
    """Name of a clip's file: subject, number, action, and the frames a second as in HDM05's names."""
    return f"{subject}/demo_{subject}_{number + 1:02d}_{clip.action}_{FPS:.0f}.amc"


def demo_subject(seed: int, number: int, count: int = CLIPS) -> DemoSubject:
    """Make a procedural subject, or the first `count` of its clips.

    Parameters
    ----------
    seed : int
        Every draw is keyed by it, the subject, the clip and the attempt.
    number : int
        Of the subject, from 0.
    count : int
        Clips; the first ones are the same for any number.
    """
    body = make_body(np.random.default_rng([seed, _BODY_STAGE, number]))
    cast = _cast(seed, number)
    clips: dict[int, DemoClip] = {}
    # what cannot be moved like that is drawn anew, all such clips of a subject at once
    for attempt in range(_ATTEMPTS):
        pending = [k for k in range(count) if k not in clips]
        if not pending:
            break
        keys = [[seed, _CLIP_STAGE, number, k, attempt] for k in pending]
        tracks = [_draw(body, cast[k], key) for k, key in zip(pending, keys, strict=True)]
        shown = perform(body, tracks, [REPERTOIRE[cast[k]].support == GROUND for k in pending])
        faulty = _faulty(shown, np.concatenate([clip.airborne for clip in tracks]))
        for k, (first, last) in zip(pending, pairwise(shown.starts.tolist()), strict=True):
            start, end = _longest_run(~faulty[first:last])
            if end - start >= _LEAST_SECONDS * FPS:
                clips[k] = _clip(shown, slice(first + start, first + end), cast[k])
    return DemoSubject(f"{number + 1:02d}", body, tuple(clips[k] for k in sorted(clips)))


def _cast(seed: int, number: int) -> list[int]:
    """Positions in the repertoire of one subject's clips; over all subjects each occurs as often as it says."""
    rounds = [k for k, entry in enumerate(REPERTOIRE) for _ in range(entry.weight)]
    places = np.arange(number * CLIPS, (number + 1) * CLIPS)
    orders = {
        turn: np.random.default_rng([seed, _CAST_STAGE, turn]).permutation(rounds)
        for turn in set((places // len(rounds)).tolist())
    }
    return [int(orders[place // len(rounds)][place % len(rounds)]) for place in places.tolist()]


def _draw(body: Body, entry: int, key: list[int]) -> Tracks:
    rng = np.random.default_rng(key)
    tracks = REPERTOIRE[entry].action(body, rng, SECONDS)
    return mirrored(tracks) if rng.uniform() < 0.5 else tracks


def _faulty(shown: Performance, airborne: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames in which a limb is in the body, somebody sinks or floats, or a joint jerks; (F,) bool."""
    positions = shown.positions
    height = lowest(shown.body, positions)
    faulty = penetration(body_capsules(shown.body), positions) > TOLERANCE
    faulty |= shown.grounded & ((height < -_OFF_GROUND) | (~airborne & (height > _OFF_GROUND)))
    bend = np.abs(positions[2:] - 2.0 * positions[1:-1] + positions[:-2]).max(axis=(1, 2)) > _JERKED
    # the last frame of a clip and the first of the next have nothing to do with each other
    bend[shown.starts[1:-1] - 1] = bend[shown.starts[1:-1] - 2] = False
    faulty[1:-1] |= bend
    return np.asarray(faulty)


def _longest_run(good: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last + 1 of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return 0, 0
    start, end = runs[np.diff(runs, axis=1)[:, 0].argmax()].tolist()
    return start, end


def _clip(shown: Performance, frames: slice, entry: int) -> DemoClip:
    grounded = REPERTOIRE[entry].support == GROUND
    return DemoClip(REPERTOIRE[entry].name, grounded, shown.motion[frames], shown.positions[frames])
