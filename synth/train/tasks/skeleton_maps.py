"""DeepSkeleton's first network: the foreground and background skeleton maps of a person in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from synth.labels.palette import PALETTE
from synth.metrics.estimates import Estimates
from synth.nets.deepskeleton import MapNetwork, map_loss
from synth.nets.inputs import map_colours, picture_batch
from synth.skeletons import DEEPSKELETON16
from synth.store.batches import Batch
from synth.train.task import Constants
from synth.train.tasks.deepskeleton import MapOptions, MapTask
from synth.train.tasks.pictures import start_from

_LAYERS = {"both": slice(0, 2), "foreground": slice(0, 1), "background": slice(1, 2)}


class SkeletonMapsOptions(MapOptions):
    """Options of the first network."""

    maps: Literal["both", "foreground", "background"] = Field(
        "both", description="what the network gives; the paper trains one for each map"
    )


class SkeletonMapsTask(MapTask):
    """Skeleton maps of pictures.

    Parameters
    ----------
    options : SkeletonMapsOptions
    constants : mapping of str to array
        Of `measure`.
    """

    network: MapNetwork

    def __init__(self, options: SkeletonMapsOptions, constants: Constants) -> None:
        super().__init__(options, constants)
        self.options = options
        self.layers = _LAYERS[options.maps]
        self.network = MapNetwork(len(range(2)[self.layers]), options.width, options.side)

    def initialise(self) -> None:
        """Start the trunk from weights of a ResNet-50, if they were given."""
        if self.options.weights is not None:
            start_from(self.network.trunk, self.options.weights, skip=("fc.",))

    @property
    def arrays(self) -> tuple[str, ...]:
        """Pictures, and what maps are drawn from."""
        return ("images", *super().arrays)

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Pictures of the box, `maps` (N, M, S, S) uint8 of bone numbers and `known` (N,) bool."""
        people = self.people(batch, augment_seed)
        maps, known = self.draw(people)
        return {
            "images": torch.from_numpy(people.images),
            "maps": torch.from_numpy(np.ascontiguousarray(maps[:, self.layers])),
            "known": torch.from_numpy(known),
        }

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Cross entropy, and the share of the bones' pixels whose bone is told from the final map."""
        output = self.network(picture_batch(tensors["images"], self.network.takes))
        loss = map_loss(output, map_colours(tensors["maps"]), tensors["known"])
        found = told_bones(output.final.detach().float().sigmoid())
        shown = (tensors["maps"] > 0) & tensors["known"][:, None, None, None]
        right = ((found == tensors["maps"]) & shown).sum() / shown.sum().clamp(min=1)
        return {"loss": loss, "bones_right": right}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Nothing: joints come from the second network."""
        return Estimates(DEEPSKELETON16)

    def estimated_maps(self, images: Tensor) -> Tensor:
        """Colours from 0 to 1, (N, M, 3, S, S), of pictures (N, 220, 220, 3) uint8."""
        output = self.network(picture_batch(images, self.network.takes))
        return output.final.float().sigmoid()

    def pictures(self, tensors: Mapping[str, Tensor]) -> NDArray[np.uint8] | None:
        """Draw each picture, its true maps and beneath them the estimated ones, (N, 2 H, (1 + M) H, 3)."""
        pictures = tensors["images"]
        truth = map_colours(tensors["maps"])
        estimated = self.estimated_maps(pictures)
        side = pictures.shape[1]
        empty = torch.zeros_like(pictures)
        rows = [
            torch.cat([first, *_enlarged(maps, side).unbind(1)], dim=2)
            for first, maps in ((pictures, truth), (empty, estimated))
        ]
        return np.asarray(torch.cat(rows, dim=1).cpu().numpy())


def told_bones(colours: Tensor) -> Tensor:
    """Bone numbers (..., S, S) of the colours nearest to (..., 3, S, S), as `labels.palette.bones_of_colours`."""
    palette = torch.tensor(PALETTE, device=colours.device).float() / 255.0
    # |c - p|^2 without |c|^2, which is the same for all p
    products = torch.einsum("...cyx,pc->...pyx", colours, palette)
    return ((palette**2).sum(dim=1)[:, None, None] - 2.0 * products).argmin(dim=-3)


def _enlarged(maps: Tensor, side: int) -> Tensor:
    """Grey levels (N, M, side, side, 3) uint8 of maps (N, M, 3, S, S)."""
    grown = F.interpolate(maps.flatten(1, 2), size=(side, side), mode="nearest")
    levels = (255.0 * grown).round().to(torch.uint8)
    return levels.unflatten(1, (-1, 3)).movedim(2, -1)
