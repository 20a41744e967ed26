"""Pictures of the people whose poses were estimated best, middling and worst."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.cameras import BOX, PIXELS_PER_METRE, project_camera_points
from synth.geometry import torso_centre
from synth.metrics.errors import mean_over_joints
from synth.metrics.estimates import Estimates
from synth.metrics.scores import Scores
from synth.metrics.truth import Truth
from synth.preview import draw_skeleton, picture_sheet
from synth.skeletons import H36M17, Skeleton, correspondence

PER_KIND = 6
_MIDDLE = (BOX - 1) / 2.0


def chosen_people(scores: Scores, per_kind: int = PER_KIND) -> tuple[NDArray[np.intp], list[str]]:
    """People of least, median and greatest error, and a caption that says it.

    Returns
    -------
    rows : (K,) intp
        Nobody twice; nobody without an estimate.
    captions : list of K str
    """
    name, unit = ("body", "mm") if "body" in scores.arrays else ("pixels", "px")
    if name not in scores.arrays:
        return np.empty(0, np.intp), []
    errors = mean_over_joints(scores.arrays[name]) * (1000.0 if unit == "mm" else 1.0)
    order = np.argsort(errors, kind="stable")
    order = order[np.isfinite(errors[order])]
    middle = max(0, (len(order) - per_kind) // 2)
    places = [*range(per_kind), *range(middle, middle + per_kind), *range(len(order) - per_kind, len(order))]
    rows = order[sorted({place for place in places if 0 <= place < len(order)})]
    return rows, [f"{errors[row]:.0f} {unit}" for row in rows.tolist()]


def people_sheet(
    images: NDArray[np.uint8] | None,
    truth: Truth,
    estimates: Estimates,
    captions: list[str],
    columns: int = PER_KIND,
) -> NDArray[np.uint8]:
    """Draw the true and the estimated skeleton of some people: in the picture, and from the side.

    Parameters
    ----------
    images : (K, 220, 220, 3) uint8, optional
        RGB; white paper if not given.
    truth : Truth
    estimates : Estimates
        Of the same K people. Without 2D joints, the 3D joints are projected from where the person truly is.
    captions : list of K str
    columns : int
        People in a row.

    Returns
    -------
    (R, C, 3) uint8
        RGB. Under each other: true and estimated joints in the picture; true and estimated pose from the side, if
        the estimates are in 3D.
    """
    paper = np.full((len(captions), BOX, BOX, 3), 255, np.uint8)
    pictures = paper if images is None else images
    flat = _in_picture(estimates, truth)
    rows = [_drawn(pictures, truth.joints2d, H36M17)]
    if flat is not None:
        rows.append(_drawn(pictures, flat, estimates.skeleton))
    if estimates.joints3d is not None:
        wanted = truth.turned() if estimates.axes == "ray" else truth.joints3d
        rows.append(_drawn(paper, _from_the_side(wanted, H36M17), H36M17))
        rows.append(_drawn(paper, _from_the_side(estimates.joints3d, estimates.skeleton), estimates.skeleton))
    return picture_sheet(rows, captions, columns)


def _drawn(
    pictures: NDArray[np.uint8], joints: NDArray[np.floating[Any]], skeleton: Skeleton
) -> list[NDArray[np.uint8]]:
    return [draw_skeleton(picture, own, skeleton) for picture, own in zip(pictures, joints, strict=True)]


def _in_picture(estimates: Estimates, truth: Truth) -> NDArray[np.floating[Any]] | None:
    """Estimated joints (K, J, 2) in the box."""
    if estimates.joints2d is not None:
        return estimates.joints2d
    if estimates.joints3d is None or estimates.axes == "ray":
        return None
    there = _centred(estimates.joints3d, estimates.skeleton) + torso_centre(truth.joints3d)[:, None]
    return project_camera_points(truth.K, there)


def _from_the_side(joints3d: NDArray[np.floating[Any]], skeleton: Skeleton) -> NDArray[np.float64]:
    """Orthographic view (K, J, 2) along the camera's x axis, who looks to the left."""
    centred = _centred(joints3d, skeleton)
    return _MIDDLE + PIXELS_PER_METRE * centred[..., [2, 1]]


def _centred(joints3d: NDArray[np.floating[Any]], skeleton: Skeleton) -> NDArray[np.float64]:
    """Joints relative to the torso centre."""
    source, target = correspondence(skeleton, H36M17)
    whole = np.full((len(joints3d), len(H36M17), 3), np.nan)
    whole[:, target] = joints3d[:, source]
    return joints3d.astype(np.float64) - torso_centre(whole)[:, None]
