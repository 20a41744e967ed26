"""The procedural clips as an archive of ASF and AMC files, made once and found again."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from synth.cache import atomic_write, cache_dir, code_digest
from synth.sources.demo.body import UNIT, Body
from synth.sources.demo.clips import SUBJECTS, DemoClip, clip_name, demo_subject
from synth.sources.finders import Roots

Files: TypeAlias = list[tuple[str, str]]
RunSubjects: TypeAlias = Callable[
    [Callable[[tuple[int, int]], Files], Sequence[tuple[int, int]]], Iterable[Files]
]
"""How subjects are made: the built-in `map`, or a driver's own over many processes."""

MOTION_MADE_BY = (
    "sources/demo",
    *(f"sources/{name}.py" for name in ("acclaim", "amc", "asf", "humanoid", "kinematics")),
    *("geometry.py", "skeletons.py"),
)
"""Code that decides the motion, for `cache.code_digest`."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def demo_roots(data_root: Path) -> Roots:
    """Find or make the archive of the demo's motion, whatever the data root."""
    del data_root
    return (demo_archive(),)


def demo_archive(run: RunSubjects = map, seed: int = 0, subjects: int = SUBJECTS) -> Path:
    """Find the archive of procedural clips in the cache folder, or make it (some ten seconds).

    Parameters
    ----------
    run : callable
        Runs a function over tasks and returns the results in the tasks' order, as the built-in `map` does; a
        driver's own may use many processes. The archive holds the same bytes for any.
    seed : int
        Seed of all draws.
    subjects : int
        How many people; each has a folder with an `.asf` and its `.amc` files.

    Returns
    -------
    Path
        A `.zip` in the layout of CMU's, named after the generator's own code, the seed and the number of
        people: what another generator made is never taken for this one's.
    """
    digest = hashlib.blake2b(f"{code_digest(MOTION_MADE_BY)} {seed} {subjects}".encode(), digest_size=12)
    path = cache_dir() / "demo" / f"motion-{digest.hexdigest()}.zip"
    if not path.is_file():
        write_archive(path, seed, subjects, run)
    return path


def write_archive(path: Path, seed: int, subjects: int, run: RunSubjects = map) -> None:
    """Write an archive of procedural clips; the same bytes for the same arguments."""
    with (
        atomic_write(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for files in run(subject_files, [(seed, number) for number in range(subjects)]):
            for name, text in files:
                _add(archive, name, text)


def subject_files(task: tuple[int, int]) -> Files:
    """Names and texts of the files of one subject, given the seed and the subject's number."""
    subject = demo_subject(*task)
    clips = [
        (clip_name(subject.name, number, clip), amc_text(subject.body, clip))
        for number, clip in enumerate(subject.clips)
    ]
    return [(f"{subject.name}/demo_{subject.name}.asf", subject.body.asf), *clips]


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    archive.writestr(info, text.encode("ascii"), compresslevel=1)


def amc_text(body: Body, clip: DemoClip) -> str:
    """Text of an `.amc` file: thousandths of a degree, and of a file unit for the root (0.06 mm)."""
    skeleton = body.skeleton
    rows = np.degrees(clip.motion)
    rows[:, :3] = clip.motion[:, :3] / UNIT
    lines = [
        " ".join([name, *["%.3f"] * len(channels)])
        for name, channels in zip(skeleton.names, skeleton.channels, strict=True)
        if channels
    ]
    frame = "%d\n" + "\n".join(lines) + "\n"
    # rounding first leaves no negative zeros to print
    numbered = np.concatenate([np.arange(1, len(rows) + 1)[:, None], np.round(rows, 3) + 0.0], axis=1)
    return "#!made by synth\n:FULLY-SPECIFIED\n:DEGREES\n" + "".join(
        frame % tuple(row) for row in numbered.tolist()
    )
