"""Reading ``.npz`` files that somebody else has made."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of a file, by name.

    Raises
    ------
    InputError
        There is no such file, or it holds something else: pickled objects are never read.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, AttributeError, BadZipFile) as error:
        raise InputError(f"{path} cannot be read as an .npz file of arrays: {error}") from error
