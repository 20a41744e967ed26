"""The pose library: distinct poses of many subjects, thinned from recorded motion.

Poses stay in their world frame (y up), because virtual cameras are placed about the vertical; they are
aligned to the torso only to be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cache import atomic_write
from synth.cameras import BODY13_OF_H36M17
from synth.errors import InputError
from synth.geometry import torso_centre, torso_frame
from synth.lifting.lifted import PSEUDO
from synth.skeletons import H36M17
from synth.sources.records import MotionClip, Rejection
from synth.thinning import RULES, Rule, thin_poses

DEFAULT_THRESHOLD = {"max": 0.05, "mean": 0.015}
"""Metres under which poses count as the same: the paper's 5 cm and 15 mm (section 4)."""
DEFAULT_RATE_HZ = 4.0
"""Poses taken from each second of motion before thinning."""

_PELVIS = H36M17.index("pelvis")


@dataclass(frozen=True)
class PoseLibrary:
    """Poses that differ from one another, and where each was recorded.

    Parameters
    ----------
    joints : (M, 17, 3) float32
        Joints of `H36M17`, metres, world frame with y up. The pelvis is at x = z = 0; heights are as
        recorded.
    subjects : tuple of str
        ``"source/subject"``, ascending.
    files : tuple of str
        ``"source:file"``, ascending.
    subject_of, file_of : (M,) int32
        Subject and file of each pose.
    frame : (M,) int32
        Frame of the file, from 0.
    fps : (M,) float32
        Frames per second of the file.
    """

    joints: NDArray[np.float32]
    subjects: tuple[str, ...]
    files: tuple[str, ...]
    subject_of: NDArray[np.int32]
    file_of: NDArray[np.int32]
    frame: NDArray[np.int32]
    fps: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.joints)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything in the library, hexadecimal."""
        digest = hashlib.sha256()
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, tuple):
                value = np.frombuffer("\n".join(value).encode(), dtype=np.uint8)
            digest.update(f"{field.name} {value.dtype.str} {value.shape}\n".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        return digest.hexdigest()

    @cached_property
    def source_of_subject(self) -> NDArray[np.str_]:
        """Name of each subject's source, (S,)."""
        return np.array([name.partition("/")[0] for name in self.subjects], dtype=np.str_)

    @cached_property
    def lifted_subjects(self) -> NDArray[np.bool_]:
        """Whether each subject is a photograph whose people were lifted to 3D, (S,); the others were recorded."""
        return np.char.startswith(self.source_of_subject, PSEUDO)

    def poses_per_subject(self) -> NDArray[np.intp]:
        """Count the poses of each subject, (S,)."""
        return np.bincount(self.subject_of, minlength=len(self.subjects))


def save_library(library: PoseLibrary, path: Path) -> None:
    """Write a library as an uncompressed ``.npz`` (beside its place, then renamed)."""
    arrays = {field.name: np.asarray(getattr(library, field.name)) for field in fields(library)}
    with atomic_write(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_library(path: Path) -> PoseLibrary:
    """Read a library written by `save_library`.

    Raises
    ------
    InputError
        If the file cannot be read or is not a pose library.
    """
    names = [field.name for field in fields(PoseLibrary)]
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in names}
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        raise InputError(
            f"{path}: cannot read a pose library ({error}); delete it and make it anew"
        ) from error
    arrays["subjects"] = tuple(arrays["subjects"].tolist())
    arrays["files"] = tuple(arrays["files"].tolist())
    return PoseLibrary(**arrays)


def torso_align(joints: ArrayLike) -> NDArray[np.float64]:
    """Poses in the frame of their torso, for comparison.

    Parameters
    ----------
    joints : (N, 17, 3) float
        Joints of `H36M17`, metres.

    Returns
    -------
    (N, 13, 3) float64
        Joints of `BODY13`: origin at the torso centre, x to the person's left, y up along the spine, z
        forward. NaN where the torso has no extent.
    """
    points = np.asarray(joints, dtype=np.float64)
    body = points[:, BODY13_OF_H36M17] - torso_centre(points)[:, None, :]
    return body @ np.swapaxes(torso_frame(points), -1, -2)


def sampled_frames(count: int, fps: float, rate_hz: float) -> NDArray[np.int32]:
    """Frames of a clip taken at a lower rate.

    Parameters
    ----------
    count : int
        Frames of the clip.
    fps, rate_hz : float
        Frames a second of the clip and wanted.

    Returns
    -------
    (F,) int32
        The frames nearest to k / `rate_hz` seconds, from frame 0: every 30th at 120 and 4 Hz. All of them
        if the clip is not faster than the rate.
    """
    step = max(fps / rate_hz, 1.0)
    frames = np.floor(np.arange(int(count / step) + 1) * step + 0.5).astype(np.int32)
    return frames[frames < count]


class _Candidates(NamedTuple):
    """Sampled poses of one clip: joints (F, 17, 3), aligned (F, 13, 3), frames (F,)."""

    clip: MotionClip
    joints: NDArray[np.float32]
    aligned: NDArray[np.float64]
    frames: NDArray[np.int32]


def build_library(
    clips: Iterable[MotionClip | Rejection],
    rule: Rule = "max",
    threshold: float | None = None,
    rate_hz: float = DEFAULT_RATE_HZ,
) -> tuple[PoseLibrary, list[Rejection]]:
    """Thin recorded motion to a library of distinct poses.

    Clips are sampled at `rate_hz`, put in the order (source, subject, file, frame), names compared as text,
    and thinned greedily (Rogez & Schmid, section 4). The result does not depend on the order of `clips`.

    Parameters
    ----------
    clips : iterable of MotionClip or Rejection
        Read one at a time: only sampled poses are held. Rejections are passed through.
    rule : {"max", "mean"}
        How poses are compared; see `thinning.thin_poses`.
    threshold : float, optional
        Metres under which poses are the same; `DEFAULT_THRESHOLD` of the rule if not given.
    rate_hz : float
        Poses a second before thinning.

    Returns
    -------
    PoseLibrary
    list of Rejection
        Those received, and one for each clip with poses whose torso has no extent.

    Raises
    ------
    InputError
        If the rule is unknown, the threshold or rate is not positive, or no pose is left.
    """
    if rule not in RULES:
        raise InputError(f"thinning rule {rule!r} is unknown; choose one of {', '.join(RULES)}")
    limit = DEFAULT_THRESHOLD[rule] if threshold is None else threshold
    if not (limit > 0.0 and rate_hz > 0.0):
        raise InputError(f"thinning threshold {limit} m and rate {rate_hz} Hz must be positive")
    sampled: list[_Candidates] = []
    rejections: list[Rejection] = []
    for item in clips:
        if isinstance(item, Rejection):
            rejections.append(item)
            continue
        candidates, rejection = _sample(item, rate_hz)
        rejections += [rejection] if rejection else []
        sampled += [candidates] if len(candidates.frames) else []
    if not sampled:
        raise InputError(f"no pose was found in the motion sources ({len(rejections)} items rejected)")
    sampled.sort(key=lambda c: (c.clip.source, c.clip.subject, c.clip.name))
    kept = thin_poses(np.concatenate([c.aligned for c in sampled]), rule, limit)
    return _assemble(sampled, kept), rejections


def _sample(clip: MotionClip, rate_hz: float) -> tuple[_Candidates, Rejection | None]:
    frames = sampled_frames(len(clip.joints), clip.fps, rate_hz)
    joints = clip.joints[frames]
    aligned = torso_align(joints)
    sound = np.isfinite(aligned).all(axis=(1, 2))
    rejection = None
    if not sound.all():
        bad = frames[~sound]
        detail = f"{len(bad)} of {len(frames)} sampled frames, first frame {bad[0]}"
        rejection = Rejection(clip.source, clip.name, "torso without extent", detail)
    # the clip's own joints are let go: a whole archive at its full rate would not fit in memory
    stub = MotionClip(clip.source, clip.subject, clip.name, clip.fps, clip.joints[:0].copy())
    return _Candidates(stub, joints[sound], aligned[sound], frames[sound]), rejection


def _assemble(sampled: list[_Candidates], kept: NDArray[np.intp]) -> PoseLibrary:
    clip_of = np.repeat(np.arange(len(sampled)), [len(c.frames) for c in sampled])[kept]
    joints = np.concatenate([c.joints for c in sampled])[kept].astype(np.float32)
    joints[..., [0, 2]] -= joints[:, _PELVIS : _PELVIS + 1, [0, 2]]
    subject_names = np.array([f"{c.clip.source}/{c.clip.subject}" for c in sampled])[clip_of]
    file_names = np.array([f"{c.clip.source}:{c.clip.name}" for c in sampled])[clip_of]
    subjects, subject_of = np.unique(subject_names, return_inverse=True)
    files, file_of = np.unique(file_names, return_inverse=True)
    return PoseLibrary(
        joints=joints,
        subjects=tuple(subjects.tolist()),
        files=tuple(files.tolist()),
        subject_of=subject_of.astype(np.int32),
        file_of=file_of.astype(np.int32),
        frame=np.concatenate([c.frames for c in sampled])[kept],
        fps=np.array([c.clip.fps for c in sampled], dtype=np.float32)[clip_of],
    )
