"""Meshes and plain numpy versions that the tests of the renderer share."""

from __future__ import annotations

import numpy as np

K = np.array([[60.0, 0.0, 15.5], [0.0, 60.0, 11.5], [0.0, 0.0, 1.0]])
"""Intrinsics of a picture of 24 rows and 32 columns."""

SHAPE = (24, 32)


def octahedron(centre, radius):
    """Vertices (6, 3) and triangles (8, 3), counter-clockwise from outside."""
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    triangles = []
    for x in (0, 1):
        for y in (2, 3):
            for z in (4, 5):
                outward = np.linalg.det(vertices[[x, y, z]]) > 0
                triangles.append([x, y, z] if outward else [x, z, y])
    return np.asarray(centre) + radius * vertices, np.array(triangles)


def sphere(centre, radius, splits):
    """Octahedron whose triangles are split in four, `splits` times; vertices lie on the sphere."""
    vertices, triangles = octahedron((0, 0, 0), 1.0)
    for _ in range(splits):
        corners = vertices[triangles]
        middles = corners + np.roll(corners, -1, axis=1)
        middles /= np.linalg.norm(middles, axis=-1, keepdims=True)
        a, b, c = np.moveaxis(corners, 1, 0)
        ab, bc, ca = np.moveaxis(middles, 1, 0)
        parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        vertices = np.concatenate([np.stack(part, axis=1) for part in parts]).reshape(-1, 3)
        triangles = np.arange(len(vertices)).reshape(-1, 3)
    return np.asarray(centre) + radius * vertices, triangles


def sample_rays(k, shape, supersampling):
    """Directions (s H, s W, 3) with z = 1 through all samples."""
    s = supersampling
    y, x = ((np.arange(n * s) + 0.5) / s - 0.5 for n in shape)
    grid = np.stack([*np.meshgrid(x, y), np.ones((len(y), len(x)))], axis=-1)
    return grid @ np.linalg.inv(k).T


def trace(rays, vertices, triangles, near=0.05, two_sided=False):
    """Nearest triangle, its depth and barycentric weights of vertices 1 and 2 along rays from the origin.

    Ray against triangle after Moller and Trumbore (1997). Also returns how clear the answer is: the least
    distance of any barycentric weight of a candidate from the edge, and of the two nearest depths.
    """
    shape = rays.shape[:-1]
    seen = np.full(shape, -1)
    depth = np.full(shape, np.inf)
    weights = np.zeros((*shape, 2))
    clear = np.full(shape, np.inf)
    for t, (a, b, c) in enumerate(vertices[triangles]):
        p = np.cross(rays, c - a)
        det = p @ (b - a)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = p @ -a / det
            q = np.cross(-a, b - a)
            v = rays @ q / det
            z = q @ (c - a) / det
            # the front is where the normal (b - a) x (c - a) points against the ray
            facing = det > 0 if not two_sided else det != 0
            edge = np.minimum(np.minimum(u, v), 1 - u - v)
            hit = facing & (edge >= 0) & (z >= near)
            doubtful = facing & (z > 0)
            clear = np.where(doubtful, np.minimum(clear, np.abs(edge)), clear)
            clear = np.where(doubtful & (edge > -0.01), np.minimum(clear, np.abs(z - near)), clear)
            clear = np.where(hit & (seen >= 0), np.minimum(clear, np.abs(z - depth)), clear)
            first = hit & (z < depth)
        seen[first], depth[first] = t, z[first]
        weights[first] = np.stack([u, v], axis=-1)[first]
    return seen, depth, weights, clear
