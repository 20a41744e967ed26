"""Where tasks run: processes of this machine, started when first needed, or a running Dask cluster."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from synth.environment import use_one_thread
from synth.errors import InputError, WorkersLostError

T = TypeVar("T")
R = TypeVar("R")

_SETTINGS = {
    # a task that holds the interpreter's lock for long isn't dead; lost workers don't damn their tasks
    "distributed.scheduler.allowed-failures": 10,
    "distributed.scheduler.worker-ttl": "15 minutes",
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.admin.tick.limit": "1 hour",
    "distributed.worker.multiprocessing-method": "spawn",
    # with dask's 64 KiB every large array of a render is given back and faulted in anew: half the speed
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
    "logging": {"distributed": "critical"},
}
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
_RETRIES = 2
_CONNECT_SECONDS = 10.0


def usable_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Worker processes; use it as a context manager.

    Parameters
    ----------
    count : int, optional
        Local processes of one thread each; one for each usable core if not given.
    scheduler : str, optional
        Address of a running Dask scheduler, used instead. Its workers must see the same paths.
    """

    def __init__(self, count: int | None = None, scheduler: str | None = None) -> None:
        self._count = count or usable_cores()
        self._scheduler = scheduler
        self._cluster: LocalCluster | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "_client" in self.__dict__:
            # what still runs after an error or an interruption is not waited for
            timeout = 10 if kind is None else 1
            with suppress(TimeoutError, OSError):
                self._client.close(timeout=timeout)
        if self._cluster is not None:
            with suppress(TimeoutError, OSError):
                self._cluster.close(timeout=10)

    @property
    def count(self) -> int:
        """How many tasks run at a time; a running cluster's may change."""
        if self._scheduler is None:
            return self._count
        return max(1, sum(self._client.nthreads().values()))

    @cached_property
    def _client(self) -> Client:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        dask.config.set(_SETTINGS)
        if self._scheduler is not None:
            return _connect(self._scheduler)
        with _ctrl_c_ignored():
            self._cluster = LocalCluster(
                n_workers=self._count,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                dashboard_address=":0",  # any free port: nothing is shown there
                silence_logs=logging.CRITICAL,
                env=_ONE_THREAD,
            )
        return Client(self._cluster)

    def require_paths(self, paths: Sequence[Path]) -> None:
        """Make sure that every worker of a running cluster sees some files or folders.

        Raises
        ------
        InputError
            A worker does not.
        """
        if self._scheduler is None:
            return
        for worker, missing in self._client.run(_missing, list(paths)).items():
            if missing:
                raise InputError(
                    f"worker {worker} does not see {missing[0]}; set $SYNTH_CACHE and --out to folders "
                    "that all machines of the cluster share under the same paths"
                )

    def map(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield results in the tasks' order, as the built-in `map`; few tasks are under way at a time."""
        waiting: deque[Future] = deque()
        for task in tasks:
            waiting.append(self._submit(function, task))
            if len(waiting) > 2 * self.count:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())

    def unordered(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Yield results as they come, about twice as many tasks under way as there are workers.

        The rest is cancelled when the caller stops early or a task raises.
        """
        if not tasks:
            return  # nothing to start processes for
        todo = deque(tasks)
        running = as_completed(loop=self._client.loop)
        under_way: set[Future] = set()
        try:
            while todo or under_way:
                while todo and len(under_way) < 2 * self.count:
                    future = self._submit(function, todo.popleft())
                    under_way.add(future)
                    running.add(future)
                future = next(running)
                under_way.discard(future)
                yield _result(future)
        finally:
            if under_way:
                with suppress(TimeoutError, OSError):
                    self._client.cancel(list(under_way))

    def _submit(self, function: Callable[[T], R], task: T) -> Future:
        return self._client.submit(_run, function, task, pure=False, retries=_RETRIES)


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    """Start processes that Ctrl-C, which a terminal sends to all, doesn't reach: this one stops them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _connect(address: str) -> Client:
    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error}") from error
    if not client.nthreads():
        client.close()
        raise InputError(f"the Dask scheduler at {address} has no workers")
    return client


def _run(function: Callable[[Any], R], task: Any) -> R:
    use_one_thread()
    return function(task)


def _result(future: Future) -> Any:
    try:
        return future.result()
    except KilledWorker as error:
        raise WorkersLostError(
            f"{error.allowed_failures + 1} worker processes died one after the other, each at the same task, as when "
            "the memory is used up; nothing that is written is lost: give the same command with fewer --workers"
        ) from error


def _missing(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths if not path.exists()]
