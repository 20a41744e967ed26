"""Where the known sources lie under a data root: the publishers' folder names and archive names."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

from synth.sources.files import is_archive, list_files
from synth.sources.images import IMAGE_SUFFIXES

Roots = tuple[Path, ...]


def matching(base: Path, patterns: tuple[str, ...], *, folders: bool) -> list[Path]:
    """Folders, or archives, directly in a folder whose names match patterns, upper or lower case.

    Parameters
    ----------
    base : Path
        Folder to look in.
    patterns : tuple of str
        Lower-case shell patterns; earlier ones come first in the result.
    folders : bool
        Folders are wanted, else archives.
    """
    if not base.is_dir():
        return []
    entries = [p for p in sorted(base.iterdir()) if not p.name.startswith(".")]
    found: list[Path] = []
    for pattern in patterns:
        for path in entries:
            fits = fnmatch(path.name.lower(), pattern) and (path.is_dir() if folders else is_archive(path))
            if fits and path not in found:
                found.append(path)
    return found


def find_clips(
    data_root: Path, folders: tuple[str, ...], archives: tuple[str, ...], suffix: str, *, every: bool = False
) -> Roots:
    """Folders or archives that hold the clips of a motion source.

    In each folder of a known name the publisher's archives are looked for first, then loose files at any
    depth, then other archives; the first that has clips counts, so that an archive and its unpacked copy are
    not read twice. Last, the publisher's archives directly under the data root.

    Parameters
    ----------
    data_root : Path
        Folder of all data.
    folders, archives : tuple of str
        Patterns of known names.
    suffix : str
        Ending of a clip's file name.
    every : bool
        Take all known folders, not only the first that has clips.
    """

    def with_clips(paths: list[Path]) -> list[Path]:
        return [path for path in paths if list_files(path, suffix)]

    found: list[Path] = []
    for folder in matching(data_root, folders, folders=True):
        found += (
            with_clips(matching(folder, archives, folders=False))
            or with_clips([folder])
            or with_clips(matching(folder, ("*",), folders=False))
        )
        if found and not every:
            break
    return tuple(found or with_clips(matching(data_root, archives, folders=False)))


def find_leeds(data_root: Path, folders: tuple[str, ...], archives: tuple[str, ...]) -> Roots:
    """Find the folder or archive with the `joints.mat` of a Leeds data set; empty if there is none."""
    candidates = _candidates(data_root, folders, archives)
    return tuple(path for path in candidates if list_files(path, "joints.mat"))[:1]


def find_annotated(
    data_root: Path,
    folders: tuple[str, ...],
    archives: tuple[str, ...],
    annotation: Callable[[Path], str | None],
    image_archives: tuple[str, ...],
) -> Roots:
    """Where the annotations and the images of a source lie, which may be two places.

    Parameters
    ----------
    data_root : Path
        Folder of all data.
    folders, archives : tuple of str
        Patterns of known names.
    annotation : callable
        The member of a folder or archive that holds the annotations, or None.
    image_archives : tuple of str
        Patterns of the archives of images.

    Returns
    -------
    tuple of Path
        (annotations, images); empty if there are no annotations. Places that have both come first.
    """
    candidates = _candidates(data_root, folders, archives)
    annotated = [path for path in candidates if annotation(path)]
    best: Roots = ()
    for path in annotated:
        beside = path if path.is_dir() else path.parent
        packed = [p for p in (beside, data_root) for p in matching(p, image_archives, folders=False)]
        others = [p for p in candidates if p not in annotated]
        for images in (path, *([beside] if beside != data_root else []), *packed, *others):
            if list_files(images, *IMAGE_SUFFIXES):
                return path, images
        best = best or (path, path)
    return best


def find_recordings(
    folders: tuple[str, ...], holds: Callable[[Path], object], data_root: Path, suffixes: tuple[str, ...] = ()
) -> Roots:
    """Find the folder of filmed recordings that holds what is wanted; empty if there is none.

    Parameters
    ----------
    folders : tuple of str
        Patterns of known names.
    holds : callable
        Lists what is wanted of a folder, or gives nothing.
    data_root : Path
        Folder of all data.
    suffixes : tuple of str
        A file with such an ending must be there, too, if any are given.
    """
    for folder in matching(data_root, folders, folders=True):
        if holds(folder) and (not suffixes or list_files(folder, *suffixes)):
            return (folder,)
    return ()


def find_frames(folders: tuple[str, ...], holds: Callable[[Path], object], data_root: Path) -> Roots:
    """Find the folder of filmed recordings that also holds images; see `find_recordings`."""
    return find_recordings(folders, holds, data_root, IMAGE_SUFFIXES)


def _candidates(data_root: Path, folders: tuple[str, ...], archives: tuple[str, ...]) -> list[Path]:
    """Folders of known names, the known archives in them, and the known archives under the data root."""
    found: list[Path] = []
    for folder in matching(data_root, folders, folders=True):
        found += [folder, *matching(folder, archives, folders=False)]
    return found + matching(data_root, archives, folders=False)
