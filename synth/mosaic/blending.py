"""Pose-aware blending, Eq. 6-9: windows from the distance to the pose, histograms, the weighted sum."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from synth.cameras import BOX, CROP
from synth.mosaic.probability import NO_SOURCE
from synth.native import add_bilinear, prefetch, trailing_zeros

_SUBPIXEL = 256.0
_PIXEL = 2.0**32
_AHEAD = 4
"""Rows of the picture by which crop pixels are fetched ahead: crops lie all over the memory."""


@njit(cache=True, error_model="numpy")
def rasterise_skeleton(joints, bones, mask):  # type: ignore[no-untyped-def]
    """Mark the pixels whose centre lies within half a pixel of a bone.

    Coordinates are first rounded to 1/256 px, so that the result mirrors exactly under x -> 219 - x.

    Parameters
    ----------
    joints : (13, 2) float64
        Box pixels; joints may lie outside the box.
    bones : (B, 2) int64
        Pairs of joints.
    mask : (220, 220) bool
        Filled.
    """
    mask[:] = False
    for b in range(bones.shape[0]):
        ax = np.rint(joints[bones[b, 0], 0] * _SUBPIXEL) / _SUBPIXEL
        ay = np.rint(joints[bones[b, 0], 1] * _SUBPIXEL) / _SUBPIXEL
        bx = np.rint(joints[bones[b, 1], 0] * _SUBPIXEL) / _SUBPIXEL
        by = np.rint(joints[bones[b, 1], 1] * _SUBPIXEL) / _SUBPIXEL
        dx, dy = bx - ax, by - ay
        squared = dx * dx + dy * dy
        for y in range(max(0, int(min(ay, by) - 1)), min(BOX - 1, int(max(ay, by) + 1)) + 1):
            low, high = _near_row(ax, ay, dx, dy, squared, y)
            for x in range(max(0, low), min(BOX - 1, high) + 1):
                px, py = x - ax, y - ay
                along = px * dx + py * dy
                along = 0.0 if along < 0 else (squared if along > squared else along)
                # |p - a - t d|^2 <= 1/4 with t = along / squared, times squared^2.
                ex, ey = px * squared - along * dx, py * squared - along * dy
                if (
                    ex * ex + ey * ey <= 0.25 * squared * squared
                    if squared > 0
                    else px * px + py * py <= 0.25
                ):
                    mask[y, x] = True


@njit(cache=True, error_model="numpy")
def _near_row(ax, ay, dx, dy, squared, y):  # type: ignore[no-untyped-def]
    """Columns of row y that may lie within half a pixel of the bone a + t d."""
    if abs(dy) < 1e-9:
        return math.floor(min(ax, ax + dx) - 1), math.ceil(max(ax, ax + dx) + 1)
    # Within half a pixel of the line means within that many columns of where it crosses the row.
    reach = 0.5 * math.sqrt(squared) / abs(dy) + 1
    centre = ax + (y - ay) * dx / dy
    low = max(min(ax, ax + dx) - 1, centre - reach)
    high = min(max(ax, ax + dx) + 1, centre + reach)
    return math.floor(low), math.ceil(high)


@njit(cache=True, error_model="numpy")
def squared_distances(mask, columns, squared):  # type: ignore[no-untyped-def]
    """Exact squared Euclidean distance transform, by columns and then by lower envelopes of rows.

    Parameters
    ----------
    mask : (220, 220) bool
        The rasterised skeleton.
    columns : (220, 220) int32
        Scratch.
    squared : (220, 220) int32
        Filled with the squared distance to the nearest marked pixel; 2 * 220^2 where nothing is marked.
    """
    far = np.int32(BOX)
    reciprocal = np.empty(BOX)
    for k in range(1, BOX):
        reciprocal[k] = 0.5 / k
    for x in range(BOX):
        columns[0, x] = np.int32(0) if mask[0, x] else far
    for y in range(1, BOX):
        for x in range(BOX):
            columns[y, x] = np.int32(0) if mask[y, x] else np.int32(min(columns[y - 1, x] + 1, far))
    for y in range(BOX - 2, -1, -1):
        for x in range(BOX):
            columns[y, x] = min(columns[y, x], np.int32(columns[y + 1, x] + 1))
    vertex = np.empty(BOX, np.int64)
    height = np.empty(BOX, np.int64)
    start = np.empty(BOX + 1, np.int64)
    for y in range(BOX):
        top = -1
        for x in range(BOX):
            g = np.int64(columns[y, x])
            if g >= far:
                continue
            g = g * g
            begin = 0
            while top >= 0:
                u = vertex[top]
                # Where the parabola of x falls below that of u; where both are equal, either will do.
                begin = np.int64(math.floor((x * x - u * u + g - height[top]) * reciprocal[x - u])) + 1
                if begin > start[top]:
                    break
                top -= 1
                begin = 0
            if begin < BOX:
                top += 1
                vertex[top], height[top], start[top] = x, g, max(begin, 0)
        if top < 0:
            squared[y, :] = np.int32(2 * BOX * BOX)
            continue
        start[top + 1] = BOX
        row = np.uint64(y)
        for k in range(top + 1):
            u, g = vertex[k], height[k]
            centre, lift = np.int32(u), np.int32(g)
            for x in range(np.uint64(start[k]), np.uint64(start[k + 1])):
                away = np.int32(x) - centre
                squared[row, x] = away * away + lift


def half_sizes(alpha: float, beta: float, window: str):  # type: ignore[no-untyped-def]
    """Half size h of the window (2h + 1)^2 for every squared distance, Eq. 7: R = alpha + beta d.

    Parameters
    ----------
    alpha, beta : float
        Pixels; pixels per pixel.
    window : {"side", "half"}
        Whether R is the side of the square (h = floor(R / 2)) or half of it (h = floor(R)).

    Returns
    -------
    (2 * 220^2 + 1,) uint8
    """
    size = alpha + beta * np.sqrt(np.arange(2 * BOX * BOX + 1))
    return np.minimum(np.floor(size / 2 if window == "side" else size), BOX).astype(np.uint8)


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
def summed_histograms(label, table):  # type: ignore[no-untyped-def]
    """Summed-area table of the labels' indicator functions, four 16-bit counts to a word.

    Parameters
    ----------
    label : (220, 220) uint8
        Index map, labels 0 to 15.
    table : (221 * 221 * 4,) uint64
        Filled, as if of shape (221, 221, 4): `table[y, x, w]` holds the numbers of pixels above y and left of
        x with labels 4w to 4w + 3, the first in the lowest bits. The first row and column stay 0. No count
        overflows: 220^2 < 2^16.
    """
    none, one, two, three, four = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    row = np.uint64(4 * (BOX + 1))
    for y in range(BOX):
        r0 = r1 = r2 = r3 = none
        here = np.uint64(y + 1) * row + four
        for x in range(BOX):
            s = np.uint64(label[y, x])
            unit = np.uint64(1) << (np.uint64(16) * (s & np.uint64(3)))
            word = s >> np.uint64(2)
            r0 += unit if word == 0 else none
            r1 += unit if word == 1 else none
            r2 += unit if word == 2 else none
            r3 += unit if word == 3 else none
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
def blend(table, half, squared, pixels, bases, to_crop, image):  # type: ignore[no-untyped-def]
    """Sum the sources, weighted by their share of each pixel's window (Eq. 8 and 9).

    Works along runs of pixels that have the same window size, one source after the other.

    Parameters
    ----------
    table : (221 * 221 * 4,) uint64
        From `summed_histograms`.
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
    for y in range(BOX):
        total[:] = 0
        start = 0
        while start < BOX:
            h = half[np.uint64(squared[y, start])]
            stop = start + 1
            while stop < BOX and half[np.uint64(squared[y, stop])] == h:
                stop += 1
            _blend_run(table, pixels, bases, to_crop, y, start, stop, np.int64(h), total)
            _window_shares(y, start, stop, np.int64(h), share)
            start = stop
        for x in range(BOX):
            for c in range(3):
                image[y, x, c] = np.uint8(np.int32(np.float32(total[4 * x + c]) * share[x] + np.float32(0.5)))


@njit(cache=True, error_model="numpy", inline="always")
def _window_shares(y, start, stop, h, share):  # type: ignore[no-untyped-def]
    """Fill 1 / (64 * pixels of the window, clipped to the box) for a run of pixels of one row."""
    rows = min(y + h, BOX - 1) - max(y - h, 0) + 1
    inside = np.float32(1 / 64) / np.float32(rows * (2 * h + 1))
    for x in range(start, stop):
        columns = min(x + h, BOX - 1) - max(x - h, 0) + 1
        share[x] = inside if columns == 2 * h + 1 else np.float32(1 / 64) / np.float32(rows * columns)


@njit(cache=True, error_model="numpy", inline="always")
def _blend_run(table, pixels, bases, to_crop, y, start, stop, h, total):  # type: ignore[no-untyped-def]
    """Add all sources to a run of pixels of one row whose windows have half size h."""
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
            _add_source(
                table,
                top + word,
                bottom + word,
                place,
                pixels,
                bases[s],
                to_crop,
                s,
                y,
                start,
                stop,
                h,
                total,
            )


@njit(cache=True, error_model="numpy", inline="always")
def _add_source(  # type: ignore[no-untyped-def]
    table, top, bottom, place, pixels, base, to_crop, s, y, start, stop, h, total
):
    """Add one source to a run of pixels, each weighted by the source's count in the pixel's window.

    `top` and `bottom` are the places in the table of the windows' first and last row, at the source's word.
    """
    zero, one, four, low = np.uint64(0), np.uint64(1), np.uint64(4), np.uint64(0xFFFF)
    step_x, step_y = to_crop[s, zero, 0], to_crop[s, one, 0]
    cx = step_x * start + to_crop[s, zero, 1] * y + to_crop[s, zero, 2]
    cy = step_y * start + to_crop[s, one, 1] * y + to_crop[s, one, 2]
    inside = (
        _is_inside(cx)
        and _is_inside(cy)
        and _is_inside(cx + step_x * (stop - 1 - start))
        and _is_inside(cy + step_y * (stop - 1 - start))
    )
    for x in range(start, stop):
        left, right = np.uint64(max(x - h, 0)) * four, np.uint64(min(x + h, BOX - 1) + 1) * four
        counts = table[bottom + right] + table[top + left] - table[top + right] - table[bottom + left]
        count = np.int32((counts >> place) & low)
        if count != 0:
            if inside:
                ahead_x, ahead_y = cx + _AHEAD * to_crop[s, zero, 1], cy + _AHEAD * to_crop[s, one, 1]
                prefetch(pixels, base + np.uint64((ahead_y >> 32) * (3 * CROP) + (ahead_x >> 32) * 3))
                _add_sample(total, 4 * x, pixels, base, cx, cy, count)
            else:
                _add_sample(total, 4 * x, pixels, base, _reflect(cx), _reflect(cy), count)
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
