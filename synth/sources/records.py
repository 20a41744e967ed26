"""What every reader returns: motion clips, annotated images, and what had to be left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
class Known:
    """What only some publishers tell of P people in photographs; None where one doesn't.

    Parameters
    ----------
    joints3d : (P, 17, 3) float32, optional
        Joints of `H36M17` in the frame of the photograph's camera (x right, y down, z forward), metres; NaN
        where not known.
    K : (P, 3, 3) float64, optional
        Intrinsics of the photograph: pixel = K X / z, but for the lens's distortion; NaN where not known.
    subject, action : (P,) str, optional
        Who is seen, and doing what; empty where not known.
    frame : (P,) int32, optional
        Frame of the recording, from 0.
    head_size : (P,) float32, optional
        MPII's head size: 0.6 of the diagonal of the head's box, pixels of the photograph; NaN where not known.
    """

    joints3d: NDArray[np.float32] | None = None
    K: NDArray[np.float64] | None = None
    subject: NDArray[np.str_] | None = None
    action: NDArray[np.str_] | None = None
    frame: NDArray[np.int32] | None = None
    head_size: NDArray[np.float32] | None = None

    def take(self, people: NDArray[np.intp]) -> Known:
        """Take what is known of some of the people."""
        there = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return Known(**{name: array[people] for name, array in there.items() if array is not None})


def join_known(parts: Sequence[Known]) -> Known:
    """Join what is known of several groups of people, each of which has the same fields; at least one group."""
    names = [field.name for field in dataclasses.fields(Known) if getattr(parts[0], field.name) is not None]
    return Known(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


_OF_PEOPLE = ("image_of", "person", "joints", "labelled", "occluded")


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
    known : Known
        What else is known of these people.
    exact : bool
        Whoever made the images knows where the joints are: nothing was annotated by eye.
    """

    source: str
    root: Path
    images: tuple[str, ...]
    image_of: NDArray[np.int32]
    person: NDArray[np.int32]
    joints: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    occluded: NDArray[np.bool_]
    known: Known = dataclasses.field(default_factory=Known)
    exact: bool = False

    def __len__(self) -> int:
        """Count the people, P."""
        return len(self.image_of)

    def take(self, people: NDArray[np.intp]) -> AnnotatedImages:
        """Take some of the people; the images stay as they are."""
        arrays = {name: getattr(self, name)[people] for name in _OF_PEOPLE}
        return dataclasses.replace(self, **arrays, known=self.known.take(people))

    def photographs(self, chosen: NDArray[np.integer[Any]]) -> AnnotatedImages:
        """Take some of the images, without people: what whoever reads pixels needs."""
        nobody = self.take(np.empty(0, dtype=np.intp))
        return dataclasses.replace(nobody, images=tuple(self.images[image] for image in chosen.tolist()))
