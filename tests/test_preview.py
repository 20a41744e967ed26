from __future__ import annotations

import cv2
import numpy as np

from synth.preview import LEFT, MIDDLE, RIGHT, contact_sheet, draw_skeleton, encode_png
from synth.skeletons import Skeleton

CROSS = Skeleton(
    "cross",
    ("neck", "head", "left_hand", "right_hand"),
    (("neck", "head"), ("neck", "left_hand"), ("neck", "right_hand")),
)
JOINTS = np.array([[20.0, 20.0], [20.0, 5.0], [35.0, 20.0], [5.0, 20.0]])


def test_bones_have_their_sides_colours_and_are_thin():
    drawn = draw_skeleton(np.zeros((40, 40, 3), np.uint8), JOINTS, CROSS)
    # an anti-aliased line gives its own pixels nine tenths of its colour
    np.testing.assert_allclose(drawn[12, 20], MIDDLE, atol=30)
    np.testing.assert_allclose(drawn[20, 28], LEFT, atol=30)
    np.testing.assert_allclose(drawn[20, 12], RIGHT, atol=30)
    assert (drawn[12].sum(axis=1) > 0).sum() <= 3


def test_a_joint_that_is_not_finite_and_its_bones_are_left_out():
    joints = JOINTS.copy()
    joints[3] = np.nan
    drawn = draw_skeleton(np.zeros((40, 40, 3), np.uint8), joints, CROSS)
    assert not drawn[:, :17].any()
    np.testing.assert_allclose(drawn[20, 28], LEFT, atol=30)


def test_sheet_has_each_picture_above_its_skeleton():
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((3, 40, 40, 3), np.uint8) * 50
    valid = np.array([True, False, True])
    sheet = contact_sheet(images, np.tile(JOINTS, (3, 1, 1)), valid, CROSS, columns=2)
    assert sheet.shape == (2 * (14 + 80 + 8), 2 * 44, 3)
    np.testing.assert_array_equal(sheet[14:54, :40], images[0])
    assert (sheet[58:98, :40] != images[0]).any()
    assert (sheet[14:54, 44:84] == 128).all()
    np.testing.assert_array_equal(sheet[102 + 14 : 102 + 54, :40], images[2])
    decoded = cv2.imdecode(np.frombuffer(encode_png(sheet), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], sheet)
