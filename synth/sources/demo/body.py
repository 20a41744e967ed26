"""Bodies of the procedural subjects: bones, proportions, joint limits, and their ASF text.

The skeleton is that of the Vicon files of CMU and HDM05: 30 bones and a root, T-pose with the thighs spread by
20 degrees and the feet forward, the same axes and channels. World: metres, y up; a subject with heading 0
faces +z and its left is +x.

The limits are intervals of the file's channels, degrees: knee 0-155; elbow 0-150; ankle 35 up, 60 down; the trunk's
three bones together 96 forward, 45 back, 51 sideways, 60 turned; neck and head 66 forward, 75 back, 48 sideways,
78 turned; hip 140 forward, 35 back. They are wider than the ranges of ordinary adults (American Academy of
Orthopaedic Surgeons, Joint Motion, 1965: knee 0-150, ankle 20 up and 50 down, trunk 80, 30, 35 and 45, hip 120-135 and
30), as sports and dance and a deep squat need. The three channels of the shoulder hold no such box (one pose has
several triples); `arms` bounds its direction and its twist instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.sources.acclaim import METRES_PER_INCH, AcclaimSkeleton
from synth.sources.asf import parse_asf

UNIT = METRES_PER_INCH / 0.45
"""Metres of one unit of length in the files."""
STATURE = 1.75
"""Metres, of the body whose bones are in the table."""

Limits = tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class _Bone:
    """One bone of the left side or the middle: metres and degrees."""

    name: str
    parent: str
    direction: tuple[float, float, float]
    length: float
    axis: tuple[float, float, float] = (0.0, 0.0, 0.0)
    limits: Limits = ()


FOOT_SLOPE = 22.0
"""Degrees by which the foot bone (ankle to ball) falls where the sole is flat."""
_SPREAD = 20.0
_SIN, _COS = float(np.sin(np.radians(_SPREAD))), float(np.cos(np.radians(_SPREAD)))
_FALL, _RUN = float(np.sin(np.radians(FOOT_SLOPE))), float(np.cos(np.radians(FOOT_SLOPE)))
_TRUNK: Limits = (("rx", -15.0, 32.0), ("ry", -20.0, 20.0), ("rz", -17.0, 17.0))
_NECK: Limits = (("rx", -25.0, 22.0), ("ry", -26.0, 26.0), ("rz", -16.0, 16.0))
_ARM_AXIS = (180.0, -30.0, -90.0)

_BONES = (
    _Bone("lhipjoint", "root", (0.610, -0.720, 0.330), 0.130),
    _Bone(
        *("lfemur", "lhipjoint", (_SIN, -_COS, 0.0), 0.413, (0.0, 0.0, _SPREAD)),
        (("rx", -140.0, 35.0), ("ry", -60.0, 75.0), ("rz", -75.0, 60.0)),
    ),
    _Bone("ltibia", "lfemur", (_SIN, -_COS, 0.0), 0.415, (0.0, 0.0, _SPREAD), (("rx", 0.0, 155.0),)),
    _Bone(
        *("lfoot", "ltibia", (_SIN * _FALL, -_COS * _FALL, _RUN), 0.135),
        *((FOOT_SLOPE - 90.0, 0.0, _SPREAD), (("rx", -35.0, 60.0), ("rz", -40.0, 40.0))),
    ),
    _Bone("ltoes", "lfoot", (0.0, 0.0, 1.0), 0.064, (-90.0, 0.0, _SPREAD), (("rx", -60.0, 20.0),)),
    _Bone("lowerback", "root", (0.0, 1.0, 0.0), 0.114, limits=_TRUNK),
    _Bone("upperback", "lowerback", (0.0, 1.0, 0.0), 0.115, limits=_TRUNK),
    _Bone("thorax", "upperback", (0.0, 1.0, 0.0), 0.115, limits=_TRUNK),
    _Bone("lowerneck", "thorax", (0.0, 0.998, 0.06), 0.095, limits=_NECK),
    _Bone("upperneck", "lowerneck", (0.0, 1.0, 0.0), 0.096, limits=_NECK),
    _Bone("head", "upperneck", (0.0, 1.0, 0.0), 0.098, limits=_NECK),
    _Bone(
        "lclavicle", "thorax", (0.905, 0.425, -0.03), 0.214, limits=(("ry", -20.0, 10.0), ("rz", -2.0, 22.0))
    ),
    _Bone(
        *("lhumerus", "lclavicle", (1.0, 0.0, 0.0), 0.262, _ARM_AXIS),
        (("rx", -360.0, 360.0), ("ry", -360.0, 360.0), ("rz", -360.0, 360.0)),
    ),
    _Bone("lradius", "lhumerus", (1.0, 0.0, 0.0), 0.190, _ARM_AXIS, (("rx", 0.0, 150.0),)),
    _Bone("lwrist", "lradius", (1.0, 0.0, 0.0), 0.090, (0.0, 90.0, 90.0), (("ry", -90.0, 90.0),)),
    _Bone(
        *("lhand", "lwrist", (1.0, 0.0, 0.0), 0.037, (0.0, 90.0, 90.0)),
        (("rx", -80.0, 80.0), ("rz", -30.0, 35.0)),
    ),
    _Bone("lfingers", "lhand", (1.0, 0.0, 0.0), 0.030, (0.0, 90.0, 90.0), (("rx", 0.0, 90.0),)),
    _Bone(
        *("lthumb", "lwrist", (0.7071068, 0.0, 0.7071068), 0.042, (-90.0, 45.0, 0.0)),
        (("rx", -45.0, 45.0), ("rz", -45.0, 45.0)),
    ),
)

_CHAINS = {
    "leg": ("femur", "tibia"),
    "arm": ("humerus", "radius", "wrist"),
    "trunk": ("lowerback", "upperback", "thorax"),
    "shoulders": ("clavicle",),
    "hips": ("hipjoint",),
    "foot": ("foot", "toes"),
}
"""Bones that are scaled together where people differ."""


@dataclass(frozen=True)
class Body:
    """A procedural subject's skeleton, as the reader sees it, and the lengths that the motion needs.

    Parameters
    ----------
    asf : str
        Text of the `.asf` file.
    """

    asf: str

    @cached_property
    def skeleton(self) -> AcclaimSkeleton:
        """The skeleton that the reader of ASF files makes of the text."""
        return parse_asf(self.asf)

    def offset(self, bone: str) -> NDArray[np.float64]:
        """Bone's direction times its length at rest, (3,) metres."""
        return self.skeleton.offsets[self.skeleton.names.index(bone)]

    def length(self, *bones: str) -> float:
        """Sum of the lengths of some bones, metres."""
        return float(sum(np.linalg.norm(self.offset(bone)) for bone in bones))

    def columns(self, bone: str) -> slice:
        """Columns of a bone's channels in a motion."""
        index = self.skeleton.names.index(bone)
        return slice(self.skeleton.first_column[index], self.skeleton.first_column[index + 1])

    @cached_property
    def leg(self) -> float:
        """Hip to ankle of a straight leg, metres."""
        return self.length("lfemur", "ltibia")

    @cached_property
    def ankle_height(self) -> float:
        """Height of the ankle over the ground on a flat foot, metres."""
        return BALL_HEIGHT + self.length("lfoot") * _FALL

    @cached_property
    def standing(self) -> float:
        """Height of the root over the ground on straight legs, metres."""
        return self.ankle_height + self.leg - float(self.offset("lhipjoint")[1])


BALL_HEIGHT = 0.02
"""Metres of the ball of the foot over the ground: the thickness of the sole."""


@lru_cache(maxsize=4)
def channel_limits() -> dict[str, Limits]:
    """Interval of every channel in degrees, by bone; the root's channels have none."""
    limits: dict[str, Limits] = {}
    for bone in _BONES:
        limits[bone.name] = bone.limits
        if bone.name.startswith("l") and bone.name[1:] not in ("owerback", "owerneck"):
            limits["r" + bone.name[1:]] = tuple(
                (name, low, high) if name == "rx" else (name, -high, -low) for name, low, high in bone.limits
            )
    return limits


def limit_arrays(body: Body) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest value of every column of a motion, (C,) each, radians; infinite for the root's."""
    limits = channel_limits()
    low, high = [-np.inf] * 6, [np.inf] * 6
    for bone in body.skeleton.names[1:]:
        low += [np.radians(interval[1]) for interval in limits[bone]]
        high += [np.radians(interval[2]) for interval in limits[bone]]
    return np.array(low), np.array(high)


def make_body(rng: np.random.Generator) -> Body:
    """Draw a subject: a stature of 1.52-1.96 m, and proportions that vary by a few per cent.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all draws.
    """
    stature = float(np.clip(rng.normal(1.0, 0.05), 1.52 / STATURE, 1.96 / STATURE))
    group = {name: float(np.clip(rng.normal(1.0, 0.035), 0.92, 1.08)) for name in _CHAINS}
    lengths = {}
    for bone in _all_bones():
        part = bone.name[1:] if bone.name[:1] in "lr" else bone.name
        chains = [name for name, parts in _CHAINS.items() if part in parts or bone.name in parts]
        lengths[bone.name] = bone.length * stature * (group[chains[0]] if chains else 1.0)
    return Body(_asf_text(lengths))


def _all_bones() -> list[_Bone]:
    """Left side, middle and the right side as its mirror image."""
    middle = ("lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head")
    limits = channel_limits()
    right = [
        _Bone(
            "r" + bone.name[1:],
            bone.parent if bone.parent in (*middle, "root") else "r" + bone.parent[1:],
            (-bone.direction[0], *bone.direction[1:]),
            bone.length,
            (bone.axis[0], -bone.axis[1], -bone.axis[2]),
            limits["r" + bone.name[1:]],
        )
        for bone in _BONES
        if bone.name not in middle
    ]
    return [*_BONES, *right]


def _asf_text(lengths: dict[str, float]) -> str:
    """Text of an `.asf` file of bones with these lengths in metres."""
    bones = _all_bones()
    lines = [
        *(":version 1.10", ":name DEMO", ":units", "  mass 1.0", "  length 0.45", "  angle deg"),
        *(":documentation", "  procedural subject, made by synth", ":root", "  order TX TY TZ RX RY RZ"),
        *("  axis XYZ", "  position 0 0 0", "  orientation 0 0 0", ":bonedata"),
    ]
    for number, bone in enumerate(bones, 1):
        lines += _bone_lines(number, bone, lengths[bone.name] / UNIT)
    lines += [":hierarchy", "  begin"]
    for parent in ["root", *(bone.name for bone in bones)]:
        children = [bone.name for bone in bones if bone.parent == parent]
        lines += [f"    {parent} {' '.join(children)}"] if children else []
    return "\n".join([*lines, "  end", ""])


def _bone_lines(number: int, bone: _Bone, length: float) -> list[str]:
    direction = np.array(bone.direction) / np.linalg.norm(bone.direction)
    lines = [
        *("  begin", f"     id {number}", f"     name {bone.name}"),
        f"     direction {' '.join(f'{value:.8f}' for value in direction)}",
        f"     length {length:.6f}",
        f"     axis {' '.join(f'{value:g}' for value in bone.axis)} XYZ",
    ]
    if bone.limits:
        lines.append(f"    dof {' '.join(name for name, _, _ in bone.limits)}")
        intervals = [f"({low:.1f} {high:.1f})" for _, low, high in bone.limits]
        lines.append("    limits " + "\n           ".join(intervals))
    return [*lines, "  end"]
