"""Augmentation: pictures that are turned, scaled, moved, mirrored and recoloured together with their labels.

Whatever is done to a picture is done to the joints and the camera as well: a turn of the picture turns the
person about the optical axis, a scale or a move is another camera, and the mirror image has left and right
swapped. The joints stay the projection of the 3D joints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from synth.cameras import BOX
from synth.skeletons import H36M17
from synth.store.batches import Batch

AUGMENT_STAGE = 50
"""Key of the draws in the random generator [seed, stage, epoch, source, sample id]."""
OUTSIDE = 128
"""Grey level of what lies outside the picture."""

_Positive = Annotated[float, Field(gt=0)]
Range = tuple[_Positive, _Positive]


class Augmentation(BaseModel):
    """Table ``[task.augmentation]`` of a recipe: how far pictures are changed; all is drawn uniformly but colours."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rotation: float = Field(0.0, ge=0, le=180, description="degrees of turn to either side, about the middle")
    scale: Range = Field((1.0, 1.0), description="least and greatest factor of the person's size")
    shift: float = Field(
        0.0, ge=0, le=BOX, description="pixels of the box of move to either side, in x and y"
    )
    mirror: float = Field(0.0, ge=0, le=1, description="share of the pictures that are mirrored")
    gain: Range = Field((1.0, 1.0), description="least and greatest factor of each colour channel")
    colour_jitter: float = Field(
        0.0,
        ge=0,
        description="standard deviation of a normal shift along each principal axis of the training pictures' "
        "colours, in standard deviations of these colours",
    )

    @model_validator(mode="after")
    def _rising(self) -> Augmentation:
        for name in ("scale", "gain"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} = [{low}, {high}] runs backwards: give the least factor first")
        return self


@dataclass(frozen=True)
class People:
    """People in square pictures of the box, with their labels.

    Parameters
    ----------
    images : (N, 220, 220, 3) uint8 or None
        RGB.
    joints2d : (N, 17, 2) float64
        Joints of `H36M17`, pixels of the box; NaN where not known.
    joints3d : (N, 17, 3) float64
        The same in the camera frame, metres; NaN where not known.
    K : (N, 3, 3) float64
        Intrinsics in pixels of the box; NaN where not known.
    """

    images: NDArray[np.uint8] | None
    joints2d: NDArray[np.float64]
    joints3d: NDArray[np.float64]
    K: NDArray[np.float64]


@dataclass(frozen=True)
class Changes:
    """What is done to each of N pictures.

    Parameters
    ----------
    mirrored : (N,) bool
        Done first: x -> 219 - x.
    angle : (N,) float64
        Radians, clockwise in the picture.
    scale : (N,) float64
    shift : (N, 2) float64
        Pixels of the box.
    gain : (N, 3) float64
        Factors of the colour channels.
    colours : (N, 3) float64
        Added to all pixels, in standard deviations along the colours' principal axes.
    """

    mirrored: NDArray[np.bool_]
    angle: NDArray[np.float64]
    scale: NDArray[np.float64]
    shift: NDArray[np.float64]
    gain: NDArray[np.float64]
    colours: NDArray[np.float64]


def no_changes(count: int) -> Changes:
    """Leave `count` pictures as they are."""
    one, zero = np.ones(count), np.zeros(count)
    return Changes(
        np.zeros(count, bool), zero, one, np.zeros((count, 2)), np.ones((count, 3)), np.zeros((count, 3))
    )


def draw_changes(ranges: Augmentation, seed: int, batch: Batch) -> Changes:
    """Draw the changes of a batch's samples from generators keyed by (seed, stage, epoch, source, sample id).

    A sample's draws depend on nothing else: not on the batch it is in, the others' options, or the threads.
    """
    unit, normal = np.empty((len(batch.ids), 8)), np.empty((len(batch.ids), 3))
    keys = zip(batch.sources.tolist(), batch.ids.tolist(), strict=True)
    for row, (source, sample) in enumerate(keys):
        rng = np.random.default_rng([seed, AUGMENT_STAGE, batch.epoch, source, sample])
        rng.random(out=unit[row])
        rng.standard_normal(out=normal[row])
    both_ways = 2.0 * unit - 1.0
    return Changes(
        mirrored=unit[:, 0] < ranges.mirror,
        angle=np.deg2rad(ranges.rotation) * both_ways[:, 1],
        scale=ranges.scale[0] + (ranges.scale[1] - ranges.scale[0]) * unit[:, 2],
        shift=ranges.shift * both_ways[:, 3:5],
        gain=ranges.gain[0] + (ranges.gain[1] - ranges.gain[0]) * unit[:, 5:8],
        colours=ranges.colour_jitter * normal,
    )


def change_people(people: People, changes: Changes, colour_axes: NDArray[Any] | None = None) -> People:
    """Change pictures and labels.

    Parameters
    ----------
    people : People
        Left as it is.
    changes : Changes
    colour_axes : (3, 3) float, optional
        Principal axes of the colours in columns, as long as their standard deviations, grey levels; needed
        for a shift of colours.

    Returns
    -------
    People
        `joints2d` are still the projections of `joints3d` by `K`.
    """
    maps, turns = picture_maps(changes), camera_turns(changes)
    joints2d = people.joints2d @ np.swapaxes(maps[:, :2, :2], -1, -2) + maps[:, None, :2, 2]
    joints3d = people.joints3d @ np.swapaxes(turns, -1, -2)
    swapped = np.where(changes.mirrored[:, None], H36M17.mirror, np.arange(len(H36M17)))[..., None]
    images = None
    if people.images is not None:
        added = np.zeros((len(maps), 3)) if colour_axes is None else changes.colours @ colour_axes.T
        images = _change_pictures(people.images, maps, changes.gain, added)
    return replace(
        people,
        images=images,
        joints2d=np.take_along_axis(joints2d, swapped, axis=1),
        joints3d=np.take_along_axis(joints3d, swapped, axis=1),
        # a turn is its inverse's transpose; so is a mirroring
        K=maps @ people.K @ np.swapaxes(turns, -1, -2),
    )


def picture_maps(changes: Changes) -> NDArray[np.float64]:
    """Affine maps (N, 3, 3) from homogeneous pixels of the pictures to pixels of the changed ones."""
    sine, cosine = changes.scale * np.sin(changes.angle), changes.scale * np.cos(changes.angle)
    middle = (BOX - 1) / 2.0
    maps = np.zeros((len(sine), 3, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = cosine
    maps[:, 0, 1], maps[:, 1, 0] = -sine, sine
    maps[:, 2, 2] = 1.0
    maps[:, :2, 2] = middle + changes.shift - maps[:, :2, :2].sum(axis=-1) * middle
    mirror = np.where(changes.mirrored, -1.0, 1.0)
    maps[:, :2, 2] += maps[:, :2, 0] * np.where(changes.mirrored, BOX - 1.0, 0.0)[:, None]
    maps[:, :2, 0] *= mirror[:, None]
    return maps


def camera_turns(changes: Changes) -> NDArray[np.float64]:
    """Orthogonal maps (N, 3, 3) of camera points: mirroring x -> -x, then the turn about the optical axis."""
    sine, cosine = np.sin(changes.angle), np.cos(changes.angle)
    mirror = np.where(changes.mirrored, -1.0, 1.0)
    turns = np.zeros((len(sine), 3, 3))
    turns[:, 0, 0], turns[:, 0, 1] = cosine * mirror, -sine
    turns[:, 1, 0], turns[:, 1, 1] = sine * mirror, cosine
    turns[:, 2, 2] = 1.0
    return turns


def colour_axes_of(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Principal axes of the colours of pictures (..., 3) uint8, see `change_people`."""
    pixels = images.reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(pixels, rowvar=False))
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _change_pictures(
    images: NDArray[np.uint8],
    maps: NDArray[np.float64],
    gain: NDArray[np.float64],
    added: NDArray[np.float64],
) -> NDArray[np.uint8]:
    moved = np.any(maps != np.eye(3), axis=(1, 2)).tolist()
    coloured = (np.any(gain != 1.0, axis=1) | np.any(added != 0.0, axis=1)).tolist()
    changed = np.array(images)
    for row in range(len(images)):
        if moved[row]:
            size, outside = changed.shape[2:0:-1], (OUTSIDE,) * 3
            changed[row] = cv2.warpAffine(images[row], maps[row, :2], size, borderValue=outside)
        if coloured[row]:
            # a table for each channel: 256 multiplications instead of one for each pixel
            levels = np.arange(256.0)[:, None] * gain[row] + added[row]
            table = np.clip(np.rint(levels), 0.0, 255.0).astype(np.uint8)
            changed[row] = cv2.LUT(changed[row], table[:, None])
    return changed
