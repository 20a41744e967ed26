"""The plain versions that the engine is measured against: vectorised numpy, and OpenCV for what it has.

They are what a careful reader of the paper would write: every loop is over joints, sources or triangles,
never over poses or pixels; whatever depends on the pool alone is computed beforehand; float32 throughout.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.cameras import BOX, CROP
from synth.matching import farthest_neighbours
from synth.mosaic.compose import BlendOptions
from synth.pool import Pool
from synth.skeletons import BODY13

_CORNERS = np.array([[0, 0], [CROP - 1, 0], [0, CROP - 1], [CROP - 1, CROP - 1]], np.float32)
_COLUMNS, _ROWS = np.meshgrid(np.arange(BOX, dtype=np.float32), np.arange(BOX, dtype=np.float32))


class NumpyMatcher:
    """Eq. 3 over the whole pool for one joint of one query at a time, as it is written; rigid alignment.

    Parameters
    ----------
    joints, labelled : (E, 13, 2) float32, (E, 13) bool
        The pool's poses.
    """

    def __init__(self, joints: NDArray[np.float32], labelled: NDArray[np.bool_]) -> None:
        self.labelled, self.known = labelled, labelled.astype(np.float32)
        self.offsets = [joints - joints[:, j : j + 1] for j in range(13)]
        self.weights = [self.normalised(np.linalg.norm(self.offsets[j], axis=-1), j) for j in range(13)]

    def normalised(self, distances: NDArray[np.float32], j: int) -> NDArray[np.float32]:
        """Turn distances from joint j, (E, 13) or (13,), into weights over each pose's labelled joints."""
        weights = self.known / np.maximum(distances, 1)
        weights[:, j] = 0
        return weights / np.maximum(weights.sum(axis=1, keepdims=True), np.float32(1e-9))

    def costs(self, query: NDArray[np.float64], j: int, i: int) -> NDArray[np.float32]:
        """D_j of every pool pose, (E,); inf where it cannot be aligned."""
        p, q = (query - query[j]).astype(np.float32), self.offsets[j]
        length = np.linalg.norm(q[:, i], axis=-1)
        usable = self.labelled[:, j] & self.labelled[:, i] & (length > 0)
        unit = np.where(usable, np.linalg.norm(p[i]) * length, 1)
        cos = (q[:, i] @ p[i] / unit)[:, None]
        sin = ((q[:, i, 0] * p[i, 1] - q[:, i, 1] * p[i, 0]) / unit)[:, None]
        x, y = q[..., 0], q[..., 1]
        aligned = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        weights = self.normalised(np.linalg.norm(p, axis=-1), j) + self.weights[j]
        cost = (weights * np.linalg.norm(p - aligned, axis=-1)).sum(axis=1)
        return np.where(usable, cost, np.inf)

    def match(
        self, queries: NDArray[np.float64], searched: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.intp]]:
        """Best entry of each searched joint, its cost, and the neighbour that aligned it, (N, 13) each."""
        neighbours = farthest_neighbours(queries)
        entries = np.full(searched.shape, -1, np.int32)
        best = np.full(searched.shape, np.inf, np.float32)
        for n, j in np.argwhere(searched).tolist():
            costs = self.costs(queries[n], j, int(neighbours[n, j]))
            entry = int(costs.argmin())
            if np.isfinite(costs[entry]):
                entries[n, j], best[n, j] = entry, costs[entry]
        return entries, best, neighbours


class ComplexMatcher(NumpyMatcher):
    """The same with points as complex numbers: the fastest numpy we know, less like the equations."""

    def __init__(self, joints: NDArray[np.float32], labelled: NDArray[np.bool_]) -> None:
        super().__init__(joints, labelled)
        self.points = [offsets[..., 0] + 1j * offsets[..., 1] for offsets in self.offsets]

    def costs(self, query: NDArray[np.float64], j: int, i: int) -> NDArray[np.float32]:
        """As in `NumpyMatcher`."""
        p, q = ((query - query[j]) @ [1, 1j]).astype(np.complex64), self.points[j]
        usable = self.labelled[:, j] & self.labelled[:, i] & (q[:, i] != 0)
        limb = np.where(usable, q[:, i], 1)
        turn = p[i] / np.abs(p[i]) * np.abs(limb) / limb
        weights = self.normalised(np.abs(p), j) + self.weights[j]
        cost = (weights * np.abs(p - turn[:, None] * q)).sum(axis=1)
        return np.where(usable, cost, np.inf)


class NumpyComposer:
    """Eq. 5-9 with one warp, one probability map and one histogram for each source.

    Parameters
    ----------
    pool : Pool
        Crops, poses, and their triangulations.
    options : BlendOptions
        The numbers of Eq. 5-8.
    """

    def __init__(self, pool: Pool, options: BlendOptions) -> None:
        self.pool, self.options = pool, options

    def compose(
        self, query: NDArray[np.float64], entries: NDArray[np.int32], neighbours: NDArray[np.intp]
    ) -> NDArray[np.uint8]:
        """Make the picture of a query (13, 2) from its sources (13,), aligned along neighbours (13,)."""
        joints = np.flatnonzero(entries >= 0)
        transforms = [self._transform(query, int(entries[j]), j, int(neighbours[j])) for j in joints.tolist()]
        maps = np.stack(
            [
                self._probability(query, int(entries[j]), transform)
                for j, transform in zip(joints, transforms, strict=True)
            ]
        )
        index = maps.argmax(axis=0)
        bare = np.isneginf(maps.max(axis=0))
        if bare.any():
            away = np.hypot(_COLUMNS[bare, None] - query[joints, 0], _ROWS[bare, None] - query[joints, 1])
            index[bare] = away.argmin(axis=1)
        places, areas = window_corners(self._half_sizes(query))
        picture = np.zeros((BOX, BOX, 3), np.float32)
        for number, (j, transform) in enumerate(zip(joints, transforms, strict=True)):
            weight = window_sums(index == number, places)
            picture += weight[..., None] * warped(self.pool, int(entries[j]), transform)
        return np.rint(picture / areas[..., None]).astype(np.uint8)

    def _transform(self, query: NDArray[np.float64], entry: int, j: int, i: int) -> NDArray[np.float64]:
        """T of Eq. 2, (2, 3), rigid."""
        pose = self.pool.joints[entry].astype(np.float64)
        ours, theirs = query[i] - query[j], pose[i] - pose[j]
        angle = np.arctan2(ours[1], ours[0]) - np.arctan2(theirs[1], theirs[0])
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        return np.column_stack([rotation, query[j] - rotation @ pose[j]])

    def _probability(
        self, query: NDArray[np.float64], entry: int, transform: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Probability map of one source, -inf where its photograph doesn't reach."""
        corners = np.concatenate([self.pool.joints[entry], _CORNERS])
        vertices = corners @ transform[:, :2].T + transform[:, 2]
        values = np.zeros(17)
        values[:13] = np.exp(-((query - vertices[:13]) ** 2).sum(axis=1) / self.options.sigma**2)
        found = np.full((BOX, BOX), -np.inf, np.float32)
        triangles = self.pool.triangles[entry]
        for triangle in triangles[triangles[:, 0] >= 0]:
            fill_triangle(found, vertices[triangle], values[triangle])
        inverse = cv2.invertAffineTransform(transform).astype(np.float32)
        x = inverse[0, 0] * _COLUMNS + inverse[0, 1] * _ROWS + inverse[0, 2]
        y = inverse[1, 0] * _COLUMNS + inverse[1, 1] * _ROWS + inverse[1, 2]
        x0, y0, x1, y1 = self.pool.valid[entry]
        found[(x < x0) | (x > x1) | (y < y0) | (y > y1)] = -np.inf
        return found

    def _half_sizes(self, query: NDArray[np.float64]) -> NDArray[np.int64]:
        """Half size of the window at every pixel (Eq. 7)."""
        background = np.full((BOX, BOX), 255, np.uint8)
        ends = np.rint(query[BODY13.bone_indices] * 16).astype(np.int32)
        for a, b in ends:
            cv2.line(background, a.tolist(), b.tolist(), 0, 1, cv2.LINE_8, 4)
        distance = cv2.distanceTransform(background, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        size = self.options.alpha + self.options.beta * distance
        return (size / 2 if self.options.window == "side" else size).astype(np.int64)


def fill_triangle(
    found: NDArray[np.float32], corners: NDArray[np.float64], values: NDArray[np.float64]
) -> None:
    """Barycentric interpolation inside one triangle, (3, 2) and (3,), within its bounding box."""
    x0, y0 = np.maximum(np.ceil(corners.min(axis=0)), 0).astype(int)
    x1, y1 = np.minimum(np.floor(corners.max(axis=0)), BOX - 1).astype(int) + 1
    (ax, ay), (bx, by), (cx, cy) = corners.tolist()
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if x0 >= x1 or y0 >= y1 or abs(area) < 1e-3:
        return
    x, y = np.arange(x0, x1, dtype=np.float32) - ax, np.arange(y0, y1, dtype=np.float32)[:, None] - ay
    u = x * ((cy - ay) / area) - y * ((cx - ax) / area)
    v = y * ((bx - ax) / area) - x * ((by - ay) / area)
    inside = (u >= -1e-5) & (v >= -1e-5) & (u + v <= 1 + 1e-5)
    rise, slope = values[1] - values[0], values[2] - values[0]
    np.copyto(found[y0:y1, x0:x1], values[0] + u * rise + v * slope, where=inside, casting="same_kind")


def warped(pool: Pool, entry: int, transform: NDArray[np.float64]) -> NDArray[np.uint8]:
    """I'_j: an entry's crop in the box, bilinear, reflected at its border."""
    if pool.is_flipped(entry):
        # flipping the map costs nothing, flipping the picture a copy
        transform = transform * [-1, 1, 1] + np.outer(transform[:, 0] * (CROP - 1), [0, 0, 1])
    crop = pool.crops[entry % pool.rows]
    return cv2.warpAffine(
        crop, transform, (BOX, BOX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def window_corners(half: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], NDArray[np.float32]]:
    """Where every pixel's window begins and ends in a flat summed-area table, and its number of pixels."""
    pixel = np.arange(BOX)
    left, right = np.maximum(pixel - half, 0), np.minimum(pixel + half, BOX - 1) + 1
    top, bottom = np.maximum(pixel[:, None] - half, 0), np.minimum(pixel[:, None] + half, BOX - 1) + 1
    places = [row * (BOX + 1) + column for row in (bottom, top) for column in (right, left)]
    return places, ((right - left) * (bottom - top)).astype(np.float32)


def window_sums(marked: NDArray[np.bool_], places: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    """Count the marked pixels in every pixel's window."""
    table = cv2.integral(marked.view(np.uint8)).ravel()
    low_right, low_left, high_right, high_left = (table.take(place) for place in places)
    return (low_right - low_left - high_right + high_left).astype(np.float32)
