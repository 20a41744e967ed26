"""The known sources of motion and of annotated images, by name.

Names join with ``+`` (``"cmu+hdm05"``); `mpii-lsp` stands for MPII's training images, LSP-extended and the
first 1,000 images of LSP. Subjects are comparable across motion sources: subject ``"02"`` of `cmu` and of
CMU's files converted to BVH is one person.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from synth.errors import InputError, SourceMissingError
from synth.sources.files import fingerprint, list_files
from synth.sources.finders import Roots
from synth.sources.images import annotated_images, load_image
from synth.sources.kinds import ImageSource, MotionSource, Source
from synth.sources.known import ALIASES, IMAGE_SOURCES, MOTION_SOURCES
from synth.sources.motion import MotionItem, read_item
from synth.sources.records import AnnotatedImages, MotionClip, Rejection

__all__ = [
    "ALIASES",
    "IMAGE_SOURCES",
    "MOTION_SOURCES",
    "ImageSource",
    "Location",
    "MotionSource",
    "Source",
    "data_root_if_any",
    "data_root_or_default",
    "find_source",
    "image_sources",
    "iter_motion",
    "load_image",
    "locate",
    "motion_items",
    "motion_sources",
    "read_image_source",
    "read_images",
    "read_item",
    "read_motion",
    "source_fingerprint",
]

S = TypeVar("S", bound="Source")


@dataclass(frozen=True)
class Location:
    """Where a source was found."""

    source: Source
    roots: Roots


def data_root_if_any(data_root: Path | str | None) -> Path | None:
    """Resolve the data root: the one given, else `$SYNTH_DATA`, else None.

    Raises
    ------
    InputError
        If it is no folder.
    """
    root = data_root or os.environ.get("SYNTH_DATA")
    if root and not Path(root).is_dir():
        raise InputError(f"the data root {root} is not a folder")
    return Path(root) if root else None


def data_root_or_default(data_root: Path | str | None) -> Path:
    """Resolve the data root: the one given, else `$SYNTH_DATA`.

    Raises
    ------
    InputError
        If there is neither, or it is no folder.
    """
    root = data_root_if_any(data_root)
    if root is None:
        raise InputError(
            "no data root: give --data-root or set $SYNTH_DATA to the folder that holds the sources"
        )
    return root


def find_source(source: Source, data_root: Path | str | None) -> Location | None:
    """Where a source lies, or None if it isn't there. An embedded source needs no data root."""
    roots = source.find(Path() if source.embedded else data_root_or_default(data_root))
    return Location(source, roots) if roots else None


def locate(source: Source, data_root: Path | str | None) -> Location:
    """Where a source lies.

    Raises
    ------
    SourceMissingError
        If it isn't there: the message tells the layouts looked for and the publisher's page.
    """
    location = find_source(source, data_root)
    if location is None:
        raise SourceMissingError(
            f"source {source.name} ({source.title}) is not under {data_root_or_default(data_root)}; looked for"
            f" {'; '.join(source.layouts)}. Its publisher offers it at {source.publisher}"
        )
    return location


def motion_items(spec: str, data_root: Path | str | None) -> list[MotionItem]:
    """All clips of one or more motion sources as items for `read_item`, in the order of the names.

    Parameters
    ----------
    spec : str
        Names joined with ``+``, e.g. ``"cmu+hdm05"``.
    data_root : Path, str or None
        Folder of all data; None for `$SYNTH_DATA`. Embedded sources (`demo`) need neither.

    Raises
    ------
    InputError
        For an unknown name; `SourceMissingError` for a source that isn't there.
    """
    items: list[MotionItem] = []
    for source in motion_sources(spec):
        items += source.items(locate(source, data_root).roots)
    return items


def iter_motion(spec: str, data_root: Path | str | None) -> Iterator[MotionClip | Rejection]:
    """Read the clips of one or more sources, one at a time; arguments as for `motion_items`."""
    return map(read_item, motion_items(spec, data_root))


def read_motion(spec: str, data_root: Path | str | None) -> tuple[list[MotionClip], list[Rejection]]:
    """All clips of one or more sources in memory (204 bytes a frame); arguments as for `motion_items`."""
    clips: list[MotionClip] = []
    rejections: list[Rejection] = []
    for result in iter_motion(spec, data_root):
        if isinstance(result, MotionClip):
            clips.append(result)
        else:
            rejections.append(result)
    return clips, rejections


def motion_sources(spec: str) -> tuple[MotionSource, ...]:
    """List the motion sources that a spec such as ``"cmu+hdm05"`` names, each once."""
    return _named(spec, MOTION_SOURCES)


def image_sources(spec: str, *, testing: bool = False) -> tuple[ImageSource, ...]:
    """List the image sources that a spec such as ``"mpii-lsp"`` or ``"lspet+coco"`` names, each once.

    Parameters
    ----------
    spec : str
        Names joined with ``+``.
    testing : bool
        Sources that nothing may be trained on are allowed.

    Raises
    ------
    InputError
        For an unknown name, or a source for testing where none is allowed.
    """
    sources = _named(spec, IMAGE_SOURCES)
    for source in sources:
        if source.for_testing and not testing:
            raise InputError(
                f"{source.name} ({source.title}) is for testing: no training data may be made of it; "
                "synth crops makes a store of it to evaluate on"
            )
    return sources


def read_images(
    spec: str, data_root: Path | str | None, *, testing: bool = False
) -> tuple[tuple[AnnotatedImages, ...], list[Rejection]]:
    """Annotated people of one or more image sources.

    Parameters
    ----------
    spec : str
        Names joined with ``+``, e.g. ``"mpii-lsp"``.
    data_root : Path, str or None
        Folder of all data; None for `$SYNTH_DATA`.
    testing : bool
        As in `image_sources`.

    Raises
    ------
    InputError
        For an unknown name, or if nobody in a source can be used; `SourceMissingError` for a source that
        isn't there.
    """
    results: list[AnnotatedImages] = []
    rejections: list[Rejection] = []
    for source in image_sources(spec, testing=testing):
        images, left_out = read_image_source(locate(source, data_root))
        if not len(images.image_of):
            reasons = ", ".join(sorted({rejection.reason for rejection in left_out})) or "no people"
            raise InputError(f"nobody in {source.name} at {images.root} can be used: {reasons}")
        results.append(images)
        rejections += left_out
    return tuple(results), rejections


def read_image_source(location: Location) -> tuple[AnnotatedImages, list[Rejection]]:
    """Annotated people of one image source, and what had to be left out."""
    source = location.source
    if not isinstance(source, ImageSource):
        raise InputError(f"{source.name} is a source of motion, not of images")
    annotations, unused = source.read(location.roots[0])
    images, rejections = annotated_images(annotations, location.roots[-1])
    return images, unused + rejections


def source_fingerprint(locations: Iterable[Location]) -> str:
    """Hexadecimal hash of the contents of one or more sources: clips, or annotations and images.

    The same data packed and unpacked give different hashes (see `files.fingerprint`).
    """
    digest = hashlib.blake2b(digest_size=16)
    for source, roots in ((location.source, location.roots) for location in locations):
        for root in dict.fromkeys(roots):
            digest.update(f"{source.name} {fingerprint(root, list_files(root, *source.suffixes))}\n".encode())
    return digest.hexdigest()


def _named(spec: str, sources: tuple[S, ...]) -> tuple[S, ...]:
    """List the sources of a spec, aliases resolved, each once, in the order given."""
    aliases = dict(ALIASES)
    names = [name for part in spec.split("+") for name in aliases.get(part.strip(), (part.strip(),))]
    return tuple(_known(name, sources) for name in dict.fromkeys(names))


def _known(name: str, sources: tuple[S, ...]) -> S:
    by_name = {source.name: source for source in sources}
    for alias, meant in ALIASES:
        if name == alias and len(meant) == 1 and meant[0] in by_name:
            return by_name[meant[0]]
        if name == alias:
            raise InputError(f"{name} stands for {'+'.join(meant)}; name one of them here")
    if name in by_name:
        return by_name[name]
    known = [*by_name, *(alias for alias, meant in ALIASES if set(meant) <= set(by_name))]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    raise InputError(f"unknown source {name!r}; did you mean {nearest[0]!r}? Known: {', '.join(known)}")
