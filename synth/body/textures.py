"""Materials: textures with mip levels, packed so that one kernel reads them all, and how they shine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

LEVELS = 6
"""Mip levels of a texture, each of half the size of the one before."""

PARAMETERS = 8
"""Numbers of a material: specular, gloss, wrap (3), tint (3)."""

_ENCODE_STEPS = 4095


def srgb_to_linear(encoded: ArrayLike) -> NDArray[np.float64]:
    """Linear light of sRGB values 0 ... 1 (IEC 61966-2-1)."""
    value = np.asarray(encoded, dtype=np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: ArrayLike) -> NDArray[np.float64]:
    """Encode linear light 0 ... 1 as sRGB (IEC 61966-2-1)."""
    value = np.asarray(linear, dtype=np.float64)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


DECODE = srgb_to_linear(np.arange(256) / 255.0).astype(np.float32)
"""Linear light of each sRGB byte."""

DECODE_FINE = srgb_to_linear(np.arange(1021) / 1020.0).astype(np.float32)
"""Linear light of sRGB in steps of a quarter of a byte."""

ENCODE = np.rint(255.0 * linear_to_srgb(np.arange(_ENCODE_STEPS + 1) / _ENCODE_STEPS)).astype(np.uint8)
"""sRGB byte of linear light in steps of 1/4095."""


@dataclass(frozen=True)
class Material:
    """How a surface looks.

    Parameters
    ----------
    texture : (h, w, 3) or (h, w, 4) uint8
        sRGB colour; sides are powers of two. Where the fourth channel is below 128 the surface has a hole.
    specular : float
        Strength of the highlight: share of the key light reflected at its middle.
    gloss : int
        The highlight's exponent is 2^gloss, 0 to 8: cloth 2, skin 4, hair 5, leather 6.
    wrap : (float, float, float)
        How far the key light reaches round the edge of the shadow, per colour, 0 to 1: light that
        wanders under the surface. Skin: more of the red.
    tint : (float, float, float)
        Factor of the texture's linear colour.
    """

    texture: NDArray[np.uint8]
    specular: float = 0.03
    gloss: int = 4
    wrap: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class MaterialSet:
    """Materials of a person, as the kernels read them; made by `pack_materials`.

    Parameters
    ----------
    texels : (N,) uint32
        All textures and mip levels, rows one after the other; red in the lowest byte, alpha in the highest.
    levels : (M, 6, 3) int64
        Of each material and level: first texel, width and height. A texture of few levels repeats its last.
    parameters : (M, 8) float32
        Specular, gloss, wrap (3) and tint (3).
    cut_out : (M,) bool
        Whether the texture has holes.
    """

    texels: NDArray[np.uint32]
    levels: NDArray[np.int64]
    parameters: NDArray[np.float32]
    cut_out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.levels)

    def tinted(self, material: int, tint: tuple[float, float, float]) -> MaterialSet:
        """Give one material another tint; textures are shared."""
        parameters = self.parameters.copy()
        parameters[material, 5:] = tint
        return replace(self, parameters=parameters)


def pack_materials(materials: Sequence[Material]) -> MaterialSet:
    """Build mip levels (averages of 2 x 2 texels in linear light) and pack all textures.

    Parameters
    ----------
    materials : sequence of Material
        At least one. A mesh names them by position.

    Returns
    -------
    MaterialSet

    Raises
    ------
    ValueError
        If a texture is not uint8 with 3 or 4 channels and sides that are powers of two, or the gloss is not
        within 0 and 8.
    """
    if not materials:
        raise ValueError("a set of materials needs one at least")
    levels = np.zeros((len(materials), LEVELS, 3), np.int64)
    texels, start = [], 0
    for place, material in zip(levels, materials, strict=True):
        pyramid = _pyramid(_checked(material))
        for n in range(LEVELS):
            if n < len(pyramid):
                height, width = pyramid[n].shape[:2]
                place[n] = start, width, height
                texels.append(pyramid[n].reshape(-1, 4).view(np.uint32)[:, 0])
                start += width * height
            else:
                place[n] = place[n - 1]
    parameters = np.array([[m.specular, m.gloss, *m.wrap, *m.tint] for m in materials], np.float32)
    cut_out = np.array([m.texture.shape[2] == 4 and bool((m.texture[..., 3] < 128).any()) for m in materials])
    return MaterialSet(np.concatenate(texels), levels, parameters, cut_out)


def pack_texels(picture: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Pack the channels of a picture (H, W, 3 or 4), red in the lowest byte; (H, W)."""
    opaque = np.full((*picture.shape[:2], 4), 255, np.uint8)
    opaque[..., : picture.shape[2]] = picture
    return opaque.view("<u4")[..., 0].astype(np.uint32, copy=False)


def _checked(material: Material) -> NDArray[np.uint8]:
    """Texture of a material with four channels."""
    texture = material.texture
    sound = texture.dtype == np.uint8 and texture.ndim == 3 and texture.shape[2] in (3, 4)
    if not sound or any(side < 1 or side & (side - 1) for side in texture.shape[:2]):
        raise ValueError(
            f"texture is {texture.dtype} of shape {texture.shape}; "
            "expected uint8 (h, w, 3 or 4) with h and w powers of two"
        )
    if not 0 <= material.gloss <= 8:
        raise ValueError(f"gloss is {material.gloss}; the exponent 2^gloss needs 0 to 8")
    if not np.isfinite([material.specular, *material.wrap, *material.tint]).all():
        raise ValueError(f"specular {material.specular}, wrap and tint of a material must be finite numbers")
    opaque = np.full((*texture.shape[:2], 4), 255, np.uint8)
    opaque[..., : texture.shape[2]] = texture
    return opaque


def _pyramid(texture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Mip levels (h, w, 4) of a texture, itself first."""
    pyramid = [texture]
    while len(pyramid) < LEVELS and max(pyramid[-1].shape[:2]) > 1:
        height, width = pyramid[-1].shape[:2]
        half = np.empty((max(height // 2, 1), max(width // 2, 1), 4), np.uint8)
        _halve(pyramid[-1], half)
        pyramid.append(half)
    return pyramid


@njit(cache=True, error_model="numpy")
def _halve(texture, half):  # type: ignore[no-untyped-def]
    """Average 2 x 2 texels, or 2 along a texture of one row or column; colours in linear light."""
    height, width = texture.shape[:2]
    for y in range(half.shape[0]):
        for x in range(half.shape[1]):
            y1, x1 = min(2 * y + 1, height - 1), min(2 * x + 1, width - 1)
            p, q, r, s = texture[2 * y, 2 * x], texture[2 * y, x1], texture[y1, 2 * x], texture[y1, x1]
            for c in range(3):
                half[y, x, c] = encoded(
                    (DECODE[p[c]] + DECODE[q[c]] + DECODE[r[c]] + DECODE[s[c]]) * np.float32(0.25)
                )
            half[y, x, 3] = (np.int32(p[3]) + q[3] + r[3] + s[3] + 2) // 4


@njit(cache=True, error_model="numpy", inline="always")
def encoded(linear):  # type: ignore[no-untyped-def]
    """Byte of sRGB for linear light; below 0 is 0, above 1 is 255."""
    return ENCODE[
        np.uint64(
            np.int64(
                min(max(linear, np.float32(0)), np.float32(1)) * np.float32(_ENCODE_STEPS) + np.float32(0.5)
            )
        )
    ]


@njit(cache=True, error_model="numpy", inline="always")
def mip_level(levels, m, footprint):  # type: ignore[no-untyped-def]
    """Level of material m whose texels are nearest in size to a sample, on a logarithmic scale.

    `footprint` is the size of a sample in units of texture coordinates.
    """
    area = footprint * footprint * np.float32(levels[m, 0, 1] * levels[m, 0, 2])
    level = np.uint64(0)
    while area > np.float32(2) and level < np.uint64(levels.shape[1] - 1):
        area *= np.float32(0.25)
        level += np.uint64(1)
    return level


@njit(cache=True, error_model="numpy", inline="always")
def is_hole(texels, levels, m, level, u, v):  # type: ignore[no-untyped-def]
    """Whether the nearest texel's alpha is below 128."""
    start, width, height = levels[m, level, 0], levels[m, level, 1], levels[m, level, 2]
    x = np.int64(np.floor(u * np.float32(width))) & (width - 1)
    y = np.int64(np.floor(v * np.float32(height))) & (height - 1)
    return texels[np.uint64(start + y * width + x)] < np.uint32(128 << 24)


@njit(cache=True, error_model="numpy", inline="always")
def sample_bilinear(texels, start, width, height, u, v):  # type: ignore[no-untyped-def]
    """Interpolate a texture level, repeating beyond its borders.

    Weights are multiples of 1/256. Colours are interpolated as they are encoded, as graphics hardware of
    old did: between neighbouring texels of a mip level the difference is small.

    Parameters
    ----------
    texels : (N,) uint32
        Packed textures.
    start, width, height : int64
        A row of `MaterialSet.levels`.
    u, v : float32
        Texture coordinates; (0, 0) is the upper left corner of the first texel, (1, 1) the lower right
        corner of the last.

    Returns
    -------
    (uint64, uint64, uint64)
        Red, green, blue in 65536ths of a byte's step.
    """
    p, q, r, s, wp, wq, wr, ws = _around(texels, start, width, height, u, v)
    # two channels in one word, 32 bits apart: 255 * 2^16 needs 24 bits
    red_blue = _apart(p) * wp + _apart(q) * wq + _apart(r) * wr + _apart(s) * ws
    green = _second(p) * wp + _second(q) * wq + _second(r) * wr + _second(s) * ws
    return red_blue & np.uint64(0xFFFFFFFF), green, red_blue >> np.uint64(32)


@njit(cache=True, error_model="numpy", inline="always")
def alpha_bilinear(texels, start, width, height, u, v):  # type: ignore[no-untyped-def]
    """Interpolate the alpha of a texture level, arguments as for `sample_bilinear`, in 65536ths of a byte's step."""
    p, q, r, s, wp, wq, wr, ws = _around(texels, start, width, height, u, v)
    shift = np.uint64(24)
    return (p >> shift) * wp + (q >> shift) * wq + (r >> shift) * wr + (s >> shift) * ws


@njit(cache=True, error_model="numpy", inline="always")
def decoded(value):  # type: ignore[no-untyped-def]
    """Linear light of a colour in 65536ths of a byte's step, rounded to a quarter of it."""
    return DECODE_FINE[(value + np.uint64(1 << 13)) >> np.uint64(14)]


@njit(cache=True, error_model="numpy", inline="always")
def _around(texels, start, width, height, u, v):  # type: ignore[no-untyped-def]
    """Find the four texels about a place and their weights in 65536ths."""
    x = np.int64(np.floor((u * np.float32(width) - np.float32(0.5)) * np.float32(256)))
    y = np.int64(np.floor((v * np.float32(height) - np.float32(0.5)) * np.float32(256)))
    fx, fy = np.uint64(x & 255), np.uint64(y & 255)
    x0, y0 = (x >> 8) & (width - 1), (y >> 8) & (height - 1)
    x1, y1 = (x0 + 1) & (width - 1), (y0 + 1) & (height - 1)
    above, below = start + y0 * width, start + y1 * width
    p, q = np.uint64(texels[np.uint64(above + x0)]), np.uint64(texels[np.uint64(above + x1)])
    r, s = np.uint64(texels[np.uint64(below + x0)]), np.uint64(texels[np.uint64(below + x1)])
    one = np.uint64(256)
    return p, q, r, s, (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy


@njit(cache=True, error_model="numpy", inline="always")
def _apart(texel):  # type: ignore[no-untyped-def]
    """Red in bits 0 to 7, blue in bits 32 to 39."""
    return (texel & np.uint64(0xFF)) | ((texel & np.uint64(0xFF0000)) << np.uint64(16))


@njit(cache=True, error_model="numpy", inline="always")
def _second(texel):  # type: ignore[no-untyped-def]
    """Green, in bits 0 to 7."""
    return (texel >> np.uint64(8)) & np.uint64(0xFF)
