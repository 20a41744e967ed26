"""A store as one source of training samples: which of its samples, and which arrays of it and its label passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.splits import SPLITS
from synth.store.columns import ChunkColumn, Column, FilledColumn, LabelColumn, Layout, filled_layout
from synth.store.create import label_passes
from synth.store.labels import label_path
from synth.store.metadata import has_store
from synth.store.reader import Store, open_store
from synth.store.samples import sample_schema
from synth.store.schema import VALID

SPLIT = "split"


@dataclass(frozen=True)
class SampleSource:
    """The usable samples of one store; made by `open_source`. Can be pickled: the other process opens it again.

    Parameters
    ----------
    store : Store
    ids : (M,) int64
        Samples of the split asked for that failed neither in the store nor in a label pass used, rising.
    weight : float
        Share of this source in a mixture, relative to the others.
    columns : mapping of str to Column or None
        What was asked for, by name; None for an optional array that the store lacks.
    """

    store: Store
    ids: NDArray[np.int64]
    weight: float
    columns: Mapping[str, Column | None] = field(repr=False)
    _request: tuple[Any, ...] = field(repr=False)

    def __reduce__(self) -> tuple[Callable[..., SampleSource], tuple[Any, ...]]:
        return open_source, self._request

    def __len__(self) -> int:
        return len(self.ids)


def open_source(
    path: Path | str,
    arrays: Sequence[str],
    optional: Sequence[str] = (),
    split: str | None = "train",
    weight: float = 1.0,
) -> SampleSource:
    """Open a store, with the label passes that the arrays' names ask for.

    Parameters
    ----------
    path : Path or str
        A sealed store.
    arrays : sequence of str
        Arrays that it must have: ``"images"``, or ``"PASS/ARRAY"`` for one of ``STORE/labels/PASS``.
    optional : sequence of str
        Arrays that it may lack; a batch then holds NaN, -1 or False in their place.
    split : str or None
        ``"train"``, ``"val"`` or ``"test"``; None for all samples.
    weight : float
        Share of this source in a mixture, relative to the others.

    Raises
    ------
    InputError
        No such array, label pass or split, no sample left, or a weight that isn't positive.
    StoreError
        The store, or a label pass used, is not there, not sealed or damaged.
    """
    request = (path, tuple(arrays), tuple(optional), split, weight)
    if not 0 < weight < np.inf:
        raise InputError(f"weight {weight} of {path}: expected a positive number")
    parts: dict[str, Store] = {"": open_store(path)}
    columns: dict[str, Column | None] = {name: _column(parts, name) for name in arrays}
    columns |= {name: _optional_column(parts, name) for name in optional if name not in columns}
    return SampleSource(parts[""], _usable_ids(parts, split), float(weight), columns, request)


def _column(parts: dict[str, Store], name: str) -> Column:
    """Column of a name; the store of its label pass is opened and added to `parts`."""
    label_pass, _, array = name.rpartition("/")
    if label_pass not in parts:
        parts[label_pass] = _open_pass(parts[""].meta.path, label_pass, name)
    store = parts[label_pass]
    if array not in store.names:
        raise InputError(
            f"{store.meta.path} has no array {array!r}; it has {', '.join(store.names)}"
            + ("" if label_pass else _passes_told(store.meta.path))
        )
    return ChunkColumn(store, array) if store.meta.schema.array(array).sharded else LabelColumn(store, array)


def _optional_column(parts: dict[str, Store], name: str) -> Column | None:
    label_pass, _, array = name.rpartition("/")
    if label_pass not in parts:
        path = label_path(parts[""].meta.path, label_pass)
        if not has_store(path):
            return None
        parts[label_pass] = open_store(path)
    return _column(parts, name) if array in parts[label_pass].names else None


def _open_pass(store: Path, label_pass: str, name: str) -> Store:
    path = label_path(store, label_pass)
    if not has_store(path):
        raise InputError(
            f"{store} has no label pass {label_pass!r}, needed for {name!r}{_passes_told(store)}; "
            f"make it with: {_making(store, label_pass)}"
        )
    return open_store(path)


def _passes_told(store: Path) -> str:
    return f"; label passes there: {', '.join(path.name for path in label_passes(store)) or 'none'}"


def _making(store: Path, label_pass: str) -> str:
    kind, _, number = label_pass.rpartition("-")
    if kind == "classes" and number.isdecimal():
        return f"synth label classes {store} --k {number}"
    if label_pass.startswith("skeleton-maps"):
        named = "" if label_pass == "skeleton-maps" else f" --name {label_pass}"
        return f"synth label skeleton-maps {store}{named}"
    return f"synth label KIND {store} --name {label_pass} (synth label --help lists the kinds)"


def _usable_ids(parts: Mapping[str, Store], split: str | None) -> NDArray[np.int64]:
    store = parts[""]
    usable = np.logical_and.reduce([part.label(VALID.name) for part in parts.values()])
    if not usable.any():
        raise InputError(f"every sample of {store.meta.path} failed, in it or in a label pass asked for")
    if split is None:
        return np.flatnonzero(usable)
    splits = tuple(store.attributes.get("splits", SPLITS))
    if split not in splits or SPLIT not in store.names:
        told = f"splits {', '.join(splits)}" if SPLIT in store.names else "no splits"
        raise InputError(
            f"split {split!r}: {store.meta.path} has {told}; ask for one of them or for all samples"
        )
    numbers = store.label(SPLIT)
    ids = np.flatnonzero(usable & (numbers == splits.index(split)))
    if not len(ids):
        counts = np.bincount(numbers[usable], minlength=len(splits))
        told = ", ".join(f"{count:,} {name}" for name, count in zip(splits, counts, strict=False))
        raise InputError(f"{store.meta.path} has no samples of split {split!r}; it has {told}")
    return ids


def batch_layout(sources: Sequence[SampleSource], names: Sequence[str]) -> dict[str, Layout]:
    """Shape and dtype that each array has in batches of these sources.

    A dtype that holds the values of all sources; where one lacks the array, one that can say so.

    Raises
    ------
    InputError
        A name that a source was not opened with, arrays of different shapes, or an optional array that none
        has and that is unknown.
    """
    return {name: _common_layout(sources, name) for name in names}


def _common_layout(sources: Sequence[SampleSource], name: str) -> Layout:
    unasked = [source for source in sources if name not in source.columns]
    if unasked:
        raise InputError(f"{unasked[0].store.meta.path} was opened without {name!r}")
    columns = [source.columns[name] for source in sources]
    layouts = [column.layout for column in columns if column is not None]
    lacking = None in columns
    if not layouts:
        layouts = [_known_layout(name)]
    if len({layout.shape for layout in layouts}) > 1:
        told = " and ".join(str(layout.shape) for layout in layouts)
        raise InputError(f"array {name!r} has samples of different shapes in the stores given: {told}")
    dtype = np.result_type(*(layout.dtype for layout in layouts))
    common = Layout(layouts[0].shape, np.dtype(dtype))
    return filled_layout(common) if lacking else common


def _known_layout(name: str) -> Layout:
    known = {spec.name: spec for spec in sample_schema().arrays}
    if name not in known:
        raise InputError(f"no store given has the array {name!r}, so its shape is unknown: leave it out")
    return Layout(known[name].inner_shape, known[name].numpy_dtype)


def source_columns(
    sources: Sequence[SampleSource], layout: Mapping[str, Layout]
) -> dict[str, tuple[Column, ...]]:
    """Columns of each array, one a source; what a store lacks is filled in."""
    return {
        name: tuple(source.columns[name] or FilledColumn(expected) for source in sources)
        for name, expected in layout.items()
    }
