from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from synth.sources.kinematics import euler_matrix, identity_frames, times_matrix, times_vector, turned

ANGLES = st.lists(st.floats(-7, 7), min_size=3, max_size=3).map(np.array)
ORDERS = st.permutations("xyz").map("".join)


@settings(deadline=None)
@given(ANGLES, ORDERS)
def test_euler_matrix_is_scipys_extrinsic_rotation(angles: np.ndarray, order: str) -> None:
    in_order = [angles["xyz".index(letter)] for letter in order]
    expected = Rotation.from_euler(order, in_order).as_matrix()  # lower case: extrinsic
    np.testing.assert_allclose(euler_matrix(angles, order), expected, atol=1e-12)


@settings(deadline=None)
@given(ANGLES, ORDERS)
def test_turning_frame_by_frame_multiplies_on_the_right(angles: np.ndarray, order: str) -> None:
    start = euler_matrix(angles[::-1], "zyx")
    frames = times_matrix(identity_frames(2), start)
    expected = start
    for letter, angle in zip(order, angles, strict=True):
        frames = turned(frames, letter, np.array([angle, 0.0]))
        expected = expected @ Rotation.from_euler(letter, angle).as_matrix()
    np.testing.assert_allclose(frames[:, 0].T, expected, atol=1e-12)
    np.testing.assert_allclose(frames[:, 1].T, start, atol=1e-12)
    vector = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(times_vector(frames, vector)[0], expected @ vector, atol=1e-12)
    several = np.stack([vector, -vector])
    np.testing.assert_allclose(times_vector(frames, several)[1], start @ -vector, atol=1e-12)
