"""VGG-16 (Simonyan & Zisserman, "Very Deep Convolutional Networks", 2015), configuration D."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from torch import Tensor, nn

from synth.cameras import BOX
from synth.nets.inputs import pictures_of
from synth.nets.layers import scaled

_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the 3 x 3 convolutions; each stage ends in a halving of the side."""


class VGG16(nn.Module):
    """Thirteen convolutions and three fully connected layers; parameters are named as torchvision's.

    Rogez & Schmid start from weights trained on ImageNet, see `weights.load_weights`. For its outputs see
    `alexnet.AlexNet`.

    Parameters
    ----------
    outputs : int
        Numbers a picture gives.
    width : float
        Factor of the hidden layers' channels.
    dropout : float
        Share of the outputs of the first two fully connected layers that are dropped in training.
    side : int
        Side of the pictures it is meant for, pixels, 32 or more: adaptive pooling takes any.
    """

    def __init__(
        self, outputs: int = 1000, width: float = 1.0, dropout: float = 0.5, side: int = BOX
    ) -> None:
        super().__init__()
        self.takes = pictures_of(side)
        full = scaled(4096, width)
        self.features = nn.Sequential(*_convolutions(width))
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        last = nn.Linear(full, outputs)
        self.classifier = nn.Sequential(
            nn.Linear(scaled(512, width) * 7 * 7, full),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(full, full),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            last,
        )
        self.apply(_initialise)
        # all classes are about as likely before training
        nn.init.normal_(last.weight, std=0.01)

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute outputs (N, outputs) of pictures (N, 3, S, S), normalised as `takes` says."""
        pooled = self.avgpool(self.features(pictures))  # (N, 512, 7, 7)
        return cast(Tensor, self.classifier(pooled.flatten(1)))


def _convolutions(width: float) -> Iterator[nn.Module]:
    inputs = 3
    for stage in _STAGES:
        for channels in stage:
            outputs = scaled(channels, width)
            yield nn.Conv2d(inputs, outputs, 3, padding=1)
            yield nn.ReLU(inplace=True)
            inputs = outputs
        yield nn.MaxPool2d(2)


def _initialise(module: nn.Module) -> None:
    # thirteen convolutions without normalisation: with torch's own start the signal would die out
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)
