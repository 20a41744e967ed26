"""Train, validation and test: whose poses and which photographs a sample may be made of.

A sample's split follows from its id alone, so a store can be extended; subjects and photographs each
belong to exactly one split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError

SPLITS = ("train", "val", "test")
"""Names of the splits; a split is stored as its position here."""

CYCLE_LENGTH = 1000


@dataclass(frozen=True)
class SplitCycle:
    """How sample ids run through the splits: `train` ids, then `val`, then `test`, and again.

    Parameters
    ----------
    train, val, test : int
        Ids of each split in one cycle; 0 leaves a split out.

    Raises
    ------
    InputError
        If a number is negative or all are 0.
    """

    train: int = 800
    val: int = 100
    test: int = 100

    def __post_init__(self) -> None:
        if min(self.sizes) < 0 or self.length == 0:
            raise InputError(f"splits {self.train}:{self.val}:{self.test} need numbers >= 0, not all 0")

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Ids of each split in one cycle."""
        return (self.train, self.val, self.test)

    @property
    def length(self) -> int:
        """Ids in one cycle."""
        return sum(self.sizes)

    @property
    def used(self) -> tuple[int, ...]:
        """Splits with a positive share."""
        return tuple(split for split, size in enumerate(self.sizes) if size > 0)

    def split_of(self, ids: ArrayLike) -> NDArray[np.uint8]:
        """Split of each sample id; the position in `SPLITS`, of the ids' shape."""
        place = np.asarray(ids, dtype=np.int64) % self.length
        return np.searchsorted(np.cumsum(self.sizes), place, side="right").astype(np.uint8)

    def ordinal(self, ids: ArrayLike) -> NDArray[np.int64]:
        """How many smaller ids belong to the same split, of the ids' shape."""
        cycle, place = np.divmod(np.asarray(ids, dtype=np.int64), self.length)
        split = self.split_of(ids)
        sizes = np.array(self.sizes)
        return cycle * sizes[split] + place - (np.cumsum(sizes) - sizes)[split]

    def counts(self, n: int) -> tuple[int, int, int]:
        """Count the samples of each split among the ids 0...n-1."""
        cycles, rest = divmod(n, self.length)
        first = np.cumsum(self.sizes) - self.sizes
        train, val, test = (
            cycles * size + min(max(rest - int(start), 0), size)
            for size, start in zip(self.sizes, first, strict=True)
        )
        return (train, val, test)


def parse_splits(text: str) -> SplitCycle:
    """Cycle of 1,000 ids from shares written ``TRAIN:VAL:TEST``, such as ``8:1:1``.

    Parameters
    ----------
    text : str
        Three whole numbers of 0 or more, at most 1,000 together; they are scaled up to 1,000 ids, rounded
        so that no positive share is lost.

    Returns
    -------
    SplitCycle

    Raises
    ------
    InputError
        If the text has another form, all shares are 0, or they add up to more than 1,000.
    """
    parts = text.split(":")
    if len(parts) != 3 or not all(part.strip().isdecimal() for part in parts):
        raise InputError(f"splits {text!r} should be TRAIN:VAL:TEST in whole numbers, such as 8:1:1 or 1:0:0")
    shares = np.array([int(part) for part in parts])
    total = int(shares.sum())
    if not 0 < total <= CYCLE_LENGTH:
        raise InputError(f"splits {text!r} add up to {total}; they should add up to 1 to {CYCLE_LENGTH}")
    # rounding the cumulated shares keeps the sum; each share >= 1 / 1000 keeps at least one id
    edges = np.concatenate([[0], np.cumsum(shares)]) * CYCLE_LENGTH // total
    train, val, test = np.diff(edges).tolist()
    return SplitCycle(train, val, test)


def assign_subjects(names: Sequence[str], poses: Sequence[int], cycle: SplitCycle) -> NDArray[np.uint8]:
    """Give every subject of the motion capture to one split, by pose count as near the shares as greedy gets.

    The subject with most poses goes first (ties by name), each to the split that lacks most poses; the last
    subjects go to splits that are still empty.

    Parameters
    ----------
    names : sequence of str
        Subjects, all different.
    poses : sequence of int
        Poses of each subject.
    cycle : SplitCycle
        The shares.

    Returns
    -------
    (S,) uint8
        Split of each subject, in the order given.

    Raises
    ------
    InputError
        If there are fewer subjects than splits with a positive share.
    """
    _require_enough(len(names), "subject", cycle)
    total = sum(poses)
    lack = {split: total * cycle.sizes[split] / cycle.length for split in cycle.used}
    empty = set(cycle.used)
    splits = np.zeros(len(names), dtype=np.uint8)
    order = sorted(range(len(names)), key=lambda s: (-poses[s], names[s]))
    for done, subject in enumerate(order):
        must_fill = len(order) - done <= len(empty)
        split = max(sorted(empty) if must_fill else cycle.used, key=lambda s: lack[s])
        splits[subject] = split
        lack[split] -= poses[subject]
        empty.discard(split)
    return splits


def assign_photographs(keys: Sequence[str], cycle: SplitCycle) -> NDArray[np.uint8]:
    """Give every photograph to one split by a hash of its name.

    A photograph's split depends on its own key alone, whatever else is in the pool. Only where a split
    would stay empty, as in a very small pool, it receives the photograph whose hash is nearest to it from
    the split that has most.

    Parameters
    ----------
    keys : sequence of str
        ``"source/image"`` of each photograph; equal keys get equal splits.
    cycle : SplitCycle
        The shares.

    Returns
    -------
    (I,) uint8
        Split of each photograph.

    Raises
    ------
    InputError
        If there are fewer photographs than splits with a positive share.
    """
    distinct, inverse = np.unique(np.asarray(keys, dtype=np.str_), return_inverse=True)
    _require_enough(len(distinct), "photograph", cycle)
    place = _places(distinct.tolist(), cycle)
    splits = _splits_at(place, cycle)
    edges = np.cumsum(cycle.sizes)
    for split in cycle.used:
        if not (splits == split).any():
            giver = np.argmax(np.bincount(splits, minlength=len(SPLITS)))
            middle = edges[split] - cycle.sizes[split] / 2.0
            away = np.where(splits == giver, np.abs(place - middle), np.inf)
            splits[np.argmin(away)] = split
    return splits[inverse]


def hashed_splits(keys: Sequence[str], cycle: SplitCycle) -> NDArray[np.uint8]:
    """Split of photographs by the hash of their names alone, (I,) uint8; see `assign_photographs`."""
    return _splits_at(_places(keys, cycle), cycle)


def _places(keys: Sequence[str], cycle: SplitCycle) -> NDArray[np.float64]:
    """Place of each key in a cycle, (I,), 0 or more and less than its length."""
    return np.array([_unit_hash(key) for key in keys], dtype=np.float64) * cycle.length


def _splits_at(places: NDArray[np.float64], cycle: SplitCycle) -> NDArray[np.uint8]:
    return np.searchsorted(np.cumsum(cycle.sizes), places, side="right").astype(np.uint8)


def _require_enough(found: int, what: str, cycle: SplitCycle) -> None:
    if found < len(cycle.used):
        raise InputError(
            f"{found} {what}(s) cannot be shared among {len(cycle.used)} splits without overlap; "
            "make a single split with --splits 1:0:0 or add sources"
        )


def _unit_hash(key: str) -> float:
    digest = hashlib.blake2b(key.encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2.0**48
