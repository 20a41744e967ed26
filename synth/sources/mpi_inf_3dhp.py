"""MPI-INF-3DHP: `annot.mat` of the training sequences, `annot_data.mat` (HDF5) of the test set.

Training sequences (``S1/Seq1/annot.mat``) have 28 joints for each of 14 cameras, in millimetres in that camera's
frame: `annot3` to scale. The motion is that of the first camera, brought to the world (y up) by the sequence's
`camera.calibration`. Test sequences (``TS1/annot_data.mat``) have 17 joints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from synth.errors import InputError
from synth.skeletons import H36M17, Skeleton, correspondence
from synth.sources.files import list_files, read_file, seekable, text_of
from synth.sources.records import DamagedItemError

SOURCE = "mpi-inf-3dhp"

FAST = (("S1", "Seq2"), ("S3", "Seq1"), ("S3", "Seq2"), ("S5", "Seq1"), ("S5", "Seq2"))
"""Sequences of 50 frames a second; the others have 25."""

JOINTS28 = Skeleton(
    "mpi-inf-3dhp28",
    (
        *("spine3", "spine4", "spine2", "spine", "pelvis", "thorax", "neck", "head"),
        *("left_clavicle", "left_shoulder", "left_elbow", "left_wrist", "left_hand"),
        *("right_clavicle", "right_shoulder", "right_elbow", "right_wrist", "right_hand"),
        *("left_hip", "left_knee", "left_ankle", "left_foot", "left_toe"),
        *("right_hip", "right_knee", "right_ankle", "right_foot", "right_toe"),
    ),
)
"""Training joints under the names of H36M-17: the publisher's `neck` is the thorax, `head` the neck, `head_top`
the head."""

JOINTS17 = Skeleton(
    "mpi-inf-3dhp17",
    (
        *("head", "thorax", "right_shoulder", "right_elbow", "right_wrist"),
        *("left_shoulder", "left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle"),
        *("left_hip", "left_knee", "left_ankle", "pelvis", "spine", "neck"),
    ),
)
"""Joints of the test set, under the names of H36M-17."""

_SEQUENCE = re.compile(r"(?:^|/)(S\d+)/(Seq\d+)/annot\.mat$")
_TEST = re.compile(r"(?:^|/)(TS\d+)/annot_data\.mat$")


def training_members(root: Path) -> tuple[str, ...]:
    """List the `annot.mat` of all training sequences of a folder."""
    return tuple(name for name in list_files(root, "annot.mat") if _SEQUENCE.search(name))


def testing_members(root: Path) -> tuple[str, ...]:
    """List the `annot_data.mat` of all test sequences of a folder."""
    return tuple(name for name in list_files(root, "annot_data.mat") if _TEST.search(name))


def testing_subject_of(member: str) -> str:
    """Subject of an `annot_data.mat`: ``"TS1"``."""
    found = _TEST.search(member)
    if found is None:
        raise InputError(f"{member} is no annotation of MPI-INF-3DHP's test set; expected TS1/annot_data.mat")
    return found.group(1)


def sequence_of(member: str) -> tuple[str, str]:
    """Subject and sequence of an `annot.mat`: ``("S1", "Seq1")``."""
    found = _SEQUENCE.search(member)
    if found is None:
        raise InputError(f"{member} is no annotation of MPI-INF-3DHP; expected S1/Seq1/annot.mat")
    return found.group(1), found.group(2)


def subject_name(subject: str) -> str:
    """Name of a subject among those of all sources: ``"mpi-inf-3dhp:S1"``."""
    return f"{SOURCE}:{subject}"


def read_sequence(root: Path, member: str) -> tuple[NDArray[np.float64], float]:
    """Motion of one training sequence.

    Parameters
    ----------
    root : Path
        Folder.
    member : str
        The sequence's `annot.mat`.

    Returns
    -------
    joints : (F, 17, 3) float64
        Joints of `H36M17`, metres, in the world, y up.
    fps : float
        Frames per second.

    Raises
    ------
    DamagedItemError
        If annotations or calibration are missing or cannot be read.
    """
    camera, points = next(camera_points(root, member, "annot3", 3))
    extrinsic = _extrinsics(root, member.rpartition("/")[0] + "/camera.calibration").get(camera)
    if extrinsic is None:
        raise DamagedItemError("no calibration of the camera", f"{root / member}: camera {camera}")
    world = (points - extrinsic[:3, 3]) @ extrinsic[:3, :3]
    ours, target = correspondence(JOINTS28, H36M17)
    joints = np.empty((len(world), len(H36M17), 3))
    joints[:, target] = world[:, ours] / 1000.0
    return joints, 50.0 if sequence_of(member) in FAST else 25.0


def camera_points(root: Path, member: str, name: str, axes: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Read an array of `annot.mat`: each camera's number, and its joints in all frames.

    Parameters
    ----------
    root, member : Path, str
        The `annot.mat`.
    name : {"annot2", "annot3"}
        Array: pixels, or millimetres in the camera's frame.
    axes : int
        2 or 3.

    Yields
    ------
    int, (F, 28, axes) float64

    Raises
    ------
    DamagedItemError
        If it cannot be read.
    """
    try:
        with seekable(root, member) as stream:
            cells = scipy.io.loadmat(stream, variable_names=[name])[name].reshape(-1)
        points = [np.asarray(cell, np.float64).reshape(-1, len(JOINTS28), axes) for cell in cells]
    except Exception as error:  # scipy raises whatever a damaged file leads it to
        raise DamagedItemError("undecodable annotations", f"{root / member}, {name}: {error!r}") from error
    if not points or not len(points[0]):
        raise DamagedItemError("undecodable annotations", f"{root / member}: {name} is empty")
    yield from enumerate(points)


def read_testing_arrays(root: Path, member: str) -> dict[str, NDArray[np.float64]]:
    """Read what is used of an `annot_data.mat`, by name, as its HDF5 arrays lie: frames first.

    Raises
    ------
    DamagedItemError
        If it cannot be read.
    """
    names = ("valid_frame", "annot2", "univ_annot3", "activity_annotation")
    try:
        with seekable(root, member) as stream, h5py.File(stream, "r") as file:
            return {name: np.asarray(file[name][:], np.float64) for name in names}
    except Exception as error:  # so does h5py
        raise DamagedItemError("undecodable annotations", f"{root / member}: {error!r}") from error


def _extrinsics(root: Path, member: str) -> dict[int, NDArray[np.float64]]:
    """Read the transforms (4, 4) from the world to each camera, millimetres, of a `camera.calibration`."""
    found: dict[int, NDArray[np.float64]] = {}
    camera = -1
    for line in text_of(read_file(root, member)).splitlines():
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "name":
                camera = int(rest)
            elif word == "extrinsic":
                found[camera] = np.array([float(number) for number in rest.split()]).reshape(4, 4)
        except ValueError as error:
            raise DamagedItemError("undecodable calibration", f"{root / member}: {line.strip()!r}") from error
    return found
