"""All tiles of walls, floors, furniture and foliage in one array, at several sizes."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.body import tiles
from synth.body.tiles import TILE, Tile

MATERIALS = MappingProxyType(
    {
        **{
            make.__name__: make
            for make in (
                tiles.plaster,
                tiles.concrete,
                tiles.asphalt,
                tiles.carpet,
                tiles.patterned_rug,
                tiles.striped_wallpaper,
                tiles.flowered_wallpaper,
                tiles.planks,
                tiles.wood,
                tiles.floor_tiles,
                tiles.checkered_tiles,
                tiles.paving,
                tiles.sand,
                tiles.snow,
                tiles.soil,
                tiles.lawn,
                tiles.gravel,
                tiles.bricks,
                tiles.curtain,
                tiles.cloth,
                tiles.bookshelf,
                tiles.panelled_door,
                tiles.window,
                tiles.facade,
                tiles.office,
                tiles.hedge,
                tiles.tree,
                tiles.bush,
                tiles.fence,
                tiles.shutter,
                tiles.court,
            )
        },
        **{f"picture_{name}": tiles.framed(name) for name in tiles.PICTURES},
    }
)
"""Maker of each tile by name; the order is the order of tiles in the atlas."""

VARIANTS = 2
"""Tiles of every material in the atlas."""

LEVELS = 6
"""Sizes of every tile in the atlas: 256, 128, … 8."""


_NUMBERS = MappingProxyType({name: number for number, name in enumerate(MATERIALS)})


def material_index(name: str, variant: int) -> int:
    """Find the number of a tile in the atlas."""
    return _NUMBERS[name] * VARIANTS + variant


@lru_cache(maxsize=1)
def atlas() -> NDArray[np.uint8]:
    """All tiles at all sizes.

    Returns
    -------
    (M, P, 4) uint8
        M tiles; the pixels of the largest picture first, row by row, then of the picture half its size, and
        so on.
    """
    tiles = [
        _levels(make(np.random.default_rng([index, variant])))
        for index, make in enumerate(MATERIALS.values())
        for variant in range(VARIANTS)
    ]
    return np.stack(tiles)


def _levels(tile: Tile) -> NDArray[np.uint8]:
    sizes = [TILE >> level for level in range(LEVELS)]
    pictures = [cv2.resize(tile, (n, n), interpolation=cv2.INTER_AREA) for n in sizes]
    return np.concatenate([picture.reshape(-1, 4) for picture in pictures])
