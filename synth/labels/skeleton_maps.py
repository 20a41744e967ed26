"""Skeleton maps (DeepSkeleton, section 3.1-3.2): the bones as sticks, each pixel the number of one bone.

The foreground map shows at each pixel the bone nearest to the camera, the background map the farthest. A
stick is flat: all its points across the width have the depth of the bone's point in their middle, so the
order of depths is the order along the pixel's ray. Under perspective the inverse of the depth, not the
depth, is linear along the bone's image.

Map coordinates: pixel centres are integers, a map of S x S pixels reaches from -0.5 to S - 0.5. What lies
outside is cut off: a bone that leaves the crop is drawn up to its border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cameras import BOX
from synth.errors import InputError
from synth.labels.sticks import draw_sticks
from synth.skeletons import DEEPSKELETON16, H36M17

MAP_SIZE = 56
"""Side of the paper's maps in pixels."""
CROPS = (1.0, 1.25, 1.5)
WIDTHS = (1, 2, 3, 4, 5, 6)
"""Crop factors and stick widths (pixels of the map) of the 18 hypotheses; the paper's values are lost."""
NEAR = 0.1
"""Metres before the camera at which bones are cut off."""

DEEPSKELETON16_OF_H36M17 = H36M17.indices(DEEPSKELETON16.joints)
"""Positions in `H36M17` of the joints of `DEEPSKELETON16`."""

_BONES = DEEPSKELETON16.bone_indices


@dataclass(frozen=True)
class Crops:
    """Squares of N pictures that maps show.

    Parameters
    ----------
    left, top : (N,) float64
        Edges in pixels of the picture, whose own edges are at -0.5 and its side - 0.5.
    side : (N,) float64
        Pixels of the picture.
    """

    left: NDArray[np.float64]
    top: NDArray[np.float64]
    side: NDArray[np.float64]


@dataclass(frozen=True)
class SkeletonMaps:
    """Maps of N people.

    Parameters
    ----------
    foreground, background : (N, S, S) uint8
        Number of the nearest and of the farthest bone, 1 to 15; 0 where there is none. Bone b ends at joint
        b of `DEEPSKELETON16`. At equal depths, as at a joint, both maps show the bone of the lowest number.
    """

    foreground: NDArray[np.uint8]
    background: NDArray[np.uint8]


def crops_around(centres: ArrayLike, sides: ArrayLike, factor: float = 1.0) -> Crops:
    """Square crops around people: the rough size of the person, times a factor.

    Parameters
    ----------
    centres : (N, 2) float
        x, y of each person's middle, pixels.
    sides : (N,) or () float
        Side at factor 1, pixels.
    factor : float
        Crop factor; the greater, the smaller the person in the map.

    Raises
    ------
    InputError
        If the factor or a side is not positive and finite.
    """
    middle = np.asarray(centres, dtype=np.float64)
    side = np.broadcast_to(np.asarray(sides, dtype=np.float64) * factor, len(middle)).copy()
    if not (np.isfinite(side).all() and (side > 0).all()):
        raise InputError(f"crops of factor {factor} and sides {sides!r}: both must be positive numbers")
    return Crops(middle[:, 0] - side / 2.0, middle[:, 1] - side / 2.0, side)


def picture_crops(count: int, factor: float = 1.0, picture: int = BOX) -> Crops:
    """Crops about the middle of `count` square pictures of side `picture`; factor 1 is the whole picture."""
    return crops_around(np.full((count, 2), (picture - 1) / 2.0), float(picture), factor)


def project_bones(
    joints3d: ArrayLike, K: ArrayLike, crops: Crops, size: int = MAP_SIZE, near: float = NEAR
) -> NDArray[np.float64]:
    """Bones in map coordinates under perspective.

    Parameters
    ----------
    joints3d : (N, 16, 3) float
        Joints of `DEEPSKELETON16` in the camera frame, metres; NaN where not known.
    K : (N, 3, 3) float
        Intrinsics in pixels of the picture.
    crops : Crops
        N crops of the pictures.
    size : int
        Side S of the maps, pixels.
    near : float
        Depth in metres at which bones are cut off, positive: what is nearer isn't drawn.

    Returns
    -------
    (N, 15, 2, 3) float64
        x, y in pixels of the map and 1/z in 1/m of each bone's two ends; NaN for bones that aren't drawn.

    Raises
    ------
    InputError
        If `near` isn't positive.
    """
    if not near > 0:
        raise InputError(f"bones cannot be cut off {near} m before the camera: give a positive depth")
    joints = np.asarray(joints3d, dtype=np.float64)
    intrinsics = np.asarray(K, dtype=np.float64)[:, None]
    # joints are projected before bones are made of them: bones that share one have the very same depth there
    ends = _project(joints, intrinsics, crops, size)[:, _BONES]
    points = joints[:, _BONES]
    depth = points[..., 2]
    behind = ~(depth >= near)
    rows, bones, which = np.nonzero(behind & ~behind[..., ::-1])
    hidden, seen = points[rows, bones, which], points[rows, bones, 1 - which]
    share = (near - hidden[:, 2]) / (seen[:, 2] - hidden[:, 2])
    cut = hidden + share[:, None] * (seen - hidden)
    cut[:, 2] = np.where(np.isnan(share), np.nan, near)
    ends[behind.all(axis=-1)] = np.nan
    own = Crops(crops.left[rows], crops.top[rows], crops.side[rows])
    ends[rows, bones, which] = _project(cut[:, None], intrinsics[rows], own, size)[:, 0]
    return ends


def _project(
    points: NDArray[np.float64], intrinsics: NDArray[np.float64], crops: Crops, size: int
) -> NDArray[np.float64]:
    """Map coordinates and 1/z, (N, J, 3), of camera points (N, J, 3) under intrinsics (N, 1, 3, 3)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        nearness = 1.0 / points[..., 2:]
        pixels = (intrinsics @ (points * nearness)[..., None])[..., :2, 0]
    return np.concatenate([_to_map(pixels, crops, size), nearness], axis=-1)


def _to_map(pixels: NDArray[np.float64], crops: Crops, size: int) -> NDArray[np.float64]:
    """Map coordinates of pixels (N, J, 2) of the picture."""
    corner = np.stack([crops.left, crops.top], axis=-1)[:, None]
    return (pixels - corner) * size / crops.side[:, None, None] - 0.5


def flat_bones(
    joints2d: ArrayLike, depth: ArrayLike, crops: Crops, size: int = MAP_SIZE
) -> NDArray[np.float64]:
    """Bones in map coordinates without perspective, as for pseudo-3D poses, whose camera is weak-perspective.

    Parameters
    ----------
    joints2d : (N, 16, 2) float
        Joints of `DEEPSKELETON16`, pixels of the picture; NaN where not known.
    depth : (N, 16) float
        Their depths in any unit, greater is farther.
    crops : Crops
        N crops of the pictures.
    size : int
        Side S of the maps, pixels.

    Returns
    -------
    (N, 15, 2, 3) float64
        As `project_bones`, with the negative depth in place of 1/z: here it is linear along a bone's image.
    """
    pixels = _to_map(np.asarray(joints2d, dtype=np.float64), crops, size)
    nearness = -np.asarray(depth, dtype=np.float64)[..., None]
    return np.concatenate([pixels, nearness], axis=-1)[:, _BONES]


def draw_maps(bones: ArrayLike, size: int = MAP_SIZE, width: float = 3.0) -> SkeletonMaps:
    """Draw the foreground and background maps of bones.

    Parameters
    ----------
    bones : (N, 15, 2, 3) float
        From `project_bones` or `flat_bones`, made for the same `size`.
    size : int
        Side S of the maps, pixels.
    width : float
        Of the sticks, pixels of the map. Their ends are round.

    Raises
    ------
    InputError
        If the size is below 1 or the width isn't positive and finite.
    """
    if size < 1 or not 0 < width < np.inf:
        raise InputError(f"skeleton maps of size {size} and stick width {width}: both must be positive")
    sticks = np.ascontiguousarray(bones, dtype=np.float64)
    foreground = np.zeros((len(sticks), size, size), np.uint8)
    background = np.zeros_like(foreground)
    draw_sticks(sticks, float(width), foreground, background)
    return SkeletonMaps(foreground, background)


def mirror_maps(maps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mirror maps (..., S, S): columns reversed, bones of the left and right side swapped."""
    # bone b ends at joint b, so the joints' permutation is the bones' as well; 0, the root, stays
    return DEEPSKELETON16.mirror.astype(np.uint8)[maps[..., ::-1]]
