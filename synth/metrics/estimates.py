"""What a network says of people in pictures, and what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import Skeleton


@dataclass(frozen=True)
class Estimates:
    """Estimates of N people on a skeleton of J joints; None for what a network doesn't say.

    Parameters
    ----------
    skeleton : Skeleton
        The J joints.
    joints3d : (N, J, 3) float, optional
        Metres, relative to any origin; NaN for people without an estimate.
    joints2d : (N, J, 2) float, optional
        Pixels of the 220-pixel box.
    absolute3d : (N, J, 3) float, optional
        Metres, in the camera frame, with the distance from the camera.
    ranked : (N, k) int64, optional
        Pose classes, the best first.
    classes : (N,) int64, optional
        True pose classes, -1 where unknown.
    hypotheses3d : (N, k, J, 3) float, optional
        As `joints3d`, the best first.
    hypotheses2d : (N, k, J, 2) float, optional
        As `joints2d`, the best first.
    axes : {"camera", "ray"}
        Of `joints3d` and `hypotheses3d`: those of the camera, or turned so that the camera's ray through the torso
        centre is +z, as the means of pose classes are.
    """

    skeleton: Skeleton
    joints3d: NDArray[np.floating[Any]] | None = None
    joints2d: NDArray[np.floating[Any]] | None = None
    absolute3d: NDArray[np.floating[Any]] | None = None
    ranked: NDArray[np.int64] | None = None
    classes: NDArray[np.int64] | None = None
    hypotheses3d: NDArray[np.floating[Any]] | None = None
    hypotheses2d: NDArray[np.floating[Any]] | None = None
    axes: Literal["camera", "ray"] = "camera"

    def __len__(self) -> int:
        """Count the people; 0 if nothing is said of any."""
        return next((len(value) for name in ARRAYS if (value := getattr(self, name)) is not None), 0)

    def take(self, rows: NDArray[np.integer[Any]]) -> Estimates:
        """Pick some of the people."""
        arrays = {name: value[rows] for name in ARRAYS if (value := getattr(self, name)) is not None}
        return replace(self, **arrays)


ARRAYS = tuple(field.name for field in fields(Estimates) if field.name not in ("skeleton", "axes"))
"""Names of the arrays of `Estimates`."""


def join_estimates(parts: Sequence[Estimates]) -> Estimates:
    """Estimates of several batches of one network, one after the other; at least one."""

    def joined(name: str) -> NDArray[Any] | None:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    arrays: dict[str, Any] = {name: joined(name) for name in ARRAYS}
    return Estimates(parts[0].skeleton, axes=parts[0].axes, **arrays)
