"""Errors by group of joints, and shares of joints near enough: PCKh, 3DPCK and AUC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.metrics.errors import mean_error
from synth.skeletons import BODY13, HEAD_SHARE, MPII16, Skeleton

TABLE5_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Feet": ("ankle",),
        "Knees": ("knee",),
        "Hips": ("hip",),
        "Hands": ("wrist",),
        "Elbows": ("elbow",),
        "Shoulder": ("shoulder",),
        "Head": ("head",),
    }
)
"""Columns of Rogez & Schmid's Table 5, and the joints (of both sides) that each is over."""

PCKH_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Head": ("head", "neck"),
        "Shoulder": ("shoulder",),
        "Elbow": ("elbow",),
        "Wrist": ("wrist",),
        "Hip": ("hip",),
        "Knee": ("knee",),
        "Ankle": ("ankle",),
    }
)
"""Columns of MPII's results. The pelvis and the thorax are in none."""

PCK_THRESHOLD = 0.150
AUC_THRESHOLDS = tuple(step / 1000.0 for step in range(0, 151, 5))
"""Metres: MPI-INF-3DHP's threshold of 3DPCK, and the 31 over which it is averaged for the AUC."""


def share_within(errors: ArrayLike, threshold: float, inclusive: bool = False) -> float:
    """Share of the errors below a threshold (or at it); NaN ones don't count, and NaN where there is none."""
    values = np.asarray(errors, dtype=np.float64)
    values = values[~np.isnan(values)]
    within = values <= threshold if inclusive else values < threshold
    return float(within.mean()) if len(values) else float("nan")


def pck3d(errors: ArrayLike, threshold: float = PCK_THRESHOLD) -> float:
    """3DPCK: share of joints that are nearer than 150 mm, from 0 to 1.

    Parameters
    ----------
    errors : (..., J) float
        Metres, of root-aligned poses; NaN where not known.
    threshold : float
        Metres.
    """
    return share_within(errors, threshold)


def auc3d(errors: ArrayLike, thresholds: Sequence[float] = AUC_THRESHOLDS) -> float:
    """Mean 3DPCK over thresholds from 0 to 150 mm in steps of 5, from 0 to 1; parameters as of `pck3d`."""
    return float(np.mean([pck3d(errors, threshold) for threshold in thresholds]))


def head_sizes(boxes: ArrayLike) -> NDArray[np.float64]:
    """MPII's head sizes (N,): 0.6 of the diagonals of head boxes (N, 4) of x1, y1, x2, y2, in pixels."""
    corners = np.asarray(boxes, dtype=np.float64)
    return HEAD_SHARE * np.linalg.norm(corners[:, 2:] - corners[:, :2], axis=1)


def pckh(
    errors: ArrayLike, sizes: ArrayLike, share: float = 0.5, skeleton: Skeleton = MPII16
) -> dict[str, float]:
    """PCKh: share of joints that are no farther off than half the head size, from 0 to 1.

    Parameters
    ----------
    errors : (N, J) float
        Of `joint_errors`, in pixels; NaN where not known.
    sizes : (N,) float
        Of `head_sizes`, in the same pixels.
    share : float
        Of the head size.
    skeleton : Skeleton
        The J joints.

    Returns
    -------
    dict of str to float
        By the columns of `PCKH_GROUPS`, and "Mean" over all their joints.
    """
    relative = np.asarray(errors, dtype=np.float64) / np.asarray(sizes, dtype=np.float64)[:, None]
    columns = joint_groups(PCKH_GROUPS, skeleton)
    columns["Mean"] = np.concatenate(list(columns.values()))
    return {name: share_within(relative[:, own], share, inclusive=True) for name, own in columns.items()}


def pixel_errors_by_group(errors: ArrayLike, skeleton: Skeleton = BODY13) -> dict[str, float]:
    """Mean 2D errors by the columns of Rogez & Schmid's Table 5, and "All" over their joints.

    Parameters
    ----------
    errors : (N, J) float
        Of `joint_errors`, in pixels of the 220-pixel box; NaN where not known.
    skeleton : Skeleton
        The J joints.
    """
    values = np.asarray(errors, dtype=np.float64)
    columns = joint_groups(TABLE5_GROUPS, skeleton)
    columns["All"] = np.concatenate(list(columns.values()))
    return {name: mean_error(values[:, own]) for name, own in columns.items()}


def joint_groups(groups: Mapping[str, tuple[str, ...]], skeleton: Skeleton) -> dict[str, NDArray[np.intp]]:
    """Positions of the joints of each group, both sides; a joint that the skeleton lacks is left out."""
    names = [joint.removeprefix("left_").removeprefix("right_") for joint in skeleton.joints]
    return {
        group: np.array([i for i, name in enumerate(names) if name in parts], dtype=np.intp)
        for group, parts in groups.items()
    }
