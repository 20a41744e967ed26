"""A picture of posed meshes over a background: visibility, light, shadows and averaging in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.body.ground import Ground, clear_ground, light_ground, make_ground
from synth.body.light_map import LightMap, draw_light_map, make_light_map
from synth.body.mesh import Mesh
from synth.body.rasteriser import Samples, as_points, make_samples, rasterise, sample_camera
from synth.body.resolve import APRON, average_row, compose_row, filter_taps, key_share
from synth.body.shading import Light, pack_attributes, shade_row
from synth.body.textures import MaterialSet
from synth.cameras import BOX

_ROWS = 8
"""Rows of samples that are kept for averaging: a power of two, and no filter reaches over more."""


@dataclass(frozen=True)
class Workspace:
    """Buffers of `render`; made once by `make_workspace`.

    Parameters
    ----------
    samples : Samples
        What is seen at each sample of the last picture.
    light_map : LightMap
        The last picture's light map.
    attributes : (V, 4) float32
        Scratch: normals and occlusion.
    colour : (s W + 16, 4) float32
        Scratch: colours of a row of samples.
    averaged : (9, W, 4) float32
        Scratch: averages along some rows of samples.
    ground : Ground
        Light on the ground of the last picture.
    """

    samples: Samples
    light_map: LightMap
    attributes: NDArray[np.float32]
    colour: NDArray[np.float32]
    averaged: NDArray[np.float32]
    ground: Ground


@dataclass(frozen=True)
class Picture:
    """A rendered picture.

    Parameters
    ----------
    image : (H, W, 3) uint8
        sRGB.
    coverage : (H, W) uint8
        Share of each pixel that the meshes cover, in 255ths.
    """

    image: NDArray[np.uint8]
    coverage: NDArray[np.uint8]


def make_workspace(vertices: int, size: int = BOX, supersampling: int = 2) -> Workspace:
    """Buffers for pictures of one size and meshes of at most so many vertices.

    Parameters
    ----------
    vertices : int
        Greatest number of vertices.
    size : int
        Side of the pictures in pixels.
    supersampling : int
        Samples along a side of a pixel, 1 to 4.

    Returns
    -------
    Workspace
    """
    samples = make_samples(vertices, size, size, supersampling)
    return Workspace(
        samples,
        make_light_map(vertices),
        np.zeros((vertices, 4), np.float32),
        np.zeros((size * supersampling + 2 * APRON, 4), np.float32),
        np.zeros((_ROWS + 1, size, 4), np.float32),
        make_ground(size, size),
    )


def render(
    workspace: Workspace,
    mesh: Mesh,
    vertices: ArrayLike,
    normals: ArrayLike,
    materials: MaterialSet,
    K: ArrayLike,
    light: Light,
    background: NDArray[np.uint8],
    ground: float | None = None,
    occlusion: ArrayLike | None = None,
) -> Picture:
    """Render a mesh over a background.

    Parameters
    ----------
    workspace : Workspace
        Afterwards `workspace.samples` holds what is seen, for `depth_map`, `part_map` and `visible_points`.
    mesh : Mesh
        V vertices; several meshes are joined by `join_meshes`.
    vertices : (V, 3) float
        In the camera frame (x right, y down, z forward), metres.
    normals : (V, 3) float
        Unit normals.
    materials : MaterialSet
        The materials that the mesh names.
    K : (3, 3) float
        Intrinsics in pixels.
    light : Light
        Illumination.
    background : (H, W, 3) uint8
        sRGB, of the workspace's size.
    ground : float, optional
        Shadows fall on the plane where `up . X = ground` (below the camera it is negative); none without.
    occlusion : (V,) float, optional
        Share of the ambient light that reaches each vertex, 0 to 1; default 1.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        If sizes do not fit each other, the mesh names a material that is not in the set, or a number is not
        finite.
    """
    _check(workspace, mesh, materials, background)
    samples, light_map, lamp = workspace.samples, workspace.light_map, light.as_array()
    points = as_points(vertices, mesh.vertices)
    pack_attributes(normals, occlusion, workspace.attributes[: len(points)])
    rasterise(samples, mesh, points, K, materials=materials)
    draw_light_map(light_map, mesh, points, lamp, light.softness)
    if ground is None:
        clear_ground(workspace.ground)
    else:
        camera = sample_camera(K, 1)
        light_ground(workspace.ground, light_map, points, camera, lamp, light.softness, ground)
    picture = Picture(np.empty(background.shape, np.uint8), np.empty(background.shape[:2], np.uint8))
    _paint(
        (samples.triangle, samples.inverse_depth, samples.barycentric, samples.bounds),
        sample_camera(K, samples.supersampling),
        (mesh.corners, mesh.coating),
        (materials.texels, materials.levels, materials.parameters),
        workspace.attributes,
        lamp,
        (light_map.samples.inverse_depth, light_map.to_light),
        (workspace.colour, workspace.averaged),
        (samples.supersampling, filter_taps(samples.supersampling)),
        np.ascontiguousarray(background),
        (workspace.ground.reach, workspace.ground.shadowed),
        (picture.image, picture.coverage),
    )
    return picture


def _check(workspace: Workspace, mesh: Mesh, materials: MaterialSet, background: NDArray[np.uint8]) -> None:
    """Refuse a background of another size and materials that are not there."""
    expected = (*workspace.ground.reach.shape[:2], 3)
    if background.shape != expected or background.dtype != np.uint8:
        raise ValueError(f"background is {background.dtype} {background.shape}; expected uint8 {expected}")
    if len(mesh) and mesh.material.max() >= len(materials):
        raise ValueError(f"the mesh names material {mesh.material.max()} of {len(materials)}")


@njit(cache=True, error_model="numpy")
def _paint(  # type: ignore[no-untyped-def]
    samples,
    camera,
    surface,
    textures,
    attributes,
    light,
    light_map,
    scratch,
    average,
    background,
    ground,
    target,
):
    """Shade and average row by row, so that colours of samples never leave the cache."""
    bounds = samples[3]
    colour, averaged = scratch
    supersampling, taps = average
    image, coverage = target
    lit_ground = (ground[0], ground[1], key_share(light))
    below, paired = (taps.shape[0] + supersampling) // 2, supersampling % 2 == 0
    colour[:] = 0
    inner = colour[APRON : colour.shape[0] - APRON]
    row = bounds[1]
    for y in range(image.shape[0]):
        while row <= min(bounds[3], supersampling * y + below - 1):
            first, last = shade_row(
                row, paired, samples, camera, surface, textures, attributes, light, light_map, inner
            )
            average_row(colour, first, last, supersampling, taps, averaged[row & (_ROWS - 1)])
            row += 1
        compose_row(y, averaged, bounds, supersampling, taps, background, lit_ground, image, coverage)
