"""What all image sources share: sizes of photographs, checks of annotations, decoding."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.skeletons import H36M17, Skeleton, correspondence
from synth.sources.files import list_files, open_file, read_file, stem
from synth.sources.records import AnnotatedImages, DamagedItemError, Known, Rejection

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")

_PNG = b"\x89PNG\r\n\x1a\n"
_SIZELESS = {0x01, *range(0xD0, 0xD9)}
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True)
class Annotations:
    """People as a publisher's file gives them, before anything is looked up among the images.

    Parameters
    ----------
    source : str
        Name of the source.
    skeleton : Skeleton
        Order of the joints.
    images : sequence of str
        Image of each person, as the annotation calls it (P of them).
    person : (P,) int32
        Number of the person within its image, from 0.
    joints : (P, J, 2) float64
        Pixels, pixel centres at integers (MATLAB's 1 already subtracted).
    labelled, occluded : (P, J) bool
        As in `AnnotatedImages`.
    known : Known
        As in `AnnotatedImages`, but the 3D joints are those of `skeleton`, (P, J, 3).
    members : bool
        `images` are frames of films, given as members of the images' folder or archive: those in one folder are
        of one size, and their names are the same in many folders. Otherwise an image is known by its file name
        alone.
    exact : bool
        As in `AnnotatedImages`.
    """

    source: str
    skeleton: Skeleton
    images: Sequence[str]
    person: NDArray[np.int32]
    joints: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    occluded: NDArray[np.bool_]
    known: Known = field(default_factory=Known)
    members: bool = False
    exact: bool = False


def image_size(stream: IO[bytes]) -> tuple[int, int]:
    """Width and height of a photograph from its first bytes.

    Parameters
    ----------
    stream : binary stream
        JPEG (its frame header is sought) or PNG; others are decoded.

    Raises
    ------
    DamagedItemError
        If no size can be found.
    """
    start = stream.read(8)
    if start[:2] == b"\xff\xd8":
        return _jpeg_size(stream, start[2:])
    if start == _PNG:
        width, height = struct.unpack(">8x2I", stream.read(16))
        return width, height
    pixels = cv2.imdecode(np.frombuffer(start + stream.read(), np.uint8), cv2.IMREAD_COLOR) if start else None
    if pixels is None:
        raise DamagedItemError("undecodable image", "neither JPEG nor another known format")
    return pixels.shape[1], pixels.shape[0]


def load_image(images: AnnotatedImages, index: int) -> NDArray[np.uint8]:
    """Pixels of one image of a source.

    Parameters
    ----------
    images : AnnotatedImages
        The source.
    index : int
        Which of `images.images`.

    Returns
    -------
    (H, W, 3) uint8
        RGB. An EXIF rotation is ignored: annotations are in the pixels of the file.

    Raises
    ------
    InputError
        (a `DamagedItemError`) If the file is missing, cut off or cannot be decoded.
    """
    name = images.images[index]
    data = read_file(images.root, name)
    # The decoder fills the lost part of a JPEG that was cut off with grey and says nothing.
    cut = data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:]
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = None if cut or not data else cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        what = "the JPEG's end is missing" if cut else f"{len(data)} bytes cannot be decoded"
        raise DamagedItemError("undecodable image", f"{images.root / name}: {what}")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def image_members(root: Path) -> dict[str, str]:
    """Images of a folder or archive by `image_key`; the first of equal ones counts."""
    members: dict[str, str] = {}
    for name in list_files(root, *IMAGE_SUFFIXES):
        members.setdefault(image_key(name), name)
    return members


def image_key(name: str) -> str:
    """Reduce an image to what it is known by: its file name without folder and suffix (one LSPET has PNG)."""
    return stem(name).lower()


def annotated_images(annotations: Annotations, root: Path) -> tuple[AnnotatedImages, list[Rejection]]:
    """Match annotated people with their images and leave out what cannot be used.

    A person is left out if the image is missing or has no readable size, or if no joint of H36M-17
    remains labelled; a joint becomes unlabelled if its position is not finite or outside the photograph.

    Parameters
    ----------
    annotations : Annotations
        P people.
    root : Path
        Folder or archive of the images.
    """
    files = _files(annotations, root)
    rejections = [
        Rejection(annotations.source, _person(annotations, p), "missing image", f"not in {root}")
        for p, file in enumerate(files)
        if not file
    ]
    used = sorted({file for file in files if file})
    sizes, broken = _sizes(root, used, annotations.source, alike=annotations.members)
    rejections += broken
    people = np.array([p for p, file in enumerate(files) if file in sizes], dtype=np.intp)
    extent = np.array([sizes[files[p]] for p in people], dtype=np.float64).reshape(-1, 2)
    source_joints, target_joints = correspondence(annotations.skeleton, H36M17)
    joints = np.zeros((len(people), len(H36M17), 2))
    labelled, occluded = (np.zeros((len(people), len(H36M17)), bool) for _ in range(2))
    joints[:, target_joints] = annotations.joints[people][:, source_joints]
    labelled[:, target_joints] = annotations.labelled[people][:, source_joints]
    occluded[:, target_joints] = annotations.occluded[people][:, source_joints]
    kept_joints, lost = _inside(annotations, people, joints, labelled, extent)
    rejections += lost
    kept = kept_joints.any(axis=1)
    rejections += [
        Rejection(annotations.source, _person(annotations, p), "no joint labelled") for p in people[~kept]
    ]
    order = _file_order(root, [files[p] for p in people[kept]])
    result = AnnotatedImages(
        source=annotations.source,
        root=root,
        images=tuple(order),
        image_of=np.array([order[files[p]] for p in people[kept]], dtype=np.int32),
        person=annotations.person[people[kept]].astype(np.int32),
        joints=np.where(kept_joints[..., None], joints, 0)[kept].astype(np.float32),
        labelled=kept_joints[kept],
        occluded=(occluded & kept_joints)[kept],
        known=_known(annotations, people[kept]),
        exact=annotations.exact,
    )
    return result, rejections


def _files(annotations: Annotations, root: Path) -> list[str]:
    """Member of the images' folder or archive for each person; empty where it isn't there."""
    if annotations.members:
        there = set(list_files(root, *IMAGE_SUFFIXES))
        return [name if name in there else "" for name in annotations.images]
    members = image_members(root)
    return [members.get(image_key(name), "") for name in annotations.images]


def _known(annotations: Annotations, people: NDArray[np.intp]) -> Known:
    """Tell what else is known of some people, with the joints of H36M-17."""
    known = annotations.known.take(people)
    if known.joints3d is None:
        return known
    source_joints, target_joints = correspondence(annotations.skeleton, H36M17)
    joints3d = np.full((len(people), len(H36M17), 3), np.nan, np.float32)
    joints3d[:, target_joints] = known.joints3d[:, source_joints]
    return replace(known, joints3d=joints3d)


def numbered_people(images: Sequence[str]) -> NDArray[np.int32]:
    """Count people up within each image, in order of occurrence, (P,) int32."""
    seen: dict[str, int] = {}
    numbers = np.empty(len(images), dtype=np.int32)
    for k, name in enumerate(images):
        numbers[k] = seen.get(name, 0)
        seen[name] = int(numbers[k]) + 1
    return numbers


def _jpeg_size(stream: IO[bytes], rest: bytes) -> tuple[int, int]:
    """Walk the segments of a JPEG to its frame header; `rest` was read already, after the first marker."""
    pending = rest

    def take(count: int) -> bytes:
        nonlocal pending
        pending += stream.read(max(0, count - len(pending)))
        taken, pending = pending[:count], pending[count:]
        if len(taken) < count:
            raise DamagedItemError("undecodable image", "the JPEG ends before its frame header")
        return taken

    while True:
        prefix, marker = take(2)
        if prefix != 0xFF:
            raise DamagedItemError("undecodable image", "no marker where the JPEG should have one")
        while marker == 0xFF:
            marker = take(1)[0]
        if marker in _SIZELESS:
            continue
        length = struct.unpack(">H", take(2))[0]
        content = take(max(0, length - 2))
        if marker in _FRAME_HEADERS and len(content) >= 5:
            height, width = struct.unpack(">HH", content[1:5])
            if not height or not width:
                raise DamagedItemError("undecodable image", "the JPEG gives no size")
            return width, height
        if marker == 0xDA:
            raise DamagedItemError("undecodable image", "the JPEG has no frame header")


def _sizes(
    root: Path, names: list[str], source: str, alike: bool
) -> tuple[dict[str, tuple[int, int]], list[Rejection]]:
    """Width and height of images; `alike`: those of one folder are frames of one film, and one is asked."""
    sizes: dict[str, tuple[int, int]] = {}
    of_folder: dict[str, tuple[int, int]] = {}
    rejections = []
    for name in _file_order(root, names):
        folder = name.rpartition("/")[0]
        if alike and folder in of_folder:
            sizes[name] = of_folder[folder]
            continue
        try:
            with open_file(root, name) as stream:
                sizes[name] = of_folder[folder] = image_size(stream)
        except (DamagedItemError, OSError, EOFError, struct.error) as error:
            detail = error.detail if isinstance(error, DamagedItemError) else str(error)
            rejections.append(Rejection(source, name, "undecodable image", detail))
    return sizes, rejections


def _file_order(root: Path, names: Sequence[str]) -> dict[str, int]:
    """Distinct names in the order in which they are quickest to read, numbered."""
    wanted = set(names)
    return {name: k for k, name in enumerate(n for n in list_files(root, *IMAGE_SUFFIXES) if n in wanted)}


def _inside(
    annotations: Annotations,
    people: NDArray[np.intp],
    joints: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    extent: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], list[Rejection]]:
    """Labelled joints that lie within the photograph, (P, 17), and the others."""
    finite = np.asarray(np.isfinite(joints).all(axis=-1))
    limit = extent[:, None, :] - 0.5
    with np.errstate(invalid="ignore"):
        inside = np.asarray(((joints >= -0.5) & (joints <= limit)).all(axis=-1))
    rejections = []
    for p, j in np.argwhere(labelled & ~inside):
        reason = "joint outside the image" if finite[p, j] else "not a finite number"
        x, y = joints[p, j]
        width, height = extent[p].astype(int)
        item = f"{_person(annotations, people[p])} joint {H36M17.joints[j]}"
        rejections.append(
            Rejection(annotations.source, item, reason, f"at ({x:.1f}, {y:.1f}) of {width} x {height} pixels")
        )
    return labelled & inside & finite, rejections


def _person(annotations: Annotations, p: int) -> str:
    return f"{annotations.images[p]} person {annotations.person[p]}"
