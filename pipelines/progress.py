"""What a run tells while it runs, on standard error: messages, how far it is, how fast, how long it takes."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Literal, Self, TextIO, TypeVar

from tqdm import tqdm

Mode = Literal["auto", "bar", "plain", "json", "none"]

T = TypeVar("T")

_SECONDS_BETWEEN_LINES = 10.0
_BAR = "{desc}: {percentage:3.0f} % |{bar}| {n:,}/{total:,}{unit}, {rate_fmt}, {remaining} left"


class Progress:
    """Tells messages and the state of one stage at a time.

    Parameters
    ----------
    mode : {"auto", "bar", "plain", "json", "none"}
        A bar (`tqdm`), a line every ten seconds, a JSON object a line, or nothing; auto is a bar on a
        terminal and plain lines elsewhere.
    stream : text stream, optional
        Standard error if not given.
    """

    def __init__(self, mode: Mode = "auto", stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.mode = ("bar" if self.stream.isatty() else "plain") if mode == "auto" else mode
        self._bar: tqdm | None = None

    def say(self, text: str) -> None:
        """Tell one thing."""
        if self.mode == "json":
            self._json({"event": "message", "text": text})
        elif self._bar is not None:
            self._bar.write(text, file=self.stream)
        elif self.mode != "none":
            print(text, file=self.stream, flush=True)

    def stage(self, name: str, total: int, unit: str) -> Stage:
        """Begin a stage of `total` units; use it as a context manager."""
        return Stage(self, name, total, unit)

    def over(self, items: Iterable[T], name: str, total: int, unit: str) -> Iterator[T]:
        """Go through items and tell how far that is."""
        with self.stage(name, total, unit) as stage:
            for item in items:
                stage.advance(1)
                yield item

    def _json(self, document: dict[str, object]) -> None:
        print(json.dumps(document), file=self.stream, flush=True)


class Stage:
    """A part of a run whose length is known; the rate counts what was done since it began."""

    def __init__(self, progress: Progress, name: str, total: int, unit: str) -> None:
        self.progress, self.name, self.total, self.unit = progress, name, total, unit
        self.done = 0
        self._told = self._start = time.monotonic()
        self._first: tuple[int, float] | None = None

    def __enter__(self) -> Self:
        if self.progress.mode == "bar":
            self.progress._bar = tqdm(
                total=self.total,
                desc=self.name,
                unit=f" {self.unit}",
                file=self.progress.stream,
                # asked once: a pseudo-terminal that claims to have no rows would show nothing
                ncols=shutil.get_terminal_size().columns,
                nrows=24,
                smoothing=0.1,
                leave=False,
                bar_format=_BAR,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.progress._bar is not None:
            self.progress._bar.close()
            self.progress._bar = None

    def advance(self, units: int) -> None:
        """Tell that some more units are done."""
        self.done += units
        now = time.monotonic()
        if self._first is None:
            self._first = (self.done, now)
        if self.progress._bar is not None:
            self.progress._bar.update(units)
        elif self.progress.mode == "json":
            self.progress._json({"event": "progress", **self.state()})
        elif now - self._told >= _SECONDS_BETWEEN_LINES:
            self._told = now
            self.progress.say(self._line())

    @property
    def rate(self) -> float:
        """Units a second; once enough are done, without the time to the first ones: it starts processes."""
        done, since = self.done, self._start
        if self._first is not None and self.done >= 4 * self._first[0]:
            done, since = self.done - self._first[0], self._first[1]
        return done / max(time.monotonic() - since, 1e-9)

    def state(self) -> dict[str, object]:
        """Say how far the stage is, in numbers."""
        return {
            "stage": self.name,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "per_second": round(self.rate, 2),
            "seconds_left": round((self.total - self.done) / max(self.rate, 1e-9), 1),
        }

    def _line(self) -> str:
        rate = f"{self.rate:,.0f}" if self.rate >= 10 else f"{self.rate:.1f}"
        left = duration((self.total - self.done) / max(self.rate, 1e-9))
        return f"{self.name}: {self.done:,} of {self.total:,} {self.unit}, {rate} {self.unit}/s, {left} left"


def duration(seconds: float) -> str:
    """Write a time for people: ``45 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
