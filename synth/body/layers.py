"""Surfaces that make up a dressed person: skin, garments and hair, cut from the body's meshes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import load_body
from synth.body.charts import CHARTS, chart_of, corner_coordinates
from synth.body.garments import Garment

Triangles = NDArray[np.int32]

_DEPTH_SEEN = 0.12
"""Metres from its edge to which a garment may be seen from inside."""


@dataclass(frozen=True)
class Layer:
    """One surface: some vertices of a mesh of the body, moved off it.

    Parameters
    ----------
    source : str
        Mesh of the body: ``skin``, ``suit``, ``skirt`` or ``hair``.
    index : (V,) intp
        Vertex of the source at which each vertex is; several may be at the same.
    offset : (V,) float32
        Distance from it along its normal, metres, on a body of mean stature.
    shift : (V, 3) float32
        Displacement in the rest frame, metres.
    triangles : (T, 3) int32
        Vertices of this layer.
    uv : (T, 3, 2) float32
        Texture coordinates, v downwards.
    parts : (T,) uint8
        Body part.
    material : (T,) int32
        Position among the appearance's materials.
    two_sided : (T,) bool
        What is seen from inside too.
    """

    source: str
    index: NDArray[np.intp]
    offset: NDArray[np.float32]
    shift: NDArray[np.float32]
    triangles: Triangles
    uv: NDArray[np.float32]
    parts: NDArray[np.uint8]
    material: NDArray[np.int32]
    two_sided: NDArray[np.bool_]


@dataclass(frozen=True)
class Coordinates:
    """Chart (T,) and chart coordinates (T, 3, 2) of a mesh's triangles."""

    charts: NDArray[np.intp]
    uv: NDArray[np.float32]


@lru_cache(maxsize=4)
def coordinates(source: str) -> Coordinates:
    """Chart coordinates of one of the body's meshes."""
    mesh = load_body().meshes[source]
    fixed = {"skirt": "skirt", "hair": "head"}.get(source)
    charts = np.full(len(mesh.triangles), CHARTS.index(fixed)) if fixed else chart_of(mesh)
    return Coordinates(charts, corner_coordinates(mesh.vertices.mean, mesh.triangles, charts))


def sampled(field: NDArray, uv: NDArray[np.float32]) -> NDArray:
    """Nearest texel of a field (H, W) at chart coordinates (..., 2); u repeats, v is clamped."""
    height, width = field.shape[:2]
    column = np.floor(uv[..., 0] * width).astype(np.intp) % width
    row = np.clip(np.floor(uv[..., 1] * height).astype(np.intp), 0, height - 1)
    return field[row, column]


def reach_at_corners(reach: Mapping[str, NDArray], where: Coordinates) -> NDArray[np.float32]:
    """Metres inside at the corners (T, 3) of a mesh's triangles; -1 on charts that have none."""
    inside = np.full(where.uv.shape[:2], -1.0, np.float32)
    for name, field in reach.items():
        chosen = where.charts == CHARTS.index(name)
        inside[chosen] = sampled(field, where.uv[chosen])
    return inside


def selected_layer(
    source: str,
    chosen: NDArray[np.bool_],
    uv: NDArray,
    material: NDArray,
    offset_at_corners: NDArray,
    two_sided: bool | NDArray[np.bool_],
) -> Layer:
    """Layer of some triangles of a mesh; a vertex's offset is the mean of those at its corners."""
    mesh = load_body().meshes[source]
    corners = mesh.triangles[chosen]
    index, triangles = np.unique(corners, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    count = np.bincount(triangles.ravel(), minlength=len(index))
    total = np.bincount(triangles.ravel(), weights=offset_at_corners[chosen].ravel(), minlength=len(index))
    return Layer(
        source,
        index.astype(np.intp),
        (total / np.maximum(count, 1)).astype(np.float32),
        np.zeros((len(index), 3), np.float32),
        triangles.astype(np.int32),
        np.ascontiguousarray(uv[chosen], dtype=np.float32),
        mesh.parts[chosen],
        material[chosen].astype(np.int32),
        np.broadcast_to(two_sided, len(chosen))[chosen],
    )


def garment_layer(garment: Garment, materials: Mapping[str, int], lift: float) -> Layer:
    """Layer of a garment.

    Parameters
    ----------
    garment : Garment
        What to cut.
    materials : mapping of str to int
        Material of each of its charts.
    lift : float
        Metres added everywhere, so that it lies over the garments below.
    """
    where = coordinates(garment.source)
    inside = reach_at_corners(garment.reach, where)
    chosen = inside.max(axis=1) > -0.035
    material = np.zeros(len(chosen), np.int32)
    offset = np.zeros(where.uv.shape[:2])
    for name in garment.textures:
        here = where.charts == CHARTS.index(name)
        material[here] = materials[name]
        offset[here] = garment.ease(name, where.uv[here][..., 0] % 1.0, where.uv[here][..., 1])
    chosen &= np.isin(where.charts, [CHARTS.index(name) for name in garment.textures])
    # deep inside, the wearer hides the cloth's back; skirts are open from below
    open_ = np.full(len(chosen), garment.source == "skirt") | (inside.min(axis=1) < _DEPTH_SEEN)
    return selected_layer(garment.source, chosen, where.uv, material, offset + lift, open_)


def visible_skin(garments: Sequence[Garment], margin: float = 0.03) -> NDArray[np.bool_]:
    """Triangles (T,) of the skin that no garment hides: those that lie not everywhere `margin` inside one."""
    where = coordinates("skin")
    hidden = np.zeros(len(where.charts), bool)
    for garment in garments:
        hidden |= reach_at_corners(garment.cover, where).min(axis=1) > margin
    return ~hidden


def blob_layer(
    anchor: int, centre: NDArray, radii: NDArray, material: int, part: int, bend: float = 0.0
) -> Layer:
    """Ellipsoid that moves with one vertex of the skin: a bun, a ponytail, a bobble.

    Parameters
    ----------
    anchor : int
        Vertex of the skin.
    centre, radii : (3,) float
        Middle relative to the anchor, and half axes, metres.
    material, part : int
        Its material and body part.
    bend : float
        Metres by which the lower end is moved backwards.
    """
    rows, columns = 9, 14
    polar, turn = np.linspace(0, np.pi, rows)[:, None], np.linspace(0, 2 * np.pi, columns + 1)[None]
    unit = np.stack(
        np.broadcast_arrays(np.sin(polar) * np.sin(turn), np.cos(polar), np.sin(polar) * np.cos(turn)), -1
    )
    points = unit * radii + centre
    points[..., 2] -= bend * ((1 - unit[..., 1]) / 2) ** 2
    a = (np.arange(rows - 1)[:, None] * (columns + 1) + np.arange(columns)[None]).ravel()
    right, below = a + 1, a + columns + 1
    triangles = np.concatenate([np.stack([a, below, below + 1], 1), np.stack([a, below + 1, right], 1)])
    uv = np.stack(np.broadcast_arrays(turn / (2 * np.pi) * 2, polar / np.pi), -1).reshape(-1, 2)
    count = rows * (columns + 1)
    return Layer(
        "skin",
        np.full(count, anchor, np.intp),
        np.zeros(count, np.float32),
        points.reshape(-1, 3).astype(np.float32),
        triangles.astype(np.int32),
        uv[triangles].astype(np.float32),
        np.full(len(triangles), part, np.uint8),
        np.full(len(triangles), material, np.int32),
        np.ones(len(triangles), bool),
    )
