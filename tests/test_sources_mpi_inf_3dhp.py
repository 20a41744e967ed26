from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
from film_samples import DRIFT, FOCAL, drifting, mpi_inf_3dhp_root, pixels, seen

from synth.errors import InputError
from synth.skeletons import H36M17
from synth.sources import catalog
from synth.sources.mpi_inf_3dhp_images import fit_intrinsics
from synth.sources.records import MotionClip, Rejection

K = [[FOCAL, 0, 99.5], [0, FOCAL, 99.5], [0, 0, 1]]


def test_motion_is_brought_to_the_world(tmp_path: Path) -> None:
    mpi_inf_3dhp_root(tmp_path)
    (clip,), rejections = catalog.read_motion("mpi-inf-3dhp", tmp_path)
    assert rejections == []
    assert (clip.subject, clip.name, clip.fps) == ("mpi-inf-3dhp:S1", "S1/Seq1", 25.0)
    head, left_hip = (clip.joints[2, H36M17.index(name)] for name in ("head", "left_hip"))
    np.testing.assert_allclose(head, [2 * DRIFT, 1.75, 0], atol=1e-6)
    np.testing.assert_allclose(left_hip, [0.13 + 2 * DRIFT, 0.95, -0.02], atol=1e-6)


def test_fast_sequences_have_50_frames_a_second(tmp_path: Path) -> None:
    folder = mpi_inf_3dhp_root(tmp_path) / "mpi_inf_3dhp"
    (folder / "S1" / "Seq1").rename(folder / "S1" / "Seq2")
    (clip,), _ = catalog.read_motion("mpi-inf-3dhp", tmp_path)
    assert clip.fps == 50.0


def test_training_frames(tmp_path: Path) -> None:
    mpi_inf_3dhp_root(tmp_path)
    (images,), rejections = catalog.read_images("mpi-inf-3dhp", tmp_path)
    assert rejections == []
    assert images.images[2] == "S1/Seq1/imageFrames/video_0/frame_000003.jpg"
    points = seen(drifting(4))
    known = images.known
    assert known.joints3d is not None
    assert known.K is not None
    np.testing.assert_allclose(known.joints3d, points, atol=1e-5)
    np.testing.assert_allclose(images.joints, pixels(points), atol=1e-3)
    np.testing.assert_allclose(known.K[3], K, atol=1e-6)
    assert (known.subject == "mpi-inf-3dhp:S1").all()
    assert (known.action == "Seq1").all()


def test_test_frames_that_count(tmp_path: Path) -> None:
    mpi_inf_3dhp_root(tmp_path)
    (images,), rejections = catalog.read_images("mpi-inf-3dhp-test", tmp_path, testing=True)
    assert [(item.reason, item.count) for item in rejections] == [("frame doesn't count", 1)]
    known = images.known
    assert known.joints3d is not None
    assert known.K is not None
    assert known.frame is not None
    assert known.frame.tolist() == [0, 2, 3]
    # the universal skeleton is 0.92 of the person, seen by the same camera from nearer by
    np.testing.assert_allclose(known.joints3d, 0.92 * seen(drifting(4))[[0, 2, 3]], atol=1e-5)
    np.testing.assert_allclose(known.K[0], K, atol=1e-6)
    assert set(known.action.tolist() if known.action is not None else ()) == {"Sitting"}
    with pytest.raises(InputError, match="no training data may be made of it"):
        catalog.read_images("mpi-inf-3dhp-test", tmp_path)


def test_intrinsics_that_do_not_fit_are_unknown(tmp_path: Path) -> None:
    folder = mpi_inf_3dhp_root(tmp_path) / "mpi_inf_3dhp" / "mpi_inf_3dhp_test_set" / "TS1"
    with h5py.File(folder / "annot_data.mat", "r+") as file:
        file["univ_annot3"][:, :, :8, 2] *= 1.5
    (images,), rejections = catalog.read_images("mpi-inf-3dhp-test", tmp_path, testing=True)
    assert images.known.K is not None
    assert np.isnan(images.known.K).all()
    assert rejections[-1].reason == "intrinsics unknown"


def test_fit_of_a_camera() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3)) + [0, 0, 5]
    wanted = np.array([[1500.0, 0, 1020], [0, 1490, 1050], [0, 0, 1]])
    seen_at = points @ wanted.T
    found, miss = fit_intrinsics(points, seen_at[:, :2] / seen_at[:, 2:])
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert miss < 1e-6
    assert fit_intrinsics(points, np.random.default_rng(1).uniform(0, 2000, (50, 2)))[1] > 100


def test_what_is_damaged_is_left_out(tmp_path: Path) -> None:
    root = mpi_inf_3dhp_root(tmp_path)
    sequence = root / "mpi_inf_3dhp" / "S1" / "Seq1"
    late = sequence / "imageFrames" / "video_0" / "frame_000009.jpg"
    (sequence / "imageFrames" / "video_0" / "frame_000001.jpg").rename(late)
    (images,), rejections = catalog.read_images("mpi-inf-3dhp", root)
    assert len(images) == 3
    assert [(item.item, item.reason) for item in rejections] == [
        ("1 frames of S1/Seq1/video_0", "frame without a pose")
    ]
    (sequence / "camera.calibration").write_text("name 0\n  extrinsic 1 2 x\n")
    (result,) = catalog.iter_motion("mpi-inf-3dhp", root)
    assert isinstance(result, Rejection)
    assert result.reason == "undecodable calibration"
    scipy.io.savemat(sequence / "annot.mat", {"annot2": np.zeros(3)})
    with pytest.raises(InputError, match="undecodable annotations"):
        catalog.read_images("mpi-inf-3dhp", root)
    assert not isinstance(next(iter(catalog.iter_motion("mpi-inf-3dhp", root))), MotionClip)
