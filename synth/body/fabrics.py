"""Cloth as pictures: weave, stripes, checks and prints, and the shading of its creases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from synth.body.noise import fractal, smoothstep
from synth.body.palettes import Colour

Field = NDArray[np.floating]
NOISE_SIDE = 256
_NOISES = 6


@dataclass(frozen=True)
class Sheet:
    """The places of a texture on the cloth.

    Parameters
    ----------
    x, y : (H, W) float32
        Metres round the body and along it.
    u, v : (H, W) float32
        Chart coordinates.
    rng : numpy.random.Generator
        Where its irregularities come from.
    """

    x: Field
    y: Field
    u: Field
    v: Field
    rng: np.random.Generator

    def noise(self, kind: str) -> Field:
        """Draw a seamless random field of the sheet's size, mean 0, deviation 1; see `noise_bank`."""
        height, width = self.u.shape
        field = noise_bank(kind)[self.rng.integers(_NOISES)]
        field = np.roll(field, self.rng.integers(NOISE_SIDE, size=2), axis=(0, 1))
        if self.rng.random() < 0.5:
            field = field[:, ::-1]
        # a narrower sheet takes every second column, so that it still closes round the body
        return field[:height:1, :: NOISE_SIDE // width][:height]


@lru_cache(maxsize=8)
def noise_bank(kind: str) -> NDArray[np.float32]:
    """Random fields (6, 256, 256) of one kind: ``fine``, ``cloudy``, ``threads`` (long in x) or ``folds``."""
    decay, stretch = {"fine": (0.2, 1.0), "cloudy": (1.5, 1.0), "threads": (0.6, 6.0), "folds": (1.7, 2.5)}[
        kind
    ]
    # the order of the kinds must not matter to the fields
    seed = ("fine", "cloudy", "threads", "folds").index(kind)
    return np.stack(
        [fractal(np.random.default_rng([11, seed, n]), NOISE_SIDE, decay, stretch) for n in range(_NOISES)]
    )


def _paint(field: NDArray, first: Colour, second: Colour) -> Field:
    """Mix two colours by a field 0 … 1."""
    return (first + field[..., None] * (second - first)).astype(np.float32)


def _tone(sheet: Sheet, colour: Colour, fine: float, cloudy: float = 0.02) -> Field:
    field = 1 + fine * sheet.noise("fine") + cloudy * sheet.noise("cloudy")
    return (field[..., None] * colour).astype(np.float32)


def plain(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Smooth cotton or polyester."""
    return _tone(sheet, colours[0], 0.015)


def heather(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Mottled jersey: threads of two tones."""
    return _tone(sheet, colours[0], 0.05, 0.03) + (0.02 * sheet.noise("threads"))[..., None]


def denim(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Twill, worn pale in front of the thighs and knees."""
    worn = (
        smoothstep(0.17, 0.05, np.abs(sheet.u - 0.5))
        * smoothstep(0.12, 0.3, sheet.v)
        * smoothstep(0.8, 0.6, sheet.v)
    )
    worn = np.clip(worn * (0.3 + 0.05 * sheet.noise("cloudy")), 0, 1)
    pale = 0.55 * colours[0] + 0.45 * np.array([0.72, 0.77, 0.82])
    return _paint(worn, colours[0], pale) * (1 + 0.05 * sheet.noise("fine"))[..., None]


def knit(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Wool with upright ribs."""
    rib = 0.94 + 0.06 * np.sin(sheet.x * (2 * np.pi / 0.016))
    return _tone(sheet, colours[0], 0.05) * rib[..., None]


def stripes(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Bands round the body."""
    period, share = sheet.rng.uniform(0.025, 0.09), sheet.rng.uniform(0.25, 0.6)
    phase = (sheet.y / period) % 1.0
    band = smoothstep(0, 0.06, phase) * smoothstep(share + 0.06, share, phase)
    return _paint(band, colours[0], colours[1]) * (1 + 0.015 * sheet.noise("fine"))[..., None]


def pinstripes(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Thin upright lines."""
    count = max(round(float(sheet.x.max()) / sheet.rng.uniform(0.02, 0.04)), 1)
    line = smoothstep(0.84, 0.98, np.cos(2 * np.pi * count * sheet.u))
    return _paint(0.6 * line, colours[0], colours[1]) * (1 + 0.015 * sheet.noise("fine"))[..., None]


def checks(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Gingham or flannel: translucent bands both ways."""
    period = sheet.rng.uniform(0.03, 0.1)
    count = max(round(float(sheet.x.max()) / period), 1)
    across = smoothstep(-0.15, 0.15, np.sin(2 * np.pi * count * sheet.u))
    down = smoothstep(-0.15, 0.15, np.sin(2 * np.pi * sheet.y / period))
    cloth = _paint(0.5 * (across + down), colours[0], colours[1])
    if len(colours) > 2:
        thin = smoothstep(0.9, 0.98, np.cos(2 * np.pi * (sheet.y / period + 0.25)))
        cloth += (thin * 0.5)[..., None] * (colours[2] - cloth)
    return cloth * (1 + 0.02 * sheet.noise("fine"))[..., None]


def print_all_over(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Flowers, dots or leaves strewn over the cloth."""
    pitch = sheet.rng.uniform(0.035, 0.09)
    count = max(round(float(sheet.x.max()) / pitch), 2)
    row = np.floor(sheet.y / pitch)
    x = (sheet.u * count + 0.5 * (row % 2)) % 1 - 0.5
    y = (sheet.y / pitch) % 1 - 0.5
    jitter = np.sin(row * 12.9 + np.floor(sheet.u * count + 0.5 * (row % 2)) * 78.2)
    x, y = x + 0.16 * jitter, y + 0.16 * np.cos(jitter * 9)
    petals = sheet.rng.choice([0.0, 0.25, 0.4])
    edge = 0.26 * (1 + petals * np.cos(5 * np.arctan2(y, x) + 6 * jitter))
    motif = smoothstep(0.05, -0.05, np.hypot(x, y) - edge)
    return _paint(motif, colours[0], colours[1]) * (1 + 0.02 * sheet.noise("fine"))[..., None]


def camouflage(sheet: Sheet, colours: tuple[Colour, ...]) -> Field:
    """Patches of related colours."""
    field = sheet.noise("cloudy") + 0.4 * np.roll(sheet.noise("cloudy"), 31, axis=1)
    cloth = _paint(smoothstep(0.1, 0.25, field), colours[0], colours[1])
    darker = smoothstep(0.2, 0.35, np.roll(field, (57, 83), axis=(0, 1)))
    return cloth + (darker * 0.6)[..., None] * (0.5 * colours[1] - cloth)


FABRICS: MappingProxyType[str, Callable[[Sheet, tuple[Colour, ...]], Field]] = MappingProxyType(
    {
        make.__name__: make
        for make in (plain, heather, denim, knit, stripes, pinstripes, checks, print_all_over, camouflage)
    }
)
"""Fabric by name: colours of a sheet, (H, W, 3) sRGB 0 … 1."""


def creases(sheet: Sheet, depth: Field | float) -> Field:
    """Light and shade of folds across the limb.

    Parameters
    ----------
    sheet : Sheet
        Places.
    depth : (H, W) float32 or float
        How deep the folds are; 1 changes the brightness by a tenth.

    Returns
    -------
    (H, W, 1) float32
        Factor about 1: folds are lit from above.
    """
    height = sheet.noise("folds")
    slope = np.roll(height, -2, axis=0) - np.roll(height, 2, axis=0)
    shade = 1.0 - 0.1 * np.clip(slope * 2.2, -1.8, 1.8) * depth
    return shade[..., None].astype(np.float32)


def drapes(sheet: Sheet, depth: Field | float, count: int) -> Field:
    """Light and shade (H, W, 1) of hanging folds, some `count` round the body."""
    phase = 2 * np.pi * count * sheet.u + 1.4 * sheet.noise("cloudy")[:1]
    return (1.0 + 0.1 * depth * np.sin(phase))[..., None].astype(np.float32)
