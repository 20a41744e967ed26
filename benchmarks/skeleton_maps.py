"""Foreground and background skeleton maps (56x56, width 3) against vectorised numpy, on one core.

Recorded poses of CMU and HDM05 from random views, from 3D joints and cameras to both maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import argument_parser, benchmark_plan, best_of, report
from synth.labels.skeleton_maps import (
    CROPS,
    DEEPSKELETON16_OF_H36M17,
    MAP_SIZE,
    WIDTHS,
    SkeletonMaps,
    draw_maps,
    picture_crops,
    project_bones,
)
from synth.queries import make_queries

PEOPLE = 4000
NUMPY_PEOPLE = 100
CROP, WIDTH = 1.0, 3.0


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    people = make_queries(benchmark_plan(options.data_root), np.arange(PEOPLE))
    joints, K = people.joints3d[:, DEEPSKELETON16_OF_H36M17].astype(np.float64), people.cameras.K
    few = slice(NUMPY_PEOPLE)
    maps(joints[few], K[few])
    slow, expected = best_of(options.repeats, lambda: numpy_maps(joints[few], K[few]))
    fast, found = best_of(options.repeats, lambda: maps(joints, K))
    drawn = np.stack([found.foreground[few], found.background[few]])
    differ = np.count_nonzero(drawn != expected)
    if differ > 1e-5 * drawn.size:
        raise SystemExit(f"{differ} of {drawn.size} pixels differ from numpy")
    speed = PEOPLE / fast
    print(f"numpy {NUMPY_PEOPLE / slow:.0f} pairs/s, ours {speed:.0f} pairs/s; {differ} pixels differ")
    pairs = len(CROPS) * len(WIDTHS)
    seconds, _ = best_of(options.repeats, lambda: all_hypotheses(joints[:500], K[:500]))
    print(f"all {pairs} crops and widths: {500 / seconds:.0f} people/s, {500 * pairs / seconds:.0f} pairs/s")
    report("skeleton_maps", speed / (NUMPY_PEOPLE / slow), "numpy", speed, "pairs/s")


def maps(
    joints: NDArray[np.float64], K: NDArray[np.float64], crop: float = CROP, width: float = WIDTH
) -> SkeletonMaps:
    return draw_maps(project_bones(joints, K, picture_crops(len(joints), crop)), MAP_SIZE, width)


def all_hypotheses(joints: NDArray[np.float64], K: NDArray[np.float64]) -> list[SkeletonMaps]:
    return [maps(joints, K, crop, width) for crop in CROPS for width in WIDTHS]


def numpy_maps(joints: NDArray[np.float64], K: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Foreground and background (2, N, 56, 56) of people before the camera: all bones and pixels at once."""
    bones = project_bones(joints, K, picture_crops(len(joints), CROP))
    rows, columns = (axis.astype(np.float64) for axis in np.ogrid[:MAP_SIZE, :MAP_SIZE])
    drawn = np.empty((2, len(bones), MAP_SIZE, MAP_SIZE), np.uint8)
    for n, (start, end) in enumerate(bones.transpose(0, 2, 3, 1)[..., None, None]):
        across, down = end[0] - start[0], end[1] - start[1]
        right, below = columns - start[0], rows - start[1]
        share = np.clip((right * across + below * down) / (across**2 + down**2), 0.0, 1.0)
        covered = (right - share * across) ** 2 + (below - share * down) ** 2 <= (WIDTH / 2.0) ** 2
        nearness = start[2] + share * (end[2] - start[2])
        nearness = np.where(share == 1.0, end[2], nearness)
        some = covered.any(axis=0)
        drawn[0, n] = np.where(some, np.where(covered, nearness, -np.inf).argmax(axis=0) + 1, 0)
        drawn[1, n] = np.where(some, np.where(covered, nearness, np.inf).argmin(axis=0) + 1, 0)
    return drawn


if __name__ == "__main__":
    main()
