"""Contact sheet of people lifted to 3D, for whoever judges and corrects them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.cameras import BOX, PIXELS_PER_METRE
from synth.crops import warp_crop
from synth.geometry import axis_rotation
from synth.lifting.lifted import LiftedPeople
from synth.preview import draw_skeleton, picture_sheet
from synth.skeletons import H36M17
from synth.sources.images import load_image
from synth.sources.records import AnnotatedImages

SIDES = (45.0, 90.0)
"""Degrees by which the camera of each view has gone round the person, towards the right of the picture."""

_PAPER = 245


def lifted_sheet(
    people: LiftedPeople,
    joints: NDArray[np.floating],
    confidence: NDArray[np.floating],
    images: AnnotatedImages,
    rows: Sequence[int],
) -> NDArray[np.uint8]:
    """Show people as photographed, with the pose as seen by that camera drawn in, and their pose from two sides.

    Parameters
    ----------
    people : LiftedPeople
        N people.
    joints : (N, 17, 3) float
        Their poses, metres, of `corrected_people`.
    confidence : (N,) float
        Of the same.
    images : AnnotatedImages
        The source that they are of.
    rows : sequence of int
        Who is shown.

    Returns
    -------
    (R, C, 3) uint8
        RGB.

    Raises
    ------
    InputError
        If a photograph cannot be read.
    """
    place = {name: index for index, name in enumerate(images.images)}
    photographs, captions = [], []
    views: list[list[NDArray[np.uint8]]] = [[] for _ in SIDES]
    paper = np.full((BOX, BOX, 3), _PAPER, np.uint8)
    for row in rows:
        transform = _to_box(people.poses.scales[row], people.poses.origins[row])
        picture = warp_crop(load_image(images, place[people.images[row]]), transform, BOX)
        photographs.append(draw_skeleton(picture, _seen(joints[row], 0.0), H36M17))
        for view, side in zip(views, SIDES, strict=True):
            view.append(draw_skeleton(paper, _seen(joints[row], side), H36M17))
        captions.append(
            f"{people.images[row].rpartition('/')[2]} {people.person[row]}: {confidence[row]:.2f}"
        )
    return picture_sheet([photographs, *views], captions)


def _to_box(scale: float, origin: NDArray[np.floating]) -> NDArray[np.float64]:
    """Photograph to box: the torso centre in the middle, 100 px to the metre."""
    factor = PIXELS_PER_METRE / float(scale)
    middle = (BOX - 1) / 2
    return np.concatenate(
        [np.eye(2) * factor, (middle - factor * origin.astype(np.float64))[:, None]], axis=1
    )


def _seen(joints: NDArray[np.floating], side: float) -> NDArray[np.float64]:
    """Joints (17, 2) in the box, seen in parallel from a side."""
    turned = joints @ axis_rotation("y", np.deg2rad(side)).T
    seen: NDArray[np.float64] = turned[:, :2] * PIXELS_PER_METRE + (BOX - 1) / 2
    return seen
