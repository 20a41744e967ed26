"""Human3.6M's recorded poses: the community's `data_3d_h36m.npz`, or the publisher's CDF files.

Both hold 32 joints in a world with z up: the `.npz` in metres by subject and recording, the CDF files (one a
recording, in folders called `D3_Positions`) in millimetres. The `.npz` is taken where both are there. It is a
pickle and read as `synth.sources.pickles` tells.

Recordings have the publisher's names, ``"Directions 1"``; `TakingPhoto` and `WalkingDog`, as some of them are
called, are `Photo` and `WalkDog` as in the others. The action is the name without its number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.sources.files import list_files, seekable, stem
from synth.sources.pickles import read_objects
from synth.sources.records import DamagedItemError

SOURCE = "h36m"
FPS = 50.0
TRAINING_SUBJECTS = ("S1", "S5", "S6", "S7", "S8")
"""Those whom every protocol trains on."""

NPZ = "data_3d_h36m.npz"
POSE_SUFFIXES = (".npz", ".cdf")

JOINTS17 = np.array([0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27])
"""Positions of the joints of `H36M17` among the recorded 32."""

_RECORDED = 32
_SPELLINGS = (("TakingPhoto", "Photo"), ("WalkingDog", "WalkDog"))
_POSITIONS = re.compile(r"(?:poses_)?d3_positions(?:_s\d+)?", re.IGNORECASE)
_SUBJECT = re.compile(r"(?:^|[/_])(S\d+)(?=/)")


@dataclass(frozen=True)
class Recording:
    """One recording of one subject: where its poses are.

    Parameters
    ----------
    member : str
        File within the source's folder.
    subject, name : str
        ``"S1"``, ``"Directions 1"``.
    """

    member: str
    subject: str
    name: str

    @property
    def clip(self) -> str:
        """``"S1/Directions 1"``."""
        return f"{self.subject}/{self.name}"

    @property
    def action(self) -> str:
        """``"Directions"``."""
        return action_of(self.name)


def pose_members(root: Path) -> tuple[str, ...]:
    """Choose the files of poses in a folder: the `.npz`, else all CDF files of world positions."""
    packed = [name for name in list_files(root, ".npz") if name.rpartition("/")[2].lower() == NPZ]
    if packed:
        return (min(packed, key=len),)
    return tuple(
        name
        for name in list_files(root, ".cdf")
        if any(_POSITIONS.fullmatch(part) for part in name.split("/")[:-1])
    )


def recordings(root: Path) -> list[Recording]:
    """List all recordings of a folder, by subject and name; those that join all actions are left out.

    Raises
    ------
    InputError
        If there are none, or the `.npz` cannot be read.
    """
    members = pose_members(root)
    if not members:
        raise InputError(
            f"{root} holds no poses of Human3.6M; expected {NPZ}, or the publisher's CDF files as "
            "S1/MyPoseFeatures/D3_Positions/Directions.cdf"
        )
    if members[0].lower().endswith(".npz"):
        content = _open_npz(root / members[0])
        found = [Recording(members[0], s, canonical_name(name)) for s in content for name in content[s]]
    else:
        found = [Recording(name, _subject_of(name), canonical_name(stem(name))) for name in members]
    named = [recording for recording in found if not recording.name.startswith("ALL")]
    return sorted(named, key=lambda recording: (int(recording.subject[1:] or 0), recording.name))


def read_recording(root: Path, recording: Recording) -> NDArray[np.float64]:
    """Joints of a recording.

    Parameters
    ----------
    root : Path
        Folder.
    recording : Recording
        One that `recordings` lists.

    Returns
    -------
    (F, 17, 3) float64
        Joints of `H36M17`, metres, in the publisher's world, z up.

    Raises
    ------
    DamagedItemError
        If the poses cannot be read or are not of 32 joints.
    InputError
        If the file is a CDF and `cdflib` is not installed.
    """
    file = root / recording.member
    if recording.member.lower().endswith(".npz"):
        by_name = {canonical_name(name): poses for name, poses in _open_npz(file)[recording.subject].items()}
        poses, metres = by_name[recording.name], 1.0
    else:
        poses, metres = _read_cdf(file), 1e-3
    array = np.asarray(poses)
    if array.dtype.kind != "f" or array.size == 0 or array.size % (3 * _RECORDED):
        raise DamagedItemError(
            "poses of another shape",
            f"{file}, {recording.clip}: {array.dtype} {array.shape}, expected {_RECORDED} joints a frame",
        )
    return array.reshape(-1, _RECORDED, 3)[:, JOINTS17].astype(np.float64) * metres


def y_up(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn points (..., 3) of a world with z up into one with y up: x stays, z becomes y, y becomes -z."""
    return np.stack([joints[..., 0], joints[..., 2], -joints[..., 1]], axis=-1)


def canonical_name(name: str) -> str:
    """Spell a recording's name in the one way: ``"TakingPhoto_1"`` becomes ``"Photo 1"``."""
    plain = name.replace("_", " ").strip()
    for other, usual in _SPELLINGS:
        plain = plain.replace(other, usual)
    return plain


def subject_name(subject: str) -> str:
    """Name of a subject among those of all sources: ``"h36m:S1"``."""
    return f"{SOURCE}:{subject}"


def action_of(name: str) -> str:
    """Give the action of a recording: its name without the number."""
    return re.sub(r"\s*\d+$", "", name)


def _subject_of(member: str) -> str:
    found = _SUBJECT.findall(member)
    if not found:
        raise InputError(
            f"{member}: no folder names its subject; expected a path such as "
            "S1/MyPoseFeatures/D3_Positions/Directions.cdf"
        )
    return str(found[-1])


@lru_cache(maxsize=1)
def _open_npz(path: Path) -> dict[str, dict[str, Any]]:
    """Poses by subject and recording; kept, since all recordings lie in one file."""
    with seekable(path.parent, path.name) as stream:
        content = read_objects(stream, "positions_3d", str(path))
    if not isinstance(content, dict) or not all(
        isinstance(subject, str) and re.fullmatch(r"S\d+", subject) and isinstance(poses, dict)
        for subject, poses in content.items()
    ):
        raise InputError(f"{path}: positions_3d is no dictionary of subjects (S1 …) of recordings")
    return content


def _read_cdf(path: Path) -> NDArray[Any]:
    """Millimetres, (1, F, 96) as the publisher keeps them."""
    try:
        import cdflib
    except ImportError as error:
        raise InputError(
            f"{path} is a CDF file, and the package cdflib that reads them isn't there; install this "
            f"project's extra h36m (pip install '.[h36m]'), or give {NPZ}"
        ) from error
    try:
        return np.asarray(cdflib.CDF(path).varget("Pose"), dtype=np.float64)
    except Exception as error:  # the reader of damaged files raises whatever it stumbles over
        raise DamagedItemError("undecodable CDF", f"{path}: {error!r}") from error
