"""Text of `.amc` files to motions, with errors that name the line."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from synth.sources.acclaim import AcclaimSkeleton
from synth.sources.asf import Line, spoken_lines
from synth.sources.records import DamagedItemError
from synth.sources.tokens import scan, word_hashes


def parse_amc(text: str, skeleton: AcclaimSkeleton, file: str = "AMC") -> NDArray[np.float64]:
    """Channels of an `.amc` motion, in the order of the skeleton's bones.

    Parameters
    ----------
    text : str
        The file's text.
    skeleton : AcclaimSkeleton
        Skeleton that the motion was recorded with.
    file : str
        Name for error messages.

    Returns
    -------
    (F, C) float64
        Radians and metres; bone b has the columns `first_column[b]` to `first_column[b + 1]`.

    Raises
    ------
    DamagedItemError
        Naming the line that cannot be read.
    """
    header = re.match(r"(?:[ \t]*(?:[#:][^\n]*)?\r?\n)*", text)
    start = header.end() if header else 0
    motion = _regular_motion(text[start:], skeleton)
    if motion is None:
        motion = _any_motion(text, skeleton, file)
    words = text[:start].lower().split()
    degrees = ":degrees" in words or (skeleton.degrees and ":radians" not in words)
    names = [channel for channels in skeleton.channels for channel in channels]
    factors = {
        "r": np.pi / 180 if degrees else 1.0,
        "t": skeleton.metres_per_unit,
        "l": skeleton.metres_per_unit,
    }
    return motion * np.array([factors[name[0]] for name in names])


def _regular_motion(body: str, skeleton: AcclaimSkeleton) -> NDArray[np.float64] | None:
    """Motion whose frames all look like the first one, read in bulk; None for any other text."""
    bones = _frame_layout(body, skeleton)
    if bones is None:
        return None
    width = 1 + sum(1 + len(skeleton.channels[bone]) for bone in bones)
    values, hashes = scan(body)
    if len(values) % width:
        return None
    values, hashes = values.reshape(-1, width), hashes.reshape(-1, width)
    names = word_hashes([skeleton.names[bone] for bone in bones])
    motion = np.empty((len(values), skeleton.first_column[-1]))
    place = 1
    for bone, name in zip(bones, names, strict=True):
        if (hashes[:, place] != name).any():
            return None
        count, column = len(skeleton.channels[bone]), skeleton.first_column[bone]
        motion[:, column : column + count] = values[:, place + 1 : place + 1 + count]
        place += 1 + count
    numbers = values[:, 0]
    regular = np.isfinite(motion).all() and np.isfinite(numbers).all() and (numbers == numbers.round()).all()
    return motion if regular else None


def _frame_layout(body: str, skeleton: AcclaimSkeleton) -> list[int] | None:
    """Bones of the first frame in their order; None if one is missing or named twice."""
    # The first frame is read with room for long lines; a shorter text is read whole.
    words = body[: 1000 * len(skeleton.names)].lower().split()
    bones: list[int] = []
    place = 1
    while place < len(words) and words[place] in skeleton.names:
        bones.append(skeleton.names.index(words[place]))
        place += 1 + len(skeleton.channels[bones[-1]])
    needed = {bone for bone, channels in enumerate(skeleton.channels) if channels}
    return bones if len(set(bones)) == len(bones) and needed <= set(bones) else None


def _any_motion(text: str, skeleton: AcclaimSkeleton, file: str) -> NDArray[np.float64]:
    """Motion read line by line: any order of bones, comments anywhere, exact messages for what is wrong."""
    frames: list[dict[str, list[float]]] = []
    begun = 0
    lines = [line for line in spoken_lines(text) if not line.key.startswith(":")]
    for line in lines:
        if line.key.isdigit() and not line.words:
            if frames:
                _check_complete(frames, skeleton, file, begun, last=False)
            frames.append({})
            begun = line.number
        elif not frames:
            raise DamagedItemError(
                "malformed AMC", f"{file} line {line.number}: {line.key!r} before the first frame"
            )
        else:
            _read_channels(frames, line, skeleton, file, last=line is lines[-1])
    if not frames:
        raise DamagedItemError("no frames", f"{file}: no frame in {len(text)} characters")
    _check_complete(frames, skeleton, file, begun, last=True)
    return np.array([[value for name in skeleton.names for value in frame.get(name, [])] for frame in frames])


def _read_channels(
    frames: list[dict[str, list[float]]], line: Line, skeleton: AcclaimSkeleton, file: str, *, last: bool
) -> None:
    where = f"{file} line {line.number}"
    if line.key not in skeleton.names:
        # The last word of a file that was cut off is rarely whole.
        reason = (
            "truncated file"
            if last and any(n.startswith(line.key) for n in skeleton.names)
            else "unknown bone"
        )
        raise DamagedItemError(reason, f"{where}: {line.key!r} is no bone of the skeleton")
    if line.key in frames[-1]:
        raise DamagedItemError(
            "malformed AMC", f"{where}: bone {line.key} occurs twice in frame {len(frames)}"
        )
    channels = skeleton.channels[skeleton.names.index(line.key)]
    try:
        values = [float(word) for word in line.words]
    except ValueError:
        raise DamagedItemError("not a number", f"{where}: {' '.join(line.words)!r}") from None
    if len(values) != len(channels):
        reason = "truncated file" if last and len(values) < len(channels) else "wrong number of values"
        raise DamagedItemError(
            reason,
            f"{where}: bone {line.key} has the channels {' '.join(channels) or 'none'},"
            f" found {len(values)} values",
        )
    if not np.isfinite(values).all():
        raise DamagedItemError("not a finite number", f"{where}: {' '.join(line.words)!r}")
    frames[-1][line.key] = values


def _check_complete(
    frames: list[dict[str, list[float]]], skeleton: AcclaimSkeleton, file: str, line: int, *, last: bool
) -> None:
    needed = [name for name, channels in zip(skeleton.names, skeleton.channels, strict=True) if channels]
    missing = [name for name in needed if name not in frames[-1]]
    if missing:
        # A cut loses the tail of the first frame's order; a bone gone from every frame is another matter.
        whole = [name for name in frames[0] if name not in frames[-1]]
        cut = last and list(frames[0])[-len(missing) :] == missing == whole
        raise DamagedItemError(
            "truncated file" if cut else "bone missing in a frame",
            f"{file} line {line}: frame {len(frames)} lacks {', '.join(missing)}",
        )
