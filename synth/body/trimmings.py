"""Tops: their cut, their cloth, and what is sewn or printed on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth.body.charts import axes
from synth.body.fabrics import Field, Sheet
from synth.body.noise import smoothstep
from synth.body.palettes import Colour


@dataclass(frozen=True)
class Cloth:
    """What a garment is made of: fabric by name, its colours, the accent of collars and prints."""

    fabric: str
    colours: tuple[Colour, ...]
    accent: Colour
    specular: float = 0.02
    gloss: int = 2


@dataclass(frozen=True)
class Top:
    """Cut of a shirt, pullover, jacket or the upper part of a dress.

    Parameters
    ----------
    name : str
        What it is.
    neck : str
        ``crew``, ``v``, ``scoop``, ``high``, ``collar``, ``strap`` or ``open``.
    sleeve : float
        v on the arm where the sleeve ends; 0 for none.
    hem : float
        Height of the lower edge.
    ease, flare : float
        Distance from the hull in metres, and how much is added at the hem.
    details : frozenset of str
        Any of ``placket``, ``zip``, ``logo``, ``number``, ``band``, ``raglan``, ``ribs``, ``pocket``.
    """

    name: str
    neck: str
    sleeve: float
    hem: float
    ease: float
    flare: float = 0.008
    details: frozenset[str] = field(default_factory=frozenset)


def trimmed(cut: Top, cloth: Cloth, sheet: Sheet, rgb: Field, chart: str) -> Field:
    """Buttons, zips, prints, bands and ribs onto the cloth of a top."""
    d, front = np.abs(sheet.u - 0.5), np.cos((sheet.u - 0.5) * 2 * np.pi) > 0
    has = cut.details.__contains__
    if chart == "arm":
        if has("raglan") or has("stripe"):
            mix = smoothstep(0.0, 0.01, np.full_like(d, 1.0)) if has("raglan") else smoothstep(0.06, 0.05, d)
            rgb = rgb + mix[..., None] * (cloth.accent - rgb)
        if has("ribs"):
            cuff = smoothstep(cut.sleeve - 0.07, cut.sleeve - 0.06, sheet.v)
            rgb = rgb * (1 - cuff * (0.1 + 0.06 * np.sin(sheet.u * 2 * np.pi * 24)))[..., None]
        return rgb
    if has("placket") or has("zip"):
        half = 0.016 if has("placket") else 0.006
        edge = np.exp(-(((d * 0.95 - half) / 0.003) ** 2))
        rgb = rgb * (1 - 0.25 * edge[..., None])
        button = np.hypot(d * 0.95, (sheet.y % 0.085) - 0.04) < 0.007
        rgb = np.where((button & has("placket"))[..., None], 0.4 * rgb + 0.6 * cloth.accent, rgb)
    if has("band"):
        inside = smoothstep(0.0, 0.008, 0.045 - np.abs(sheet.v - 0.42))
        rgb = rgb + inside[..., None] * (cloth.accent - rgb)
    if has("logo") or has("number"):
        rgb = rgb + _emblem(sheet, has("number"), front)[..., None] * (cloth.accent - rgb)
    if has("pocket"):
        pouch = np.maximum(np.abs(d * 0.95) - 0.13, np.abs(sheet.v - 0.73) * 0.7 - 0.06)
        rgb = rgb * (1 - 0.2 * np.exp(-((pouch / 0.006) ** 2)) * front)[..., None]
    if has("ribs"):
        rgb = rgb * (1 - 0.1 * smoothstep(0.05, 0.04, axes()["torso"].height(sheet.v) - cut.hem))[..., None]
    return rgb


def _emblem(sheet: Sheet, number: bool, front: NDArray) -> Field:
    """Print on the chest, 0 … 1: lines of lettering, a disc or a picture; or two figures, also on the back."""
    d = (sheet.u - 0.5) * 0.95
    if number:
        d = np.where(front, d, (sheet.u % 1.0 - np.round(sheet.u % 1.0)) * 0.95)
        figures = sheet.rng.random((5, 8)) < 0.55
        figures[:, [0, 3, 4, 7]] |= sheet.rng.random((5, 1)) < 0.6
        figures[:, 3:5] = figures[:, 3:5] & (np.arange(2) < 0)
        column, row = np.floor((d + 0.1) / 0.025).astype(int), np.floor((sheet.v - 0.34) / 0.05).astype(int)
        inside = (column >= 0) & (column < 8) & (row >= 0) & (row < 5)
        return inside * figures[np.clip(row, 0, 4), np.clip(column, 0, 7)].astype(np.float32)
    wide, tall = sheet.rng.uniform(0.05, 0.12), sheet.rng.uniform(0.02, 0.1)
    x, y = d / wide, (sheet.v - 0.4) * 0.71 / tall
    kind = sheet.rng.integers(4)
    if kind == 0:
        shape = np.hypot(x, y) < 1
    elif kind == 1:
        letters = np.floor((x + 1) * 7).astype(int)
        shape = (np.abs(x) < 1) & (np.abs(y) < 0.6) & (sheet.rng.random(14)[np.clip(letters, 0, 13)] < 0.8)
        shape &= ((x + 1) * 7) % 1 > 0.25
    elif kind == 2:
        shape = (np.abs(x) < 1) & (np.abs(y) < 1) & (sheet.noise("cloudy") > -0.2)
    else:
        shape = (np.abs(x) < 1.1) & (np.abs((y * 1.6) % 1 - 0.5) < 0.28) & (np.abs(y) < 1)
    return (shape & front).astype(np.float32)
