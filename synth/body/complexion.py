"""Skin as a texture: tone, blush, brows, lips, eyes, stubble and beard, painted by place on the mean body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.body.archive import PARTS, load_body
from synth.body.fabrics import noise_bank
from synth.body.noise import smoothstep
from synth.body.palettes import Colour

SIDE = 512
"""Rows and columns of the skin's texture."""


@dataclass(frozen=True)
class Complexion:
    """How a person's skin looks.

    Parameters
    ----------
    tone, hair, iris : (3,) float64
        sRGB 0 … 1 of the skin, of brows and beard, and of the eyes.
    beard : float
        0 for none, 0.4 stubble, 1 a full beard.
    flush : float
        Redness of cheeks, nose, knees and knuckles, about 1.
    lips : float
        Strength of the lips' colour, about 1; more with lipstick.
    spots : float
        Freckles and blotches, about 0 … 1.
    """

    tone: Colour
    hair: Colour
    iris: Colour
    beard: float
    flush: float
    lips: float
    spots: float


@lru_cache(maxsize=1)
def texel_places() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Place on the mean body (512, 512, 3), metres, and body part (512, 512) of each texel of the skin.

    Texels outside the charts take the values of the nearest one inside.
    """
    mesh = load_body().skin
    places = np.zeros((SIDE, SIDE, 3), np.float32)
    parts = np.zeros((SIDE, SIDE), np.uint8)
    corners = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], -1)[mesh.uv_triangles] * SIDE - 0.5
    _scan(corners.astype(np.float32), mesh.vertices.mean[mesh.triangles], mesh.parts, places, parts)
    _, labels = cv2.distanceTransformWithLabels(
        (parts == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    row_of = np.zeros(labels.max() + 1, np.int64)
    inside = np.flatnonzero(parts.ravel())
    row_of[labels.ravel()[inside]] = inside
    nearest = row_of[labels.ravel()]
    return places.reshape(-1, 3)[nearest].reshape(places.shape), parts.ravel()[nearest].reshape(parts.shape)


@njit(cache=True, error_model="numpy")
def _scan(corners, points, triangle_parts, places, parts):  # type: ignore[no-untyped-def]
    """Interpolate points over the texels whose centre lies in a triangle of the texture."""
    side = places.shape[0]
    for t in range(len(corners)):
        ax, ay = corners[t, 0]
        bx, by = corners[t, 1]
        cx, cy = corners[t, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area == 0:
            continue
        for y in range(max(int(min(ay, by, cy)), 0), min(int(max(ay, by, cy)) + 2, side)):
            for x in range(max(int(min(ax, bx, cx)), 0), min(int(max(ax, bx, cx)) + 2, side)):
                v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                u = 1 - v - w
                if u >= -1e-3 and v >= -1e-3 and w >= -1e-3:
                    parts[y, x] = triangle_parts[t]
                    for k in range(3):
                        places[y, x, k] = u * points[t, 0, k] + v * points[t, 1, k] + w * points[t, 2, k]


def _bump(places: NDArray, centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray:
    """Soft ellipsoid, 1 at its middle, on both sides of the body."""
    x = (np.abs(places[..., 0]) - centre[0]) / radii[0]
    y, z = (places[..., 1] - centre[1]) / radii[1], (places[..., 2] - centre[2]) / radii[2]
    return np.exp(-(x * x + y * y + z * z))


@dataclass(frozen=True)
class FaceMap:
    """Where features lie in the skin's texture, each (512, 512) float32 from 0 to 1."""

    flush: NDArray[np.float32]
    lips: NDArray[np.float32]
    brows: NDArray[np.float32]
    beard: NDArray[np.float32]
    shade: NDArray[np.float32]
    eyes: NDArray[np.bool_]
    iris: NDArray[np.float32]
    pupil: NDArray[np.float32]


@lru_cache(maxsize=1)
def face_map() -> FaceMap:
    """Features of the mean body, found from its landmarks."""
    places, parts = texel_places()
    body = load_body()
    at = dict(zip(body.landmarks, body.landmark_points.mean.astype(float), strict=True))
    eye, nose, chin = at["left_eye"], at["nose"], at["chin"]
    x, y, z = np.abs(places[..., 0]), places[..., 1], places[..., 2]
    face = z > eye[2] - 0.035
    mouth_y = chin[1] + 0.5 * (nose[1] - chin[1])
    lips = smoothstep(1.15, 0.85, np.hypot(x / 0.026, (y - mouth_y) / (0.0095 - 0.1 * x))) * (
        z > chin[2] - 0.012
    )
    arch = eye[1] + 0.021 + 0.1 * np.minimum(x - 0.02, 0.018) - 0.35 * np.maximum(x - 0.04, 0)
    brows = smoothstep(1.2, 0.8, np.abs(y - arch) / (0.0055 - 0.05 * np.maximum(x - 0.02, 0)))
    brows = brows * smoothstep(0.009, 0.014, x) * smoothstep(0.056, 0.048, x) * face
    cheeks = _bump(places, (0.04, nose[1] - 0.005, nose[2] - 0.03), (0.022, 0.018, 0.05))
    tip = _bump(places, (0.0, nose[1], nose[2]), (0.015, 0.012, 0.02))
    ears = _bump(places, tuple(at["left_ear"]), (0.03, 0.04, 0.04))
    joints = np.zeros(x.shape)
    for name, dz in (("left_shin_1", 0.05), ("left_forearm_1", -0.03), ("left_middle_1", 0.0)):
        bone = body.heads.mean[body.bone(name)].astype(float)
        joints += _bump(places, (bone[0], bone[1], bone[2] + dz), (0.04, 0.04, 0.05))
    jaw = smoothstep(nose[1] - 0.012, nose[1] - 0.024, y) * smoothstep(chin[1] - 0.035, chin[1] - 0.012, y)
    jaw = jaw * smoothstep(at["left_ear"][2] - 0.005, at["left_ear"][2] + 0.02, z)
    cheek_line = nose[1] - 0.03 + 0.45 * np.maximum(x - 0.03, 0)
    beard = jaw * smoothstep(cheek_line + 0.008, cheek_line - 0.004, np.where(x < 0.03, nose[1] - 0.03, y))
    beard = beard * (1 - lips)
    socket = _bump(places, (eye[0], eye[1], eye[2] + 0.01), (0.022, 0.013, 0.03))
    in_eye = parts == PARTS.index("eyes")
    off_axis = np.hypot(x - eye[0], y - eye[1])
    red = np.clip(cheeks + 0.8 * tip + 0.7 * ears + 0.5 * joints, 0, 1.2)
    iris, pupil = smoothstep(0.0068, 0.0058, off_axis) * in_eye, smoothstep(0.0032, 0.0024, off_axis) * in_eye
    flush, lips, brows, beard, shade, iris, pupil = (
        np.asarray(field, np.float32) for field in (red, lips, brows, beard, socket, iris, pupil)
    )
    return FaceMap(flush, lips, brows, beard, shade, in_eye, iris, pupil)


def skin_texture(rng: np.random.Generator, look: Complexion) -> NDArray[np.uint8]:
    """Texture (512, 512, 3) uint8 sRGB of a person's skin and eyes."""
    maps = face_map()
    fine, cloudy = noise_bank("fine")[rng.integers(6)], noise_bank("cloudy")[rng.integers(6)]
    lightness = float(look.tone.mean())
    # blood shows as less green and blue, more so in light skin
    blood = np.array([-0.01, -0.075, -0.07]) * (0.5 + 0.8 * lightness) * lightness * look.flush
    lip_colour = look.tone * np.array([0.86, 0.62, 0.62]) + np.array([0.03, 0.0, 0.01])
    colours = np.stack([look.tone, blood, lip_colour, 0.9 * look.hair, look.iris]).astype(np.float32)
    amounts = np.array([0.012 + 0.02 * look.spots, min(0.75 * look.lips, 1.0), look.beard], np.float32)
    out = np.empty((SIDE, SIDE, 3), np.uint8)
    fields = np.stack([maps.flush, maps.shade, maps.lips, maps.brows, maps.beard, maps.iris, maps.pupil])
    _paint_skin(fields, maps.eyes, fine, cloudy, colours, amounts, out)
    return out


@njit(cache=True, error_model="numpy")
def _paint_skin(fields, eyes, fine, cloudy, colours, amounts, out):  # type: ignore[no-untyped-def]
    """Lay features over each other, texel by texel."""
    tone, blood, lips, hair, iris = colours
    spots, lip_share, beard_share = amounts
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            flush, shade, lip, brow, beard, in_iris, in_pupil = fields[:, y, x]
            grain = fine[y & 255, x & 255]
            blotch = np.float32(0.012) * grain + spots * cloudy[y & 255, x & 255]
            grown = beard * min(max(beard_share * (np.float32(0.85) + np.float32(0.25) * grain), 0.0), 0.92)
            for c in range(3):
                value = tone[c] * (1 + blotch * (np.float32(0.8) + np.float32(0.15) * c)) + flush * blood[c]
                value *= 1 - np.float32(0.16) * shade
                value += lip_share * lip * (lips[c] - value)
                value += np.float32(0.75) * brow * (hair[c] - value)
                value += grown * (hair[c] - value)
                if eyes[y, x]:
                    white = np.float32(0.86) - np.float32(0.02) * c
                    value = (white + in_iris * (iris[c] - white)) * (1 - np.float32(0.9) * in_pupil)
                out[y, x, c] = np.uint8(min(max(value, 0.0), 1.0) * 255 + np.float32(0.5))
