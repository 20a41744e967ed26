"""Pose-aware blending, Eq. 6, 8 and 9: histograms of the index map about each pixel, and the weighted sum."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.cameras import BOX, CROP
from synth.mosaic.probability import NO_SOURCE
from synth.mosaic.vectors import add_bilinear, sum_indicators, window_counts
from synth.native import prefetch, trailing_zeros

_PIXEL = 2.0**32
_LABELS = np.uint64(16)
_TABLE_ROW = np.uint64(16 * (BOX + 1))

_AHEAD = 8
"""Rows of the picture by which crop pixels are fetched ahead: crops lie all over the memory."""


@njit(cache=True, error_model="numpy")
def fill_uncovered(label, joints, anchors):  # type: ignore[no-untyped-def]
    """Give pixels without a source to that of the nearest searched joint; `anchors` (S,) are their joints."""
    for y in range(BOX):
        for x in range(BOX):
            if label[y, x] != NO_SOURCE:
                continue
            nearest = np.inf
            for s in range(anchors.shape[0]):
                dx, dy = joints[anchors[s], 0] - x, joints[anchors[s], 1] - y
                distance = dx * dx + dy * dy
                if distance < nearest:
                    nearest = distance
                    label[y, x] = s


def empty_table() -> NDArray[np.uint16]:
    """Summed-area table of the indicator functions of 16 labels, (221 * 221 * 16,); its first row and column stay 0.

    No count overflows: 220^2 < 2^16.
    """
    return np.zeros((BOX + 1) * (BOX + 1) * 16, np.uint16)


@njit(cache=True, error_model="numpy")
def fixed_point(to_crop):  # type: ignore[no-untyped-def]
    """Affine maps (S, 2, 3) float64 in units of 2^-32 pixel, int64, as `blend` takes them."""
    return np.rint(to_crop * _PIXEL).astype(np.int64)


@njit(cache=True, error_model="numpy")
def blend(label, table, half, squared, pixels, bases, to_crop, image):  # type: ignore[no-untyped-def]
    """Sum the sources, weighted by their share of each pixel's window (Eq. 8 and 9).

    Parameters
    ----------
    label : (220, 220) uint8
        Index map, complete.
    table : (221 * 221 * 16,) uint16
        Scratch from `empty_table`.
    half : (…,) uint8
        Half size of the window by squared distance, from `half_sizes`.
    squared : (220, 220) int32
        From `squared_distances`.
    pixels : (P,) uint8
        All crops, flat.
    bases : (S,) uint64
        Where each source's crop begins in `pixels`.
    to_crop : (S, 2, 3) int64
        From box pixels to pixels of the stored crop, from `fixed_point`.
    image : (220, 220, 3) uint8
        Filled.
    """
    labels, flat = label.reshape(-1), image.reshape(-1)
    present = np.zeros(BOX + 1, np.uint64)
    counts = np.empty(BOX * 16, np.uint16)
    share = np.empty(BOX, np.float32)
    sizes, corners = np.empty(BOX, np.int32), np.empty(4 * BOX, np.int32)
    total = np.empty(BOX * 4, np.int32)
    starts = np.empty(bases.shape[0], np.int64)
    reach = np.int64(half[squared.max()])
    side, one, three, four = np.uint64(BOX), np.uint64(1), np.uint64(3), np.uint64(4)
    summed = np.uint64(0)
    for y in range(BOX):
        # Rows are summed just before the first window that needs them, while they are in the cache.
        while summed < np.uint64(min(y + reach + 1, BOX)):
            here = (summed + one) * _TABLE_ROW + _LABELS
            sum_indicators(labels, summed * side, side, table, here - _TABLE_ROW, here)
            summed += one
        _count_row(table, half, squared, y, sizes, corners, counts, present, share)
        for n in range(four * side):
            total[n] = 0
        _sample_row(pixels, bases, to_crop, y, starts, counts, present, total)
        place = np.uint64(y) * three * side
        for x in range(side):
            for c in range(three):
                value = np.float32(total[four * x + c]) * share[x] + np.float32(0.5)
                flat[place + three * x + c] = np.uint8(np.int32(value))


@njit(cache=True, error_model="numpy")
def _count_row(table, half, squared, y, sizes, corners, counts, present, share):  # type: ignore[no-untyped-def]
    """Count the labels in the windows of row y.

    Fills, by pixel, 16 counts, the labels that occur as bits, and 1 / (32 * pixels of the window). `sizes` (220,)
    and `corners` (4 * 220,), both int32, are scratch.
    """
    row, side, two, three = np.uint64(y), np.uint64(BOX), np.uint64(2), np.uint64(3)
    for x in range(side):
        sizes[x] = half[np.uint64(squared[row, x])]
    # In a loop of its own and with 32 bits, for eight pixels at once.
    zero, most, one, middle = np.int32(0), np.int32(BOX), np.int32(1), np.int32(y)
    step, sixteen = np.int32(_TABLE_ROW), np.int32(_LABELS)
    for x in range(side):
        h, column = sizes[x], np.int32(x)
        top, bottom = max(middle - h, zero), min(middle + h + one, most)
        left, right = max(column - h, zero), min(column + h + one, most)
        share[x] = np.float32(1 / 32) / np.float32((bottom - top) * (right - left))
        corners[x] = bottom * step + right * sixteen
        corners[side + x] = top * step + left * sixteen
        corners[two * side + x] = top * step + right * sixteen
        corners[three * side + x] = bottom * step + left * sixteen
    for x in range(side):
        present[x] = window_counts(
            table,
            np.uint64(corners[x]),
            np.uint64(corners[side + x]),
            np.uint64(corners[two * side + x]),
            np.uint64(corners[three * side + x]),
            counts,
            x * _LABELS,
        )


@njit(cache=True, error_model="numpy")
def _sample_row(pixels, bases, to_crop, y, starts, counts, present, total):  # type: ignore[no-untyped-def]
    """Add to the sums of row y each source's samples, weighted by its count in the window.

    Each source is followed along the stretches where it occurs; `starts` (S,) holds where they began.
    """
    zero, one, three, below = np.uint64(0), np.uint64(1), np.uint64(3), np.uint64(3 * CROP)
    before = zero
    for x in range(np.uint64(BOX + 1)):
        changed = before ^ present[x]
        before = present[x]
        while changed != zero:
            s = trailing_zeros(changed)
            changed &= changed - one
            if (before >> s) & one:
                starts[s] = np.int64(x)
                continue
            first, beyond = starts[s], np.int64(x) - starts[s] - 1
            base, step_x, step_y = bases[s], to_crop[s, zero, 0], to_crop[s, one, 0]
            cx = step_x * first + to_crop[s, zero, 1] * y + to_crop[s, zero, 2]
            cy = step_y * first + to_crop[s, one, 1] * y + to_crop[s, one, 2]
            ahead_x, ahead_y = _AHEAD * to_crop[s, zero, 1], _AHEAD * to_crop[s, one, 1]
            ends = _is_inside(cx + step_x * beyond) and _is_inside(cy + step_y * beyond)
            inside = ends and _is_inside(cx) and _is_inside(cy)
            for n in range(np.uint64(first), x):
                if inside:
                    # One pixel in four will do: the rows before and behind ask for what lies between.
                    if (n ^ np.uint64(y)) & three == zero:
                        prefetch(pixels, base + _offset(cx + ahead_x, cy + ahead_y))
                    u, v = cx, cy
                else:
                    u, v = _reflect(cx), _reflect(cy)
                corner = base + _offset(u, v)
                weight = np.int32(counts[n * _LABELS + s])
                place = np.int64(n) * 4
                add_bilinear(total, place, pixels, corner, corner + below, _fraction(u), _fraction(v), weight)
                cx += step_x
                cy += step_y


@njit(cache=True, error_model="numpy", inline="always")
def _offset(cx, cy):  # type: ignore[no-untyped-def]
    """Where the pixel at or before a fixed-point place lies in a crop's bytes."""
    return np.uint64((cy >> 32) * (3 * CROP) + (cx >> 32) * 3)


@njit(cache=True, error_model="numpy", inline="always")
def _fraction(v):  # type: ignore[no-untyped-def]
    """Fraction of a fixed-point coordinate, in units of 2^-12."""
    return np.int32((v & np.int64(2**32 - 1)) >> 20)


@njit(cache=True, error_model="numpy", inline="always")
def _is_inside(v):  # type: ignore[no-untyped-def]
    """Whether a fixed-point coordinate is at or after the crop's first pixel and before its last."""
    return np.uint64(v) < np.uint64(CROP - 1) << np.uint64(32)


@njit(cache=True, error_model="numpy")
def _reflect(v):  # type: ignore[no-untyped-def]
    """Mirror a fixed-point coordinate at the crop's first and last pixel until it lies inside."""
    end = np.int64(CROP - 1) << 32
    v = abs(v) % (2 * end)
    # The last pixel itself is reached from the one before it.
    return min(2 * end - v if v > end else v, end - 1)
