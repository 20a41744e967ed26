"""The README's picture of skeleton maps: ten recorded poses, foreground maps above background maps.

Usage: python docs/skeleton_maps.py DATA_ROOT PICTURE
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.labels.palette import colour_maps
from synth.labels.skeleton_maps import (
    DEEPSKELETON16_OF_H36M17,
    SkeletonMaps,
    crops_around,
    draw_maps,
    project_bones,
)
from synth.poses import build_library
from synth.queries import make_queries
from synth.query_plan import plan_queries
from synth.sources.catalog import iter_motion
from synth.splits import SplitCycle

PEOPLE = 10
CANDIDATES = 2000
SPREAD = 0.9
"""Quantile of the people's drawn area above which they are shown: their limbs don't lie in one line."""
PIXEL = 3
GAP = 6
MARGIN = 1.15
"""Side of the crop as a multiple of the person's larger extent."""


def main() -> None:
    """Choose poses spread out in the picture whose limbs cross the most, one a motion file, and draw them."""
    maps = _candidates(Path(sys.argv[1]))
    rows = [
        np.hstack([_cell(people[n]) for n in range(PEOPLE)]) for people in (maps.foreground, maps.background)
    ]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(sys.argv[2], sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _candidates(data_root: Path) -> SkeletonMaps:
    """Draw the chosen poses of CMU, seen from random views."""
    library, _ = build_library(iter_motion("cmu", data_root))
    people = make_queries(plan_queries(library, SplitCycle(1, 0, 0), seed=0), np.arange(CANDIDATES))
    flat = people.joints2d[:, DEEPSKELETON16_OF_H36M17]
    low, high = flat.min(axis=1), flat.max(axis=1)
    crops = crops_around((low + high) / 2, (high - low).max(axis=1), MARGIN)
    solid = people.joints3d[:, DEEPSKELETON16_OF_H36M17]
    maps = draw_maps(project_bones(solid, people.cameras.K, crops))
    crossing = (maps.foreground != maps.background).sum(axis=(1, 2))
    spread = (maps.foreground > 0).sum(axis=(1, 2))
    order = np.lexsort([-crossing, spread < np.quantile(spread, SPREAD)])
    _, first = np.unique(library.file_of[people.pose[order]], return_index=True)
    best = order[np.sort(first)[:PEOPLE]]
    return SkeletonMaps(maps.foreground[best], maps.background[best])


def _cell(bones: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One map, enlarged, with a white edge."""
    large = colour_maps(bones).repeat(PIXEL, axis=0).repeat(PIXEL, axis=1)
    return np.pad(large, ((0, GAP), (0, GAP), (0, 0)), constant_values=255)


if __name__ == "__main__":
    main()
