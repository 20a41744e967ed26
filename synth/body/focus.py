"""A lens: what is as near as the person is sharp, what is far behind is blurred."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.body.textures import linear_to_srgb

_LENS = 0.5
"""Blur of what is in focus, pixels."""

_ZERO, _ONE, _TWO, _THREE = (np.float32(n) for n in (0, 1, 2, 3))
_STEPS, _LAST = np.float32(1024), np.float32(4095)


def out_of_focus(
    linear: NDArray[np.float32], distance: NDArray[np.float32], focus: float, sigma: float
) -> NDArray[np.uint8]:
    """Blur what lies far behind the person, sharp where it is as near and more and more beyond; as sRGB bytes.

    What exceeds 0.7 is compressed towards 1, as the renderer does with the person.

    Parameters
    ----------
    linear : (H, W, 3) float32
        Linear colours.
    distance : (H, W) float32
        Metres.
    focus : float
        Distance that is in focus.
    sigma : float
        Blur of what is far behind, pixels.

    Returns
    -------
    (H, W, 3) uint8
    """
    far, picture = np.empty_like(distance), np.empty(linear.shape, np.uint8)
    _how_far(distance, np.float32(focus), far)
    blurred = cv2.GaussianBlur(far, (0, 0), sigma)
    # one ray a pixel leaves steps along edges, which a lens would not
    sharp, soft = cv2.GaussianBlur(linear, (0, 0), _LENS), cv2.GaussianBlur(linear, (0, 0), sigma)
    _mix(sharp, soft, blurred, _display_table(), picture)
    return picture


@njit(cache=True, error_model="numpy")
def _how_far(distance, focus, far):  # type: ignore[no-untyped-def]
    """Rise from 0 in focus to 1 at twice the distance, smoothly."""
    for y in range(np.uint64(far.shape[0])):
        for x in range(np.uint64(far.shape[1])):
            share = min(max((_ONE - focus / distance[y, x]) * _TWO, _ZERO), _ONE)
            far[y, x] = share * share * (_THREE - _TWO * share)


@njit(cache=True, error_model="numpy")
def _mix(sharp, soft, share, table, picture):  # type: ignore[no-untyped-def]
    """Go from the sharp to the soft picture by the share of each pixel, and encode."""
    for y in range(np.uint64(share.shape[0])):
        for x in range(np.uint64(share.shape[1])):
            for c in range(np.uint64(3)):
                value = sharp[y, x, c] + share[y, x] * (soft[y, x, c] - sharp[y, x, c])
                picture[y, x, c] = table[np.uint64(min(max(value, _ZERO) * _STEPS, _LAST))]


@lru_cache(maxsize=1)
def _display_table() -> NDArray[np.uint8]:
    x = (np.arange(4096) + 0.5) / 1024.0
    rolled = np.where(x < 0.7, x, 0.7 + 0.3 * (1 - np.exp(-(x - 0.7) / 0.3)))
    return np.rint(255 * linear_to_srgb(rolled)).astype(np.uint8)
