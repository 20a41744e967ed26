"""Human3.6M's `metadata.xml`: cameras by subject, and which recording each number stands for.

A point X of the world (millimetres in the file, metres here) is at R (X - C) in a camera's frame, with the angles
a of the file R = Rx(a0) Ry(a1) Rz(a2). With x, y the coordinates over the depth and r2 = x^2 + y^2, the publisher's
lens model is, for each of the two coordinates,

    u (1 + k0 r2 + k1 r2^2 + k2 r2^3 + p0 y + p1 x) + (p1, p0) r2,

times the focal lengths, plus the principal point. (OpenCV's model has twice p0 y + p1 x.)
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.geometry import euler_to_matrix
from synth.sources.files import list_files, read_file
from synth.sources.h36m import action_of, canonical_name

FILE = "metadata.xml"

_SUBJECTS, _CAMERAS = 11, 4
_OUTER, _INNER = 6, 9


@dataclass(frozen=True)
class Camera:
    """One camera as it stood for one subject.

    Parameters
    ----------
    R : (3, 3) float64
        Rotation, world to camera.
    centre : (3,) float64
        Where the camera stands in the world, metres.
    focal, principal : (2,) float64
        Pixels.
    radial, tangential : (3,), (2,) float64
        Coefficients of the lens's distortion.
    """

    R: NDArray[np.float64]
    centre: NDArray[np.float64]
    focal: NDArray[np.float64]
    principal: NDArray[np.float64]
    radial: NDArray[np.float64]
    tangential: NDArray[np.float64]

    @property
    def K(self) -> NDArray[np.float64]:
        """Intrinsics (3, 3), without the lens's distortion."""
        matrix = np.diag([*self.focal, 1.0])
        matrix[:2, 2] = self.principal
        return matrix

    def to_camera(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 3) of the world, metres, in the camera's frame."""
        return (points - self.centre) @ self.R.T

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pixels (..., 2) of points (..., 3) in the camera's frame, with distortion; NaN behind the camera."""
        depth = points[..., 2:]
        plane = points[..., :2] / np.where(depth > 0, depth, np.nan)
        square = (plane**2).sum(axis=-1, keepdims=True)
        radial = square ** np.arange(1, 4) @ self.radial
        tangential = (plane * self.tangential[::-1]).sum(axis=-1)
        bent = plane * (1 + radial + tangential)[..., None] + self.tangential[::-1] * square
        return self.focal * bent + self.principal


@dataclass(frozen=True)
class Metadata:
    """What `metadata.xml` tells.

    Parameters
    ----------
    cameras : mapping of (str, str) to Camera
        By subject and the camera's name: ``("S1", "54138969")``.
    camera_names : tuple of str
        Names of cameras 1 to 4.
    recordings : mapping of (str, int, int) to str
        Recording by subject, number of the action and of the subaction: ``("S1", 2, 1)`` to ``"Directions 1"``.
    """

    cameras: Mapping[tuple[str, str], Camera]
    camera_names: tuple[str, ...]
    recordings: Mapping[tuple[str, int, int], str]

    def by_action(self) -> dict[tuple[str, str, int], str]:
        """Index the recordings by subject, name of the action, and number of the subaction."""
        return {(subject, action_of(name), sub): name for (subject, _, sub), name in self.recordings.items()}


def read_metadata(root: Path) -> Metadata:
    """Read the `metadata.xml` of a folder.

    Raises
    ------
    InputError
        If it is missing, no XML, or lacks cameras.
    """
    names = [name for name in list_files(root, ".xml") if name.rpartition("/")[2].lower() == FILE]
    if not names:
        raise InputError(
            f"{root} holds no {FILE}: the cameras of Human3.6M's images; it is part of the publisher's code "
            "(Release-v1.1 or later)"
        )
    file = root / min(names, key=len)
    try:
        document = ElementTree.fromstring(read_file(root, min(names, key=len)))
    except ElementTree.ParseError as error:
        raise InputError(f"{file} is no XML: {error}") from error
    names_of_cameras = tuple(str(item.text).strip() for item in document.findall(".//dbcameras/index2id/*"))
    numbers = _numbers(document, file)
    if len(names_of_cameras) != _CAMERAS:
        raise InputError(f"{file}: dbcameras/index2id names {len(names_of_cameras)} cameras, expected 4")
    cameras = {
        (f"S{subject + 1}", name): _camera(numbers, subject, number)
        for subject in range(_SUBJECTS)
        for number, name in enumerate(names_of_cameras)
    }
    return Metadata(cameras, names_of_cameras, _mapping(document))


def _numbers(document: ElementTree.Element, file: Path) -> NDArray[np.float64]:
    """All camera parameters: 6 of each camera for each subject, then 9 of each camera."""
    text = document.findtext(".//w0") or ""
    try:
        numbers = np.array([float(word) for word in text.strip().strip("[]").split()])
    except ValueError as error:
        raise InputError(f"{file}: w0 holds something that is no number: {error}") from error
    wanted = _CAMERAS * (_SUBJECTS * _OUTER + _INNER)
    if len(numbers) < wanted:
        raise InputError(f"{file}: w0 holds {len(numbers)} camera parameters, expected {wanted}")
    return numbers


def _camera(numbers: NDArray[np.float64], subject: int, camera: int) -> Camera:
    first = _OUTER * (camera * _SUBJECTS + subject)
    angles, centre = numbers[first : first + 3], numbers[first + 3 : first + _OUTER] / 1000.0
    first = _CAMERAS * _SUBJECTS * _OUTER + camera * _INNER
    inner = numbers[first : first + _INNER]
    return Camera(euler_to_matrix(angles, "xyz"), centre, inner[:2], inner[2:4], inner[4:7], inner[7:9])


def _mapping(document: ElementTree.Element) -> dict[tuple[str, int, int], str]:
    """Read the table whose first row names the subjects and whose others give a recording for each."""
    rows = [[(cell.text or "").strip() for cell in row] for row in document.findall(".//mapping/tr")]
    subjects = rows[0][2:] if rows else []
    return {
        (subject, int(action), int(sub)): canonical_name(name)
        for action, sub, *names in rows[1:]
        if action.isdecimal() and sub.isdecimal()
        for subject, name in zip(subjects, names, strict=False)
        if name
    }
