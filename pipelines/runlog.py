"""What lies beside a store: the log of its runs (times, hosts, paths) and the list of what was left out."""

from __future__ import annotations

import json
import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synth.cache import atomic_write_bytes
from synth.sources.records import Rejection

_SHOWN = 10


def beside(store: Path, ending: str) -> Path:
    """Path of a file that belongs to a store: ``m.zarr`` gives ``m-log.jsonl`` for ``log.jsonl``."""
    return store.with_name(f"{store.name.removesuffix('.zarr')}-{ending}")


class RunLog:
    """Appends events to a store's log, one JSON object a line.

    Parameters
    ----------
    store : Path
        The store it lies beside.
    command : str
        How the run was called.
    """

    def __init__(self, store: Path, command: str) -> None:
        self.path = beside(store, "log.jsonl")
        self.command = command

    @contextmanager
    def run(self, **fields: Any) -> Iterator[None]:
        """Write that a run begins and how it ends."""
        self.write("begun", command=self.command, **fields)
        try:
            yield
        except BaseException as error:
            self.write("ended", error=f"{type(error).__name__}: {error}")
            raise
        self.write("ended", error=None)

    def write(self, event: str, **fields: Any) -> None:
        """Append one event with its time, host and process."""
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "event": event,
            **fields,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")


def write_rejections(store: Path, rejections: Iterable[Rejection]) -> Path:
    """List all that was left out, one JSON object a line; the path of the list."""
    path = beside(store, "rejections.jsonl")
    lines = [json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in rejections]
    atomic_write_bytes(path, "".join(lines).encode())
    return path


def count_rejections(rejections: Iterable[Rejection]) -> dict[str, dict[str, int]]:
    """Count what was left out by source and reason, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    for item in rejections:
        counts.setdefault(item.source, Counter())[item.reason] += item.count
    return {source: dict(counter.most_common()) for source, counter in sorted(counts.items())}


def rejection_lines(counts: dict[str, dict[str, int]]) -> list[str]:
    """Say what was left out, in a few lines."""
    rows = [(count, source, reason) for source, of in counts.items() for reason, count in of.items()]
    rows.sort(key=lambda row: (-row[0], row[1:]))
    lines = [f"  left out: {count:,} x {reason} ({source})" for count, source, reason in rows[:_SHOWN]]
    rest = rows[_SHOWN:]
    return (
        [*lines, f"  left out: {sum(row[0] for row in rest):,} more for {len(rest)} reasons"]
        if rest
        else lines
    )
