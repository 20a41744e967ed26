"""Contact sheets: pictures above the same pictures with the skeleton drawn in, right red, left blue."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.skeletons import Skeleton

RIGHT, LEFT, MIDDLE = (230, 30, 30), (40, 90, 255), (255, 215, 0)
"""RGB of the bones of each side of the body and of its middle line."""

_PAPER = 255
_GAP, _CAPTION = 4, 14
_SHIFT = 4


def draw_skeleton(
    image: NDArray[np.uint8], joints: NDArray[np.floating], skeleton: Skeleton
) -> NDArray[np.uint8]:
    """Copy of a picture with anti-aliased bones, one pixel wide, and small joints.

    Parameters
    ----------
    image : (H, W, 3) uint8
        RGB.
    joints : (J, 2) float
        Pixels, centres at integers; joints that are not finite are left out.
    skeleton : Skeleton
        Its bones; a bone has the side of its ends.
    """
    drawn = image.copy()
    places = np.round(np.nan_to_num(joints.astype(np.float64)) * 2**_SHIFT).astype(int)
    there = np.isfinite(joints).all(axis=1)
    for start, end in skeleton.bone_indices.tolist():
        if there[start] and there[end]:
            colour = _colour(skeleton.joints[start], skeleton.joints[end])
            a, b = tuple(places[start].tolist()), tuple(places[end].tolist())
            cv2.line(drawn, a, b, colour, 1, cv2.LINE_AA, _SHIFT)
    for joint in np.flatnonzero(there).tolist():
        name = skeleton.joints[joint]
        place = tuple(places[joint].tolist())
        cv2.circle(drawn, place, int(1.5 * 2**_SHIFT), _colour(name, name), -1, cv2.LINE_AA, _SHIFT)
    return drawn


def contact_sheet(
    images: NDArray[np.uint8],
    joints: NDArray[np.floating],
    valid: NDArray[np.bool_],
    skeleton: Skeleton,
    columns: int = 8,
) -> NDArray[np.uint8]:
    """Arrange samples in rows, each with its number, its picture, and beneath it the skeleton in the picture.

    Parameters
    ----------
    images : (K, H, W, 3) uint8
        RGB.
    joints : (K, J, 2) float
        Pixels.
    valid : (K,) bool
        Samples that were made; the others' places stay grey.
    skeleton : Skeleton
        Of the joints.
    columns : int
        Samples in a row.

    Returns
    -------
    (R, C, 3) uint8
        RGB.
    """
    pictures = [
        picture if made else np.full_like(picture, 128) for picture, made in zip(images, valid, strict=True)
    ]
    below = [
        draw_skeleton(picture, own, skeleton) if made else picture
        for picture, own, made in zip(pictures, joints, valid, strict=True)
    ]
    return picture_sheet([pictures, below], [str(k) for k in range(len(images))], columns)


def picture_sheet(
    rows: Sequence[Sequence[NDArray[np.uint8]]], captions: Sequence[str], columns: int = 8
) -> NDArray[np.uint8]:
    """Arrange several pictures of each of K samples under each other, and the samples in rows.

    Parameters
    ----------
    rows : sequence of K pictures each, (H, W, 3) uint8
        RGB, all of one size; the first ones are shown at the top.
    captions : sequence of K str
        Above each sample.
    columns : int
        Samples in a row.

    Returns
    -------
    (R, C, 3) uint8
        RGB.
    """
    height, width = rows[0][0].shape[:2]
    columns = min(columns, len(captions))
    cell = (_CAPTION + len(rows) * (height + _GAP), width + _GAP)
    sheet = np.full((-(-len(captions) // columns) * cell[0], columns * cell[1], 3), _PAPER, np.uint8)
    for k, caption in enumerate(captions):
        top, left = (k // columns) * cell[0], (k % columns) * cell[1]
        place = (left + 2, top + _CAPTION - 3)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
        for row, pictures in enumerate(rows):
            y = top + _CAPTION + row * (height + _GAP)
            sheet[y : y + height, left : left + width] = pictures[k]
    return sheet


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Bytes of an (H, W, 3) RGB picture as a PNG file."""
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError(f"OpenCV could not encode a picture of shape {image.shape}")
    return bytes(data.tobytes())


def _colour(start: str, end: str) -> tuple[int, int, int]:
    if "right_" in start or "right_" in end:
        return RIGHT
    return LEFT if "left_" in start or "left_" in end else MIDDLE
