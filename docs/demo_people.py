"""The README's picture of the demo pool: its first hundred people.

Usage: python docs/demo_people.py PICTURE
"""

from __future__ import annotations

import sys

import cv2
import numpy as np

from synth.sources.catalog import image_sources, load_image, locate, read_image_source

COLUMNS, ROWS = 10, 10
CELL = 160
QUALITY = 85


def main() -> None:
    """Read the pool as a run does (it is made if it isn't there) and put a hundred small pictures side by side."""
    [source] = image_sources("demo")
    images, _ = read_image_source(locate(source, None))
    cells = [_cell(load_image(images, number)) for number in range(COLUMNS * ROWS)]
    rows = [np.hstack(cells[row * COLUMNS : (row + 1) * COLUMNS]) for row in range(ROWS)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(sys.argv[1], sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def _cell(photograph: np.ndarray) -> np.ndarray:
    """Cut out the middle of a photograph, where the person is, and make it small."""
    margin = photograph.shape[0] // 5
    middle = photograph[margin:-margin, margin:-margin]
    return cv2.resize(middle, (CELL, CELL), interpolation=cv2.INTER_AREA)


if __name__ == "__main__":
    main()
