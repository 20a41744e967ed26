"""The body model as data: what the archive holds, and how it is written and read.

The archive `data/body.npz` is made once from MakeHuman's CC0 mesh, rig and shape targets. Units are
metres; the rest pose stands upright with the arms lowered to the sides at an angle, **x to the person's left, y up,
z forward**, the pelvis near the origin.

Every point of the model (bone heads, landmarks, vertices) is linear in the shape coefficients c (K,):
``mean + c @ components``. The coefficients are multilinear in the phenotype (`PhenotypeGrid`), so that any
person of the range is nine numbers.

Meshes: ``skin`` is the person (eyes included; mouth cavity, teeth and tongue left out). ``suit`` (a smooth
hull from neck to feet and wrists), ``skirt`` (from the waist to the ankles) and ``hair`` (long hair) are
MakeHuman's helper surfaces around it: same bones, same coefficients, to cut clothes and hair from.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.skeletons import mirrored_name

FORMAT_VERSION = 1
ARCHIVE = Path(__file__).parent / "data" / "body.npz"

PARTS = (
    *("background", "head", "neck", "torso", "eyes"),
    *("left_upper_arm", "left_forearm", "left_hand", "right_upper_arm", "right_forearm", "right_hand"),
    *("left_thigh", "left_shin", "left_foot", "right_thigh", "right_shin", "right_foot"),
)
"""Names of the body parts; a triangle's part is its position here, so that 0 is left for the background."""

WEIGHTS_PER_VERTEX = 4


@dataclass(frozen=True)
class LinearPoints:
    """Points that move with the shape.

    Parameters
    ----------
    mean : (N, 3) float32
        Metres, at coefficients 0.
    components : (K, N, 3) float32
        Metres per unit of each coefficient.
    """

    mean: NDArray[np.float32]
    components: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.mean)

    def at(self, coefficients: ArrayLike) -> NDArray[np.float32]:
        """Points of one or several shapes: coefficients (..., K) -> (..., N, 3) metres."""
        c = np.asarray(coefficients, dtype=np.float32)
        moved = c @ self.components.reshape(self.components.shape[0], -1)
        points: NDArray[np.float32] = self.mean + moved.reshape(*c.shape[:-1], *self.mean.shape)
        return points


@dataclass(frozen=True)
class PhenotypeGrid:
    """Shape coefficients at the corners of a grid of phenotypes; between them they are multilinear.

    Parameters
    ----------
    names : tuple of str
        Axes: gender (0 male, 1 female), age, muscle, weight, height, proportions.
    anchors : tuple of (A,) float64
        Increasing grid positions along each axis.
    faces : tuple of str
        The archive's types of head and face, mixed by weights that sum to 1.
    corners : (F, A_0, ..., A_5, K) float32
        Coefficients of each face at each corner.
    """

    names: tuple[str, ...]
    anchors: tuple[NDArray[np.float64], ...]
    faces: tuple[str, ...]
    corners: NDArray[np.float32]


@dataclass(frozen=True)
class SkinnedMesh:
    """A triangle mesh that follows the bones.

    Parameters
    ----------
    vertices : LinearPoints
        V vertices at rest.
    bones : (V, 4) uint8
        Bones that move each vertex, heaviest first.
    weights : (V, 4) float32
        Their weights; each row sums to 1 and falls.
    triangles : (T, 3) int32
        Vertices of each triangle, counter-clockwise seen from outside.
    parts : (T,) uint8
        Body part of each triangle, a position in `PARTS` (1 or more).
    uv : (U, 2) float32
        Texture coordinates, 0 to 1, v upwards; more than vertices where the texture is cut.
    uv_triangles : (T, 3) int32
        Texture coordinates of each triangle's corners.
    """

    vertices: LinearPoints
    bones: NDArray[np.uint8]
    weights: NDArray[np.float32]
    triangles: NDArray[np.int32]
    parts: NDArray[np.uint8]
    uv: NDArray[np.float32]
    uv_triangles: NDArray[np.int32]


@dataclass(frozen=True)
class Body:
    """The body model.

    Parameters
    ----------
    grid : PhenotypeGrid
        From a phenotype to shape coefficients.
    bones : tuple of str
        Bone names, parents before their children, B of them; sides as ``left_`` and ``right_``.
    parents : (B,) int32
        Parent of each bone, -1 for the pelvis.
    heads : LinearPoints
        Where each bone starts, B points.
    landmarks : tuple of str
        Names of L surface and eye points: head_top, nose, left_eye, left_heel, …
    landmark_bones : (L,) int32
        Bone that carries each landmark.
    landmark_points : LinearPoints
        L points.
    joint_weights : (17, B + L) float32
        Regressor of `H36M17` from bone heads and landmarks; rows sum to 1.
    meshes : mapping of str to SkinnedMesh
        ``skin``, ``suit``, ``skirt``, ``hair``.
    """

    grid: PhenotypeGrid
    bones: tuple[str, ...]
    parents: NDArray[np.int32]
    heads: LinearPoints
    landmarks: tuple[str, ...]
    landmark_bones: NDArray[np.int32]
    landmark_points: LinearPoints
    joint_weights: NDArray[np.float32]
    meshes: Mapping[str, SkinnedMesh]

    @property
    def skin(self) -> SkinnedMesh:
        """The person's own surface."""
        return self.meshes["skin"]

    def bone(self, name: str) -> int:
        """Position of a bone by name; `ValueError` where there is none."""
        return self.bones.index(name)

    @cached_property
    def mirror(self) -> NDArray[np.intp]:
        """Permutation (B,) that swaps the bones of left and right."""
        return np.array([self.bones.index(mirrored_name(name)) for name in self.bones], dtype=np.intp)


@lru_cache(maxsize=4)
def load_body(path: Path = ARCHIVE) -> Body:
    """Read the body model; one copy per process, its arrays are read-only.

    Parameters
    ----------
    path : Path
        Archive; by default the one that comes with the package.

    Raises
    ------
    InputError
        If the file is missing, damaged or of a newer format.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a body archive ({error}); reinstall the package") from None
    version = int(arrays.get("format_version", -1))
    if version != FORMAT_VERSION:
        raise InputError(f"{path}: body archive of format {version}, this program reads {FORMAT_VERSION}")
    return _decode(arrays)


def save_body(body: Body, path: Path, step: float = 2e-4) -> None:
    """Write the body model as one compressed archive.

    Components are rounded to `step` metres (for coefficients of unit deviation), means to an eighth
    of it, weights to 1/255 and texture coordinates to 1/65535.
    """
    arrays: dict[str, Any] = {
        "format_version": np.int32(FORMAT_VERSION),
        "step": np.float64(step),
        "phenotypes": np.array(body.grid.names),
        "faces": np.array(body.grid.faces),
        "corners": body.grid.corners,
        "bones": np.array(body.bones),
        "parents": body.parents,
        "landmarks": np.array(body.landmarks),
        "landmark_bones": body.landmark_bones,
        "joint_weights": body.joint_weights,
        "meshes": np.array(list(body.meshes)),
    }
    arrays |= {f"anchors_{name}": a for name, a in zip(body.grid.names, body.grid.anchors, strict=True)}
    for name, points in (("heads", body.heads), ("landmark_points", body.landmark_points)):
        arrays |= {f"{name}_mean": points.mean, f"{name}_components": points.components}
    for name, mesh in body.meshes.items():
        arrays |= {f"{name}_{key}": value for key, value in _encode_mesh(mesh, step).items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def _encode_mesh(mesh: SkinnedMesh, step: float) -> dict[str, NDArray[Any]]:
    return {
        "mean": _to_planes(np.rint(mesh.vertices.mean.T / (step / 8))),
        "components": _to_planes(np.rint(mesh.vertices.components.transpose(0, 2, 1) / step)),
        "bones": np.ascontiguousarray(mesh.bones.T),
        "weights": np.rint(mesh.weights.T * 255).astype(np.uint8),
        "triangles": _to_planes(mesh.triangles.T),
        "parts": mesh.parts,
        "uv": _to_planes(np.rint(mesh.uv.T * 65535)),
        "uv_triangles": _to_planes(mesh.uv_triangles.T),
    }


def _to_planes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Differences along the last axis as 24-bit numbers, one plane for each byte: deflate likes that."""
    whole = values.astype(np.int32)
    difference = np.diff(whole, axis=-1, prepend=0)
    zigzag = np.where(difference < 0, -2 * difference - 1, 2 * difference).astype(np.uint32)
    return np.stack([(zigzag >> shift & 255).astype(np.uint8) for shift in (0, 8, 16)])


def _from_planes(planes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Undo `_to_planes`."""
    low, middle, high = planes.astype(np.int32)
    zigzag = low | middle << 8 | high << 16
    difference = np.where(zigzag & 1, -(zigzag >> 1) - 1, zigzag >> 1)
    return np.cumsum(difference, axis=-1, dtype=np.int32)


def _decode(arrays: Mapping[str, NDArray[Any]]) -> Body:
    names = tuple(arrays["phenotypes"].tolist())
    body = Body(
        grid=PhenotypeGrid(
            names,
            tuple(arrays[f"anchors_{name}"] for name in names),
            tuple(arrays["faces"].tolist()),
            arrays["corners"],
        ),
        bones=tuple(arrays["bones"].tolist()),
        parents=arrays["parents"],
        heads=LinearPoints(arrays["heads_mean"], arrays["heads_components"]),
        landmarks=tuple(arrays["landmarks"].tolist()),
        landmark_bones=arrays["landmark_bones"],
        landmark_points=LinearPoints(arrays["landmark_points_mean"], arrays["landmark_points_components"]),
        joint_weights=arrays["joint_weights"],
        meshes={name: _decode_mesh(arrays, name) for name in arrays["meshes"].tolist()},
    )
    for array in arrays.values():
        array.setflags(write=False)
    return body


def _decode_mesh(arrays: Mapping[str, NDArray[Any]], name: str) -> SkinnedMesh:
    step = float(arrays["step"])
    mean = _from_planes(arrays[f"{name}_mean"]).T * (step / 8)
    components = _from_planes(arrays[f"{name}_components"]).transpose(0, 2, 1) * step
    counts = arrays[f"{name}_weights"].T.astype(np.float32)
    return SkinnedMesh(
        vertices=LinearPoints(_frozen(mean, np.float32), _frozen(components, np.float32)),
        bones=_frozen(arrays[f"{name}_bones"].T, np.uint8),
        weights=_frozen(counts / counts.sum(axis=1, keepdims=True), np.float32),
        triangles=_frozen(_from_planes(arrays[f"{name}_triangles"]).T, np.int32),
        parts=arrays[f"{name}_parts"],
        uv=_frozen(_from_planes(arrays[f"{name}_uv"]).T / 65535.0, np.float32),
        uv_triangles=_frozen(_from_planes(arrays[f"{name}_uv_triangles"]).T, np.int32),
    )


def _frozen(values: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Copy into a contiguous read-only array."""
    array: NDArray[Any] = np.ascontiguousarray(values, dtype=dtype)
    array.setflags(write=False)
    return array
