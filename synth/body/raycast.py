"""Cast one ray a pixel into a scene of textured boxes, a ground plane and a panorama.

Scene frame: metres, y up, the ground is y = 0. Everything is computed in float32 and linear light.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.body.casting import cast_rays
from synth.body.materials import atlas
from synth.body.textures import pack_texels

SOLID, ROOM, CUTOUT = 0, 1, 2
"""Kinds of boxes: seen from outside; seen from inside (walls and ceiling); thin and with holes."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """What surrounds a person.

    Parameters
    ----------
    boxes : (B, 6) float32
        Lower and upper corner, metres.
    kinds : (B,) int32
        `SOLID`, `ROOM` or `CUTOUT`.
    tiles : (B, 3) int32
        Tile of the faces across x, y and z.
    repeats : (B,) float32
        Metres that one tile covers; 0 stretches it over the face.
    tints : (B, 3) float32
        Linear colour that multiplies the tile.
    ground_tile : int
        Tile of the ground plane; -1 where the panorama's own ground is used.
    ground_repeat : float
        Metres that one ground tile covers.
    ground_mixed : bool
        Whether the ground has no lines and is drawn from two turned copies, so that it never repeats.
    ground_tint : (3,) float32
        Linear colour that multiplies the ground tile.
    haze : float
        Metres over which the ground fades into the panorama.
    panorama : (H, W) uint32
        Equirectangular surroundings, sRGB, of `pack_texels`; sides are powers of two.
    panorama_height : float
        Height in metres above the ground from which it was taken.
    panorama_radius : float
        Metres from where it was taken to the walls or woods that it shows.
    sun, sun_colour : (3,) float32
        Unit direction towards the sun, and its linear colour.
    lamp, lamp_colour : (3,) float32
        Place of a lamp, and its linear colour at 2 m.
    sky, bounce : (3,) float32
        Linear light from above and from below.
    """

    boxes: FloatArray
    kinds: NDArray[np.int32]
    tiles: NDArray[np.int32]
    repeats: FloatArray
    tints: FloatArray
    ground_tile: int
    ground_repeat: float
    ground_mixed: bool
    ground_tint: FloatArray
    haze: float
    panorama: NDArray[np.uint32]
    panorama_height: float
    panorama_radius: float
    sun: FloatArray
    sun_colour: FloatArray
    lamp: FloatArray
    lamp_colour: FloatArray
    sky: FloatArray
    bounce: FloatArray


def cast(
    scene: Scene, origin: FloatArray, rays: FloatArray, angle: float, block: int, alike: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Linear colour and distance seen along rays.

    Parameters
    ----------
    scene : Scene
        The surroundings.
    origin : (3,) float32
        Place of the camera. Below the ground, the ground is not seen.
    rays : (P, 3) float32
        Unit directions.
    angle : float
        Angle between neighbouring rays, radians: chooses the tiles' size.
    block : int
        So many rays in a row are close together: the boxes that none of them can meet are left out at once.
    alike : int
        So many rays in a row share light and haze where they meet the same face.

    Returns
    -------
    colours : (P, 3) float32
    distances : (P,) float32
        Metres; to the panorama's ground or walls, and 1000 in its sky, where nothing else is seen.
    """
    colours = np.empty((len(rays), 3), np.float32)
    distances = np.empty(len(rays), np.float32)
    lights = np.stack(
        [
            scene.sun,
            scene.sun_colour,
            scene.lamp,
            scene.lamp_colour,
            scene.sky,
            scene.bounce,
            scene.ground_tint,
        ]
    ).astype(np.float32)
    numbers = np.array([scene.haze, scene.panorama_height, scene.panorama_radius, angle], np.float32)
    cast_rays(
        _packed_boxes(scene),
        _packed_atlas(),
        (scene.ground_tile, scene.ground_mixed, np.float32(scene.ground_repeat)),
        (scene.panorama.ravel(), scene.panorama.shape[1], scene.panorama.shape[0]),
        lights,
        numbers,
        origin.astype(np.float32),
        rays,
        block,
        alike,
        colours,
        distances,
    )
    return colours, distances


@lru_cache(maxsize=1)
def _packed_atlas() -> NDArray[np.uint32]:
    """All tiles as one number a pixel, one after the other: (M P,) uint32."""
    return pack_texels(atlas()).ravel()


def _packed_boxes(scene: Scene) -> FloatArray:
    """Boxes as `cast_rays` takes them, (B, 15)."""
    thin = (scene.boxes[:, 3:] - scene.boxes[:, :3]).argmin(axis=1)
    columns = np.stack([scene.kinds, thin, scene.repeats], axis=1)
    packed = np.concatenate([scene.boxes, columns, scene.tiles, scene.tints], axis=1)
    return np.ascontiguousarray(packed, dtype=np.float32)
