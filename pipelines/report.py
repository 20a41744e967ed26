"""What a run tells before it starts and at its end, and the contact sheet of its first samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.estimate import Estimate
from pipelines.progress import duration
from pipelines.runlog import beside
from synth.cache import atomic_write_bytes
from synth.preview import contact_sheet, encode_png
from synth.skeletons import H36M17
from synth.splits import SPLITS, SplitCycle
from synth.store.metadata import StoreMeta
from synth.store.reader import open_store
from synth.store.schema import BOX, VALID

_PAPER = 255
"""Grey level of the sheet where samples have no pictures."""


def sealed_line(meta: StoreMeta) -> str:
    """Say samples by split, failures and bytes of a sealed store."""
    seal = meta.seal or {}
    counts = _split_counts(meta)
    splits = ", ".join(f"{name} {count:,}" for name, count in zip(SPLITS, counts, strict=True) if count)
    failed = f", {seal['failed']:,} failed" if seal.get("failed") else ""
    return f"{meta.n:,} samples ({splits}{failed}), {seal.get('bytes', 0) / 1e9:,.2f} GB"


def _split_counts(meta: StoreMeta) -> tuple[int, ...]:
    """Count the samples of each split: by the cycle that ids run through, else one by one."""
    if "split_cycle" in meta.attributes:
        return SplitCycle(*meta.attributes["split_cycle"]).counts(meta.n)
    return tuple(np.bincount(open_store(meta.path).label("split"), minlength=len(SPLITS)).tolist())


def plan_lines(
    n: int,
    missing: int,
    counts: Sequence[str],
    estimate: Estimate,
    codec: str,
    workers: int,
    unit: str = "images",
) -> list[str]:
    """Say counts, bytes by codec and time of a run that is still to be made.

    Parameters
    ----------
    n, missing : int
        Samples of the store, and those to be made.
    counts : sequence of str
        Lines about what they are made of.
    estimate : Estimate
        With the time measured.
    codec : str
        The one that is chosen.
    workers : int
        Processes that make them.
    unit : str
        What samples are called.
    """
    lines = [f"samples: {n:,}, to be made: {missing:,}", *counts]
    for name, size in estimate.size.items():
        chosen = " (chosen)" if name == codec else ""
        lines.append(
            f"size with {name}: {missing * size / 1e9:,.2f} GB, {size / 1e3:,.0f} kB a sample{chosen}"
        )
    rate = workers / estimate.seconds
    lines.append(f"time: about {duration(missing / rate)} with {workers} worker(s), {rate:,.0f} {unit}/s")
    return lines


def write_preview(out: Path, count: int) -> list[str]:
    """Write the contact sheet of the first samples of a sealed store, if any are wanted; say where."""
    if not count:
        return []
    store = open_store(out)
    count = min(count, len(store))
    valid = store.read_label(VALID.name, 0, count)
    images = np.full((count, BOX, BOX, 3), _PAPER, np.uint8)
    if "images" in store.names:
        images[valid] = store.read_images(np.flatnonzero(valid))
    sheet = contact_sheet(images, store.read_label("joints2d", 0, count), valid, H36M17)
    path = beside(out, "preview.png")
    atomic_write_bytes(path, encode_png(sheet))
    return [f"  preview of samples 0 to {count - 1}: {path}"]
