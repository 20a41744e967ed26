"""From samples to pixels: the picture over its background, and maps of depth, parts and coverage."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.body.mesh import Mesh
from synth.body.rasteriser import Samples
from synth.body.textures import DECODE, encoded

_ZERO, _HALF, _ONE = np.float32(0), np.float32(0.5), np.float32(1)
_TINY = np.float32(1e-6)

APRON = 8
"""Empty samples on both sides of a row, more than any filter reaches."""


def filter_taps(supersampling: int) -> NDArray[np.float32]:
    """Weights of samples along one axis, which sum to 1: a tent over twice a pixel's width, as soft as a lens.

    There are 2 s of them for s samples along a side of a pixel, or 2 s - 1 if s is odd.
    """
    s = supersampling
    count = 2 * s - s % 2
    away = np.abs(np.arange(count) - (count - 1) / 2.0) / s
    return ((1.0 - away) / (1.0 - away).sum()).astype(np.float32)


@njit(cache=True, error_model="numpy")
def average_row(colour, first, last, supersampling, taps, averaged):  # type: ignore[no-untyped-def]
    """Average one row of samples along itself.

    Parameters
    ----------
    colour : (s W + 2 `APRON`, 4) float32
        Linear RGB and 1 where something is seen, 0 elsewhere and in the apron at both ends.
    first, last : int
        Samples before and behind are empty; the whole row is if last < first.
    supersampling : int
        Samples along a side of a pixel, s.
    taps : (L,) float32
        Of `filter_taps`.
    averaged : (W, 4) float32
        Filled.
    """
    averaged[:] = _ZERO
    if last < first:
        return
    margin = (taps.shape[0] - supersampling) // 2
    low, high = reached(first, last, supersampling, taps, averaged.shape[0])
    for x in range(np.uint64(low), np.uint64(high + 1)):
        start = np.uint64(supersampling * np.int64(x) - margin + APRON)
        red = green = blue = covered = _ZERO
        for k in range(np.uint64(taps.shape[0])):
            weight, sample = taps[k], start + k
            red += weight * colour[sample, 0]
            green += weight * colour[sample, 1]
            blue += weight * colour[sample, 2]
            covered += weight * colour[sample, 3]
        averaged[x, 0], averaged[x, 1], averaged[x, 2], averaged[x, 3] = red, green, blue, covered


@njit(cache=True, error_model="numpy", inline="always")
def reached(low, high, supersampling, taps, count):  # type: ignore[no-untyped-def]
    """First and last of `count` pixels that samples from `low` to `high` reach."""
    margin = (taps.shape[0] - supersampling) // 2
    # the division rounds down, also below 0
    return max((low - margin) // supersampling, 0), min((high + margin) // supersampling, count - 1)


@njit(cache=True, error_model="numpy")
def compose_row(y, averaged, bounds, supersampling, taps, background, ground, image, coverage):  # type: ignore[no-untyped-def]
    """Average across the rows of samples about one row of pixels and lay them over the shadowed background.

    Parameters
    ----------
    y : int
        The row of pixels.
    averaged : (R + 1, W, 4) float32
        The last R rows of `average_row`: row n of the samples lies in `averaged[n % R]`, where R is a power of 2 and
        at least L. The last one is scratch.
    bounds : (4,) int64
        Of `Samples`; samples outside are empty.
    supersampling : int
        Samples along a side of a pixel, s.
    taps : (L,) float32
        Of `filter_taps`.
    background : (H, W, 3) uint8
        sRGB.
    ground : tuple
        `reach` and `shadowed` of `Ground`, and `key_share`.
    image : (H, W, 3) uint8
        Row y is filled, sRGB. Pixels without body or shadow are the background's, byte for byte.
    coverage : (H, W) uint8
        Row y is filled: share of the pixel that is covered, in 255ths.
    """
    reach, shadowed, key_share = ground
    total = averaged[averaged.shape[0] - 1]
    for x in range(image.shape[1]):
        # element by element: assigning a row is compiled together with the text of its error messages
        for c in range(3):
            image[y, x, c] = background[y, x, c]
        coverage[y, x] = 0
    first, last = reached(bounds[0], bounds[2], supersampling, taps, image.shape[1])
    top, bottom = reached(bounds[1], bounds[3], supersampling, taps, image.shape[0])
    if top <= y <= bottom and first <= last:
        _average_column(y, averaged, bounds, supersampling, taps, first, last, total)
    else:
        first, last = image.shape[1], -1
    dark, dark_end = max(shadowed[y, 0], 0), min(shadowed[y, 1], image.shape[1] - 1)
    for x in range(np.uint64(min(first, dark)), np.uint64(max(last, dark_end) + 1)):
        red = green = blue = covered = _ZERO
        if (first <= np.int64(x)) & (np.int64(x) <= last):
            red, green, blue, covered = total[x, 0], total[x, 1], total[x, 2], min(total[x, 3], _ONE)
        key, ambient = _ONE, _ONE
        if (dark <= np.int64(x)) & (np.int64(x) <= dark_end):
            key, ambient = reach[y, x, 0], reach[y, x, 1]
        if (covered == 0) & (key == 1) & (ambient == 1):
            continue
        coverage[y, x] = np.uint8(np.int64(covered * np.float32(255) + _HALF))
        for c, seen in enumerate((red, green, blue)):
            share = ambient + key_share[c] * (key - ambient)
            image[y, x, c] = encoded(seen + (_ONE - covered) * DECODE[background[y, x, c]] * share)


@njit(cache=True, error_model="numpy", inline="always")
def _average_column(y, averaged, bounds, supersampling, taps, first, last, total):  # type: ignore[no-untyped-def]
    """Fill `total` (W, 4) from column `first` to `last` with the weighted sum of the rows about a row of pixels."""
    start = supersampling * y - (taps.shape[0] - supersampling) // 2
    total[first : last + 1] = _ZERO
    for k in range(taps.shape[0]):
        row, weight = start + k, taps[k]
        if bounds[1] <= row <= bounds[3]:
            source = averaged[row & (averaged.shape[0] - 2)]
            for x in range(np.uint64(first), np.uint64(last + 1)):
                for c in range(np.uint64(4)):
                    total[x, c] += weight * source[x, c]


@njit(cache=True, error_model="numpy")
def key_share(light):  # type: ignore[no-untyped-def]
    """Share of the key light, per colour, in what a level ground without shadow receives."""
    slant = light[0, 0] * light[1, 0] + light[0, 1] * light[1, 1] + light[0, 2] * light[1, 2]
    red, green, blue = light[2, 0] * slant, light[2, 1] * slant, light[2, 2] * slant
    return (
        max(red, _ZERO) / max(red + light[3, 0], _TINY),
        max(green, _ZERO) / max(green + light[3, 1], _TINY),
        max(blue, _ZERO) / max(blue + light[3, 2], _TINY),
    )


def depth_map(samples: Samples) -> NDArray[np.float32]:
    """Depth of the nearest surface within each pixel.

    Parameters
    ----------
    samples : Samples
        Rasterised.

    Returns
    -------
    (H, W) float32
        Metres along the optical axis, the least of the pixel's samples; infinite where none is covered.
    """
    s = samples.supersampling
    nearest = samples.inverse_depth[::s, ::s].copy()
    for row in range(s):
        for column in range(s):
            np.maximum(nearest, samples.inverse_depth[row::s, column::s], out=nearest)
    with np.errstate(divide="ignore"):
        return np.float32(1) / nearest


def part_map(samples: Samples, mesh: Mesh) -> NDArray[np.uint8]:
    """Body part seen at each pixel.

    Parameters
    ----------
    samples : Samples
        Rasterised.
    mesh : Mesh
        The mesh that was.

    Returns
    -------
    (H, W) uint8
        The part, or 0 for the background, that most of the pixel's samples show; among equally frequent
        ones the nearest, the background last.
    """
    s = samples.supersampling
    height, width = samples.triangle.shape
    parts = np.zeros((height // s, width // s), np.uint8)
    _vote(samples.triangle, samples.inverse_depth, mesh.part, s, parts)
    return parts


@njit(cache=True, error_model="numpy")
def _vote(triangle, inverse_depth, part, s, parts):  # type: ignore[no-untyped-def]
    """Fill `parts` (H, W) with the most frequent part among each pixel's samples."""
    votes, nearest = np.zeros(256, np.int64), np.zeros(256, np.float32)
    for y in range(parts.shape[0]):
        for x in range(parts.shape[1]):
            best = 0
            for sample in range(s * s):
                row, column = y * s + sample // s, x * s + sample % s
                number = triangle[row, column]
                seen = np.int64(part[number]) if number >= 0 else 0
                votes[seen] += 1
                nearest[seen] = max(nearest[seen], inverse_depth[row, column])
                ahead = votes[seen] - votes[best]
                if ahead > 0 or (ahead == 0 and nearest[seen] > nearest[best]):
                    best = seen
            parts[y, x] = best
            for sample in range(s * s):
                number = triangle[y * s + sample // s, x * s + sample % s]
                seen = np.int64(part[number]) if number >= 0 else 0
                votes[seen], nearest[seen] = 0, 0
