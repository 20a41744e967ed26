"""What every reader returns: motion clips, annotated images, and what had to be left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError


@dataclass(frozen=True)
class Rejection:
    """One item of a source that was left out (or a joint that was dropped), and why.

    Parameters
    ----------
    source : str
        Name of the source, e.g. ``"cmu"``.
    item : str
        What was left out: a file, an image, ``"im00012.jpg person 0 joint left_knee"``.
    reason : str
        Short fixed reason to count by, e.g. ``"truncated file"``.
    detail : str
        What was found, with line numbers or values.
    count : int
        How many items this stands for: more than one where a normal absence (people without
        annotated joints) would fill thousands of entries.
    """

    source: str
    item: str
    reason: str
    detail: str = ""
    count: int = 1


class DamagedItemError(InputError):
    """One item of a source cannot be used; whoever reads the source turns it into a `Rejection`.

    Parameters
    ----------
    reason : str
        Short fixed reason to count by.
    detail : str
        What was found and where (file and line).
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[DamagedItemError], tuple[str, str]]:
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class MotionClip:
    """One recorded motion of one subject.

    Parameters
    ----------
    source, subject, name : str
        Name of the source, the subject within it, and the file within it, e.g. ``"cmu"``, ``"01"``,
        ``"all_asfamc/subjects/01/01_04.amc"``.
    fps : float
        Frames per second.
    joints : (F, 17, 3) float32
        Joints of `H36M17`, metres, right-handed world frame, **y up**. All finite.
    """

    source: str
    subject: str
    name: str
    fps: float
    joints: NDArray[np.float32]


@dataclass(frozen=True)
class AnnotatedImages:
    """The annotated people of one image source; pixels stay on disk until asked for.

    Parameters
    ----------
    source : str
        Name of the source, e.g. ``"lspet"``.
    root : Path
        Folder or archive (``.zip``, ``.tar``, ``.tar.gz``) that holds the images.
    images : tuple of str
        Path of every image that people refer to, relative to `root` (a member name in an archive).
    image_of : (P,) int32
        Image of each person.
    person : (P,) int32
        Number of the person within the publisher's annotation of that image, from 0.
    joints : (P, 17, 2) float32
        x, y of the joints of `H36M17` in pixels of the photograph, pixel centres at integers;
        0 where not labelled.
    labelled : (P, 17) bool
        Whether the annotation gives the joint.
    occluded : (P, 17) bool
        Labelled, yet marked as hidden by the publisher.
    """

    source: str
    root: Path
    images: tuple[str, ...]
    image_of: NDArray[np.int32]
    person: NDArray[np.int32]
    joints: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    occluded: NDArray[np.bool_]
