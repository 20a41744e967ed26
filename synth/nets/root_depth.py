"""Distance of the root joint from the camera (SSP-Net, section 4.3.1): what makes relative depths absolute."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from synth.nets.layers import known_mean


class RootDepth(nn.Module):
    """Three layers of 128, 128 and 256 neurons, and the depth.

    Parameters
    ----------
    features : int
        Numbers that describe the picture: `SSPNet.feature_channels`.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(4 + features, 128),
            nn.ReLU(),
            nn.Linear(128, 128),
            nn.ReLU(),
            nn.Linear(128, 256),
            nn.ReLU(),
            nn.Linear(256, 1),
        )

    def forward(self, boxes: Tensor, features: Tensor) -> Tensor:
        """Estimate depths.

        Parameters
        ----------
        boxes : (N, 4) float
            From `box_coordinates`.
        features : (N, C) float
            `SspOutput.features`.

        Returns
        -------
        (N,) float
            Camera z of the root, metres.
        """
        return cast(Tensor, self.layers(torch.cat([boxes, features], dim=1))[:, 0])


def box_coordinates(corners: Tensor, K: Tensor) -> Tensor:
    """Corners of the person's box on the plane one metre before the camera.

    The box's own pixels say nothing of distance where the focal length is unknown; divided by it they do.

    Parameters
    ----------
    corners : (N, 4) float
        Left, top, right and bottom edge, pixels.
    K : (N, 3, 3) float
        Intrinsics in the same pixels.

    Returns
    -------
    (N, 4) float
    """
    focal = K[:, [0, 1, 0, 1], [0, 1, 0, 1]]
    return (corners - K[:, [0, 1, 0, 1], 2]) / focal


def root_depth_loss(estimate: Tensor, depth: Tensor, known: Tensor) -> Tensor:
    """Mean |d| + d^2 over people whose root's depth is known: estimate, depth (N,) metres, known (N,) bool."""
    away = (estimate.float() - torch.where(known, depth, 0.0)).abs()
    return known_mean(away + away**2, known)
