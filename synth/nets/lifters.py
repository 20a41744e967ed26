"""3D joints of 2D joints: the baseline of Martinez et al., and Seth's DeepBase1, DeepBase2 and GAN."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synth.nets.inputs import joints_of
from synth.nets.layers import scaled
from synth.skeletons import H36M17

JOINTS = len(H36M17) - 1
"""Joints of `H36M17` without the root, whose zeros teach nothing: see `labels.targets.root_relative`."""
HIDDEN = 1024
ADVERSARIAL_WEIGHT = 0.01


class Lifted(NamedTuple):
    """Standardised 3D joints relative to the root, (N, 3 J) float; `early` those after half of the blocks."""

    pose: Tensor
    early: Tensor | None


class ClippedLinear(nn.Linear):
    """Fully connected layer whose weight matrix acts scaled down to a Frobenius norm of 1, if it is greater."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute outputs (N, outputs) of (N, inputs)."""
        norm = torch.linalg.vector_norm(self.weight)
        return F.linear(input, self.weight / norm.clamp(min=1.0), self.bias)


class Lifter(nn.Module):
    """Residual blocks of fully connected layers.

    Parameters
    ----------
    blocks : int
        Residual blocks of two layers each.
    inputs, outputs : int
        Numbers of a pose.
    width : float
        Factor of the 1024 hidden neurons.
    dropout : float
        Share of hidden neurons that are dropped in training.
    early : bool
        Whether a fully connected layer after half of the blocks gives a pose of its own, to be supervised.
    """

    def __init__(
        self,
        blocks: int,
        inputs: int = 2 * JOINTS,
        outputs: int = 3 * JOINTS,
        width: float = 1.0,
        dropout: float = 0.5,
        early: bool = False,
    ) -> None:
        super().__init__()
        hidden = scaled(HIDDEN, width)
        self.takes = joints_of(inputs)
        self.first = _layer(inputs, hidden, dropout)
        self.blocks = nn.ModuleList(
            nn.Sequential(_layer(hidden, hidden, dropout), _layer(hidden, hidden, dropout))
            for _ in range(blocks)
        )
        self.last = _linear(hidden, outputs)
        self.early = _linear(hidden, outputs) if early else None

    def forward(self, joints: Tensor) -> Lifted:
        """3D joints of standardised joints (N, inputs)."""
        x, half = self.first(joints), None
        for number, block in enumerate(self.blocks, start=1):
            x = x + block(x)
            if self.early is not None and number == len(self.blocks) // 2:
                half = self.early(x)
        return Lifted(self.last(x), half)


def baseline(joints: int = JOINTS, width: float = 1.0, dropout: float = 0.5) -> Lifter:
    """Martinez et al.: two blocks, six fully connected layers."""
    return Lifter(2, 2 * joints, 3 * joints, width, dropout)


def deepbase1(joints: int = JOINTS, width: float = 1.0, dropout: float = 0.5) -> Lifter:
    """Seth: four blocks, ten fully connected layers. Also the GAN's generator."""
    return Lifter(4, 2 * joints, 3 * joints, width, dropout)


def deepbase2(joints: int = JOINTS, width: float = 1.0, dropout: float = 0.5) -> Lifter:
    """Seth: four blocks, with a supervised fully connected layer after the second."""
    return Lifter(4, 2 * joints, 3 * joints, width, dropout, early=True)


class Discriminator(nn.Module):
    """DeepBase1 that tells recorded from generated poses.

    Parameters
    ----------
    joints : int
        Joints of a pose.
    width : float
        Factor of the 1024 hidden neurons.
    dropout : float
        Share of hidden neurons that are dropped in training.
    """

    def __init__(self, joints: int = JOINTS, width: float = 1.0, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = Lifter(4, 3 * joints, 1, width, dropout)

    def forward(self, poses: Tensor) -> Tensor:
        """Logits (N,) that standardised poses (N, 3 J) were recorded."""
        return cast(Tensor, self.layers(poses).pose[:, 0])


def lifting_loss(lifted: Lifted, poses: Tensor, early_weight: float = 1.0) -> Tensor:
    """Mean squared error of standardised poses (N, 3 J), and of those that are given early."""
    loss = F.mse_loss(lifted.pose.float(), poses)
    if lifted.early is None:
        return loss
    return loss + early_weight * F.mse_loss(lifted.early.float(), poses)


def generator_loss(
    lifted: Lifted, poses: Tensor, logits: Tensor, weight: float = ADVERSARIAL_WEIGHT
) -> Tensor:
    """Squared error, and how far the discriminator is from taking the estimates for recorded poses.

    Parameters
    ----------
    lifted : Lifted
        The generator's output.
    poses : (N, 3 J) float
        Standardised recorded poses.
    logits : (N,) float
        The discriminator's of `lifted.pose`, through which gradients flow.
    weight : float
        Of the adversarial term.
    """
    fooled = F.binary_cross_entropy_with_logits(logits.float(), torch.ones_like(logits, dtype=torch.float32))
    return lifting_loss(lifted, poses) + weight * fooled


def discriminator_loss(recorded: Tensor, generated: Tensor) -> Tensor:
    """Cross entropy of the logits (N,) of recorded and of generated poses, which are given detached."""
    logits = torch.cat([recorded, generated]).float()
    truth = torch.cat([torch.ones_like(recorded), torch.zeros_like(generated)]).float()
    return F.binary_cross_entropy_with_logits(logits, truth)


def _linear(inputs: int, outputs: int) -> ClippedLinear:
    layer = ClippedLinear(inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


def _layer(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        _linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True), nn.Dropout(dropout)
    )
