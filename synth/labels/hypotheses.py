"""The (crop, width) pairs of DeepSkeleton's hypotheses: how maps of each lie in a store, and their reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.labels.palette import PALETTE, colour_maps
from synth.labels.skeleton_maps import (
    CROPS,
    DEEPSKELETON16_OF_H36M17,
    MAP_SIZE,
    WIDTHS,
    draw_maps,
    picture_crops,
    project_bones,
)
from synth.skeletons import DEEPSKELETON16
from synth.store.reader import Store
from synth.store.schema import ArraySpec
from synth.store.tables import Numbers, Table

MAPS_VERSION = 1
"""Raised whenever the same joints give other maps."""


@dataclass(frozen=True)
class Hypothesis:
    """One kind of map, from which DeepSkeleton regresses one 3D pose.

    Parameters
    ----------
    crop : float
        Crop factor: whole hundredths, more than 0.
    width : int
        Stick width in pixels of the map, 1 or more.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    crop: float = 1.0
    width: int = 3

    def __post_init__(self) -> None:
        percent = 100 * self.crop
        if not (0 < percent < np.inf and abs(percent - round(percent)) < 1e-6):
            raise InputError(
                f"crop factor {self.crop}: expected a positive number of hundredths, such as 1.25"
            )
        if self.width < 1:
            raise InputError(f"stick width {self.width}: expected 1 pixel or more")

    @property
    def name(self) -> str:
        """Name of its array, such as ``crop125_width3``."""
        return f"crop{round(100 * self.crop)}_width{self.width}"


def hypotheses(crops: Sequence[float] = CROPS, widths: Sequence[int] = WIDTHS) -> tuple[Hypothesis, ...]:
    """All pairs of crop factors and widths: the 18 of the paper without arguments."""
    return tuple(Hypothesis(crop, width) for crop, width in product(crops, widths))


def map_arrays(kinds: Sequence[Hypothesis], size: int = MAP_SIZE) -> tuple[ArraySpec, ...]:
    """Arrays of a pass of skeleton maps: one for each hypothesis, a chunk for each sample.

    Raises
    ------
    InputError
        If there is no hypothesis, or the size is below 1.
    """
    if not kinds:
        raise InputError("skeleton maps need at least one crop factor and one stick width")
    return tuple(
        ArraySpec(
            name=kind.name,
            dtype="uint8",
            inner_shape=(2, size, size),
            dims=("layer", "y", "x"),
            description="Skeleton maps: foreground, then background. Bone numbers 0 (none) to 15, see "
            f"tables/bones and tables/palette. Crop factor {kind.crop:g}, sticks {kind.width} px wide.",
            units="bone number",
            codec="zstd:5",
            sharded=True,
        )
        for kind in kinds
    )


def map_tables() -> dict[str, Table]:
    """Tables of a pass: what the bone numbers mean, and their colours."""
    spec = ArraySpec("palette", "uint8", (3,), ("rgb",), "Colour of each bone number.", "grey levels 0-255")
    bones = ["none", *(f"{start} - {end}" for start, end in DEEPSKELETON16.bones)]
    return {"bones": bones, "palette": Numbers(spec, "bone", PALETTE)}


def draw_hypotheses(
    joints3d: ArrayLike, K: ArrayLike, kinds: Sequence[Hypothesis], picture: int, size: int = MAP_SIZE
) -> dict[str, NDArray[np.uint8]]:
    """Draw the maps of people in the middle of square pictures, as in a store.

    Parameters
    ----------
    joints3d : (N, 17, 3) float
        Joints of `H36M17` in the camera frame, metres.
    K : (N, 3, 3) float
        Intrinsics in pixels of the picture.
    kinds : sequence of Hypothesis
        What to draw.
    picture : int
        Side of the pictures, pixels; crop factor 1 is the whole picture.
    size : int
        Side S of the maps, pixels.

    Returns
    -------
    dict of str to (N, 2, S, S) uint8
        Foreground and background bone numbers by `Hypothesis.name`.
    """
    joints = np.asarray(joints3d, dtype=np.float64)[:, DEEPSKELETON16_OF_H36M17]
    drawn = {}
    for kind in kinds:
        crops = picture_crops(len(joints), kind.crop, picture)
        maps = draw_maps(project_bones(joints, K, crops, size), size, kind.width)
        drawn[kind.name] = np.stack([maps.foreground, maps.background], axis=1)
    return drawn


def read_coloured_maps(maps: Store, kind: Hypothesis, ids: Sequence[int] | NDArray[Any]) -> NDArray[np.uint8]:
    """Coloured foreground and background maps of some samples.

    Parameters
    ----------
    maps : Store
        The label pass, opened by `open_store` (``STORE/labels/skeleton-maps``).
    kind : Hypothesis
        Which maps.
    ids : (K,) int
        Sample ids.

    Returns
    -------
    (K, 2, S, S, 3) uint8
        RGB; foreground, then background.
    """
    return colour_maps(maps.read(kind.name, ids))
