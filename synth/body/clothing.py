"""Single garments at random: t-shirts, pullovers, shirts, trousers, shoes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synth.body.garments import (
    ANKLE,
    ELBOW,
    WRIST,
    Cloth,
    Garment,
    Shoes,
    Top,
    Trousers,
    make_shoes,
    make_top,
    make_trousers,
)
from synth.body.palettes import BRIGHT, DENIMS, LEATHERS, MUTED, NEUTRALS, PASTELS, SOLES, Colour, pick

KNEE = 0.53
"""v of the knee on the leg's chart."""

TEE = ELBOW - 0.06
WAIST = 0.095


def choose(rng: np.random.Generator, *weighted: tuple[str, float]) -> str:
    """Draw one of some names by weight."""
    weights = np.array([weight for _, weight in weighted])
    return str(rng.choice([name for name, _ in weighted], p=weights / weights.sum()))


def cloth_of(rng: np.random.Generator, fabric: str, *groups: Sequence[Colour], shine: float = 0.02) -> Cloth:
    """Cloth in colours of the groups; the second one and the accent stand apart from the first."""
    first = pick(rng, *(tuple(group) for group in groups))
    if fabric == "camouflage":
        return Cloth(fabric, (MUTED[0] * rng.uniform(0.7, 1.2), MUTED[3], NEUTRALS[2]), NEUTRALS[1], shine)
    others = [pick(rng, NEUTRALS, MUTED, tuple(groups[0])) for _ in range(6)]
    second, third = sorted(others, key=lambda c: -float(np.abs(c - first).sum()))[:2]
    return Cloth(fabric, (first, second, third), second, shine)


def tee(rng: np.random.Generator, child: bool, tucked: bool = False) -> Garment:
    """Draw a t-shirt."""
    fabric = choose(
        rng,
        ("plain", 0.5),
        ("heather", 0.2),
        ("stripes", 0.18),
        ("print_all_over", 0.06),
        ("camouflage", 0.02),
    )
    detail = choose(rng, ("none", 0.5), ("logo", 0.38), ("raglan", 0.06), ("band", 0.06))
    detail = detail if fabric in ("plain", "heather") else "none"
    neck = choose(rng, ("crew", 0.75), ("v", 0.18), ("scoop", 0.07))
    palette = (NEUTRALS, MUTED, BRIGHT) if child else (NEUTRALS, NEUTRALS, MUTED, PASTELS, BRIGHT)
    sleeve = TEE + rng.uniform(-0.06, 0.03)
    hem = WAIST - 0.02 if tucked else rng.uniform(-0.06, 0.0)
    cut = Top(f"{fabric} t-shirt", neck, sleeve, hem, rng.uniform(0.005, 0.015), 0.012, frozenset({detail}))
    return make_top(rng, cut, cloth_of(rng, fabric, *palette))


def long_sleeved(rng: np.random.Generator, child: bool) -> Garment:
    """Draw a long-sleeved shirt, pullover, sweatshirt or hoodie."""
    kind = choose(rng, ("long-sleeved shirt", 0.3), ("pullover", 0.3), ("sweatshirt", 0.2), ("hoodie", 0.2))
    fabric = {
        "long-sleeved shirt": choose(rng, ("plain", 0.5), ("stripes", 0.4), ("heather", 0.3)),
        "pullover": choose(rng, ("knit", 0.7), ("stripes", 0.2), ("heather", 0.2)),
        "sweatshirt": choose(rng, ("plain", 0.6), ("heather", 0.4)),
        "hoodie": choose(rng, ("plain", 0.6), ("heather", 0.4)),
    }[kind]
    details = {"pullover": {"ribs"}, "sweatshirt": {"ribs", "logo"}, "hoodie": {"ribs", "pocket"}}.get(
        kind, set()
    )
    if kind == "hoodie" and rng.random() < 0.5:
        details = details | {"zip"}
    neck = "collar" if kind == "hoodie" else choose(rng, ("crew", 0.75), ("v", 0.2), ("high", 0.05))
    ease = {"long-sleeved shirt": 0.007, "pullover": 0.013, "sweatshirt": 0.017, "hoodie": 0.021}[kind]
    cut = Top(f"{fabric} {kind}", neck, WRIST - 0.02, rng.uniform(-0.07, -0.02), ease * rng.uniform(0.8, 1.3), 0.002,
              frozenset(details))  # fmt: skip
    return make_top(
        rng, cut, cloth_of(rng, fabric, NEUTRALS, NEUTRALS, MUTED, *([BRIGHT] if child else [PASTELS]))
    )


def buttoned(rng: np.random.Generator, tucked: bool, smart: bool) -> Garment:
    """Draw a shirt with buttons."""
    fabric = choose(
        rng,
        ("plain", 0.5),
        ("checks", 0.0 if smart else 0.4),
        ("pinstripes", 0.2),
        ("denim", 0.0 if smart else 0.08),
    )
    groups = (
        (NEUTRALS[8:11], PASTELS)
        if smart
        else ((DENIMS,) if fabric == "denim" else (NEUTRALS, MUTED, PASTELS))
    )
    sleeve = WRIST - 0.01 if smart or rng.random() < 0.6 else rng.choice([TEE, ELBOW + 0.12])
    hem = WAIST - 0.02 if tucked else rng.uniform(-0.1, -0.04)
    cut = Top(
        f"{fabric} shirt",
        "collar",
        float(sleeve),
        hem,
        rng.uniform(0.007, 0.013),
        0.012,
        frozenset({"placket"}),
    )
    return make_top(rng, cut, cloth_of(rng, fabric, *groups))


def bottoms(rng: np.random.Generator, female: bool, sort: str) -> Garment:
    """Jeans, chinos, shorts, leggings or joggers."""
    end = ANKLE - 0.005 - rng.uniform(0, 0.025)
    if sort == "jeans":
        slim = rng.uniform(0.003, 0.012)
        cut = Trousers("jeans", WAIST, end, slim, rng.uniform(0.0, 0.03) if slim > 0.006 else 0.0)
        return make_trousers(rng, cut, cloth_of(rng, "denim", DENIMS))
    if sort == "chinos":
        belt = frozenset({"belt"}) if rng.random() < 0.4 else frozenset()
        cut = Trousers("chinos", WAIST, end, rng.uniform(0.007, 0.014), rng.uniform(0.005, 0.025), belt)
        cloth = cloth_of(rng, "plain", MUTED[:6], NEUTRALS)
        return make_trousers(rng, cut, Cloth(cloth.fabric, cloth.colours, pick(rng, LEATHERS)))
    if sort == "leggings":
        fabric = choose(rng, ("plain", 0.85), ("camouflage", 0.05), ("print_all_over", 0.1))
        cut = Trousers(f"{fabric} leggings", WAIST + 0.02, end - 0.01, 0.001, 0.0)
        return make_trousers(rng, cut, cloth_of(rng, fabric, NEUTRALS[:6], NEUTRALS[:6], MUTED))
    if sort == "joggers":
        details = frozenset({"ribs"} | ({"side stripe"} if rng.random() < 0.5 else set()))
        cut = Trousers("joggers", WAIST, end, rng.uniform(0.012, 0.02), 0.012, details)
        return make_trousers(
            rng, cut, cloth_of(rng, choose(rng, ("plain", 1), ("heather", 1)), NEUTRALS, NEUTRALS, MUTED)
        )
    length = rng.uniform(KNEE - 0.2, KNEE + 0.01)
    fabric = {"denim shorts": "denim", "sport shorts": "plain"}.get(
        sort, choose(rng, ("plain", 0.8), ("checks", 0.1), ("camouflage", 0.06))
    )
    groups = (
        (DENIMS,)
        if fabric == "denim"
        else ((NEUTRALS, BRIGHT) if sort == "sport shorts" else (MUTED, NEUTRALS))
    )
    details = frozenset({"side stripe"}) if sort == "sport shorts" and rng.random() < 0.5 else frozenset()
    cut = Trousers(
        f"{fabric} {sort}", WAIST, length, rng.uniform(0.01, 0.016), rng.uniform(0.02, 0.06), details
    )
    return make_trousers(rng, cut, cloth_of(rng, fabric, *groups))


def shoes_of(rng: np.random.Generator, sort: str) -> list[Garment]:
    """Shoes, with or without socks; an empty list for bare feet."""
    if sort == "barefoot":
        return []
    sole, sock = pick(rng, SOLES), pick(rng, NEUTRALS[:4], NEUTRALS[8:11], MUTED)
    if sort == "boots":
        cut = Shoes("boots", rng.uniform(0.78, 0.86), 1.0, 0.018)
        cloth = cloth_of(rng, "plain", LEATHERS, shine=0.08)
        return [make_shoes(rng, cut, cloth, pick(rng, LEATHERS[:3], SOLES[3:]), sock)]
    if sort == "leather shoes":
        cut = Shoes("leather shoes", ANKLE - 0.012, 0.84, 0.012)
        cloth = cloth_of(rng, "plain", LEATHERS[:5], shine=0.12)
        return [
            make_shoes(
                rng,
                cut,
                Cloth("plain", cloth.colours, cloth.colours[0] * 0.7, 0.12, 5),
                LEATHERS[0],
                pick(rng, NEUTRALS[:5]),
            )
        ]
    edge = ANKLE - 0.015
    cut = Shoes(
        "sneakers", edge, rng.choice([1.0, edge - rng.uniform(0.01, 0.05), rng.uniform(0.72, 0.85)]), 0.018
    )
    return [make_shoes(rng, cut, cloth_of(rng, "plain", NEUTRALS, NEUTRALS, BRIGHT, MUTED), sole, sock)]
