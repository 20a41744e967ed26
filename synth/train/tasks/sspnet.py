"""SSP-Net: joints in the picture and their depths, refined prediction by prediction, and the root's distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from synth.cameras import BOX
from synth.labels.targets.sspnet import ROOT, camera_joints_of_ssp, joints_of_ssp, ssp_targets
from synth.metrics.estimates import Estimates
from synth.nets.inputs import picture_batch
from synth.nets.root_depth import RootDepth, box_coordinates, root_depth_loss
from synth.nets.sspnet import CONFIDENCE_WEIGHT, SIDE, SSPNet, SspOutput, sspnet_loss
from synth.skeletons import H36M17
from synth.store.batches import Batch
from synth.train.augment import Augmentation
from synth.train.task import Constants
from synth.train.tasks.pictures import PictureOptions, PictureTask, floats, numbers

_BOX_CORNERS = (-0.5, -0.5, BOX - 0.5, BOX - 0.5)


class SspOptions(PictureOptions):
    """Options of SSP-Net. The paper doesn't state its augmentation."""

    pyramids: int = Field(8, ge=1, description="pyramids, down and up in turn")
    levels: int = Field(4, ge=2, description="sizes of features, each half of the one before")
    side: int = Field(SIDE, ge=1, description="pixels of the side to which pictures are resized")
    cut: int | None = Field(
        None, ge=1, description="prediction blocks that are run at test time; all by default"
    )
    root_depth: bool = Field(
        True,
        description="learn the root's distance beside, from the same features, which it doesn't change; without "
        "it the true distance turns pixels into metres, as in the paper's comparisons",
    )
    confidence_weight: float = Field(CONFIDENCE_WEIGHT, ge=0, description="of the confidence's cross entropy")
    augmentation: Augmentation = Field(
        Augmentation(rotation=40.0, scale=(0.7, 1.3), gain=(0.9, 1.1), mirror=0.5),
        description="how pictures are changed in training",
    )


class SspNetworks(nn.Module):
    """The network and, if it is wanted, that of the root's distance."""

    def __init__(self, pose: SSPNet, root_depth: RootDepth | None) -> None:
        super().__init__()
        self.pose = pose
        self.root_depth = root_depth


class SspTask(PictureTask):
    """Joints of people in pictures, of whom some are known in 2D alone.

    Parameters
    ----------
    options : SspOptions
    constants : mapping of str to array
        Of `measure`.

    Raises
    ------
    InputError
        If the side doesn't suit the levels.
    """

    network: SspNetworks

    def __init__(self, options: SspOptions, constants: Constants) -> None:
        super().__init__(options, constants)
        self.options = options
        pose = SSPNet(len(H36M17), options.width, options.pyramids, options.levels, options.side)
        depth = RootDepth(pose.feature_channels) if options.root_depth else None
        self.network = SspNetworks(pose, depth)

    @property
    def optional(self) -> tuple[str, ...]:
        """3D joints and cameras: people without them are trained on in 2D."""
        return ("joints3d", "K")

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Pictures of the box, the targets of `labels.targets.ssp_targets`, `root_depth` (N,) and `K`."""
        people = self.people(batch, augment_seed)
        depth = people.joints3d[..., 2]
        targets = ssp_targets(people.joints2d, BOX, depth)
        return {
            "images": torch.from_numpy(people.images),
            "coordinates": floats(targets.coordinates),
            "known": torch.from_numpy(targets.known),
            "confidence": floats(targets.confidence),
            "root_depth": floats(depth[:, ROOT]),
            "K": floats(people.K),
        }

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Loss of all predictions, and that of the root's distance."""
        output = self.network.pose(picture_batch(tensors["images"], self.network.pose.takes))
        pose = sspnet_loss(
            output.predictions,
            tensors["coordinates"],
            tensors["known"],
            tensors["confidence"],
            self.options.confidence_weight,
        )
        if self.network.root_depth is None:
            return {"loss": pose}
        depth = tensors["root_depth"]
        known = depth.isfinite() & tensors["K"].isfinite().all(dim=(1, 2))
        beside = root_depth_loss(self._root_depth(output, tensors["K"]), depth, known)
        return {"loss": pose + beside, "pose": pose, "root_depth": beside}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Joints of the last prediction that is run."""
        pictures = picture_batch(tensors["images"], self.network.pose.takes)
        output = self.network.pose(pictures, self.options.cut)
        coordinates = numbers(output.predictions[-1].coordinates)
        joints2d, _ = joints_of_ssp(coordinates, BOX)
        K = numbers(tensors["K"])
        if self.network.root_depth is None:
            truth = _camera_joints(coordinates, numbers(tensors["root_depth"]), K)
            return Estimates(H36M17, joints3d=truth - truth[:, ROOT, None], joints2d=joints2d)
        absolute = _camera_joints(coordinates, numbers(self._root_depth(output, tensors["K"])), K)
        relative = absolute - absolute[:, ROOT, None]
        return Estimates(H36M17, joints3d=relative, joints2d=joints2d, absolute3d=absolute)

    def _root_depth(self, output: SspOutput, K: Tensor) -> Tensor:
        """Distance (N,) of the root, metres; of people without a camera it means nothing."""
        corners = torch.tensor(_BOX_CORNERS, device=K.device).expand(len(K), 4)
        boxes = torch.nan_to_num(box_coordinates(corners, K))
        assert self.network.root_depth is not None
        return self.network.root_depth(boxes, output.features.detach().float())


def _camera_joints(
    coordinates: NDArray[Any], root_depth: NDArray[Any], K: NDArray[Any]
) -> NDArray[np.float64]:
    """Joints (N, 17, 3) in the camera frame, metres; NaN of people whose camera or root isn't known."""
    known = np.isfinite(K).all(axis=(1, 2))[:, None, None]
    joints = camera_joints_of_ssp(coordinates, BOX, root_depth, np.where(known, K, np.eye(3)))
    return np.where(known, joints, np.nan)
