"""Exports of a store: the pieces that are not there yet, several at a time, then what belongs to them all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal, Protocol

from pipelines.progress import Progress
from synth.export import coco, webdataset
from synth.export.samples import ExportSource, Piece

Format = Literal["webdataset", "coco"]


class Layout(Protocol):
    """What a module of `synth.export` offers."""

    begin: Callable[[ExportSource, Path], list[Piece]]
    write_piece: Callable[[ExportSource, Path, Piece], None]
    finish: Callable[[ExportSource, Path], list[Path]]


def layout_of(kind: Format) -> Layout:
    """Find the module of a format."""
    return {"webdataset": webdataset, "coco": coco}[kind]


def make_export(
    export: ExportSource, kind: Format, out: Path, threads: int | None, progress: Progress
) -> list[str]:
    """Make an export, or go on with it.

    Parameters
    ----------
    export : ExportSource
    kind : str
    out : Path
        Folder, new or begun by the same request.
    threads : int or None
        Threads that encode (OpenCV works without Python's lock); one for each usable core if not given.
    progress : Progress

    Returns
    -------
    list of str
        What to tell the user.

    Raises
    ------
    InputError
        As of the format's `begin`.
    """
    layout = layout_of(kind)
    pieces = layout.begin(export, out)
    total = sum(len(piece.ids) for piece in pieces)
    with progress.stage("exporting", total, "samples") as stage:
        for piece in _written(layout, export, out, pieces, threads or len(os.sched_getaffinity(0))):
            stage.advance(len(piece.ids))
    files = layout.finish(export, out)
    already = len(export.ids) - total
    told = f" ({already:,} were there already)" if already else ""
    return [
        f"{len(export.ids):,} samples{told} in {out}; "
        + ", ".join(str(path.relative_to(out)) for path in files)
    ]


def _written(
    layout: Layout, export: ExportSource, out: Path, pieces: Iterable[Piece], threads: int
) -> Iterable[Piece]:
    pool = ThreadPoolExecutor(threads)
    try:
        jobs = {pool.submit(layout.write_piece, export, out, piece): piece for piece in pieces}
        for job in as_completed(jobs):
            job.result()
            yield jobs[job]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
