"""The libraries under this program: their versions, and how many threads they take."""

from __future__ import annotations

import platform

import cv2
import numba
import numcodecs
import numpy as np
import scipy


def library_versions() -> dict[str, str]:
    """Look up the versions of Python and of the libraries that the samples' bytes depend on."""
    libraries = {"numpy": np, "numba": numba, "scipy": scipy, "opencv": cv2, "numcodecs": numcodecs}
    return {"python": platform.python_version()} | {
        name: str(module.__version__) for name, module in libraries.items()
    }


def use_one_thread() -> None:
    """Keep OpenCV to the caller's thread: with one process a core, its own ones only get in the way."""
    cv2.setNumThreads(1)
