"""Boxes that scenes are built of, their colours, and furniture as groups of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.body.materials import VARIANTS, material_index
from synth.body.raycast import CUTOUT, SOLID

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """One box of a scene: corners in metres, kind, tile names across x, y, z, metres a tile, linear tint."""

    low: Sequence[float]
    high: Sequence[float]
    kind: int
    tiles: tuple[str, str, str]
    repeat: float
    tint: Vector


def tint_of(rng: np.random.Generator, *colours: tuple[float, float, float], spread: float = 0.1) -> Vector:
    """One of some sRGB-like factors (0 … 1.2), varied, in linear light."""
    chosen = colours[rng.integers(len(colours))]
    bright, *tinge = rng.standard_normal(4).tolist()
    # plain numbers: numpy takes longer for three of them
    factors = (c * (1 + spread * bright) * (1 + 0.015 * z) for c, z in zip(chosen, tinge, strict=True))
    return np.array([min(max(factor, 0.05), 1.15) ** 2.2 for factor in factors])


WALL_COLOURS = (
    *((1.0, 1.0, 1.0), (1.0, 0.98, 0.92), (0.9, 0.92, 0.94), (0.86, 0.9, 0.84), (0.8, 0.86, 0.92)),
    *((0.95, 0.87, 0.74), (0.72, 0.76, 0.8), (0.93, 0.84, 0.8), (0.6, 0.64, 0.62), (0.45, 0.52, 0.6)),
)
FURNITURE_COLOURS = (
    *((0.9, 0.88, 0.85), (0.5, 0.5, 0.52), (0.35, 0.4, 0.48), (0.6, 0.5, 0.42), (0.4, 0.46, 0.4)),
    *((0.7, 0.42, 0.34), (0.8, 0.7, 0.5), (0.3, 0.28, 0.28)),
)
WOOD_COLOURS = ((1.0, 1.0, 1.0), (0.7, 0.68, 0.66), (1.15, 1.12, 1.05), (0.55, 0.48, 0.44))


Part = tuple[tuple[float, float, float, float, float], tuple[str, str, str], int, Vector]
"""One box of a piece of furniture: from and to along the wall, bottom, top and depth, tiles, kind, tint."""


def door(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Panelled door."""
    tint = tint_of(rng, (1.0, 1.0, 1.0), (0.62, 0.48, 0.38), (0.75, 0.78, 0.8))
    return 0.95, [((0.0, 0.95, 0.0, 2.08, 0.04), ("panelled_door",) * 3, SOLID, tint)]


def window(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Window, with or without curtains."""
    width, bottom = rng.uniform(0.9, 1.8), rng.uniform(0.7, 1.0)
    top = min(bottom + rng.uniform(1.1, 1.6), height - 0.15)
    # a window is brighter than what the room's light makes of it
    parts: list[Part] = [((0.3, 0.3 + width, bottom, top, 0.03), ("window",) * 3, SOLID, np.full(3, 1.9))]
    if rng.random() < 0.6:
        tint = tint_of(rng, *FURNITURE_COLOURS)
        for start in (0.0, 0.3 + width - 0.15):
            parts += [((start, start + 0.45, 0.05, height - 0.12, 0.09), ("curtain",) * 3, SOLID, tint)]
    return width + 0.6, parts


def picture(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Framed photograph."""
    width, middle = rng.uniform(0.35, 0.9), rng.uniform(1.45, 1.7)
    tall = width * rng.uniform(0.7, 1.3) / 2
    name = "picture_" + str(rng.choice(["china", "flower", "coffee", "rocket", "chelsea"]))
    tint = np.full(3, rng.uniform(0.6, 0.9))
    return width, [((0.0, width, middle - tall, middle + tall, 0.03), (name,) * 3, SOLID, tint)]


def shelf(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Bookshelf."""
    width, tint = rng.uniform(0.8, 1.6), tint_of(rng, (0.9, 0.9, 0.9), (0.75, 0.7, 0.65))
    top = min(rng.uniform(1.1, 2.1), height - 0.1)
    return width, [((0.0, width, 0.0, top, 0.32), ("bookshelf", "wood", "bookshelf"), SOLID, tint)]


def cupboard(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Sideboard or wardrobe."""
    width, top = rng.uniform(0.6, 1.5), min(rng.choice([0.8, 1.2, 2.0]), height - 0.1)
    return width, [
        ((0.0, width, 0.0, top, rng.uniform(0.4, 0.6)), ("wood",) * 3, SOLID, tint_of(rng, *WOOD_COLOURS))
    ]


def sofa(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Sofa with arms."""
    width, tint, fabric = rng.uniform(1.3, 2.1), tint_of(rng, *FURNITURE_COLOURS), ("cloth",) * 3
    parts: list[Part] = [
        ((0.0, width, 0.08, 0.43, 0.85), fabric, SOLID, tint),
        ((0.0, width, 0.4, 0.82, 0.25), fabric, SOLID, tint * 0.95),
        ((0.0, 0.18, 0.05, 0.62, 0.85), fabric, SOLID, tint),
        ((width - 0.18, width, 0.05, 0.62, 0.85), fabric, SOLID, tint),
    ]
    return width, parts


def table(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Table on two legs."""
    width, depth, top = rng.uniform(0.9, 1.6), rng.uniform(0.5, 0.8), rng.uniform(0.7, 0.78)
    tint, tiles = tint_of(rng, *WOOD_COLOURS), ("wood",) * 3
    parts: list[Part] = [((0.0, width, top - 0.04, top, depth), tiles, SOLID, tint)]
    for start in (0.03, width - 0.09):
        parts += [((start, start + 0.06, 0.0, top - 0.04, depth - 0.05), tiles, SOLID, tint * 0.9)]
    return width, parts


def plant(rng: np.random.Generator, height: float) -> tuple[float, list[Part]]:
    """Plant in a pot."""
    top = rng.uniform(0.9, 1.6)
    pot = tint_of(rng, (0.9, 0.9, 0.9), (0.65, 0.42, 0.32), (0.3, 0.3, 0.32))
    parts: list[Part] = [
        ((0.25, 0.55, 0.0, 0.32, 0.4), ("concrete",) * 3, SOLID, pot),
        ((0.0, 0.8, 0.25, top, 0.25), ("bush",) * 3, CUTOUT, tint_of(rng, (0.9, 1.0, 0.85))),
    ]
    return 0.8, parts


FURNISHINGS = (door, window, window, picture, picture, shelf, cupboard, sofa, table, plant)
"""What stands and hangs along a wall, as often as it occurs."""


def tile_number(rng: np.random.Generator, name: str) -> int:
    """Any tile of a material."""
    return material_index(name, int(rng.integers(VARIANTS)))
