"""Seamless random fields: the raw stuff of plaster, bark, wool, clouds and creases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatField = NDArray[np.float32]


def fractal(rng: np.random.Generator, size: int, decay: float = 1.2, stretch: float = 1.0) -> FloatField:
    """Random field without seams whose spectrum falls off as a power of the frequency.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the field.
    size : int
        Rows and columns.
    decay : float
        Amplitude is frequency to the power -decay: 0 is white noise, 2 soft clouds.
    stretch : float
        How many times longer the field's features are along rows (x) than along columns.

    Returns
    -------
    (size, size) float32
        Mean 0, standard deviation 1; periodic in both axes.
    """
    fy = np.fft.fftfreq(size)[:, None] * size
    fx = np.fft.rfftfreq(size)[None] * size * stretch
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * radius**-decay
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=(size, size))
    return (field / field.std()).astype(np.float32)


def smoothstep(low: float, high: float, x: NDArray) -> NDArray:
    """Cubic step of `x` from 0 at `low` to 1 at `high` (which may be the smaller one)."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
