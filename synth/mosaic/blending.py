"""Pose-aware blending, Eq. 6, 8 and 9: histograms of the index map about each pixel, and the weighted sum."""

from __future__ import annotations

import numpy as np
from numba import njit

from synth.cameras import BOX, CROP
from synth.mosaic.probability import NO_SOURCE
from synth.native import add_bilinear, prefetch, trailing_zeros

_PIXEL = 2.0**32
_CHUNK = 20
"""Pixels of a row that are blended together; divides 220."""

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


@njit(cache=True, error_model="numpy")
def sum_histograms_of_row(label, y, table):  # type: ignore[no-untyped-def]
    """Add one row to the summed-area table of the labels' indicator functions, four 16-bit counts to a word.

    Parameters
    ----------
    label : (220, 220) uint8
        Index map, labels 0 to 15.
    y : int
        The row; those above are done.
    table : (221 * 221 * 4,) uint64
        As if of shape (221, 221, 4): `table[y + 1, x, w]` is filled with the numbers of pixels in rows 0 to y and
        left of x with labels 4w to 4w + 3, the first in the lowest bits. The first row and column stay 0. No
        count overflows: 220^2 < 2^16.
    """
    none, one, two, three, four = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    row = np.uint64(4 * (BOX + 1))
    r0 = r1 = r2 = r3 = none
    here = np.uint64(y + 1) * row + four
    for x in range(BOX):
        s = np.uint64(label[y, x])
        unit = np.uint64(1) << (np.uint64(16) * (s & three))
        word = s >> two
        r0 += unit if word == none else none
        r1 += unit if word == one else none
        r2 += unit if word == two else none
        r3 += unit if word == three else none
        table[here] = table[here - row] + r0
        table[here + one] = table[here + one - row] + r1
        table[here + two] = table[here + two - row] + r2
        table[here + three] = table[here + three - row] + r3
        here += four


@njit(cache=True, error_model="numpy")
def fixed_point(to_crop):  # type: ignore[no-untyped-def]
    """Affine maps (S, 2, 3) float64 in units of 2^-32 pixel, int64, as `blend` takes them."""
    return np.rint(to_crop * _PIXEL).astype(np.int64)


@njit(cache=True, error_model="numpy")
def blend(label, table, half, squared, pixels, bases, to_crop, image):  # type: ignore[no-untyped-def]
    """Sum the sources, weighted by their share of each pixel's window (Eq. 8 and 9).

    Works along short stretches of each row, one source after the other.

    Parameters
    ----------
    label : (220, 220) uint8
        Index map, complete.
    table : (221 * 221 * 4,) uint64
        Scratch for `sum_histograms_of_row`; its first row and column are 0.
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
    total = np.empty(4 * BOX, np.int32)
    share = np.empty(BOX, np.float32)
    corners = np.empty((4, BOX), np.uint64)
    reach = np.int64(half[squared.max()])
    summed = 0
    for y in range(BOX):
        # Rows are summed just before the first window that needs them, while they are in the cache.
        while summed < min(y + reach + 1, BOX):
            sum_histograms_of_row(label, summed, table)
            summed += 1
        total[:] = 0
        for start in range(0, BOX, _CHUNK):
            stop = start + _CHUNK
            h = _window_corners(half, squared, y, start, stop, corners, share)
            _blend_chunk(table, pixels, bases, to_crop, y, start, stop, h, corners, total)
        for x in range(BOX):
            for c in range(3):
                image[y, x, c] = np.uint8(np.int32(np.float32(total[4 * x + c]) * share[x] + np.float32(0.5)))


@njit(cache=True, error_model="numpy", inline="always")
def _window_corners(half, squared, y, start, stop, corners, share):  # type: ignore[no-untyped-def]
    """Find the corners of the windows of pixels start to stop of row y; returns their greatest half size.

    Fills, by pixel, the table's places at the lower right, upper left, upper right and lower left corner, and
    1 / (64 * pixels of the window).
    """
    row, four, zero, most = np.uint64(4 * (BOX + 1)), np.uint64(4), np.uint64(0), 0
    for x in range(start, stop):
        h = np.int64(half[np.uint64(squared[y, x])])
        most = max(most, h)
        top, bottom = max(y - h, 0), min(y + h, BOX - 1) + 1
        left, right = max(x - h, 0), min(x + h, BOX - 1) + 1
        share[x] = np.float32(1 / 64) / np.float32((bottom - top) * (right - left))
        above, below = np.uint64(top) * row, np.uint64(bottom) * row
        at = np.uint64(x)
        corners[zero, at] = below + np.uint64(right) * four
        corners[np.uint64(1), at] = above + np.uint64(left) * four
        corners[np.uint64(2), at] = above + np.uint64(right) * four
        corners[np.uint64(3), at] = below + np.uint64(left) * four
    return most


@njit(cache=True, error_model="numpy", inline="always")
def _blend_chunk(table, pixels, bases, to_crop, y, start, stop, h, corners, total):  # type: ignore[no-untyped-def]
    """Add all sources to a stretch of one row whose windows have half sizes of at most h."""
    row = np.uint64(4 * (BOX + 1))
    four, sixteen, low = np.uint64(4), np.uint64(16), np.uint64(0xFFFF)
    top, bottom = np.uint64(max(y - h, 0)) * row, np.uint64(min(y + h, BOX - 1) + 1) * row
    first, last = np.uint64(max(start - h, 0)) * four, np.uint64(min(stop - 1 + h, BOX - 1) + 1) * four
    for word in range(np.uint64((bases.shape[0] + 3) // 4)):
        # Labels in the union of the windows. Sums of packed counts are linear: what borrows in between
        # cancels in the end.
        present = (
            table[bottom + last + word]
            + table[top + first + word]
            - table[top + last + word]
            - table[bottom + first + word]
        )
        while present != np.uint64(0):
            place = trailing_zeros(present) & ~np.uint64(15)
            present &= ~(low << place)
            s = word * four + place // sixteen
            _add_source(table, word, place, corners, pixels, bases[s], to_crop, s, y, start, stop, total)


@njit(cache=True, error_model="numpy", inline="always")
def _add_source(table, word, place, corners, pixels, base, to_crop, s, y, start, stop, total):  # type: ignore[no-untyped-def]
    """Add one source to a stretch of one row, each pixel weighted by the source's count in its window."""
    zero, one, two, three = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    four, low = np.uint64(4), np.uint64(0xFFFF)
    step_x, step_y = to_crop[s, zero, 0], to_crop[s, one, 0]
    cx = step_x * start + to_crop[s, zero, 1] * y + to_crop[s, zero, 2]
    cy = step_y * start + to_crop[s, one, 1] * y + to_crop[s, one, 2]
    beyond = stop - start - 1
    inside = (
        _is_inside(cx)
        and _is_inside(cy)
        and _is_inside(cx + step_x * beyond)
        and _is_inside(cy + step_y * beyond)
    )
    for x in range(np.uint64(start), np.uint64(stop)):
        counts = (
            table[corners[zero, x] + word]
            + table[corners[one, x] + word]
            - table[corners[two, x] + word]
            - table[corners[three, x] + word]
        )
        count = np.int32((counts >> place) & low)
        if count != 0:
            if inside:
                # One pixel in four will do: the rows before and behind ask for what lies between.
                if (x ^ np.uint64(y)) & np.uint64(3) == zero:
                    ahead_x, ahead_y = cx + _AHEAD * to_crop[s, zero, 1], cy + _AHEAD * to_crop[s, one, 1]
                    prefetch(pixels, base + np.uint64((ahead_y >> 32) * (3 * CROP) + (ahead_x >> 32) * 3))
                _add_sample(total, np.int64(four * x), pixels, base, cx, cy, count)
            else:
                _add_sample(total, np.int64(four * x), pixels, base, _reflect(cx), _reflect(cy), count)
        cx += step_x
        cy += step_y


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


@njit(cache=True, error_model="numpy", inline="always")
def _add_sample(total, place, pixels, base, cx, cy, weight):  # type: ignore[no-untyped-def]
    """Add `weight` times 64 times the bilinear sample at (cx, cy), inside the crop, to three sums.

    Parameters
    ----------
    total, place
        Sums and the first of the three.
    pixels : (P,) uint8
        All crops.
    base : uint64
        Where the crop begins.
    cx, cy : int64
        Place in the crop in units of 2^-32 pixel.
    weight : int32
        Factor.
    """
    fraction = np.int64(2**32 - 1)
    above = base + np.uint64((cy >> 32) * (3 * CROP) + (cx >> 32) * 3)
    fx, fy = np.int32((cx & fraction) >> 19), np.int32((cy & fraction) >> 19)
    add_bilinear(total, place, pixels, above, above + np.uint64(3 * CROP), fx, fy, weight)
