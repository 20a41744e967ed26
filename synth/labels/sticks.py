"""Drawing sticks with depth: for every pixel the number of the nearest and of the farthest stick that covers it."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def draw_sticks(
    sticks: NDArray, width: float, foreground: NDArray, background: NDArray
) -> None:  # pragma: no cover
    """Draw the sticks of N maps.

    A stick is the set of points within half its width of a segment; it covers a pixel whose centre is one
    of them. Its depth there is that of the segment's point nearest to the centre. Of equal depths the stick
    of the lowest number is drawn, in both maps.

    Parameters
    ----------
    sticks : (N, B, 2, 3) float64
        Start and end of the sticks: x, y in pixels of the map, and a nearness that is linear along the
        segment (1/z under perspective). A stick with a number that is not finite is left out.
    width : float
        Pixels.
    foreground, background : (N, S, S) uint8
        Zero on entry. Number of the stick of greatest and of least nearness, from 1; 0 where there is none.
    """
    size = foreground.shape[1]
    near, far = np.empty((size, size)), np.empty((size, size))
    for n in range(len(sticks)):
        for b in range(sticks.shape[1]):
            stick = sticks[n, b]
            total = stick[0, 0] + stick[0, 1] + stick[0, 2] + stick[1, 0] + stick[1, 1] + stick[1, 2]
            if np.isfinite(total):
                _draw(stick, 0.5 * width, b + 1, near, far, foreground[n], background[n])


@njit(cache=True)
def _draw(
    stick: NDArray,
    radius: float,
    number: int,
    near: NDArray,
    far: NDArray,
    foreground: NDArray,
    background: NDArray,
) -> None:  # pragma: no cover
    """Draw one stick into one pair of maps; `near` and `far` hold the nearness of what they show."""
    ax, ay, start = stick[0]
    dx, dy, end = stick[1, 0] - ax, stick[1, 1] - ay, stick[1, 2]
    square = dx * dx + dy * dy
    if square == 0.0:  # seen from its end: the end in front hides the rest
        start = max(start, end)
    low, high = min(ax, ax + dx) - radius, max(ax, ax + dx) + radius
    # all within the radius of the line through both ends lies between two parallels to it
    steep = abs(dy) > 1e-6
    slope = dx / dy if steep else 0.0
    reach = radius * np.sqrt(square) / abs(dy) if steep else np.inf
    first, last = _range(min(ay, ay + dy) - radius, max(ay, ay + dy) + radius, near.shape[0])
    for y in range(first, last):
        middle = ax + (y - ay) * slope
        left, right = _range(max(low, middle - reach), min(high, middle + reach), near.shape[1])
        for x in range(left, right):
            distance, nearness = _nearest(x - ax, y - ay, dx, dy, square, start, end)
            if distance > radius * radius:
                continue
            empty = foreground[y, x] == 0
            if empty or nearness > near[y, x]:
                near[y, x] = nearness
                foreground[y, x] = number
            if empty or nearness < far[y, x]:
                far[y, x] = nearness
                background[y, x] = number


@njit(cache=True)
def _nearest(
    px: float, py: float, dx: float, dy: float, square: float, start: float, end: float
) -> tuple[float, float]:  # pragma: no cover
    """Squared distance of p from the segment 0 to d, whose squared length is given, and the nearness there."""
    along = px * dx + py * dy
    if along <= 0.0:
        return px * px + py * py, start
    if along >= square:  # the end's own nearness, so that sticks that share it agree to the last bit
        return (px - dx) ** 2 + (py - dy) ** 2, end
    share = along / square
    return (px - share * dx) ** 2 + (py - share * dy) ** 2, start + share * (end - start)


@njit(cache=True)
def _range(low: float, high: float, size: int) -> tuple[int, int]:  # pragma: no cover
    """First and one past the last pixel between two coordinates, a pixel more on each side for rounding."""
    first = int(np.floor(min(max(low, 0.0), float(size)))) - 1
    last = int(np.ceil(min(max(high, -1.0), size - 1.0))) + 2
    return max(first, 0), min(last, size)
