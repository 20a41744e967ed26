"""Hair, beards and headgear: shells over the scalp, a mantle of long hair, buns and tails."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import PARTS, load_body
from synth.body.charts import CHARTS, axes, texels
from synth.body.fabrics import NOISE_SIDE, Field, Sheet, noise_bank
from synth.body.garments import TEXTURE_SIZES
from synth.body.layers import Layer, blob_layer, coordinates, sampled, selected_layer
from synth.body.noise import smoothstep
from synth.body.palettes import Colour

Cut = Literal["none", "buzz", "short", "medium", "curly", "receding", "long", "bob", "bun", "tail"]
Hat = Literal["none", "beanie", "cap"]

_HAIRLINE_U = (0.0, 0.06, 0.1, 0.135, 0.165, 0.185, 0.21, 0.225, 0.3, 0.325, 0.37, 0.5)
_HAIRLINE_V = (0.30, 0.29, 0.32, 0.40, 0.47, 0.64, 0.64, 0.50, 0.50, 0.78, 0.95, 0.99)
"""Lower edge of the hair on the head's chart, by distance of u from the front: forehead, temple, sideburn,
round the ear, nape."""


@dataclass(frozen=True)
class Hairdo:
    """Hair of a person: cut, colour, and what is worn over it."""

    cut: Cut
    colour: Colour
    hat: Hat
    hat_colour: Colour


def hairline(u: NDArray, receding: float) -> NDArray:
    """Coordinate v on the head's chart where the hair ends; a receding one bares the forehead and the temples."""
    d = np.abs(u - 0.5)
    edge = np.interp(d, _HAIRLINE_U, _HAIRLINE_V)
    return edge - receding * (0.2 * np.exp(-((d / 0.11) ** 2)) + 0.1 * np.exp(-(((d - 0.12) / 0.05) ** 2)))


def _head_sheet(rng: np.random.Generator, height: int, width: int) -> Sheet:
    u, v = texels(height, width)
    return Sheet(u * np.float32(0.6), v * np.float32(axes()["head"].length), u, v, rng)


def strands(rng: np.random.Generator, colour: Colour, height: int, width: int, curly: bool) -> Field:
    """Colours (height, width, 3) of hair combed along v: locks, strands, and a soft sheen."""
    fine = noise_bank("threads")[rng.integers(6)].T[
        :height, : width * (NOISE_SIDE // width) : NOISE_SIDE // width
    ]
    locks = noise_bank("cloudy")[rng.integers(6)][:height, :width]
    if curly:
        fine = noise_bank("fine")[rng.integers(6)][:height, :width]
    v = np.linspace(0, 1, height)[:, None]
    sheen = 0.16 * np.exp(-(((v - 0.3) / 0.12) ** 2)) * (0 if curly else 1)
    tone = np.clip(1.0 + 0.16 * fine + 0.12 * locks + sheen, 0.45, 1.7)
    return (tone[..., None] * colour).astype(np.float32)


def scalp_texture(rng: np.random.Generator, style: Hairdo) -> NDArray[np.uint8]:
    """Cut-out texture of the shell of hair over the scalp."""
    height, width = TEXTURE_SIZES["head"]
    sheet = _head_sheet(rng, height, width)
    ragged = 0.012 * sheet.noise("fine") + 0.008 * sheet.noise("cloudy")
    inside = hairline(sheet.u, 1.0 if style.cut == "receding" else 0.0) - sheet.v + ragged
    rgb = strands(rng, style.colour, height, width, style.cut == "curly")
    # the skin shines through at the edge
    alpha = np.clip(128 + inside * 3000, 0, 255)
    return np.concatenate([np.clip(rgb, 0, 1) * 255, alpha[..., None]], -1).astype(np.uint8)


_THICKNESS = {"buzz": 0.004, "receding": 0.009, "short": 0.017, "medium": 0.028, "curly": 0.042,
              "long": 0.016, "bob": 0.018, "bun": 0.012, "tail": 0.012, "none": 0.0}  # fmt: skip


def scalp_layer(rng: np.random.Generator, style: Hairdo, material: int) -> Layer:
    """Shell of hair over the scalp: thickest on top, lumpy, thin at its edge."""
    where = coordinates("skin")
    u, v = where.uv[..., 0] % 1.0, where.uv[..., 1]
    edge = hairline(u, 1.0 if style.cut == "receding" else 0.0)
    head = (where.charts == CHARTS.index("head")) | (load_body().skin.parts == PARTS.index("neck"))
    # above the neck the head's chart serves on as it is, below it the hairline is not reached
    chosen = head & (where.charts == CHARTS.index("head")) & ((edge - v).max(axis=1) > -0.05)
    thick = _THICKNESS[style.cut] if style.hat == "none" else 0.004
    lumps = sampled(noise_bank("cloudy")[rng.integers(6)], np.stack([u, v], -1))
    rise = smoothstep(0.0, 0.16, edge - v) * (0.75 + 0.35 * smoothstep(0.5, 0.1, v))
    offset = 0.0015 + thick * rise * np.clip(1.0 + 0.22 * lumps, 0.4, 1.6)
    material_of = np.full(len(chosen), material, np.int32)
    return selected_layer("skin", chosen, where.uv, material_of, offset, two_sided=False)


def mantle_texture(rng: np.random.Generator, style: Hairdo) -> NDArray[np.uint8]:
    """Cut-out texture of long hair; its lower edge is where the cut ends, in ragged locks."""
    sheet = _head_sheet(rng, 256, 256)
    rgb = strands(rng, style.colour, 256, 256, False)
    low = 0.3 if style.cut == "bob" else rng.uniform(0.45, 0.95)
    ragged = 0.025 * noise_bank("cloudy")[rng.integers(6)][:1]
    # parted in the middle and combed behind the temples: the face stays free
    aside = np.abs(sheet.u - 0.5) - (0.02 + 0.17 * smoothstep(0.02, 0.16, sheet.v))
    inside = np.minimum(low - sheet.v + ragged, 0.6 * aside)
    alpha = np.clip(128 + inside * 4000, 0, 255)
    shade = 1.0 - 0.25 * smoothstep(0.25, 0.6, sheet.v)
    return np.concatenate([np.clip(rgb * shade[..., None], 0, 1) * 255, alpha[..., None]], -1).astype(
        np.uint8
    )


@lru_cache(maxsize=1)
def _mantle_uv() -> NDArray[np.float32]:
    """Texture coordinates of the long hair: round the head, and from its top (0) to its lowest end (1)."""
    mesh = load_body().meshes["hair"]
    y = mesh.vertices.mean[:, 1]
    uv = coordinates("hair").uv.copy()
    uv[..., 1] = ((y.max() - y) / (y.max() - y.min()))[mesh.triangles]
    return uv


def mantle_layer(style: Hairdo, material: int) -> Layer:
    """Cut the long hair itself."""
    uv = _mantle_uv()
    every = np.ones(len(uv), bool)
    offset = np.full(uv.shape[:2], 0.004)
    return selected_layer("hair", every, uv, np.full(len(uv), material, np.int32), offset, two_sided=True)


@lru_cache(maxsize=2)
def _anchor(kind: str) -> int:
    """Vertex of the skin at the back of the head (``crown``: higher up)."""
    mesh = load_body().skin
    points = mesh.vertices.mean
    height = {"back": 0.635, "crown": 0.67}[kind]
    distance = np.linalg.norm(points - np.array([0.0, height, -0.2]), axis=1)
    return int(np.argmin(distance))


def knot_layer(style: Hairdo, material: int) -> Layer:
    """Bun or ponytail."""
    part = PARTS.index("head")
    if style.cut == "bun":
        centre, radii = np.array([0.0, 0.015, -0.025]), np.array([0.04, 0.038, 0.035])
        return blob_layer(_anchor("crown"), centre, radii, material, part)
    centre, radii = np.array([0.0, -0.085, -0.016]), np.array([0.032, 0.115, 0.026])
    return blob_layer(_anchor("back"), centre, radii, material, part, bend=-0.012)


def hat_texture(rng: np.random.Generator, style: Hairdo) -> NDArray[np.uint8]:
    """Cut-out texture of a cap or a knitted hat."""
    height, width = TEXTURE_SIZES["head"]
    sheet = _head_sheet(rng, height, width)
    edge = _hat_edge(sheet.u, style.hat)
    tone = 1 + 0.03 * sheet.noise("fine")
    if style.hat == "beanie":
        tone = tone * (1 + 0.07 * np.sin(sheet.u * 2 * np.pi * 48))
        tone = tone * (1 - 0.15 * np.exp(-(((sheet.v - edge + 0.2) / 0.02) ** 2)))
    else:
        tone = tone * (1 - 0.15 * (np.abs((sheet.u * 6 + 0.5) % 1 - 0.5) < 0.03))
    rgb = tone[..., None] * style.hat_colour
    alpha = np.clip(128 + (edge - sheet.v) * 9000, 0, 255)
    return np.concatenate([np.clip(rgb, 0, 1) * 255, alpha[..., None]], -1).astype(np.uint8)


def _hat_edge(u: NDArray, hat: Hat) -> NDArray:
    d = np.abs(u - 0.5)
    return 0.40 + (0.16 if hat == "beanie" else 0.1) * smoothstep(0.1, 0.4, d)


def hat_layers(style: Hairdo, material: int) -> list[Layer]:
    """Crown of the hat, and the peak of a cap."""
    where = coordinates("skin")
    u, v = where.uv[..., 0] % 1.0, where.uv[..., 1]
    edge = _hat_edge(u, style.hat)
    chosen = (where.charts == CHARTS.index("head")) & ((edge - v).max(axis=1) > -0.05)
    offset = np.full(u.shape, 0.014 if style.hat == "beanie" else 0.012)
    offset += (0.018 if style.hat == "beanie" else 0.01) * smoothstep(0.3, 0.0, v)
    every = np.full(len(chosen), material, np.int32)
    layers = [selected_layer("skin", chosen, where.uv, every, offset, two_sided=True)]
    if style.hat == "cap":
        layers.append(_peak(material))
    return layers


def _peak(material: int) -> Layer:
    """Peak of a cap: a curved half disc over the forehead."""
    points = load_body().skin.vertices.mean
    anchor = int(np.argmin(np.linalg.norm(points - np.array([0.0, 0.642, 0.2]), axis=1)))
    angle = np.linspace(-1.25, 1.25, 13)
    inner = np.stack([0.082 * np.sin(angle), np.zeros(13), 0.082 * np.cos(angle) - 0.075], -1)
    outer = inner + np.stack([0.01 * np.sin(angle), -0.018 - 0.0 * angle, 0.075 * np.cos(angle) ** 0.7], -1)
    outer[:, 1] -= 0.012 * np.sin(angle) ** 2
    inner[:, 1] -= 0.004 * np.sin(angle) ** 2
    shift = np.concatenate([inner, outer])
    a = np.arange(12)
    triangles = np.concatenate([np.stack([a, a + 13, a + 14], 1), np.stack([a, a + 14, a + 1], 1)])
    uv = np.full((len(triangles), 3, 2), 0.2)
    return Layer("skin", np.full(26, anchor, np.intp), np.full(26, 0.014, np.float32), shift.astype(np.float32),
                 triangles.astype(np.int32), uv.astype(np.float32), np.full(24, PARTS.index("head"), np.uint8),
                 np.full(24, material, np.int32), np.ones(24, bool))  # fmt: skip
