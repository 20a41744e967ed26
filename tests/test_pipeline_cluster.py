from __future__ import annotations

import os

import pytest

from pipelines import cluster
from pipelines.cluster import Workers, usable_cores
from synth.errors import InputError, WorkersLostError


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as made:
        yield made


def test_map_keeps_the_order(workers):
    assert list(workers.map(abs, range(-9, 0))) == list(range(9, 0, -1))


def test_unordered_gives_every_result_and_starts_few_ahead(workers):
    assert sorted(workers.unordered(abs, list(range(-9, 0)))) == list(range(1, 10))
    assert workers.count == 1


def test_errors_of_tasks_come_back_as_they_are(workers):
    with pytest.raises(ZeroDivisionError):
        list(workers.unordered((1).__truediv__, [1, 0]))


def die(task):
    os._exit(1)


def test_processes_that_die_again_and_again_are_told_in_a_line(monkeypatch):
    monkeypatch.setitem(cluster._SETTINGS, "distributed.scheduler.allowed-failures", 0)
    with (
        Workers(1) as own,
        pytest.raises(WorkersLostError, match=r"^1 worker processes died .* fewer --workers"),
    ):
        list(own.unordered(die, [0]))


def test_nothing_is_started_for_no_tasks():
    with Workers(1) as idle:
        assert list(idle.unordered(abs, [])) == []
        assert "_client" not in vars(idle)


def test_a_scheduler_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.5)
    with (
        Workers(scheduler="tcp://127.0.0.1:1") as absent,
        pytest.raises(InputError, match="no Dask scheduler"),
    ):
        list(absent.map(abs, [1]))


def test_paths_of_local_processes_need_no_check(workers, tmp_path):
    workers.require_paths([tmp_path / "missing"])


def test_there_is_a_core():
    assert usable_cores() >= 1
