"""Augmentation: pictures, joints and cameras stay together, and draws follow from their keys."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people_samples import batch_of, people
from pydantic import ValidationError

from synth.cameras import project_camera_points
from synth.skeletons import H36M17
from synth.train.augment import (
    OUTSIDE,
    Augmentation,
    Changes,
    People,
    change_people,
    colour_axes_of,
    draw_changes,
    no_changes,
)

FEW = settings(deadline=None, max_examples=25)
SAMPLES = people(3)


def three_people(**changed):
    return People(**{**SAMPLES, **changed})


def changes_of(**values):
    """The same change of three pictures."""
    given = {name: np.broadcast_to(value, (3, *np.shape(value))) for name, value in values.items()}
    return replace(no_changes(3), **given)


def any_changes():
    ways = {
        "mirrored": st.booleans(),
        "angle": st.floats(-np.pi, np.pi),
        "scale": st.floats(0.5, 2.0),
        "shift": st.tuples(st.floats(-30, 30), st.floats(-30, 30)),
    }
    return st.fixed_dictionaries(ways)


@FEW
@given(any_changes())
def test_joints_are_still_the_projections_of_the_3d_joints(change):
    changed = change_people(three_people(images=None), changes_of(**change))
    projected = project_camera_points(changed.K, changed.joints3d)
    np.testing.assert_allclose(projected, changed.joints2d, atol=1e-6)
    # a camera with square pixels and without skew stays one
    np.testing.assert_allclose(changed.K[:, 0, 0], changed.K[:, 1, 1], rtol=1e-12)
    np.testing.assert_allclose(changed.K[:, [0, 1, 2, 2], [1, 0, 0, 1]], 0.0, atol=1e-9)
    assert (changed.K[:, 0, 0] > 0).all()


@FEW
@given(any_changes())
def test_bodies_keep_their_size_and_their_handedness(change):
    before = three_people(images=None)
    after = change_people(before, changes_of(**change))
    # volumes of left hip, right hip and head about the pelvis have the sign of their handedness
    corners = H36M17.indices(("left_hip", "right_hip", "head"))
    volumes = [np.linalg.det(p.joints3d[:, corners] - p.joints3d[:, :1]) for p in (before, after)]
    np.testing.assert_allclose(volumes[0], volumes[1], rtol=1e-9)
    # the right arm is as it was, or the left one's mirror image
    arm = H36M17.indices(("right_shoulder", "right_elbow", "right_wrist"))
    source = H36M17.mirror[arm] if change["mirrored"] else arm
    length = np.linalg.norm(np.diff(after.joints3d[:, arm], axis=1), axis=-1)
    expected = np.linalg.norm(np.diff(SAMPLES["joints3d"][:, source], axis=1), axis=-1)
    np.testing.assert_allclose(length, expected)


def test_a_mirrored_mirror_image_is_the_picture_itself():
    mirror = changes_of(mirrored=True)
    once = change_people(three_people(), mirror)
    np.testing.assert_array_equal(once.images, SAMPLES["images"][:, :, ::-1])
    head = H36M17.index("head")
    np.testing.assert_allclose(once.joints2d[:, head, 0], 219 - SAMPLES["joints2d"][:, head, 0])
    twice = change_people(once, mirror)
    np.testing.assert_array_equal(twice.images, SAMPLES["images"])
    for name in ("joints2d", "joints3d", "K"):
        np.testing.assert_allclose(getattr(twice, name), SAMPLES[name], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        {"angle": 0.6},
        {"scale": 1.4},
        {"shift": (7.25, -12.5)},
        {"mirrored": True, "angle": -0.5, "scale": 0.8, "shift": (3.0, 4.0)},
    ],
)
def test_a_dot_at_a_joint_moves_with_the_joint(change):
    places = np.array([[80.0, 90.0], [140.0, 100.0], [100.0, 150.0]])
    images = np.zeros((3, 220, 220, 3), np.uint8)
    for image, place in zip(images, places.astype(int), strict=True):
        cv2.circle(image, tuple(place.tolist()), 4, (255, 255, 255), -1)
    joints = np.repeat(places[:, None], 17, axis=1)
    changed = change_people(three_people(images=images, joints2d=joints), changes_of(**change))
    for image, joint in zip(changed.images, changed.joints2d[:, 0], strict=True):
        light = np.maximum(image[..., 0].astype(float) - OUTSIDE, 0.0)
        rows, columns = np.indices(light.shape)
        found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
        assert np.linalg.norm(found - joint) < 0.3


def test_a_quarter_turn_is_numpy_s():
    changed = change_people(three_people(), changes_of(angle=np.pi / 2))
    np.testing.assert_array_equal(changed.images, np.rot90(SAMPLES["images"], k=-1, axes=(1, 2)))
    # clockwise in the picture: what was up is at the right
    np.testing.assert_allclose(changed.joints2d[..., 0], 219 - SAMPLES["joints2d"][..., 1])


def test_joints_that_are_not_known_stay_so():
    joints3d = np.full_like(SAMPLES["joints3d"], np.nan)
    joints2d = SAMPLES["joints2d"].copy()
    left, right = H36M17.index("left_wrist"), H36M17.index("right_wrist")
    joints2d[:, left] = np.nan
    changed = change_people(
        three_people(joints2d=joints2d, joints3d=joints3d, K=np.full((3, 3, 3), np.nan)),
        changes_of(mirrored=True, angle=0.3),
    )
    assert np.isnan(changed.joints3d).all()
    assert np.isnan(changed.joints2d[:, right]).all()
    assert np.isfinite(np.delete(changed.joints2d, right, axis=1)).all()


def test_what_lies_outside_the_picture_is_grey():
    changed = change_people(three_people(), changes_of(shift=(50.0, 0.0)))
    assert (changed.images[:, :, :50] == OUTSIDE).all()
    np.testing.assert_array_equal(changed.images[:, :, 50:], SAMPLES["images"][:, :, :-50])


def test_colours_are_scaled_shifted_and_clipped():
    images = np.full((3, 220, 220, 3), (100, 200, 250), np.uint8)
    axes = np.array([[0.0, 2.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    changed = change_people(
        three_people(images=images), changes_of(gain=(0.5, 1.0, 1.1), colours=(2.0, -3.0, 0.0)), axes
    )
    assert (changed.images == (50 - 6, 200 + 10, 255)).all()


def test_without_changes_nothing_changes():
    same = change_people(three_people(), no_changes(3))
    np.testing.assert_array_equal(same.images, SAMPLES["images"])
    for name in ("joints2d", "joints3d", "K"):
        np.testing.assert_array_equal(getattr(same, name), SAMPLES[name])


def test_axes_of_colours_are_those_of_their_covariance():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 9, 9, 3), np.uint8)
    axes = colour_axes_of(images)
    np.testing.assert_allclose(axes @ axes.T, np.cov(images.reshape(-1, 3).T.astype(float)), rtol=1e-9)
    lengths = np.linalg.norm(axes, axis=0)
    np.testing.assert_allclose(axes.T @ axes, np.diag(lengths**2), atol=1e-9 * lengths.max() ** 2)


ALL = Augmentation(
    rotation=40.0, scale=(0.7, 1.3), shift=10.0, mirror=0.5, gain=(0.9, 1.1), colour_jitter=0.1
)


def draws_of(ids, sources=None, epoch=0, seed=5, ranges=ALL):
    batch = batch_of({"K": np.zeros((len(ids), 3, 3))}, epoch)
    given = np.zeros(len(ids), np.int32) if sources is None else np.array(sources, np.int32)
    return draw_changes(ranges, seed, replace(batch, ids=np.array(ids), sources=given))


def rows_of(changes: Changes):
    columns = [np.asarray(value, float).reshape(len(changes.angle), -1) for value in vars(changes).values()]
    return np.concatenate(columns, axis=1)


def test_a_sample_s_draws_depend_on_seed_epoch_source_and_id_alone():
    one = rows_of(draws_of([7, 8, 9]))
    np.testing.assert_array_equal(rows_of(draws_of([9, 7]))[::-1], one[[0, 2]])
    for other in (draws_of([7], epoch=1), draws_of([7], sources=[1]), draws_of([7], seed=6)):
        assert (rows_of(other)[0] != one[0]).sum() > 5
    fewer = draws_of([7], ranges=Augmentation(rotation=40.0))
    assert fewer.angle[0] == draws_of([7]).angle[0]
    assert fewer.scale[0] == 1.0


def test_draws_fill_their_ranges():
    many = draws_of(list(range(2000)))
    for name, low, high in (("angle", -np.deg2rad(40), np.deg2rad(40)), ("scale", 0.7, 1.3)):
        values = getattr(many, name)
        assert low <= values.min() < low + 0.01
        assert high - 0.01 < values.max() <= high
    assert abs(many.mirrored.mean() - 0.5) < 0.04
    assert abs(many.colours.std() - 0.1) < 0.005
    assert (np.abs(many.shift) <= 10).all()
    assert ((many.gain >= 0.9) & (many.gain <= 1.1)).all()


def test_ranges_that_run_backwards_are_refused():
    with pytest.raises(ValidationError, match=r"scale = .* runs backwards"):
        Augmentation(scale=(1.3, 0.7))
    with pytest.raises(ValidationError):
        Augmentation(rotate=3)
