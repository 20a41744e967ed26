"""Clips of a motion source as work items: listed without opening them, read one by one, anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from synth.sources import acclaim, amc, asf, bvh, h36m, mpi_inf_3dhp
from synth.sources.files import list_files, read_file, stem, text_of
from synth.sources.humanoid import check_plausible, h36m17_weights
from synth.sources.records import DamagedItemError, MotionClip, Rejection

VICON_FPS = 120.0
"""CMU's and HDM05's rate; an AMC file holds none. (Some of CMU's clips are said to be of 60 Hz.)"""


@dataclass(frozen=True)
class MotionItem:
    """One clip to be read; plain values that travel between processes.

    Parameters
    ----------
    source, subject : str
        As in `MotionClip`.
    root : Path
        Folder or archive.
    name : str
        What the clip is called: the member of it that holds the clip, an `.amc` or `.bvh`, or where `file`
        is given the clip's own name.
    skeleton_root, skeleton : Path, str
        Where the `.asf` of an `.amc` is; empty name where there is none.
    file : str
        Member that holds a clip with a name of its own: an `.npz` of many, a `.cdf`, an `annot.mat`.
    """

    source: str
    subject: str
    root: Path
    name: str
    skeleton_root: Path
    skeleton: str = ""
    file: str = ""


def acclaim_items(source: str, roots: Sequence[Path]) -> list[MotionItem]:
    """All AMC files of some folders or archives, each with its skeleton.

    The ASF of an AMC is the one whose name is the longest beginning of the AMC's name (``01.asf`` for
    ``01_04.amc``, ``HDM_bd.asf`` for ``HDM_bd_jump_001_120.amc``), in the same folder if there is one, else
    anywhere in the source; failing that the only ASF in the AMC's folder, unless it is named after a subject.
    """
    skeletons = [(root, name) for root in roots for name in list_files(root, ".asf")]
    items = []
    for root in roots:
        for name in list_files(root, ".amc"):
            skeleton_root, skeleton = _skeleton_of(root, name, skeletons) or (root, "")
            subject = acclaim_subject(source, name, skeleton)
            items.append(MotionItem(source, subject, root, name, skeleton_root, skeleton))
    return items


def bvh_items(source: str, roots: Sequence[Path]) -> list[MotionItem]:
    """All BVH files of some folders or archives."""
    return [
        MotionItem(source, bvh_subject(root, name), root, name, root)
        for root in roots
        for name in list_files(root, ".bvh")
    ]


def h36m_items(source: str, roots: Sequence[Path], subjects: tuple[str, ...] = ()) -> list[MotionItem]:
    """All recordings of Human3.6M in some folders, or those of some subjects (``"S1"``)."""
    return [
        MotionItem(source, h36m.subject_name(found.subject), root, found.clip, root, file=found.member)
        for root in roots
        for found in h36m.recordings(root)
        if not subjects or found.subject in subjects
    ]


def mpi_inf_3dhp_items(roots: Sequence[Path]) -> list[MotionItem]:
    """All training sequences of MPI-INF-3DHP in some folders."""
    items = []
    for root in roots:
        for member in mpi_inf_3dhp.training_members(root):
            subject, sequence = mpi_inf_3dhp.sequence_of(member)
            person = mpi_inf_3dhp.subject_name(subject)
            name = f"{subject}/{sequence}"
            items.append(MotionItem(mpi_inf_3dhp.SOURCE, person, root, name, root, file=member))
    return items


def acclaim_subject(source: str, name: str, skeleton: str) -> str:
    """Subject of an AMC file.

    CMU's is the number before the underscore, two digits at least (``"01"``), else the folder; HDM05's the
    actor's code (``"bd"``), else the name of the skeleton.
    """
    if source == "hdm05":
        actor = re.match(r"hdm_([a-z]+)", stem(name).lower())
        return actor.group(1) if actor else stem(skeleton or name).lower()
    return cmu_number(name) or (PurePosixPath(name).parent.name or stem(skeleton or name)).lower()


def bvh_subject(root: Path, name: str) -> str:
    """Subject of a BVH file: CMU's number where the name begins like one, else ``bvh:`` and its folder.

    ``02_01.bvh`` has subject ``"02"``, the same person as CMU's own ``02_01.amc``. Whoever lies in one folder
    is taken for one person: splits by subject stay disjoint at the price of being coarse.
    """
    return cmu_number(name) or "bvh:" + (PurePosixPath(name).parent.name or stem(root.name)).lower()


def cmu_number(name: str) -> str:
    """Subject number of a CMU file name, two digits at least; empty for other names."""
    number = re.match(r"(\d+)_\d+", stem(name))
    return number.group(1).zfill(2) if number else ""


def read_item(item: MotionItem) -> MotionClip | Rejection:
    """Read one clip; whatever is wrong with it comes back as a `Rejection`."""
    try:
        joints, fps = _reader(item)(item)
        check_plausible(joints, item.name)
    except DamagedItemError as error:
        return Rejection(item.source, item.name, error.reason, error.detail)
    return MotionClip(item.source, item.subject, item.name, fps, joints.astype(np.float32))


def _reader(item: MotionItem) -> Callable[[MotionItem], tuple[NDArray[np.float64], float]]:
    if item.file:
        return _read_mpi_inf_3dhp if item.source == mpi_inf_3dhp.SOURCE else _read_h36m
    return _read_bvh if is_bvh(item) else _read_acclaim


def _read_h36m(item: MotionItem) -> tuple[NDArray[np.float64], float]:
    subject, _, name = item.name.partition("/")
    return h36m.y_up(h36m.read_recording(item.root, h36m.Recording(item.file, subject, name))), h36m.FPS


def _read_mpi_inf_3dhp(item: MotionItem) -> tuple[NDArray[np.float64], float]:
    return mpi_inf_3dhp.read_sequence(item.root, item.file)


def _skeleton_of(root: Path, name: str, skeletons: list[tuple[Path, str]]) -> tuple[Path, str] | None:
    folder = PurePosixPath(name).parent
    beside = [s for s in skeletons if s[0] == root and PurePosixPath(s[1]).parent == folder]
    for candidates in (beside, skeletons):
        fitting = [s for s in candidates if _begins(stem(name).lower(), stem(s[1]).lower())]
        if fitting:
            return max(fitting, key=lambda s: len(stem(s[1])))
    if len(beside) == 1 and not re.match(r"\d+$|hdm_", stem(beside[0][1]).lower()):
        return beside[0]
    return None


def _begins(name: str, beginning: str) -> bool:
    return name.startswith(beginning) and not name[len(beginning) :][:1].isalnum()


def _read_acclaim(item: MotionItem) -> tuple[NDArray[np.float64], float]:
    return acclaim_joints(item, *open_acclaim(item)), _amc_fps(item.name)


def is_bvh(item: MotionItem) -> bool:
    """Tell a BVH file from an AMC."""
    return item.name.lower().endswith(".bvh")


def open_acclaim(item: MotionItem) -> tuple[acclaim.AcclaimSkeleton, NDArray[np.float64]]:
    """Skeleton and channels (F, C) of an AMC.

    Raises
    ------
    DamagedItemError
        If either file cannot be used, there is no skeleton, or the clip is no AMC.
    """
    if item.file:
        raise DamagedItemError("no rotations", f"{item.name}: {item.source} holds positions of joints alone")
    if not item.skeleton:
        raise DamagedItemError("no ASF for this AMC", f"{item.name}: no .asf whose name begins it")
    skeleton = _parsed(text_of(read_file(item.skeleton_root, item.skeleton)), item.skeleton)
    return skeleton, amc.parse_amc(text_of(read_file(item.root, item.name)), skeleton, item.name)


def acclaim_joints(
    item: MotionItem, skeleton: acclaim.AcclaimSkeleton, motion: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Joints (F, 17, 3) of `H36M17` in metres, y up, of what `open_acclaim` gave."""
    weights = h36m17_weights(*acclaim.landmarks(skeleton, item.skeleton))
    used = set(np.flatnonzero(weights.any(axis=0)).tolist())
    return np.matmul(weights, acclaim.forward_kinematics(skeleton, motion, used))


@lru_cache(maxsize=64)
def _parsed(text: str, file: str) -> acclaim.AcclaimSkeleton:
    """Skeleton of an ASF; remembered since many clips share one."""
    return asf.parse_asf(text, file)


def _amc_fps(name: str) -> float:
    """HDM05's names end in the rate, ``..._120.amc``, and so do the demo's."""
    rate = re.search(r"(?:hdm|demo)_.*_(\d{2,3})$", stem(name).lower())
    return float(rate.group(1)) if rate else VICON_FPS


def _read_bvh(item: MotionItem) -> tuple[NDArray[np.float64], float]:
    return bvh.read_clip(text_of(read_file(item.root, item.name)), item.name)
