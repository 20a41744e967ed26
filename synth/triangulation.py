"""Delaunay triangles of a pool image: its labelled joints and the four corners of its crop.

A triangulation of a pose survives rigid and similarity transforms, so that each image is triangulated once.
Vertices 0 to 12 are the joints of `BODY13`; 13 to 16 are the crop's corners, which carry probability 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from synth.skeletons import BODY13

JOINTS = len(BODY13)
VERTICES = JOINTS + 4
MAX_TRIANGLES = 2 * VERTICES - 2 - 4
"""Triangles of 17 points of which four make the hull (Euler); any other case has fewer."""

VERTEX_MIRROR: NDArray[np.intp] = np.concatenate([BODY13.mirror, JOINTS + np.array([1, 0, 3, 2])])
"""Vertex of the mirrored image at the mirrored place of each vertex; an involution."""
VERTEX_MIRROR.setflags(write=False)


def crop_corners(size: int) -> NDArray[np.float64]:
    """Corners of a crop of `size` pixels: top left, top right, bottom left, bottom right, (4, 2) as x, y."""
    last = float(size - 1)
    return np.array([[0.0, 0.0], [last, 0.0], [0.0, last], [last, last]])


def triangulate(joints: NDArray[np.float32], labelled: NDArray[np.bool_], size: int) -> NDArray[np.int8]:
    """Delaunay triangles of one pose within its crop.

    Of joints in one place the first is the vertex and the others are in no triangle; a joint at a corner is
    in none either.

    Parameters
    ----------
    joints : (13, 2) float32
        Joints of `BODY13`, crop pixels; labelled ones lie inside the crop.
    labelled : (13,) bool
        Joints to use.
    size : int
        Side of the crop, pixels.

    Returns
    -------
    (28, 3) int8
        Vertices of each triangle, padded with -1. The triangles cover the square between the corners'
        centres.
    """
    # Chosen here, because which of two equal points Qhull leaves out depends on all the others.
    points = np.concatenate([crop_corners(size), joints[labelled].astype(np.float64)])
    used = np.concatenate([np.arange(JOINTS, VERTICES), np.flatnonzero(labelled)])
    first = np.sort(np.unique(points, axis=0, return_index=True)[1])
    points, used = points[first], used[first]
    triangles = np.full((MAX_TRIANGLES, 3), -1, dtype=np.int8)
    simplices = used[Delaunay(points).simplices]
    triangles[: len(simplices)] = simplices
    return triangles


def mirror_triangles(triangles: NDArray[np.int8]) -> NDArray[np.int8]:
    """Triangles of the mirrored images, (..., 3) int8: the same ones, with each vertex's mirror partner.

    The order of vertices is kept, so that a triangle and its mirror image turn opposite ways.
    """
    mirrored = VERTEX_MIRROR.astype(np.int8)[triangles]
    return np.where(triangles < 0, np.int8(-1), mirrored)
