"""Dress a person: skin, garments and hair drawn at random and made ready to render."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import load_body
from synth.body.complexion import Complexion, skin_texture
from synth.body.garments import Garment
from synth.body.hair import (
    Cut,
    Hairdo,
    Hat,
    hat_layers,
    hat_texture,
    knot_layer,
    mantle_layer,
    mantle_texture,
    scalp_layer,
    scalp_texture,
    strands,
)
from synth.body.holes import mark_solid
from synth.body.layers import Layer, garment_layer, selected_layer, visible_skin
from synth.body.mesh import Mesh, join_meshes, make_mesh
from synth.body.outfits import Outfit, sample_outfit
from synth.body.palettes import BRIGHT, EYE_COLOURS, MUTED, NEUTRALS, SKIN_TONES, hair_colour, pick, skin_tone
from synth.body.skinning import vertex_normals
from synth.body.textures import Material, MaterialSet, pack_materials

_DRAWS = 8
"""How often an outfit is drawn anew at most."""

_COVERING = frozenset({"torso", "skirt"})
"""Charts of what covers the trunk: of tops, trousers and skirts, not of shoes."""

_SKIN_LIKE = 0.16
"""Distance of two colours, each 0 ... 1, below which cloth looks like skin from afar."""

_LAYER_LIFT = 0.0035
"""Metres by which each garment lies over the one below."""

SKIN_WRAP = (0.3, 0.14, 0.1)
"""How far light reaches round under the skin, red, green, blue."""


@dataclass(frozen=True)
class Appearance:
    """A dressed person of no particular shape or pose.

    Parameters
    ----------
    outfit : str
        Names of the garments.
    layers : tuple of Layer
        Surfaces, in the order of the mesh's vertices.
    mesh : Mesh
        All triangles, for the renderer; parts are those of `PARTS`.
    materials : MaterialSet
        What the mesh's materials name.
    bones, weights : (V, 4) uint8, (V, 4) float32
        Bones that move each vertex.
    """

    outfit: str
    layers: tuple[Layer, ...]
    mesh: Mesh
    materials: MaterialSet
    bones: NDArray[np.uint8]
    weights: NDArray[np.float32]

    @property
    def triangles(self) -> NDArray[np.int32]:
        """Vertices of each triangle."""
        return self.mesh.triangles


def dress(rng: np.random.Generator, female: bool, years: float) -> Appearance:
    """Draw skin, hair and clothes of a person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice.
    female : bool
        Sex.
    years : float
        Age.

    Returns
    -------
    Appearance
    """
    complexion, style = _sample_head(rng, female, years)
    outfit = _clothing(rng, complexion.tone, female, years)
    materials: list[Material] = [Material(skin_texture(rng, complexion), 0.04, 4, SKIN_WRAP)]
    layers = [_skin_layer(outfit.garments)]
    layers += _garment_layers(outfit, materials)
    layers += _hair_layers(rng, style, materials)
    return _assembled(outfit.name, layers, materials)


def _clothing(rng: np.random.Generator, tone: NDArray[np.float64], female: bool, years: float) -> Outfit:
    """Draw an outfit in which nobody with skin of a tone (3,), 0 ... 1, looks unclothed from afar."""
    for _ in range(_DRAWS):
        outfit = sample_outfit(rng, female, years)
        colours = _covering_colours(outfit)
        own = np.linalg.norm(colours - tone, axis=1)
        any_skin = np.linalg.norm(colours[:, None] - SKIN_TONES, axis=-1).min(axis=1)
        if (own > _SKIN_LIKE).all() and (any_skin > _SKIN_LIKE).any():
            break
    return outfit


def _covering_colours(outfit: Outfit) -> NDArray[np.float64]:
    """Mean colours (N, 3), 0 ... 1, of all that covers the trunk."""
    textures = [
        garment.textures[chart].reshape(-1, 4)
        for garment in outfit.garments
        for chart in sorted(_COVERING & garment.textures.keys())
    ]
    cloth = [texture[texture[:, 3] >= 128, :3] for texture in textures]
    return np.array([seen.mean(axis=0) / 255.0 for seen in cloth if len(seen)]).reshape(-1, 3)


def rest_vertices(
    appearance: Appearance, coefficients: NDArray[np.float32], scale: float
) -> NDArray[np.float32]:
    """Vertices (V, 3) float32 of an appearance on a shape at rest, metres.

    Parameters
    ----------
    appearance : Appearance
        What is worn.
    coefficients : (K,) float32
        Shape.
    scale : float
        Stature relative to that of a mean adult: garments and hair of a child stand off less.
    """
    body, rests = load_body(), {}
    for source in {layer.source for layer in appearance.layers}:
        rest = body.meshes[source].vertices.at(coefficients)
        rests[source] = rest, vertex_normals(rest, body.meshes[source].triangles)
    parts = []
    for layer in appearance.layers:
        rest, normals = rests[layer.source]
        moved = rest[layer.index] + layer.shift * np.float32(scale)
        parts.append(moved + (layer.offset * np.float32(scale))[:, None] * normals[layer.index])
    return np.concatenate(parts)


def _assembled(name: str, layers: Sequence[Layer], materials: Sequence[Material]) -> Appearance:
    body = load_body()
    mean = [body.meshes[layer.source].vertices.mean[layer.index] + layer.shift for layer in layers]
    meshes = [
        make_mesh(points, layer.triangles, layer.uv, layer.material, layer.parts, layer.two_sided)
        for points, layer in zip(mean, layers, strict=True)
    ]
    sources = [body.meshes[layer.source] for layer in layers]
    packed = pack_materials(materials)
    return Appearance(
        name,
        tuple(layers),
        mark_solid(join_meshes(meshes), packed),
        packed,
        np.concatenate([m.bones[layer.index] for m, layer in zip(sources, layers, strict=True)]),
        np.concatenate([m.weights[layer.index] for m, layer in zip(sources, layers, strict=True)]),
    )


def _skin_layer(garments: Sequence[Garment]) -> Layer:
    """Cut out what is left to see of the skin."""
    mesh = load_body().skin
    uv = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], -1)[mesh.uv_triangles]
    chosen = visible_skin(garments)
    return selected_layer(
        "skin", chosen, uv, np.zeros(len(uv), np.int32), np.zeros(uv.shape[:2]), two_sided=False
    )


def _garment_layers(outfit: Outfit, materials: list[Material]) -> list[Layer]:
    layers = []
    for place, garment in enumerate(outfit.garments):
        numbers = {}
        for chart, texture in garment.textures.items():
            numbers[chart] = len(materials)
            materials.append(Material(texture, garment.specular, garment.gloss))
        layers.append(garment_layer(garment, numbers, _LAYER_LIFT * place))
    return layers


def _hair_layers(rng: np.random.Generator, style: Hairdo, materials: list[Material]) -> list[Layer]:
    layers: list[Layer] = []

    def add(texture: NDArray[np.uint8], specular: float, gloss: int) -> int:
        materials.append(Material(texture, specular, gloss))
        return len(materials) - 1

    if style.cut != "none":
        layers.append(scalp_layer(rng, style, add(scalp_texture(rng, style), 0.06, 4)))
    if style.cut in ("long", "bob"):
        layers.append(mantle_layer(style, add(mantle_texture(rng, style), 0.07, 4)))
    if style.cut in ("bun", "tail"):
        colours = (np.clip(strands(rng, style.colour, 64, 64, False), 0, 1) * 255).astype(np.uint8)
        layers.append(knot_layer(style, add(colours, 0.06, 4)))
    if style.hat != "none":
        layers += hat_layers(style, add(hat_texture(rng, style), 0.01, 2))
    return layers


def _sample_head(rng: np.random.Generator, female: bool, years: float) -> tuple[Complexion, Hairdo]:
    tone = skin_tone(rng)
    darkness = float(np.clip((0.75 - tone.mean()) / 0.55, 0, 1))
    colour = hair_colour(rng, darkness, years)
    cuts: dict[Cut, float]
    if female:
        cuts = {
            "long": 0.38,
            "bob": 0.16,
            "bun": 0.14,
            "tail": 0.18,
            "short": 0.08,
            "medium": 0.06,
            "curly": 0.08,
        }
    else:
        old = float(np.clip((years - 30) / 40, 0, 1))
        cuts = {"short": 0.42, "medium": 0.16, "buzz": 0.16, "curly": 0.1, "long": 0.03,
                "receding": 0.35 * old, "none": 0.05 + 0.15 * old if years > 25 else 0.0}  # fmt: skip
    weights = np.array(list(cuts.values()))
    cut = list(cuts)[rng.choice(len(cuts), p=weights / weights.sum())]
    hats: dict[Hat, float] = {"none": 0.88, "beanie": 0.05, "cap": 0.07}
    hat = list(hats)[rng.choice(3, p=list(hats.values()))]
    if hat != "none" and cut in ("medium", "curly", "bun", "long", "bob"):
        cut = "short" if cut in ("medium", "curly") else "tail"
    beard = 0.0
    if not female and years > 17:
        beard = float(rng.choice([0.0, 0.25, 0.5, 1.0], p=[0.45, 0.22, 0.15, 0.18]))
    look = Complexion(
        tone, colour, np.clip(EYE_COLOURS[rng.integers(2 if darkness > 0.45 else len(EYE_COLOURS))], 0, 1), beard,
        float(rng.uniform(0.5, 1.3)),
        float(rng.uniform(0.6, 1.0) + (0.5 if female and years > 15 else 0) * rng.random()),
        float(rng.random() ** 2),
    )  # fmt: skip
    return look, Hairdo(cut, colour, hat, pick(rng, NEUTRALS, MUTED, BRIGHT))
