"""Lifted people: the record, its file, how far to trust it, and the same as motion clips of one frame."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from synth.cache import atomic_write
from synth.cameras import BODY13_OF_H36M17, pixels_per_standard_metre
from synth.errors import InputError
from synth.lifting.corrections import Corrections, apply_corrections
from synth.lifting.limbs import LIMB_NAMES, LIMBS, flip_chances, limb_depths
from synth.plausibility import PlausibilityLimits, implausible
from synth.skeletons import H36M17
from synth.sources.records import MotionClip, Rejection

LIFT_VERSION = 1
"""Raised whenever the same annotations, dictionary and options would give other poses."""

PSEUDO = "pseudo:"
"""What the names of motion sources made of lifted people begin with: ``"pseudo:lspet"``."""

CONFIDENCE_METRES = 0.1
"""Expected error at which the confidence has fallen to 1/e."""

LEAST_CONFIDENCE = 0.2
"""Confidence below which a person is no source of motion, if nothing else is asked for: 0.16 m of expected error."""

_ANNOTATED = 13
_MOVED = np.array([len(limb.inner) + 1 + len(limb.carried) for limb in LIMBS])


@dataclass(frozen=True)
class LiftedPoses:
    """3D poses of N people.

    Parameters
    ----------
    joints : (N, 17, 3) float32
        Joints of `H36M17` in metres at standard size: x right, y down, z into the picture; the torso centre is
        the origin.
    labelled : (N, 17) bool
        Joints that were annotated.
    scales : (N,) float32
        Pixels of the photograph per metre.
    origins : (N, 2) float32
        Pixel of the torso centre: ``pixel = origin + scale * joints[:2]``, exact for labelled joints.
    residuals : (N,) float32
        Root mean square over the labelled joints of the distance between the model's joint and the annotated
        one, metres.
    flip_costs : (N, L) float32
        What turning each limb of `LIMBS` over costs; see `limbs.flip_costs`.
    """

    joints: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    scales: NDArray[np.float32]
    origins: NDArray[np.float32]
    residuals: NDArray[np.float32]
    flip_costs: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.joints)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> LiftedPoses:
        """Pick some of the poses."""
        return LiftedPoses(*(getattr(self, item.name)[rows] for item in fields(self)))


@dataclass(frozen=True)
class LiftedPeople:
    """Lifted people of one image source.

    Parameters
    ----------
    source : str
        Name of the image source.
    images : tuple of str
        Image of each person.
    person : (N,) int32
        Number of the person in that image.
    poses : LiftedPoses
        In the same order.
    dictionary : str
        Content hash of the dictionary.
    """

    source: str
    images: tuple[str, ...]
    person: NDArray[np.int32]
    poses: LiftedPoses
    dictionary: str

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything in the record, hexadecimal."""
        digest = hashlib.sha256(f"{LIFT_VERSION} {self.source} {self.dictionary}\n".encode())
        digest.update("\n".join(self.images).encode())
        for array in (self.person, *(getattr(self.poses, item.name) for item in fields(self.poses))):
            digest.update(f"{array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def join_people(parts: Sequence[LiftedPeople]) -> LiftedPeople:
    """Put parts of one source together, in their order."""
    poses = LiftedPoses(
        *(np.concatenate([getattr(part.poses, item.name) for part in parts]) for item in fields(LiftedPoses))
    )
    images = tuple(image for part in parts for image in part.images)
    person = np.concatenate([part.person for part in parts])
    return LiftedPeople(parts[0].source, images, person, poses, parts[0].dictionary)


def confidences(poses: LiftedPoses, confirmed: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Confidence of lifted poses in (0, 1].

    The share of labelled joints among those that people annotate (13) times ``exp(-error / 0.1 m)``. The error
    expected is the residual plus the mean over the joints of how far they would move if a limb were the other
    way, weighted with the chance that it is (`flip_chances`).

    Parameters
    ----------
    poses : LiftedPoses
    confirmed : (N, L) bool, optional
        Limbs whose direction a person has confirmed or corrected: their chance is 0.

    Returns
    -------
    (N,) float64
    """
    chance = flip_chances(poses.flip_costs)
    if confirmed is not None:
        chance = np.where(confirmed, 0.0, chance)
    moves = chance * 2.0 * np.abs(limb_depths(poses.joints)) * _MOVED / len(H36M17)
    error = poses.residuals + moves.sum(axis=1)
    share = np.minimum(poses.labelled.sum(axis=1) / _ANNOTATED, 1.0)
    confidence: NDArray[np.float64] = share * np.exp(-error / CONFIDENCE_METRES)
    return confidence


def motion_clips(
    people: LiftedPeople,
    corrections: Corrections | None = None,
    least_confidence: float = 0.0,
    limits: PlausibilityLimits | None = None,
) -> Iterator[MotionClip | Rejection]:
    """Lifted people as motion of one frame, for a pose library.

    The camera is taken for level: up in the picture is up in the world. The person's lowest joint stands on
    y = 0, and who faces the camera looks along +z. Every photograph is a subject of its own.

    Parameters
    ----------
    people : LiftedPeople
    corrections : Corrections, optional
        Of the same source.
    least_confidence : float
        People with less are left out.
    limits : PlausibilityLimits, optional
        People whose annotation breaks one are left out, as they are of an image pool.

    Yields
    ------
    MotionClip or Rejection
        In the people's order; source ``"pseudo:NAME"``, subject the image, name ``"IMAGE person K"``.

    Raises
    ------
    InputError
        If the corrections are another source's, or speak of nobody here.
    """
    joints, confidence = corrected_people(people, corrections)
    source = f"{PSEUDO}{people.source}"
    world = joints * np.array([1.0, -1.0, -1.0])
    world[..., 1] -= world[..., 1].min(axis=1, keepdims=True)
    broken = [""] * len(people.images) if limits is None else broken_limits(people.poses, limits)
    for row, (image, person) in enumerate(zip(people.images, people.person.tolist(), strict=True)):
        name = f"{image} person {person}"
        if broken[row]:
            yield Rejection(source, name, "implausible annotation", broken[row])
        elif confidence[row] < least_confidence:
            yield Rejection(source, name, "low confidence", f"{confidence[row]:.2f} < {least_confidence:g}")
        else:
            yield MotionClip(source, image, name, 1.0, world[row : row + 1].astype(np.float32))


def broken_limits(poses: LiftedPoses, limits: PlausibilityLimits) -> list[str]:
    """Name the limits that each person's annotation breaks, joined with commas; empty where it breaks none."""
    joints = poses.joints[:, BODY13_OF_H36M17, :2]
    labelled = poses.labelled[:, BODY13_OF_H36M17]
    # the lifted pose's scale is that of its 3D limbs: measured anew as for the pool
    scale = pixels_per_standard_metre(joints, labelled)
    metres = joints / np.where(scale > 0, scale, np.nan)[:, None, None]
    wrong = implausible(metres, labelled, limits)
    return [", ".join(reason for reason, of in wrong.items() if of[row]) for row in range(len(poses))]


def corrected_people(
    people: LiftedPeople, corrections: Corrections | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Poses after a person's corrections, and how far to trust them.

    Returns
    -------
    joints : (N, 17, 3) float64
        As `LiftedPoses.joints`; the torso centre may have left z = 0.
    confidence : (N,) float64
        See `confidences`.

    Raises
    ------
    InputError
        If the corrections are another source's, or speak of nobody here.
    """
    if corrections is None:
        return people.poses.joints.astype(np.float64), confidences(people.poses)
    if corrections.source != people.source:
        raise InputError(
            f"the corrections are for {corrections.source}, the lifted people are of {people.source}"
        )
    whose = zip(people.images, people.person.tolist(), strict=True)
    joints, confirmed = apply_corrections(people.poses.joints, whose, corrections)
    return joints, confidences(people.poses, confirmed)


def save_people(people: LiftedPeople, path: Path) -> None:
    """Write lifted people as ``.npz`` (beside its place, then renamed)."""
    poses = {item.name: getattr(people.poses, item.name) for item in fields(people.poses)}
    with atomic_write(path) as file:
        np.savez(
            file,
            allow_pickle=False,
            version=np.array(LIFT_VERSION),
            source=np.array(people.source),
            images=np.array(people.images, dtype=np.str_),
            person=people.person,
            dictionary=np.array(people.dictionary),
            joint_names=np.array(H36M17.joints),
            limb_names=np.array(LIMB_NAMES),
            **poses,
        )


def load_people(path: Path) -> LiftedPeople:
    """Read a file written by `save_people`.

    Raises
    ------
    InputError
        If the file cannot be read or is of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            version, source = int(archive["version"]), str(archive["source"])
            names = tuple(archive["joint_names"].tolist()), tuple(archive["limb_names"].tolist())
            poses = LiftedPoses(*(archive[item.name] for item in fields(LiftedPoses)))
            images, person = tuple(archive["images"].tolist()), archive["person"]
            dictionary = str(archive["dictionary"])
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        raise InputError(f"{path}: cannot read lifted people ({error}); lift them anew") from error
    if version != LIFT_VERSION or names != (H36M17.joints, LIMB_NAMES):
        raise InputError(
            f"{path} holds lifted people of version {version}, expected {LIFT_VERSION}; lift them anew"
        )
    return LiftedPeople(source, images, person, poses, dictionary)
