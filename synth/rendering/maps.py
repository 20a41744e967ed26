"""Maps of a rendered picture that a store may hold beside it: depth, body parts, foreground."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import PARTS
from synth.body.mesh import Mesh
from synth.body.rasteriser import Samples
from synth.body.resolve import depth_map, part_map
from synth.cameras import BOX
from synth.errors import InputError
from synth.store.schema import ArraySpec

_BOX = (BOX, BOX)
_DIMS = ("y", "x")

MAPS = {
    "depth": ArraySpec(
        "depth", "float32", _BOX, _DIMS, "depth of the person's nearest surface in each pixel, along the "
        "optical axis; infinite where there is background", "m", math.inf, "zstd:1", sharded=True,
    ),
    "parts": ArraySpec(
        "parts", "uint8", _BOX, _DIMS, "part of the body, clothes counting as what they cover, that most of "
        "the pixel shows: row of tables/parts, 0 is background", "", 0, "zstd:1", sharded=True,
    ),
    "mask": ArraySpec(
        "mask", "uint8", _BOX, _DIMS, "share of the pixel that the person covers, shadows not counted",
        "255ths", 0, "zstd:1", sharded=True,
    ),
}  # fmt: skip
"""Optional arrays by name."""


def check_maps(names: tuple[str, ...]) -> None:
    """Make sure that optional arrays are known and named once.

    Raises
    ------
    InputError
        One isn't.
    """
    for name in names:
        if name not in MAPS:
            raise InputError(f"there is no array {name!r} to add; choose from {', '.join(MAPS)}")
    if len(set(names)) < len(names):
        raise InputError(f"arrays {', '.join(names)}: each once")


def rendered_maps(
    names: tuple[str, ...], samples: Samples, mesh: Mesh, coverage: NDArray[np.uint8]
) -> dict[str, NDArray[Any]]:
    """Take maps (220, 220) of the picture last rendered, by name.

    Parameters
    ----------
    names : tuple of str
        Of `MAPS`.
    samples : Samples
        What was seen.
    mesh : Mesh
        What was rendered.
    coverage : (220, 220) uint8
        Share of each pixel that it covers, in 255ths.
    """
    makers: dict[str, Callable[[], NDArray[Any]]] = {
        "depth": lambda: depth_map(samples),
        "parts": lambda: part_map(samples, mesh),
        "mask": lambda: coverage,
    }
    return {name: makers[name]() for name in names}


def map_tables(names: tuple[str, ...]) -> dict[str, list[str]]:
    """Tables that the maps point into."""
    return {"parts": list(PARTS)} if "parts" in names else {}
