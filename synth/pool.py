"""The image pool: every usable person of the image sources as a crop at one body scale, in one memory map.

An *entry* is what matching chooses: entries 0 to M-1 are the crops, M to 2M-1 their mirror images
(x -> 359 - x, left and right exchanged), which share the crops' pixels.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import StoreError
from synth.sources.records import Rejection
from synth.splits import SplitCycle, assign_photographs

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
REJECTIONS_FILE = "rejections.json"
IMAGES_FILE = "images.json"
CROPS_FILE = "crops.npy"
ENTRY_ARRAYS = ("joints", "labelled", "valid", "triangles", "usable")
ROW_ARRAYS = ("source", "image", "person", "photograph", "transform")


@dataclass(frozen=True)
class Pool:
    """An image pool on disk; all arrays are read-only memory maps, shared by the processes of a machine.

    M rows are crops; E entries are the crops and then, if the pool is mirrored, their mirror images (E = 2M).

    Parameters
    ----------
    path : Path
        Its folder.
    hash : str
        Content hash of what it was made from.
    digest : str
        Hash of its pixels and arrays.
    crops : (M, S, S, 3) uint8
        RGB; S is 360 by default. Box coordinates are crop coordinates minus (S - 220) / 2.
    joints : (E, 13, 2) float32
        Joints of `BODY13` in the entry's crop pixels, multiples of 1/4096; 0 where not labelled.
    labelled : (E, 13) bool
        Joints that are annotated and inside the crop.
    valid : (E, 4) float32
        x0, y0, x1, y1 of the part of the crop that shows the photograph (bounds included); the rest is
        reflected.
    triangles : (E, 28, 3) int8
        Delaunay triangles of the labelled joints (vertices 0 to 12) and the crop's corners (13 to 16: top
        left, top right, bottom left, bottom right), padded with -1.
    usable : (E,) bool
        Entries that may be matched; the others' photographs could not be read, and their crops are black.
    source, image, person : (M,) int16, int32, int32
        Position in `sources`, in that source's images, and the person's number in the photograph.
    photograph : (M,) int32
        Number of the photograph within the pool.
    transform : (M, 2, 3) float64
        Photograph pixels to crop pixels (not mirrored).
    sources : tuple of str
        Names of the sources.
    image_names : tuple of tuple of str
        Names of each source's images.
    """

    path: Path
    hash: str
    digest: str
    crops: NDArray[np.uint8]
    joints: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    valid: NDArray[np.float32]
    triangles: NDArray[np.int8]
    usable: NDArray[np.bool_]
    source: NDArray[np.int16]
    image: NDArray[np.int32]
    person: NDArray[np.int32]
    photograph: NDArray[np.int32]
    transform: NDArray[np.float64]
    sources: tuple[str, ...]
    image_names: tuple[tuple[str, ...], ...]

    def __reduce__(self) -> tuple[Callable[[Path], Pool], tuple[Path]]:
        # what travels to another process is the path, never the pixels
        return open_pool, (self.path,)

    def __len__(self) -> int:
        """Count the entries, E."""
        return len(self.joints)

    @property
    def rows(self) -> int:
        """Number of crops, M."""
        return len(self.crops)

    def is_flipped(self, entry: int) -> bool:
        """Whether an entry is a mirror image; its pixels are those of row `entry % rows`."""
        return entry >= self.rows

    def crop(self, entry: int) -> NDArray[np.uint8]:
        """Pixels of an entry as it is seen (mirrored where it is a mirror image), (S, S, 3) uint8."""
        pixels = self.crops[entry % self.rows]
        return pixels[:, ::-1] if self.is_flipped(entry) else pixels

    def photograph_key(self, entry: int) -> str:
        """``"source/image"`` of the photograph that an entry shows."""
        row = entry % self.rows
        return f"{self.sources[self.source[row]]}/{self.image_names[self.source[row]][self.image[row]]}"

    def splits(self, cycle: SplitCycle) -> NDArray[np.uint8]:
        """Split of every entry, (E,) uint8: that of its photograph, for everyone in it and mirrored.

        `assign_photographs` raises `InputError` where there are fewer photographs than splits.
        """
        numbers, keys = self._matched_photographs()
        of_photograph = np.zeros(int(self.photograph.max()) + 1, dtype=np.uint8)
        of_photograph[numbers] = assign_photographs(keys, cycle)
        return np.tile(of_photograph[self.photograph], len(self) // self.rows)

    def photograph_splits(self, cycle: SplitCycle) -> dict[str, int]:
        """Split of every photograph that may be matched, by its key; see `splits`."""
        keys = self._matched_photographs()[1]
        return dict(zip(keys, assign_photographs(keys, cycle).tolist(), strict=True))

    def _matched_photographs(self) -> tuple[NDArray[np.int32], list[str]]:
        """Numbers, ascending, and keys of the photographs that some usable entry shows."""
        usable = np.flatnonzero(self.usable[: self.rows])
        numbers, first = np.unique(self.photograph[usable], return_index=True)
        return numbers, [self.photograph_key(row) for row in usable[first]]

    def rejections(self) -> tuple[Rejection, ...]:
        """People and joints that were left out when the pool was made."""
        return tuple(Rejection(**item) for item in json.loads((self.path / REJECTIONS_FILE).read_text()))


def open_pool(path: Path) -> Pool:
    """Open a finished pool.

    Parameters
    ----------
    path : Path
        Its folder.

    Returns
    -------
    Pool
        All arrays mapped, none read.

    Raises
    ------
    StoreError
        If the folder is no pool, was written by another version, or lacks files or bytes.
    """
    try:
        manifest = json.loads((path / MANIFEST_FILE).read_text())
        names = json.loads((path / IMAGES_FILE).read_text())
        arrays = {name: _mapped(path / f"{name}.npy") for name in ENTRY_ARRAYS + ROW_ARRAYS}
        crops = _mapped(path / CROPS_FILE)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} is not a complete image pool ({error}); remove the folder to have it made again"
        ) from error
    if manifest["format_version"] != FORMAT_VERSION:
        raise StoreError(
            f"image pool {path} has format {manifest['format_version']}, this version reads "
            f"{FORMAT_VERSION}; remove the folder to have it made again"
        )
    return Pool(
        path=path,
        hash=manifest["hash"],
        digest=manifest["digest"],
        sources=tuple(manifest["sources"]),
        image_names=tuple(tuple(group) for group in names),
        crops=crops,
        **arrays,
    )


def _mapped(path: Path) -> NDArray[Any]:
    # a plain array over the map: numba is slow to recognise the subclass np.memmap
    return np.asarray(np.load(path, mmap_mode="r"))
