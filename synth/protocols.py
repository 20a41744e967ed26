"""Who is trained on and who is tested on: the protocols of the data sets, else the photographs' own splits.

Human3.6M's protocols, over all four cameras:

==========  ======================  ===================================
name        train                   test
==========  ======================  ===================================
`h36m-p1`   S1 S5 S6 S7 S8 S9       every 64th frame of S11
`h36m-p2`   S1 S5 S6 S7 S8          S9 S11
`h36m-64`   S1 S5 S6 S7 S8          every 64th frame of S9 and S11
==========  ======================  ===================================

A stride thins the frames of training subjects and, under `h36m-p2`, of test subjects. Frames are counted in the
recording, whichever of them were extracted: with every 5th frame extracted, every 64th means every 320th.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.sources.records import AnnotatedImages
from synth.splits import SPLITS, SplitCycle, hashed_splits

Protocol = Literal["auto", "h36m-p1", "h36m-p2", "h36m-64"]

TRAIN, TEST = SPLITS.index("train"), SPLITS.index("test")

_H36M, _3DHP = "h36m:", "mpi-inf-3dhp:S"
_FIVE = ("S1", "S5", "S6", "S7", "S8")


@dataclass(frozen=True)
class _Rule:
    """Subjects of training and test, and which frames of the test count (0: as of training)."""

    train: tuple[str, ...]
    test: tuple[str, ...]
    every: int = 0


_RULES = {
    "h36m-p1": _Rule((*_FIVE, "S9"), ("S11",), 64),
    "h36m-p2": _Rule(_FIVE, ("S9", "S11")),
    "h36m-64": _Rule(_FIVE, ("S9", "S11"), 64),
}


@dataclass(frozen=True)
class Choice:
    """People that are used, and their splits.

    Parameters
    ----------
    people : (K,) intp
        Rows of the source's people, rising.
    split : (K,) uint8
        Position in `SPLITS`.
    published : bool
        Whom to test on is a publisher's choice: results compare only if everybody is.
    """

    people: NDArray[np.intp]
    split: NDArray[np.uint8]
    published: bool = True

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """People, (K,), who may not be left out."""
        return (self.split == TEST) & self.published


def check_protocol(sources: Sequence[AnnotatedImages], protocol: Protocol) -> None:
    """Make sure that a protocol that is asked for has somebody to apply to; `InputError` otherwise."""
    if protocol != "auto" and not any(_recorded_by(images).startswith(_H36M) for images in sources):
        names = "+".join(images.source for images in sources)
        raise InputError(f"protocol {protocol} is for Human3.6M; {names} has splits of its own")


def choose_people(
    images: AnnotatedImages, protocol: Protocol, stride: int, cycle: SplitCycle, for_testing: bool
) -> Choice:
    """Choose the people of one source, and give each to a split.

    Parameters
    ----------
    images : AnnotatedImages
        P people.
    protocol : str
        For Human3.6M; ``auto`` is `h36m-p2`.
    stride : int
        Every how many frames of a recording are used, from its first.
    cycle : SplitCycle
        Shares of the splits of photographs that belong to no recording: each photograph's split is that which
        the image pool gives it.
    for_testing : bool
        The source is there to be tested on: all of it is, whatever the stride.

    Raises
    ------
    InputError
        If the source is Human3.6M, and nobody in it takes part.
    """
    recorded = _recorded_by(images)
    everybody = np.arange(len(images))
    if for_testing:
        return Choice(everybody, np.full(len(images), TEST, np.uint8))
    if recorded.startswith(_H36M):
        return _by_rule(images, "h36m-p2" if protocol == "auto" else protocol, stride)
    if recorded.startswith(_3DHP):
        chosen = np.flatnonzero(_frames(images) % stride == 0)
        return Choice(chosen, np.full(len(chosen), TRAIN, np.uint8))
    keys = [f"{images.source}/{name}" for name in images.images]
    return Choice(everybody, hashed_splits(keys, cycle)[images.image_of], published=False)


def _by_rule(images: AnnotatedImages, protocol: str, stride: int) -> Choice:
    rule, frames = _RULES[protocol], _frames(images)
    subject = np.asarray(images.known.subject)
    train = np.isin(subject, [_H36M + name for name in rule.train]) & (frames % stride == 0)
    test = np.isin(subject, [_H36M + name for name in rule.test]) & (frames % (rule.every or stride) == 0)
    chosen = np.flatnonzero(train | test)
    if not len(chosen):
        raise InputError(
            f"{images.source} has no frame of protocol {protocol} with a stride of {stride}; it has subjects "
            f"{', '.join(np.unique(subject))}"
        )
    return Choice(chosen, np.where(test[chosen], TEST, TRAIN).astype(np.uint8))


def _recorded_by(images: AnnotatedImages) -> str:
    """Name of a recorded subject of the source; empty for photographs."""
    return "" if images.known.subject is None or not len(images) else str(images.known.subject[0])


def _frames(images: AnnotatedImages) -> NDArray[np.int32]:
    frame = images.known.frame
    return np.zeros(len(images), np.int32) if frame is None else frame
