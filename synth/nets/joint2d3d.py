"""Joints on a 2D grid and offsets from several roots in 3D, by one network (Park, Hwang & Kwak)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from synth.errors import InputError
from synth.labels.targets.multi_root import ROOTS, metric_poses, poses_of_offsets
from synth.labels.targets.soft_grid import GRID
from synth.nets.inputs import pictures_of
from synth.nets.layers import scaled
from synth.skeletons import H36M17

SIDE = 225
FRAME = 250
"""Side to which people are resized; in training a random part of `SIDE` pixels is seen, in tests the middle."""
FLAT_WEIGHT = 0.1
SOLID_WEIGHT = 0.5
"""Weights of the 2D (0.01 after epoch 16) and 3D losses."""

_JOINTS = len(H36M17)
_MAPS = (64, 128, 192, 192, 128)
"""Channels of the convolutions: fewer than ZF-net's (96, 256, 384, 384, 256); how many the paper shows in a
figure that is lost."""
_NEURONS = 1024


class JointOutput(NamedTuple):
    """What a picture gives.

    `logits` (N, 17, G, G) float are those of each joint's cells, row (y) first; `offsets` (N, R, 17, 3) float
    those of `labels.targets.multi_root_targets`.
    """

    logits: Tensor
    offsets: Tensor


class Joint2d3d(nn.Module):
    """Five convolutions, then one stream for 2D and one for 3D, which also sees the 2D probabilities.

    Parameters
    ----------
    roots : tuple of str
        R joints of `H36M17`.
    grid : int
        Cells G along each side of the picture.
    width : float
        Factor of the hidden layers' channels.
    dropout : float
        Share of the hidden neurons of fully connected layers that are dropped in training.
    side : int
        Side of the pictures, pixels, 55 or more; other sizes make other layers.

    Raises
    ------
    InputError
        If the side is too small.
    """

    def __init__(
        self,
        roots: tuple[str, ...] = ROOTS,
        grid: int = GRID,
        width: float = 1.0,
        dropout: float = 0.3,
        side: int = SIDE,
    ) -> None:
        super().__init__()
        self.takes = pictures_of(side, frame=round(side * FRAME / SIDE))
        self.roots = [int(root) for root in H36M17.indices(roots)]
        self.grid = grid
        neurons, fewer = scaled(_NEURONS, width), scaled(_NEURONS // 2, width)
        features = scaled(_MAPS[-1], width) * _last_side(side) ** 2
        cells = _JOINTS * grid * grid
        self.convolutions = _convolutions(width)
        self.flat = nn.Sequential(_full(features, neurons, dropout), nn.Linear(neurons, cells))
        self.solid = _full(features, neurons, dropout)
        # each root has layers of its own: shared ones would give the same pose for all
        self.heads = nn.ModuleList(
            nn.Sequential(_full(neurons + cells, fewer, dropout), nn.Linear(fewer, 3 * (_JOINTS - 1)))
            for _ in roots
        )

    def forward(self, pictures: Tensor) -> JointOutput:
        """Cells and offsets of pictures (N, 3, S, S), normalised as `takes` says."""
        features = self.convolutions(pictures).flatten(1)
        logits = self.flat(features).unflatten(1, (_JOINTS, self.grid, self.grid))
        cells = logits.flatten(2).softmax(dim=-1).flatten(1)
        both = torch.cat([self.solid(features), cells], dim=1)
        offsets = [_with_root(head(both), root) for head, root in zip(self.heads, self.roots, strict=True)]
        return JointOutput(logits, torch.stack(offsets, dim=1))


def joint_loss(
    output: JointOutput,
    cells: Tensor,
    offsets: Tensor,
    flat_weight: float = FLAT_WEIGHT,
    solid_weight: float = SOLID_WEIGHT,
) -> Tensor:
    """Cross entropy over cells and squared distance of offsets, summed over joints and roots (Eq. 3-6).

    Parameters
    ----------
    output : JointOutput
    cells : (N, 17, G, G) float
        From `labels.targets.soft_grid_labels`; a joint whose cells are all 0 doesn't count.
    offsets : (N, R, 17, 3) float
        From `labels.targets.multi_root_targets`; NaN for people without 3D joints, who don't count in 3D.
    flat_weight, solid_weight : float
        Weights of the two.

    Returns
    -------
    () float
        Mean over the people.
    """
    logarithms = output.logits.float().flatten(2).log_softmax(dim=-1)
    flat = -(cells.flatten(2) * logarithms).sum(dim=(1, 2))
    known = offsets.isfinite()
    away = torch.where(known, output.offsets.float() - torch.where(known, offsets, 0.0), 0.0)
    return (flat_weight * flat + solid_weight * (away**2).sum(dim=(1, 2, 3))).mean()


def cell_probabilities(output: JointOutput) -> Tensor:
    """Probabilities (N, 17, G, G) of each joint's cells, for `labels.targets.joints_of_soft_grid`."""
    return output.logits.float().flatten(2).softmax(dim=-1).view(output.logits.shape)


def estimate_poses(output: JointOutput, torso_lengths: ArrayLike) -> NDArray:
    """Poses in metres: the roots' poses centred and averaged (Eq. 7), at the scale of the training set's torso.

    Parameters
    ----------
    output : JointOutput
    torso_lengths : (6,) float
        `labels.targets.mean_torso_lengths` of the training set, metres.

    Returns
    -------
    (N, 17, 3) float64
        Mean 0; NaN where the torso has no length.
    """
    return metric_poses(poses_of_offsets(output.offsets.detach().float().cpu().numpy()), torso_lengths)


def _with_root(numbers: Tensor, root: int) -> Tensor:
    """Offsets (N, 17, 3) of the 48 numbers of the other joints: a root's own offset is 0 and not learnt."""
    others = numbers.unflatten(1, (_JOINTS - 1, 3))
    return torch.cat([others[:, :root], torch.zeros_like(others[:, :1]), others[:, root:]], dim=1)


def _convolutions(width: float) -> nn.Sequential:
    a, b, c, d, e = (scaled(channels, width) for channels in _MAPS)
    return nn.Sequential(
        _convolution(3, a, 7, stride=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        _convolution(a, b, 5, stride=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        _convolution(b, c, 3, padding=1),
        _convolution(c, d, 3, padding=1),
        _convolution(d, e, 3, padding=1),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
    )


def _last_side(side: int) -> int:
    """Side of the last features (6 of 225): what the convolutions make of a picture without values."""
    if side < 55:
        raise InputError(f"pictures of {side} px are too small for this network: give 55 or more")
    with torch.device("meta"), torch.no_grad():
        return int(_convolutions(0.01).eval()(torch.empty(1, 3, side, side)).shape[-1])


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=padding, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _full(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    layer = nn.Linear(inputs, outputs, bias=False)
    return nn.Sequential(layer, nn.BatchNorm1d(outputs), nn.ReLU(inplace=True), nn.Dropout(dropout))
