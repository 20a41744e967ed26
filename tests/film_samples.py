"""Tiny data sets of films with 3D joints, in the publishers' layouts: one person who stands and drifts sideways."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray
from source_samples import write_image

from synth.skeletons import H36M17
from synth.sources.h36m import JOINTS17 as H36M_OF_32
from synth.sources.mpi_inf_3dhp import JOINTS17, JOINTS28

SIDE = 200
FOCAL, PRINCIPAL, DISTANCE = 300.0, 99.5, 5.0
DRIFT = 0.002
"""Metres a frame, to the picture's right."""

CAMERAS = ("54138969", "55011271", "58860488", "60457274")
H36M_FRAMES = 130

_HALF = {
    "hip": (0.13, 0.95),
    "knee": (0.14, 0.52),
    "ankle": (0.15, 0.08),
    "shoulder": (0.18, 1.42),
    "elbow": (0.24, 1.13),
    "wrist": (0.26, 0.88),
}
_MIDDLE = {"pelvis": 0.95, "spine": 1.2, "thorax": 1.45, "neck": 1.55, "head": 1.75}


def standing() -> NDArray[np.float64]:
    """Joints of `H36M17` of somebody who faces a camera on the side of -y: metres, z up, left on +x."""
    places = {name: (0.0, 0.0, height) for name, height in _MIDDLE.items()}
    for part, (x, z) in _HALF.items():
        places |= {f"left_{part}": (x, 0.02, z), f"right_{part}": (-x, -0.02, z)}
    return np.array([places[name] for name in H36M17.joints])


def drifting(frames: int) -> NDArray[np.float64]:
    """The same person in some frames, (F, 17, 3)."""
    return standing() + np.arange(frames)[:, None, None] * [DRIFT, 0.0, 0.0]


def seen(world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joints in the frame of a camera at (0, -5, 0.95) m that looks along +y."""
    x, y, z = np.moveaxis(world - [0.0, -DISTANCE, 0.95], -1, 0)
    return np.stack([x, -z, y], axis=-1)


def pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """What that camera's pinhole makes of them."""
    return FOCAL * points[..., :2] / points[..., 2:] + PRINCIPAL


def of_32(joints: NDArray[np.float64]) -> NDArray[np.float32]:
    """Human3.6M's 32 joints; those that H36M-17 lacks are far away."""
    recorded = np.full((*joints.shape[:-2], 32, 3), 9.0, np.float32)
    recorded[..., H36M_OF_32, :] = joints
    return recorded


def metadata_xml(radial: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> str:
    """Human3.6M's `metadata.xml`: all cameras are the one of `seen`; two recordings of Directions, one of WalkDog."""
    outer = [np.pi / 2, 0.0, 0.0, 0.0, -1000 * DISTANCE, 950.0]
    inner = [FOCAL, FOCAL, PRINCIPAL, PRINCIPAL, *radial, 0.0, 0.0]
    numbers = " ".join(map(str, outer * 44 + inner * 4))
    subjects = [f"S{number}" for number in range(1, 12)]
    rows = [["", "", *subjects]]
    for action, sub, name in (
        ("2", "1", "Directions 1"),
        ("2", "2", "Directions"),
        ("15", "1", "WalkingDog 1"),
    ):
        rows.append([action, sub, *[name] * len(subjects)])
    table = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    names = "".join(f"<element>{name}</element>" for name in CAMERAS)
    cameras = f"<dbcameras><index2id>{names}</index2id></dbcameras>"
    return f"<metadata><mapping>{table}</mapping>{cameras}<w0>[{numbers}]</w0></metadata>"


def h36m_root(root: Path, frames: tuple[str, ...]) -> Path:
    """A data root with Human3.6M's poses of S1, S9 and S11 as an `.npz`, its cameras, and some frames."""
    folder = root / "h36m"
    folder.mkdir(parents=True)
    poses = {name: of_32(drifting(H36M_FRAMES)) for name in ("Directions 1", "Directions", "WalkDog 1")}
    np.savez_compressed(
        folder / "data_3d_h36m.npz", positions_3d={s: dict(poses) for s in ("S1", "S9", "S11")}
    )
    (folder / "metadata.xml").write_text(metadata_xml())
    for name in frames:
        write_image(folder / name, SIDE, SIDE)
    return root


def mpi_inf_3dhp_root(root: Path, frames: int = 4) -> Path:
    """A data root with one training sequence of two cameras, and one test sequence, of MPI-INF-3DHP."""
    folder = root / "mpi_inf_3dhp"
    sequence, test = folder / "S1" / "Seq1", folder / "mpi_inf_3dhp_test_set" / "TS1"
    sequence.mkdir(parents=True)
    test.mkdir(parents=True)
    points = seen(drifting(frames))
    _training(sequence, points)
    with h5py.File(test / "annot_data.mat", "w") as file:
        named = _named(points, JOINTS17.joints)
        file["annot2"] = pixels(named)[:, None]
        file["univ_annot3"] = 920.0 * named[:, None]
        file["annot3"] = 1000.0 * named[:, None]
        file["valid_frame"] = np.array([[1], [0], *[[1]] * (frames - 2)], np.uint8)
        file["activity_annotation"] = np.full((frames, 1), 3.0)
    for number in range(1, frames + 1):
        write_image(sequence / "imageFrames" / "video_0" / f"frame_{number:06d}.jpg", SIDE, SIDE)
        write_image(test / "imageSequence" / f"img_{number:06d}.jpg", SIDE, SIDE)
    return root


def _training(sequence: Path, points: NDArray[np.float64]) -> None:
    named = _named(points, JOINTS28.joints)
    arrays = {}
    for name, values in (("annot2", pixels(named)), ("annot3", 1000.0 * named)):
        cells = np.empty((2, 1), dtype=object)
        for camera in range(2):
            cells[camera, 0] = values.reshape(len(values), -1)
        arrays[name] = cells
    scipy.io.savemat(sequence / "annot.mat", arrays)
    # the world has y up, its z towards the camera, and its floor 950 mm below the camera
    extrinsic = "1 0 0 0 0 -1 0 950 0 0 -1 5000 0 0 0 1"
    lines = ("sensor 10 10", f"size {SIDE} {SIDE}", "animated 0", f"extrinsic   {extrinsic} ", "radial 0")
    block = "".join(f"  {line}\n" for line in lines)
    text = "Skeletool Camera Calibration File V1.0\n" + "".join(
        f"name          {k}\n{block}" for k in range(2)
    )
    (sequence / "camera.calibration").write_text(text)


def _named(points: NDArray[np.float64], joints: tuple[str, ...]) -> NDArray[np.float64]:
    """Joints of another order; those that H36M-17 lacks are at the pelvis."""
    rows = [H36M17.index(name) if name in H36M17.joints else 0 for name in joints]
    return points[:, rows]
