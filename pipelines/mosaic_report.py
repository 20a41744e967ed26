"""What a mosaic run tells at its end, and the contact sheet of its first samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.describe import split_counts
from pipelines.estimate import Estimate
from pipelines.prepare import PreparedPool
from pipelines.progress import duration
from pipelines.recipe import Recipe
from pipelines.runlog import beside
from synth.cache import atomic_write_bytes
from synth.preview import contact_sheet, encode_png
from synth.queries import QueryPlan
from synth.skeletons import H36M17
from synth.splits import SPLITS, SplitCycle
from synth.store.metadata import StoreMeta
from synth.store.reader import open_store
from synth.store.schema import BOX, VALID


def sealed_line(meta: StoreMeta) -> str:
    """Say samples by split, failures and bytes of a sealed store."""
    seal = meta.seal or {}
    counts = SplitCycle(*meta.attributes["split_cycle"]).counts(meta.n)
    splits = ", ".join(f"{name} {count:,}" for name, count in zip(SPLITS, counts, strict=True) if count)
    failed = f", {seal['failed']:,} failed" if seal.get("failed") else ""
    return f"{meta.n:,} samples ({splits}{failed}), {seal.get('bytes', 0) / 1e9:,.2f} GB"


def plan_lines(
    recipe: Recipe, pool: PreparedPool, plan: QueryPlan, estimate: Estimate, missing: int, workers: int
) -> list[str]:
    """Say counts, bytes by codec and time of a run that is still to be made.

    Parameters
    ----------
    recipe : Recipe
    pool : PreparedPool
    plan : QueryPlan
    estimate : Estimate
        With the time measured.
    missing : int
        Samples to be made.
    workers : int
        Processes that make them.
    """
    lines = [f"samples: {recipe.output.n:,}, to be made: {missing:,}"]
    samples = dict(zip(SPLITS, recipe.output.cycle.counts(recipe.output.n), strict=True))
    for name, of in split_counts(recipe, pool, plan).items():
        lines.append(
            f"  {name}: {samples[name]:,} samples, {of['poses']:,} poses of {len(of['subjects'])} subjects, "
            f"{of['pool_entries']:,} pool entries from {of['photographs']:,} photographs"
        )
    for codec, size in estimate.size.items():
        chosen = " (chosen)" if codec == recipe.output.codec else ""
        lines.append(
            f"size with {codec}: {missing * size / 1e9:,.2f} GB, {size / 1e3:,.0f} kB a sample{chosen}"
        )
    rate = workers / estimate.seconds
    lines.append(f"time: about {duration(missing / rate)} with {workers} worker(s), {rate:,.0f} images/s")
    return lines


def write_preview(out: Path, count: int) -> list[str]:
    """Write the contact sheet of the first samples of a sealed store, if any are wanted; say where."""
    if not count:
        return []
    store = open_store(out)
    count = min(count, len(store))
    valid = store.read_label(VALID.name, 0, count)
    images = np.zeros((count, BOX, BOX, 3), np.uint8)
    images[valid] = store.read_images(np.flatnonzero(valid))
    sheet = contact_sheet(images, store.read_label("joints2d", 0, count), valid, H36M17)
    path = beside(out, "preview.png")
    atomic_write_bytes(path, encode_png(sheet))
    return [f"  preview of samples 0 to {count - 1}: {path}"]
