"""Tiles of wall, floor, furniture and foliage: small seamless pictures from which scenes are built.

Every tile is (256, 256, 4) uint8, sRGB and an alpha that is 0 where one sees through. Each covers the
width that its scene gives it; tints multiply it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.body.noise import fractal, smoothstep

TILE = 256
Tile = NDArray[np.uint8]
Colour = tuple[float, float, float]
_U, _V = np.meshgrid((np.arange(TILE) + 0.5) / TILE, (np.arange(TILE) + 0.5) / TILE)


def photograph(name: str) -> NDArray[np.uint8]:
    """One of the bundled photographs, (H, W, 3) uint8 RGB."""
    content = files("synth.body").joinpath(f"data/backgrounds/{name}.jpg").read_bytes()
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(picture)[..., ::-1])


def _tile(value: NDArray, colour: Colour, alpha: NDArray | None = None) -> Tile:
    """Picture of a colour (0 … 255) times a field around 1, or of (…, 3) values."""
    rgb = value * np.asarray(colour) if value.ndim == 3 else value[..., None] * np.asarray(colour)
    solid = np.ones(value.shape[:2]) if alpha is None else alpha
    return np.concatenate([np.clip(rgb, 0, 255), 255.0 * solid[..., None]], axis=-1).astype(np.uint8)


def _grain(rng: np.random.Generator, amount: float, decay: float = 0.8, stretch: float = 1.0) -> NDArray:
    return 1.0 + amount * fractal(rng, TILE, decay, stretch)


def plaster(rng: np.random.Generator) -> Tile:
    """Painted wall."""
    return _tile(_grain(rng, 0.02, 0.5) * _grain(rng, 0.012, 1.6), (226, 222, 214))


def concrete(rng: np.random.Generator) -> Tile:
    """Bare concrete with stains."""
    return _tile(_grain(rng, 0.05, 0.5) * _grain(rng, 0.05, 1.5), (158, 155, 150))


def asphalt(rng: np.random.Generator) -> Tile:
    """Road."""
    return _tile(_grain(rng, 0.12, 0.1) * _grain(rng, 0.03, 1.3), (104, 104, 106))


def carpet(rng: np.random.Generator) -> Tile:
    """Short-pile carpet."""
    return _tile(_grain(rng, 0.1, 0.2) * _grain(rng, 0.02, 1.3), (170, 165, 158))


def patterned_rug(rng: np.random.Generator) -> Tile:
    """Woven rug with a border and lozenges."""
    lozenge = np.abs((_U * 4) % 1 - 0.5) + np.abs((_V * 4) % 1 - 0.5)
    rings = np.floor(lozenge * 6) % 3
    edge = np.minimum(np.minimum(_U, 1 - _U), np.minimum(_V, 1 - _V))
    colours = np.array([(150, 60, 50), (196, 176, 140), (60, 62, 84)])[rings.astype(int)]
    colours = np.where((edge < 0.09)[..., None], (70, 44, 44), colours)
    colours = np.where(((edge > 0.03) & (edge < 0.05))[..., None], (190, 168, 128), colours)
    return _tile(colours * _grain(rng, 0.1, 0.2)[..., None], (1, 1, 1))


def striped_wallpaper(rng: np.random.Generator) -> Tile:
    """Wallpaper with upright stripes."""
    stripe = smoothstep(-0.08, 0.08, np.sin(_U * 2 * np.pi * 8))
    return _tile((0.88 + 0.12 * stripe) * _grain(rng, 0.015, 0.6), (222, 214, 200))


def flowered_wallpaper(rng: np.random.Generator) -> Tile:
    """Wallpaper with a repeated motif, every second row shifted."""
    row = np.floor(_V * 6)
    x, y = (_U * 6 + 0.5 * (row % 2)) % 1 - 0.5, (_V * 6) % 1 - 0.5
    petals = 0.24 * (1 + 0.35 * np.cos(5 * np.arctan2(y, x)))
    motif = smoothstep(0.03, -0.03, np.hypot(x, y) - petals)
    return _tile((1 - 0.2 * motif) * _grain(rng, 0.015, 0.6), (224, 216, 206))


def planks(rng: np.random.Generator) -> Tile:
    """Wooden floor of eight rows of boards, along x."""
    row = np.floor(_V * 8).astype(int)
    start = rng.random(8)[row]
    board = (row * 2 + np.floor((_U + start) * 2).astype(int) % 2) % 16
    tone = (1 + 0.1 * rng.standard_normal(16))[board]
    gap = np.minimum((_V * 8) % 1, np.abs(((_U + start) * 2) % 1) * 4)
    wood = _grain(rng, 0.07, 0.9, 12.0) * _grain(rng, 0.02, 0.2)
    return _tile(tone * wood * (0.72 + 0.28 * smoothstep(0.0, 0.09, gap)), (176, 132, 90))


def wood(rng: np.random.Generator) -> Tile:
    """Veneer, grain along y."""
    return _tile(_grain(rng, 0.09, 1.0, 14.0).T * _grain(rng, 0.015, 0.2), (160, 112, 72))


def floor_tiles(rng: np.random.Generator) -> Tile:
    """Ceramic tiles, four by four, with grout."""
    cell = (np.floor(_U * 4) + 4 * np.floor(_V * 4)).astype(int)
    tone = (1 + 0.03 * rng.standard_normal(16))[cell]
    edge = np.minimum(np.abs((_U * 4 + 0.5) % 1 - 0.5), np.abs((_V * 4 + 0.5) % 1 - 0.5))
    return _tile(
        tone * _grain(rng, 0.03, 1.2) * (0.75 + 0.25 * smoothstep(0.015, 0.04, edge)), (206, 202, 194)
    )


def checkered_tiles(rng: np.random.Generator) -> Tile:
    """Dark and light tiles."""
    dark = (np.floor(_U * 4) + np.floor(_V * 4)) % 2
    return _tile((1 - 0.55 * dark) * _grain(rng, 0.03, 1.2), (208, 202, 190))


def paving(rng: np.random.Generator) -> Tile:
    """Slabs of a pavement, every second row shifted."""
    row = np.floor(_V * 4)
    x = (_U * 2 + 0.5 * (row % 2)) % 2
    tone = (1 + 0.07 * rng.standard_normal(8))[(row * 2 + np.floor(x)).astype(int) % 8]
    edge = np.minimum(np.abs((_V * 4 + 0.5) % 1 - 0.5), 2 * np.abs((x + 0.5) % 1 - 0.5))
    return _tile(tone * _grain(rng, 0.07, 0.5) * (0.7 + 0.3 * smoothstep(0.01, 0.05, edge)), (164, 160, 152))


def sand(rng: np.random.Generator) -> Tile:
    """Trodden sand."""
    return _tile(_grain(rng, 0.04, 0.2) * _grain(rng, 0.045, 0.9), (206, 184, 146))


def snow(rng: np.random.Generator) -> Tile:
    """Snow with soft hollows."""
    return _tile(_grain(rng, 0.012, 0.2) * _grain(rng, 0.02, 1.3), (232, 236, 242))


def soil(rng: np.random.Generator) -> Tile:
    """Earth of a path."""
    return _tile(_grain(rng, 0.1, 0.3) * _grain(rng, 0.06, 0.9), (136, 112, 84))


def _mirrored(name: str) -> NDArray:
    """Photographed texture made seamless by reflection, mean 1, grey."""
    grey = photograph(name)[..., 0].astype(np.float64)[: TILE // 2 * 2, : TILE // 2 * 2]
    grey = cv2.resize(grey, (TILE // 2, TILE // 2), interpolation=cv2.INTER_AREA)
    low = cv2.GaussianBlur(grey, (0, 0), 24, borderType=cv2.BORDER_REFLECT)
    flat = grey / low
    half = np.concatenate([flat, flat[:, ::-1]], axis=1)
    return np.concatenate([half, half[::-1]], axis=0)


def lawn(rng: np.random.Generator) -> Tile:
    """Grass, from a photograph, green with dry patches."""
    dry = np.clip(0.3 + 0.2 * fractal(rng, TILE, 1.6), 0, 1)[..., None]
    colour = (1 - dry) * np.array([88, 112, 52]) + dry * np.array([136, 130, 76])
    return _tile(colour * (_mirrored("grass") ** 0.8)[..., None], (1, 1, 1))


def gravel(rng: np.random.Generator) -> Tile:
    """Pebbles, from a photograph."""
    return _tile(_mirrored("gravel") ** 0.9 * _grain(rng, 0.04, 1.4), (158, 150, 138))


def bricks(rng: np.random.Generator) -> Tile:
    """Brick wall in stretcher bond: mortar about rows of bricks of differing tone."""
    row = np.floor(_V * 12)
    x = (_U * 4 + 0.5 * (row % 2)) % 4
    tone = (1 + 0.12 * rng.standard_normal(48))[(row * 4 + np.floor(x)).astype(int) % 48]
    edge = np.minimum(np.abs((_V * 12 + 0.5) % 1 - 0.5), 3 * np.abs((x + 0.5) % 1 - 0.5))
    body = smoothstep(0.05, 0.12, edge)[..., None]
    brick = np.array([158, 92, 72]) * (tone * _grain(rng, 0.08, 0.5))[..., None]
    return _tile(body * brick + (1 - body) * np.array([186, 178, 166]) * 0.95, (1, 1, 1))


def curtain(rng: np.random.Generator) -> Tile:
    """Hanging cloth in upright folds."""
    phase = _U * 2 * np.pi * 7 + 0.7 * fractal(rng, TILE, 2.0, 0.2)[0][None]
    return _tile((0.8 + 0.2 * np.sin(phase)) * _grain(rng, 0.02, 0.4), (198, 190, 178))


def cloth(rng: np.random.Generator) -> Tile:
    """Upholstery."""
    return _tile(_grain(rng, 0.05, 0.2) * _grain(rng, 0.03, 1.3), (176, 172, 166))


def bookshelf(rng: np.random.Generator) -> Tile:
    """Five boards of books of all colours, some gaps, in a wooden case."""
    picture = np.empty((TILE, TILE, 3))
    picture[:] = (62, 44, 32)
    for level in range(5):
        bottom, x = (level + 1) * 51 - 4, 6
        while x < TILE - 12:
            width, height = int(rng.integers(4, 11)), int(rng.integers(28, 43))
            if rng.random() > 0.14:
                hue = rng.choice([(120, 46, 40), (52, 66, 90), (190, 180, 160), (60, 84, 62), (44, 42, 44)])
                picture[bottom - height : bottom, x : x + width - 1] = hue * rng.uniform(0.7, 1.35)
            x += width
        picture[bottom : bottom + 5] = (116, 82, 54)
    picture[:, :5] = picture[:, -5:] = (116, 82, 54)
    return _tile(picture * _grain(rng, 0.04, 0.2)[..., None], (1, 1, 1))


def panelled_door(rng: np.random.Generator) -> Tile:
    """Door with four panels, a frame and a handle."""
    picture = np.full((TILE, TILE), 1.0)
    for x0, x1 in ((44, 116), (140, 212)):
        for y0, y1 in ((28, 120), (144, 232)):
            picture[y0:y1, x0:x1] = 0.84
            picture[y0 + 6 : y1 - 6, x0 + 6 : x1 - 6] = 0.96
            picture[y1 - 3 : y1, x0:x1] = 1.08
    picture[:, :14] = picture[:, -14:] = picture[:10] = 1.1
    picture[128:136, 218:236] = 0.45
    return _tile(picture * _grain(rng, 0.03, 1.0, 10.0).T, (206, 198, 186))


def window(rng: np.random.Generator) -> Tile:
    """Bright window with a cross-bar: sky above, a blurred garden below."""
    sky = np.linspace(1, 0, TILE)[:, None, None] * np.array([30, 18, 6]) + np.array([208, 222, 236])
    leaves = fractal(rng, TILE, 1.5)
    garden = smoothstep(0.0, 0.5, _V * 2.6 - 1.5 + 0.2 * leaves)[..., None]
    picture = (1 - garden) * sky + garden * np.array([112, 134, 92]) * (1 + 0.15 * leaves)[..., None]
    frame = (np.minimum(_U, 1 - _U) < 0.06) | (np.minimum(_V, 1 - _V) < 0.05)
    frame |= (np.abs(_U - 0.5) < 0.025) | (np.abs(_V - 0.42) < 0.02)
    return _tile(np.where(frame[..., None], (226, 224, 218), picture), (1, 1, 1))


def facade(rng: np.random.Generator) -> Tile:
    """House front: three by three windows with sills in a plain wall."""
    wall = np.full((TILE, TILE, 3), (214, 204, 190)) * _grain(rng, 0.04, 1.2)[..., None]
    for row in range(3):
        for column in range(3):
            y, x = row * 85 + 16, column * 85 + 24
            glass = np.array([62, 72, 82]) * rng.uniform(0.6, 1.7)
            wall[y : y + 50, x : x + 36] = (232, 230, 224)
            wall[y + 3 : y + 47, x + 3 : x + 33] = glass * np.linspace(1.25, 0.8, 44)[:, None, None]
            wall[y + 3 : y + 47, x + 17 : x + 19] = (232, 230, 224)
            wall[y + 50 : y + 54, x - 3 : x + 39] = (150, 142, 130)
    return _tile(wall, (1, 1, 1))


def office(rng: np.random.Generator) -> Tile:
    """Curtain wall of an office block."""
    glass = np.array([88, 104, 118]) * (1 + 0.25 * rng.standard_normal((8, 8)))[..., None]
    picture = (
        np.repeat(np.repeat(glass, TILE // 8, 0), TILE // 8, 1) * np.linspace(1.15, 0.9, TILE)[:, None, None]
    )
    frame = (((_U * 8) % 1) < 0.1) | (((_V * 8) % 1) < 0.22)
    return _tile(np.where(frame[..., None], (150, 152, 154), picture), (1, 1, 1))


def _leaves(rng: np.random.Generator, colour: Colour) -> NDArray:
    clumps, fine = fractal(rng, TILE, 1.1), fractal(rng, TILE, 0.5)
    return np.clip(0.78 + 0.16 * clumps + 0.2 * fine, 0.2, 1.6)[..., None] * np.asarray(colour)


def hedge(rng: np.random.Generator) -> Tile:
    """Dense leaves."""
    return _tile(_leaves(rng, (78, 100, 54)), (1, 1, 1))


def tree(rng: np.random.Generator) -> Tile:
    """Whole tree, cut out: a crown of leaf clumps, lit from above, on a trunk."""
    ragged = 0.05 * fractal(rng, TILE, 1.0) + 0.03 * fractal(rng, TILE, 0.4)
    crown = np.hypot((_U - 0.5) / 0.46, (_V - 0.36) / 0.36) + ragged * 2 < 0.96
    trunk = (np.abs(_U - 0.5 - 0.02 * np.sin(_V * 9)) < 0.028 + 0.02 * smoothstep(0.9, 1.0, _V)) & (_V > 0.4)
    green = _leaves(rng, (86, 106, 58)) * (1.25 - 0.75 * _V)[..., None]
    bark = np.array([84, 68, 54]) * _grain(rng, 0.15, 0.8)[..., None]
    return _tile(np.where(crown[..., None], green, bark), (1, 1, 1), (crown | trunk).astype(float))


def bush(rng: np.random.Generator) -> Tile:
    """Shrub, cut out."""
    ragged = 0.12 * fractal(rng, TILE, 1.0) + 0.05 * fractal(rng, TILE, 0.4)
    inside = np.hypot((_U - 0.5) / 0.5, (_V - 1.0) / 0.95) + ragged < 0.92
    return _tile(_leaves(rng, (92, 112, 62)) * (1.2 - 0.5 * _V)[..., None], (1, 1, 1), inside.astype(float))


def fence(rng: np.random.Generator) -> Tile:
    """Pickets with gaps, cut out."""
    picket = (((_U * 12) % 1) < 0.72) & (_V > 0.06)
    rail = (np.abs(_V - 0.3) < 0.04) | (np.abs(_V - 0.75) < 0.04)
    tone = np.where(rail & ~picket, 0.7, 1.0) * _grain(rng, 0.06, 1.0, 12.0).T
    return _tile(tone, (190, 172, 148), (picket | rail).astype(float))


def shutter(rng: np.random.Generator) -> Tile:
    """Roll-up door of ribbed metal."""
    return _tile((0.86 + 0.14 * np.sin(_V * 2 * np.pi * 20)) * _grain(rng, 0.03, 1.4), (168, 172, 174))


def court(rng: np.random.Generator) -> Tile:
    """Sports hall floor: a smooth surface crossed by coloured lines."""
    line = (np.abs(_U - 0.31) < 0.008) | (np.abs(_V - 0.62) < 0.008)
    other = (np.abs(_V - 0.2) < 0.006) | (np.abs(_U - 0.8) < 0.006)
    surface = np.array([178, 136, 94]) * _grain(rng, 0.03, 1.0, 8.0)[..., None]
    picture = np.where(line[..., None], (236, 234, 228), np.where(other[..., None], (52, 78, 128), surface))
    return _tile(picture, (1, 1, 1))


PICTURES = ("china", "flower", "coffee", "rocket", "chelsea")
"""Photographs that hang on walls."""


def framed(name: str) -> Callable[[np.random.Generator], Tile]:
    """Maker of a photograph in a frame with a mount."""

    def picture(rng: np.random.Generator) -> Tile:
        image = cv2.resize(photograph(name), (TILE, TILE), interpolation=cv2.INTER_AREA).astype(np.float64)
        edge = np.minimum(np.minimum(_U, 1 - _U), np.minimum(_V, 1 - _V))[..., None]
        mount = np.where(edge < 0.15, np.array([232.0, 228.0, 220.0]), image)
        return _tile(
            np.where(edge < 0.05, np.array([58.0, 46.0, 38.0]) * rng.uniform(0.6, 1.6), mount), (1, 1, 1)
        )

    return picture
