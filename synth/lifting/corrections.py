"""A person's corrections of lifted poses: a small TOML file, kept apart from what was computed.

::

    format_version = 1
    source = "lspet"

    [[correction]]
    image = "images/im00001.jpg"
    person = 0                    # may be left out
    limb = "left_forearm"
    flip = "toward"               # its end is nearer to the camera than its start; else "away"

A correction says how a limb lies, not that the computed pose is wrong, so it stays true for every later
computation, and giving it twice changes nothing.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.lifting.limbs import LIMB_NAMES, LIMBS, limb_depths, turn_limb

FORMAT_VERSION = 1

Flip = Literal["toward", "away"]
FLIPS: tuple[Flip, ...] = ("toward", "away")

_KEYS = ("image", "person", "limb", "flip")


@dataclass(frozen=True)
class Correction:
    """How one limb of one person lies.

    Parameters
    ----------
    image : str
        Path of the image, as the source's `AnnotatedImages` gives it.
    person : int
        Number of the person in that image.
    limb : str
        One of `LIMB_NAMES`.
    flip : {"toward", "away"}
        Whether the limb's end is nearer to the camera than its start, or farther.
    """

    image: str
    person: int
    limb: str
    flip: Flip


@dataclass(frozen=True)
class Corrections:
    """The corrections of one source, in the file's order."""

    source: str
    items: tuple[Correction, ...] = ()


def read_corrections(path: Path) -> Corrections:
    """Read a file of corrections.

    Raises
    ------
    InputError
        If the file cannot be read, is of another version, or an entry lacks something, has an unknown key,
        limb or flip, or contradicts another.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot read corrections ({error})") from error
    if content.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version is {content.get('format_version')!r}, expected {FORMAT_VERSION}"
        )
    if not isinstance(content.get("source"), str):
        raise InputError(f'{path}: no source; begin with source = "lspet" or another image source')
    _refuse_unknown(content, ("format_version", "source", "correction"), str(path))
    entries = content.get("correction", [])
    if not isinstance(entries, list):
        raise InputError(f"{path}: corrections are given as [[correction]] tables")
    items = tuple(_correction(entry, f"{path}, correction {n}") for n, entry in enumerate(entries, 1))
    _refuse_contradictions(items, path)
    return Corrections(content["source"], items)


def format_corrections(corrections: Corrections) -> str:
    """TOML text that `read_corrections` reads."""
    lines = [f"format_version = {FORMAT_VERSION}", f"source = {_quoted(corrections.source)}"]
    for item in corrections.items:
        lines += ["", "[[correction]]", f"image = {_quoted(item.image)}", f"person = {item.person}"]
        lines += [f'limb = "{item.limb}"', f'flip = "{item.flip}"']
    return "\n".join(lines) + "\n"


def apply_corrections(
    joints: NDArray[np.floating], people: Iterable[tuple[str, int]], corrections: Corrections
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Turn over the limbs that lie otherwise than the corrections say; their order does not matter.

    Parameters
    ----------
    joints : (N, 17, 3) floating
        Joints of `H36M17`, x right, y down, z into the picture.
    people : iterable of (str, int)
        Image and number of each person.
    corrections : Corrections

    Returns
    -------
    corrected : (N, 17, 3) float64
    confirmed : (N, L) bool
        Limbs that a correction speaks of, turned or not.

    Raises
    ------
    InputError
        If a correction speaks of nobody among the people.
    """
    row_of = {person: row for row, person in enumerate(people)}
    corrected = np.array(joints, dtype=np.float64)
    confirmed = np.zeros((len(corrected), len(LIMBS)), dtype=bool)
    for item in corrections.items:
        row = row_of.get((item.image, item.person))
        if row is None:
            raise InputError(
                f"a correction speaks of person {item.person} of {item.image}, who is not among the "
                f"{len(row_of)} lifted people of {corrections.source}; remove it or mend its image and person"
            )
        # turning one limb moves others along and leaves their own direction
        limb = LIMB_NAMES.index(item.limb)
        pose = corrected[row : row + 1]
        if (limb_depths(pose)[0, limb] < 0.0) != (item.flip == "toward"):
            corrected[row] = turn_limb(pose, LIMBS[limb])[0]
        confirmed[row, limb] = True
    return corrected, confirmed


def _correction(entry: Any, place: str) -> Correction:
    if not isinstance(entry, dict):
        raise InputError(f"{place}: expected a table with image, person, limb and flip")
    _refuse_unknown(entry, _KEYS, place)
    image, person = entry.get("image"), entry.get("person", 0)
    if not isinstance(image, str) or not image:
        raise InputError(f"{place}: image is {image!r}, expected the path of an image as text")
    if not isinstance(person, int) or isinstance(person, bool) or person < 0:
        raise InputError(f"{place}: person is {person!r}, expected a number from 0")
    return Correction(
        image, person, _one_of(entry, "limb", LIMB_NAMES, place), _one_of(entry, "flip", FLIPS, place)
    )


def _one_of(entry: dict[str, Any], key: str, known: tuple[Any, ...], place: str) -> Any:
    value = entry.get(key)
    if value not in known:
        raise InputError(f"{place}: {key} is {value!r}, expected one of {', '.join(known)}")
    return value


def _refuse_unknown(table: dict[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise InputError(f"{place}: unknown key {key!r}; did you mean {nearest!r}?")


def _refuse_contradictions(items: tuple[Correction, ...], path: Path) -> None:
    said: dict[tuple[str, int, str], str] = {}
    for item in items:
        key = (item.image, item.person, item.limb)
        if said.setdefault(key, item.flip) != item.flip:
            raise InputError(
                f"{path}: {item.limb} of person {item.person} of {item.image} is said to be both toward and away"
            )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
