"""What limbs hang on: the root and the ribcage; and limbs of two bones that reach for something."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.geometry import axis_rotation
from synth.sources.demo.body import Body
from synth.sources.demo.rotations import unit

Array = NDArray[np.float64]

MIRROR = (np.array([1.0, 1.0, 1.0]), np.array([-1.0, 1.0, 1.0]))
"""Factors that make a left limb's vectors of a left or right one's."""
SPINE = ("lowerback", "upperback", "thorax")
"""Bones of the back, from below."""


@dataclass(frozen=True)
class Trunk:
    """What limbs hang on, for F frames.

    Parameters
    ----------
    root, chest : (F, 3, 3) float64
        Rotations of the root and of the ribcage.
    pelvis, chest_end : (F, 3) float64
        Positions of the root and of the upper end of the ribcage, metres.
    """

    root: Array
    pelvis: Array
    chest: Array
    chest_end: Array


def trunk_of(body: Body, root: Array, motion: Array) -> Trunk:
    """Follow the spine from the root to the upper end of the ribcage.

    Parameters
    ----------
    body : Body
        The subject.
    root : (F, 3, 3) float64
        Rotation of the root.
    motion : (F, C) float64
        Channels; those of the root's place and of the spine count.
    """
    rotation, place = root, motion[:, 0:3]
    for name in SPINE:
        rx, ry, rz = motion[:, body.columns(name)].T
        rotation = rotation @ axis_rotation("z", rz) @ axis_rotation("y", ry) @ axis_rotation("x", rx)
        place = place + rotation @ body.offset(name)
    return Trunk(root, motion[:, 0:3], rotation, place)


def two_bones(target: Array, bend_towards: Array, lengths: tuple[float, float]) -> tuple[Array, Array]:
    """Direction of the first of two bones that reach a target, (F, 3), and the angle between them, (F,).

    Parameters
    ----------
    target : (F, 3) float64
        From the limb's start, metres.
    bend_towards : (F, 3) float64
        Unit vectors across the target's direction, to where the joint between the bones goes.
    lengths : (float, float)
        Of the bones, metres.

    Notes
    -----
    A target near the full reach or beyond is approached smoothly, so that the joint doesn't snap straight.
    """
    first, second = lengths
    reach, soft = 0.9995 * (first + second), 0.985 * (first + second)
    distance = np.linalg.norm(target, axis=-1)
    beyond = np.maximum(distance - soft, 0.0)
    distance = np.minimum(distance, soft) + (reach - soft) * -np.expm1(-beyond / (reach - soft))
    distance = np.maximum(distance, abs(first - second) + 0.12 * (first + second))
    lift = np.arccos(np.clip((first**2 + distance**2 - second**2) / (2 * first * distance), -1.0, 1.0))
    inner = np.arccos(np.clip((first**2 + second**2 - distance**2) / (2 * first * second), -1.0, 1.0))
    direction = np.cos(lift)[:, None] * unit(target) + np.sin(lift)[:, None] * bend_towards
    return direction, np.pi - inner
