"""Which 2D annotations cannot be right: limbs too long for the body, a torso turned inside out.

Public pose annotations hold joints on the wrong limb, in the wrong order along a limb, or with left and right
exchanged between shoulders and hips. A mosaic made of such people gets stray limbs, so that they stay out of
the pool. All lengths are in standard metres: photograph pixels over the person's pixels per standard metre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.cameras import STANDARD_LENGTHS
from synth.skeletons import BODY13


@dataclass(frozen=True)
class PlausibilityLimits:
    """What a 2D pose may show at most; a pose beyond any of these is taken for a wrong annotation.

    Parameters
    ----------
    limb_ratio : float
        A limb's or torso side's length over its standard length.
    head : float
        From the top of the head to the middle of the shoulders, metres.
    shoulders, hips : float
        Distance between the two shoulders and between the two hips, metres.
    side_ratio : float
        The longer side of the torso over the shorter one, where they differ by more than `side_difference`.
    side_difference : float
        Metres; below it the two sides' ratio says nothing.
    opposed_width : float
        Shoulders and hips that run opposite ways, both wider than this (metres), have left and right
        exchanged.
    torso_spread : float
        The largest distance among shoulders and hips, metres, must be at least this.
    """

    limb_ratio: float = 1.7
    head: float = 0.50
    shoulders: float = 0.60
    hips: float = 0.55
    side_ratio: float = 2.5
    side_difference: float = 0.20
    opposed_width: float = 0.08
    torso_spread: float = 0.15


NO_LIMITS = PlausibilityLimits(
    limb_ratio=np.inf,
    head=np.inf,
    shoulders=np.inf,
    hips=np.inf,
    side_ratio=np.inf,
    side_difference=np.inf,
    opposed_width=np.inf,
    torso_spread=0.0,
)
"""Every pose keeps these: foreshortening alone can break the others, where joints are known exactly."""


def implausible(
    joints: NDArray[np.floating], labelled: NDArray[np.bool_], limits: PlausibilityLimits
) -> dict[str, NDArray[np.bool_]]:
    """Poses that break each limit; unlabelled joints break none.

    Parameters
    ----------
    joints : (N, 13, 2) float
        Joints of `BODY13` in standard metres.
    labelled : (N, 13) bool
        Joints to judge by.
    limits : PlausibilityLimits
        What is allowed.

    Returns
    -------
    dict of str to (N,) bool
        For every reason, the poses it holds for.
    """
    points = np.where(labelled[..., None], joints, np.nan).astype(np.float64)
    right, left = _side(points, "right"), _side(points, "left")
    shoulders, hips = left[0] - right[0], left[1] - right[1]
    sides = np.stack([_length(right[0] - right[1]), _length(left[0] - left[1])])
    head = points[:, BODY13.index("head")] - (left[0] + right[0]) / 2
    wide = np.minimum(_length(shoulders), _length(hips)) > limits.opposed_width
    longer, shorter = sides.max(axis=0), sides.min(axis=0)
    lopsided = (longer > limits.side_ratio * shorter) & (longer - shorter > limits.side_difference)
    return {
        "limb too long": (_limb_ratios(points) > limits.limb_ratio).any(axis=1),
        "head too far from the shoulders": _length(head) > limits.head,
        "shoulders too far apart": _length(shoulders) > limits.shoulders,
        "hips too far apart": _length(hips) > limits.hips,
        "torso sides too unequal": lopsided,
        "left and right exchanged in the torso": wide & ((shoulders * hips).sum(axis=1) < 0),
        "torso collapsed": _spread(np.stack([*right, *left], axis=1)) < limits.torso_spread,
    }


def _side(points: NDArray[np.float64], side: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shoulder and hip of one side, (N, 2) each."""
    return points[:, BODY13.index(f"{side}_shoulder")], points[:, BODY13.index(f"{side}_hip")]


def _length(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm(vectors, axis=-1)


def _spread(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest distance among (N, P, 2) points, (N,); nan where a point is missing."""
    return _length(points[:, :, None] - points[:, None]).max(axis=(1, 2))


def _limb_ratios(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length of every measured limb over its standard length, (N, L); nan where an end is unlabelled."""
    starts = BODY13.indices(start for start, _ in STANDARD_LENGTHS)
    ends = BODY13.indices(end for _, end in STANDARD_LENGTHS)
    return _length(points[:, starts] - points[:, ends]) / np.array(list(STANDARD_LENGTHS.values()))
