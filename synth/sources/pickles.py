"""Arrays of Python objects in an `.npz`, which are pickles, read without running what a pickle may ask for.

A pickle can call anything; one that somebody passes around must not be loaded as it is. Here it may build
arrays, dictionaries, lists, numbers and strings, and nothing else.
"""

from __future__ import annotations

import pickle
import zipfile
from typing import IO, Any

import numpy as np

from synth.errors import InputError

_ALLOWED = frozenset(
    {("numpy", "ndarray"), ("numpy", "dtype")}
    | {
        (f"numpy.{core}.{module}", name)
        for core in ("core", "_core")
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    }
)


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that finds what arrays are made of, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def read_objects(stream: IO[bytes], member: str, file: str) -> Any:
    """Content of an array of Python objects in an `.npz`.

    Parameters
    ----------
    stream : binary stream
        The `.npz`; it must be able to seek.
    member : str
        Name of the array, such as ``"positions_3d"``.
    file : str
        Name for messages.

    Returns
    -------
    object
        Arrays, dictionaries, lists, numbers and strings, in each other; that of an array without axes itself.

    Raises
    ------
    InputError
        If the file is no `.npz`, has no such array, or the array cannot be read; or if its pickle asks for
        anything but the parts of arrays and plain containers.
    """
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(f"{member}.npy") as array:
            return _objects(array)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{file}: {member} is a pickle that holds more than arrays ({error}); it was not opened: get the "
            "file from its publisher"
        ) from error
    except KeyError as error:
        raise InputError(f"{file} holds no array {member!r}") from error
    except Exception as error:  # damaged archives and pickles raise whatever they lead to
        raise InputError(f"{file}: {member} cannot be read: {error!r}") from error


def _objects(array: IO[bytes]) -> Any:
    version = np.lib.format.read_magic(array)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in headers:
        raise ValueError(f"its .npy format {version} is unknown")
    shape, _, dtype = headers[version](array)
    if not dtype.hasobject:
        raise ValueError(f"it holds {dtype}, expected a dictionary")
    # pickles written by Python 2 hold bytes for strings
    content = _ArraysOnly(array, encoding="latin1").load()
    return content.item() if shape == () else content
