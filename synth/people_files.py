"""A plan of people on the disk, and the pictures that are cut out after it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.cache import atomic_write_bytes
from synth.cameras import BOX
from synth.crops import valid_rectangle, warp_crop
from synth.people_plan import PeoplePlan
from synth.sources.files import fingerprint
from synth.sources.images import load_image
from synth.sources.records import AnnotatedImages, DamagedItemError, Known, Rejection

Border = Literal["grey", "reflect"]

_NOTES = "people.json"
_GREY = 128


@dataclass(frozen=True)
class People:
    """A plan of people on the disk; its labels are memory maps. Made by `open_people`.

    Parameters
    ----------
    path : Path
        Its folder.
    sources : tuple of AnnotatedImages
        The photographs, without people.
    source, image, labels, tables, rejections
        As in `PeoplePlan`.
    """

    path: Path
    sources: tuple[AnnotatedImages, ...]
    source: NDArray[np.int16]
    image: NDArray[np.int32]
    labels: dict[str, NDArray[Any]]
    tables: dict[str, list[str]]
    rejections: tuple[Rejection, ...]

    def __len__(self) -> int:
        return len(self.source)

    def __reduce__(self) -> tuple[Callable[[Path], People], tuple[Path]]:
        return open_people, (self.path,)

    def pictures(
        self, rows: NDArray[np.int64], border: Border
    ) -> Iterator[NDArray[np.uint8] | DamagedItemError]:
        """Cut out people one by one; a photograph is read once for those next to each other.

        Parameters
        ----------
        rows : (N,) int64
        border : {"grey", "reflect"}
            What lies beyond the photograph.

        Yields
        ------
        (220, 220, 3) uint8 or DamagedItemError
            RGB; or why the photograph cannot be read.
        """
        last: tuple[int, int] = (-1, -1)
        photograph: NDArray[np.uint8] | DamagedItemError | None = None
        for row in rows.tolist():
            place = int(self.source[row]), int(self.image[row])
            if photograph is None or place != last:
                photograph, last = _photograph(self.sources[place[0]], place[1]), place
            if isinstance(photograph, DamagedItemError):
                yield photograph
            else:
                yield _cut_out(photograph, self.labels["source_transform"][row], border)


def people_hash(plan: PeoplePlan, sources: Sequence[AnnotatedImages]) -> str:
    """Hash of all that decides the samples: labels, and the photographs, which are read from end to end.

    Parameters
    ----------
    plan : PeoplePlan
    sources : sequence of AnnotatedImages
        Those it was made of.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.blake2b(cv2.__version__.encode(), digest_size=16)
    for number, images in enumerate(sources):
        used = np.unique(plan.image[plan.source == number])
        names = [images.images[image] for image in used]
        digest.update(json.dumps([images.source, fingerprint(images.root, names)]).encode())
    for name, array in sorted(plan.labels.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    digest.update(json.dumps(plan.tables, sort_keys=True).encode())
    return digest.hexdigest()


def save_people(
    plan: PeoplePlan, sources: Sequence[AnnotatedImages], rejections: Sequence[Rejection], folder: Path
) -> None:
    """Write a plan to a new folder.

    Parameters
    ----------
    plan : PeoplePlan
    sources : sequence of AnnotatedImages
        Those it was made of.
    rejections : sequence of Rejection
        What was left out of the sources before it.
    folder : Path
        It must be there.
    """
    for name, array in {"source": plan.source, "image": plan.image, **_prefixed(plan.labels)}.items():
        np.save(folder / f"{name}.npy", array)
    notes = {
        "labels": list(plan.labels),
        "tables": plan.tables,
        "sources": [
            {"source": images.source, "root": str(images.root.resolve()), "images": images.images}
            for images in sources
        ],
        "rejections": [dataclasses.asdict(item) for item in (*rejections, *plan.rejections)],
    }
    atomic_write_bytes(folder / _NOTES, json.dumps(notes).encode())


def open_people(path: Path) -> People:
    """Open what `save_people` wrote; all arrays are mapped, none is read."""
    notes = json.loads((path / _NOTES).read_text())
    mapped = {
        name: np.load(path / f"{name}.npy", mmap_mode="r")
        for name in ("source", "image", *_prefixed(dict.fromkeys(notes["labels"])))
    }
    return People(
        path,
        tuple(_without_people(item) for item in notes["sources"]),
        mapped["source"],
        mapped["image"],
        {name: mapped[f"label_{name}"] for name in notes["labels"]},
        notes["tables"],
        tuple(Rejection(**item) for item in notes["rejections"]),
    )


def _prefixed(labels: dict[str, Any]) -> dict[str, Any]:
    """Names of files: no label may be taken for the plan's own arrays."""
    return {f"label_{name}": array for name, array in labels.items()}


def _without_people(item: dict[str, Any]) -> AnnotatedImages:
    nobody = np.empty(0, np.int32)
    joints = np.empty((0, 17), bool)
    return AnnotatedImages(
        source=item["source"],
        root=Path(item["root"]),
        images=tuple(item["images"]),
        image_of=nobody,
        person=nobody,
        joints=np.empty((0, 17, 2), np.float32),
        labelled=joints,
        occluded=joints,
        known=Known(),
    )


def _photograph(images: AnnotatedImages, image: int) -> NDArray[np.uint8] | DamagedItemError:
    try:
        return load_image(images, image)
    except DamagedItemError as error:
        return error


def _cut_out(
    photograph: NDArray[np.uint8], transform: NDArray[np.float64], border: Border
) -> NDArray[np.uint8]:
    """Picture of a person, (220, 220, 3) uint8."""
    picture = warp_crop(photograph, transform, BOX)
    if border == "grey":
        height, width = photograph.shape[:2]
        x0, y0, x1, y1 = valid_rectangle(transform, width, height, BOX)
        columns, rows = np.arange(BOX), np.arange(BOX)
        picture[(rows < y0) | (rows > y1)] = _GREY
        picture[:, (columns < x0) | (columns > x1)] = _GREY
    return picture
