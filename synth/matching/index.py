"""The match index of a pool: a search tree for each of the 28 directed limbs, in a few mapped arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.matching.limbs import LIMBS, Alignment, limb_frame
from synth.matching.tree import LimbTree, build_tree

INDEX_VERSION = 2
"""Raised whenever the layout changes, so that an older index in a cache is built anew."""


@dataclass(frozen=True)
class MatchIndex:
    """The trees of all limbs, one after the other in shared arrays, and the poses they were made of.

    Parameters
    ----------
    alignment : {"rigid", "similarity"}
        Alignment the trees were made for.
    joints, labelled : (E, 13, 2) float32, (E, 13) bool
        The pool's poses, pixels; ids of matches are rows of these.
    quanta : (28,) float64
        `LimbTree.quantum` of each limb.
    leaves, ids, leaf_masks, leaf_uniform, nodes, node_masks, node_uniform
        As in `LimbTree`, concatenated over limbs.
    leaf_start, node_start : (29,) int64
        First leaf and first node of each limb.
    level_start : (28, H) int32
        `LimbTree.level_start` of each limb, -1 where it has fewer levels.
    """

    alignment: Alignment
    joints: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    quanta: NDArray[np.float64]
    leaves: NDArray[np.int16]
    ids: NDArray[np.int32]
    leaf_masks: NDArray[np.int16]
    leaf_uniform: NDArray[np.bool_]
    nodes: NDArray[np.int16]
    node_masks: NDArray[np.int16]
    node_uniform: NDArray[np.bool_]
    leaf_start: NDArray[np.int64]
    node_start: NDArray[np.int64]
    level_start: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.joints)

    def tree(self, limb: int) -> tuple[NDArray[np.generic], ...]:
        """Arrays of one limb's tree, in the order of `LimbTree`; leaves and nodes flat."""
        leaf = slice(self.leaf_start[limb], self.leaf_start[limb + 1])
        node = slice(self.node_start[limb], self.node_start[limb + 1])
        levels = self.level_start[limb]
        return (
            self.leaves[leaf].reshape(-1),
            self.ids[leaf],
            self.leaf_masks[leaf],
            self.leaf_uniform[leaf],
            self.nodes[node].reshape(-1),
            self.node_masks[node],
            self.node_uniform[node],
            levels[levels >= 0],
        )


def build_index(
    joints: NDArray[np.float32], labelled: NDArray[np.bool_], alignment: Alignment = "rigid"
) -> MatchIndex:
    """Build the trees of all 28 limbs.

    Parameters
    ----------
    joints : (E, 13, 2) float32
        2D poses of the pool, pixels at 100 px per standard metre.
    labelled : (E, 13) bool
        Labelled joints.
    alignment : {"rigid", "similarity"}
        How poses are aligned (Eq. 2).

    Returns
    -------
    MatchIndex
        About 2.5 kB for each pose.
    """
    trees = [build_tree(*limb_frame(joints, labelled, int(j), int(i), alignment)[:2]) for j, i in LIMBS]
    height = max(len(tree.level_start) for tree in trees)
    level_start = np.full((len(trees), height), -1, np.int32)
    for row, tree in zip(level_start, trees, strict=True):
        row[: len(tree.level_start)] = tree.level_start
    shared = {
        field.name: np.concatenate([getattr(tree, field.name) for tree in trees])
        for field in fields(LimbTree)
        if field.name not in ("quantum", "level_start")
    }
    starts = [np.cumsum([0] + [len(getattr(tree, name)) for tree in trees]) for name in ("leaves", "nodes")]
    return MatchIndex(
        alignment=alignment,
        joints=np.ascontiguousarray(joints, dtype=np.float32),
        labelled=np.ascontiguousarray(labelled, dtype=np.bool_),
        quanta=np.array([tree.quantum for tree in trees]),
        leaf_start=starts[0],
        node_start=starts[1],
        level_start=level_start,
        **shared,
    )


def save_index(index: MatchIndex, folder: Path) -> None:
    """Write the index into a folder, one `.npy` for each array and `index.json` last."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(MatchIndex):
        if field.name != "alignment":
            np.save(folder / f"{field.name}.npy", getattr(index, field.name))
    (folder / "index.json").write_text(json.dumps({"version": INDEX_VERSION, "alignment": index.alignment}))


def load_index(folder: Path) -> MatchIndex:
    """Open a saved index; its arrays stay memory-mapped, so that workers of one machine share them."""
    description = json.loads((folder / "index.json").read_text())
    if description["version"] != INDEX_VERSION:
        raise ValueError(f"{folder}: index version {description['version']}, expected {INDEX_VERSION}")
    arrays = {
        # As plain arrays, for which the kernels are compiled already.
        field.name: np.asarray(np.load(folder / f"{field.name}.npy", mmap_mode="r"))
        for field in fields(MatchIndex)
        if field.name != "alignment"
    }
    return MatchIndex(alignment=description["alignment"], **arrays)
