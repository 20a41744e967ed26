"""Where a point of the clothed body lies: charts in which garments are cut and painted.

A chart unrolls one part of the body at rest: u goes once round it (0.5 is in front, left and right sides of
arms, legs and feet share one chart, mirrored), v runs along it from 0 at the top or shoulder to 1. Textures
of a chart repeat in u, so that there is no seam.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.archive import PARTS, SkinnedMesh, load_body

CHARTS = ("torso", "arm", "leg", "foot", "head", "skirt")
"""Names of the charts; a chart's number is its position here."""

_CHART_OF_PART = np.array(
    [
        next((n for n, words in enumerate((("torso", "neck"), ("arm", "hand"), ("thigh", "shin"), ("foot",),
                                           ("head", "eyes"))) if part.endswith(words)), 0)
        for part in PARTS
    ]
)  # fmt: skip

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """A chart's axis, straight or bent once.

    Parameters
    ----------
    points : (2 or 3, 3) float64
        From v = 0 to v = 1, metres on the mean body.
    front : (3,) float64
        Direction in which u is 0.5.
    girth : float
        Usual length once round, metres.
    """

    points: FloatArray
    front: FloatArray
    girth: float

    @property
    def length(self) -> float:
        """Length from v = 0 to v = 1, metres."""
        return float(np.linalg.norm(np.diff(self.points, axis=0), axis=1).sum())

    def locate(self, points: FloatArray) -> FloatArray:
        """Chart coordinates (..., 2) of points (..., 3)."""
        first = self._along(points, 0, 0.0)
        if len(self.points) == 2:
            return first
        before, after = np.diff(self.points, axis=0)
        bend = before / np.linalg.norm(before) + after / np.linalg.norm(after)
        second = self._along(points, 1, float(np.linalg.norm(before)))
        return np.where(((points - self.points[1]) @ bend < 0)[..., None], first, second)

    def _along(self, points: FloatArray, segment: int, start: float) -> FloatArray:
        direction = self.points[segment + 1] - self.points[segment]
        direction = direction / np.linalg.norm(direction)
        front = self.front - (self.front @ direction) * direction
        front /= np.linalg.norm(front)
        offset = points - self.points[segment]
        u = np.arctan2(offset @ np.cross(direction, front), offset @ front) / (2 * np.pi) + 0.5
        return np.stack([u, (offset @ direction + start) / self.length], axis=-1)

    def height(self, v: NDArray[np.floating]) -> FloatArray:
        """Height y above the pelvis of the axis at v."""
        reach = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.points, axis=0), axis=1))])
        return np.interp(v, reach / reach[-1], self.points[:, 1])


@lru_cache(maxsize=1)
def axes() -> Mapping[str, Axis]:
    """Axis of each chart, measured on the mean body, left side."""
    body = load_body()
    at = {name: body.heads.mean[n].astype(float) for n, name in enumerate(body.bones)}
    suit = body.meshes["suit"]
    feet = suit.triangles[_CHART_OF_PART[suit.parts] == CHARTS.index("foot")]
    shoe = suit.vertices.mean[np.unique(feet)].astype(float)
    skirt = body.meshes["skirt"].vertices.mean.astype(float)
    _, y, z = np.eye(3)
    middle = np.array([0.0, 1.0, 1.0])
    hip, ankle, elbow = at["left_thigh_1"], at["left_foot"], at["left_forearm_1"]
    shoulder, wrist = at["left_upper_arm_1"], at["left_hand"]
    neck, head, crotch = at["neck_1"] * middle, at["head"] * middle, hip * middle - 0.13 * y
    level = np.array([ankle[0], 0.5 * (shoe[:, 1].min() + ankle[1]), 0.0])
    top = body.landmark_points.mean[body.landmarks.index("head_top")] * middle
    spine_z, waist_z = 0.5 * (hip[2] + neck[2]), hip[2]
    return {
        "torso": Axis(np.array([[0, head[1], spine_z], [0, crotch[1], spine_z]]), z, 0.95),
        "arm": Axis(
            np.stack([shoulder - 0.4 * (elbow - shoulder), elbow, wrist + 0.3 * (wrist - elbow)]), y, 0.3
        ),
        "leg": Axis(np.stack([hip - 0.25 * (ankle - hip), ankle + 0.1 * (ankle - hip)]), z, 0.5),
        "foot": Axis(np.stack([level + shoe[:, 2].min() * z, level + shoe[:, 2].max() * z]), y, 0.26),
        "head": Axis(
            np.stack([head + 1.1 * (top - head), head - 0.25 * (top - head)]) * [0, 1, 0] + head[2] * z,
            z,
            0.6,
        ),
        "skirt": Axis(np.array([[0, skirt[:, 1].max(), waist_z], [0, skirt[:, 1].min(), waist_z]]), z, 1.2),
    }


def chart_of(mesh: SkinnedMesh) -> NDArray[np.intp]:
    """Chart number of each triangle of a mesh (skin or suit), from its body part."""
    return _CHART_OF_PART[mesh.parts]


def corner_coordinates(points: ArrayLike, triangles: NDArray, charts: NDArray) -> NDArray[np.float32]:
    """Chart coordinates at the corners of triangles.

    Parameters
    ----------
    points : (V, 3) float
        Vertices of the mean body at rest.
    triangles : (T, 3) int
        Vertices of each triangle.
    charts : (T,) int
        Chart of each triangle.

    Returns
    -------
    (T, 3, 2) float32
        u may leave 0 … 1 by less than 1: the corners of a triangle lie on one side of the wrap.
    """
    out = np.zeros((*triangles.shape, 2))
    corners = np.asarray(points, dtype=np.float64)[triangles]
    sided = np.where(corners.mean(axis=1, keepdims=True)[..., :1] < 0, -1.0, 1.0)
    for number, name in enumerate(CHARTS):
        chosen = charts == number
        mirrored = name in ("arm", "leg", "foot")
        local = corners[chosen]
        if mirrored:
            local = np.concatenate([local[..., :1] * sided[chosen], local[..., 1:]], axis=-1)
        out[chosen] = axes()[name].locate(local)
    wrapped = out[..., 0] - np.round(out[..., 0] - out[:, :1, 0])
    return np.stack([wrapped, out[..., 1]], axis=-1).astype(np.float32)


def texels(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Chart coordinates u, v (height, width) at the centres of a texture's texels."""
    v, u = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    return u.astype(np.float32), v.astype(np.float32)
