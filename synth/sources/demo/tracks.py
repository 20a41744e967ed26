"""What a subject is to do, frame by frame, before it is turned into joint angles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.geometry import axis_rotation

Array = NDArray[np.float64]

FPS = 24.0
"""Frames a second of all clips."""
LEFT, RIGHT = 0, 1


@dataclass(frozen=True)
class Tracks:
    """The controls of F frames; metres and radians, world with y up and the ground at 0.

    Sides are 0 left and 1 right. A vector of a limb is given as for the left side (x outward), and
    mirrored for the right one.

    Parameters
    ----------
    pelvis : (F, 3) float64
        Position of the root.
    attitude : (F, 4) float64
        Heading about y, then pitch forward about x, roll about z, and spin about the body's long axis.
    spine, neck : (F, 3) float64
        Flexion forward, turn to the left and lean to the right, of the whole chain of three bones.
    arms : (F, 2, 4) float64
        States of the arms, see `arms`.
    hands : (F, 2, 3) float64
        Where the wrists are to be in the world, and
    held : (F, 2) float64
        how far this goes before the state of the arms, 0 to 1.
    feet : (F, 2, 5) float64
        Ball of the foot in the world (x, y, z), heading, and pitch: heel up if positive.
    free : (F, 2, 3) float64
        Ankle relative to the hip, in lengths of the leg, as for the left side in the frame of the pelvis, and
    freed : (F, 2) float64
        how far this goes before `feet`, 0 to 1.
    knees : (F, 2) float64
        Turn of the knee outward about the line from hip to ankle.
    airborne : (F,) bool
        Frames that may be off the ground.
    """

    pelvis: Array
    attitude: Array
    spine: Array
    neck: Array
    arms: Array
    hands: Array
    held: Array
    feet: Array
    free: Array
    freed: Array
    knees: Array
    airborne: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pelvis)


def attitude_matrices(attitude: Array) -> Array:
    """Rotations of the root, (F, 3, 3), from heading, pitch, roll and spin, (F, 4)."""
    heading, pitch, roll, spin = attitude.T
    return np.asarray(
        axis_rotation("y", heading)
        @ axis_rotation("x", pitch)
        @ axis_rotation("z", roll)
        @ axis_rotation("y", spin)
    )


def mirrored(tracks: Tracks) -> Tracks:
    """Exchange left and right of a motion."""
    across = np.array([-1.0, 1.0, 1.0])
    feet = tracks.feet[:, ::-1] * [-1.0, 1.0, 1.0, -1.0, 1.0]
    return replace(
        tracks,
        pelvis=tracks.pelvis * across,
        attitude=tracks.attitude * [-1.0, 1.0, -1.0, -1.0],
        spine=tracks.spine * [1.0, -1.0, -1.0],
        neck=tracks.neck * [1.0, -1.0, -1.0],
        arms=tracks.arms[:, ::-1],
        hands=tracks.hands[:, ::-1] * across,
        held=tracks.held[:, ::-1],
        feet=feet,
        free=tracks.free[:, ::-1],
        freed=tracks.freed[:, ::-1],
        knees=tracks.knees[:, ::-1],
    )


def wander(rng: np.random.Generator, frames: int, width: int, seconds: float = 0.8) -> Array:
    """Smooth random curves of mean 0 and standard deviation 1, (F, `width`).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    frames, width : int
        How long, and how many curves.
    seconds : float
        Time over which a curve changes.
    """
    knots = int(np.ceil(frames / (seconds * FPS))) + 4
    values = rng.normal(size=(knots, width))
    place = np.arange(frames) / (seconds * FPS)
    start = place.astype(int)
    u = (place - start)[:, None]
    # uniform cubic B-spline: twice continuously differentiable
    weights = ((1 - u) ** 3, 3 * u**3 - 6 * u**2 + 4, 3 * (u + u**2 - u**3) + 1, u**3)
    curve = sum(w * values[start + k] for k, w in enumerate(weights)) / 6.0
    return np.asarray(curve / 0.69)
