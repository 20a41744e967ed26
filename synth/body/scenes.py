"""Rooms, streets, parks and beaches at random: what the ray caster draws behind a person.

The person stands at the origin; the camera looks along `view`, a horizontal direction, from up to some ten
metres away. Nothing is placed between the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synth.body.materials import VARIANTS, material_index
from synth.body.panoramas import PAINTED, PHOTOGRAPHED, Panorama, painted, photographed
from synth.body.props import (
    FURNISHINGS,
    WALL_COLOURS,
    WOOD_COLOURS,
    Box,
    Vector,
    tile_number,
    tint_of,
)
from synth.body.raycast import CUTOUT, ROOM, SOLID, Scene

_DARK = np.zeros(3, np.float32)


def sample_scene(rng: np.random.Generator, view: Vector, photographs: bool = False) -> Scene:
    """Draw surroundings: two rooms in five, two outdoor scenes in five, else a photographed panorama.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice.
    view : (3,) float64
        Unit horizontal direction in which the camera looks, scene frame.
    photographs : bool
        Photographed panoramas alone.

    Returns
    -------
    Scene
    """
    kind = 1.0 if photographs else rng.random()
    if kind < 0.4:
        return _room(rng, view)
    if kind < 0.78:
        return _outdoors(rng, view)
    return _photographed_scene(rng)


def _assemble(rng: np.random.Generator, boxes: list[Box], **rest: Any) -> Scene:
    """Scene of boxes, with a ground and a light given by name."""
    plain: dict[str, Any] = {
        **{
            "ground_tile": -1,
            "ground_repeat": 1.0,
            "ground_mixed": False,
            "ground_tint": np.ones(3, np.float32),
        },
        **{"haze": 400.0, "panorama_height": 1.6, "panorama_radius": 1000.0},
        **{"sun": np.array([0, 1, 0], np.float32), "sun_colour": _DARK, "sky": _DARK, "bounce": _DARK},
        **{"lamp": np.array([0, 2, 0], np.float32), "lamp_colour": _DARK},
    }
    numbers = [[material_index(tile, 0) for tile in box.tiles] for box in boxes]
    tiles = np.array(numbers, np.int32).reshape(-1, 3)
    return Scene(
        np.array([[*box.low, *box.high] for box in boxes], np.float32).reshape(-1, 6),
        np.array([box.kind for box in boxes], np.int32),
        tiles + rng.integers(VARIANTS, size=tiles.shape, dtype=np.int32),
        np.array([box.repeat for box in boxes], np.float32),
        np.array([box.tint for box in boxes], np.float32).reshape(-1, 3),
        **(plain | rest),
    )


def _behind(boxes: list[Box], view: Vector) -> list[Box]:
    """Leave out what may stand between camera and person, or too near the person."""
    directions = view.tolist()

    def clear(box: Box) -> bool:
        # plain numbers: numpy takes longer for two of them
        ahead, apart = 0.0, 0.0
        for axis in (0, 2):
            low, high = float(box.low[axis]), float(box.high[axis])
            ahead += min(low * directions[axis], high * directions[axis])
            apart += min(max(0.0, low), high) ** 2
        return apart > 1.0 and ahead > -0.2

    return [box for box in boxes if clear(box)]


_HALL_SHARE, _COURT_SHARE, _RUG_SHARE = 0.25, 0.6, 0.1


def _room(rng: np.random.Generator, view: Vector) -> Scene:
    """Walls, floor, ceiling and furniture along the walls; one in four is a hall."""
    hall = bool(rng.random() < _HALL_SHARE)
    low, high = -rng.uniform(1.3, 4.5, 2), rng.uniform(1.3, 4.5, 2)
    height = rng.uniform(2.4, 3.1)
    if hall:
        low, high, height = low * 2.5, high * 2.5, rng.uniform(4.0, 7.0)
    shell = _shell(rng, low, high, height)
    furniture = _skirting(rng, low, high)
    for side in range(4):
        furniture += _along_wall(rng, low, high, height, side)
    floor, repeat, tint = _floor(rng, hall)
    rug = [_rug(rng)] if not hall and rng.random() < _RUG_SHARE else []
    return _assemble(
        rng,
        [shell, *_behind(furniture, view), *rug],
        ground_tile=tile_number(rng, floor),
        ground_repeat=repeat,
        ground_mixed=floor in _PLAIN,
        ground_tint=tint.astype(np.float32),
        panorama=painted(0).texels,
        **_lamplight(rng, low, high, height, tint),
    )


def _shell(rng: np.random.Generator, low: Vector, high: Vector, height: float) -> Box:
    """Walls and ceiling; the walls reach below the ground, which is the floor."""
    wall = str(
        rng.choice(("plaster",) * 5 + ("striped_wallpaper", "flowered_wallpaper", "bricks", "concrete"))
    )
    tint = tint_of(rng, *(WALL_COLOURS[:3] if wall in ("bricks", "concrete") else WALL_COLOURS))
    repeat = {"bricks": 1.0, "striped_wallpaper": 1.2, "flowered_wallpaper": 0.9}.get(wall, 2.5)
    corners = (low[0], -50.0, low[1]), (high[0], height, high[1])
    return Box(*corners, ROOM, (wall, "plaster", wall), repeat, tint)


def _floor(rng: np.random.Generator, hall: bool) -> tuple[str, float, Vector]:
    """Tile, metres a tile, and tint."""
    floors = ("planks", "planks", "floor_tiles", "carpet", "checkered_tiles", "concrete")
    floor = "court" if hall and rng.random() < _COURT_SHARE else str(rng.choice(floors))
    tint = tint_of(rng, *(WOOD_COLOURS if floor == "planks" else WALL_COLOURS[:7]))
    return floor, {"court": 6.0, "carpet": 1.5}.get(floor, 1.3), tint


def _rug(rng: np.random.Generator) -> Box:
    x, z = rng.uniform(1.0, 1.7, 2)
    tint = tint_of(rng, (1.0, 1.0, 1.0), (0.8, 0.85, 0.9), (0.9, 0.8, 0.7))
    return Box((-x, 0.0, -z), (x, 0.012, z), CUTOUT, ("patterned_rug",) * 3, 0.0, tint)


def _lamplight(
    rng: np.random.Generator, low: Vector, high: Vector, height: float, floor: Vector
) -> dict[str, Any]:
    """Light of a lamp under the ceiling, thrown back by walls and floor."""
    light = tint_of(rng, (1.0, 0.93, 0.82), (1.0, 0.97, 0.92), (0.94, 0.97, 1.0), spread=0.03)
    x, z = rng.uniform(low, high) * 0.8
    strength = rng.uniform(0.5, 0.9) * (2.0 if height > 3.5 else 0.7)
    return {
        "lamp": np.array([x, height - rng.uniform(0.1, 0.9), z], np.float32),
        "lamp_colour": (light * strength).astype(np.float32),
        "sky": (light * rng.uniform(0.45, 0.7)).astype(np.float32),
        "bounce": (light * floor * rng.uniform(0.2, 0.35)).astype(np.float32),
    }


def _against(low: Vector, high: Vector, side: int, along: tuple[float, float], depth: float,
             levels: tuple[float, float]) -> tuple[list[float], list[float]]:  # fmt: skip
    """Corners of a box against wall `side` (0, 1: lower and upper x; 2, 3: z), from `along` to `along`."""
    axis, other = (0, 2) if side < 2 else (2, 0)
    wall = (low if side % 2 == 0 else high)[axis // 2]
    a, b = [0.0] * 3, [0.0] * 3
    inner = wall + depth if side % 2 == 0 else wall - depth
    a[axis], b[axis] = min(wall, inner), max(wall, inner)
    a[other], b[other] = along
    a[1], b[1] = levels
    return a, b


def _skirting(rng: np.random.Generator, low: Vector, high: Vector) -> list[Box]:
    tint = tint_of(rng, (0.95, 0.95, 0.95), (0.6, 0.45, 0.35))
    boxes = []
    for side in range(4):
        k = 1 if side < 2 else 0
        corners = _against(low, high, side, (low[k], high[k]), 0.02, (0.0, 0.1))
        boxes.append(Box(*corners, SOLID, ("plaster",) * 3, 1.0, tint))
    return boxes


def _along_wall(rng: np.random.Generator, low: Vector, high: Vector, height: float, side: int) -> list[Box]:
    """Things in a row along one wall: each takes its width, then comes a gap."""
    k = 1 if side < 2 else 0
    boxes: list[Box] = []
    place = low[k] + rng.uniform(0.2, 0.9)
    makers = FURNISHINGS
    while True:
        maker = makers[rng.integers(len(makers))]
        width, parts = maker(rng, height)
        if place + width > high[k] - 0.1:
            return boxes
        for (start, end, bottom, top, depth), tiles, kind, tint in parts:
            corners = _against(low, high, side, (place + start, place + end), depth, (bottom, top))
            boxes.append(Box(*corners, kind, tiles, 0.0 if tiles[0] != "cloth" else 0.6, tint))
        place += width + rng.uniform(0.15, 1.2)


_GROUNDS = (
    *(("lawn", 1.6), ("lawn", 1.6), ("paving", 1.6), ("asphalt", 1.2), ("gravel", 0.7), ("sand", 2.5)),
    *(("snow", 3.0), ("soil", 1.8), ("concrete", 3.0), ("asphalt", 1.2)),
)

_PLAIN = ("lawn", "asphalt", "gravel", "sand", "snow", "soil", "concrete", "carpet")
"""Grounds without lines."""


def _outdoors(rng: np.random.Generator, view: Vector) -> Scene:
    """Ground under a sky, with houses, a wall, trees, hedges and fences behind the person."""
    panorama = painted(int(rng.integers(PAINTED)))
    ground, repeat = _GROUNDS[rng.integers(len(_GROUNDS))]
    tint = tint_of(rng, (1.0, 1.0, 1.0), (0.9, 0.86, 0.8), (0.85, 0.88, 0.92))
    boxes: list[Box] = []
    wild = ground in ("sand", "snow", "soil", "lawn")
    if not wild or rng.random() < 0.25:
        boxes += _buildings(rng, view)
    if rng.random() < (0.9 if wild else 0.5):
        boxes += _greenery(rng, view, snowy=ground in ("snow", "sand"))
    if rng.random() < 0.35:
        boxes += _barrier(rng, view)
    return _assemble(
        rng,
        _behind(boxes, view),
        ground_tile=tile_number(rng, ground),
        ground_repeat=repeat,
        ground_mixed=ground in _PLAIN,
        ground_tint=tint.astype(np.float32),
        haze=rng.uniform(60, 200),
        panorama=panorama.texels,
        **_sunlight(panorama, tint),
    )


def _sunlight(panorama: Panorama, tint: Vector) -> dict[str, Any]:
    return {
        "sun": panorama.direction.astype(np.float32),
        "sun_colour": panorama.key.astype(np.float32),
        "sky": panorama.sky.astype(np.float32),
        "bounce": (panorama.ground * tint).astype(np.float32),
    }


def _buildings(rng: np.random.Generator, view: Vector) -> list[Box]:
    """Build a row of houses across the view, one across x or z, whichever the camera faces more."""
    axis, other = (0, 2) if abs(view[0]) > abs(view[2]) else (2, 0)
    near, place, boxes = rng.uniform(3.0, 16.0), -30.0 + rng.uniform(-8, 0), []
    while place < 30.0:
        width, depth = rng.uniform(7, 14), rng.uniform(6, 10)
        a, b = np.zeros(3), np.zeros(3)
        start = near + rng.choice([0.0, 0.0, 0.6, 2.5])
        a[axis], b[axis] = (start, start + depth) if view[axis] > 0 else (-start - depth, -start)
        a[other], b[other], b[1] = place, place + width, rng.uniform(4, 14)
        name = str(rng.choice(["facade", "facade", "office", "bricks", "shutter", "concrete"]))
        repeat = {"facade": 8.0, "office": 9.0, "bricks": 1.2, "shutter": 3.5}.get(name, 3.0)
        boxes.append(
            Box(tuple(a), tuple(b), SOLID, (name, "concrete", name), repeat, tint_of(rng, *WALL_COLOURS[:8]))
        )
        place += width + rng.choice([0.0, 0.0, 2.0, 6.0])
    return boxes


def _greenery(rng: np.random.Generator, view: Vector, snowy: bool) -> list[Box]:
    """Trees and shrubs scattered about; bare of green on snow and sand."""
    boxes = []
    for _ in range(int(rng.integers(2, 9))):
        distance, bearing = rng.uniform(4, 28), rng.uniform(-np.pi, np.pi)
        x, z = distance * np.sin(bearing), distance * np.cos(bearing)
        name = "tree" if rng.random() < 0.6 else "bush"
        tall = rng.uniform(4, 9) if name == "tree" else rng.uniform(0.6, 2.0)
        half = tall * (0.42 if name == "tree" else 0.75)
        tint = tint_of(rng, (1.0, 1.0, 1.0), (1.1, 1.05, 0.8), (0.8, 0.85, 0.85)) * (0.8 if snowy else 1.0)
        wide, flat = (half, 0.02) if abs(view[2]) > abs(view[0]) else (0.02, half)
        boxes.append(Box((x - wide, 0, z - flat), (x + wide, tall, z + flat), CUTOUT, (name,) * 3, 0.0, tint))
    return boxes


def _barrier(rng: np.random.Generator, view: Vector) -> list[Box]:
    """Build a long hedge, fence or low wall across the view."""
    axis, other = (0, 2) if abs(view[0]) > abs(view[2]) else (2, 0)
    name, thick, kind, repeat = (
        *(("hedge", 0.8, SOLID, 1.5), ("fence", 0.02, CUTOUT, 1.6), ("bricks", 0.3, SOLID, 1.2)),
        *(("concrete", 0.3, SOLID, 2.5), ("hedge", 0.8, SOLID, 1.5)),
    )[rng.integers(5)]
    near, a, b = rng.uniform(1.6, 9.0), np.zeros(3), np.zeros(3)
    a[axis], b[axis] = (near, near + thick) if view[axis] > 0 else (-near - thick, -near)
    # the fence's tile is as high as wide: its height is the tile's
    a[other], b[other], b[1] = -30, 30, repeat if name == "fence" else rng.uniform(0.8, 2.4)
    return [Box(tuple(a), tuple(b), kind, (name,) * 3, repeat, tint_of(rng, *WALL_COLOURS[:6]))]


def _photographed_scene(rng: np.random.Generator) -> Scene:
    name = str(rng.choice(list(PHOTOGRAPHED), p=[0.15, 0.17, 0.19, 0.17, 0.04, 0.03, 0.13, 0.12]))
    panorama = photographed(name)
    tall = 1.0 + rng.uniform(0.3, 0.8)
    return _assemble(
        rng,
        [],
        panorama=panorama.texels,
        panorama_height=tall,
        panorama_radius=PHOTOGRAPHED[name],
        **_sunlight(panorama, np.ones(3)),
    )
