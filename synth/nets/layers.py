"""What several networks share: scaled channel counts, and weighted means over known values."""

from __future__ import annotations

from torch import Tensor

from synth.errors import InputError


def scaled(channels: int, width: float) -> int:
    """Channels of a hidden layer of a network `width` times as wide: rounded, 1 or more.

    Raises
    ------
    InputError
        If the width isn't positive.
    """
    if not width > 0:
        raise InputError(f"a network cannot be {width} times as wide: give a positive factor")
    return max(1, round(channels * width))


def known_mean(values: Tensor, known: Tensor) -> Tensor:
    """Mean of the known values.

    Parameters
    ----------
    values : (...) float
    known : (...) bool or float
        Which count.

    Returns
    -------
    () float
        0, with a gradient of 0, where none is known.
    """
    weight = known.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp(min=1.0)
