"""Curves of the best of several hypotheses, as a picture. Needs matplotlib, of the extra ``train``."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from synth.errors import InputError
from synth.metrics.tables import Table

PANELS: Mapping[str, tuple[str, float]] = {
    "rate": ("true class among the first k, %", 100.0),
    "centred_mm": ("3D error of the best of the first k, mm", 1.0),
    "pixels_px": ("2D error of the best of the first k, px", 1.0),
}
"""Label and factor of each curve of `tables.summarise`'s ``hypotheses``."""

_INCHES = 4.2


def hypothesis_plot(rows: Sequence[Table]) -> bytes | None:
    """Draw rates and errors by number of first hypotheses (Rogez & Schmid, Fig. 10).

    Parameters
    ----------
    rows : sequence of tables
        Of `tables.summarise`, with a ``name``.

    Returns
    -------
    bytes or None
        A PNG file; None if no row has hypotheses.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    panels = [key for key in PANELS if any(key in row["hypotheses"] for row in rows)]
    if not panels:
        return None
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("plots need matplotlib: install the extra 'train'") from error
    figure = Figure(figsize=(_INCHES * len(panels), _INCHES), layout="constrained")
    for place, key in enumerate(panels, start=1):
        label, factor = PANELS[key]
        axes = figure.add_subplot(1, len(panels), place, xscale="log", xlabel="k", ylabel=label)
        for row in rows:
            if key in row["hypotheses"]:
                values = factor * np.array(row["hypotheses"][key], dtype=np.float64)  # None becomes NaN
                axes.plot(row["hypotheses"]["k"], values, marker=".", label=row["name"])
        axes.grid(alpha=0.3)
        axes.legend()
    file = io.BytesIO()
    # no version of the program in the file: the same curves give the same bytes
    figure.savefig(file, format="png", dpi=120, metadata={"Software": None})
    return file.getvalue()
