"""Thin out a mesh where it has more vertices than its shape needs: half-edge collapses by quadric error.

Vertices are only removed, never moved, so that everything known about the others (shape components, skin
weights, texture coordinates) stays as it is. The error is that of Garland and Heckbert (1997), here as the
root mean square distance in metres from a vertex's planes to the vertex that takes its place.
"""

from __future__ import annotations

import heapq
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

_LEAST_AGREEMENT = 0.3
"""Least cosine between a triangle's normals before and after a collapse."""


def decimated(
    points: NDArray[np.float64],
    features: NDArray[np.float64],
    faces: NDArray[np.int64],
    uv_faces: NDArray[np.int64],
    kept: NDArray[np.bool_],
    tolerance: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Collapse edges as long as the surface stays within the tolerance.

    Parameters
    ----------
    points : (N, 3) float64
        Vertices, metres.
    features : (N, D) float64
        What else should be alike at both ends of a collapsed edge, in metres.
    faces, uv_faces : (T, 3) int64
        Vertices and texture coordinates of the triangles.
    kept : (N,) bool
        Vertices that must stay; those on borders and on cuts of the texture stay anyway.
    tolerance : (N,) float64
        Greatest error in metres at each vertex.

    Returns
    -------
    faces, uv_faces : (T', 3) int64
    """
    mesh = _Mesh(points, features, faces, uv_faces, kept)
    queue = [entry for v in np.unique(faces) for entry in mesh.collapses(int(v), tolerance)]
    heapq.heapify(queue)
    while queue:
        _, v, u, stamp = heapq.heappop(queue)
        if stamp == (mesh.stamp[v], mesh.stamp[u]) and mesh.collapse(v, u):
            for w in sorted(mesh.neighbours(u) | {u}):
                for entry in mesh.collapses(w, tolerance):
                    heapq.heappush(queue, entry)
    alive = sorted({t for around in mesh.around.values() for t in around})
    return mesh.faces[alive], mesh.uv_faces[alive]


class _Mesh:
    def __init__(
        self,
        points: NDArray[np.float64],
        features: NDArray[np.float64],
        faces: NDArray[np.int64],
        uv_faces: NDArray[np.int64],
        kept: NDArray[np.bool_],
    ) -> None:
        self.points, self.features = points, features
        self.faces, self.uv_faces = faces.copy(), uv_faces.copy()
        self.stamp: dict[int, int] = defaultdict(int)
        self.around: dict[int, set[int]] = defaultdict(set)
        for t, corners in enumerate(faces.tolist()):
            for v in corners:
                self.around[v].add(t)
        self.quadric, self.area = self._quadrics()
        self.fixed = {v for v in self.around if kept[v] or self._on_border_or_cut(v)}

    def _quadrics(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Sum over each vertex's triangles of area x plane x plane^T, and of the areas."""
        a, b, c = (self.points[self.faces[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        double = np.linalg.norm(cross, axis=1)
        normal = cross / np.maximum(double, 1e-12)[:, None]
        plane = np.concatenate([normal, -(normal * a).sum(axis=1, keepdims=True)], axis=1)
        quadric, area = np.zeros((len(self.points), 4, 4)), np.zeros(len(self.points))
        for k in range(3):
            np.add.at(quadric, self.faces[:, k], double[:, None, None] * plane[:, :, None] * plane[:, None])
            np.add.at(area, self.faces[:, k], double)
        return quadric, area

    def neighbours(self, v: int) -> set[int]:
        return {int(w) for t in self.around[v] for w in self.faces[t]} - {v}

    def _on_border_or_cut(self, v: int) -> bool:
        triangles = list(self.around[v])
        uv = {int(self.uv_faces[t][self.faces[t] == v][0]) for t in triangles}
        return len(uv) > 1 or len(self.neighbours(v)) != len(triangles)

    def collapses(
        self, v: int, tolerance: NDArray[np.float64]
    ) -> list[tuple[float, int, int, tuple[int, int]]]:
        """Queue entries of all collapses of a vertex into a neighbour that the tolerance allows."""
        found = []
        for u in sorted(self.neighbours(v)) if v not in self.fixed else ():
            at = np.append(self.points[u], 1.0)
            quadric, area = self.quadric[v] + self.quadric[u], self.area[v] + self.area[u]
            square = float(at @ quadric @ at) / area
            error = max(square, 0.0) ** 0.5 + float(np.linalg.norm(self.features[v] - self.features[u]))
            if error <= tolerance[v]:
                found.append((error, v, u, (self.stamp[v], self.stamp[u])))
        return found

    def collapse(self, v: int, u: int) -> bool:
        """Move v to u unless that would fold the surface; tells whether it was done."""
        if len(self.neighbours(v) & self.neighbours(u)) != 2:
            return False
        dying = self.around[v] & self.around[u]
        moved = sorted(self.around[v] - dying)
        after = np.where(self.faces[moved] == v, u, self.faces[moved])
        before, then = _normals(self.points[self.faces[moved]]), _normals(self.points[after])
        lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(then, axis=1)
        if ((before * then).sum(axis=1) <= _LEAST_AGREEMENT * lengths).any():
            return False
        some = next(iter(dying))
        uv = self.uv_faces[some][self.faces[some] == u][0]
        self.uv_faces[moved] = np.where(self.faces[moved] == v, uv, self.uv_faces[moved])
        self.faces[moved] = after
        for t in dying:
            for w in self.faces[t].tolist():
                self.around[w].discard(t)
        self.around[u] |= set(moved)
        del self.around[v]
        self.quadric[u] += self.quadric[v]
        self.area[u] += self.area[v]
        for w in self.neighbours(u) | {u, v}:
            self.stamp[w] += 1
        return True


def _normals(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
