from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from synth.errors import InputError
from synth.sources.pickles import read_objects


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def _npz(**arrays: object) -> io.BytesIO:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    stream.seek(0)
    return stream


def test_dictionaries_of_arrays_come_back_as_they_were() -> None:
    poses = {"S1": {"Walking 1": np.arange(6, dtype=np.float32).reshape(2, 3)}, "n": [1, 2.5, "x", None]}
    read = read_objects(_npz(poses=poses), "poses", "a.npz")
    assert read["n"] == poses["n"]
    np.testing.assert_array_equal(read["S1"]["Walking 1"], poses["S1"]["Walking 1"])
    assert read["S1"]["Walking 1"].dtype == np.float32


def test_arrays_of_objects_and_numpy_numbers_are_read() -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [np.zeros(3), {"k": np.float64(1.5)}]
    read = read_objects(_npz(cells=cells), "cells", "a.npz")
    assert read.shape == (2,)
    assert read[1] == {"k": 1.5}


def test_a_pickle_that_calls_anything_is_refused_and_not_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.npz: poses is a pickle that holds more than arrays .*mkdir"):
        read_objects(_npz(poses={"S1": Evil(tmp_path / "made")}), "poses", "a.npz")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (io.BytesIO(b"no archive"), "a.npz: poses cannot be read"),
        (_npz(other=np.zeros(2)), "holds no array 'poses'"),
        (_npz(poses=np.zeros(2)), "it holds float64, expected a dictionary"),
    ],
)
def test_other_files_are_refused(stream: io.BytesIO, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_objects(stream, "poses", "a.npz")


def test_a_truncated_pickle_is_refused() -> None:
    whole = _npz(poses={"S1": np.zeros(4)})
    with zipfile.ZipFile(whole) as archive:
        content = archive.read("poses.npy")
    cut = io.BytesIO()
    with zipfile.ZipFile(cut, "w") as archive:
        archive.writestr("poses.npy", content[:-20])
    with pytest.raises(InputError, match="poses"):
        read_objects(cut, "poses", "a.npz")
