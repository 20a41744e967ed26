"""The README's picture: the best matched samples of a small store, each above its skeleton.

Usage: python docs/picture.py STORE PICTURE
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from synth.preview import draw_skeleton
from synth.skeletons import H36M17
from synth.store.reader import open_store

COLUMNS = 8


def main() -> None:
    """Choose by mean matching cost and write the picture."""
    store = open_store(Path(sys.argv[1]))
    ids = store.valid_ids()
    cost = np.nanmean(store.label("matching_cost")[ids], axis=1)
    photographs = store.label("source_photograph")[ids]
    # One sample for each set of photographs, so that the pictures differ.
    seen: dict[frozenset[int], int] = {}
    for k in np.argsort(cost, kind="stable").tolist():
        seen.setdefault(frozenset(photographs[k].tolist()) - {-1}, int(ids[k]))
    best = np.array(sorted(list(seen.values())[:COLUMNS]))
    images, joints = store.read_images(best), store.label("joints2d")[best]
    drawn = [draw_skeleton(image, pose, H36M17) for image, pose in zip(images, joints, strict=True)]
    sheet = np.vstack([np.hstack(list(images)), np.hstack(drawn)])
    cv2.imwrite(sys.argv[2], cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])


if __name__ == "__main__":
    main()
