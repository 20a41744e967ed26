from __future__ import annotations

import cv2
import numpy as np

from synth.environment import library_versions, use_one_thread


def test_versions_are_those_of_the_imported_libraries():
    versions = library_versions()
    assert list(versions) == ["python", "numpy", "numba", "scipy", "opencv", "numcodecs"]
    assert versions["numpy"] == np.__version__


def test_opencv_keeps_to_one_thread():
    before = cv2.getNumThreads()
    use_one_thread()
    assert cv2.getNumThreads() == 1
    cv2.setNumThreads(before)
