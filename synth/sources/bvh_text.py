"""Text of BVH files to arrays, with errors that name the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synth.sources.records import DamagedItemError
from synth.sources.tokens import scan

_CHANNELS = tuple(f"{letter}{kind}" for kind in ("position", "rotation") for letter in "xyz")


@dataclass(frozen=True)
class BvhSkeleton:
    """Joints and end sites of a BVH file, parents before children.

    Parameters
    ----------
    names : tuple of str
        P names; an end site is called ``JOINT.end``.
    parents : tuple of int
        Parent of each, -1 for the root.
    offsets : (P, 3) float64
        From the parent, file units.
    channels : tuple of tuple of str
        Channels of each in file order, lower case, e.g. ``"zrotation"``.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: NDArray[np.float64]
    channels: tuple[tuple[str, ...], ...]

    @cached_property
    def first_column(self) -> tuple[int, ...]:
        """Column of the motion at which each joint's channels start; the last entry is their number."""
        return tuple(np.concatenate([[0], np.cumsum([len(c) for c in self.channels])]).tolist())

    def with_ancestors(self, points: set[int]) -> list[int]:
        """List some points and all that they hang on, parents first."""
        wanted = set(points)
        for point in range(len(self.names) - 1, -1, -1):
            if point in wanted and self.parents[point] >= 0:
                wanted.add(self.parents[point])
        return sorted(wanted)


@dataclass
class _Draft:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[tuple[float, ...]] = field(default_factory=list)
    channels: list[tuple[str, ...]] = field(default_factory=list)


class _Words:
    """The words of the hierarchy one after another, with their lines."""

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.words = [(word, n) for n, line in enumerate(text.splitlines(), 1) for word in line.split()]
        self.place = 0

    def next(self) -> str:
        if self.place == len(self.words):
            raise DamagedItemError("truncated file", f"{self.file}: ends within the hierarchy")
        self.place += 1
        return self.words[self.place - 1][0]

    def rest_of_line(self) -> str:
        line = self.words[self.place - 1][1]
        words = []
        while (
            self.place < len(self.words)
            and self.words[self.place][1] == line
            and self.words[self.place][0] != "{"
        ):
            words.append(self.next())
        return " ".join(words)

    def error(self, what: str) -> DamagedItemError:
        line = self.words[max(self.place - 1, 0)][1] if self.words else 1
        return DamagedItemError("malformed BVH", f"{self.file} line {line}: {what}")

    def number(self) -> float:
        word = self.next()
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.error(f"{word!r} is not a finite number")
        return value


def parse_bvh(text: str, file: str = "BVH") -> tuple[BvhSkeleton, NDArray[np.float64], float]:
    """Skeleton and motion of a `.bvh` file.

    Parameters
    ----------
    text : str
        The file's text.
    file : str
        Name for error messages.

    Returns
    -------
    skeleton : BvhSkeleton
        Its P points.
    motion : (F, C) float64
        Channels in file order, file units and degrees.
    fps : float
        Frames per second, a whole number where the frame time is that of one to 0.1 %.

    Raises
    ------
    DamagedItemError
        Naming the line that cannot be read.
    """
    parts = re.split(r"^[ \t]*MOTION[ \t]*\r?$", text, maxsplit=1, flags=re.MULTILINE | re.IGNORECASE)
    if len(parts) < 2:
        raise DamagedItemError("truncated file", f"{file}: no MOTION section")
    skeleton = _skeleton(_Words(parts[0], file))
    header = re.match(r"\s*Frames:\s*(\S+)\s+Frame\s+Time:\s*(\S+)[^\n]*(?:\n|$)", parts[1], re.IGNORECASE)
    line = parts[0].count("\n") + 2
    if not header or not header.group(1).isdigit():
        raise DamagedItemError(
            "malformed BVH", f"{file} line {line}: 'Frames: N' and 'Frame Time: S' expected after MOTION"
        )
    fps = _frames_per_second(header.group(2), f"{file} line {line + 1}")
    first = line + parts[1][: header.end()].count("\n") - 1
    motion = _motion(parts[1][header.end() :], skeleton, int(header.group(1)), file, first)
    return skeleton, motion, fps


def _frames_per_second(word: str, where: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 1e-4 <= seconds <= 10:
        raise DamagedItemError(
            "malformed BVH", f"{where}: frame time {word!r} is not a plausible number of seconds"
        )
    rate = 1 / seconds
    return float(round(rate)) if abs(rate - round(rate)) < 1e-3 * rate else rate


def _skeleton(words: _Words) -> BvhSkeleton:
    draft = _Draft()
    if words.next().upper() != "HIERARCHY" or words.next().upper() != "ROOT":
        raise words.error("HIERARCHY and ROOT expected")
    open_joints = [_begin(draft, words.rest_of_line(), -1, words)]
    while open_joints:
        keyword = words.next().upper()
        if keyword == "OFFSET":
            draft.offsets[open_joints[-1]] = (words.number(), words.number(), words.number())
        elif keyword == "CHANNELS":
            draft.channels[open_joints[-1]] = _channel_names(words)
        elif keyword == "JOINT":
            open_joints.append(_begin(draft, words.rest_of_line(), open_joints[-1], words))
        elif keyword == "END":
            words.rest_of_line()
            name = f"{draft.names[open_joints[-1]]}.end"
            open_joints.append(_begin(draft, name, open_joints[-1], words))
        elif keyword == "}":
            open_joints.pop()
        else:
            raise words.error(f"{keyword!r} is no keyword of a hierarchy")
    if words.place != len(words.words):
        raise words.error("more than one root; one person a file is expected")
    return BvhSkeleton(
        tuple(draft.names), tuple(draft.parents), np.array(draft.offsets), tuple(draft.channels)
    )


def _begin(draft: _Draft, name: str, parent: int, words: _Words) -> int:
    if words.next() != "{":
        raise words.error(f"'{{' expected after {name!r}")
    draft.names.append(name)
    draft.parents.append(parent)
    draft.offsets.append((0.0, 0.0, 0.0))
    draft.channels.append(())
    return len(draft.names) - 1


def _channel_names(words: _Words) -> tuple[str, ...]:
    count = int(words.number())
    names = tuple(words.next().lower() for _ in range(count))
    if len(set(names)) != count or not set(names) <= set(_CHANNELS):
        raise DamagedItemError(
            "bad axis order",
            words.error(f"CHANNELS {count} {' '.join(names)!r} is not a list of different channels").detail,
        )
    return names


def _motion(text: str, skeleton: BvhSkeleton, frames: int, file: str, first_line: int) -> NDArray[np.float64]:
    width = skeleton.first_column[-1]
    values = scan(text)[0]
    if not frames or not values.size:
        raise DamagedItemError("no frames", f"{file}: no frame")
    if not np.isfinite(values).all():
        raise _bad_number(text, file, first_line)
    if values.size != frames * width:
        reason = "truncated file" if values.size < frames * width else "wrong number of values"
        raise DamagedItemError(
            reason,
            f"{file}: {frames} frames of {width} channels are {frames * width} values, found {values.size}",
        )
    return values.reshape(frames, width)


def _bad_number(text: str, file: str, first_line: int) -> DamagedItemError:
    """Error for the first word that is no finite number, with its line."""
    for number, line in enumerate(text.splitlines(), first_line):
        values = scan(line)[0]
        if not np.isfinite(values).all():
            word = line.split()[int(np.isfinite(values).argmin())]
            reason = (
                "not a finite number" if word.lower().lstrip("+-")[:3] in ("nan", "inf") else "not a number"
            )
            return DamagedItemError(reason, f"{file} line {number}: {word!r}")
    raise AssertionError("called for numbers that are all finite")
