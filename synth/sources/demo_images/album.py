"""The demo's photographs as an archive of JPEG files with their annotations, made once and found again."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.body.archive import load_body
from synth.body.person import make_studio
from synth.cache import atomic_write, cache_dir, code_digest
from synth.errors import InputError
from synth.skeletons import H36M17
from synth.sources.demo.archive import MOTION_MADE_BY
from synth.sources.demo_images.photographs import Photograph, photograph_all
from synth.sources.demo_images.sittings import SIDE, Group, arrange, draw_person, groups_of
from synth.sources.files import read_file
from synth.sources.finders import Roots
from synth.sources.images import Annotations
from synth.sources.records import DamagedItemError, Rejection

COUNT = 2000
"""Photographs in the pool."""

QUALITY = 95
ANNOTATIONS = "annotations.json"

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_MADE_BY = ("body", "sources/demo_images", "cameras.py", "sources/part_rotations.py", *MOTION_MADE_BY)
"""Code and data that decide what the photographs show."""


@dataclass(frozen=True)
class Print:
    """One photograph as it is kept.

    Parameters
    ----------
    number : int
        In the pool.
    jpeg : bytes
        The file.
    joints : (P, 17, 2) float64
        Joints of `H36M17` of the P people it shows, pixels.
    visible : (P, 17) bool
        Whether nothing hides them.
    """

    number: int
    jpeg: bytes
    joints: NDArray[np.float64]
    visible: NDArray[np.bool_]


RunGroups: TypeAlias = Callable[[Callable[[Group], list[Print]], Sequence[Group]], Iterable[list[Print]]]
"""How groups are photographed: the built-in `map`, or a driver's own over many processes."""


def demo_image_roots(data_root: Path) -> Roots:
    """Find or make the archive of the demo's photographs, whatever the data root."""
    del data_root
    return (demo_album(),)


def demo_album(run: RunGroups = map, seed: int = 0, count: int = COUNT) -> Path:
    """Find the archive of photographs in the cache folder, or make it (a minute on one core).

    Parameters
    ----------
    run : callable
        Runs a function over tasks and returns the results in the tasks' order, as the built-in `map` does; a
        driver's own may use many processes. The archive holds the same bytes for any.
    seed : int
        Seed of all draws.
    count : int
        Number of photographs.

    Returns
    -------
    Path
        A `.zip` named after the code and the data that make it, the seed and the count.
    """
    digest = hashlib.blake2b(
        f"{code_digest(_MADE_BY)} {cv2.__version__} {seed} {count}".encode(), digest_size=12
    ).hexdigest()
    path = cache_dir() / "demo" / f"people-{digest}.zip"
    if not path.is_file():
        write_album(path, run, seed, count)
    return path


def write_album(path: Path, run: RunGroups, seed: int, count: int) -> None:
    """Make an archive of photographs; arguments as for `demo_album`."""
    people: list[dict[str, Any]] = []
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for prints in run(photograph_group, groups_of(seed, count)):
            for one in prints:
                name = f"images/{one.number:06d}.jpg"
                archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), one.jpeg)
                people += [
                    {"image": name, "person": number, "joints": np.round(joints, 2).tolist(), "visible": seen}
                    for number, (joints, seen) in enumerate(
                        zip(one.joints, one.visible.tolist(), strict=True)
                    )
                ]
        document = {"joints": H36M17.joints, "pixel_centres": "integers", "people": people}
        archive.writestr(zipfile.ZipInfo(ANNOTATIONS, _LONG_AGO), json.dumps(document))


def photograph_group(group: Group) -> list[Print]:
    """Dress, pose and photograph one group of people."""
    body = load_body()
    people = {number: draw_person(body, group.seed, number) for number in group.people}
    sittings = arrange(body, group, people)
    taken = photograph_all(body, sittings, people, make_studio(SIDE), group.seed)
    return [_print(number, one) for number, one in zip(sittings.images.tolist(), taken, strict=True)]


def read_album(root: Path) -> tuple[Annotations, list[Rejection]]:
    """Annotations of an archive of photographs.

    Parameters
    ----------
    root : Path
        As `demo_album` returns it.

    Raises
    ------
    InputError
        If the archive is damaged or empty.
    """
    try:
        people = json.loads(read_file(root, ANNOTATIONS))["people"]
    except (DamagedItemError, ValueError, KeyError) as error:
        raise InputError(f"{root} is damaged ({error}); remove it to have it made again") from error
    if not people:
        raise InputError(f"{root} shows nobody; remove it to have it made again")
    visible = np.array([person["visible"] for person in people], dtype=bool)
    annotations = Annotations(
        "demo",
        H36M17,
        [person["image"] for person in people],
        np.array([person["person"] for person in people], dtype=np.int32),
        np.array([person["joints"] for person in people], dtype=np.float64),
        np.ones_like(visible),
        ~visible,
        exact=True,
    )
    return annotations, []


def _print(number: int, photograph: Photograph) -> Print:
    settings = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(photograph.image, cv2.COLOR_RGB2BGR), settings)
    return Print(number, jpeg.tobytes(), photograph.joints, photograph.visible)
