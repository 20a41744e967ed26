"""What an evaluation leaves in a folder: tables as JSON and Markdown, a plot, pictures of people, estimates."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.evaluation import Section
from synth.cache import atomic_write_bytes
from synth.errors import InputError
from synth.metrics.evaluated import Evaluated
from synth.metrics.files import save_estimates
from synth.metrics.markdown import document_lines
from synth.metrics.people import chosen_people, people_sheet
from synth.metrics.plots import hypothesis_plot
from synth.preview import encode_png
from synth.store.reader import Store

JSON, MARKDOWN = "evaluation.json", "evaluation.md"


def write_evaluation(
    folder: Path, sections: Sequence[Section], document: dict[str, Any], pictures: bool, keep_estimates: bool
) -> list[str]:
    """Write everything, the JSON file last.

    Parameters
    ----------
    folder : Path
        Made if it isn't there.
    sections : sequence of Section
    document : dict
        Their tables, see `markdown.document_lines`.
    pictures : bool
        Whether the best, middling and worst people of each row are drawn.
    keep_estimates : bool
        Whether each row's estimates are written.

    Returns
    -------
    list of str
        What to tell the user.
    """
    lines = []
    for section, tables in zip(sections, document["data"], strict=True):
        stem = section.store.meta.path.name.removesuffix(".zarr")
        lines += _write_plot(folder / f"top-k-{stem}.png", tables["rows"])
        for name, row in section.rows.items():
            if pictures:
                _write_people(folder / f"people-{stem}-{_slug(name)}.png", section.store, row)
            if keep_estimates:
                save_estimates(folder / f"estimates-{stem}-{_slug(name)}.npz", row.ids, row.estimates)
    text = "\n".join(document_lines(document)) + "\n"
    atomic_write_bytes(folder / MARKDOWN, text.encode())
    atomic_write_bytes(folder / JSON, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())
    return [*lines, f"wrote {folder / MARKDOWN} and {JSON}"]


def _write_plot(path: Path, rows: Sequence[dict[str, Any]]) -> list[str]:
    try:
        plot = hypothesis_plot(rows)
    except InputError as error:
        return [f"{path.name} is not drawn: {error}"]
    if plot is not None:
        atomic_write_bytes(path, plot)
    return []


def _write_people(path: Path, store: Store, row: Evaluated) -> None:
    rows, captions = chosen_people(row.scores)
    if not captions:
        return
    images = store.read_images(row.ids[rows]) if "images" in store.names else None
    sheet = people_sheet(images, row.truth.take(rows), row.estimates.take(rows), captions)
    atomic_write_bytes(path, encode_png(sheet))


def _slug(name: str) -> str:
    """Name as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")
