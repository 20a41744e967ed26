"""Recorded rotations of body parts for the poses of a data set, read from the motion files once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.pose_recipe import hash_of
from pipelines.prepare import SOURCES_VERSION, Tools, file_stamps, remembered, told_map
from synth.body.fit_problem import ROTATED_PARTS
from synth.cache import atomic_folder, atomic_write_bytes
from synth.errors import InputError
from synth.rendering.retargeting import ClipPoses, recorded_rotations
from synth.sources import catalog
from synth.sources.records import Rejection

ROTATIONS_VERSION = 1
"""Raised whenever the same files would give other rotations."""

ROTATIONS_FILE, NOTES_FILE = "rotations.npy", "notes.json"
NONE = "none"

When = Literal["auto", "never", "require"]


@dataclass(frozen=True)
class PoseList:
    """Where the poses of a data set were recorded.

    Parameters
    ----------
    key : str
        Hash that names them.
    files : sequence of str
        ``"source:file"``.
    pose, file, frame : (M,) int64
        Number, row of `files` and frame of each pose.
    joints : (M, 17, 3) float64
        World, y up, metres; the pelvis at x = z = 0.
    """

    key: str
    files: list[str]
    pose: NDArray[np.int64]
    file: NDArray[np.int64]
    frame: NDArray[np.int64]
    joints: NDArray[np.float64]

    @property
    def sources(self) -> str:
        """Names of the motion sources, joined with +."""
        return motion_names(self.files)


@dataclass(frozen=True)
class PreparedRotations:
    """Rotations (M, P, 3, 3) float32 by number of the pose, if there are any.

    Parameters
    ----------
    path : Path or None
        A ``.npy`` file.
    content : str
        Hash of the motion files, or ``"none"``.
    rejections : tuple of Rejection
        Clips without rotations, and why.
    poses : int
        Poses that have recorded rotations.
    """

    path: Path | None = None
    content: str = NONE
    rejections: tuple[Rejection, ...] = ()
    poses: int = 0


def motion_names(files: Iterable[str]) -> str:
    """Names of the sources of files ``"source:file"``, joined with +; poses that weren't recorded have none."""
    known = {source.name for source in catalog.MOTION_SOURCES}
    names = dict.fromkeys(file.partition(":")[0] for file in files)
    return "+".join(name for name in names if name in known)


def locate_motion(names: str, data_root: Path | None) -> list[catalog.Location]:
    """Find motion sources, their names joined with +; `InputError` if one isn't there."""
    return [catalog.locate(source, data_root) for source in catalog.motion_sources(names)]


def prepare_rotations(poses: PoseList, data_root: Path | None, when: When, tools: Tools) -> PreparedRotations:
    """Find or read the rotations of all poses.

    Parameters
    ----------
    poses : PoseList
        The poses.
    data_root : Path or None
        Folder that holds the motion sources; `$SYNTH_DATA` if not given.
    when : {"auto", "never", "require"}
        Where the sources are found, never, or else refuse.
    tools : Tools
        Cache, workers, progress.

    Raises
    ------
    InputError
        They are required, and a source is not there or some pose has none.
    """
    if when == "never":
        return PreparedRotations()
    if not poses.sources:
        return _required(PreparedRotations(), len(poses.pose), when)
    try:
        sources = locate_motion(poses.sources, data_root)
    except InputError as error:
        if when == "require":
            raise
        tools.progress.say(f"note: limbs' twists, hands and feet follow from the joints alone: {error}")
        return PreparedRotations()
    place = tools.cache / "rotations"
    content: str = remembered(
        place,
        [SOURCES_VERSION, ROTATIONS_VERSION, file_stamps(sources)],
        lambda: {"content": hash_of([ROTATIONS_VERSION, catalog.source_fingerprint(sources)])},
    )["content"]
    folder = place / hash_of([content, poses.key])
    if not folder.is_dir():
        _read(poses, data_root, folder, tools)
    notes = json.loads((folder / NOTES_FILE).read_text())
    rejections = tuple(Rejection(**item) for item in notes)
    table = np.load(folder / ROTATIONS_FILE, mmap_mode="r")
    known = int(np.isfinite(table[poses.pose, 0, 0, 0]).sum())
    found = PreparedRotations(folder / ROTATIONS_FILE, content, rejections, known)
    return _required(found, len(poses.pose), when)


def _required(found: PreparedRotations, poses: int, when: When) -> PreparedRotations:
    if when == "require" and found.poses < poses:
        named = "; ".join(f"{item.item}: {item.reason}" for item in found.rejections[:3])
        raise InputError(
            f"{poses - found.poses:,} of {poses:,} poses have no recorded rotations"
            f"{f' ({named})' if named else ''}; leave --rotations require out, or those poses"
        )
    return found


def _read(poses: PoseList, data_root: Path | None, folder: Path, tools: Tools) -> None:
    clips, rejections = _clips(poses, data_root)
    table = np.full((int(poses.pose.max(initial=-1)) + 1, len(ROTATED_PARTS), 3, 3), np.nan, np.float32)
    tools.progress.say(f"reading rotations: {len(clips):,} clips ...")
    results = told_map(tools, "reading rotations", "clips")(recorded_rotations, clips)
    for clip, result in zip(clips, results, strict=True):
        if isinstance(result, Rejection):
            rejections.append(result)
        else:
            table[clip.poses] = result
    with atomic_folder(folder) as temporary:
        np.save(temporary / ROTATIONS_FILE, table)
        notes = json.dumps([asdict(item) for item in rejections])
        atomic_write_bytes(temporary / NOTES_FILE, notes.encode())


def _clips(poses: PoseList, data_root: Path | None) -> tuple[list[ClipPoses], list[Rejection]]:
    """Share out the recorded poses to their clips; clips that are not there any more are left out."""
    items = {f"{item.source}:{item.name}": item for item in catalog.motion_items(poses.sources, data_root)}
    known = poses.sources.split("+")
    clips: list[ClipPoses] = []
    rejections: list[Rejection] = []
    for row, rows in _grouped(poses.file):
        name = poses.files[row]
        if name in items:
            clips.append(ClipPoses(items[name], poses.pose[rows], poses.frame[rows], poses.joints[rows]))
        elif name.partition(":")[0] in known:
            source, _, file = name.partition(":")
            rejections.append(
                Rejection(source, file, "clip is not there", "poses are fitted to joints alone")
            )
    return clips, rejections


def _grouped(values: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each value and the rows that hold it."""
    order = np.argsort(values, kind="stable")
    found, starts = np.unique(values[order], return_index=True)
    yield from zip(found.tolist(), np.split(order, starts[1:]), strict=True)
