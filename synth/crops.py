"""One person's crop: the similarity from photograph to crop, its pixels, and the part that is photograph."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

STEPS_PER_PIXEL = 4096
"""Coordinates in a crop are multiples of 1/4096 px, so that x -> 359 - x is exact in float32."""

_UNFILTERED_SCALE = 0.9
"""Above this scale the low-pass filter would be narrower than a quarter of a pixel."""

_CUBIC_REACH = 2


def on_grid(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Crop coordinates rounded to the grid on which mirroring loses nothing."""
    return (np.rint(values * STEPS_PER_PIXEL) / STEPS_PER_PIXEL).astype(np.float32)


def centred_transforms(
    joints: NDArray[np.floating], labelled: NDArray[np.bool_], scale: NDArray[np.floating], size: int
) -> NDArray[np.float64]:
    """Similarities that bring the middle of each pose's bounding box to the middle of its crop.

    Parameters
    ----------
    joints : (N, J, 2) float
        Photograph pixels.
    labelled : (N, J) bool
        At least one joint in each row.
    scale : (N,) float
        Crop pixels per photograph pixel.
    size : int
        Side of the crop, pixels; its middle is at (size - 1) / 2.

    Returns
    -------
    (N, 2, 3) float64
        `crop = A[:, :2] @ photograph + A[:, 2]`; pixel centres are integers on both sides.
    """
    mask = labelled[..., None]
    low = np.where(mask, joints, np.inf).min(axis=1)
    high = np.where(mask, joints, -np.inf).max(axis=1)
    transforms = np.zeros((len(joints), 2, 3))
    transforms[:, 0, 0] = transforms[:, 1, 1] = scale
    transforms[:, :, 2] = (size - 1) / 2 - scale[:, None] * (low + high) / 2
    return transforms


def to_crop(transforms: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Photograph points (N, J, 2) in the crops of (N, 2, 3) transforms, on the crop's grid, (N, J, 2)."""
    moved = np.einsum("nij,nkj->nki", transforms[:, :, :2], points) + transforms[:, None, :, 2]
    return on_grid(moved)


def valid_rectangle(
    transform: NDArray[np.float64], width: int, height: int, size: int
) -> NDArray[np.float32]:
    """Part of a crop that shows the photograph.

    Parameters
    ----------
    transform : (2, 3) float64
        Photograph to crop.
    width, height : int
        Size of the photograph, pixels.
    size : int
        Side of the crop, pixels.

    Returns
    -------
    (4,) float32
        x0, y0, x1, y1 in crop pixels: the photograph's outermost pixel centres, clipped to the crop's own.
        A point is valid when x0 <= x <= x1 and y0 <= y <= y1.
    """
    ends = np.array([[[0.0, 0.0], [width - 1.0, height - 1.0]]])
    return np.clip(to_crop(transform[None], ends)[0], 0, size - 1).astype(np.float32).ravel()


def warp_crop(photograph: NDArray[np.uint8], transform: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Pixels of a crop, interpolated once (bicubic), reflected where the photograph ends.

    A reduced photograph is low-passed first, so that its fine detail doesn't alias: a Gaussian of
    `0.5 sqrt(1 / scale^2 - 1)` px takes a point spread of half a pixel to half a *crop* pixel.

    Parameters
    ----------
    photograph : (H, W, 3) uint8
        RGB.
    transform : (2, 3) float64
        Photograph to crop: scale and translation.
    size : int
        Side of the crop, pixels.

    Returns
    -------
    (size, size, 3) uint8
        RGB.
    """
    scale = float(transform[0, 0])
    sigma = 0.5 * np.sqrt(max(1 / scale**2 - 1, 0.0)) if scale < _UNFILTERED_SCALE else 0.0
    reach = _CUBIC_REACH + int(np.ceil(4 * sigma))
    first = np.floor(-transform[:, 2] / scale).astype(int) - reach
    last = np.ceil((size - 1 - transform[:, 2]) / scale).astype(int) + reach
    columns = _reflected(np.arange(first[0], last[0] + 1), photograph.shape[1])
    rows = _reflected(np.arange(first[1], last[1] + 1), photograph.shape[0])
    seen = photograph.take(rows, axis=0).take(columns, axis=1)
    if sigma > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), sigma)
    shifted = transform + np.concatenate([np.zeros((2, 2)), scale * first[:, None]], axis=1)
    return cv2.warpAffine(seen, shifted, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _reflected(positions: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Positions brought into 0 ... length - 1 by reflection about the outermost pixels, as often as needed.

    OpenCV's bicubic warp reflects once only: farther out it repeats the last pixel.
    """
    period = max(2 * (length - 1), 1)
    return (length - 1) - np.abs(positions % period - (length - 1))
