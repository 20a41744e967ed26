"""Leeds Sports Pose (2,000 images) and its extended training set (10,000), from `joints.mat`.

The two files differ. LSP: (3, 14, N), every joint labelled, the third row is 1 where the joint is
**hidden** (its own README says the reverse). LSP-extended: (14, 3, N), the third column is 1 where the joint
is labelled; elsewhere the coordinates mean nothing. Both were made with MATLAB: 1 is subtracted.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io
from numpy.typing import NDArray

from synth.errors import InputError
from synth.skeletons import LSP14
from synth.sources.files import list_files, seekable
from synth.sources.images import Annotations
from synth.sources.records import Rejection

LSP_TRAINING_IMAGES = 1000
"""LSP's images 1 to 1,000 are for training, the others for testing."""


def read_lsp(root: Path, *, test: bool = False) -> tuple[Annotations, list[Rejection]]:
    """Annotations of one half of Leeds Sports Pose.

    Parameters
    ----------
    root : Path
        Folder or archive that holds `joints.mat`.
    test : bool
        The test images, which no training pool may hold; otherwise the training images.

    Raises
    ------
    InputError
        If `joints.mat` is missing or not of shape (3, 14, N).
    """
    first = LSP_TRAINING_IMAGES if test else 0
    joints = _joints(root, (3, 14), "lsp").transpose(2, 1, 0)[first : None if test else LSP_TRAINING_IMAGES]
    labelled = np.ones(joints.shape[:2], dtype=bool)
    source = "lsp-test" if test else "lsp"
    return _annotations(source, "im{:04d}.jpg", joints, labelled, joints[..., 2] == 1, first), []


def read_lspet(root: Path) -> tuple[Annotations, list[Rejection]]:
    """Annotations of LSP-extended.

    Parameters
    ----------
    root : Path
        Folder or archive that holds `joints.mat`.

    Raises
    ------
    InputError
        If `joints.mat` is missing or not of shape (14, 3, N).
    """
    joints = _joints(root, (14, 3), "lspet").transpose(2, 0, 1)
    labelled = joints[..., 2] == 1
    return _annotations("lspet", "im{:05d}.jpg", joints, labelled, np.zeros_like(labelled)), []


def _joints(root: Path, shape: tuple[int, int], source: str) -> NDArray[np.float64]:
    names = [name for name in list_files(root, ".mat") if name.lower().rsplit("/", 1)[-1] == "joints.mat"]
    if not names:
        raise InputError(
            f"{root} holds no joints.mat, the annotations of {source}; unpack the publisher's archive"
        )
    name = min(names, key=len)
    try:
        with seekable(root, name) as stream:
            joints = np.asarray(scipy.io.loadmat(stream)["joints"], dtype=np.float64)
    except Exception as error:  # scipy raises whatever a damaged file leads it to
        raise InputError(f"{root / name} is no MATLAB file with an array 'joints': {error}") from error
    if joints.ndim != 3 or joints.shape[:2] != shape:
        raise InputError(
            f"{root / name}: 'joints' has the shape {joints.shape}, expected {(*shape, 'N')} for {source};"
            " is it the other Leeds data set's file?"
        )
    return joints


def _annotations(
    source: str,
    pattern: str,
    joints: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    occluded: NDArray[np.bool_],
    first: int = 0,
) -> Annotations:
    images = [pattern.format(first + k + 1) for k in range(len(joints))]
    return Annotations(
        source, LSP14, images, np.zeros(len(joints), np.int32), joints[..., :2] - 1, labelled, occluded
    )
