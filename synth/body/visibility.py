"""Which points, such as joints inside a body, can be seen: a comparison with the z-buffer."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.mesh import Mesh
from synth.body.rasteriser import NEAR, Samples, sample_camera


def visible_points(
    samples: Samples,
    points: ArrayLike,
    K: ArrayLike,
    tolerance: ArrayLike,
    mesh: Mesh | None = None,
    owners: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Whether points are seen, by the surface at the sample nearest to their projection.

    A joint lies inside its limb, and the limb's own skin does not hide it: the surface may be nearer to the
    camera than the point by as much as the tolerance, about the limb's radius there. Point j of depth z_j is
    visible if and only if

    - z_j is at least `NEAR`, and its projection rounds to a sample of the picture, and
    - nothing is seen there, or the surface's depth is at least z_j, or it is at least z_j - tolerance_j and
      the surface's part is one of the point's owners (any part, without `owners`).

    So a hand in front of the hip hides it however close it is, if owners are given, and the pelvis
    seen from the other side hides the far hip because it is nearer than the tolerance allows.

    Parameters
    ----------
    samples : Samples
        Rasterised.
    points : (J, 3) float
        In the camera frame, metres.
    K : (3, 3) float
        Intrinsics in pixels with which the samples were made.
    tolerance : float or (J,) float
        Metres by which a surface may be nearer than the point without hiding it.
    mesh : Mesh, optional
        The mesh that was rasterised; needed with `owners`.
    owners : (J, 256) bool, optional
        Whether a part, by its number, belongs to the point.

    Returns
    -------
    (J,) bool

    Raises
    ------
    ValueError
        If owners come without the mesh, or a shape does not fit.
    """
    p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    margin = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), len(p))
    columns, rows, inside = _places(p, K, samples)
    with np.errstate(divide="ignore"):
        surface = np.float32(1) / samples.inverse_depth[rows, columns]
    near_enough = surface >= p[:, 2] - margin
    if owners is not None:
        owned = np.asarray(owners, dtype=bool)
        if mesh is None or owned.shape != (len(p), 256):
            raise ValueError(f"owners of shape {owned.shape} need the mesh and shape ({len(p)}, 256)")
        near_enough &= owned[np.arange(len(p)), mesh.part[samples.triangle[rows, columns]]]
    visible: NDArray[np.bool_] = inside & (near_enough | (surface >= p[:, 2]))
    return visible


def _places(
    points: NDArray[np.float64], K: ArrayLike, samples: Samples
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Column and row of the sample nearest to each point's projection, 0 for those that have none."""
    k00, k01, k02, k11, k12 = sample_camera(K, samples.supersampling)
    height, width = samples.triangle.shape
    beyond = points[:, 2] >= NEAR
    z = np.where(beyond, points[:, 2], 1.0)
    x = np.rint((k00 * points[:, 0] + k01 * points[:, 1]) / z + k02)
    y = np.rint(k11 * points[:, 1] / z + k12)
    inside = beyond & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return np.where(inside, x, 0).astype(np.intp), np.where(inside, y, 0).astype(np.intp), inside
