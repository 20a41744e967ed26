"""Text of `.asf` files to skeletons, with errors that name the line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth.sources.acclaim import METRES_PER_INCH, AcclaimSkeleton
from synth.sources.records import DamagedItemError

_CHANNELS = ("tx", "ty", "tz", "rx", "ry", "rz", "l")
_IGNORED_SECTIONS = (":version", ":name", ":documentation", ":skin")


@dataclass(frozen=True)
class Line:
    """One line that says something: its number, its first word and the others, in lower case."""

    number: int
    key: str
    words: list[str]


@dataclass
class _Bone:
    """A bone as far as it has been read, in the file's units."""

    name: str = ""
    line: int = 0
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    order: str = "xyz"
    channels: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A skeleton as far as it has been read."""

    units: dict[str, str] = field(default_factory=dict)
    root: _Bone = field(default_factory=lambda: _Bone("root"))
    bones: list[_Bone] = field(default_factory=list)
    parents: dict[str, tuple[str, int]] = field(default_factory=dict)


def parse_asf(text: str, file: str = "ASF") -> AcclaimSkeleton:
    """Skeleton of an `.asf` file.

    Parameters
    ----------
    text : str
        The file's text; case, line ends, comments (``#``) and the order of the sections don't matter.
    file : str
        Name for error messages.

    Raises
    ------
    DamagedItemError
        Naming the line that cannot be read.
    """
    draft = _Draft()
    section = ""
    for line in spoken_lines(text):
        if line.key.startswith(":"):
            section = line.key
        elif section == ":units":
            draft.units[line.key] = line.words[0] if line.words else ""
        elif section == ":root":
            _read_root(draft.root, line, file)
        elif section == ":bonedata":
            _read_bone(draft.bones, line, file)
        elif section == ":hierarchy" and line.key not in ("begin", "end"):
            for child in line.words:
                if child in draft.parents:
                    raise _malformed(file, line.number, f"bone {child} has two parents")
                draft.parents[child] = (line.key, line.number)
        elif section not in (*_IGNORED_SECTIONS, ":hierarchy"):
            raise _malformed(file, line.number, f"{line.key!r} belongs to no known section")
    return _finished(draft, file)


def spoken_lines(text: str) -> Iterator[Line]:
    """Lines of an ASF or AMC file that say something, comments left out."""
    for number, raw in enumerate(text.splitlines(), 1):
        words = raw.split("#", 1)[0].lower().split()
        if words:
            yield Line(number, words[0], words[1:])


def _malformed(file: str, line: int, what: str) -> DamagedItemError:
    return DamagedItemError("malformed ASF", f"{file} line {line}: {what}")


def _floats(line: Line, words: list[str], count: int, file: str) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in words)
    except ValueError:
        values = ()
    if len(values) != count or not np.isfinite(values).all():
        raise _malformed(
            file, line.number, f"{line.key} expects {count} finite numbers, found {' '.join(words)!r}"
        )
    return values


def _order(line: Line, letters: str, file: str) -> str:
    if sorted(letters) != ["x", "y", "z"]:
        raise DamagedItemError(
            "bad axis order",
            f"{file} line {line.number}: axis {letters.upper()!r} is not a permutation of XYZ",
        )
    return letters


def _channel_names(line: Line, file: str) -> tuple[str, ...]:
    unknown = [word for word in line.words if word not in _CHANNELS]
    if unknown or len(set(line.words)) != len(line.words):
        raise DamagedItemError(
            "bad axis order",
            f"{file} line {line.number}: {line.key} {' '.join(line.words)!r} is not a list of different"
            f" channels out of {' '.join(_CHANNELS)}",
        )
    return tuple(line.words)


def _read_root(root: _Bone, line: Line, file: str) -> None:
    if line.key == "order":
        root.channels = _channel_names(line, file)
    elif line.key == "axis":
        root.order = _order(line, "".join(line.words), file)
    elif line.key == "position":
        root.direction = _floats(line, line.words, 3, file)
    elif line.key == "orientation":
        root.axis = _floats(line, line.words, 3, file)
    else:
        raise _malformed(file, line.number, f"the root has no {line.key!r}")


def _read_bone(bones: list[_Bone], line: Line, file: str) -> None:
    if line.key == "begin":
        bones.append(_Bone(line=line.number))
        return
    if not bones:
        raise _malformed(file, line.number, f"{line.key!r} before the first 'begin'")
    bone = bones[-1]
    if line.key == "name":
        bone.name = " ".join(line.words)
    elif line.key == "direction":
        bone.direction = _floats(line, line.words, 3, file)
    elif line.key == "length":
        bone.length = _floats(line, line.words, 1, file)[0]
    elif line.key == "axis":
        bone.axis = _floats(line, line.words[:3], 3, file)
        bone.order = _order(line, "".join(line.words[3:]) or "xyz", file)
    elif line.key == "dof":
        bone.channels = _channel_names(line, file)
    # Ids, limits, masses and skin don't bear on where the bones are.


def _finished(draft: _Draft, file: str) -> AcclaimSkeleton:
    bones = [draft.root, *draft.bones]
    names = tuple(bone.name for bone in bones)
    _check_tree(draft, names, file)
    scale = METRES_PER_INCH / _unit_length(draft, file)
    degrees = not draft.units.get("angle", "deg").startswith("rad")
    offsets = [np.array(draft.root.direction)] + [_offset(bone, file) for bone in draft.bones]
    axes = np.array([bone.axis for bone in bones])
    return AcclaimSkeleton(
        names=names,
        parents=(-1, *(names.index(draft.parents[name][0]) for name in names[1:])),
        offsets=np.array(offsets) * scale,
        axes=np.radians(axes) if degrees else axes,
        orders=tuple(bone.order for bone in bones),
        channels=tuple(bone.channels for bone in bones),
        metres_per_unit=scale,
        degrees=degrees,
    )


def _unit_length(draft: _Draft, file: str) -> float:
    word = draft.units.get("length", "1")
    try:
        length = float(word)
    except ValueError:
        length = 0.0
    if not 0 < length < np.inf:
        raise DamagedItemError("malformed ASF", f"{file}: ':units length {word}' is not a positive number")
    return length


def _offset(bone: _Bone, file: str) -> NDArray[np.float64]:
    direction = np.array(bone.direction)
    norm = float(np.linalg.norm(direction))
    if norm == 0 and bone.length != 0:
        raise _malformed(file, bone.line, f"bone {bone.name} has a length of {bone.length} and no direction")
    # Six printed digits are taken as they are; only a direction that was never of unit length is normalised.
    return direction * bone.length / (norm if norm > 0 and abs(norm - 1) > 1e-3 else 1.0)


def _check_tree(draft: _Draft, names: tuple[str, ...], file: str) -> None:
    if not draft.bones or not draft.parents:
        raise DamagedItemError("truncated file", f"{file}: no :bonedata or no :hierarchy")
    for bone in draft.bones:
        if not bone.name or names.count(bone.name) > 1:
            raise _malformed(file, bone.line, f"bone name {bone.name!r} is empty or used twice")
    for child, (parent, line) in draft.parents.items():
        for name in (child, parent):
            if name not in names:
                raise DamagedItemError("unknown bone", f"{file} line {line}: {name!r} is not in :bonedata")
    for bone in draft.bones:
        if bone.name not in draft.parents:
            raise _malformed(file, bone.line, f"bone {bone.name} is not in the hierarchy")
    for name in names[1:]:
        seen = [name]
        while seen[-1] != "root":
            seen.append(draft.parents[seen[-1]][0] if seen[-1] in draft.parents else "root")
            if len(seen) > len(names) + 1:
                raise _malformed(file, draft.parents[name][1], f"bone {name} hangs on itself")
