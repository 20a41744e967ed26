"""AlexNet with one tower (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014)."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from synth.cameras import BOX
from synth.nets.inputs import pictures_of
from synth.nets.layers import scaled


class AlexNet(nn.Module):
    """Five convolutions and three fully connected layers; parameters are named as torchvision's.

    Rogez & Schmid train it from scratch: as a classifier its outputs are the scores of K classes, as a
    holistic regressor the 5 J numbers of `labels.targets.holistic_targets`.

    Parameters
    ----------
    outputs : int
        Numbers a picture gives.
    width : float
        Factor of the hidden layers' channels.
    dropout : float
        Share of the inputs of the first two fully connected layers that are dropped in training.
    side : int
        Side of the pictures it is meant for, pixels, 63 or more: adaptive pooling takes any.
    """

    def __init__(
        self, outputs: int = 1000, width: float = 1.0, dropout: float = 0.5, side: int = BOX
    ) -> None:
        super().__init__()
        self.takes = pictures_of(side)
        a, b, c, d, full = (scaled(channels, width) for channels in (64, 192, 384, 256, 4096))
        self.features = nn.Sequential(
            nn.Conv2d(3, a, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(a, b, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(b, c, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, d, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(d, d, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(d * 6 * 6, full),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(full, full),
            nn.ReLU(inplace=True),
            nn.Linear(full, outputs),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute outputs (N, outputs) of pictures (N, 3, S, S), normalised as `takes` says."""
        pooled = self.avgpool(self.features(pictures))  # (N, 256, 6, 6)
        return cast(Tensor, self.classifier(pooled.flatten(1)))
