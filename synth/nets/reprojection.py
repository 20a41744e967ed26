"""Choice among hypotheses of a 3D pose by their reprojection onto 2D joints (DeepSkeleton, section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Chosen:
    """The hypothesis of each of N people that fits best.

    Parameters
    ----------
    ids : (N,) intp
        Its position among the H hypotheses, the first of equals; 0 for people without a labelled joint.
    poses : (N, J, 3) float64
        It.
    errors : (H, N) float64
        By which all were compared: mean distance of the labelled joints; NaN for people who have none.
    """

    ids: NDArray[np.intp]
    poses: NDArray[np.float64]
    errors: NDArray[np.float64]


def match_by_reprojection(
    hypotheses: ArrayLike, joints2d: ArrayLike, labelled: ArrayLike | None = None, K: ArrayLike | None = None
) -> Chosen:
    """Choose the hypothesis whose projection is nearest to detected 2D joints.

    Hypotheses are relative to a root, so where they stand isn't known: each is projected from the place that
    fits it best in the least-squares sense.

    Parameters
    ----------
    hypotheses : (H, N, J, 3) float
        Poses in the camera's axes (x right, y down), metres, relative to anything.
    joints2d : (N, J, 2) float
        Detected joints, pixels.
    labelled : (N, J) bool, optional
        Which were detected; by default those that are finite.
    K : (N, 3, 3) float, optional
        Intrinsics. Without them the projection is orthographic and scaled as fits best (weak perspective).

    Returns
    -------
    Chosen
        Errors in pixels.
    """
    poses = np.asarray(hypotheses, dtype=np.float64)
    given = np.asarray(joints2d, dtype=np.float64)
    known: NDArray[np.bool_] = np.all(np.isfinite(given), axis=-1)
    if labelled is not None:
        known &= np.asarray(labelled, dtype=bool)
    seen = np.where(known[..., None], given, 0.0)
    weight: NDArray[np.float64] = known.astype(np.float64)
    if K is None:
        projected = _weak_perspective(poses, seen, weight)
    else:
        projected = _perspective(poses, seen, weight, np.asarray(K, dtype=np.float64))
    return _choose(poses, np.linalg.norm(projected - seen, axis=-1), known)


def match_by_truth(hypotheses: ArrayLike, joints3d: ArrayLike) -> Chosen:
    """Choose the hypothesis nearest to the true pose: the oracle, a bound of any choice.

    Parameters
    ----------
    hypotheses : (H, N, J, 3) float
        Metres, relative to a root.
    joints3d : (N, J, 3) float
        True poses relative to the same root, metres; NaN where not known.

    Returns
    -------
    Chosen
        Errors in metres.
    """
    poses, truth = np.asarray(hypotheses, dtype=np.float64), np.asarray(joints3d, dtype=np.float64)
    known: NDArray[np.bool_] = np.all(np.isfinite(truth), axis=-1)
    return _choose(poses, np.linalg.norm(poses - truth, axis=-1), known)


def _choose(poses: NDArray[np.float64], away: NDArray[np.float64], known: NDArray[np.bool_]) -> Chosen:
    """Least mean distance, of distances (H, N, J), over the known joints (N, J)."""
    count = known.sum(axis=-1)
    total = np.where(known, away, 0.0).sum(axis=-1)
    errors = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    ids = np.where(np.isnan(errors), np.inf, errors).argmin(axis=0)
    return Chosen(ids, poses[ids, np.arange(poses.shape[1])], errors)


def _weak_perspective(
    poses: NDArray[np.float64], seen: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Projections (H, N, J, 2) at the scale and place of least squared distance."""
    share = (weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1.0))[..., None]
    flat = poses[..., :2] - (share * poses[..., :2]).sum(axis=-2, keepdims=True)
    centre = (share * seen).sum(axis=-2, keepdims=True)
    spread = (share * flat**2).sum(axis=(-2, -1))
    fit = (share * flat * (seen - centre)).sum(axis=(-2, -1))
    # a negative scale would turn the person by half a circle
    scale = np.divide(np.maximum(fit, 0.0), spread, out=np.zeros_like(fit), where=spread > 0)
    return scale[..., None, None] * flat + centre


def _perspective(
    poses: NDArray[np.float64],
    seen: NDArray[np.float64],
    weight: NDArray[np.float64],
    K: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Projections (H, N, J, 2) from the place where the joints are nearest to their rays."""
    homogeneous = np.concatenate([seen, np.ones((*seen.shape[:-1], 1))], axis=-1)
    rays = (homogeneous @ np.swapaxes(np.linalg.inv(K), -1, -2))[..., :2]
    # x + t_x = u (z + t_z) and y + t_y = v (z + t_z), two rows for each joint, in the unknown t
    rows = np.zeros((*rays.shape, 3))
    rows[..., 0, 0] = rows[..., 1, 1] = 1.0
    rows[..., 2] = -rays
    wanted = rays * poses[..., 2:] - poses[..., :2]
    normal = np.einsum("nj,njda,njdb->nab", weight, rows, rows)
    right = np.einsum("nj,njda,hnjd->hna", weight, rows, wanted)
    place = np.einsum("nab,hnb->hna", np.linalg.pinv(normal, hermitian=True), right)
    standing = poses + place[..., None, :]
    image = np.einsum("nab,hnjb->hnja", K, standing)
    behind = standing[..., 2:] <= 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(behind, np.inf, image[..., :2] / image[..., 2:])
