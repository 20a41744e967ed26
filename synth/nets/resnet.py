"""ResNet-50 (He et al., "Deep Residual Learning", 2016), the stride in the 3 x 3 convolutions."""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from synth.nets.inputs import maps_of, pictures_of
from synth.nets.layers import scaled

SIDE = 224
"""Side of the pictures that both networks of DeepSkeleton take, pixels."""

_EXPANSION = 4
_BLOCKS = (3, 4, 6, 3)


class Stages(NamedTuple):
    """Last features of the four stages, (N, C, S, S): C is 256 to 2048, S is the picture's side / 4 to / 32."""

    res2c: Tensor
    res3d: Tensor
    res4f: Tensor
    res5c: Tensor


class Bottleneck(nn.Module):
    """Residual block: 1 x 1, 3 x 3 and 1 x 1 convolutions beside the identity or a 1 x 1 projection.

    Parameters
    ----------
    inputs : int
        Channels it takes.
    channels : int
        Channels of the 3 x 3 convolution; the block gives four times as many.
    stride : int
        Of the 3 x 3 convolution.
    """

    def __init__(self, inputs: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        outputs = channels * _EXPANSION
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, 4 channels, S / stride, S / stride) of (N, inputs, S, S)."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNetTrunk(nn.Module):
    """ResNet-50 up to its last features; parameters are named as torchvision's, which has `fc` besides.

    Parameters
    ----------
    inputs : int
        Channels of the pictures.
    width : float
        Factor of the channels.
    """

    def __init__(self, inputs: int = 3, width: float = 1.0) -> None:
        super().__init__()
        start = scaled(64, width)
        self.channels = tuple(start * 2**stage * _EXPANSION for stage in range(4))
        self.conv1 = nn.Conv2d(inputs, start, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(start)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(start, start, _BLOCKS[0], stride=1)
        self.layer2 = _stage(self.channels[0], start * 2, _BLOCKS[1], stride=2)
        self.layer3 = _stage(self.channels[1], start * 4, _BLOCKS[2], stride=2)
        self.layer4 = _stage(self.channels[2], start * 8, _BLOCKS[3], stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def stages(self, pictures: Tensor) -> Stages:
        """Features of the four stages, of pictures (N, inputs, S, S)."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(pictures))))
        res2c = self.layer1(x)
        res3d = self.layer2(res2c)
        res4f = self.layer3(res3d)
        return Stages(res2c, res3d, res4f, self.layer4(res4f))


class ResNet50(ResNetTrunk):
    """ResNet-50 with its fully connected layer; parameters are named as torchvision's.

    Parameters
    ----------
    outputs : int
        Numbers a picture gives.
    inputs : int
        Channels of the pictures.
    width : float
        Factor of the channels.
    side : int
        Side of the pictures it is meant for, pixels: pooling takes any.
    """

    def __init__(self, outputs: int = 1000, inputs: int = 3, width: float = 1.0, side: int = SIDE) -> None:
        super().__init__(inputs, width)
        self.takes = pictures_of(side) if inputs == 3 else maps_of(side, inputs)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(self.channels[-1], outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute outputs (N, outputs) of pictures (N, inputs, S, S)."""
        return cast(Tensor, self.fc(self.avgpool(self.stages(pictures).res5c).flatten(1)))


def _stage(inputs: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    rest = [Bottleneck(channels * _EXPANSION, channels) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(inputs, channels, stride), *rest)
