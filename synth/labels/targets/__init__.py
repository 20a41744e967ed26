"""Targets of networks, made from joints in batches by a loader, each with its inverse.

``soft_grid`` and ``multi_root`` are Park et al.'s, ``sspnet`` is SSP-Net's, ``holistic`` is Rogez & Schmid's
regressor's, ``standardise`` the lifters'. Joints that aren't labelled are NaN or flagged; no target holds NaN.
"""

from synth.labels.targets.holistic import HolisticTargets, holistic_targets, joints_of_holistic
from synth.labels.targets.multi_root import (
    MultiRootTargets,
    mean_torso_lengths,
    metric_poses,
    multi_root_targets,
    poses_of_offsets,
)
from synth.labels.targets.soft_grid import joints_of_soft_grid, soft_grid_labels
from synth.labels.targets.sspnet import (
    SspTargets,
    camera_joints_of_ssp,
    joints_of_ssp,
    ssp_targets,
)
from synth.labels.targets.standardise import (
    Moments,
    combine_moments,
    destandardise,
    moments,
    poses_of_root_relative,
    root_relative,
    standardise,
)

__all__ = [
    "HolisticTargets",
    "Moments",
    "MultiRootTargets",
    "SspTargets",
    "camera_joints_of_ssp",
    "combine_moments",
    "destandardise",
    "holistic_targets",
    "joints_of_holistic",
    "joints_of_soft_grid",
    "joints_of_ssp",
    "mean_torso_lengths",
    "metric_poses",
    "moments",
    "multi_root_targets",
    "poses_of_offsets",
    "poses_of_root_relative",
    "root_relative",
    "soft_grid_labels",
    "ssp_targets",
    "standardise",
]
