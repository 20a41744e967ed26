import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.crops import centred_transforms, on_grid, to_crop, valid_rectangle, warp_crop


def similarity(scale, x, y):
    return np.array([[scale, 0, x], [0, scale, y]], dtype=np.float64)


def smooth_photograph(height=200, width=240):
    v, u = np.mgrid[:height, :width].astype(float)
    channels = [
        127 + 100 * np.sin(u / 9 + v / 17),
        127 + 100 * np.cos(v / 8),
        127 + 60 * np.sin(u * v / 4000),
    ]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


def bilinear(image, x, y):
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    a, b = x - x0, y - y0
    near = image[y0 : y0 + 2, x0 : x0 + 2].astype(float)
    return (1 - b) * ((1 - a) * near[0, 0] + a * near[0, 1]) + b * ((1 - a) * near[1, 0] + a * near[1, 1])


def test_middle_of_the_bounding_box_comes_to_the_middle():
    joints = np.array([[[10.0, 20.0], [50.0, 100.0], [999.0, 999.0]]])
    transform = centred_transforms(joints, np.array([[True, True, False]]), np.array([0.5]), 360)
    assert transform[0].tolist() == [[0.5, 0, 179.5 - 15], [0, 0.5, 179.5 - 30]]
    assert to_crop(transform, joints)[0, :2].tolist() == [[169.5, 159.5], [189.5, 199.5]]


def test_valid_rectangle_is_the_photograph_clipped_to_the_crop():
    assert valid_rectangle(similarity(1, 100, 30), 200, 100, 360).tolist() == [100, 30, 299, 129]
    assert valid_rectangle(similarity(2, -50, 300), 640, 480, 360).tolist() == [0, 300, 359, 359]


@settings(deadline=None)
@given(st.floats(0, 359, width=32))
def test_mirroring_a_grid_coordinate_twice_changes_nothing(x):
    value = on_grid(np.array([x]))
    last = np.float32(359)
    assert abs(float(value[0]) - x) <= 1 / 8192
    assert last - (last - value) == value


def test_whole_pixel_shift_copies_pixels():
    photograph = smooth_photograph()
    crop = warp_crop(photograph, similarity(1, 60, 80), 360)
    assert np.array_equal(crop[80:280, 60:300], photograph)


def test_photograph_is_reflected_about_its_outermost_pixels():
    photograph = smooth_photograph(100, 100)
    crop = warp_crop(photograph, similarity(1, 130, 130), 360)
    back_and_forth = np.abs((np.arange(360) - 130 + 99) % 198 - 99)
    assert np.array_equal(crop, photograph[back_and_forth[:, None], back_and_forth[None]])


@pytest.mark.parametrize("scale", [1.0, 1.4])
def test_pixels_agree_with_a_bilinear_sample(scale):
    photograph = smooth_photograph()
    transform = similarity(scale, 40.3, 60.6)
    crop = warp_crop(photograph, transform, 360)
    for x, y in [(70, 100), (131, 144), (200, 222)]:
        sample = bilinear(photograph, (x - 40.3) / scale, (y - 60.6) / scale)
        assert np.abs(crop[y, x] - sample).max() < 3


@pytest.mark.parametrize("scale", [0.4, 0.75, 1.7])
def test_a_marked_joint_is_found_where_its_coordinates_say(scale):
    photograph = np.zeros((400, 500, 3), np.uint8)
    cv2.circle(photograph, (321, 123), 6, (255, 255, 255), -1)
    joints, labelled = np.array([[[321.0, 123.0], [261.0, 203.0]]]), np.ones((1, 2), bool)
    transform = centred_transforms(joints, labelled, np.array([scale]), 360)
    expected = to_crop(transform, joints)[0, 0]
    x, y = (round(float(value)) - 20 for value in expected)
    spot = warp_crop(photograph, transform[0], 360)[y : y + 41, x : x + 41, 0].astype(float)
    v, u = np.mgrid[:41, :41]
    found = np.array([(spot * u).sum() + x * spot.sum(), (spot * v).sum() + y * spot.sum()]) / spot.sum()
    assert np.abs(found - expected).max() < 0.1


def test_fine_stripes_do_not_alias_when_reduced():
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = warp_crop(stripes, similarity(0.45, 0, 0), 360)
    assert crop[20:-20, 20:-20].std() < 5
    assert abs(crop.mean() - 127.5) < 2
