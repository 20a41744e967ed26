"""Rogez & Schmid's Eq. 1-9 in plain numpy float64, with this project's choices where the paper is silent.

Written to be read beside the equations and to be slow; nothing here comes from the code that it judges.
Poses are (13, 2) arrays, x and y in pixels, in the order of `BODY13`; pictures are (220, 220), rows
first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import Delaunay

from synth.skeletons import BODY13

SIDE = 220
LAST = 359

EDGES = BODY13.indices(
    joint
    for edge in (
        *(("right_hip", "right_knee"), ("right_knee", "right_ankle")),
        *(("left_hip", "left_knee"), ("left_knee", "left_ankle")),
        *(("right_shoulder", "right_elbow"), ("right_elbow", "right_wrist")),
        *(("left_shoulder", "left_elbow"), ("left_elbow", "left_wrist")),
        *(("right_shoulder", "left_shoulder"), ("right_hip", "left_hip")),
        *(("right_shoulder", "right_hip"), ("left_shoulder", "left_hip")),
        *(("head", "right_shoulder"), ("head", "left_shoulder")),
    )
    for joint in edge
).reshape(-1, 2)
"""The 14 connections along which poses are aligned and which are drawn as the skeleton."""

PIXELS = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), axis=-1).astype(np.float64)
"""x and y of every pixel centre of the box, (220, 220, 2)."""


# ---------------------------------------------------------------------------------------------- matching


def farthest_neighbour(p, j):
    """The directly connected joint i that is farthest from j in the query."""
    connected = sorted({int(b) for a, b in EDGES if a == j} | {int(a) for a, b in EDGES if b == j})
    return max(connected, key=lambda i: np.linalg.norm(p[i] - p[j]))


def weights(poses, labelled, j):
    """w_k^j = 1 / d(p_k, p_j), d at least 1 px, over the labelled k other than j; each row sums to 1."""
    distance = np.abs(poses - poses[..., j : j + 1])
    inverse = np.where(labelled & (np.arange(13) != j), 1 / np.maximum(distance, 1), 0)
    return inverse / np.maximum(inverse.sum(axis=-1, keepdims=True), 1e-300)


def turn(p, q, j, i, similarity):
    """T of Eq. 2 as complex factors (E,): q' = p_j + turn (q - q_j), points being x + iy."""
    ours, theirs = p[i] - p[j], q[:, i] - q[:, j]
    angle = np.angle(ours) - np.angle(theirs)
    return np.exp(1j * angle) * (np.abs(ours) / np.abs(theirs) if similarity else 1)


def costs(p, poses, labelled, j, similarity=False):
    """D_j(p, q) of Eq. 3 for every pose q; inf where j or i is unlabelled or the limb has no length."""
    i = farthest_neighbour(p, j)
    p, q = as_complex(p), as_complex(poses)
    usable = labelled[:, j] & labelled[:, i] & (q[:, i] != q[:, j]) & (p[i] != p[j])
    result = np.full(len(q), np.inf)
    q, labelled = q[usable], labelled[usable]
    aligned = p[j] + turn(p, q, j, i, similarity)[:, None] * (q - q[:, j : j + 1])
    distance = np.where(labelled, np.abs(p - aligned), 0)
    result[usable] = ((weights(p, labelled, j) + weights(q, labelled, j)) * distance).sum(axis=1)
    return result


def as_complex(points):
    """x + iy of points (..., 2)."""
    return np.asarray(points, np.float64) @ [1, 1j]


def best_matches(p, poses, labelled, j, k=1, similarity=False):
    """Eq. 4: ids and costs of the k best, lowest id first among equals; -1 and inf where there are fewer."""
    cost = costs(p, poses, labelled, j, similarity)
    order = np.argsort(cost, kind="stable")[:k]
    ids, best = np.full(k, -1), np.full(k, np.inf)
    ids[: len(order)], best[: len(order)] = np.where(np.isfinite(cost[order]), order, -1), cost[order]
    return ids, best


# ------------------------------------------------------------------------------------------------ mosaic


@dataclass(frozen=True)
class Source:
    """One chosen pool entry, aligned.

    Parameters
    ----------
    joint : int
        The joint that it was chosen for.
    scale, rotation, shift : float, (2, 2), (2,)
        From the entry's crop, as it is seen, to the box.
    crop : (360, 360, 3) uint8
        As it is seen.
    valid : (4,)
        x0, y0, x1, y1 of the photograph within the crop.
    vertices, values : (V, 2), (V,)
        Aligned labelled joints and crop corners, box pixels, and their probabilities.
    triangles : (T, 3)
        Delaunay triangles of the vertices.
    """

    joint: int
    scale: float
    rotation: np.ndarray
    shift: np.ndarray
    crop: np.ndarray
    valid: np.ndarray
    vertices: np.ndarray
    values: np.ndarray
    triangles: np.ndarray

    def crop_places(self, points):
        """Where box points (..., 2) come from in the crop."""
        return (points - self.shift) @ self.rotation / self.scale


def aligned_source(pool, p, j, entry, sigma, similarity=False):
    """Align an entry for joint j: Delaunay triangles of q', vertex values exp(-d(p_k, q'_k)^2 / sigma^2)."""
    p, q = np.asarray(p, np.float64), pool.joints[entry].astype(np.float64)
    factor = turn(as_complex(p), as_complex(q[None]), j, farthest_neighbour(p, j), similarity)[0]
    scale, rotation = (
        abs(factor),
        np.array([[factor.real, -factor.imag], [factor.imag, factor.real]]) / abs(factor),
    )
    shift = p[j] - scale * rotation @ q[j]
    corners = np.array([[0, 0], [LAST, 0], [0, LAST], [LAST, LAST]])
    # of two joints in one place only one can be a vertex: the pool's choice
    known = pool.labelled[entry] & np.isin(np.arange(13), pool.triangles[entry])
    aligned = scale * np.concatenate([q[known], corners]) @ rotation.T + shift
    distance = np.linalg.norm(p[known] - aligned[:-4], axis=1)
    values = np.concatenate([np.exp(-(distance**2) / sigma**2), np.zeros(4)])
    crop = pool.crops[entry % len(pool.crops)]
    return Source(
        joint=j,
        scale=float(scale),
        rotation=rotation,
        shift=shift,
        crop=crop[:, ::-1] if entry >= len(pool.crops) else crop,
        valid=pool.valid[entry].astype(np.float64),
        vertices=aligned,
        values=values,
        triangles=Delaunay(aligned).simplices,
    )


def aligned_sources(pool, p, entries, sigma, similarity=False):
    """Align the entries (13,) of all joints that have one."""
    return [
        aligned_source(pool, p, j, int(entry), sigma, similarity)
        for j, entry in enumerate(entries)
        if entry >= 0
    ]


def probability_map(source):
    """prob_j[u, v]: barycentric inside each triangle, NaN outside the crop or the photograph."""
    found = np.full((SIDE, SIDE), np.nan)
    for triangle in source.triangles:
        corners = np.concatenate([source.vertices[triangle], np.ones((3, 1))], axis=1)
        if abs(np.linalg.det(corners)) > 1e-9:
            (x0, y0), (x1, y1) = corners[:, :2].min(axis=0), corners[:, :2].max(axis=0)
            around = (
                slice(max(int(y0), 0), max(int(y1) + 2, 0)),
                slice(max(int(x0), 0), max(int(x1) + 2, 0)),
            )
            inverse = np.linalg.inv(corners)
            barycentric = PIXELS[around] @ inverse[:2] + inverse[2]
            inside = barycentric.min(axis=-1) >= -1e-9
            found[around][inside] = barycentric[inside] @ source.values[triangle]
    place = source.crop_places(PIXELS)
    x0, y0, x1, y1 = source.valid
    outside = (place[..., 0] < x0) | (place[..., 0] > x1) | (place[..., 1] < y0) | (place[..., 1] > y1)
    return np.where(outside, np.nan, found)


def index_map(sources, p):
    """Eq. 5: joint whose source is the most probable, the first of equals, and whether there is any.

    Pixels that no source covers take the source of the nearest searched joint.
    """
    maps = np.stack([probability_map(source) for source in sources])
    covered = ~np.isnan(maps).all(axis=0)
    best = np.where(np.isnan(maps), -np.inf, maps).argmax(axis=0)
    joints = np.array([source.joint for source in sources])
    distance = np.linalg.norm(PIXELS[None] - np.asarray(p, np.float64)[joints][:, None, None], axis=-1)
    return joints[np.where(covered, best, distance.argmin(axis=0))], covered, maps


def near_border(source, points, reach):
    """Whether points (N, 2) lie within `reach` px of an edge of a triangle or of the valid rectangle."""
    ends = np.concatenate([source.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    a, b = source.vertices[ends[:, 0]], source.vertices[ends[:, 1]]
    near = (segment_distances(points, a, b) <= reach).any(axis=1)
    x0, y0, x1, y1 = source.valid
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    rectangle = source.scale * corners @ source.rotation.T + source.shift
    border = segment_distances(points, rectangle, np.roll(rectangle, -1, axis=0))
    return near | (border <= reach).any(axis=1)


def segment_distances(points, a, b):
    """Distances (N, S) of points (N, 2) from segments a-b, (S, 2) each."""
    along = b - a
    squared = np.maximum((along**2).sum(axis=1), 1e-300)
    share = np.clip(((points[:, None] - a) * along).sum(axis=-1) / squared, 0, 1)
    return np.linalg.norm(points[:, None] - a - share[..., None] * along, axis=-1)


# ---------------------------------------------------------------------------------------------- blending


def skeleton_distance(p):
    """Distance of every pixel centre from the nearest bone, coordinates rounded to 1/256 px, (220, 220)."""
    joints = np.round(np.asarray(p, np.float64) * 256) / 256
    distance = segment_distances(PIXELS.reshape(-1, 2), joints[EDGES[:, 0]], joints[EDGES[:, 1]])
    return distance.min(axis=1).reshape(SIDE, SIDE)


def half_size(squared, alpha, beta, window):
    """Half size h of the window, 2h + 1 pixels; R = alpha + beta d (Eq. 7), h = floor(R / 2) or floor(R)."""
    size = alpha + beta * np.sqrt(squared)
    return np.floor(size / 2 if window == "side" else size).astype(int)


def blending_weights(index, half):
    """Eq. 8: share of each joint's label in each pixel's window, clipped at the border, (220, 220, 13)."""
    one_hot = (index[..., None] == np.arange(13)).astype(np.float64)
    histogram = np.zeros_like(one_hot)
    for h in np.unique(half):
        side = (2 * int(h) + 1,) * 2
        counts = cv2.boxFilter(one_hot, cv2.CV_64F, side, normalize=False, borderType=cv2.BORDER_CONSTANT)
        histogram[half == h] = counts[half == h]
    return histogram / histogram.sum(axis=-1, keepdims=True)


def warped(source):
    """I'_j: the crop seen through the alignment, bilinear, reflected at its first and last pixel, float64."""
    place = source.crop_places(PIXELS)
    place = LAST - np.abs(place % (2 * LAST) - LAST)
    first = np.minimum(np.floor(place).astype(int), LAST - 1)
    (x, y), (fx, fy) = np.moveaxis(first, -1, 0), np.moveaxis(place - first, -1, 0)[..., None]
    crop = source.crop.astype(np.float64)
    upper = (1 - fx) * crop[y, x] + fx * crop[y, x + 1]
    lower = (1 - fx) * crop[y + 1, x] + fx * crop[y + 1, x + 1]
    return (1 - fy) * upper + fy * lower


def blended(sources, index, half):
    """Eq. 9: M = sum_j w_j I'_j, float64, (220, 220, 3)."""
    weight = blending_weights(index, half)
    return sum(weight[..., source.joint, None] * warped(source) for source in sources)
