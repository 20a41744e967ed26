"""Surroundings in every direction: bundled photographs, and painted skies with hills and trees."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from synth.body.noise import fractal, smoothstep
from synth.body.textures import pack_texels
from synth.body.tiles import photograph

PHOTOGRAPHED = MappingProxyType(
    {"city": 60.0, "courtyard": 6.0, "forest": 9.0, "interior": 3.2, "night": 60.0, "studio": 4.0, "sunrise": 60.0,
     "sunset": 25.0}
)  # fmt: skip
"""Bundled panoramas, and how many metres off their walls or woods are."""

PAINTED = 14
"""Number of different painted skies."""

_HEIGHT, _WIDTH = 512, 1024
_ABOVE = 260
"""Rows of a panorama down to just below the horizon; the rest of a painted one is plain."""


@dataclass(frozen=True)
class Panorama:
    """An equirectangular picture and its light.

    Parameters
    ----------
    picture : (512, 1024, 3) uint8
        sRGB; row 0 looks up, the middle column along +z, columns to its right along +x.
    direction : (3,) float64
        Unit vector towards the brightest part.
    key, sky, ground : (3,) float64
        Linear light of the brightest part, of the rest of the sky, and from below; a white card facing the
        key light shows about 0.9.
    """

    picture: NDArray[np.uint8]
    direction: NDArray[np.float64]
    key: NDArray[np.float64]
    sky: NDArray[np.float64]
    ground: NDArray[np.float64]

    @cached_property
    def texels(self) -> NDArray[np.uint32]:
        """The picture as the ray caster takes it, (512, 1024)."""
        return pack_texels(self.picture)


@lru_cache(maxsize=len(PHOTOGRAPHED))
def photographed(name: str) -> Panorama:
    """One of the bundled panoramas."""
    text = files("synth.body").joinpath("data/backgrounds/lights.json").read_text()
    light = {key: np.array(value) for key, value in json.loads(text)[name].items()}
    return Panorama(photograph(name), light["direction"], light["key"], light["sky"], light["ground"])


@lru_cache(maxsize=PAINTED)
def painted(variant: int) -> Panorama:
    """Sky, clouds and a far skyline, made from the variant's number (0 … `PAINTED` - 1)."""
    rng = np.random.default_rng([7, variant])
    elevation = ((0.5 - (np.arange(_ABOVE, dtype=np.float32) + 0.5) / _HEIGHT) * np.float32(np.pi))[:, None]
    azimuth = (((np.arange(_WIDTH, dtype=np.float32) + 0.5) / _WIDTH - 0.5) * np.float32(2 * np.pi))[None]
    overcast = variant % 3 == 2
    sun_elevation, sun_azimuth = rng.uniform(0.25, 1.0), rng.uniform(-np.pi, np.pi)
    zenith, horizon = _sky_colours(rng, overcast)
    height = smoothstep(0.0, 1.0, np.maximum(elevation, 0.0) / 1.2) ** 0.7
    sky = horizon + height[..., None] * (zenith - horizon)
    sky = np.broadcast_to(sky, (_ABOVE, _WIDTH, 3)).astype(np.float32)
    cover = _clouds(rng, elevation, azimuth, overcast)[..., None]
    sky += cover * (np.array([0.93, 0.94, 0.96]) * (0.85 if overcast else 1.0) - sky)
    apart = np.cos(azimuth - sun_azimuth) * np.cos(elevation) * np.cos(sun_elevation)
    apart = apart + np.sin(elevation) * np.sin(sun_elevation)
    glow = np.exp(-(1.0 - apart) * 9.0)[..., None] * (0.12 if overcast else 0.3)
    sky += glow * np.array([1.0, 0.95, 0.82])
    _paint_skyline(rng, sky, elevation, horizon)
    direction = np.array(
        [
            np.cos(sun_elevation) * np.sin(sun_azimuth),
            np.sin(sun_elevation),
            np.cos(sun_elevation) * np.cos(sun_azimuth),
        ]
    )
    picture = np.empty((_HEIGHT, _WIDTH, 3), np.uint8)
    picture[:_ABOVE] = np.clip(sky, 0, 1) * 255
    picture[_ABOVE:] = picture[_ABOVE - 1]
    return Panorama(picture, direction, *_daylight(rng, overcast, sun_elevation))


def _sky_colours(rng: np.random.Generator, overcast: bool) -> tuple[NDArray, NDArray]:
    if overcast:
        grey = rng.uniform(0.68, 0.86)
        return grey * np.array([0.94, 0.97, 1.0]), (grey + 0.06) * np.array([1.0, 1.0, 1.0])
    zenith = np.array([0.24, 0.44, 0.72]) * rng.uniform(0.85, 1.2)
    return zenith, np.array([0.78, 0.85, 0.9]) * rng.uniform(0.92, 1.05)


def _clouds(rng: np.random.Generator, elevation: NDArray, azimuth: NDArray, overcast: bool) -> NDArray:
    """Cover 0 … 1 of a flat layer of clouds seen from below."""
    size = 512
    layer = fractal(rng, size, 1.35)
    distance = 1.0 / np.maximum(np.tan(np.maximum(elevation, 0.03)), 0.03)
    x = (distance * np.sin(azimuth) * 60).astype(np.int64) % size
    y = (distance * np.cos(azimuth) * 60).astype(np.int64) % size
    level = rng.uniform(-0.3, 0.3) if overcast else rng.uniform(0.2, 1.3)
    cover = smoothstep(level - 0.6, level + 1.2, layer[y, x]) * smoothstep(0.02, 0.2, elevation)
    return cover * (0.6 if overcast else 0.85)


def _paint_skyline(rng: np.random.Generator, sky: NDArray, elevation: NDArray, horizon: NDArray) -> None:
    """Hills, woods and haze on the horizon, and a plain ground below it, onto `sky` in place."""
    layers = int(rng.integers(1, 4))
    for k in range(layers):
        near = (k + 1) / layers
        profile = _profile(rng, 1.5) * rng.uniform(0.006, 0.02) + rng.uniform(0.01, 0.06)
        if k == layers - 1 and rng.random() < 0.7:
            profile = profile + 0.006 * np.abs(_profile(rng, 0.8))
        green = np.array([0.24, 0.3, 0.2]) * rng.uniform(0.8, 1.25)
        colour = horizon + (0.3 + 0.6 * near) * (green - horizon)
        mottle = 1.0 + 0.1 * np.tile(fractal(rng, _HEIGHT, 0.8)[:_ABOVE], (1, 2))
        # the edge is as soft as one of the picture's pixels is wide when it fills several of a photograph
        inside = smoothstep(0.006, -0.004, elevation - profile[None])[..., None]
        sky += inside * (colour * mottle[..., None] - sky)
    below = np.array([0.42, 0.42, 0.36]) * rng.uniform(0.8, 1.2)
    sky[:] = np.where((elevation < 0)[..., None], below, sky)


def _profile(rng: np.random.Generator, decay: float) -> NDArray:
    """Random outline (1024,) that closes on itself, deviation 1."""
    frequency = np.fft.rfftfreq(_WIDTH, 1 / _WIDTH)
    frequency[0] = np.inf
    outline = np.fft.irfft(np.fft.rfft(rng.standard_normal(_WIDTH)) * frequency**-decay)
    return outline / outline.std()


def _daylight(rng: np.random.Generator, overcast: bool, elevation: float) -> tuple[NDArray, NDArray, NDArray]:
    if overcast:
        key, sky = np.array([0.3, 0.3, 0.3]), np.array([0.85, 0.88, 0.92])
        return key, sky, np.array([0.3, 0.29, 0.27])
    warm = np.clip(1.2 - elevation, 0.0, 1.0)
    key = np.array([0.86, 0.82 - 0.08 * warm, 0.72 - 0.22 * warm]) * rng.uniform(0.85, 1.1)
    return key, np.array([0.36, 0.42, 0.52]), np.array([0.2, 0.19, 0.16])
