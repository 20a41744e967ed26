"""Fitting arms and legs: where hip, knee and ankle (shoulder, elbow and wrist) are, and how bones twist.

A limb bends about the hinge in its middle. The hinge's axis is upper x lower segment; for a straight limb,
where that says nothing, it is carried along from the trunk (or taken from a recorded rotation). Both
segments turn with the hinge; the twist between trunk and hinge is spread over the two bones of the upper
segment, the twist between hinge and hand over the two of the lower.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.body.frames import (
    Floats,
    about,
    angle_about,
    apply,
    bone_map,
    dot,
    mapped,
    perpendicular,
    rigid_map,
    smoothstep,
    swing,
    turn_between,
    unit,
)

FINGERS = ("thumb", "index", "middle", "ring", "little")

_BEND = {"leg": (np.radians(13.0), np.radians(28.0)), "arm": (np.radians(10.0), np.radians(30.0))}
"""Below the first angle the hinge's axis is carried from the trunk, above the second measured. A resting leg
is bent by some 10 degrees, sideways: that is no knee bend."""

_HAND_TWIST = np.radians(85.0)
"""How far a forearm can twist either way."""

_ANKLE = np.radians(-20.0), np.radians(35.0)
"""How far a foot is lifted and lowered to stand level."""

_FIST = np.radians([(15, 35, 45), *[(75, 95, 60)] * 4])
"""Angles of the three joints of thumb to little finger in a fist."""


@dataclass(frozen=True)
class Limb:
    """Start, hinge and end of a limb, at rest or posed, and its hinge's axis.

    Parameters
    ----------
    start, middle, end : (..., 3) float64
        Hip, knee, ankle or shoulder, elbow, wrist.
    axis : (..., 3) float64
        About it the lower segment turns forward (arm) or backward (leg) when the limb bends.
    """

    start: Floats
    middle: Floats
    end: Floats
    axis: Floats

    @property
    def upper(self) -> Floats:
        """Unit direction of the upper segment."""
        return unit(self.middle - self.start)

    @property
    def lower(self) -> Floats:
        """Unit direction of the lower segment."""
        return unit(self.end - self.middle)


def measured_hinge(joints: tuple[Floats, Floats, Floats], carried: Floats, kind: str) -> Limb:
    """Find the axis of a posed limb's hinge.

    Parameters
    ----------
    joints : three of (..., 3) float64
        Start, middle, end.
    carried : (..., 3) float64
        The axis as it would be without twist of the limb.
    kind : {"arm", "leg"}
        Tells from which bend on the axis is measured.
    """
    start, middle, end = joints
    upper, lower = unit(middle - start), unit(end - middle)
    cross = np.cross(upper, lower)
    bend = np.arctan2(np.linalg.norm(cross, axis=-1, keepdims=True), dot(upper, lower))
    expected = unit(perpendicular(carried, upper))
    measured = np.where(bend > 1e-6, unit(cross), expected)
    twist = angle_about(upper, expected, measured) * smoothstep(bend, *_BEND[kind])
    return Limb(start, middle, end, apply(about(upper, twist), expected))


def limb_maps(rest: Limb, posed: Limb, carried: Floats, scale: Floats) -> dict[str, Floats]:
    """Make the maps (..., 3, 4) of the limb's bones: `upper_1`, `upper_2`, `lower`.

    `upper_1` has half the twist between the carried axis and the hinge; the lower segment turns with it.
    """
    expected = unit(perpendicular(carried, posed.upper))
    half = angle_about(posed.upper, expected, posed.axis) / 2
    halfway = apply(about(posed.upper, half), expected)
    below = lower_axis(posed)
    upper = (rest.start, rest.middle), (posed.start, posed.middle)
    lower = (rest.middle, rest.end), (posed.middle, posed.end)
    turns = {
        "upper_1": turn_between(rest.upper, rest.axis, posed.upper, halfway),
        "upper_2": turn_between(rest.upper, rest.axis, posed.upper, posed.axis),
        "lower": turn_between(rest.lower, lower_axis(rest), posed.lower, below),
    }
    return {
        name: bone_map(*(upper if name.startswith("upper") else lower), turn, scale)
        for name, turn in turns.items()
    }


@dataclass(frozen=True)
class Hand:
    """A hand at rest.

    Parameters
    ----------
    wrist : (..., 3) float64
        Where it starts.
    fingers : three of (5, ..., 3) float64
        Where the first, second and third bones of thumb to little finger start.
    sign : (..., 1) float64
        1 for a left hand, -1 for a right one.
    """

    wrist: Floats
    fingers: tuple[Floats, Floats, Floats]
    sign: Floats

    def along(self) -> Floats:
        """Find the unit direction (..., 3) from the wrist to the root of the middle finger."""
        return unit(self.fingers[0][2] - self.wrist)

    def palm(self) -> Floats:
        """Find the unit normal (..., 3) out of the palm."""
        across = self.fingers[0][1] - self.fingers[0][4]
        return unit(np.cross(self.along(), across)) * self.sign

    def finger_axes(self) -> Floats:
        """Axes (5, ..., 3): about them fingers bend to the palm, the thumb to the little finger's root."""
        along = self.fingers[2] - self.fingers[0]
        inward = np.broadcast_to(self.palm(), along.shape).copy()
        inward[0] = self.fingers[0][4] - self.fingers[0][0]
        return unit(np.cross(along, inward))


def lower_axis(limb: Limb) -> Floats:
    """Hinge axis carried over to the lower segment."""
    return apply(swing(limb.upper, limb.lower), limb.axis)


def lower_turn(rest: Limb, posed: Limb) -> Floats:
    """Rotation (..., 3, 3) of the lower segment from rest to pose."""
    return turn_between(rest.lower, lower_axis(rest), posed.lower, lower_axis(posed))


def twisted_forearm(rest: Limb, posed: Limb, hand: Floats, scale: Floats) -> Floats:
    """Map (..., 3, 4) of the forearm's lower half: it takes half of the hand's twist.

    Parameters
    ----------
    rest, posed : Limb
        The arm.
    hand : (..., 3, 3) float64
        Rotation of the hand from rest to pose.
    scale : (..., 1) float64
        Scale of the body.
    """
    turn = lower_turn(rest, posed)
    # the hand's own bend is taken off first: what is left is twist about the forearm
    straight = swing(apply(hand, rest.lower), posed.lower) @ hand
    twist = angle_about(posed.lower, apply(turn, lower_axis(rest)), apply(straight, lower_axis(rest)))
    half = about(posed.lower, np.clip(twist, -_HAND_TWIST, _HAND_TWIST) / 2) @ turn
    return bone_map((rest.middle, rest.end), (posed.middle, posed.end), half, scale)


def level_foot(shin: Floats, posed: Limb, up: Floats | None) -> Floats:
    """Rotation (..., 3, 3) of a foot: it goes with the shin, and is held level as far as the ankle allows.

    Parameters
    ----------
    shin : (..., 3, 3) float64
        Rotation of the shin.
    posed : Limb
        The leg.
    up : (3,) float64, optional
        Direction away from the ground; without it the foot keeps its angle to the shin.
    """
    if up is None:
        return shin
    axis = unit(lower_axis(posed))
    forward = unit(perpendicular(apply(shin, np.array([0.0, 0.0, 1.0])), axis))
    above = np.cross(forward, axis)
    # a turn about the axis, positive with the toes down, after which `forward` is perpendicular to `up`
    pitch = np.arctan2(dot(forward, up), dot(above, up))
    return about(axis, np.clip(pitch, *_ANKLE)) @ shin


def finger_maps(hand: Hand, wrist: Floats, turn: Floats, curl: Floats, scale: Floats) -> list[Floats]:
    """Make the maps (5, ..., 3, 4) of the first, second and third bones of the five fingers.

    Parameters
    ----------
    hand : Hand
        The hand at rest.
    wrist : (..., 3) float64
        Where the wrist is.
    turn : (..., 3, 3) float64
        Rotation of the hand from rest.
    curl : (..., 1) float64
        0 flat as at rest, 1 a fist.
    scale : (..., 1) float64
        Scale of the body.
    """
    above, turns = rigid_map(hand.wrist, wrist, turn, scale), turn
    axes = hand.finger_axes()
    maps = []
    for joint, angles in zip(hand.fingers, _FIST.T, strict=True):
        bend = angles.reshape(-1, *[1] * curl.ndim)
        turns = turns @ about(axes, curl * bend)
        above = rigid_map(joint, mapped(above, joint), turns, scale)
        maps.append(above)
    return maps
