"""The body as capsules: how deep limbs are in one another, and what is below the ground."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.sources.demo.body import BALL_HEIGHT, Body

Array = NDArray[np.float64]

TOLERANCE = 0.03
"""Metres by which flesh and clothes give way."""

_MIDDLE = ("belly", "head")
_SHAPES: dict[str, tuple[tuple[str, str, float], tuple[str, str, float], float]] = {
    "belly": (("root", "lowerback", 0.3), ("upperback", "thorax", 1.0), 0.100),
    "head": (("upperneck", "head", 0.35), ("upperneck", "head", 1.0), 0.085),
    "lflank": (("root", "lhipjoint", 0.55), ("thorax", "lclavicle", 0.55), 0.090),
    "lthigh": (("lhipjoint", "lfemur", 0.35), ("lhipjoint", "lfemur", 1.0), 0.060),
    "lshank": (("lfemur", "ltibia", 0.0), ("lfemur", "ltibia", 1.0), 0.045),
    "lfoot": (("ltibia", "lfoot", 0.0), ("lfoot", "ltoes", 1.0), 0.035),
    "lupper": (("lclavicle", "lhumerus", 0.5), ("lclavicle", "lhumerus", 1.0), 0.042),
    "lfore": (("lhumerus", "lradius", 0.0), ("lradius", "lwrist", 1.0), 0.036),
    "lhand": (("lradius", "lwrist", 1.0), ("lhand", "lfingers", 1.0), 0.028),
}
"""Both ends of each capsule, as shares of the way between two bones' ends, and its radius in metres."""

_ARM = ("upper", "fore", "hand")
_LEGS = (("shank", "shank"), ("foot", "foot"), ("foot", "shank"), ("thigh", "thigh"), ("shank", "thigh"))


@dataclass(frozen=True)
class Capsules:
    """Capsules on a body's bones.

    Parameters
    ----------
    names : tuple of str
        Names of the K capsules.
    bones : (K, 4) int64
        Bones between whose ends the capsule's first and second end lie.
    shares : (K, 2) float64
        How far from the first bone's end to the second's.
    radii : (K,) float64
        Metres.
    pairs : (P, 2) int64
        Capsules that must not meet.
    """

    names: tuple[str, ...]
    bones: NDArray[np.int64]
    shares: Array
    radii: Array
    pairs: NDArray[np.int64]


@lru_cache(maxsize=4)
def capsules(bone_names: tuple[str, ...], stature: float) -> Capsules:
    """Capsules of a body; radii grow with its stature (1 for an average one)."""
    shapes = {
        side + name[1:]: tuple((_sided(a, side), _sided(b, side), share) for a, b, share in ends)
        for name, (*ends, _) in _SHAPES.items()
        for side in (name[0] if name in _MIDDLE else "lr")
    }
    radii = [_SHAPES[name if name in _SHAPES else "l" + name[1:]][2] * stature for name in shapes]
    index = {name: k for k, name in enumerate(bone_names)}
    bones = [[index[bone] for end in ends for bone in end[:2]] for ends in shapes.values()]
    shares = [[end[2] for end in ends] for ends in shapes.values()]
    names = tuple(shapes)
    pairs = [(names.index(a), names.index(b)) for a, b in _pairs()]
    return Capsules(names, np.array(bones), np.array(shares), np.array(radii), np.array(pairs))


def _sided(bone: str, side: str) -> str:
    return side + bone[1:] if bone in _LEFT_BONES else bone


_LEFT_BONES = frozenset(
    ("lhipjoint", "lfemur", "ltibia", "lfoot", "ltoes")
    + ("lclavicle", "lhumerus", "lradius", "lwrist", "lhand", "lfingers")
)


def _pairs() -> list[tuple[str, str]]:
    """Capsules that could meet and must not: arms with everything but their own root, leg with leg."""
    pairs = [(f"l{a}", f"r{b}") for a, b in _LEGS] + [(f"r{a}", f"l{b}") for a, b in _LEGS if a != b]
    for side, other in (("l", "r"), ("r", "l")):
        pairs += [(f"{side}upper", f"{other}flank"), (f"{side}upper", "head")]
        pairs += [(f"{side}{part}", f"{other}upper") for part in ("fore", "hand")]
        pairs += [(f"{side}fore", f"{other}hand")]
        for part in ("fore", "hand"):
            pairs += [(f"{side}{part}", name) for name in ("belly", "head", "lflank", "rflank")]
            pairs += [(f"{side}{part}", f"{leg}{name}") for leg in "lr" for name in ("thigh", "shank")]
        pairs += [(f"{side}{part}", name) for part in ("shank", "foot") for name in ("belly", "head")]
    return [*pairs, ("lfore", "rfore"), ("lhand", "rhand")]


def penetration(shape: Capsules, positions: Array) -> Array:
    """Deepest overlap of any two capsules that must not meet, (F,) metres; negative where all are apart.

    Parameters
    ----------
    shape : Capsules
        The body's.
    positions : (F, B, 3) float64
        Ends of the bones, metres.
    """
    return np.asarray(_deepest(segments(shape, positions), shape.radii, shape.pairs))


def segments(shape: Capsules, positions: Array) -> Array:
    """Find the ends of the capsules, (F, K, 2, 3) metres, from the ends of the bones (F, B, 3)."""
    start, end = (positions[:, shape.bones[:, k::2]] for k in (0, 1))
    return np.ascontiguousarray(start + shape.shares[..., None] * (end - start))


@njit(cache=True)
def _deepest(ends: Array, radii: Array, pairs: NDArray) -> Array:  # pragma: no cover
    deepest = np.full(len(ends), -np.inf)
    for f in range(len(ends)):
        for p in range(len(pairs)):
            a, b = pairs[p]
            apart = distance(ends[f, a, 0], ends[f, a, 1], ends[f, b, 0], ends[f, b, 1])
            deepest[f] = max(deepest[f], radii[a] + radii[b] - apart)
    return deepest


@njit(cache=True)
def distance(a0: Array, a1: Array, b0: Array, b1: Array) -> float:  # pragma: no cover
    """Least distance of two line segments (Ericson, Real-Time Collision Detection, 2005, section 5.1.9)."""
    aa = ab = bb = ar = br = 0.0
    for k in range(3):
        u, v, r = a1[k] - a0[k], b1[k] - b0[k], a0[k] - b0[k]
        aa, ab, bb, ar, br = aa + u * u, ab + u * v, bb + v * v, ar + u * r, br + v * r
    s, t = 0.0, 0.0
    across = aa * bb - ab * ab
    if across > 1e-12:
        s = min(max((ab * br - ar * bb) / across, 0.0), 1.0)
    if bb > 1e-12:
        t = (ab * s + br) / bb
    elif aa > 1e-12:
        s = min(max(-ar / aa, 0.0), 1.0)
    if t < 0.0:
        t = 0.0
        s = min(max(-ar / aa, 0.0), 1.0) if aa > 1e-12 else 0.0
    elif t > 1.0:
        t = 1.0
        s = min(max((ab - ar) / aa, 0.0), 1.0) if aa > 1e-12 else 0.0
    total = 0.0
    for k in range(3):
        d = a0[k] - b0[k] + s * (a1[k] - a0[k]) - t * (b1[k] - b0[k])
        total += d * d
    return np.sqrt(total)


_ON_GROUND = (
    *(("root", 0.085), ("thorax", 0.10), ("head", 0.075), ("upperneck", 0.06)),
    *((f"{side}{bone}", radius) for side in "lr" for bone, radius in (
        ("hipjoint", 0.085), ("femur", 0.05), ("foot", BALL_HEIGHT), ("toes", BALL_HEIGHT), ("clavicle", 0.06)
    )),
)  # fmt: skip


def lowest(body: Body, positions: Array) -> Array:
    """Height over the ground of the lowest point of trunk, head and legs, (F,) metres.

    Parameters
    ----------
    body : Body
        The subject.
    positions : (F, B, 3) float64
        Ends of its bones.
    """
    names = body.skeleton.names
    radii = [*_ON_GROUND, *((f"{side}tibia", body.ankle_height - 0.004) for side in "lr")]
    heights = [positions[:, names.index(bone), 1] - radius for bone, radius in radii]
    return np.asarray(np.min(heights, axis=0))
