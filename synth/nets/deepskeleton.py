"""DeepSkeleton: skeleton maps of pictures (section 3.2), and 3D poses of skeleton maps (section 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from synth.errors import InputError
from synth.labels.targets import poses_of_root_relative
from synth.nets.inputs import join_maps, pictures_of
from synth.nets.layers import scaled
from synth.nets.resnet import SIDE, Bottleneck, ResNet50, ResNetTrunk
from synth.skeletons import DEEPSKELETON16

OFFSETS = len(DEEPSKELETON16) - 1
"""Joints of `DEEPSKELETON16` without the root: those that are regressed, relative to it."""


class MapOutput(NamedTuple):
    """Logits of maps, (N, M, 3, S, S).

    `final` are at a quarter of the picture's size. `early` are those of intermediate supervision, coarse to
    fine, in training alone: at each of four sizes that of the upsampled and that of the trunk's features.
    """

    final: Tensor
    early: tuple[Tensor, ...]


class MapNetwork(nn.Module):
    """First network: ResNet-50, then upsampling with skip sums back to a quarter of the picture's size.

    The paper trains one network for the foreground map and one for the background map; with two maps one
    network gives both from the same features.

    Parameters
    ----------
    maps : int
        Maps M that it gives.
    width : float
        Factor of the channels.
    side : int
        Side of the pictures, pixels: a multiple of 32. Other sizes make another first upsampling.

    Raises
    ------
    InputError
        If the side isn't such a multiple.
    """

    def __init__(self, maps: int = 1, width: float = 1.0, side: int = SIDE) -> None:
        super().__init__()
        if side <= 0 or side % 32:
            raise InputError(f"skeleton maps need pictures with a side of a multiple of 32 px, not {side}")
        self.takes = pictures_of(side)
        self.maps = maps
        self.trunk = ResNetTrunk(width=width)
        channels = self.trunk.channels[::-1]
        before = (channels[0], *channels)
        self.ups = nn.ModuleList(
            nn.Sequential(bilinear_upsampling(wide, factor), Bottleneck(wide, narrow // 4))
            for wide, narrow, factor in zip(before, channels, (side // 32, 2, 2, 2), strict=False)
        )
        inner = scaled(64, width)
        self.up_branches = nn.ModuleList(_branch(count, inner, maps) for count in channels)
        self.skip_branches = nn.ModuleList(_branch(count, inner, maps) for count in channels)
        self.final = _branch(channels[-1], inner, maps)

    def forward(self, pictures: Tensor) -> MapOutput:
        """Logits of the maps of pictures (N, 3, S, S), normalised as `takes` says."""
        stages = self.trunk.stages(pictures)
        x = F.adaptive_avg_pool2d(stages.res5c, 1)  # pool5
        early = []
        for skip, up, *branches in zip(
            stages[::-1], self.ups, self.up_branches, self.skip_branches, strict=True
        ):
            x = up(x)
            if self.training:
                early += [self._split(branches[0](x)), self._split(branches[1](skip))]
            x = x + skip
        return MapOutput(self._split(self.final(x)), tuple(early))

    def _split(self, channels: Tensor) -> Tensor:
        return channels.unflatten(1, (self.maps, 3))


def map_loss(output: MapOutput, maps: Tensor, known: Tensor | None = None) -> Tensor:
    """Sigmoid cross entropy, summed over pixels, channels and outputs, averaged over the people.

    The sum over pixels is what the paper's learning rate of 1e-5 fits. The targets of coarse outputs are the
    maps' means over the pixels that one of theirs covers.

    Parameters
    ----------
    output : MapOutput
    maps : (N, M, 3, S, S) float
        Colours from 0 to 1, of `inputs.map_colours`, in the size of the final output.
    known : (N,) bool, optional
        People whose maps are known; all by default.
    """
    counted = torch.ones(len(maps), device=maps.device) if known is None else known.to(torch.float32)
    total = output.final.new_zeros((), dtype=torch.float32)
    for logits in (output.final, *output.early):
        target = F.adaptive_avg_pool2d(maps.flatten(1, 2), logits.shape[-1]).view(logits.shape)
        each = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
        total = total + (counted * each.flatten(1).sum(dim=1)).sum()
    return total / counted.sum().clamp(min=1.0)


def map_regressor(width: float = 1.0, side: int = SIDE) -> ResNet50:
    """Second network: ResNet-50 on six channels, see `inputs.join_maps`; one for each crop factor and width.

    Its 45 outputs are the joints of `DEEPSKELETON16` but the root, relative to it, in metres;
    `labels.targets.poses_of_root_relative` puts the root back.
    """
    return ResNet50(3 * OFFSETS, inputs=6, width=width, side=side)


def regress_hypotheses(regressors: Mapping[str, ResNet50], maps: Mapping[str, Tensor]) -> NDArray[np.float64]:
    """Regress one pose of each kind of map, to be chosen among as `reprojection` does.

    Parameters
    ----------
    regressors : mapping of str to ResNet50
        H trained second networks by the names of their hypotheses, see `labels.hypotheses.Hypothesis`.
    maps : mapping of str to (N, 2, 3, S, S) float
        Coloured foreground and background maps by the same names.

    Returns
    -------
    (H, N, 16, 3) float64
        Joints of `DEEPSKELETON16` relative to the root, metres, in the order of the regressors.

    Raises
    ------
    InputError
        If there is no regressor, or maps of one are missing.
    """
    missing = [name for name in regressors if name not in maps]
    if missing or not regressors:
        raise InputError(
            f"no maps for the hypotheses {', '.join(missing) or 'of no regressor at all'}: give both"
        )
    poses = []
    for name, network in regressors.items():
        network.eval()
        with torch.inference_mode():
            offsets = network(join_maps(maps[name], network.takes.side))
        poses.append(poses_of_root_relative(offsets.float().cpu().numpy().reshape(-1, OFFSETS, 3)))
    return np.stack(poses)


def pose_loss(estimate: Tensor, offsets: Tensor) -> Tensor:
    """Euclidean loss: half the squared distance of (N, 45) numbers, averaged over the people.

    Numbers that aren't known are NaN in `offsets` and don't count, nor does a person without any.
    """
    known = offsets.isfinite()
    away = torch.where(known, estimate.float() - torch.where(known, offsets, 0.0), 0.0)
    return 0.5 * (away**2).sum() / known.any(dim=1).sum().clamp(min=1)


def bilinear_upsampling(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Upsampling of each channel for itself, which starts as bilinear interpolation and is learnt from there.

    Parameters
    ----------
    channels : int
    factor : int
        Of the size.

    Returns
    -------
    ConvTranspose2d
        (N, C, S, S) to (N, C, factor S, factor S).
    """
    size = 2 * factor - factor % 2
    layer = nn.ConvTranspose2d(
        channels, channels, size, stride=factor, padding=(size - factor) // 2, groups=channels, bias=False
    )
    tent = 1.0 - (torch.arange(size) - (size - 1) / 2.0).abs() / factor
    with torch.no_grad():
        layer.weight.copy_((tent[:, None] * tent).expand_as(layer.weight))
    return layer


def _branch(channels: int, inner: int, maps: int) -> nn.Module:
    """Residual block and the logits of M maps of three channels each."""
    return nn.Sequential(Bottleneck(channels, inner), nn.Conv2d(4 * inner, 3 * maps, 1))
