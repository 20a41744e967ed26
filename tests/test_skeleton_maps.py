"""Skeleton maps against a plain numpy version, pixel by pixel, and against small pictures drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.cameras import ViewRange, camera_for, sample_views, to_camera
from synth.errors import InputError
from synth.labels.palette import PALETTE, bones_of_colours, colour_maps
from synth.labels.skeleton_maps import (
    CROPS,
    DEEPSKELETON16_OF_H36M17,
    WIDTHS,
    crops_around,
    draw_maps,
    flat_bones,
    mirror_maps,
    picture_crops,
    project_bones,
)
from synth.skeletons import DEEPSKELETON16
from synth.sources.catalog import motion_items, read_item

CLOSE = 1e-9
"""Pixels or metres below which rounding may decide."""


def oracle_layers(joints, K, crops, size, width):
    """Depth of every bone at every pixel, (15, S, S), infinite where it doesn't cover; and unsure pixels.

    Straight from the definition, for one person in front of the camera: the bone's 3D point whose image is
    nearest to the pixel.
    """
    depth = np.full((15, size, size), np.inf)
    unsure = np.zeros((size, size), bool)
    rows, columns = np.mgrid[:size, :size].astype(float)
    for b, (i, j) in enumerate(DEEPSKELETON16.bone_indices):
        ends = joints[[i, j]]
        pixels = (ends @ K.T)[:, :2] / ends[:, 2:]
        (ax, ay), (bx, by) = (pixels - [crops.left[0], crops.top[0]]) * size / crops.side[0] - 0.5
        length = np.hypot(bx - ax, by - ay)
        share = ((columns - ax) * (bx - ax) + (rows - ay) * (by - ay)) / length**2
        share = np.clip(share, 0, 1)
        distance = np.hypot(columns - ax - share * (bx - ax), rows - ay - share * (by - ay))
        start, end = ends[:, 2]
        # where on the 3D segment the point lies whose image is this share of the way along the bone's image
        along = share * start / (share * start + (1 - share) * end)
        z = np.where(share == 1, end, start + along * (end - start))
        depth[b] = np.where(distance <= width / 2, z, np.inf)
        unsure |= abs(distance - width / 2) < CLOSE
    return depth, unsure


def oracle_maps(depth):
    """Foreground and background of the layers, and pixels at which two different depths are nearly equal."""
    covered = np.isfinite(depth).any(axis=0)
    foreground = np.where(covered, depth.argmin(axis=0) + 1, 0)
    farness = np.where(np.isfinite(depth), depth, -np.inf)
    background = np.where(covered, farness.argmax(axis=0) + 1, 0)
    with np.errstate(invalid="ignore"):
        gaps = np.diff(np.sort(depth, axis=0), axis=0)
    return foreground, background, ((gaps > 0) & (gaps < CLOSE)).any(axis=0)


def check_against_oracle(joints, K, factor=1.0, size=56, width=3.0):
    """Compare all maps of people in front of the camera; returns the layers of all people."""
    crops = picture_crops(len(joints), factor)
    maps = draw_maps(project_bones(joints, K, crops, size), size, width)
    layers, skipped = [], 0
    for n in range(len(joints)):
        depth, unsure = oracle_layers(joints[n], K[n], picture_crops(1, factor), size, width)
        foreground, background, nearly = oracle_maps(depth)
        sure = ~(unsure | nearly)
        skipped += size * size - sure.sum()
        np.testing.assert_array_equal(maps.foreground[n][sure], foreground[sure])
        np.testing.assert_array_equal(maps.background[n][sure], background[sure])
        layers.append(depth)
    assert skipped <= 1e-4 * maps.foreground.size
    return maps, np.array(layers)


def made_up_people(seed, count, distance=(2.0, 8.0)):
    """Joints (N, 16, 3) in the camera frame and intrinsics of made-up bodies from random views."""
    bodies = random_poses(seed, count, spread=0.2)
    cameras = camera_for(bodies, sample_views(seed, np.arange(count), ViewRange(distance=distance)))
    return to_camera(cameras, bodies)[:, DEEPSKELETON16_OF_H36M17], cameras.K


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    factor=st.sampled_from(CROPS),
    width=st.sampled_from([*WIDTHS, 0.7, 4.3]),
    size=st.sampled_from([5, 56, 64, 91]),
)
def test_maps_equal_the_oracle_for_random_people(seed, factor, width, size):
    check_against_oracle(*made_up_people(seed, 2), factor, size, width)


@pytest.mark.parametrize("width", WIDTHS)
def test_maps_equal_the_oracle_for_recorded_people(data_root, width):
    clip = read_item(motion_items("cmu", data_root)[3])
    poses = clip.joints[:: max(1, len(clip.joints) // 12)]
    cameras = camera_for(poses, sample_views(width, np.arange(len(poses)), ViewRange()))
    joints = to_camera(cameras, poses)[:, DEEPSKELETON16_OF_H36M17]
    maps, layers = check_against_oracle(joints, cameras.K, width=width)
    crossings = np.isfinite(layers).sum(axis=1) > 1
    assert crossings.any(axis=(1, 2)).all(), "bones meet in every person"
    assert (maps.foreground != maps.background).any()


def test_maps_differ_and_swap_exactly_where_bones_cross():
    maps, layers = check_against_oracle(*made_up_people(1, 20))
    covering = np.isfinite(layers)
    number = np.arange(1, 16)[:, None, None]
    spread = np.where(covering, layers, -np.inf).max(axis=1) - layers.min(axis=1)
    crossing = covering.any(axis=1) & (spread > CLOSE)
    equal = (spread == 0) | ~covering.any(axis=1)
    assert crossing.sum() > 100
    assert (maps.foreground != maps.background)[crossing].all()
    assert (maps.foreground == maps.background)[equal].all()
    two = crossing & (covering.sum(axis=1) == 2)
    pair = np.where(covering, number, 0).sum(axis=1)
    assert (maps.foreground.astype(int) + maps.background == pair)[two].all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), width=st.sampled_from(WIDTHS))
def test_reversed_depths_swap_the_maps(seed, width):
    rng = np.random.default_rng(seed)
    joints, depth = rng.uniform(-60, 280, (3, 16, 2)), rng.normal(size=(3, 16))
    crops = picture_crops(3)
    one = draw_maps(flat_bones(joints, depth, crops), width=width)
    other = draw_maps(flat_bones(joints, -depth, crops), width=width)
    # also where depths are equal: both maps then show the lowest number
    np.testing.assert_array_equal(one.foreground, other.background)
    np.testing.assert_array_equal(one.background, other.foreground)


def no_bones():
    return np.full((1, 15, 2, 3), np.nan)


def test_a_cross_of_two_bones_drawn_by_hand():
    bones = no_bones()
    bones[0, 4] = [[0, 2, 1 / 3], [4, 2, 1 / 3]]  # 3 m away, from left to right
    bones[0, 8] = [[2, 0, 1 / 2], [2, 4, 1 / 2]]  # 2 m away, from top to bottom
    maps = draw_maps(bones, size=5, width=1)
    cross = [[0, 0, 9, 0, 0], [0, 0, 9, 0, 0], [5, 5, 9, 5, 5], [0, 0, 9, 0, 0], [0, 0, 9, 0, 0]]
    assert maps.foreground[0].tolist() == cross
    cross[2][2] = 5
    assert maps.background[0].tolist() == cross


def test_a_stick_has_its_width_and_round_ends():
    bones = no_bones()
    bones[0, 0] = [[3, 3, 1], [5, 3, 1]]
    rows = [
        "000000000",
        "000111000",
        "001111100",
        "011111110",
        "001111100",
        "000111000",
        "000000000",
        "000000000",
        "000000000",
    ]
    drawn = draw_maps(bones, size=9, width=4).foreground[0]
    assert ["".join(map(str, row)) for row in drawn.tolist()] == rows


def test_equal_depths_show_the_lowest_number_in_both_maps():
    bones = no_bones()
    bones[0, [3, 7, 11]] = [[0, 1, 0.5], [2, 1, 0.25]]
    maps = draw_maps(bones, size=3, width=1)
    assert maps.foreground[0].tolist() == [[0, 0, 0], [4, 4, 4], [0, 0, 0]]
    np.testing.assert_array_equal(maps.foreground, maps.background)


def far_apart(joints):
    """All joints but the given ones are unknown."""
    pose = np.full((1, 16, 3), np.nan)
    for name, place in joints.items():
        pose[0, DEEPSKELETON16.index(name)] = place
    return pose


CAMERA = np.array([[[100.0, 0, 109.5], [0, 100.0, 109.5], [0, 0, 1]]])


def test_depth_is_perspective_correct_along_a_bone():
    # The neck goes from (10, 110) at 1 m to (210, 110) at 9 m. Half-way in the picture it is 1.8 m away (1/z is
    # the mean of 1 and 1/9), not 5 m, and so before an upper arm that crosses it there at 3 m.
    def at(x, y, z):
        return [(x - 109.5) / 100 * z, (y - 109.5) / 100 * z, z]

    pose = far_apart(
        {
            "thorax": at(10, 110, 1),
            "neck": at(210, 110, 9),
            "left_shoulder": at(110, 10, 3),
            "left_elbow": at(110, 210, 3),
        }
    )
    bones = project_bones(pose, CAMERA, picture_crops(1), size=220)
    bones[0, 2] = np.nan  # the shoulder bone, which joins both
    maps = draw_maps(bones, size=220, width=3)
    neck, upper_arm = 1, 4
    assert (maps.foreground[0, 110, 110], maps.background[0, 110, 110]) == (neck, upper_arm)
    # they are equally far where 1/z = 1/3, at 3/4 of the way: at x = 160
    for shift, first in ((+45, neck), (+55, upper_arm)):
        moved = bones.copy()
        moved[0, 3, :, 0] += shift
        assert draw_maps(moved, size=220, width=3).foreground[0, 110, 110 + shift] == first


def test_bones_that_leave_the_crop_are_drawn_to_its_border():
    pose = far_apart({"thorax": [0, 0, 2.0], "neck": [50.0, 0, 2.0], "left_shoulder": [0, 3.0, 2.0]})
    drawn = draw_maps(project_bones(pose, CAMERA, picture_crops(1), 55), 55, 1).foreground[0]
    assert drawn[27, 27:].tolist() == [1] * 28
    assert drawn[28:, 27].tolist() == [3] * 27
    assert (drawn > 0).sum() == 55


def test_bones_are_cut_off_before_the_camera():
    behind = {"thorax": [0, 0, 2.0], "neck": [1.0, 0, -1.0]}
    drawn = draw_maps(project_bones(far_apart(behind), CAMERA, picture_crops(1), 55), 55, 1).foreground[0]
    # an end behind the camera projects to the left; the part before it goes to the right
    assert drawn[27].tolist() == [0] * 27 + [1] * 28
    assert (drawn > 0).sum() == 28
    ends = project_bones(far_apart(behind), CAMERA, picture_crops(1), 55, near=0.5)[0, 0]
    # the neck reaches a depth of 0.5 m half-way to its end: x = 0.5 m, 100 px right of the middle
    np.testing.assert_allclose(ends, [[27, 27, 0.5], [27 + 100 * 55 / 220, 27, 2.0]], atol=1e-12)
    hidden = {"thorax": [0, 0, -2.0], "neck": [1.0, 0, 0.0]}
    assert np.isnan(project_bones(far_apart(hidden), CAMERA, picture_crops(1))).all()
    with pytest.raises(InputError, match="positive depth"):
        project_bones(pose := far_apart(behind), CAMERA, picture_crops(len(pose)), near=0)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6))
def test_drawn_pixels_are_where_points_of_the_bones_before_the_camera_project(seed):
    rng = np.random.default_rng(seed)
    joints, near, size = rng.uniform([-2, -2, -1], [2, 2, 3], (1, 16, 3)), 0.2, 40
    bones = project_bones(joints, CAMERA, picture_crops(1), size, near)
    ends = joints[0][DEEPSKELETON16.bone_indices]
    share = np.linspace(0, 1, 4001)[:, None, None]
    points = ends[:, 0] + share * (ends[:, 1] - ends[:, 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        places = ((points @ CAMERA[0].T)[..., :2] / points[..., 2:] + 0.5) * size / 220 - 0.5
    seen = (points[..., 2] >= near) & (abs(places - (size - 1) / 2) <= (size - 1) / 2).all(axis=-1)
    for b in range(15):
        alone = no_bones()
        alone[:, b] = bones[:, b]
        stick = draw_maps(alone, size, 1.5).foreground[0]
        hit = np.zeros((size, size), bool)
        columns, rows = np.round(places[seen[:, b], b]).astype(int).T
        hit[rows, columns] = True
        # a stick 1.5 px wide covers every pixel that the bone goes through, and none but their neighbours
        assert not (hit & (stick == 0)).any()
        assert not ((stick > 0) & ~neighbourhood(hit) & inner(size)).any()


def neighbourhood(mask):
    """Pixels of a mask and the eight around each."""
    wide = np.pad(mask, 1)
    size = len(mask)
    shifted = [wide[y : y + size, x : x + size] for y in range(3) for x in range(3)]
    return np.any(shifted, axis=0)


def inner(size):
    """Pixels not at the border: a bone just outside of the map may reach those."""
    mask = np.zeros((size, size), bool)
    mask[1:-1, 1:-1] = True
    return mask


def test_a_bone_seen_from_its_end_hides_what_is_behind_its_front_end():
    bones = no_bones()
    bones[0, 1] = [[1, 1, 0.2], [1, 1, 1.0]]
    bones[0, 0] = [[0, 1, 0.5], [2, 1, 0.5]]
    maps = draw_maps(bones, size=3, width=1)
    assert maps.foreground[0].tolist() == [[0, 0, 0], [1, 2, 1], [0, 0, 0]]
    assert maps.background[0].tolist() == [[0, 0, 0], [1, 1, 1], [0, 0, 0]]


def test_crops_put_the_person_in_the_middle():
    crops = crops_around([[109.5, 109.5], [20.0, 30.0]], [220, 100], factor=1.5)
    assert crops.left.tolist() == [109.5 - 165, -55]
    assert crops.top.tolist() == [109.5 - 165, -45]
    assert crops.side.tolist() == [330, 150]
    for side, factor in ((0, 1.0), (np.nan, 1.0), (10, -1.0)):
        with pytest.raises(InputError, match="positive"):
            crops_around([[0, 0]], side, factor)


def test_the_whole_box_fills_the_map():
    corners = np.full((1, 16, 2), np.nan)
    corners[0, :2] = [[-0.5, -0.5], [219.5, 219.5]]
    ends = flat_bones(corners, np.zeros((1, 16)), picture_crops(1))
    assert ends[0, 0, :, :2].tolist() == [[-0.5, -0.5], [55.5, 55.5]]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_mirrored_maps_are_maps_of_the_mirrored_person(seed):
    rng = np.random.default_rng(seed)
    # coordinates of few bits: mirroring them doesn't round; no two bones share a depth
    bones = np.concatenate(
        [rng.integers(-64, 60 * 64, (1, 15, 2, 2)) / 64, rng.random((1, 15, 2, 1))], axis=-1
    )
    turned = bones[:, DEEPSKELETON16.mirror[1:] - 1].copy()
    turned[..., 0] = 55 - turned[..., 0]
    one, other = draw_maps(bones), draw_maps(turned)
    np.testing.assert_array_equal(mirror_maps(one.foreground), other.foreground)
    np.testing.assert_array_equal(mirror_maps(one.background), other.background)


def test_colours_can_be_told_apart_and_lead_back():
    difference = PALETTE[:, None].astype(float) - PALETTE[None]
    distance = np.linalg.norm(difference, axis=-1)[~np.eye(16, dtype=bool)]
    assert distance.min() >= 148
    numbers = np.arange(16, dtype=np.uint8).reshape(2, 8)
    pictures = colour_maps(numbers)
    assert pictures.shape == (2, 8, 3)
    assert pictures[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(bones_of_colours(pictures), numbers)
    noise = np.random.default_rng(0).normal(size=(500, 2, 8, 3))
    noise *= 74 / np.linalg.norm(noise, axis=-1, keepdims=True)
    np.testing.assert_array_equal(
        bones_of_colours(pictures + noise), np.broadcast_to(numbers, noise.shape[:-1])
    )


@pytest.mark.parametrize(("size", "width"), [(0, 3), (56, 0), (56, np.nan), (56, np.inf)])
def test_impossible_maps_are_refused(size, width):
    with pytest.raises(InputError, match="must be positive"):
        draw_maps(no_bones(), size, width)


def test_the_skeleton_is_a_tree_from_the_thorax_whose_bones_are_numbered_by_their_ends():
    ends = [DEEPSKELETON16.index(end) for _, end in DEEPSKELETON16.bones]
    assert ends == list(range(1, 16))
    assert all(
        DEEPSKELETON16.index(start) < end for (start, _), end in zip(DEEPSKELETON16.bones, ends, strict=True)
    )
    assert DEEPSKELETON16.joints[0] == "thorax"
