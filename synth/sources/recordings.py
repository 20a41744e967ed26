"""Frames of filmed recordings with 3D joints: parts that readers hand in, joined to annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import Skeleton
from synth.sources.images import Annotations
from synth.sources.records import DamagedItemError, Known, Rejection, join_known


@dataclass(frozen=True)
class Frames:
    """Some frames of one recording, filmed by one camera; one person in each.

    Parameters
    ----------
    images : sequence of str
        Member of the source's folder for each of the F frames.
    frame : (F,) int
        Frame of the recording, from 0.
    joints : (F, J, 2) float
        Pixels of the photograph.
    joints3d : (F, J, 3) float
        Metres, in the camera's frame.
    K : (3, 3) float64
        Intrinsics; NaN where not known.
    subject : str
        Who was recorded.
    action : str or sequence of str
        What they do, in all frames or in each.
    """

    images: Sequence[str]
    frame: NDArray[np.integer]
    joints: NDArray[np.floating]
    joints3d: NDArray[np.floating]
    K: NDArray[np.float64]
    subject: str
    action: str | Sequence[str]


def read_recordings(
    source: str,
    skeleton: Skeleton,
    recordings: Iterable[str],
    read: Callable[[str], tuple[list[Frames], list[Rejection]]],
) -> tuple[Annotations, list[Rejection]]:
    """Annotations of all frames of some recordings; one that is damaged is left out.

    Parameters
    ----------
    source, skeleton : str, Skeleton
        As in `join_frames`.
    recordings : iterable of str
        Their names.
    read : callable
        Gives the frames of one, and what is wrong with it.
    """
    parts: list[Frames] = []
    rejections: list[Rejection] = []
    for name in recordings:
        try:
            frames, left_out = read(name)
        except DamagedItemError as error:
            rejections.append(Rejection(source, name, error.reason, error.detail))
            continue
        parts += frames
        rejections += left_out
    return join_frames(source, skeleton, parts), rejections


def join_frames(source: str, skeleton: Skeleton, parts: Sequence[Frames]) -> Annotations:
    """Annotations of all frames; every joint that is a finite number counts as labelled.

    Parameters
    ----------
    source : str
        Name of the source.
    skeleton : Skeleton
        The J joints.
    parts : sequence of Frames
        May be empty.
    """
    images = [name for part in parts for name in part.images]
    none = np.zeros((0, len(skeleton), 2))
    joints = np.concatenate([none, *(np.asarray(part.joints, np.float64) for part in parts)])
    labelled = np.asarray(np.isfinite(joints).all(axis=-1))
    return Annotations(
        source,
        skeleton,
        images,
        np.zeros(len(images), np.int32),
        joints,
        labelled,
        np.zeros_like(labelled),
        join_known([_known(part) for part in parts]) if parts else Known(),
        members=True,
    )


def _known(part: Frames) -> Known:
    count = len(part.images)
    return Known(
        joints3d=np.asarray(part.joints3d, np.float32),
        K=np.tile(np.asarray(part.K, np.float64), (count, 1, 1)),
        subject=np.full(count, part.subject),
        action=np.full(count, part.action)
        if isinstance(part.action, str)
        else np.array(part.action, np.str_),
        frame=np.asarray(part.frame, np.int32),
    )
