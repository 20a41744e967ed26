"""From the joints of any human skeleton, known by name, to H36M-17.

Every joint of H36M-17 is a fixed weighted sum of points of the source's skeleton, so that a whole clip is
converted by one matrix product. Names are matched without namespace, case and punctuation.

The middle of the body: the pelvis is the root. `neck` is the start of the head bone, `head` its end.
`thorax` is the start of the neck bone next to the head (on CMU's skeleton the end of `lowerneck`, 1-4 cm
above the shoulder line; the end of `thorax` lies some 8 cm below it), or the midpoint of the shoulders where
there is no neck bone. `spine` is the point of the back that lies nearest to half-way between pelvis and
thorax along the bones (on CMU's skeleton the end of `upperback`), or half-way on the straight line where the
bones have no point between 0.25 and 0.75 of the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import H36M17
from synth.sources.records import DamagedItemError

STANDARD_LIMBS = {
    ("hip", "knee"): 0.42,
    ("knee", "ankle"): 0.42,
    ("shoulder", "elbow"): 0.29,
    ("elbow", "wrist"): 0.25,
}
"""Limb lengths of an adult in metres: yardstick for what cannot be a human's."""

STANDARD_TORSO = 0.45
"""Pelvis to thorax along the straight line, metres."""

_LARGEST_COORDINATE = 1000.0
_MIDDLE = (0.25, 0.75)


@dataclass(frozen=True)
class PointTree:
    """The points of a skeleton at rest.

    Parameters
    ----------
    names : tuple of str
        Name of each point as the file gives it, root first.
    parents : tuple of int
        Parent of each point, -1 for the root.
    rest : (P, 3) float64
        Positions without motion.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: NDArray[np.float64]


@dataclass(frozen=True)
class Landmarks:
    """Points of a tree that anatomy names: limb joints by H36M-17 name, ends of the head bone, pelvis."""

    limbs: dict[str, int]
    head_start: int
    head_end: int
    pelvis: int = 0


def plain_name(name: str) -> str:
    """Joint name without namespace, case and punctuation: ``"mixamorig:Left_Arm"`` -> ``"leftarm"``."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower().rsplit(":", 1)[-1])
    return re.sub(r"^(mixamorig|character|bip)\d*", "", plain)


def find_part(names: dict[str, int], side: str, parts: tuple[str, ...]) -> int | None:
    """Point of the first of several body parts that a skeleton has on one side.

    Parameters
    ----------
    names : dict of str to int
        Plain names and their points.
    side : str
        ``"left"`` or ``"right"``; as prefix or suffix, spelled out or as one letter.
    parts : tuple of str
        Names in order of preference, e.g. ``("upleg", "thigh")``.
    """
    for part in parts:
        for spelling in (side + part, side[0] + part, part + side, part + side[0]):
            if spelling in names:
                return names[spelling]
    return None


def missing_joint(joint: str, expected: str, file: str) -> DamagedItemError:
    """Make the error for a skeleton without a joint that H36M-17 needs."""
    detail = f"{file}: no {joint.replace('_', ' ')} (looked for {expected})"
    return DamagedItemError("skeleton lacks a joint", detail)


def h36m17_weights(tree: PointTree, landmarks: Landmarks) -> NDArray[np.float64]:
    """Weights (17, P) that make the joints of H36M-17 from the points of a tree.

    `joints = weights @ points`; every row sums to 1.
    """
    weights = np.zeros((len(H36M17), len(tree.names)))
    weights[H36M17.index("pelvis"), landmarks.pelvis] = 1.0
    for joint, point in landmarks.limbs.items():
        weights[H36M17.index(joint), point] = 1.0
    weights[H36M17.index("head"), landmarks.head_end] = 1.0
    weights[H36M17.index("neck"), landmarks.head_start] = 1.0
    thorax = _neck_start(tree, landmarks.head_start)
    if thorax is None:
        shoulders = weights[H36M17.indices(["left_shoulder", "right_shoulder"])]
        weights[H36M17.index("thorax")] = shoulders.mean(axis=0)
    else:
        weights[H36M17.index("thorax"), thorax] = 1.0
    chain = _ancestors(tree, landmarks.head_start if thorax is None else thorax)
    back = chain[: chain.index(landmarks.pelvis) + 1] if landmarks.pelvis in chain else chain
    weights[H36M17.index("spine")] = _spine(tree, weights, back)
    return weights


def check_plausible(joints: NDArray[np.floating], file: str) -> None:
    """Refuse a clip that no human can have moved.

    Parameters
    ----------
    joints : (F, 17, 3) floating
        Metres.
    file : str
        Name for the message.

    Raises
    ------
    DamagedItemError
        If a limb is shorter than 0.3 or longer than 3 times an adult's, or a joint is more than a
        kilometre from the origin, or a coordinate is not finite.
    """
    if not np.isfinite(joints).all():
        raise DamagedItemError("not a finite number", f"{file}: a joint position is not finite")
    farthest = float(np.abs(joints).max())
    if farthest > _LARGEST_COORDINATE:
        raise DamagedItemError(
            "implausible scale", f"{file}: a joint lies {farthest:.0f} m from the origin, expected under 1 km"
        )
    lengths = [("pelvis", "thorax", STANDARD_TORSO)]
    for (start, end), standard in STANDARD_LIMBS.items():
        lengths += [(f"{side}_{start}", f"{side}_{end}", standard) for side in ("left", "right")]
    for start, end, standard in lengths:
        bone = np.linalg.norm(joints[:, H36M17.index(start)] - joints[:, H36M17.index(end)], axis=-1)
        low, high = float(bone.min()), float(bone.max())
        if (start != "pelvis" and low < 0.3 * standard) or high > 3 * standard:
            raise DamagedItemError(
                "implausible scale",
                f"{file}: {start} to {end} measures {low:.3g}-{high:.3g} m, about {standard} m in an adult",
            )


def _ancestors(tree: PointTree, point: int) -> list[int]:
    """List a point and those above it, the root last."""
    chain = [point]
    while tree.parents[chain[-1]] >= 0:
        chain.append(tree.parents[chain[-1]])
    return chain


def _neck_start(tree: PointTree, head_start: int) -> int | None:
    """Start of the neck bone that ends where the head bone starts; None if the head sits on the trunk."""
    above = [
        p
        for p in _ancestors(tree, head_start)[1:]
        if np.linalg.norm(tree.rest[p] - tree.rest[head_start]) > 0.02 * _height(tree)
    ]
    is_neck = "neck" in plain_name(tree.names[head_start]) or (
        bool(above) and "neck" in plain_name(tree.names[above[0]])
    )
    return above[0] if above and is_neck else None


def _height(tree: PointTree) -> float:
    return float(np.ptp(tree.rest, axis=0).max())


def _spine(tree: PointTree, weights: NDArray[np.float64], chain: list[int]) -> NDArray[np.float64]:
    """Weights (P,) of the spine from the chain of points that leads from the thorax down to the root."""
    thorax = weights[H36M17.index("thorax")]
    points = tree.rest[chain[::-1]]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    share = along / along[-1] if along[-1] > 0 else along
    best = int(np.abs(share - 0.5).argmin())
    if _MIDDLE[0] <= share[best] <= _MIDDLE[1]:
        row = np.zeros(len(tree.names))
        row[chain[::-1][best]] = 1.0
        return row
    return (weights[H36M17.index("pelvis")] + thorax) / 2
