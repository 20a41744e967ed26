"""Colours of skin, hair, eyes and clothes, sRGB 0 … 1, as people and shops have them."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float64]


def colour(code: str) -> Colour:
    """Colour of a hexadecimal code: ``"ff8000"``."""
    return np.array([int(code[k : k + 2], 16) for k in (0, 2, 4)]) / 255.0


SKIN_TONES = tuple(
    colour(code)
    for code in (
        *("ebcab4", "e3bb9f", "d9ab8b", "cd9b78", "bb8663", "a5714f"),
        *("8d5d40", "734a34", "5f3d2c", "523527"),
    )
)
"""From the lightest to the darkest: individual typology angles (arctan of (L* - 50) / b*) fall from 66 to -61
degrees, the range measured on people, at hue angles of 50 to 63 degrees."""

HAIR_COLOURS = MappingProxyType(
    {
        "black": colour("1d1816"),
        "dark brown": colour("33241b"),
        "brown": colour("4f3626"),
        "light brown": colour("73543a"),
        "dark blond": colour("8f7350"),
        "blond": colour("b89a6a"),
        "red": colour("7c4127"),
        "grey": colour("86827d"),
        "white": colour("c9c5bf"),
    }
)

EYE_COLOURS = tuple(colour(code) for code in ("3b2417", "4a3020", "5a4a30", "5d6b4a", "56708a", "6b7c8a"))

NEUTRALS = tuple(
    colour(code)
    for code in (
        *("1c1c1e", "252629", "2f3033", "3d3f43", "54565a", "6d6f72", "8c8e90", "b3b3b1", "d6d5d1", "ebebe8"),
        *("f2f1ee", "1f2635", "27324a", "35435c", "e4dccb", "cabfa8"),
    )
)
"""Blacks, greys, whites, navy, cream: what most people wear most days."""

MUTED = tuple(
    colour(code)
    for code in (
        *("5b6b52", "6f7a5e", "7a6a4f", "8a7355", "a38f70", "6b4436", "7d3b36", "59323a", "3f5560", "52707c"),
        *("7a92a0", "97a9b5", "8d6b6b", "b58f86", "c7a58c", "9a8aa0", "64566d", "b79b4f", "a3583a", "3d5a4a"),
    )
)
"""Olive, earth, wine, petrol, dusty pastels."""

BRIGHT = tuple(
    colour(code)
    for code in (
        "b8232a",
        "d8402f",
        "1f56a8",
        "2f86c4",
        "2a7a52",
        "d8aa45",
        "cf7038",
        "a8507a",
        "5e4a86",
        "35908c",
    )
)
"""Sportswear and prints."""

PASTELS = tuple(
    colour(code) for code in ("bcd0df", "d9c7d6", "e8cfc8", "cfdccb", "efe3c2", "a9c2cf", "e5b9b5")
)

DENIMS = tuple(
    colour(code) for code in ("232c3d", "2d3a52", "3d4f6e", "566a88", "7c90aa", "9fb0c2", "26272b", "5d5f63")
)

LEATHERS = tuple(colour(code) for code in ("1b1918", "2e2420", "4a3325", "6b4a31", "86633f", "b08d62"))

SOLES = tuple(colour(code) for code in ("efeeea", "e2e0da", "d9d0bf", "2a2a2a", "8a6a48", "1c1c1c"))


def pick(rng: np.random.Generator, *groups: tuple[Colour, ...], spread: float = 0.04) -> Colour:
    """One colour of one of several groups (each as likely), slightly varied."""
    group = groups[rng.integers(len(groups))]
    base = group[rng.integers(len(group))]
    varied = base * (1.0 + spread * rng.standard_normal()) + 0.3 * spread * rng.standard_normal(3)
    return np.clip(varied, 0.05, 0.95)


def skin_tone(rng: np.random.Generator) -> Colour:
    """Draw a skin tone: any step of the range, between steps too, with a warmer or cooler undertone."""
    step = rng.uniform(0, len(SKIN_TONES) - 1)
    low = int(step)
    tone = SKIN_TONES[low] + (step - low) * (SKIN_TONES[min(low + 1, len(SKIN_TONES) - 1)] - SKIN_TONES[low])
    warmth = 0.012 * rng.standard_normal()
    return np.clip(tone * (1 + np.array([1.0, 0.3, -1.0]) * warmth), 0.08, 0.97)


def hair_colour(rng: np.random.Generator, darkness: float, years: float) -> Colour:
    """Draw a natural hair colour.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the choice.
    darkness : float
        0 for the lightest skin, 1 for the darkest: dark skin goes with dark hair.
    years : float
        Age: hair turns grey from 35 on, mostly by 70.
    """
    greying = np.clip((years - 35.0) / 40.0, 0.0, 1.0) * rng.uniform(0.2, 1.4)
    light = np.clip(1.0 - 2.2 * darkness, 0.0, 1.0)
    names = list(HAIR_COLOURS)[:7]
    weights = np.array([0.3, 0.3, 0.2 + 0.1 * light, 0.25 * light, 0.25 * light, 0.2 * light, 0.08 * light])
    base = HAIR_COLOURS[str(rng.choice(names, p=weights / weights.sum()))]
    grey = HAIR_COLOURS["white" if greying > 0.9 else "grey"]
    mixed = base + min(greying, 1.0) * (grey - base)
    return np.clip(mixed * (1 + 0.1 * rng.standard_normal()), 0.04, 0.9)
