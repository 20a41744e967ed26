"""Estimates in files, so that any program's can be compared with a store; needs numpy alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.cache import atomic_write
from synth.errors import InputError
from synth.metrics.estimates import ARRAYS, Estimates
from synth.npz import read_npz
from synth.skeletons import BODY13, COCO17, DEEPSKELETON16, H36M17, LSP14, MPII16

SKELETONS = {skeleton.name: skeleton for skeleton in (H36M17, BODY13, MPII16, LSP14, COCO17, DEEPSKELETON16)}
"""Skeletons that a file may name."""

_OTHERS = ("ids", "skeleton", "axes")


def save_estimates(path: Path, ids: NDArray[np.integer[Any]], estimates: Estimates) -> None:
    """Write estimates of the samples `ids` (N,) to an ``.npz`` file that `load_estimates` reads."""
    arrays = {name: value for name in ARRAYS if (value := getattr(estimates, name)) is not None}
    with atomic_write(path) as file:
        np.savez(file, ids=ids, skeleton=estimates.skeleton.name, axes=estimates.axes, **arrays)


def load_estimates(path: Path, ids: NDArray[np.integer[Any]]) -> Estimates:
    """Read the estimates of some samples.

    Parameters
    ----------
    path : Path
        An ``.npz`` file with ``ids`` (M,), sample ids in any order; ``skeleton``, the name of one of `SKELETONS`;
        any of the arrays of `Estimates`, of M rows; and ``axes`` if they aren't the camera's.
    ids : (N,) int
        Samples wanted, rising. Those that the file lacks are without an estimate (NaN, class -1); others in it are
        left out.

    Raises
    ------
    InputError
        The file can't be read, lacks what it must have, holds something else, or nothing of these samples.
    """
    stored = _read(path)
    found = _ids(path, stored)
    skeleton = _choice(path, stored, "skeleton", SKELETONS, None)
    axes = _choice(path, stored, "axes", {"camera": "camera", "ray": "ray"}, "camera")
    rows = np.searchsorted(ids, found)
    wanted = (rows < len(ids)) & (ids[np.minimum(rows, len(ids) - 1)] == found)
    if not wanted.any():
        raise InputError(f"{path} has estimates of none of the {len(ids):,} samples wanted: compare its ids")
    arrays = {}
    for name in ARRAYS:
        if name in stored:
            arrays[name] = _placed(path, name, stored[name], rows, wanted, len(ids))
    if not arrays:
        raise InputError(f"{path} has no estimates: give one or more of {', '.join(ARRAYS)}")
    return Estimates(skeleton, axes=axes, **arrays)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    arrays = read_npz(path)
    unknown = [name for name in arrays if name not in (*ARRAYS, *_OTHERS)]
    if unknown:
        raise InputError(
            f"{path} has an unknown array {unknown[0]!r}; expected {', '.join((*_OTHERS, *ARRAYS))}"
        )
    return arrays


def _ids(path: Path, stored: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    if "ids" not in stored:
        raise InputError(f"{path} has no array ids: the sample that each estimate is of")
    ids = stored["ids"]
    if ids.ndim != 1 or ids.dtype.kind not in "iu" or len(np.unique(ids)) != len(ids):
        raise InputError(
            f"{path}: ids of shape {ids.shape} and {ids.dtype}: expected (N,) different whole numbers"
        )
    return ids.astype(np.int64)


def _choice(
    path: Path, stored: dict[str, NDArray[Any]], name: str, choices: dict[str, Any], default: Any
) -> Any:
    if name not in stored and default is not None:
        return default
    text = str(stored[name]) if name in stored else "not given"
    if text not in choices:
        raise InputError(f"{path}: {name} {text}: expected one of {', '.join(choices)}")
    return choices[text]


def _placed(
    path: Path,
    name: str,
    values: NDArray[Any],
    rows: NDArray[np.intp],
    wanted: NDArray[np.bool_],
    people: int,
) -> NDArray[Any]:
    """Rows of an array where they belong among all people, nothing for the others."""
    whole = name in ("ranked", "classes")
    if values.dtype.kind not in ("iu" if whole else "fiu") or values.ndim < 1 or len(values) != len(rows):
        raise InputError(
            f"{path}: {name} is {values.dtype} of shape {values.shape}, expected {'whole ' if whole else ''}numbers, "
            f"a row for each of the {len(rows)} ids"
        )
    out = np.full((people, *values.shape[1:]), -1 if whole else np.nan, np.int64 if whole else np.float64)
    out[rows[wanted]] = values[wanted]
    return out
