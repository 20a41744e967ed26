"""Coordinates and confidence of heat maps, without parameters (SSP-Net, section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def spatial_softmax(heat: Tensor) -> Tensor:
    """Softmax over the places of each map (Eq. 5).

    Parameters
    ----------
    heat : (N, J, H, W) float

    Returns
    -------
    (N, J, H, W) float32
        Each map adds up to 1.
    """
    return heat.float().flatten(2).softmax(dim=-1).view(heat.shape)


def soft_argmax(probabilities: Tensor) -> Tensor:
    """Mean place under the maps (Eq. 6-8).

    Parameters
    ----------
    probabilities : (N, J, H, W) float32
        Each map adds up to 1.

    Returns
    -------
    (N, J, 2) float32
        x, y: 0 at the left and top edge, 1 at the right and bottom edge. The ramps have their values at the
        pixels' centres, so that the same place has the same coordinates in maps of any size.
    """
    rows, columns = probabilities.shape[-2:]
    x = (probabilities.sum(dim=-2) * _ramp(columns, probabilities)).sum(dim=-1)
    y = (probabilities.sum(dim=-1) * _ramp(rows, probabilities)).sum(dim=-1)
    return torch.stack([x, y], dim=-1)


def attended_depth(probabilities: Tensor, depth: Tensor) -> Tensor:
    """Mean depth where the joint is (Eq. 10).

    Parameters
    ----------
    probabilities : (N, J, H, W) float32
        Each map adds up to 1.
    depth : (N, J, H, W) float
        Maps whose sigmoid is the depth.

    Returns
    -------
    (N, J) float32
        0 to 1; 0.5 is the root's depth, see `labels.targets.ssp_targets`.
    """
    return (probabilities * depth.float().sigmoid()).sum(dim=(-2, -1))


def joint_confidence(probabilities: Tensor) -> Tensor:
    """Greatest share that a window of 2 x 2 pixels has of each map (section 3.2.3).

    Four pixels are enough for any place between them: a confidence near 1 means one pointed peak.

    Parameters
    ----------
    probabilities : (N, J, H, W) float32
        Each map adds up to 1; H and W 2 or more.

    Returns
    -------
    (N, J) float32
    """
    return 4.0 * F.avg_pool2d(probabilities, kernel_size=2, stride=1).amax(dim=(-2, -1))


def _ramp(count: int, like: Tensor) -> Tensor:
    return (torch.arange(count, dtype=like.dtype, device=like.device) + 0.5) / count
