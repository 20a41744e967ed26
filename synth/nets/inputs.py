"""What networks take, and how arrays of a store become it, on the device that the network is on.

All pictures are squares whose edges are at -0.5 and side - 0.5, and resizing keeps edges on edges: what is at
one place of the box is at one place of the network's picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from synth.cameras import BOX
from synth.errors import InputError
from synth.labels.palette import PALETTE

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CENTRED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class NetInput:
    """What a network takes.

    Parameters
    ----------
    kind : {"pictures", "maps", "joints"}
        Pictures of people; foreground and background skeleton maps; standardised joints relative to a root.
    shape : tuple of int
        Of one sample: (3, S, S), (6, S, S) or (2 J,).
    frame : int
        Side in pixels to which the box is resized before its middle (in training: any part) of side S is cut
        out; S where all of it is seen. 0 for joints.
    mean, deviation : tuple of float
        By channel, of grey levels from 0 to 1: pictures are shifted and divided by them.
    """

    kind: Literal["pictures", "maps", "joints"]
    shape: tuple[int, ...]
    frame: int = 0
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @property
    def side(self) -> int:
        """Side of the pictures or maps, pixels."""
        return self.shape[-1]

    @property
    def margin(self) -> int:
        """Pixels that are cut off at the frame's left and top edge when its middle is taken."""
        return (self.frame - self.side) // 2


def pictures_of(
    side: int, frame: int | None = None, statistics: Literal["imagenet", "centred"] = "imagenet"
) -> NetInput:
    """Colour pictures: grey levels normalised as for torchvision's weights, or brought to [-1, 1]."""
    mean, deviation = _IMAGENET if statistics == "imagenet" else _CENTRED
    return NetInput("pictures", (3, side, side), frame or side, mean, deviation)


def maps_of(side: int, channels: int = 6) -> NetInput:
    """Coloured foreground and background maps, grey levels from 0 to 1."""
    return NetInput("maps", (channels, side, side), side)


def joints_of(numbers: int) -> NetInput:
    """Standardised joints, see `labels.targets.standardise`: how many numbers a pose has."""
    return NetInput("joints", (numbers,))


def picture_batch(images: Tensor, takes: NetInput) -> Tensor:
    """Pictures as a network takes them: resized, their middle cut out, normalised.

    Parameters
    ----------
    images : (N, H, H, 3) uint8
        RGB, as in a store.
    takes : NetInput
        The network's, of kind "pictures".

    Returns
    -------
    (N, 3, S, S) float32

    Raises
    ------
    InputError
        If the network takes something else.
    """
    if takes.kind != "pictures":
        raise InputError(f"a network that takes {takes.kind} cannot be given pictures")
    levels = images.permute(0, 3, 1, 2)
    if levels.device.type != "cpu":
        levels = levels.float()  # on the CPU bytes are resized ten times as fast, to whole grey levels
    scaled = _resize(levels, takes.frame)
    first = takes.margin
    middle = scaled[..., first : first + takes.side, first : first + takes.side]
    mean, deviation = (
        torch.tensor(v, device=images.device)[:, None, None] for v in (takes.mean, takes.deviation)
    )
    return torch.addcmul(-mean / deviation, middle.float(), 1.0 / (255.0 * deviation))


def map_colours(maps: Tensor) -> Tensor:
    """Colour bone numbers: the targets of DeepSkeleton's first network.

    Parameters
    ----------
    maps : (..., S, S) uint8
        Bone numbers 0 to 15.

    Returns
    -------
    (..., 3, S, S) float32
        RGB from 0 to 1.
    """
    palette = torch.tensor(PALETTE, device=maps.device).float() / 255.0
    return palette[maps.long()].movedim(-1, -3)


def join_maps(maps: Tensor, side: int) -> Tensor:
    """Coloured maps as DeepSkeleton's second network takes them.

    Parameters
    ----------
    maps : (N, 2, 3, S, S) float
        Foreground, then background: of `map_colours` or from the first network.
    side : int
        Side that they are resized to, pixels.

    Returns
    -------
    (N, 6, side, side) float
    """
    return _resize(maps.flatten(1, 2), side)


def to_input(joints2d: ArrayLike, takes: NetInput, box: int = BOX) -> NDArray[np.float64]:
    """Pixels (..., 2) of the network's picture where pixels of the box are."""
    return (np.asarray(joints2d, dtype=np.float64) + 0.5) * (takes.frame / box) - 0.5 - takes.margin


def to_box(joints2d: ArrayLike, takes: NetInput, box: int = BOX) -> NDArray[np.float64]:
    """Inverse of `to_input`."""
    return (np.asarray(joints2d, dtype=np.float64) + 0.5 + takes.margin) * (box / takes.frame) - 0.5


def _resize(pictures: Tensor, side: int) -> Tensor:
    if pictures.shape[-1] == side:
        return pictures
    return F.interpolate(pictures, size=(side, side), mode="bilinear", antialias=True)
