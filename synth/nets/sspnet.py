"""SSP-Net: pyramids that run down and up in turn, a supervised prediction at each level (section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synth.errors import InputError
from synth.nets.inputs import pictures_of
from synth.nets.layers import scaled
from synth.nets.soft_argmax import attended_depth, joint_confidence, soft_argmax, spatial_softmax
from synth.skeletons import H36M17

SIDE = 256
CONFIDENCE_WEIGHT = 0.01


class SspPrediction(NamedTuple):
    """Output of one prediction block.

    `coordinates` (N, J, 3) float32 are x, y of the picture and z about the root, from 0 to 1, and `confidence`
    (N, J) float32, as `labels.targets.ssp_targets` defines them.
    """

    coordinates: Tensor
    confidence: Tensor


class SspOutput(NamedTuple):
    """What a picture gives.

    `predictions` are those of the blocks that were run, the last the most refined; `features` (N, C) float are
    the entry flow's, averaged over the picture, for `root_depth.RootDepth`.
    """

    predictions: tuple[SspPrediction, ...]
    features: Tensor


class SSPNet(nn.Module):
    """The whole network, which may be cut after any prediction block.

    Parameters
    ----------
    joints : int
        Joints J.
    width : float
        Factor of the features' channels.
    pyramids : int
        The first runs down, the second up, and so on.
    levels : int
        Sizes of features, each half of the one before; the first is an eighth of the picture.
    side : int
        Side of the pictures it is meant for, pixels: a multiple of 8 * 2^(levels - 1), twice that or more.

    Raises
    ------
    InputError
        If the side is too small or not such a multiple.
    """

    def __init__(
        self,
        joints: int = len(H36M17),
        width: float = 1.0,
        pyramids: int = 8,
        levels: int = 4,
        side: int = SIDE,
    ) -> None:
        super().__init__()
        step = 8 * 2 ** (levels - 1)
        if side % step or side < 2 * step:
            raise InputError(
                f"{levels} levels need a side of a multiple of {step} px, at least {2 * step}, not {side}"
            )
        self.takes = pictures_of(side, statistics="centred")
        growth = scaled(96, width)
        self.levels = levels
        self.entry = _entry_flow(scaled(64, width), growth)
        self.feature_channels = 3 * growth
        channels = [self.feature_channels + growth * level for level in range(levels)]
        self.places = _places(pyramids, levels)
        self.units = nn.ModuleList()
        self.blocks = nn.ModuleList()
        for number, (pyramid, level) in enumerate(self.places):
            before = level - 1 if pyramid % 2 else level + 1
            self.units.append(SeparableUnit(channels[before], channels[level]))
            is_last = number == len(self.places) - 1
            self.blocks.append(PredictionBlock(channels[level], joints, reinject=not is_last))

    def forward(self, pictures: Tensor, cut: int | None = None) -> SspOutput:
        """Predict poses.

        Parameters
        ----------
        pictures : (N, 3, S, S) float
            Normalised as `takes` says.
        cut : int, optional
            Prediction blocks to run, 1 to `len(places)`: the fewer, the faster and the rougher. All by default.

        Raises
        ------
        InputError
            If there are not so many blocks.
        """
        count = len(self.places) if cut is None else cut
        if not 1 <= count <= len(self.places):
            raise InputError(f"cannot cut after prediction {cut}: there are {len(self.places)}")
        features = self.entry(pictures)  # (N, 288, 32, 32)
        latest: dict[int, Tensor] = {0: features}
        predictions = []
        x = features
        for (pyramid, level), unit, block in list(zip(self.places, self.units, self.blocks, strict=True))[
            :count
        ]:
            resized = (
                F.max_pool2d(x, 2) if pyramid % 2 else F.interpolate(x, scale_factor=2.0, mode="nearest")
            )
            x = unit(resized)
            if level in latest:
                x = x + latest[level]
            x, heat, depth = block(x)
            latest[level] = x
            predictions.append(predict(heat, depth))
        return SspOutput(tuple(predictions), features.mean(dim=(-2, -1)))


def predict(heat: Tensor, depth: Tensor) -> SspPrediction:
    """Prediction of heat maps and depth maps (N, J, H, W)."""
    probabilities = spatial_softmax(heat)
    flat = soft_argmax(probabilities)
    z = attended_depth(probabilities, depth)
    return SspPrediction(torch.cat([flat, z[..., None]], dim=-1), joint_confidence(probabilities))


def sspnet_loss(
    predictions: Sequence[SspPrediction],
    coordinates: Tensor,
    known: Tensor,
    confidence: Tensor,
    confidence_weight: float = CONFIDENCE_WEIGHT,
) -> Tensor:
    """Sum of the losses of all predictions: elastic net and cross entropy of the confidence (Eq. 11-12).

    Parameters
    ----------
    predictions : sequence of SspPrediction
        At least one.
    coordinates : (N, J, 3) float
        From `labels.targets.ssp_targets`.
    known : (N, J, 3) bool
        From the same; |d| + d^2 of the known coordinates is averaged over the joints of which any is known.
    confidence : (N, J) float
        From the same.
    confidence_weight : float
        Of the cross entropy.
    """
    weight = known.to(coordinates.dtype)
    joints = known.any(dim=-1).sum().clamp(min=1)
    total = coordinates.new_zeros(())
    for prediction in predictions:
        away = (prediction.coordinates - coordinates).abs()
        total = total + (weight * (away + away**2)).sum() / joints
        total = total + confidence_weight * _cross_entropy(prediction.confidence, confidence)
    return total


def _cross_entropy(probability: Tensor, target: Tensor) -> Tensor:
    # written out: torch's own refuses to run under autocast
    p = probability.float().clamp(1e-6, 1.0 - 1e-6)
    return -(target * p.log() + (1.0 - target) * (1.0 - p).log()).mean()


class PredictionBlock(nn.Module):
    """Refine features, predict from them, and put the prediction back into them (Eq. 1-4).

    Parameters
    ----------
    channels : int
        Of the features.
    joints : int
        Joints J.
    reinject : bool
        Whether features follow; the network's last block gives none.
    """

    def __init__(self, channels: int, joints: int, reinject: bool = True) -> None:
        super().__init__()
        self.residual = SeparableUnit(channels, channels)
        self.refine = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), _separable(channels, channels))
        self.norm = nn.BatchNorm2d(channels)
        self.heat = _pointwise(channels, joints)
        self.depth = _pointwise(channels, joints)
        self.reinject = reinject
        if reinject:
            self.beside = _pointwise(channels, joints)
            self.heat_back = _pointwise(2 * joints, channels)
            self.depth_back = _pointwise(joints, channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give new features (N, C, S, S), heat maps and depth maps (N, J, S, S) of features (N, C, S, S)."""
        x = self.residual(x)
        refined = self.refine(x)
        active = torch.relu(self.norm(refined))
        heat, depth = self.heat(active), self.depth(active)
        if self.reinject:
            context = torch.cat([self.beside(active), heat], dim=1)
            x = x + refined + self.heat_back(torch.relu(context)) + self.depth_back(depth)
        return x, heat, depth


class ResidualUnit(nn.Module):
    """Batch normalisation and ReLU before the body; a 1 x 1 projection beside it where channels change.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    body : Module
        From `inputs` to `outputs` channels, the size kept.
    """

    def __init__(self, inputs: int, outputs: int, body: nn.Module) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.body = body
        self.shortcut = _pointwise(inputs, outputs) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, outputs, S, S) of (N, inputs, S, S)."""
        active = torch.relu(self.norm(x))
        beside = x if self.shortcut is None else self.shortcut(active)
        return cast(Tensor, beside + self.body(active))


class SeparableUnit(ResidualUnit):
    """Residual unit of one 5 x 5 convolution in each channel and one 1 x 1 convolution across them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, _separable(inputs, outputs))


def _entry_flow(start: int, growth: int) -> nn.Sequential:
    """Features (N, 288, S / 8, S / 8) of pictures (N, 3, S, S): Table 1."""
    return nn.Sequential(
        nn.Conv2d(3, start, 7, stride=2, padding=3, bias=False),
        _entry_unit(start, growth),
        nn.MaxPool2d(3, stride=2, padding=1),
        _entry_unit(growth, 2 * growth),
        _entry_unit(2 * growth, 2 * growth),
        nn.MaxPool2d(2),
        _entry_unit(2 * growth, 3 * growth),
        _entry_unit(3 * growth, 3 * growth),
    )


def _entry_unit(inputs: int, outputs: int) -> ResidualUnit:
    half = max(1, outputs // 2)
    wide = nn.Conv2d(half, outputs, 3, padding=1, bias=False)
    return ResidualUnit(
        inputs, outputs, nn.Sequential(_pointwise(inputs, half), nn.BatchNorm2d(half), nn.ReLU(), wide)
    )


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    in_each = nn.Conv2d(inputs, inputs, 5, padding=2, groups=inputs, bias=False)
    return nn.Sequential(in_each, _pointwise(inputs, outputs))


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def _places(pyramids: int, levels: int) -> tuple[tuple[int, int], ...]:
    """Pyramid (from 1) and level (from 0) of each prediction block, in the order of their running."""
    down, up = range(1, levels), range(levels - 2, -1, -1)
    return tuple(
        (pyramid, level) for pyramid in range(1, pyramids + 1) for level in (down if pyramid % 2 else up)
    )
