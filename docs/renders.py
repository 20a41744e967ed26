"""The README's picture of rendered people: samples of a store by ``synth render``, side by side.

Usage: python docs/renders.py STORE PICTURE

The picture that is there was made from ``synth render --mocap cmu --n 160 --seed 2 --people 100``.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from synth.store.reader import open_store

ROWS, COLUMNS = 4, 10
SIDE = 132
GAP = 4
QUALITY = 88


def main() -> None:
    """Arrange the first samples in rows."""
    images = open_store(sys.argv[1]).read_images(range(ROWS * COLUMNS))
    cells = [_cell(image) for image in images]
    rows = [np.hstack(cells[first : first + COLUMNS]) for first in range(0, len(cells), COLUMNS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(sys.argv[2], sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def _cell(image: np.ndarray) -> np.ndarray:
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(small, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255))


if __name__ == "__main__":
    main()
