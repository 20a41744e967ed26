"""MPII Human Pose: the original `.mat` with its RELEASE struct, and the derived JSON, h5 and CSV.

All of them keep MATLAB's pixels, also the JSON, h5 and CSV that people pass around (their coordinates equal
the `.mat`'s): 1 is subtracted. Only training images count (`img_train` = 1 in the `.mat`).

Where several files lie together, the original `.mat` is taken; else a file named `train*` (JSON before h5
before CSV), which leaves out the people of `valid*` as their users hold those out; else any other derived
file. A joint is missing in the derived formats where both coordinates are 0 or -1; one that is there with a
visibility of 0 is hidden. A `.mat` point without `is_visible` counts as visible.

Head sizes (for PCKh) come from the head boxes of the `.mat`, or from `normalize` of an h5, which is the same.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from synth.errors import InputError
from synth.skeletons import HEAD_SHARE, MPII16
from synth.sources.files import has_suffix, list_files, read_file, seekable, stem
from synth.sources.images import Annotations, numbered_people
from synth.sources.records import Known, Rejection


def annotation_member(root: Path) -> str | None:
    """Choose the file of annotations to be read from a folder or archive; None if it holds none."""
    names = [name for name in list_files(root, ".mat", ".json", ".h5", ".csv") if _is_annotation(name)]
    return min(names, key=_preference, default=None)


def read_mpii(root: Path) -> tuple[Annotations, list[Rejection]]:
    """Annotations of MPII, in whichever of its formats is there.

    Parameters
    ----------
    root : Path
        Folder or archive that holds the annotations.

    Returns
    -------
    annotations : Annotations
        People with at least one annotated joint.
    rejections : list of Rejection
        Training people of the `.mat` without annotated joints, in one entry.

    Raises
    ------
    InputError
        If there are no annotations or they cannot be read.
    """
    name = annotation_member(root)
    if name is None:
        raise InputError(f"{root} holds no MPII annotations (.mat, .json, .h5 or .csv)")
    try:
        if has_suffix(name, ".mat"):
            return _read_mat(root, name)
        if has_suffix(name, ".json"):
            return _read_json(root, name), []
        if has_suffix(name, ".h5"):
            return _read_h5(root, name), []
        return _read_csv(root, name), []
    except InputError:
        raise
    except Exception as error:  # the readers of damaged files raise whatever they stumble over
        raise InputError(f"{root / name} cannot be read as MPII annotations: {error!r}") from error


def _is_annotation(name: str) -> bool:
    plain = stem(name).lower()
    if has_suffix(name, ".mat"):
        return plain.startswith("mpii")
    return any(word in plain for word in ("train", "valid", "mpii", "annot")) and "trb" not in plain


def _preference(name: str) -> tuple[int, int, str]:
    kinds = (".mat", ".json", ".h5", ".csv")
    kind = next(k for k, suffix in enumerate(kinds) if has_suffix(name, suffix))
    return (0 if kind == 0 or stem(name).lower().startswith("train") else 1), kind, name


def _read_mat(root: Path, name: str) -> tuple[Annotations, list[Rejection]]:
    with seekable(root, name) as stream:
        release = scipy.io.loadmat(stream, squeeze_me=True, struct_as_record=False)["RELEASE"]
    images = _structs(release.annolist)
    training = np.atleast_1d(release.img_train)
    if len(training) != len(images):
        raise InputError(f"{root / name}: img_train has {len(training)} entries, annolist {len(images)}")
    names, numbers, joints, visible, heads = [], [], [], [], []
    unannotated = 0
    for image, is_training in zip(images, training, strict=True):
        if is_training != 1:
            continue
        for number, person in enumerate(_structs(getattr(image, "annorect", None))):
            points = _structs(getattr(getattr(person, "annopoints", None), "point", None))
            if not points:
                unannotated += 1
                continue
            names.append(str(image.image.name))
            numbers.append(number)
            xy, seen = _mat_person(points)
            joints.append(xy)
            visible.append(seen)
            heads.append(_head_size(person))
    annotations = _annotations(
        names, np.array(numbers, np.int32), joints, visible, nan_is_missing=True, head_size=heads
    )
    return annotations, _unannotated(unannotated, name)


def _head_size(person: Any) -> float:
    """Head size of a person of the `.mat`: 0.6 of the diagonal of the head's box, NaN where it has none."""
    corners = [np.asarray(getattr(person, name, np.nan), np.float64) for name in ("x1", "y1", "x2", "y2")]
    if any(corner.size != 1 for corner in corners):
        return float("nan")
    x1, y1, x2, y2 = (float(corner.item()) for corner in corners)
    return float(HEAD_SHARE * np.hypot(x2 - x1, y2 - y1))


def _structs(value: Any) -> list[Any]:
    """List the structs in what scipy makes of a struct array: one, several, or an empty array for none."""
    return [item for item in np.atleast_1d(np.asarray(value, dtype=object)) if hasattr(item, "_fieldnames")]


def _mat_person(points: Iterable[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pixels (16, 2), NaN where missing, and visibility (16,) of one person of the `.mat`."""
    joints = np.full((len(MPII16), 2), np.nan)
    visible = np.ones(len(MPII16), dtype=bool)
    for point in points:
        if np.size(point.id) != 1 or np.size(point.x) != 1 or np.size(point.y) != 1:
            continue
        joint = int(point.id)
        if 0 <= joint < len(MPII16):
            joints[joint] = float(point.x), float(point.y)
            visible[joint] = _is_visible(getattr(point, "is_visible", None))
    return joints, visible


def _is_visible(value: Any) -> bool:
    """`is_visible` is a number, the character 0 or 1, or an empty array."""
    return (
        value is None
        or np.size(value) == 0
        or str(np.asarray(value).item()).strip() not in ("0", "0.0", "False")
    )


def _unannotated(count: int, name: str) -> list[Rejection]:
    if not count:
        return []
    return [Rejection("mpii", f"{count} people of {name}", "no joints annotated", count=count)]


def _read_json(root: Path, name: str) -> Annotations:
    people = json.loads(read_file(root, name))
    if not isinstance(people, list) or not all(isinstance(p, dict) and "image" in p for p in people):
        raise InputError(f"{root / name} is no list of people with 'image' and 'joints'")
    people = [person for person in people if "joints" in person]
    visible = [person.get("joints_vis", [1] * len(MPII16)) for person in people]
    images = [person["image"] for person in people]
    return _annotations(images, numbered_people(images), [p["joints"] for p in people], visible)


def _read_h5(root: Path, name: str) -> Annotations:
    with seekable(root, name) as stream, h5py.File(stream, "r") as file:
        joints = file["part"][:]
        visible = file["visible"][:] if "visible" in file else np.ones(joints.shape[:2])
        if "imgname" in file:
            images = [_h5_name(value) for value in file["imgname"][:]]
        else:
            images = _listed_names(root, name)
        person = file["person"][:].astype(np.int32) if "person" in file else numbered_people(images)
        heads = file["normalize"][:] if "normalize" in file else None
    return _annotations(images, person, joints, visible, head_size=heads)


def _h5_name(value: Any) -> str:
    """Read a name kept as a string of fixed or free length, or as an array of character codes."""
    if isinstance(value, np.ndarray):
        return bytes(int(code) for code in value.ravel()).decode("latin-1").strip("\0 ")
    return value.decode() if isinstance(value, bytes) else str(value)


def _listed_names(root: Path, name: str) -> list[str]:
    """Image names from the text file that comes beside an h5: ``valid_images.txt`` for ``valid.h5``."""
    wanted = f"{stem(name)}_images.txt".lower()
    for member in list_files(root, ".txt"):
        if member.lower().endswith(wanted):
            return read_file(root, member).decode().split()
    raise InputError(f"{root / name} holds no imgname and there is no {wanted} beside it")


def _read_csv(root: Path, name: str) -> Annotations:
    rows = list(_csv_rows(root, name))
    images = [row[0] for row in rows]
    joints = np.array([[float(word) for word in row[1:]] for row in rows]).reshape(-1, len(MPII16), 2)
    return _annotations(images, numbered_people(images), joints, np.ones(joints.shape[:2]))


def _csv_rows(root: Path, name: str) -> Iterator[list[str]]:
    for number, row in enumerate(csv.reader(io.StringIO(read_file(root, name).decode())), 1):
        if len(row) == 1 + 2 * len(MPII16) and not _is_header(row):
            yield row
        elif row and not _is_header(row):
            raise InputError(
                f"{root / name} line {number}: {len(row)} values, expected a name and 32 numbers"
            )


def _is_header(row: list[str]) -> bool:
    return not any(character.isdigit() for character in row[-1])


def _annotations(
    images: list[str],
    person: NDArray[np.int32],
    joints: Any,
    visible: Any,
    *,
    nan_is_missing: bool = False,
    head_size: Any = None,
) -> Annotations:
    """Annotations from MATLAB pixels (P, 16, 2) and visibilities (P, 16)."""
    pixels = np.asarray(joints, dtype=np.float64).reshape(-1, len(MPII16), 2)
    seen = np.asarray(visible, dtype=np.float64).reshape(-1, len(MPII16)) > 0
    if not len(pixels) == len(seen) == len(images) == len(person):
        raise InputError(
            f"MPII annotations of different lengths: {len(images)} images, {len(pixels)} sets of joints"
        )
    if nan_is_missing:
        missing = np.asarray(np.isnan(pixels).any(axis=-1))
    else:
        missing = np.asarray((pixels == 0).all(axis=-1) | (pixels == -1).all(axis=-1))
    known = Known() if head_size is None else Known(head_size=np.asarray(head_size, np.float32).reshape(-1))
    return Annotations("mpii", MPII16, images, person, pixels - 1, ~missing, ~seen & ~missing, known)
