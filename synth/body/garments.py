"""Garments: cut from the body's hull by where they reach, painted chart by chart.

A cut says for every place of a chart how far inside the garment it lies (`reach`, metres, negative
outside); texture, hem and the hidden skin below all follow from it. Heights are y of the mean body at rest,
metres above the pelvis: the waist is at 0.1, the crotch at -0.13, the knee at -0.38.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from synth.body.charts import Axis, axes, texels
from synth.body.fabrics import FABRICS, Field, Sheet, creases, drapes
from synth.body.noise import smoothstep
from synth.body.palettes import Colour
from synth.body.trimmings import Cloth, Top, trimmed

TEXTURE_SIZES = MappingProxyType(
    {
        "torso": (256, 256),
        "arm": (256, 128),
        "leg": (256, 128),
        "foot": (64, 64),
        "skirt": (256, 256),
        "head": (128, 256),
    }
)
"""Rows and columns of the texture of each chart."""

OUTSIDE = -1.0
SHOULDER, ELBOW, WRIST = 0.17, 0.54, 0.87
"""v of the shoulder, elbow and wrist on the arm's chart."""

ANKLE = 0.926
"""v of the ankle on the leg's chart."""

Ease = Callable[[str, NDArray, NDArray], NDArray]


@dataclass(frozen=True)
class Garment:
    """A garment, painted.

    Parameters
    ----------
    name : str
        What it is.
    source : str
        Mesh of the body from which it is cut: ``suit`` or ``skirt``.
    textures : mapping of str to (H, W, 4) uint8
        sRGB and cut-out of each chart that it has cloth on.
    reach : mapping of str to (H, W) float32
        Metres inside the garment, on these charts.
    cover : mapping of str to (H, W) float32
        Metres inside what hides the skin.
    ease : callable
        Distance in metres from the hull at chart places: ``ease(chart, u, v)``.
    specular, gloss : float, int
        Highlight.
    """

    name: str
    source: str
    textures: Mapping[str, NDArray[np.uint8]]
    reach: Mapping[str, Field]
    cover: Mapping[str, Field]
    ease: Ease
    specular: float = 0.02
    gloss: int = 2


@dataclass(frozen=True)
class Trousers:
    """Cut of trousers, shorts or leggings.

    Parameters
    ----------
    name : str
        What it is.
    waist : float
        Height of the upper edge.
    end : float
        v on the leg where they end.
    ease, flare : float
        Distance from the hull at the thigh, and how much is added towards the end.
    details : frozenset of str
        Any of ``belt``, ``side stripe``, ``ribs``.
    """

    name: str
    waist: float
    end: float
    ease: float
    flare: float
    details: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Skirt:
    """Cut of a skirt: height of the hem, and how far it stands off at the waist and is widened at the hem."""

    name: str
    hem: float
    ease: float
    flare: float


@dataclass(frozen=True)
class Shoes:
    """Cut of shoes: v on the leg of the upper edge, v of the socks' edge (1 for none), sole's thickness in metres."""

    name: str
    edge: float
    sock: float
    sole: float


def _sheet(rng: np.random.Generator, chart: str) -> tuple[Sheet, Axis]:
    axis = axes()[chart]
    u, v = texels(*TEXTURE_SIZES[chart])
    return Sheet((u * axis.girth).astype(np.float32), (v * axis.length).astype(np.float32), u, v, rng), axis


def _texture(rgb: NDArray, reach: NDArray) -> NDArray[np.uint8]:
    """Colours 0 … 1 and a cut-out whose edge, at 128, runs between texels."""
    alpha = np.clip(128.0 + reach * 9000.0, 0, 255)
    return np.concatenate([np.clip(rgb, 0, 1) * 255.0, alpha[..., None]], axis=-1).astype(np.uint8)


def _hemmed(rgb: NDArray, reach: NDArray, width: float = 0.02) -> NDArray:
    """Darken a seam along the edge: a line a finger's width inside, and the edge itself."""
    line = np.exp(-(((reach - width) / 0.004) ** 2))
    return rgb * (1 - 0.12 * line - 0.12 * smoothstep(0.006, 0.0, np.abs(reach)))[..., None]


def _neck_edge(neck: str, u: Field) -> Field:
    """Coordinate v on the torso of the neckline."""
    d = np.abs(u - 0.5)
    front, back = np.exp(-((d / 0.1) ** 2)), np.exp(-(((0.5 - d) / 0.12) ** 2))
    wedge = np.maximum(0.0, 1.0 - d / 0.1)
    edges = {
        "crew": 0.125 + 0.05 * front,
        "v": 0.13 + 0.15 * wedge,
        "scoop": 0.15 + 0.12 * front,
        "high": 0.02 + 0.0 * d,
        "collar": 0.095 + 0.12 * np.maximum(0.0, 1.0 - d / 0.05),
        "strap": 0.17 + 0.13 * front + 0.07 * back,
        "open": 0.11 + 0.2 * wedge,
    }
    return edges[neck]


def _top_reach(cut: Top, sheet: Sheet, axis: Axis, chart: str) -> Field:
    """Metres inside a top at the texels of one of its charts."""
    if chart == "arm":
        return ((cut.sleeve - sheet.v) * axis.length).astype(np.float32)
    reach = axis.height(sheet.v) - cut.hem
    if chart == "leg":
        return reach.astype(np.float32)
    reach = np.minimum(reach, (sheet.v - _neck_edge(cut.neck, sheet.u)) * axis.length)
    d = np.abs(sheet.u - 0.5)
    if cut.neck == "strap":
        hole = np.hypot((d - 0.25) / 0.07, (sheet.v - 0.2) / 0.16) - 1.0
        reach = np.minimum(reach, hole * 0.08)
    if cut.neck == "open":
        reach = np.minimum(reach, (d - 0.025 - 0.03 * smoothstep(0.5, 1.0, sheet.v)) * axis.girth)
    return reach.astype(np.float32)


def _crease_depth(chart: str, v: Field, ease: float) -> Field:
    """Folds gather at the elbow, the knee, the ankle and the waist; tight cloth has few."""
    places = {"arm": (ELBOW, WRIST), "leg": (0.2, 0.55, 0.9), "torso": (0.3, 0.75)}.get(chart, (0.5,))
    gathered = sum(np.exp(-(((v - place) / 0.1) ** 2)) for place in places)
    smooth = 0.6 if chart == "leg" else 1.0
    return (smooth * min(ease / 0.012, 1.4) * (0.3 + 0.7 * gathered)).astype(np.float32)


def make_top(rng: np.random.Generator, cut: Top, cloth: Cloth) -> Garment:
    """Cut and paint a top."""
    charts = ["torso"] + (["arm"] if cut.sleeve > 0 else []) + (["leg"] if cut.hem < 0.05 else [])
    textures, reach = {}, {}
    pattern = int(rng.integers(2**31))
    for chart in charts:
        # the same stripes and checks on sleeves and body
        sheet, axis = _sheet(np.random.default_rng(pattern), chart)
        reach[chart] = _top_reach(cut, sheet, axis, chart)
        rgb = FABRICS[cloth.fabric](sheet, cloth.colours)
        rgb = rgb * creases(sheet, _crease_depth(chart, sheet.v, cut.ease))
        if chart != "leg":
            rgb = trimmed(cut, cloth, sheet, rgb, chart)
        if chart == "torso" and cut.neck in ("crew", "v", "collar", "high"):
            collar = (sheet.v - _neck_edge(cut.neck, sheet.u)) * axis.length
            rgb = rgb * (1 - 0.16 * smoothstep(0.03, 0.024, collar))[..., None]
        textures[chart] = _texture(_hemmed(rgb, reach[chart]), reach[chart])

    def ease(chart: str, u: NDArray, v: NDArray) -> NDArray:
        if chart == "arm":
            taper = np.clip((v - SHOULDER) / max(cut.sleeve - SHOULDER, 0.1), 0, 1)
            cuffed = "ribs" in cut.details or "placket" in cut.details
            return cut.ease * (1 + (0.5 * taper if not cuffed else -0.6 * np.maximum(taper - 0.85, 0) / 0.15))
        y = axes()[chart].height(v)
        low = np.clip((0.3 - y) / (0.3 - cut.hem), 0, 1)
        # cloth falls straight from the shoulder blades past the hollow of the back
        hollow = 0.9 * cut.ease * np.exp(-(((y - 0.13) / 0.1) ** 2)) if chart == "torso" else 0.0
        at_neck = np.clip((0.47 - y) / 0.06, 0.15, 1) if chart == "torso" else 1.0
        return (cut.ease + cut.flare * low + hollow) * at_neck

    return Garment(cut.name, "suit", textures, reach, reach, ease, cloth.specular, cloth.gloss)


def make_trousers(rng: np.random.Generator, cut: Trousers, cloth: Cloth) -> Garment:
    """Cut and paint trousers, shorts or leggings."""
    textures, reach = {}, {}
    pattern = int(rng.integers(2**31))
    for chart in ("torso", "leg"):
        sheet, axis = _sheet(np.random.default_rng(pattern), chart)
        y = axis.height(sheet.v)
        reach[chart] = (cut.waist - y if chart == "torso" else (cut.end - sheet.v) * axis.length).astype(
            np.float32
        )
        rgb = FABRICS[cloth.fabric](sheet, cloth.colours)
        rgb = rgb * creases(sheet, _crease_depth(chart, sheet.v, cut.ease))
        if chart == "leg":
            outer = np.exp(-(((np.abs(sheet.u - 0.25) * 0.5) / 0.004) ** 2))
            rgb = rgb * (1 - 0.15 * outer)[..., None]
            if "side stripe" in cut.details:
                stripe = smoothstep(0.05, 0.04, np.abs(sheet.u - 0.25))
                rgb = rgb + stripe[..., None] * (cloth.accent - rgb)
        elif "belt" in cut.details:
            belt = smoothstep(0.002, 0.0, np.abs(cut.waist - 0.02 - y) - 0.018)
            buckle = (np.abs(sheet.u - 0.5) < 0.025)[..., None]
            leather = np.where(buckle, np.array([0.62, 0.6, 0.55]), cloth.accent)
            rgb = rgb + belt[..., None] * (leather - rgb)
        else:
            rgb = rgb * (1 - 0.12 * smoothstep(0.04, 0.036, cut.waist - y))[..., None]
        textures[chart] = _texture(_hemmed(rgb, reach[chart]), reach[chart])

    def ease(chart: str, u: NDArray, v: NDArray) -> NDArray:
        if chart == "torso":
            return np.full(np.shape(v), min(cut.ease, 0.007))
        low = np.clip((v - 0.25) / 0.65, 0, 1)
        gathered = 0.85 * smoothstep(cut.end - 0.05, cut.end - 0.01, v) if "ribs" in cut.details else 0.0
        return (cut.ease + cut.flare * low) * (1 - gathered)

    return Garment(cut.name, "suit", textures, reach, reach, ease, cloth.specular, cloth.gloss)


def make_skirt(rng: np.random.Generator, cut: Skirt, cloth: Cloth) -> Garment:
    """Cut and paint a skirt; the thighs below it are hidden."""
    sheet, axis = _sheet(rng, "skirt")
    y = axis.height(sheet.v)
    reach = (y - cut.hem).astype(np.float32)
    depth = 1.2 * smoothstep(0.1, 0.6, sheet.v) * min(1.0, 8 * cut.flare + 0.3)
    rgb = FABRICS[cloth.fabric](sheet, cloth.colours) * drapes(sheet, depth, int(rng.integers(7, 15)))
    rgb = rgb * creases(sheet, 0.4)
    cover = {}
    for chart in ("torso", "leg"):
        places, line = _sheet(rng, chart)
        height = line.height(places.v)
        cover[chart] = np.minimum(height - cut.hem - 0.06, 0.06 - height).astype(np.float32)

    def ease(chart: str, u: NDArray, v: NDArray) -> NDArray:
        low = np.clip(v * axis.length / max(0.087 - cut.hem, 0.1), 0, 1.5)
        return cut.ease + cut.flare * low

    return Garment(cut.name, "skirt", {"skirt": _texture(_hemmed(rgb, reach), reach)}, {"skirt": reach}, cover,
                   ease, cloth.specular, cloth.gloss)  # fmt: skip


def make_shoes(rng: np.random.Generator, cut: Shoes, cloth: Cloth, sole: Colour, sock: Colour) -> Garment:
    """Cut and paint shoes and socks."""
    textures, reach = {}, {}
    sheet, axis = _sheet(rng, "foot")
    d = np.abs(sheet.u - 0.5)
    upper = FABRICS[cloth.fabric](sheet, cloth.colours)
    laces = (d < 0.06) & (np.abs((sheet.v * 22) % 1 - 0.5) < 0.22) & (np.abs(sheet.v - 0.62) < 0.14)
    toe = smoothstep(0.84, 0.88, sheet.v)
    upper = upper * (1 - 0.12 * toe)[..., None]
    upper = np.where((laces & (cut.name != "boots"))[..., None], 0.35 * upper + 0.65 * cloth.accent, upper)
    side = np.exp(-(((sheet.v - 0.45 + 0.4 * (d - 0.2)) / 0.06) ** 2)) * (cut.name == "sneakers")
    upper = upper + (0.8 * side * smoothstep(0.1, 0.14, d))[..., None] * (cloth.accent - upper)
    rgb = upper + smoothstep(0.335, 0.35, d)[..., None] * (sole - upper)
    reach["foot"] = np.full(d.shape, 0.2, np.float32)
    textures["foot"] = _texture(rgb, reach["foot"])
    sheet, axis = _sheet(rng, "leg")
    edge = min(cut.edge, cut.sock)
    reach["leg"] = ((sheet.v - edge) * axis.length).astype(np.float32)
    leather = FABRICS[cloth.fabric](sheet, cloth.colours) * creases(sheet, 0.5)
    ribbed = sock * (0.97 + 0.03 * np.sin(sheet.u * 2 * np.pi * 40))[..., None]
    inside = smoothstep(cut.edge - 0.004, cut.edge + 0.004, sheet.v)[..., None]
    textures["leg"] = _texture(
        _hemmed(ribbed + inside * (leather - ribbed), reach["leg"], 0.01), reach["leg"]
    )

    def ease(chart: str, u: NDArray, v: NDArray) -> NDArray:
        if chart == "leg":
            return np.where(v < cut.edge, 0.001, 0.009)
        below = smoothstep(0.3, 0.4, np.abs(u - 0.5))
        return 0.008 + cut.sole * below + 0.008 * smoothstep(0.8, 1.0, v)

    return Garment(cut.name, "suit", textures, reach, reach, ease, cloth.specular, cloth.gloss)
