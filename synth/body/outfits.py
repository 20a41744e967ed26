"""What people wear: combinations of garments that go together, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.body.clothing import TEE, WAIST, bottoms, buttoned, choose, cloth_of, long_sleeved, shoes_of, tee
from synth.body.garments import (
    ANKLE,
    ELBOW,
    WRIST,
    Cloth,
    Garment,
    Skirt,
    Top,
    Trousers,
    make_skirt,
    make_top,
    make_trousers,
)
from synth.body.palettes import BRIGHT, LEATHERS, MUTED, NEUTRALS, PASTELS


@dataclass(frozen=True)
class Outfit:
    """Garments of a person, the innermost first.

    Parameters
    ----------
    name : str
        What it consists of, with fabrics: two outfits of one name differ in colour alone.
    garments : tuple of Garment
        Painted garments.
    """

    name: str
    garments: tuple[Garment, ...]


def sample_outfit(rng: np.random.Generator, female: bool, years: float) -> Outfit:
    """Draw an outfit for a person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice.
    female : bool
        Skirts, dresses and leggings are for women and girls here.
    years : float
        Children wear no suits, and brighter colours.
    """
    child = years < 14
    styles = {
        "casual": 0.4,
        "sport": 0.16 + 0.06 * child,
        "summer": 0.14,
        "winter": 0.14,
        "smart": 0.0 if child else 0.14,
        "dress": 0.2 if female else 0.0,
        "bare": 0.0 if female else 0.03,
    }
    weights = np.array(list(styles.values()))
    style = str(rng.choice(list(styles), p=weights / weights.sum()))
    garments = _STYLES[style](rng, female, child)
    names = []
    for garment in garments:
        if garment.name not in names:
            names.append(garment.name)
    return Outfit(" + ".join(names), tuple(garments))


def _casual(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    sort = choose(
        rng, ("jeans", 0.5), ("chinos", 0.25), ("leggings", 0.25 if female else 0.0), ("joggers", 0.12)
    )
    upper = choose(rng, ("tee", 0.4), ("long", 0.35), ("shirt", 0.0 if child else 0.25))
    tucked = rng.random() < 0.25
    shoes = shoes_of(
        rng, choose(rng, ("sneakers", 0.7), ("boots", 0.15), ("leather shoes", 0.15 * (not child)))
    )
    top = tee(rng, child, tucked) if upper == "tee" else (
        long_sleeved(rng, child) if upper == "long" else buttoned(rng, tucked, smart=False))  # fmt: skip
    return [*shoes, bottoms(rng, female, sort), top]


def _sport(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    sort = choose(rng, ("sport shorts", 0.5), ("joggers", 0.3), ("leggings", 0.45 if female else 0.08))
    upper = choose(rng, ("jersey", 0.45), ("tank", 0.25), ("track jacket", 0.3))
    cloth = cloth_of(rng, choose(rng, ("plain", 0.8), ("stripes", 0.12), ("heather", 0.1)), BRIGHT, NEUTRALS)
    if upper == "jersey":
        details = frozenset({choose(rng, ("number", 0.5), ("band", 0.3), ("raglan", 0.3)), "stripe"})
        cut = Top(
            f"{cloth.fabric} jersey",
            choose(rng, ("crew", 1), ("v", 1)),
            TEE,
            rng.uniform(-0.07, -0.02),
            0.014,
            0.015,
            details,
        )
    elif upper == "tank":
        cut = Top(
            f"{cloth.fabric} vest top",
            "strap",
            0.0,
            rng.uniform(-0.04, 0.05),
            rng.uniform(0.003, 0.012),
            0.006,
        )
    else:
        cut = Top(
            "track jacket", "high", WRIST - 0.01, -0.05, 0.016, 0.002, frozenset({"zip", "stripe", "ribs"})
        )
    return [*shoes_of(rng, "sneakers"), bottoms(rng, female, sort), make_top(rng, cut, cloth)]


def _summer(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    sort = choose(rng, ("shorts", 0.6), ("denim shorts", 0.3), ("chinos", 0.15))
    shoes = shoes_of(rng, choose(rng, ("sneakers", 0.65), ("barefoot", 0.35)))
    if rng.random() < 0.3:
        cloth = cloth_of(
            rng,
            choose(rng, ("plain", 0.6), ("stripes", 0.2), ("print_all_over", 0.2)),
            NEUTRALS,
            PASTELS,
            MUTED,
        )
        top = make_top(
            rng, Top(f"{cloth.fabric} vest top", "strap", 0.0, rng.uniform(-0.03, 0.04), 0.007, 0.01), cloth
        )
    else:
        top = tee(rng, child) if rng.random() < 0.7 else buttoned(rng, False, smart=False)
    return [*shoes, bottoms(rng, female, sort), top]


def _winter(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    kind = choose(rng, ("padded jacket", 0.35), ("open jacket", 0.35), ("coat", 0.0 if child else 0.3))
    sort = choose(rng, ("jeans", 0.6), ("chinos", 0.25), ("leggings", 0.2 if female else 0.0))
    shoes = shoes_of(rng, choose(rng, ("boots", 0.5), ("sneakers", 0.5)))
    cloth = cloth_of(
        rng, choose(rng, ("plain", 0.75), ("heather", 0.15), ("checks", 0.06)), NEUTRALS[:6], MUTED, NEUTRALS
    )
    worn = [*shoes, bottoms(rng, female, sort)]
    if kind == "open jacket":
        under = tee(rng, child) if rng.random() < 0.6 else buttoned(rng, False, smart=False)
        cut = Top("open jacket", "open", WRIST, rng.uniform(-0.04, 0.02), 0.02, 0.008)
        return [*worn, under, make_top(rng, cut, cloth)]
    details = frozenset({"zip", "ribs"} if kind == "padded jacket" else {"placket"})
    hem = -0.06 if kind == "padded jacket" else 0.03
    ease = rng.uniform(0.026, 0.036)
    jacket = make_top(
        rng,
        Top(kind, "high" if rng.random() < 0.5 else "collar", WRIST + 0.01, hem, ease, 0.004, details),
        cloth,
    )
    if kind == "padded jacket":
        return [*worn, jacket]
    return [*worn, make_skirt(rng, Skirt("coat", rng.uniform(-0.42, -0.2), ease, 0.02), cloth), jacket]


def _smart(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    cloth = cloth_of(
        rng,
        choose(rng, ("plain", 0.75), ("pinstripes", 0.25)),
        (*NEUTRALS[:6], NEUTRALS[11], NEUTRALS[12]),
        MUTED[8:10],
    )
    trousers = make_trousers(
        rng, Trousers("suit trousers", WAIST, ANKLE - 0.005, 0.011, 0.022, frozenset({"belt"})),
        Cloth(cloth.fabric, cloth.colours, LEATHERS[0]),
    )  # fmt: skip
    worn = [*shoes_of(rng, "leather shoes"), trousers, buttoned(rng, True, smart=True)]
    if rng.random() < 0.65:
        worn.append(make_top(rng, Top("suit jacket", "open", WRIST - 0.015, -0.09, 0.017, 0.008), cloth))
    return worn


def _dress(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    fabric = choose(
        rng, ("plain", 0.45), ("print_all_over", 0.3), ("stripes", 0.08), ("checks", 0.08), ("knit", 0.08)
    )
    cloth = cloth_of(rng, fabric, MUTED, NEUTRALS, PASTELS, BRIGHT)
    hem = rng.choice([rng.uniform(-0.3, -0.2), rng.uniform(-0.45, -0.35), rng.uniform(-0.68, -0.55)])
    shoes = shoes_of(
        rng, choose(rng, ("sneakers", 0.4), ("leather shoes", 0.3), ("boots", 0.2), ("barefoot", 0.1))
    )
    tights = []
    if rng.random() < 0.35:
        tights = [
            make_trousers(
                rng,
                Trousers("tights", WAIST, ANKLE + 0.03, 0.0005, 0.0),
                cloth_of(rng, "plain", NEUTRALS[:4]),
            )
        ]
    skirt = Skirt(f"{fabric} skirt", hem, rng.uniform(0.004, 0.012), rng.uniform(0.0, 0.08))
    if rng.random() < 0.5:
        top = tee(rng, child, tucked=True) if rng.random() < 0.6 else buttoned(rng, True, smart=False)
        return [*shoes, *tights, top, make_skirt(rng, skirt, cloth)]
    sleeve = rng.choice([0.0, TEE - 0.06, ELBOW + 0.05, WRIST - 0.02])
    neck = "strap" if sleeve == 0 else choose(rng, ("crew", 1), ("v", 1), ("scoop", 1))
    upper = make_top(rng, Top(f"{fabric} dress", neck, float(sleeve), 0.045, 0.006, 0.0), cloth)
    lower = make_skirt(rng, Skirt(f"{fabric} dress", hem, 0.007, skirt.flare), cloth)
    return [*shoes, *tights, upper, lower]


def _bare(rng: np.random.Generator, female: bool, child: bool) -> list[Garment]:
    """Swimming trunks or sport shorts, no shirt."""
    return [
        *shoes_of(rng, choose(rng, ("barefoot", 0.6), ("sneakers", 0.4))),
        bottoms(rng, female, "sport shorts"),
    ]


_STYLES = {
    "casual": _casual,
    "sport": _sport,
    "summer": _summer,
    "winter": _winter,
    "smart": _smart,
    "dress": _dress,
    "bare": _bare,
}
