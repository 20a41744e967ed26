"""What is to be rendered: poses and cameras of some samples, whether drawn anew or those of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.queries import make_queries, query_labels
from synth.query_plan import QueryPlan

PASSED_ON = (
    *("split", "pose", "motion_file", "motion_frame", "subject"),
    *("view", "view_attempt", "K", "R", "t"),
)
"""Labels that a rendered sample has in common with whatever it is rendered after."""

Labels = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Shots:
    """N samples to be rendered.

    Parameters
    ----------
    ids : (N,) int64
        Sample ids.
    labels : mapping of str to (N, ...) array
        The labels `PASSED_ON`.
    joints : (N, 17, 3) float64
        Joints of `H36M17` in the world, metres, y up.
    joints2d : (N, 17, 2) float32
        Their pixels.
    rotations : (N, P, 3, 3) float32, optional
        Recorded rotations of `ROTATED_PARTS` in the world; NaN where unknown.
    valid : (N,) bool, optional
        Samples that there are; all if not given.
    picture : callable, optional
        Gives the picture (S, S, 3) uint8 beside which a sample id is rendered.
    """

    ids: NDArray[np.int64]
    labels: Labels
    joints: NDArray[np.float64]
    joints2d: NDArray[np.float32]
    rotations: NDArray[np.float32] | None = None
    valid: NDArray[np.bool_] | None = None
    picture: Callable[[int], NDArray[np.uint8]] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def there(self) -> NDArray[np.bool_]:
        """Whether each sample can be rendered: it is there, and its joints are finite."""
        there: NDArray[np.bool_] = np.all(np.isfinite(self.joints), axis=(1, 2))
        if self.valid is not None:
            there = np.logical_and(there, self.valid)
        return there


def drawn_shots(plan: QueryPlan, ids: NDArray[np.int64], rotations: NDArray[np.float32] | None) -> Shots:
    """Shots of the queries that mosaics are made for, each in its first view.

    Parameters
    ----------
    plan : QueryPlan
        What is drawn from.
    ids : (N,) int64
        Sample ids.
    rotations : (M, P, 3, 3) float32, optional
        Of the library's poses.
    """
    queries = make_queries(plan, ids)
    labels = query_labels(plan.library, queries, np.zeros(len(ids), np.uint8))
    world = plan.library.joints[queries.pose].astype(np.float64)
    turned = None if rotations is None else rotations[queries.pose]
    return Shots(ids, labels, world, queries.joints2d, turned)


def stored_shots(
    ids: NDArray[np.int64],
    labels: Labels,
    rotations: NDArray[np.float32] | None,
    picture: Callable[[int], NDArray[np.uint8]],
) -> Shots:
    """Shots of the samples of a store.

    Parameters
    ----------
    ids : (N,) int64
        Sample ids.
    labels : mapping of str to (N, ...) array
        `PASSED_ON`, `joints3d`, `joints2d` and `valid`.
    rotations : (M, P, 3, 3) float32, optional
        Of the store's poses, by number.
    picture : callable
        Gives the picture of a sample id.
    """
    world = world_joints(labels["joints3d"], labels["R"], labels["t"])
    # a sample that failed may name a pose that no other has, beyond the table's end
    turned = None if rotations is None else rotations[np.where(labels["valid"], labels["pose"], 0)]
    passed = {name: labels[name] for name in PASSED_ON}
    return Shots(ids, passed, world, labels["joints2d"], turned, labels["valid"], picture)


def world_joints(
    joints3d: NDArray[np.float32], R: NDArray[np.float64], t: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take joints (N, 17, 3) from the frames of cameras R (N, 3, 3), t (N, 3) to the world."""
    world: NDArray[np.float64] = (joints3d.astype(np.float64) - t[:, None]) @ R
    return world
