"""What differs between two nested documents, told in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Tell every value that differs.

    Parameters
    ----------
    there, here : mapping
        JSON values, such as a recipe of something that was begun and one that is to go on with it.

    Returns
    -------
    str
        Such as ``"views.roll is 0 there, 5 now; seed is 1 there, 2 now"``; empty if nothing differs.
    """
    was, now = _flat(there), _flat(here)
    return "; ".join(f"{key} is {was.get(key)} there, {now.get(key)} now" for key in differing(there, here))


def differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Name every value that differs, such as ``["views.roll", "seed"]``; both as for `differences`."""
    was, now = _flat(there), _flat(here)
    return [key for key in {**was, **now} if was.get(key) != now.get(key)]


def _flat(document: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{above}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return flat
