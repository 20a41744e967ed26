"""Task ``lift``: 3D joints of 2D joints, by the baseline of Martinez et al. and Seth's three networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from synth.errors import InputError
from synth.labels.targets import (
    Moments,
    combine_moments,
    destandardise,
    moments,
    poses_of_root_relative,
    root_relative,
    standardise,
)
from synth.metrics.estimates import Estimates
from synth.nets.lifters import (
    ADVERSARIAL_WEIGHT,
    JOINTS,
    Discriminator,
    Lifted,
    Lifter,
    baseline,
    deepbase1,
    deepbase2,
    discriminator_loss,
    generator_loss,
    lifting_loss,
)
from synth.skeletons import H36M17
from synth.store.batches import Batch, SampleSource
from synth.train.task import Constants, Task, TaskOptions, Update

NOISE_STAGE = 61
"""Key of the noise in the random generator [seed, stage, epoch, source, sample id]."""

_ARRAYS = ("joints2d", "joints3d")
_PARTS = ("count", "mean", "squares")
_AT_A_TIME = 10_000
_GENERATOR, _DISCRIMINATOR = "generator", "discriminator"


class LiftOptions(TaskOptions):
    """Which network, and how it is trained."""

    network: Literal["baseline", "deepbase1", "deepbase2", "gan"] = Field(
        "baseline", description="Martinez et al.'s baseline, or one of Seth's networks"
    )
    width: float = Field(1.0, gt=0, le=8, description="factor of the hidden neurons")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of hidden neurons dropped in training")
    early_weight: float = Field(1.0, ge=0, description="of the loss of deepbase2's early pose")
    adversarial_weight: float = Field(
        ADVERSARIAL_WEIGHT, ge=0, description="of the discriminator's answer in the generator's loss"
    )
    noise: float = Field(0.0, ge=0, description="pixels of Gaussian noise on 2D joints in training")


class LiftTask(Task):
    """Standardised 2D joints relative to the root in, such 3D joints out; see `labels.targets.standardise`.

    Parameters
    ----------
    options : LiftOptions
    constants : mapping of str to array
        Of `measure`.
    """

    def __init__(self, options: LiftOptions, constants: Constants) -> None:
        self.options = options
        self.flat, self.solid = (_moments_from(constants, name) for name in _ARRAYS)
        self._lifter = _lifter(options)
        self.network: nn.Module = self._lifter
        if options.network == "gan":
            self._discriminator = Discriminator(width=options.width, dropout=options.dropout)
            self.network = nn.ModuleDict({_GENERATOR: self._lifter, _DISCRIMINATOR: self._discriminator})
            self.updates = tuple(Update(name, f"{name}.") for name in (_GENERATOR, _DISCRIMINATOR))

    @classmethod
    def measure(cls, options: LiftOptions, sources: Sequence[SampleSource]) -> Constants:
        """Moments of the root-relative coordinates of all samples whose joints are all known."""
        found: dict[str, Moments] = {}
        for source in sources:
            of_source = _moments_of(source)
            if not of_source["joints3d"].count.any():
                raise InputError(
                    f"{source.store.meta.path} has no sample whose joints are all known in 2D and 3D: a lifter "
                    "learns nothing from it"
                )
            found = {n: combine_moments(found[n], of) if found else of for n, of in of_source.items()}
        return {f"{name}_{part}": getattr(of, part) for name, of in found.items() for part in _PARTS}

    @property
    def arrays(self) -> tuple[str, ...]:
        """2D and 3D joints."""
        return _ARRAYS

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Standardised joints (N, 32) and poses (N, 48), and which samples (N,) have all of them."""
        joints2d = batch.arrays["joints2d"].astype(np.float64)
        if self.options.noise and augment_seed is not None:
            joints2d += self.options.noise * _noise(batch, augment_seed)
        joints = standardise(root_relative(joints2d), self.flat)
        poses = standardise(root_relative(batch.arrays["joints3d"]), self.solid)
        return {
            "joints": torch.from_numpy(joints).flatten(1),
            "poses": torch.from_numpy(poses).flatten(1),
            "known": torch.from_numpy(_known(batch.arrays)),
        }

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Squared error, with the generator's term of the game; or the discriminator's cross entropy."""
        known, poses = tensors["known"], tensors["poses"]
        if update == _DISCRIMINATOR:
            with torch.no_grad():
                generated = self._lifter(tensors["joints"]).pose
            recorded = self._discriminator(poses)[known]
            return {"loss": discriminator_loss(recorded, self._discriminator(generated)[known])}
        lifted = self._lifter(tensors["joints"])
        of_known = Lifted(lifted.pose[known], None if lifted.early is None else lifted.early[known])
        error = lifting_loss(of_known, poses[known], self.options.early_weight)
        if update != _GENERATOR:
            return {"loss": error}
        logits = self._discriminator(lifted.pose)[known]
        loss = generator_loss(of_known, poses[known], logits, self.options.adversarial_weight)
        return {"loss": loss, "error": error}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Poses relative to the root; NaN where a 2D joint isn't known."""
        pose = self._lifter(tensors["joints"]).pose.float().cpu().numpy().reshape(-1, JOINTS, 3)
        joints3d = poses_of_root_relative(destandardise(pose, self.solid))
        joints3d[~tensors["known"].cpu().numpy()] = np.nan
        return Estimates(H36M17, joints3d=joints3d)


def _lifter(options: LiftOptions) -> Lifter:
    """Network that lifts; that of the GAN is its generator."""
    make = {"baseline": baseline, "deepbase2": deepbase2}.get(options.network, deepbase1)
    return make(width=options.width, dropout=options.dropout)


def _moments_of(source: SampleSource) -> dict[str, Moments]:
    """Moments of both kinds of joints, gone through some thousand samples at a time."""
    nothing = np.empty((0, JOINTS, 3))
    found = {"joints2d": moments(nothing[..., :2]), "joints3d": moments(nothing)}
    for rows in source.store.rows(_ARRAYS, _AT_A_TIME):
        used = np.isin(rows.ids, source.ids) & _known(rows.arrays)
        part = {name: moments(root_relative(rows.arrays[name][used])) for name in _ARRAYS}
        found = {name: combine_moments(found[name], part[name]) for name in _ARRAYS}
    return found


def _moments_from(constants: Constants, name: str) -> Moments:
    count, mean, squares = (np.asarray(constants[f"{name}_{part}"], np.float64) for part in _PARTS)
    return Moments(count, mean, squares)


def _known(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Tell which samples (N,) have all joints in 2D and 3D."""
    known = [np.isfinite(arrays[name]).all(axis=(1, 2)) for name in _ARRAYS]
    both: NDArray[np.bool_] = np.logical_and(*known)
    return both


def _noise(batch: Batch, seed: int) -> NDArray[np.float64]:
    """Draw normal numbers for the 2D joints (N, 17, 2) of a batch, each sample's its own in every epoch."""
    keys = zip(batch.sources.tolist(), batch.ids.tolist(), strict=True)
    shape = batch.arrays["joints2d"].shape[1:]
    return np.stack(
        [np.random.default_rng([seed, NOISE_STAGE, batch.epoch, *key]).normal(size=shape) for key in keys]
    )
