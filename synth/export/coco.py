"""Images and COCO-style keypoints: ``images/000000012.jpg`` and ``annotations/person_keypoints_SPLIT.json``.

Coordinates are COCO's: the centre of the top left pixel is at (0.5, 0.5). Of a joint, v is 2 if it is visible, 1
if it is hidden, and 0, with x = y = 0, if it is unknown or outside the picture. Beside COCO's own fields an
annotation has `joints2d` (all joints, this project's coordinates), `joints3d` in metres in the camera frame, `K`,
`R` and `t`, as far as the store has them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.cache import atomic_write
from synth.errors import InputError
from synth.export.samples import ExportSource, Piece, begin_folder, describe, dump, json_value, sample_name

FORMAT = "coco"

_HALF_PIXEL = 0.5
_EXTRA = ("joints2d", "joints3d", "K", "R", "t")
_KNOWN, _SEEN = "labelled", "visible"
_LINES = ("images", "annotations")


def begin(export: ExportSource, out: Path) -> list[Piece]:
    """Make the folder, or find it begun; gives the pieces that are still to be written.

    Raises
    ------
    InputError
        As of `begin_folder`; or the store has no 2D joints or doesn't name them.
    """
    if "joints2d" not in export.names or "skeleton" not in export.source.store.attributes:
        raise InputError(
            f"{export.source.store.meta.path} has no named 2D joints: COCO annotations need them"
        )
    if export.options.passes:
        raise InputError("COCO annotations hold no label passes: leave them out, or export for webdataset")
    begin_folder(out, export.request(FORMAT))
    for name in ("images", "annotations"):
        (out / name).mkdir(exist_ok=True)
    if annotation_path(export, out).exists():
        return []
    return [piece for piece in export.pieces() if not _part_path(out, piece).exists()]


def annotation_path(export: ExportSource, out: Path) -> Path:
    """Where the annotations are once the export is finished."""
    return out / "annotations" / f"person_keypoints_{export.options.split or 'all'}.json"


def _part_path(out: Path, piece: Piece) -> Path:
    return out / "annotations" / "parts" / f"{piece.shard:06d}.txt"


def write_piece(export: ExportSource, out: Path, piece: Piece) -> None:
    """Write the pictures of a piece and, last of all, its annotations."""
    names = [name for name in (*_EXTRA, _KNOWN, _SEEN) if name in export.names]
    values = export.labels(piece, names)
    side = export.source.store.meta.schema.array("images").inner_shape
    suffix = export.picture_suffix()
    images, annotations = [], []
    for row, (sample, picture) in enumerate(zip(piece.ids.tolist(), export.pictures(piece), strict=True)):
        file_name = sample_name(sample) + suffix
        (out / "images" / file_name).write_bytes(picture)
        images.append({"id": sample, "file_name": file_name, "height": side[0], "width": side[1]})
        annotations.append(
            annotation(sample, {name: of_all[row] for name, of_all in values.items()}, side[:2])
        )
    # each list on a line, without its brackets: `finish` joins them without reading them
    with atomic_write(_part_path(out, piece)) as file:
        file.write(dump(images)[1:-1] + b"\n" + dump(annotations)[1:-1] + b"\n")


def annotation(sample: int, values: dict[str, NDArray[Any]], size: tuple[int, ...]) -> dict[str, Any]:
    """COCO's annotation of one person.

    Parameters
    ----------
    sample : int
    values : dict of str to array
        ``joints2d`` (J, 2) in pixels whose centres are integers, NaN where unknown; if there, ``labelled`` and
        ``visible`` (J,) bool, and whatever else is to be kept.
    size : (int, int)
        Height and width of the picture.
    """
    joints = values["joints2d"].astype(np.float64) + _HALF_PIXEL
    with np.errstate(invalid="ignore"):
        inside = np.all((joints >= 0) & (joints <= size[::-1]), axis=1)
    known = inside & values.get(_KNOWN, np.ones(len(joints), bool))
    seen = values.get(_SEEN, known)
    flags = np.where(known, np.where(seen, 2, 1), 0)
    placed = np.where(known[:, None], joints, 0.0).round(3)
    low, high = (placed[known].min(0), placed[known].max(0)) if known.any() else (np.zeros(2), np.zeros(2))
    width, height = (high - low).round(3).tolist()
    keypoints = [
        number
        for (x, y), flag in zip(placed.tolist(), flags.tolist(), strict=True)
        for number in (x, y, flag)
    ]
    return {
        "id": sample,
        "image_id": sample,
        "category_id": 1,
        "iscrowd": 0,
        "segmentation": [],
        "bbox": [*low.tolist(), width, height],
        "area": round(width * height, 3),
        "num_keypoints": int(known.sum()),
        "keypoints": keypoints,
        **{name: json_value(values[name]) for name in _EXTRA if name in values},
    }


def category(skeleton: dict[str, Any]) -> dict[str, Any]:
    """COCO's category of a person with the store's joints; edges count from 1."""
    joints = list(skeleton["joints"])
    edges = [[joints.index(a) + 1, joints.index(b) + 1] for a, b in skeleton["bones"]]
    return {"id": 1, "name": "person", "supercategory": "person", "keypoints": joints, "skeleton": edges}


def finish(export: ExportSource, out: Path) -> list[Path]:
    """Join the annotations of all pieces; gives the file."""
    path = annotation_path(export, out)
    if path.exists():
        return [path]
    about = describe(export)
    licences = [
        {"id": number, "name": source["licence"], "source": source["title"], "url": source["publisher"]}
        for number, source in enumerate(about.get("sources", ()), 1)
    ]
    info = {"description": about.get("title", ""), "licences": licences, **about}
    head = {"info": info, "licenses": licences, "categories": [category(about["skeleton"])]}
    parts = [_part_path(out, piece) for piece in export.pieces()]
    with atomic_write(path) as file:
        file.write(dump(head)[:-1])
        for line, name in enumerate(_LINES):
            file.write(f',"{name}":['.encode())
            for number, part in enumerate(parts):
                file.write((b"," if number else b"") + part.read_bytes().split(b"\n")[line])
            file.write(b"]")
        file.write(b"}")
    shutil.rmtree(out / "annotations" / "parts")
    return [path]
