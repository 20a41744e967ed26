"""Holes in textures: which triangles may show one, and whether a point lies in one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit

from synth.body.mesh import Mesh
from synth.body.textures import MaterialSet, is_hole, mip_level


def mark_solid(mesh: Mesh, materials: MaterialSet) -> Mesh:
    """Find the triangles whose part of the texture has no hole at any size.

    Garments end raggedly inside their textures, so that most of their triangles are whole; to know them
    saves looking at the texture for every sample.

    Parameters
    ----------
    mesh : Mesh
        T triangles.
    materials : MaterialSet
        The materials that the mesh names, for good.

    Returns
    -------
    Mesh
        The same with `solid` marked.
    """
    solid = ~materials.cut_out[mesh.material]
    _mark(solid, mesh.material, mesh.uv, materials.texels, materials.levels)
    return replace(mesh, solid=solid)


@njit(cache=True, error_model="numpy")
def _mark(solid, material, uv, texels, levels):  # type: ignore[no-untyped-def]
    """Set `solid` (T,) where no texel that a triangle's corners enclose has a hole."""
    for t in range(len(solid)):
        if not solid[t]:
            solid[t] = True
            for level in range(levels.shape[1]):
                solid[t] &= _is_whole(uv[t], texels, levels[material[t], level])


@njit(cache=True, error_model="numpy")
def _is_whole(corners, texels, level):  # type: ignore[no-untyped-def]
    """Whether no texel of one level about three corners (3, 2) has a hole."""
    start, width, height = level
    x0, x1 = _texels_between(corners[:, 0], width)
    y0, y1 = _texels_between(corners[:, 1], height)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            if texels[start + (y & (height - 1)) * width + (x & (width - 1))] >> 24 < 128:
                return False
    return True


@njit(cache=True, error_model="numpy")
def _texels_between(places, count):  # type: ignore[no-untyped-def]
    """First and last texel, at most once round, between texture coordinates; a little more, for rounding."""
    first = np.int64(np.floor(places.min() * count - 0.01))
    last = np.int64(np.floor(places.max() * count + 0.01))
    return first, min(last, first + count - 1)


@njit(cache=True, error_model="numpy")
def in_hole(holes, triangles, t, wb, wc, inverse_depth):  # type: ignore[no-untyped-def]
    """Whether a triangle has a hole at a point, given by its weights.

    `holes` are `coating` and `solid` of the mesh, `cut_out`, `texels` and `levels` of its materials, and
    metres between samples at depth 1.
    """
    coating, _, cut_out, texels, levels, metres = holes
    m = np.uint64(triangles[t, 3])
    if not cut_out[m]:
        return False
    wa = np.float32(1) - wb - wc
    u = wa * coating[t, 0] + wb * coating[t, 2] + wc * coating[t, 4]
    v = wa * coating[t, 1] + wb * coating[t, 3] + wc * coating[t, 5]
    level = mip_level(levels, m, np.float32(coating[t, 6] * metres / inverse_depth))
    return is_hole(texels, levels, m, level, u, v)
