"""From matches to pictures: the aligned sources of each query, their index map and their blend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.cameras import BOX, CROP
from synth.errors import InputError
from synth.matching import Alignment, alignment_transforms
from synth.mosaic.blending import blend, empty_table, fill_uncovered, fixed_point
from synth.mosaic.distance import half_sizes, rasterise_skeleton, squared_distances
from synth.mosaic.probability import index_map, vertex_probabilities
from synth.pool import Pool
from synth.skeletons import BODY13

_CORNERS = np.array([[0, 0], [CROP - 1, 0], [0, CROP - 1], [CROP - 1, CROP - 1]], dtype=np.float64)


@dataclass(frozen=True)
class BlendOptions:
    """The numbers of Eq. 5-8.

    Parameters
    ----------
    alpha, beta : float
        R = alpha + beta d (Eq. 7), pixels and pixels per pixel; the paper's 6 and 0.25.
    sigma : float
        Width of the vertex probabilities, pixels; the paper doesn't give it.
    window : {"side", "half"}
        Whether R is the side of the square or half of it.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    alpha: float = 6.0
    beta: float = 0.25
    sigma: float = 15.0
    window: Literal["side", "half"] = "side"

    def __post_init__(self) -> None:
        if not (0 <= self.alpha < np.inf and 0 <= self.beta < np.inf):
            raise InputError(f"alpha and beta must be finite and 0 or more, got {self.alpha} and {self.beta}")
        if not 0 < self.sigma < np.inf:
            raise InputError(f"sigma must be finite and more than 0 pixels, got {self.sigma}")
        if self.window not in ("side", "half"):
            raise InputError(f"window must be 'side' or 'half', got {self.window!r}")


@dataclass(frozen=True)
class Layers:
    """The sources of N queries, aligned: one for each of the 13 joints, used where `used`.

    Parameters
    ----------
    used : (N, 13) bool
        Joints that have a source.
    entries : (N, 13) int32
        Pool entries, -1 where not used.
    transforms : (N, 13, 2, 3) float64
        T of Eq. 2: pixels of the entry's crop to box pixels.
    to_crop : (N, 13, 2, 3) float64
        Box pixels to pixels of the stored, unmirrored crop.
    vertices : (N, 13, 17, 2) float64
        Aligned joints q' and crop corners, box pixels.
    probabilities : (N, 13, 17) float64
        Value at each vertex, 0 at corners.
    """

    used: NDArray[np.bool_]
    entries: NDArray[np.int32]
    transforms: NDArray[np.float64]
    to_crop: NDArray[np.float64]
    vertices: NDArray[np.float64]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True)
class Mosaic:
    """One finished picture.

    Parameters
    ----------
    image : (220, 220, 3) uint8
        RGB.
    source : (220, 220) uint8
        Number of the source that is the most probable (Eq. 5), uncovered pixels filled.
    joints : (S,) intp
        The joint that each source was matched for.
    squared_distance : (220, 220) int32
        To the rasterised skeleton; d of Eq. 7 squared.
    coverage : float
        Share of the pixels that a source's photograph reaches.
    """

    image: NDArray[np.uint8]
    source: NDArray[np.uint8]
    joints: NDArray[np.intp]
    squared_distance: NDArray[np.int32]
    coverage: float

    @property
    def index(self) -> NDArray[np.intp]:
        """Index map of Eq. 5: the joint whose source is the most probable at each pixel, (220, 220)."""
        return self.joints[self.source]


def align_sources(
    pool: Pool,
    queries: NDArray[np.floating],
    entries: NDArray[np.int32],
    neighbours: NDArray[np.intp],
    alignment: Alignment,
    sigma: float,
) -> Layers:
    """Align the chosen entry of every joint with its query.

    Parameters
    ----------
    pool : Pool
        Where entries come from.
    queries : (N, 13, 2) float
        Box pixels.
    entries : (N, 13) int32
        Chosen pool entry of each joint, -1 where there is none.
    neighbours : (N, 13) intp
        The joint i that aligned each joint j.
    alignment : {"rigid", "similarity"}
        As in matching.
    sigma : float
        Pixels.
    """
    queries = np.asarray(queries, dtype=np.float64)
    used = entries >= 0
    n, j = np.nonzero(used)
    chosen = entries[n, j]
    poses = pool.joints[chosen].astype(np.float64)
    transforms = alignment_transforms(queries[n], poses, j, neighbours[n, j], alignment)
    points = np.concatenate([poses, np.broadcast_to(_CORNERS, (len(chosen), 4, 2))], axis=1)
    aligned = points @ transforms[:, :, :2].swapaxes(1, 2) + transforms[:, None, :, 2]
    probabilities = np.zeros((len(chosen), 17))
    probabilities[:, :13] = vertex_probabilities(queries[n], aligned[:, :13], sigma)
    to_crop = _inverse(transforms)
    flipped = chosen >= pool.rows
    to_crop[flipped, 0] *= -1
    to_crop[flipped, 0, 2] += CROP - 1

    def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
        whole = np.zeros((*used.shape, *values.shape[1:]))
        whole[n, j] = values
        return whole

    return Layers(used, entries, spread(transforms), spread(to_crop), spread(aligned), spread(probabilities))


def _inverse(transforms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse of affine maps (L, 2, 3)."""
    linear = np.linalg.inv(transforms[:, :, :2])
    return np.concatenate([linear, -(linear @ transforms[:, :, 2:])], axis=-1)


class Composer:
    """Makes mosaics from aligned sources; holds the buffers that one picture after the other is made in.

    Parameters
    ----------
    pool : Pool
        Crops, valid rectangles and triangles of the entries.
    options : BlendOptions
        The numbers of Eq. 5-8.

    Raises
    ------
    InputError
        If the pool's crops have another size.
    """

    def __init__(self, pool: Pool, options: BlendOptions) -> None:
        if pool.crops.shape[1:] != (CROP, CROP, 3):
            raise InputError(
                f"image pool {pool.path} has crops of {pool.crops.shape[1:]}, expected {(CROP, CROP, 3)}"
            )
        self._rows = pool.rows
        self._sources = (pool.triangles, pool.valid, pool.crops.reshape(-1))
        self._constants = (
            half_sizes(options.alpha, options.beta, options.window),
            BODY13.bone_indices.astype(np.int64),
            np.arange(BOX, dtype=np.float32),
        )
        self._buffers = (
            np.empty(BOX * BOX, np.int32),
            np.empty((BOX, BOX), np.bool_),
            np.empty((BOX, BOX), np.int32),
            empty_table(),
        )

    def compose(self, query: NDArray[np.floating], layers: Layers, n: int) -> Mosaic:
        """Make the picture of query n.

        Parameters
        ----------
        query : (13, 2) float
            Box pixels.
        layers : Layers
            From `align_sources`.
        n : int
            Row of `layers`.

        Raises
        ------
        InputError
            If no joint has a source.
        """
        joints = np.flatnonzero(layers.used[n])
        if not len(joints):
            raise InputError("no joint of the query has a match in the image pool")
        label = np.empty((BOX, BOX), np.uint8)
        squared = np.empty((BOX, BOX), np.int32)
        image = np.empty((BOX, BOX, 3), np.uint8)
        entries = layers.entries[n, joints]
        empty = _picture(
            np.asarray(query, dtype=np.float64),
            joints,
            (layers.vertices[n, joints], layers.probabilities[n, joints], layers.to_crop[n, joints]),
            (entries, entries % self._rows),
            self._sources,
            self._constants,
            self._buffers,
            (label, squared, image),
        )
        return Mosaic(image, label, joints, squared, 1 - empty / BOX**2)


@njit(cache=True, error_model="numpy", nogil=True)
def _picture(query, joints, layers, chosen, sources, constants, buffers, results):  # type: ignore[no-untyped-def]
    """All stages of one picture; returns the number of pixels that no photograph reaches.

    One call, because handing a dozen arrays to a kernel costs as much as some of the kernels.
    """
    vertices, probabilities, to_crop = layers
    entries, rows = chosen
    triangles, valid, pixels = sources
    half, bones, ramp = constants
    best, mask, columns, table = buffers
    label, squared, image = results
    count = joints.shape[0]
    own_triangles = np.empty((count, triangles.shape[1], 3), np.int8)
    own_valid = np.empty((count, 4), np.float32)
    bases = np.empty(count, np.uint64)
    for s in range(count):
        # element by element: assigning a row is compiled together with the text of its error messages
        for triangle in range(triangles.shape[1]):
            for corner in range(3):
                own_triangles[s, triangle, corner] = triangles[entries[s], triangle, corner]
        for side in range(4):
            own_valid[s, side] = valid[rows[s], side]
        bases[s] = np.uint64(rows[s]) * np.uint64(CROP * CROP * 3)
    empty = index_map(vertices, probabilities, own_triangles, to_crop, own_valid, ramp, best, label)
    if empty:
        fill_uncovered(label, query, joints)
    rasterise_skeleton(query, bones, mask)
    squared_distances(mask, columns, squared)
    blend(label, table, half, squared, pixels, bases, fixed_point(to_crop), image)
    return empty
