"""Rogez & Schmid's classifier: which of K classes of poses a person is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from synth.errors import InputError
from synth.labels.classes import PoseClasses, load_classes, orientated_poses
from synth.metrics.estimates import Estimates
from synth.nets.holistic import best_classes, classification_loss
from synth.nets.inputs import picture_batch
from synth.skeletons import BODY13
from synth.store.batches import Batch, SampleSource
from synth.store.labels import label_path
from synth.train.augment import Changes, change_people
from synth.train.task import Constants
from synth.train.tasks.classic import ClassicOptions, ClassicTask, turned_poses
from synth.train.tasks.pictures import people_of


class ClassifierOptions(ClassicOptions):
    """Options of the classifier."""

    classes: str = Field("classes-5000", description="label pass of the classes, the same in every store")
    hypotheses: int = Field(100, ge=1, description="best classes that are told of each person, at most")


class Classifier(ClassicTask):
    """K-way classification of pictures.

    Parameters
    ----------
    options : ClassifierOptions
    constants : mapping of str to array
        Of `measure`: the classes.
    """

    def __init__(self, options: ClassifierOptions, constants: Constants) -> None:
        super().__init__(options, constants, outputs=len(constants["counts"]))
        self.options = options
        self.classes = PoseClasses(
            np.asarray(constants["means3d"], np.float32),
            np.asarray(constants["means2d"], np.float32),
            np.asarray(constants["counts"], np.int64),
            "ray" if constants["turned"] else "none",
        )

    @classmethod
    def measure(cls, options: Any, sources: Sequence[SampleSource]) -> Constants:
        """Read the classes, which must be the same in all stores.

        Raises
        ------
        InputError
            If a store has none of that name, or other ones than the first store.
        """
        paths = [label_path(source.store.meta.path, options.classes) for source in sources]
        first, *others = [load_classes(path) for path in paths]
        for path, classes in zip(paths[1:], others, strict=True):
            same = classes.turn == first.turn and np.array_equal(classes.means3d, first.means3d)
            if not same:
                raise InputError(
                    f"{path} has other classes than {paths[0]}: give this store the first one's, with "
                    "`synth label assign`"
                )
        return {
            **super().measure(options, sources),
            "means3d": first.means3d,
            "means2d": first.means2d,
            "counts": first.counts,
            "turned": np.array(first.turn == "ray"),
        }

    @property
    def arrays(self) -> tuple[str, ...]:
        """Pictures and their classes."""
        return ("images", self._class_array)

    @property
    def optional(self) -> tuple[str, ...]:
        """What tells the class of a changed picture."""
        return ("joints3d",) if self._moves else ()

    @property
    def _moves(self) -> bool:
        return bool(self.augmentation.mirror or self.augmentation.rotation)

    @property
    def _class_array(self) -> str:
        return f"{self.options.classes}/pose_class"

    def changes(self, batch: Batch, augment_seed: int | None) -> Changes:
        """Draw the changes of a batch's pictures; people not known in 3D are neither turned nor mirrored.

        The class of their changed pose could not be told.
        """
        drawn = super().changes(batch, augment_seed)
        if not self._moves:
            return drawn
        known = np.isfinite(turned_poses(people_of(batch).joints3d)).all(axis=(1, 2))
        return replace(drawn, mirrored=drawn.mirrored & known, angle=np.where(known, drawn.angle, 0.0))

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Pictures of the box, and `classes` (N,) int64, -1 where not known."""
        changes = self.changes(batch, augment_seed)
        people = change_people(people_of(batch), changes, self.constants.get("colour_axes"))
        classes = batch.arrays[self._class_array].astype(np.int64)
        moved = (changes.mirrored | (changes.angle != 0.0)) & (classes >= 0)
        if moved.any():
            classes[moved] = nearest_classes(self.classes, people.joints3d[moved])
        return {
            "images": torch.from_numpy(people.images),
            "classes": torch.from_numpy(classes),
        }

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Cross entropy."""
        scores = self.network(picture_batch(tensors["images"], self.network.takes))
        return {"loss": classification_loss(scores, tensors["classes"])}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Mean pose of the top class, and those of the next ones as hypotheses."""
        scores = self.network(picture_batch(tensors["images"], self.network.takes))
        k = min(self.options.hypotheses, int((self.classes.counts > 0).sum()))
        found = best_classes(scores, self.classes, k)
        return Estimates(
            BODY13,
            joints3d=found.joints3d[:, 0],
            joints2d=found.joints2d[:, 0],
            ranked=found.ids,
            classes=np.asarray(tensors["classes"].cpu().numpy(), dtype=np.int64),
            hypotheses3d=found.joints3d,
            hypotheses2d=found.joints2d,
            axes="ray" if self.classes.turn == "ray" else "camera",
        )


def nearest_classes(classes: PoseClasses, joints3d: NDArray[np.float64]) -> NDArray[np.int64]:
    """Classes (N,) whose means are nearest to poses (N, 17, 3) in the camera frame.

    As `labels.classes.assign_3d` finds them, for the few poses of a batch and without its search tree.
    """
    poses = orientated_poses(joints3d, classes.turn).astype(np.float64)
    means = classes.means3d.reshape(len(classes), -1).astype(np.float64)
    return ((means**2).sum(axis=1) - 2.0 * poses @ means.T).argmin(axis=1)
