"""What is behind rendered people: scenes, photographs, a plain studio, or the picture they stand beside."""

from __future__ import annotations

from functools import partial
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.backgrounds import Background, background
from synth.body.person import Surroundings
from synth.body.shading import Light
from synth.body.textures import DECODE, linear_to_srgb
from synth.cameras import PIXELS_PER_METRE
from synth.skeletons import H36M17

Kind = Literal["scenes", "photographs", "plain", "mosaic"]

_FLESH = {
    **{("hip", "knee"): 0.13, ("knee", "ankle"): 0.11, ("shoulder", "elbow"): 0.1, ("elbow", "wrist"): 0.09},
    **{("pelvis", "thorax"): 0.2, ("thorax", "head"): 0.15, ("shoulder", "hip"): 0.14},
}
"""Metres on either side of bones within which a picture may show its person."""

_EXTREMITY = 0.15
"""Metres about wrists, ankles and the head's top: hands, feet, hair."""


def surroundings(
    kind: Kind, picture: NDArray[np.uint8] | None = None, joints2d: NDArray[np.floating] | None = None
) -> Surroundings:
    """Choose how a background is made.

    Parameters
    ----------
    kind : {"scenes", "photographs", "plain", "mosaic"}
        Procedural rooms and landscapes with some photographs among them; bundled photographs alone; a
        studio's backdrop; the given picture without its person.
    picture : (S, S, 3) uint8, optional
        For ``"mosaic"``: sRGB.
    joints2d : (17, 2) float, optional
        For ``"mosaic"``: where its person is, joints of `H36M17` in pixels.
    """
    if kind == "plain":
        return plain_backdrop
    if kind == "photographs":
        return partial(background, photographs=True)
    if kind == "scenes" or picture is None or joints2d is None:
        return background
    return partial(_before, without_person(picture, joints2d))


def plain_backdrop(
    rng: np.random.Generator, K: ArrayLike, R: ArrayLike, t: ArrayLike, foot: ArrayLike, size: int
) -> Background:
    """Draw a studio's backdrop: one muted colour, brighter in the middle and darker below.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice.
    K, R, t : (3, 3), (3, 3), (3,) float
        Pinhole camera; the world has y up.
    foot : (3,) float
        World point on the ground below the person, metres.
    size : int
        Rows and columns.
    """
    colour = rng.uniform(0.12, 0.75) * (1 + 0.25 * rng.uniform(-1, 1, 3) * rng.random())
    y, x = np.mgrid[0:size, 0:size] / (size - 1) * 2 - 1
    middle = rng.uniform(-0.4, 0.4, 2)
    glow = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / rng.uniform(0.8, 3.0))
    shade = (1 - rng.uniform(0.1, 0.5)) + rng.uniform(0.1, 0.5) * glow - rng.uniform(0, 0.25) * (y + 1) / 2
    image = _encoded(np.clip(shade[..., None] * colour, 0, 1))
    light = _studio_light(rng, np.asarray(R, np.float64), np.ones(3), rng.uniform(0.15, 0.45))
    return Background(image, light, _above_ground(R, t, foot))


def _before(
    picture: NDArray[np.uint8],
    rng: np.random.Generator,
    K: ArrayLike,
    R: ArrayLike,
    t: ArrayLike,
    foot: ArrayLike,
    size: int,
) -> Background:
    """Take a picture as background, with light as bright and as tinted as its brightest parts."""
    linear = DECODE[picture].reshape(-1, 3)
    bright = np.percentile(linear, 92, axis=0)
    white = np.clip(bright.mean() / 0.5, 0.5, 1.15) * (0.5 + 0.5 * bright / max(bright.mean(), 1e-3))
    light = _studio_light(rng, np.asarray(R, np.float64), white, rng.uniform(0.05, 0.5))
    return Background(picture, light, _above_ground(R, t, foot))


def without_person(picture: NDArray[np.uint8], joints2d: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Fill the place of a picture's person with the colours around it.

    The nearer the rest of the picture, the more it counts: averages over ever larger surroundings fill
    ("pull-push"), smooth within and continuous at the border.

    Parameters
    ----------
    picture : (S, S, 3) uint8
        sRGB.
    joints2d : (17, 2) float
        Joints of `H36M17` in pixels, about `PIXELS_PER_METRE`.

    Returns
    -------
    (S, S, 3) uint8
    """
    person = cv2.GaussianBlur(person_mask(picture.shape[0], joints2d), (0, 0), 2.0).astype(np.float32) / 255
    known = (person < 0.02).astype(np.float32)[..., None]
    filled = _pulled_and_pushed(picture.astype(np.float32) * known, known)
    mixed = picture + person[..., None] * (filled - picture)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def person_mask(size: int, joints2d: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Draw where a person may be: 255 about the bones of joints (17, 2), else 0; (size, size)."""
    mask = np.zeros((size, size), np.uint8)
    places = {
        joint: tuple(np.rint(np.clip(place, -9999, 9999)).astype(int).tolist())
        for joint, place in zip(H36M17.joints, joints2d, strict=True)
    }
    for side in ("left_", "right_"):
        for (start, end), width in _FLESH.items():
            a, b = (side + joint if side + joint in places else joint for joint in (start, end))
            cv2.line(mask, places[a], places[b], 255, int(2 * width * PIXELS_PER_METRE))
    for joint in ("head", "left_wrist", "right_wrist", "left_ankle", "right_ankle"):
        cv2.circle(mask, places[joint], int(_EXTREMITY * PIXELS_PER_METRE), 255, -1)
    return mask


def _pulled_and_pushed(colours: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours (H, W, 3) times weights (H, W, 1), divided by the weights; by coarser ones where these are 0."""
    if min(colours.shape[:2]) <= 2:
        total = max(float(weights.sum()), 1e-6)
        return np.broadcast_to(colours.sum(axis=(0, 1)) / total, colours.shape).astype(np.float32)
    coarse = _pulled_and_pushed(cv2.pyrDown(colours), cv2.pyrDown(weights)[..., None])
    height, width = colours.shape[:2]
    around = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    share = np.minimum(weights * 2, 1)
    here = colours / np.maximum(weights, 1e-6)
    return around + share * (here - around)


def _studio_light(
    rng: np.random.Generator, R: NDArray[np.float64], white: NDArray[np.float64], softness: float
) -> Light:
    """Light from above and from the camera's side under which a white card shows `white`, linear RGB."""
    up = R[:, 1]
    direction = up * rng.uniform(0.4, 1.5) + np.array([rng.uniform(-1.2, 1.2), 0.0, rng.uniform(-1.2, 0.1)])
    key = rng.uniform(0.35, 0.65)
    bounce = rng.uniform(0.25, 0.5) * (1 - key)
    return Light(
        _triple(direction), _triple(up), _triple(key * white), _triple((1 - key) * white),
        _triple(bounce * white), softness,
    )  # fmt: skip


def _above_ground(R: ArrayLike, t: ArrayLike, foot: ArrayLike) -> bool:
    """Whether the camera is above the ground, so that a shadow can be seen on it."""
    eye = -np.asarray(R, np.float64).T @ np.asarray(t, np.float64)
    return bool(eye[1] - np.asarray(foot, np.float64)[1] > 0.05)


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255 * linear_to_srgb(linear)).astype(np.uint8)


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
