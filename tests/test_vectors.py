"""The blend's vector operations against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from synth.mosaic.vectors import add_bilinear, sum_indicators, window_counts


@njit
def call_add_bilinear(total, place, pixels, above, below, fx, fy, weight):
    add_bilinear(
        total,
        np.int64(place),
        pixels,
        np.uint64(above),
        np.uint64(below),
        np.int32(fx),
        np.int32(fy),
        np.int32(weight),
    )


@njit
def call_sum_indicators(labels, start, count, table, above, here):
    sum_indicators(labels, np.uint64(start), np.uint64(count), table, np.uint64(above), np.uint64(here))


@njit
def call_window_counts(table, corners, counts, first):
    a, b, c, d = np.uint64(corners[0]), np.uint64(corners[1]), np.uint64(corners[2]), np.uint64(corners[3])
    return window_counts(table, a, b, c, d, counts, np.uint64(first))


@pytest.mark.parametrize(("fx", "fy"), [(0, 0), (4095, 4095), (2048, 0), (0, 2048), (1234, 3500)])
@pytest.mark.parametrize("weight", [1, 225])
def test_bilinear_sample_is_added(fx, fy, weight):
    """The four pixels lie at the very end of their rows: nothing outside the array counts."""
    rows = np.random.default_rng(fx).integers(0, 256, (2, 4, 3), np.uint8)
    before = np.random.default_rng(1).integers(0, 1000, 9).astype(np.int32)
    total = before.copy()
    call_add_bilinear(total, 4, rows.ravel(), 6, 18, fx, fy, weight)
    a, b = fx / 4096, fy / 4096
    near = rows[:, 2:].astype(float)
    sample = (1 - b) * ((1 - a) * near[0, 0] + a * near[0, 1]) + b * ((1 - a) * near[1, 0] + a * near[1, 1])
    # rounded to 1/16 by columns and to 1/32 in the end
    assert np.abs((total - before)[4:7] - weight * 32 * sample).max() <= 1.5 * weight
    assert (total[:4] == before[:4]).all()
    assert total[8] == before[8]


@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_bilinear_sample_of_one_colour_is_exact(value):
    pixels = np.full(24, value, np.uint8)
    for f in range(0, 4096, 185):
        total = np.zeros(4, np.int32)
        call_add_bilinear(total, 0, pixels, 6, 18, f, 4095 - f, 7)
        assert total[:3].tolist() == [7 * 32 * value] * 3


@pytest.mark.parametrize("count", [1, 7, 16])
def test_row_of_a_summed_area_table(count):
    labels = np.random.default_rng(count).integers(0, 16, 20).astype(np.uint8)
    table = np.random.default_rng(9).integers(0, 5000, (2, 16, 16)).astype(np.uint16)
    expected = table.copy()
    row = labels[3 : 3 + count, None] == np.arange(16)
    expected[1, :count] = table[0, :count] + row.cumsum(axis=0)
    call_sum_indicators(labels, 3, count, table.reshape(-1), 0, 256)
    assert (table == expected).all()


def test_counts_of_a_window():
    labels = np.random.default_rng(0).integers(0, 9, (30, 40)).astype(np.uint8)
    table = np.zeros((31, 41, 16), np.uint16)
    table[1:, 1:] = (labels[..., None] == np.arange(16)).cumsum(axis=0).cumsum(axis=1)
    top, left, bottom, right = 4, 7, 6, 9
    corners = [(y * 41 + x) * 16 for y, x in ((bottom, right), (top, left), (top, right), (bottom, left))]
    counts = np.full(40, 77, np.uint16)
    present = call_window_counts(table.reshape(-1), np.array(corners), counts, 16)
    expected = np.bincount(labels[top:bottom, left:right].ravel(), minlength=16)
    assert counts[16:32].tolist() == expected.tolist()
    assert (counts[:16] == 77).all()
    assert (counts[32:] == 77).all()
    assert present == sum(1 << s for s in np.flatnonzero(expected).tolist())
