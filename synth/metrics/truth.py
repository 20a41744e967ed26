"""What is known of the people of a store: their joints, cameras, actions, subjects and head sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.geometry import TORSO, to_optical_axis
from synth.skeletons import H36M17
from synth.splits import SPLITS
from synth.store.reader import Store

_JOINTS = len(H36M17)


@dataclass(frozen=True)
class Truth:
    """What is known of N people, on the joints of `H36M17`; NaN and ``""`` where it isn't.

    Parameters
    ----------
    joints3d : (N, 17, 3) float64
        Metres, camera frame.
    joints2d : (N, 17, 2) float64
        Pixels of the 220-pixel box; NaN for joints that nobody has labelled.
    K : (N, 3, 3) float64
        Intrinsics of the box.
    head_size : (N,) float64
        MPII's, pixels of the box.
    actions, subjects : (N,) str
        Names.
    """

    joints3d: NDArray[np.float64]
    joints2d: NDArray[np.float64]
    K: NDArray[np.float64]
    head_size: NDArray[np.float64]
    actions: NDArray[np.str_]
    subjects: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.joints3d)

    def take(self, rows: NDArray[np.integer[Any]] | slice) -> Truth:
        """Pick some of the people."""
        return Truth(
            self.joints3d[rows],
            self.joints2d[rows],
            self.K[rows],
            self.head_size[rows],
            self.actions[rows],
            self.subjects[rows],
        )

    def turned(self) -> NDArray[np.float64]:
        """3D joints turned so that the camera's ray through each torso centre is +z, as pose classes are made.

        Returns
        -------
        (N, 17, 3) float64
            Relative to the torso centre; NaN for people whose torso isn't known, or isn't in front of the camera.
        """
        centre = self.joints3d[:, TORSO].mean(axis=1)
        rotation = to_optical_axis(np.where(centre[:, 2:] > 0.0, centre, np.nan))
        return (self.joints3d - centre[:, None]) @ np.swapaxes(rotation, -1, -2)


def truth_of_joints(
    joints3d: NDArray[np.floating[Any]] | None = None, joints2d: NDArray[np.floating[Any]] | None = None
) -> Truth:
    """Truth of people of whom only joints (N, 17, 3) or (N, 17, 2), or both, are known."""
    given = next(joints for joints in (joints3d, joints2d) if joints is not None)
    count = len(given)
    solid = np.full((count, _JOINTS, 3), np.nan) if joints3d is None else joints3d
    flat = np.full((count, _JOINTS, 2), np.nan) if joints2d is None else joints2d
    nobody = np.full(count, "", dtype=np.str_)
    return Truth(
        np.asarray(solid, dtype=np.float64),
        np.asarray(flat, dtype=np.float64),
        np.full((count, 3, 3), np.nan),
        np.full(count, np.nan),
        nobody,
        nobody,
    )


def split_ids(store: Store, split: str) -> NDArray[np.int64]:
    """Ids of the valid samples of one split, rising.

    Parameters
    ----------
    store : Store
    split : str
        ``"train"``, ``"val"``, ``"test"`` or ``"all"``.

    Raises
    ------
    InputError
        There is no such split, or nobody in it; the message counts those of the others.
    """
    if split not in (*SPLITS, "all"):
        raise InputError(f"split {split!r}: expected {', '.join(SPLITS)} or all")
    ids = store.valid_ids()
    if split == "all":
        return ids
    splits = read_column(store, "split", ids)
    found = ids[splits == SPLITS.index(split)]
    if not len(found):
        counts = ", ".join(f"{name} {int((splits == n).sum()):,}" for n, name in enumerate(SPLITS))
        raise InputError(f"{store.meta.path} has no samples in split {split}; it has {counts}")
    return found


def read_truth(store: Store, ids: NDArray[np.integer[Any]]) -> Truth:
    """Read what a store says of some of its samples.

    Parameters
    ----------
    store : Store
        With joints3d or joints2d, and any of labelled, K, head_size, action, subject.
    ids : (N,) int
        Rising.

    Raises
    ------
    InputError
        The store has no joints, or those of another skeleton.
    """
    if not {"joints3d", "joints2d"} & set(store.names):
        raise InputError(
            f"{store.meta.path} has neither joints3d nor joints2d, so there is nothing to compare estimates with"
        )
    joints2d = _floats(store, "joints2d", ids, (_JOINTS, 2))
    if "labelled" in store.names:
        joints2d = np.where(read_column(store, "labelled", ids)[..., None], joints2d, np.nan)
    return Truth(
        _floats(store, "joints3d", ids, (_JOINTS, 3)),
        joints2d,
        _floats(store, "K", ids, (3, 3)),
        _floats(store, "head_size", ids, ()),
        _names(store, "action", "actions", ids),
        _names(store, "subject", "subjects", ids),
    )


def read_column(store: Store, name: str, ids: NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Read some rows, of rising ids, of an unsharded array, one chunk in memory at a time."""
    spec = store.meta.schema.array(name)
    out = np.empty((len(ids), *spec.inner_shape), dtype=spec.numpy_dtype)
    for shard in np.unique(ids // store.meta.schema.shard_size).tolist():
        start, stop = store.meta.bounds(shard)
        low, high = np.searchsorted(ids, (start, stop))
        out[low:high] = store.read_label(name, start, stop)[ids[low:high] - start]
    return out


def _floats(
    store: Store, name: str, ids: NDArray[np.integer[Any]], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    if name not in store.names:
        return np.full((len(ids), *shape), np.nan)
    found = store.meta.schema.array(name).inner_shape
    if found != shape:
        raise InputError(
            f"{store.meta.path}: {name} is {found} a sample, expected {shape} ({H36M17.name} has {_JOINTS} joints)"
        )
    return read_column(store, name, ids).astype(np.float64)


def _names(store: Store, name: str, table: str, ids: NDArray[np.integer[Any]]) -> NDArray[np.str_]:
    """Names of the rows of a table that an array of the store points at."""
    if name not in store.names or table not in store.meta.tables:
        return np.full(len(ids), "", dtype=np.str_)
    rows = read_column(store, name, ids)
    # a row of -1 is nobody's
    return np.array([*store.table(table), ""], dtype=np.str_)[rows]
