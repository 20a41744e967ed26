"""The pose dictionary: alignment, learning on few poses, the file."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses

from synth.errors import InputError
from synth.geometry import axis_angle_to_matrix
from synth.lifting.dictionary import (
    DictionaryOptions,
    facing_camera,
    learn_dictionary,
    load_dictionary,
    save_dictionary,
)
from synth.skeletons import H36M17

OPTIONS = DictionaryOptions(atoms=6, sparsity=0.1, thinning=0.001)


def moving_poses(count):
    """People in T-pose whose joints wander, turned anyhow."""
    draw = np.random.default_rng(0)
    poses = random_poses(0, count, 0.05)
    return poses @ np.swapaxes(axis_angle_to_matrix(draw.normal(size=(count, 3))), 1, 2)


def test_facing_camera_does_not_depend_on_where_the_person_looks():
    pose = moving_poses(1)[0]
    turned = pose @ axis_angle_to_matrix([0.3, -1.2, 0.8]).T + [1.0, 2.0, 3.0]
    first, second = facing_camera(np.stack([pose, turned]))
    np.testing.assert_allclose(first, second, atol=1e-12)
    x, y, _ = first
    assert x[H36M17.index("left_shoulder")] > x[H36M17.index("right_shoulder")]
    assert y[H36M17.index("head")] < y[H36M17.index("pelvis")]
    np.testing.assert_allclose(first.mean(axis=1), 0, atol=1e-12)


def test_facing_camera_is_no_mirror_image():
    pose = moving_poses(1)
    aligned = np.swapaxes(facing_camera(pose), 1, 2)[0]
    corners = [H36M17.index(j) for j in ("pelvis", "left_wrist", "head", "right_knee")]

    def volume(points):
        return np.linalg.det(points[corners[1:]] - points[corners[0]])

    assert volume(aligned) == pytest.approx(volume(pose[0]))


def test_learning_is_repeatable_and_fits():
    poses = moving_poses(60)
    first, second = learn_dictionary(poses, OPTIONS), learn_dictionary(poses, OPTIONS)
    assert first.content_hash == second.content_hash
    assert first.poses == 60
    assert first.atoms.shape == (6, 3, 17)
    np.testing.assert_allclose(first.atoms.mean(axis=2), 0, atol=1e-12)
    assert first.relative_error < 0.25
    other = learn_dictionary(poses, DictionaryOptions(atoms=6, sparsity=0.1, thinning=0.001, seed=1))
    assert other.content_hash != first.content_hash


def test_too_few_poses_are_refused():
    with pytest.raises(InputError, match="as many distinct poses, found 5"):
        learn_dictionary(moving_poses(5), OPTIONS)
    with pytest.raises(InputError, match="atoms is 0"):
        DictionaryOptions(atoms=0)


def test_file_round_trip(tmp_path):
    dictionary = learn_dictionary(moving_poses(20), OPTIONS)
    save_dictionary(dictionary, tmp_path / "d.npz")
    found = load_dictionary(tmp_path / "d.npz")
    assert found.content_hash == dictionary.content_hash
    assert (found.poses, found.relative_error, found.active) == (
        20,
        dictionary.relative_error,
        dictionary.active,
    )


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "d.npz"
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError, match="cannot read a pose dictionary"):
        load_dictionary(path)
    np.savez(
        path,
        version=np.array(99),
        joints=np.array(H36M17.joints),
        atoms=np.zeros((2, 3, 17)),
        poses=3,
        fit=[0, 0],
    )
    with pytest.raises(InputError, match="version 99"):
        load_dictionary(path)
