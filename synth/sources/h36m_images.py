"""Human3.6M's frames, extracted from its videos into images, with the recorded poses projected into them.

An image's path tells subject, recording, camera and frame (counted from 1). The layouts that are known:

- ``S1/Directions 1.54138969/000001.jpg``, also with ``_`` for the blank, below other folders, or with all of it
  repeated in the file's name: ``S1/images/S1_Directions_1.54138969/S1_Directions_1.54138969_000001.jpg``;
- ``s_01_act_02_subact_01_ca_01/s_01_act_02_subact_01_ca_01_000001.jpg``, also ``S1_Act_2_SubAct_1_Ca_01``;
- ``S1/Directions-1/imageSequence/54138969/img_000001.jpg``.

Any share of the frames may be there. Principal points are taken as the publisher gives them, pixel centres at
integers.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.skeletons import H36M17
from synth.sources.files import list_files
from synth.sources.h36m import (
    SOURCE,
    Recording,
    canonical_name,
    read_recording,
    recordings,
    subject_name,
)
from synth.sources.h36m_cameras import Camera, Metadata, read_metadata
from synth.sources.images import IMAGE_SUFFIXES, Annotations
from synth.sources.recordings import Frames, read_recordings
from synth.sources.records import DamagedItemError, Rejection

_NUMBERED = re.compile(r"s_?0*(\d+)_act_0*(\d+)_subact_0*(\d+)_ca_0*(\d+)", re.IGNORECASE)
_NAMED = re.compile(r"(?:^|/)(S\d+)/(?:.*/)?(?:S\d+_)?([A-Za-z]+(?:[ _]\d+)?)\.(\d{8})/")
_FETCHED = re.compile(r"(?:^|/)(S\d+)/([A-Za-z]+)-(\d+)/imageSequence/(\d{8})/")
_FRAME = re.compile(r"(\d+)\.[A-Za-z]+$")

View = tuple[str, str, str]
"""Subject, recording, camera: ``("S1", "Directions 1", "54138969")``."""


def read_h36m(
    root: Path, *, subjects: tuple[str, ...] = (), source: str = SOURCE
) -> tuple[Annotations, list[Rejection]]:
    """Annotations of the extracted frames.

    Parameters
    ----------
    root : Path
        Folder that holds poses, `metadata.xml` and frames.
    subjects : tuple of str
        Whom to keep; everybody if empty.
    source : str
        Name of the source.

    Returns
    -------
    annotations : Annotations
        All 17 joints are labelled; 2D joints are projections with the lens's distortion.
    rejections : list of Rejection
        Frames without poses, and recordings that cannot be read.

    Raises
    ------
    InputError
        If poses or cameras are missing or cannot be read, or no image has a path that is understood.
    """
    metadata = read_metadata(root)
    views = _views(list_files(root, *IMAGE_SUFFIXES), metadata)
    if not views:
        raise InputError(
            f"{root} holds no extracted frames of Human3.6M; expected images such as "
            "S1/Directions 1.54138969/000001.jpg, made from the publisher's videos"
        )
    wanted = {view: names for view, names in views.items() if not subjects or view[0] in subjects}
    known = {recording.clip: recording for recording in recordings(root)}
    cameras = _by_recording(wanted)

    def read(clip: str) -> tuple[list[Frames], list[Rejection]]:
        if clip not in known:
            raise DamagedItemError("no poses of this recording", "its frames are left out")
        return _frames(root, known[clip], cameras[clip], wanted, metadata, source)

    return read_recordings(source, H36M17, cameras, read)


def view_of(name: str, metadata: Metadata) -> View | None:
    """Subject, recording and camera that an image's path tells; None if it tells none."""
    if found := _NUMBERED.search(name):
        number, activity, part, place = map(int, found.groups())
        recording = metadata.recordings.get((f"S{number}", activity, part))
        if recording is None or not 1 <= place <= len(metadata.camera_names):
            return None
        return f"S{number}", recording, metadata.camera_names[place - 1]
    if found := _FETCHED.search(name):
        subject, action, sub, camera = found.groups()
        recording = metadata.by_action().get((subject, canonical_name(action), int(sub)))
        return None if recording is None else (subject, recording, camera)
    if found := _NAMED.search(name):
        return found.group(1), canonical_name(found.group(2)), found.group(3)
    return None


def _views(names: Iterable[str], metadata: Metadata) -> dict[View, list[str]]:
    """Group images by view; paths in one folder are read alike, so that each folder is looked at once."""
    folders: dict[str, View | None] = {}
    views: dict[View, list[str]] = defaultdict(list)
    for name in names:
        folder = name.rpartition("/")[0]
        if folder not in folders:
            folders[folder] = view_of(name, metadata)
        view = folders[folder]
        if view is not None and _FRAME.search(name):
            views[view].append(name)
    return dict(views)


def _by_recording(views: Iterable[View]) -> dict[str, list[str]]:
    """Cameras of each recording, ``"S1/Directions 1"``."""
    found: dict[str, list[str]] = defaultdict(list)
    for subject, name, camera in views:
        found[f"{subject}/{name}"].append(camera)
    return dict(found)


def _frames(
    root: Path,
    recording: Recording,
    cameras: Sequence[str],
    views: dict[View, list[str]],
    metadata: Metadata,
    source: str,
) -> tuple[list[Frames], list[Rejection]]:
    """All frames of one recording, camera by camera."""
    world = read_recording(root, recording)
    parts: list[Frames] = []
    late: Counter[str] = Counter()
    for name in cameras:
        camera = metadata.cameras.get((recording.subject, name))
        images = sorted(views[recording.subject, recording.name, name], key=_frame_of)
        inside = [image for image in images if camera is not None and 0 <= _frame_of(image) < len(world)]
        late["frame without a pose" if camera else "unknown camera"] += len(images) - len(inside)
        if camera is not None and inside:
            parts.append(_seen(recording, camera, inside, world))
    return parts, [
        Rejection(source, f"{count} frames of {recording.clip}", reason, f"{len(world)} poses", count)
        for reason, count in late.items()
        if count
    ]


def _seen(recording: Recording, camera: Camera, images: Sequence[str], world: NDArray[np.float64]) -> Frames:
    frame = np.array([_frame_of(image) for image in images])
    points = camera.to_camera(world[frame])
    person, action = subject_name(recording.subject), recording.action
    return Frames(images, frame, camera.pixels(points), points, camera.K, person, action)


def _frame_of(image: str) -> int:
    """Frame from 0; files count from 1."""
    found = _FRAME.search(image)
    return int(found.group(1)) - 1 if found else -1
