from __future__ import annotations

from synth.differences import differences


def test_every_value_that_differs_is_told_with_its_place():
    there = {"a": 1, "b": {"c": [1, 2], "d": {"e": None}}, "gone": 3}
    here = {"a": 1, "b": {"c": [2, 1], "d": {"e": 0}}, "new": True}
    assert differences(there, here) == (
        "b.c is [1, 2] there, [2, 1] now; b.d.e is None there, 0 now; gone is 3 there, None now; "
        "new is None there, True now"
    )
    assert differences(there, there) == ""
