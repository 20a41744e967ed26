"""COCO keypoints: `person_keypoints_*.json` beside folders of images.

Visibility 0 means unlabelled, 1 hidden, 2 visible. Pixels count from the corner of the first one: 0.5 is
subtracted. Crowds are left out. No keypoint is the top of the head, so the head stays unlabelled. Where the
annotations of several years or halves lie together, a training half is taken, the latest year first; only
without one another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from synth.errors import InputError
from synth.skeletons import COCO17
from synth.sources.files import list_files, read_file, stem
from synth.sources.images import Annotations
from synth.sources.records import Rejection


def annotation_member(root: Path) -> str | None:
    """Choose the file of annotations to be read from a folder or archive; None if it holds none."""
    names = [n for n in list_files(root, ".json") if stem(n).lower().startswith("person_keypoints")]
    return min(names, key=lambda name: ("train" not in stem(name), -_year(name), name), default=None)


def read_coco(root: Path) -> tuple[Annotations, list[Rejection]]:
    """Annotations of COCO's people.

    Parameters
    ----------
    root : Path
        Folder or archive that holds `person_keypoints_*.json`.

    Returns
    -------
    annotations : Annotations
        People with at least one labelled joint; `person` counts all annotations of an image.
    rejections : list of Rejection
        Crowds and people without keypoints, in one entry for each reason.

    Raises
    ------
    InputError
        If there are no annotations or they cannot be read.
    """
    name = annotation_member(root)
    if name is None:
        raise InputError(f"{root} holds no person_keypoints_*.json")
    try:
        content = json.loads(read_file(root, name))
        files = {image["id"]: image["file_name"] for image in content["images"]}
        return _people(content["annotations"], files, name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{root / name} cannot be read as COCO keypoints: {error!r}") from error


def _people(
    people: list[dict[str, Any]], files: dict[int, str], name: str
) -> tuple[Annotations, list[Rejection]]:
    counts = {"crowd": 0, "no joints annotated": 0}
    rejections: list[Rejection] = []
    seen: dict[int, int] = {}
    images, numbers, keypoints = [], [], []
    for person in people:
        image = person["image_id"]
        number = seen[image] = seen.get(image, -1) + 1
        points = person.get("keypoints") or []
        if person.get("iscrowd"):
            counts["crowd"] += 1
        elif not any(points[2::3]):
            counts["no joints annotated"] += 1
        elif len(points) != 3 * len(COCO17) or image not in files:
            detail = (
                f"{len(points)} values, expected {3 * len(COCO17)}" if image in files else "unknown image id"
            )
            rejections.append(
                Rejection("coco", f"annotation {person.get('id')}", "malformed annotation", detail)
            )
        else:
            images.append(files[image])
            numbers.append(number)
            keypoints.append(points)
    table = np.array(keypoints, dtype=np.float64).reshape(-1, len(COCO17), 3)
    rejections += [
        Rejection("coco", f"{count} people of {name}", reason, count=count)
        for reason, count in counts.items()
        if count
    ]
    annotations = Annotations(
        "coco",
        COCO17,
        images,
        np.array(numbers, dtype=np.int32),
        table[..., :2] - 0.5,
        table[..., 2] > 0,
        table[..., 2] == 1,
    )
    return annotations, rejections


def _year(name: str) -> int:
    digits = "".join(character for character in stem(name) if character.isdigit())
    return int(digits or 0)
