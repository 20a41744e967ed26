"""What ``--mocap`` names: recorded motion, people of photographs lifted to 3D, and the shares of both.

``cmu+hdm05`` are recorded sources; ``pseudo:lspet`` are the people of image source `lspet`; a weight behind
every name, as in ``cmu:0.7+pseudo:lspet:0.3``, shares the samples out.
"""

from __future__ import annotations

from dataclasses import dataclass

from synth.errors import InputError
from synth.lifting.lifted import PSEUDO
from synth.shares import SourceShare, quotas
from synth.sources import catalog

_EXAMPLE = "cmu:0.7+pseudo:lspet:0.3"


@dataclass(frozen=True)
class MotionPart:
    """One part of a list of motion sources.

    Parameters
    ----------
    name : str
        A motion source, or the image source whose people are lifted.
    lifted : bool
        Which of the two.
    weight : float or None
        Its weight, if it has one.
    """

    name: str
    lifted: bool
    weight: float | None

    def sources(self) -> tuple[str, ...]:
        """Names as in `MotionClip.source`; an alias stands for several."""
        if self.lifted:
            return tuple(f"{PSEUDO}{source.name}" for source in catalog.image_sources(self.name))
        return tuple(source.name for source in catalog.motion_sources(self.name))


@dataclass(frozen=True)
class MotionSpec:
    """A list of motion sources; `parse_motion` reads it."""

    parts: tuple[MotionPart, ...]

    @property
    def recorded(self) -> str:
        """Names of the recorded sources, joined with ``+``; empty if there are none."""
        return "+".join(part.name for part in self.parts if not part.lifted)

    def motion_sources(self) -> tuple[catalog.MotionSource, ...]:
        """List the recorded sources, each once; `InputError` for an unknown name."""
        return catalog.motion_sources(self.recorded) if self.recorded else ()

    def image_sources(self) -> tuple[catalog.ImageSource, ...]:
        """List the image sources whose people are lifted, each once; `InputError` for an unknown name."""
        names = "+".join(part.name for part in self.parts if part.lifted)
        return catalog.image_sources(names) if names else ()

    def shares(self) -> tuple[SourceShare, ...]:
        """Shares of the samples, in the order of the sources' names; empty if no weight is given.

        Raises
        ------
        InputError
            For an unknown name, or a source named twice.
        """
        shares = [SourceShare(part.sources(), part.weight) for part in self.parts if part.weight is not None]
        names = [name for share in shares for name in share.sources]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{name} is named {names.count(name)} times with a weight; name it once")
        return tuple(sorted(shares, key=lambda share: share.sources))


def parse_motion(spec: str) -> MotionSpec:
    """Read a list of motion sources.

    Parameters
    ----------
    spec : str
        Parts joined with ``+``, each ``NAME`` or ``pseudo:NAME``; either none or all end in ``:WEIGHT``.

    Raises
    ------
    InputError
        If a weight is not a positive number, too small, or given to some parts only. Names are not looked up.
    """
    parts = tuple(_part(text.strip()) for text in spec.split("+"))
    weights = [part.weight for part in parts if part.weight is not None]
    if weights and len(weights) < len(parts):
        bare = next(part.name for part in parts if part.weight is None)
        raise InputError(
            f"{bare} has no weight, others have; give all of them one, as in {_EXAMPLE}, or none"
        )
    if weights:
        quotas(weights)
    return MotionSpec(parts)


def _part(text: str) -> MotionPart:
    name, colon, weight = text.removeprefix(PSEUDO).partition(":")
    lifted = text.startswith(PSEUDO)
    if not colon:
        return MotionPart(name, lifted, None)
    try:
        return MotionPart(name, lifted, SourceShare((name,), float(weight)).weight)
    except ValueError:
        raise InputError(
            f"{weight!r} is no weight for {name}; give a number above 0, as in {_EXAMPLE}"
        ) from None
