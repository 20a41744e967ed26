"""Tables of several networks' measures as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from synth.metrics.tables import Table

Values = Mapping[str, Mapping[str, Any]]
"""What is shown in a table: of each network, values by name."""


class Measure(NamedTuple):
    """How a measure is shown: its key, name and unit; factor and decimals of its values; what it is."""

    key: str
    name: str
    unit: str
    factor: float = 1.0
    decimals: int = 1
    meaning: str = ""


OVERALL = (
    Measure("mpjpe_mm", "MPJPE", "mm", meaning="mean distance of the joints, poses laid on the pelvis"),
    Measure(
        "centred_mm",
        "torso-centred",
        "mm",
        meaning="that of 13 joints, poses laid on the torso centre (Rogez & Schmid's absolute error)",
    ),
    Measure(
        "rigid_mm", "rigid", "mm", meaning="that of the 13 joints after rigid alignment (their aligned error)"
    ),
    Measure("pa_mpjpe_mm", "PA-MPJPE", "mm", meaning="that of all joints after alignment with scale"),
    Measure("absolute_mm", "absolute", "mm", meaning="that of all joints where they stand before the camera"),
    Measure("pck3d", "3DPCK", "%", 100.0, meaning="joints of MPI-INF-3DHP's 14 nearer than 150 mm"),
    Measure("auc", "AUC", "%", 100.0, meaning="the same, averaged over thresholds from 0 to 150 mm"),
    Measure("pixels_px", "2D", "px", meaning="mean distance of the 13 joints in the 220-pixel box"),
    Measure("pckh", "PCKh@0.5", "%", 100.0, meaning="joints no farther off than half the head size"),
    Measure("class_rate", "class", "%", 100.0, meaning="people whose class is told right"),
    Measure(
        "without_estimate", "no estimate", "people", 1.0, 0, "wrong in every rate, left out of mean distances"
    ),
)
"""Columns of the first table; those without a value in any row are left out."""

_BY_NETWORK = (
    Measure("pixels_by_group", "2D error by group of joints", "px"),
    Measure("pckh_by_group", "PCKh@0.5 by group of joints", "%", 100.0),
    Measure("pck3d_by_group", "3DPCK by group of joints", "%", 100.0),
)
_BY_PERSON = tuple(measure for measure in OVERALL if measure.key in ("mpjpe_mm", "centred_mm", "pixels_px"))
_BY_JOINT = (
    Measure("rooted_mm", "MPJPE", "mm"),
    Measure("centred_mm", "torso-centred", "mm"),
    Measure("pixels_px", "2D", "px"),
)
_BY_DEPTH = (
    Measure("rate", "true class among the first k", "%", 100.0),
    Measure("centred_mm", "torso-centred error of the best of the first k", "mm"),
    Measure("pixels_px", "2D error of the best of the first k", "px"),
)
_SHOWN_DEPTHS = (1, 5, 10, 50, 100, 500, 1000)
_UNKNOWN = "–"


def document_lines(document: Mapping[str, Any], brief: bool = False) -> list[str]:
    """Lines of the Markdown text of an evaluation.

    Parameters
    ----------
    document : mapping
        ``data``: a list of ``{"title", "notes", "rows"}``, each row a table of `tables.summarise` with ``name``
        and ``losses``.
    brief : bool
        Leave out the tables by subject and by joint.
    """
    lines = ["# Evaluation"]
    for section in document["data"]:
        lines += ["", f"## {section['title']}", "", *_tables(section["rows"], brief)]
        lines += [line for note in section["notes"] for line in ("", note)]
    return lines


def _tables(rows: Sequence[Table], brief: bool) -> list[str]:
    """All tables of one store; those that would be empty are left out."""
    parts = [_overall(rows), _transposed("losses", {row["name"]: row["losses"] for row in rows}, _LOSS)]
    parts += [_flat(_heading(m), {row["name"]: row[m.key] for row in rows}, m) for m in _BY_NETWORK]
    parts += [_by_person(rows, "action", measure) for measure in _BY_PERSON]
    parts += [_by_depth(rows, measure) for measure in _BY_DEPTH]
    if not brief:
        parts += [_by_person(rows, "subject", measure) for measure in _BY_PERSON]
        parts += [_by_joint(rows, measure) for measure in _BY_JOINT]
    return [line for part in parts if part for line in (*part, "")][:-1]


_LOSS = Measure("", "", "", decimals=4)


def _overall(rows: Sequence[Table]) -> list[str]:
    used = [m for m in OVERALL if any(row["measures"][m.key] not in (None, 0) for row in rows)]
    head = ["", "joints", "people", *(f"{measure.name}, {measure.unit}" for measure in used)]
    body = [
        [row["name"], str(len(row["joints"])), f"{row['people']:,}"]
        + [_cell(row["measures"][measure.key], measure) for measure in used]
        for row in rows
    ]
    meanings = "; ".join(f"{measure.name}: {measure.meaning}" for measure in used)
    return [*table_lines(head, body), *(["", f"{meanings}."] if used else [])]


def _by_person(rows: Sequence[Table], what: str, measure: Measure) -> list[str]:
    """One measure of each action or subject, and their mean, which weighs each alike."""
    values = {}
    for row in rows:
        found = {name: of_group[measure.key] for name, of_group in row[f"by_{what}"].items()}
        known = [value for value in found.values() if value is not None]
        if len(known) > 1:
            found[f"mean of {what}s"] = sum(known) / len(known)
        values[row["name"]] = found
    return _transposed(f"{measure.name} by {what}, {measure.unit}", values, measure)


def _by_joint(rows: Sequence[Table], measure: Measure) -> list[str]:
    values = {row["name"]: {j: of.get(measure.key) for j, of in row["by_joint"].items()} for row in rows}
    return _transposed(f"{measure.name} by joint, {measure.unit}", values, measure)


def _by_depth(rows: Sequence[Table], measure: Measure) -> list[str]:
    values = {}
    for row in rows:
        curves = row["hypotheses"]
        pairs = zip(curves.get("k", ()), curves.get(measure.key, ()), strict=False)
        shown = (*_SHOWN_DEPTHS, *curves.get("k", ())[-1:])
        values[row["name"]] = {f"k = {k}": value for k, value in pairs if k in shown}
    return _flat(_heading(measure), values, measure)


def _heading(measure: Measure) -> str:
    return f"{measure.name}, {measure.unit}"


def _flat(heading: str, values: Values, measure: Measure) -> list[str]:
    """Lay out a table with a row for each network that has a value."""
    names = dict.fromkeys(name for found in values.values() for name in found)
    body = [
        [network, *(_cell(found.get(name), measure) for name in names)]
        for network, found in values.items()
        if _any_known(found)
    ]
    return [f"{_capital(heading)}:", "", *table_lines(["", *names], body)] if body else []


def _transposed(heading: str, values: Values, measure: Measure) -> list[str]:
    """Lay out a table with a column for each network that has a value."""
    names = dict.fromkeys(name for found in values.values() for name in found)
    networks = [network for network, found in values.items() if _any_known(found)]
    body = [
        [name, *(_cell(values[network].get(name), measure) for network in networks)]
        for name in names
        if any(values[network].get(name) is not None for network in networks)
    ]
    return [f"{_capital(heading)}:", "", *table_lines(["", *networks], body)] if networks else []


def _any_known(found: Mapping[str, Any]) -> bool:
    return any(value is not None for value in found.values())


def _capital(heading: str) -> str:
    return heading[0].upper() + heading[1:]


def _cell(value: float | None, measure: Measure) -> str:
    return _UNKNOWN if value is None else f"{measure.factor * value:,.{measure.decimals}f}"


def table_lines(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table whose columns also stand under each other in a terminal.

    Parameters
    ----------
    head : sequence of C str
    body : sequence of rows of C str
        The first column is set to the left, the others to the right.
    """
    rows = [[cell.replace("|", r"\|") for cell in row] for row in (head, *body)]
    widths = [max(3, *(len(row[n]) for row in rows)) for n in range(len(head))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    justified = [
        [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        for row in rows
    ]
    return [f"| {' | '.join(row)} |" for row in (justified[0], rule, *justified[1:])]
