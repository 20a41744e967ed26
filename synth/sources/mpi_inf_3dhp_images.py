"""MPI-INF-3DHP's frames, extracted from its videos into images, with their 2D and 3D joints.

An image's path tells sequence, camera and frame (counted from 1): ``S1/Seq1/imageFrames/video_0/frame_000001.jpg``,
with any or no folder in the place of `imageFrames`; ``TS1/imageSequence/img_000001.jpg`` as published. Any share of
the frames may be there.

The test set's 3D joints are `univ_annot3`, the skeleton scaled to one size for all, on which the publisher's
measures are taken; frames that don't count (`valid_frame`) are left out. Intrinsics are those that project a
sequence's own 3D joints to its 2D joints; where none does within `LARGEST_MISS` pixels, they count as unknown.
Pixels are taken as published.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.sources.files import list_files
from synth.sources.images import IMAGE_SUFFIXES, Annotations
from synth.sources.mpi_inf_3dhp import (
    JOINTS17,
    JOINTS28,
    SOURCE,
    camera_points,
    read_testing_arrays,
    sequence_of,
    subject_name,
    testing_members,
    testing_subject_of,
    training_members,
)
from synth.sources.recordings import Frames, read_recordings
from synth.sources.records import Rejection

TEST_SOURCE = "mpi-inf-3dhp-test"

Images = Mapping[tuple[str, ...], Mapping[int, str]]
"""Images by frame (from 0) of each test subject, or each training subject, sequence and camera."""

LARGEST_MISS = 2.0
"""Root mean square error in pixels beyond which no pinhole camera made the 2D joints."""

ACTIVITIES = ("Standing", "Exercising", "Sitting", "Crouching", "On the floor", "Sports", "Miscellaneous")
"""The test set's activities, 1 to 7."""

_IMAGE = re.compile(r"(?:^|/)(S\d+)/(Seq\d+)/(?:.*/)?video_(\d+)/[^/]*?(\d+)\.\w+$")
_TEST_IMAGE = re.compile(r"(?:^|/)(TS\d+)/imageSequence/[^/]*?(\d+)\.\w+$")


def read_training(root: Path) -> tuple[Annotations, list[Rejection]]:
    """Annotations of the training sequences' extracted frames.

    Raises
    ------
    InputError
        If there are no training sequences, or no frame has a path that is understood.
    """
    images = _grouped(list_files(root, *IMAGE_SUFFIXES), _IMAGE)
    members = _required(training_members(root), images, root, "S1/Seq1/annot.mat, imageFrames/video_0/")
    return read_recordings(SOURCE, JOINTS28, members, partial(_training_frames, root, images))


def read_test(root: Path) -> tuple[Annotations, list[Rejection]]:
    """Annotations of the test sequences' frames that count.

    Raises
    ------
    InputError
        If there are no test sequences, or no frame has a path that is understood.
    """
    images = _grouped(list_files(root, *IMAGE_SUFFIXES), _TEST_IMAGE)
    members = _required(testing_members(root), images, root, "TS1/annot_data.mat, imageSequence/")
    return read_recordings(TEST_SOURCE, JOINTS17, members, partial(_test_frames, root, images))


def fit_intrinsics(
    points: NDArray[np.floating], pixels: NDArray[np.floating]
) -> tuple[NDArray[np.float64], float]:
    """Find the pinhole camera that projects points to pixels.

    Parameters
    ----------
    points : (N, 3) float
        In the camera's frame, in any unit.
    pixels : (N, 2) float
        Where they are seen.

    Returns
    -------
    K : (3, 3) float64
        Focal lengths and principal point of the least squares; no skew.
    miss : float
        Root mean square distance of the projections, pixels.
    """
    K = np.eye(3)
    missed = 0.0
    for axis in range(2):
        known = np.stack([points[:, axis] / points[:, 2], np.ones(len(points))], axis=1)
        (K[axis, axis], K[axis, 2]), *_ = np.linalg.lstsq(known, pixels[:, axis], rcond=None)
        missed += float(((known @ K[axis, [axis, 2]] - pixels[:, axis]) ** 2).mean())
    return K, float(np.sqrt(missed))


def _training_frames(root: Path, images: Images, member: str) -> tuple[list[Frames], list[Rejection]]:
    subject, sequence = sequence_of(member)
    pixels = dict(camera_points(root, member, "annot2", 2))
    parts, rejections = [], []
    for camera, points in camera_points(root, member, "annot3", 3):
        mine = images.get((subject, sequence, str(camera)), {})
        if mine:
            many = {"subject": subject_name(subject), "action": sequence}
            item = f"{subject}/{sequence}/video_{camera}"
            part, left_out = _seen(SOURCE, item, mine, points, pixels[camera], **many)
            parts.append(part)
            rejections += left_out
    return parts, rejections


def _test_frames(root: Path, images: Images, member: str) -> tuple[list[Frames], list[Rejection]]:
    subject = testing_subject_of(member)
    arrays = read_testing_arrays(root, member)
    valid = arrays["valid_frame"].reshape(-1) > 0
    mine = images.get((subject,), {})
    counting = {frame: name for frame, name in mine.items() if not frame < len(valid) or valid[frame]}
    unused = len(mine) - len(counting)
    rejections = []
    if unused:
        item = f"{unused} frames of {subject}"
        rejections.append(Rejection(TEST_SOURCE, item, "frame doesn't count", "valid_frame is 0", unused))
    if not counting:
        return [], rejections
    activities = arrays["activity_annotation"].reshape(-1).astype(int)
    points, pixels = (arrays[name].reshape(len(valid), 17, -1) for name in ("univ_annot3", "annot2"))
    named = [ACTIVITIES[number - 1] if 1 <= number <= len(ACTIVITIES) else "" for number in activities]
    person = subject_name(subject)
    part, late = _seen(TEST_SOURCE, subject, counting, points, pixels, subject=person, action=named)
    return [part], rejections + late


def _seen(
    source: str,
    item: str,
    images: Mapping[int, str],
    points: NDArray[np.float64],
    pixels: NDArray[np.float64],
    subject: str,
    action: str | list[str],
) -> tuple[Frames, list[Rejection]]:
    """Frames of one camera that are there, with its intrinsics; points in millimetres."""
    frame = np.array(sorted(number for number in images if 0 <= number < len(points)), dtype=np.int64)
    rejections = []
    if late := len(images) - len(frame):
        detail = f"{len(points)} poses"
        rejections.append(Rejection(source, f"{late} frames of {item}", "frame without a pose", detail, late))
    K, miss = fit_intrinsics(points.reshape(-1, 3), pixels.reshape(-1, 2))
    if not miss <= LARGEST_MISS:
        K = np.full((3, 3), np.nan)
        detail = f"the best camera misses the 2D joints by {miss:.1f} px"
        rejections.append(Rejection(source, item, "intrinsics unknown", detail))
    doing = action if isinstance(action, str) else [action[number] for number in frame]
    names = [images[number] for number in frame.tolist()]
    return Frames(names, frame, pixels[frame], points[frame] / 1000.0, K, subject, doing), rejections


def _grouped(names: Iterable[str], pattern: re.Pattern[str]) -> Images:
    """Images by frame (from 0) of each group that the pattern tells; its last group is the frame from 1."""
    groups: dict[tuple[str, ...], dict[int, str]] = defaultdict(dict)
    for name in names:
        if found := pattern.search(name):
            *key, number = found.groups()
            groups[tuple(key)][int(number) - 1] = name
    return dict(groups)


def _required(members: tuple[str, ...], images: object, root: Path, layout: str) -> tuple[str, ...]:
    if not members or not images:
        lacking = "extracted frames" if members else "annotations"
        raise InputError(f"{root} holds no {lacking} of MPI-INF-3DHP; expected {layout}")
    return members
