"""Measures of estimated poses, in batches.

Errors of single joints or poses come first, and can be averaged over any group (action, subject, sequence).
NaN stands for joints or poses that aren't known; no average counts it. ``errors``: distances with and without
alignment; ``rates``: by group of joints, PCKh, 3DPCK, AUC; ``ranking``: classes and hypotheses. On these rest
``estimates`` and ``truth`` of people, ``scores`` of single people, and ``tables`` of them.
"""

from synth.metrics.errors import (
    joint_errors,
    mean_by_group,
    mean_error,
    mpjpe,
    pa_mpjpe,
    rigid_mpjpe,
)
from synth.metrics.ranking import best_of_top_k, top_k_rates
from synth.metrics.rates import (
    auc3d,
    head_sizes,
    pck3d,
    pckh,
    pixel_errors_by_group,
    share_within,
)

__all__ = [
    "auc3d",
    "best_of_top_k",
    "head_sizes",
    "joint_errors",
    "mean_by_group",
    "mean_error",
    "mpjpe",
    "pa_mpjpe",
    "pck3d",
    "pckh",
    "pixel_errors_by_group",
    "rigid_mpjpe",
    "share_within",
    "top_k_rates",
]
