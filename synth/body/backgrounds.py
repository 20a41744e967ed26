"""A background picture for a camera and a person, with the light that falls there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import cv2
import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.body.focus import out_of_focus
from synth.body.raycast import Scene, cast
from synth.body.scenes import sample_scene
from synth.body.shading import Light
from synth.body.textures import DECODE, linear_to_srgb
from synth.geometry import axis_rotation

_BLOCK, _QUAD = 10, 2
"""Pixels along the sides of what is near the same boxes, and of what shares light and haze."""

_NOISE_SIDE = 512
_ZERO, _THIRD, _HALF, _ONE = (np.float32(n) for n in (0, 1 / 3, 0.5, 1))
_STEPS, _LAST, _WHITE = (np.float32(n) for n in (1024, 4095, 255))
_COARSENESS = MappingProxyType({0.6: 1.5, 0.9: 1.8, 1.3: 2.1, 2.0: 2.8, 3.5: 4.0})
"""By the blur of the far background in pixels: how large the squares are that one ray is cast for."""

_SIGMA_SHARES = (0.25, 0.25, 0.25, 0.15, 0.1)


@dataclass(frozen=True)
class Grade:
    """What the photographic camera does to linear colours, to background and person alike.

    Parameters
    ----------
    gain : (3,) float32
        Exposure and white balance.
    contrast : float
        Exponent about middle grey.
    saturation : float
        1 leaves colours alone.
    vignette : float
        Darkening in the corners.
    noise : float
        Standard deviation in grey levels.
    blur : float
        Blur of the whole picture in pixels.
    """

    gain: NDArray[np.float32]
    contrast: float
    saturation: float
    vignette: float
    noise: float
    blur: float


@dataclass(frozen=True)
class Background:
    """A picture without a person, before `develop`.

    Parameters
    ----------
    image : (S, S, 3) uint8
        sRGB.
    light : Light
        Light at the person's place, in the camera frame.
    ground_seen : bool
        Whether the camera is above the ground, so that a shadow can fall on it.
    """

    image: NDArray[np.uint8]
    light: Light
    ground_seen: bool


def background(
    rng: np.random.Generator,
    K: ArrayLike,
    R: ArrayLike,
    t: ArrayLike,
    foot: ArrayLike,
    size: int,
    photographs: bool = False,
) -> Background:
    """Draw the surroundings of a person as a camera sees them.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice.
    K, R, t : (3, 3), (3, 3), (3,) float
        Pinhole camera: `pixel = K (R X + t) / z`; the world has y up.
    foot : (3,) float
        World point on the ground below the person, metres.
    size : int
        Rows and columns.
    photographs : bool
        Photographed surroundings alone.

    Returns
    -------
    Background
    """
    K, R, t, foot = (np.asarray(a, dtype=np.float64) for a in (K, R, t, foot))
    # the scene is mirrored for every second person
    turn = axis_rotation("y", rng.uniform(-np.pi, np.pi)) * np.array([rng.choice([-1.0, 1.0]), 1.0, 1.0])
    camera = turn @ (-R.T @ t - foot)
    to_scene = turn @ R.T
    ahead = to_scene[:, 2] * np.array([1.0, 0.0, 1.0])
    if np.linalg.norm(ahead) < 0.05:
        ahead = -to_scene[:, 1] * np.array([1.0, 0.0, 1.0])
    scene = sample_scene(rng, ahead / np.linalg.norm(ahead), photographs)
    sigma = _drawn(rng, tuple(_COARSENESS), _SIGMA_SHARES)
    coarse_K, coarse_size = _coarser(K, size, _COARSENESS[sigma])
    linear, distances = _seen(scene, camera, to_scene, coarse_K, coarse_size)
    seen = out_of_focus(linear, distances, float(np.linalg.norm(camera)), sigma * coarse_size / size)
    # cubic interpolation keeps the edges that one ray for several pixels leaves
    picture = cv2.resize(seen, (size, size), interpolation=cv2.INTER_CUBIC)
    return Background(picture, _light(scene, to_scene), bool(camera[1] > 0.05))


def _seen(
    scene: Scene,
    camera: NDArray[np.float64],
    to_scene: NDArray[np.float64],
    K: NDArray[np.float64],
    size: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Linear colours (S, S, 3) and distances (S, S) of a scene."""
    pixels, place = _pixels(size)
    rays = np.empty_like(pixels)
    _aim(pixels, (to_scene @ np.linalg.inv(K)).astype(np.float32), rays)
    colours, distances = cast(scene, camera.astype(np.float32), rays, 1.0 / K[0, 0], _BLOCK**2, _QUAD**2)
    picture, far = np.empty((size, size, 3), np.float32), np.empty((size, size), np.float32)
    _lay_out(colours, distances, place, picture, far)
    return picture, far


@njit(cache=True, error_model="numpy")
def _aim(pixels, matrix, rays):  # type: ignore[no-untyped-def]
    """Find the unit directions (P, 3) in which homogeneous pixels (P, 3) look."""
    for n in range(len(pixels)):
        p, q, r = pixels[n, 0], pixels[n, 1], pixels[n, 2]
        x = matrix[0, 0] * p + matrix[0, 1] * q + matrix[0, 2] * r
        y = matrix[1, 0] * p + matrix[1, 1] * q + matrix[1, 2] * r
        z = matrix[2, 0] * p + matrix[2, 1] * q + matrix[2, 2] * r
        scale = _ONE / math.sqrt(x * x + y * y + z * z)
        rays[n, 0], rays[n, 1], rays[n, 2] = x * scale, y * scale, z * scale


@njit(cache=True, error_model="numpy")
def _lay_out(colours, distances, place, picture, far):  # type: ignore[no-untyped-def]
    """Take colours and distances of rays, block by block, to where they are in the picture."""
    for y in range(np.uint64(far.shape[0])):
        for x in range(np.uint64(far.shape[1])):
            n = np.uint64(place[y, x])
            for c in range(np.uint64(3)):
                picture[y, x, c] = colours[n, c]
            far[y, x] = distances[n]


@lru_cache(maxsize=16)
def _pixels(size: int) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Homogeneous pixels (P, 3), block by block and quad by quad, and where each of (S, S) is among them."""
    blocks, quads = -(-size // _BLOCK), _BLOCK // _QUAD
    side = blocks * _BLOCK
    grid = np.arange(side * side).reshape(blocks, quads, _QUAD, blocks, quads, _QUAD)
    order = grid.transpose(0, 3, 1, 4, 2, 5).ravel()
    y, x = np.divmod(order, side)
    place = np.argsort(order).reshape(side, side)[:size, :size]
    return np.stack([x, y, np.ones_like(x)], axis=-1).astype(np.float32), np.ascontiguousarray(place)


def _coarser(K: NDArray[np.float64], size: int, factor: float) -> tuple[NDArray[np.float64], int]:
    """Intrinsics and size of the same picture with pixels about so many times as large."""
    coarse = max(round(size / factor), 1)
    scaled = K.copy()
    # pixel centres are integers, so the picture begins at -0.5
    scaled[:2] *= coarse / size
    scaled[:2, 2] += 0.5 * coarse / size - 0.5
    return scaled, coarse


def _light(scene: Scene, to_scene: NDArray[np.float64]) -> Light:
    """Light at the person's chest: the sun, or the lamp where that is the brighter one."""
    towards = scene.lamp - np.array([0.0, 1.1, 0.0])
    distance = float(np.linalg.norm(towards))
    lamp = scene.lamp_colour * 5.0 / (1.0 + distance**2)
    sunny = scene.sun_colour.sum() > lamp.sum()
    direction = to_scene.T @ (scene.sun if sunny else towards / distance)
    key = scene.sun_colour if sunny else lamp
    # the weaker the key light among the rest, the broader it is
    share = float(scene.sky.mean() / max(key.mean() + scene.sky.mean(), 1e-6))
    softness = 0.02 + 0.5 * share**2 + 0.06 * (not sunny)
    up = to_scene.T @ np.array([0.0, 1.0, 0.0])
    return Light(
        _triple(direction), _triple(up), _triple(key), _triple(scene.sky), _triple(scene.bounce), softness
    )


def _triple(values: NDArray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _drawn(rng: np.random.Generator, values: tuple[float, ...], shares: tuple[float, ...]) -> float:
    """Draw one of some values; `Generator.choice` takes ten times as long."""
    mark = rng.random()
    for value, share in zip(values, shares, strict=True):
        mark -= share
        if mark < 0:
            return value
    return values[-1]


def sample_grade(rng: np.random.Generator) -> Grade:
    """Draw exposure, white balance, contrast, saturation, vignette, noise and blur."""
    warm = 0.07 * rng.standard_normal()
    gain = np.array([1 + warm, 1 + 0.02 * rng.standard_normal(), 1 - warm]) * np.exp(
        0.12 + 0.16 * rng.standard_normal()
    )
    return Grade(
        gain.astype(np.float32),
        float(np.exp(0.1 * rng.standard_normal())),
        float(np.clip(0.95 + 0.15 * rng.standard_normal(), 0.5, 1.3)),
        float(rng.uniform(0.0, 0.25)),
        float(rng.gamma(2.0, 1.3)),
        _drawn(rng, (0.0, 0.45, 0.7), (0.5, 0.35, 0.15)),
    )


def develop(rng: np.random.Generator, picture: NDArray[np.uint8], grade: Grade) -> NDArray[np.uint8]:
    """Expose a picture anew, as another camera would have taken it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise.
    picture : (H, W, 3) uint8
        sRGB.
    grade : Grade
        Settings.

    Returns
    -------
    (H, W, 3) uint8
    """
    x = cv2.GaussianBlur(picture, (0, 0), grade.blur) if grade.blur > 0 else np.ascontiguousarray(picture)
    start = rng.integers(_NOISE_SIDE**2 * 3)
    out = np.empty(x.shape, np.uint8)
    settings = np.array([*grade.gain, grade.saturation, 0.5 * grade.vignette, grade.noise], np.float32)
    _develop(x, DECODE, settings, _curve(round(grade.contrast, 2)), _noise(), start, out)
    return out


@lru_cache(maxsize=1)
def _noise() -> NDArray[np.float32]:
    """Make normal deviates in plenty: a picture's noise starts anywhere among them."""
    return np.random.default_rng(0).standard_normal(_NOISE_SIDE**2 * 3, dtype=np.float32)


@njit(cache=True, error_model="numpy")
def _develop(picture, to_linear, settings, curve, noise, start, out):  # type: ignore[no-untyped-def]
    height, width, _ = picture.shape
    red, green, blue, saturation, vignette, amount = settings
    for row in range(np.uint64(height)):
        down = np.float32(2 * np.int64(row) / (height - 1) - 1)
        # a row's noise lies in one piece
        place = np.uint64((start + 3 * width * np.int64(row)) % (len(noise) - 3 * width))
        for column in range(np.uint64(width)):
            across = np.float32(np.int64(column)) * np.float32(2.0 / (width - 1)) - _ONE
            dim = _ONE - vignette * (down * down + across * across)
            r = to_linear[picture[row, column, 0]] * red
            g = to_linear[picture[row, column, 1]] * green
            b = to_linear[picture[row, column, 2]] * blue
            grey = (r + g + b) * _THIRD
            for c, light in enumerate((r, g, b)):
                value = (grey + saturation * (light - grey)) * dim * _STEPS
                shown = curve[np.uint64(min(max(value, _ZERO), _LAST))]
                shown += amount * noise[place] + _HALF
                place += np.uint64(1)
                out[row, column, c] = np.uint8(min(max(shown, _ZERO), _WHITE))


@lru_cache(maxsize=128)
def _curve(contrast: float) -> NDArray[np.float32]:
    """Display value (0 … 255) of linear values 0 … 4 in 4096 steps; 0.18 stays where it is."""
    x = (np.arange(4096) + 0.5) / 1024.0
    curved = 0.18 * (x / 0.18) ** contrast
    rolled = np.where(curved < 0.85, curved, 0.85 + 0.15 * (1 - np.exp(-(curved - 0.85) / 0.15)))
    return (255.0 * linear_to_srgb(rolled)).astype(np.float32)
