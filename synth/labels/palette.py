"""Colours of bone numbers: skeleton maps are stored as numbers and coloured on reading."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_COLOURS = (
    (0, 0, 0),  # no bone
    (128, 137, 0),  # neck
    (255, 255, 149),  # head
    (0, 0, 149),  # left shoulder
    (0, 106, 255),  # left upper arm
    (149, 255, 255),  # left forearm
    (145, 0, 105),  # right shoulder
    (255, 0, 0),  # right upper arm
    (255, 109, 105),  # right forearm
    (255, 255, 0),  # trunk
    (0, 148, 107),  # left hip
    (0, 255, 0),  # left thigh
    (0, 255, 255),  # left shank
    (106, 0, 255),  # right hip
    (255, 0, 255),  # right thigh
    (255, 149, 255),  # right shank
)

PALETTE = np.array(_COLOURS, dtype=np.uint8)
"""RGB of bone numbers 0 to 15, (16, 3): the bones of `DEEPSKELETON16`, named above by the part they draw.

The paper doesn't give its colours. Ours lie as far apart as 15 colours and black can in the RGB cube (any
two at least 148 grey levels), so that the colour a network regresses can be told; of these, cool ones went to
the left side, warm ones to the right, yellows to the middle.
"""
PALETTE.flags.writeable = False


def colour_maps(maps: ArrayLike) -> NDArray[np.uint8]:
    """Colour bone numbers.

    Parameters
    ----------
    maps : (...) integer
        Bone numbers, 0 to 15.

    Returns
    -------
    (..., 3) uint8
        RGB. Divided by 255, the three channels are the targets of DeepSkeleton's sigmoids.
    """
    return PALETTE[np.asarray(maps)]


def bones_of_colours(pictures: ArrayLike) -> NDArray[np.uint8]:
    """Bone numbers of the nearest colours: the inverse of `colour_maps`, also for a network's output.

    Parameters
    ----------
    pictures : (..., 3) float or integer
        RGB from 0 to 255.

    Returns
    -------
    (...) uint8
        The lowest of equally near numbers.
    """
    colours, palette = np.asarray(pictures, dtype=np.float64), PALETTE.astype(np.float64)
    # |c - p|^2 without |c|^2, which is the same for all p
    distance = (palette**2).sum(axis=1) - 2.0 * (colours @ palette.T)
    return distance.argmin(axis=-1).astype(np.uint8)
