"""Soft labels over a grid of cells for the 2D joints (Park et al., section 3.1, Eq. 1-2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.labels.targets.common import inside_picture, known_joints

GRID = 16
"""Cells along each side of the picture."""
EPSILON = 1e-4
"""Added to distances, in cell widths, so that a joint in the middle of a cell has a label."""

_LEAST = 1.0 - 1e-9
"""A cell one width away, but for rounding, isn't nearer than one width."""


def soft_grid_labels(
    joints2d: ArrayLike, side: float, labelled: ArrayLike | None = None, grid: int = GRID
) -> NDArray[np.float32]:
    """Probabilities of each joint's cells: inversely proportional to the distance of their centres.

    The cells whose centre is nearer than one cell width have a share: one (a joint in the middle of its cell, or
    in a corner of the picture) to four. The paper's formula has no epsilon; see `EPSILON`.

    Parameters
    ----------
    joints2d : (N, J, 2) float
        x, y in pixels of a square picture.
    side : float
        Side of the picture, pixels.
    labelled : (N, J) bool, optional
        Which joints are known; by default those that are finite.
    grid : int
        Cells along each side.

    Returns
    -------
    (N, J, grid, grid) float32
        Row (y), column (x). The cells of a joint add up to 1; all are 0 where it isn't labelled or lies
        outside the picture, so that its cross entropy is 0.
    """
    joints = np.asarray(joints2d, dtype=np.float64)
    usable = known_joints(joints, labelled) & inside_picture(joints, side)
    # cell coordinates: the centre of cell c is at c
    place = np.where(usable[..., None], (joints + 0.5) * (grid / side) - 0.5, 0.0)
    squares = (place[..., None] - np.arange(grid)) ** 2
    distance = np.sqrt(squares[..., 1, :, None] + squares[..., 0, None, :])
    weight = np.where((distance < _LEAST) & usable[..., None, None], 1.0 / (distance + EPSILON), 0.0)
    total = weight.sum(axis=(-2, -1), keepdims=True)
    return np.divide(weight, total, out=weight, where=total > 0).astype(np.float32)


def joints_of_soft_grid(probabilities: ArrayLike, side: float) -> NDArray[np.float64]:
    """Joints of labels or of a network's probabilities: the mean over the best 2 x 2 cells.

    All cells of a label lie in one such square. The paper has no inverse, and there is no exact one: a label
    of two cells fixes only the ratio of two distances. Between the outermost cell centres the error is at
    most 0.21 cell widths; nearer to the picture's edge at most 0.5 in x and in y.

    Parameters
    ----------
    probabilities : (N, J, G, G) float
        Not negative; G at least 2.
    side : float
        Side of the picture, pixels.

    Returns
    -------
    (N, J, 2) float64
        Pixels; NaN where all probabilities are 0.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    grid = p.shape[-1]
    squares = np.stack([p[..., :-1, :-1], p[..., :-1, 1:], p[..., 1:, :-1], p[..., 1:, 1:]], axis=-1)
    flat = squares.reshape(*p.shape[:-2], (grid - 1) ** 2, 4)
    best = flat.sum(axis=-1).argmax(axis=-1)
    cells = np.take_along_axis(flat, best[..., None, None], axis=-2)[..., 0, :]
    total = cells.sum(axis=-1)
    share = np.divide(cells, total[..., None], out=np.full_like(cells, np.nan), where=total[..., None] > 0)
    row, column = np.divmod(best, grid - 1)
    place = np.stack([column + share[..., 1] + share[..., 3], row + share[..., 2] + share[..., 3]], axis=-1)
    return (place + 0.5) * (side / grid) - 0.5
