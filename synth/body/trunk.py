"""Fitting pelvis, spine, neck and head."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from synth.body.fit_problem import FitProblem, middle
from synth.body.frames import Floats, apply, between, bone_map, mapped, rigid_map, turn_between, unit

_X = np.array([1.0, 0.0, 0.0])
_SPINE = tuple(f"spine_{n}" for n in range(1, 6))
_SPINE_SHARES = (0.1, 0.35, 0.7, 1.0)
"""How far spine_1 to spine_4 turn from the pelvis to the chest."""

_NECK_SHARES = (0.25, 0.5, 0.75)
"""How far neck_1 to neck_3 turn from the chest to the head."""

_NECK_STRETCH = (0.9, 1.1)


def trunk_maps(fit: FitProblem) -> dict[str, Floats]:
    """Make the maps (F, 3, 4) of pelvis, spine, neck and head.

    The pelvis hangs on the middle of the hips, the chest on the thorax; what lies between bends evenly, and
    what it is too long or too short is spread over the back by length.
    """
    points = fit.points
    pelvis, chest = _pelvis_turn(fit), _chest_turn(fit)
    maps = {
        "pelvis": rigid_map(middle(fit.rest, "hip"), middle(fit.joints, "hip"), pelvis, fit.scale),
        "spine_5": rigid_map(fit.rest["thorax"], fit.joints["thorax"], chest, fit.scale),
    }
    turns = [between(pelvis, chest, share) for share in _SPINE_SHARES]
    at = [mapped(maps["pelvis"], points["spine_1"])]
    for turn, (lower, upper) in zip(turns, pairwise(_SPINE), strict=True):
        at.append(at[-1] + fit.scale * apply(turn, points[upper] - points[lower]))
    lengths = [np.linalg.norm(points[b] - points[a], axis=-1, keepdims=True) for a, b in pairwise(_SPINE)]
    along = np.cumsum([np.zeros_like(lengths[0]), *lengths], axis=0)
    missing = mapped(maps["spine_5"], points["spine_5"]) - at[-1]
    at = [point + share * missing for point, share in zip(at, along / along[-1], strict=True)]
    for turn, (bone, above), ends in zip(turns, pairwise(_SPINE), pairwise(at), strict=True):
        maps[bone] = bone_map((points[bone], points[above]), ends, turn, fit.scale)
    return maps | _head_maps(fit, chest, maps["spine_5"])


def _pelvis_turn(fit: FitProblem) -> Floats:
    """Rotation of the pelvis: across by the line of the hips, up to the middle of the back."""
    if "pelvis" in fit.rotations:
        return fit.rotations["pelvis"]
    rest, joints = fit.rest, fit.joints
    return turn_between(
        rest["left_hip"] - rest["right_hip"],
        rest["spine"] - middle(rest, "hip"),
        joints["left_hip"] - joints["right_hip"],
        joints["spine"] - middle(joints, "hip"),
    )


def _chest_turn(fit: FitProblem) -> Floats:
    """Rotation of the chest: up along the upper back, across by the line of the shoulders."""
    if "chest" in fit.rotations:
        return fit.rotations["chest"]
    rest, joints = fit.rest, fit.joints
    return turn_between(
        rest["thorax"] - rest["spine"],
        rest["left_shoulder"] - rest["right_shoulder"],
        joints["thorax"] - joints["spine"],
        joints["left_shoulder"] - joints["right_shoulder"],
    )


def _head_maps(fit: FitProblem, chest: Floats, chest_map: Floats) -> dict[str, Floats]:
    """Make the maps of neck and head: the head looks where the chest does unless its rotation is known."""
    joints, rest, points = fit.joints, fit.rest, fit.points
    towards = joints["neck"] - joints["thorax"]
    own = fit.scale * np.linalg.norm(rest["neck"] - rest["thorax"], axis=-1, keepdims=True)
    given = np.linalg.norm(towards, axis=-1, keepdims=True)
    base = joints["thorax"] + unit(towards) * np.clip(given, own * _NECK_STRETCH[0], own * _NECK_STRETCH[1])
    turn = fit.rotations.get("head")
    if turn is None:
        up, given_up = rest["head"] - rest["neck"], joints["head"] - joints["neck"]
        turn = turn_between(up, _X, given_up, apply(chest, _X))
    ends = mapped(chest_map, points["neck_1"]), base
    maps = {
        f"neck_{n}": bone_map(
            (points["neck_1"], points["head"]), ends, between(chest, turn, share), fit.scale
        )
        for n, share in enumerate(_NECK_SHARES, start=1)
    }
    return maps | {"head": rigid_map(points["head"], base, turn, fit.scale)}
