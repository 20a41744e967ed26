"""What the catalogue says of a source: a value for each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.sources.finders import Roots
from synth.sources.images import Annotations
from synth.sources.motion import MotionItem
from synth.sources.records import Rejection


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source that this program can read.

    Parameters
    ----------
    name, title, licence, publisher : str
        Name in options, full title, terms of use in a few words, page where the publisher offers it.
    layouts : tuple of str
        Paths under the data root at which it is looked for, for messages.
    find : callable
        Data root -> folders or archives; empty if it isn't there.
    suffixes : tuple of str
        Endings of its files, for the fingerprint.
    embedded : bool
        The program makes the source itself: it is always there, and `find` heeds no data root.
    make : callable, optional
        Makes an embedded source unless it was made before, running its tasks by a `map` that it is given;
        `find` would make it in this process.
    making, tasks : str
        What `make` does and what its tasks are called, to tell how far it is.
    """

    name: str
    title: str
    licence: str
    publisher: str
    layouts: tuple[str, ...]
    find: Callable[[Path], Roots]
    suffixes: tuple[str, ...]
    embedded: bool = False
    make: Callable[[Callable[..., Iterable[Any]]], Path] | None = None
    making: str = ""
    tasks: str = ""


@dataclass(frozen=True, kw_only=True)
class MotionSource(Source):
    """A source of motion clips; `items` lists them in what `find` found."""

    items: Callable[[Roots], list[MotionItem]]


@dataclass(frozen=True, kw_only=True)
class ImageSource(Source):
    """A source of annotated images; `read` gives all people of what `find` found.

    `find` gives the place of the annotations and, where it is another, that of the images. Nothing may be trained on
    the people of a source that is for testing. The images of a filmed source are frames of few recordings, each much
    like the next.
    """

    for_testing: bool = False
    filmed: bool = False
    read: Callable[[Path], tuple[Annotations, list[Rejection]]]
