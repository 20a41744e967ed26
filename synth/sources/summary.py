"""What `synth sources` shows: every known source, whether it is here, and what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from synth.errors import InputError
from synth.sources import catalog
from synth.sources.records import MotionClip, Rejection


@dataclass(frozen=True)
class SourceSummary:
    """One known source.

    Parameters
    ----------
    name, title, kind, licence, publisher : str
        As in the catalogue; kind is ``"motion"`` or ``"images"``.
    roots : tuple of Path
        Where it was found; empty if it wasn't.
    clips, frames, subjects : int
        Of a motion source: those that can be used.
    images, people, joints : int
        Of an image source: photographs, people and labelled joints that can be used.
    rejections : dict of str to int
        How many items were left out, by reason.
    problem : str
        Why the source as a whole cannot be read; empty if it can.
    embedded : bool
        The program makes it itself when it is first used; it isn't counted here.
    """

    name: str
    title: str
    kind: str
    licence: str
    publisher: str
    roots: tuple[Path, ...] = ()
    clips: int = 0
    frames: int = 0
    subjects: int = 0
    images: int = 0
    people: int = 0
    joints: int = 0
    rejections: dict[str, int] = field(default_factory=dict)
    problem: str = ""
    embedded: bool = False


def summary(data_root: Path | str | None) -> list[SourceSummary]:
    """All known sources with what can be used of them; every file is read, at some 20,000 frames a second.

    Without a data root only embedded sources are there.

    Raises
    ------
    InputError
        If the data root is no folder.
    """
    root = catalog.data_root_if_any(data_root)
    return [_summarised(source, root) for source in (*catalog.MOTION_SOURCES, *catalog.IMAGE_SOURCES)]


def count_reasons(rejections: Iterable[Rejection]) -> dict[str, int]:
    """Count the items left out by reason, the most frequent first."""
    counts: Counter[str] = Counter()
    for rejection in rejections:
        counts[rejection.reason] += rejection.count
    return dict(counts.most_common())


def format_summary(rows: list[SourceSummary]) -> str:
    """Make a table for the terminal, under 120 columns, with what was left out below each source."""
    width = max(len(row.name) for row in rows) + 1
    lines = [
        f"{'source':<{width}}{'found':<9}{'clips/images':>13}{'frames/people':>14}{'subjects':>9}"
        f"{'joints':>10}  licence"
    ]
    for row in rows:
        motion = row.kind == "motion"
        numbers = (
            [row.clips, row.frames, row.subjects, ""] if motion else [row.images, row.people, "", row.joints]
        )
        cells = [f"{n:,}" if isinstance(n, int) and row.roots else "-" if n != "" else "" for n in numbers]
        lines.append(
            f"{row.name:<{width}}{'yes' if row.roots else 'embedded' if row.embedded else 'no':<9}"
            f"{cells[0]:>13}{cells[1]:>14}{cells[2]:>9}{cells[3]:>10}  {row.licence}"
        )
        lines += [f"{'':<{width}}{detail}" for detail in _details(row)]
    return "\n".join(lines)


def _details(row: SourceSummary) -> list[str]:
    if row.embedded:
        return ["made in the cache folder when first used; needs no data root"]
    if not row.roots:
        return [f"offered at {row.publisher}"]
    details = [f"in {root}" for root in dict.fromkeys(row.roots)]
    if row.problem:
        details.append(f"cannot be read: {row.problem}")
    details += [f"left out: {count:,} x {reason}" for reason, count in row.rejections.items()]
    return details


def _summarised(source: catalog.MotionSource | catalog.ImageSource, data_root: Path | None) -> SourceSummary:
    kind = "motion" if isinstance(source, catalog.MotionSource) else "images"
    row = SourceSummary(source.name, source.title, kind, source.licence, source.publisher)
    if source.embedded or data_root is None:
        return replace(row, embedded=source.embedded)
    try:
        roots = source.find(data_root)
        if not roots:
            return row
        counted = (
            _with_people(row, catalog.Location(source, roots))
            if isinstance(source, catalog.ImageSource)
            else _with_clips(row, data_root)
        )
        return replace(counted, roots=roots)
    except InputError as error:
        return replace(row, roots=(data_root,), problem=str(error))


def _with_clips(row: SourceSummary, data_root: Path) -> SourceSummary:
    clips = frames = 0
    subjects = set()
    rejections = []
    for result in catalog.iter_motion(row.name, data_root):
        if isinstance(result, MotionClip):
            clips += 1
            frames += len(result.joints)
            subjects.add(result.subject)
        else:
            rejections.append(result)
    left_out = count_reasons(rejections)
    return replace(row, clips=clips, frames=frames, subjects=len(subjects), rejections=left_out)


def _with_people(row: SourceSummary, location: catalog.Location) -> SourceSummary:
    images, rejections = catalog.read_image_source(location)
    return replace(
        row,
        images=len(images.images),
        people=len(images.image_of),
        joints=int(images.labelled.sum()),
        rejections=count_reasons(rejections),
    )
