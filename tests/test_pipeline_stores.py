from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
import store_samples

from pipelines import stores
from pipelines.shards import ShardOutcome, write_shard
from pipelines.stores import (
    StorePlan,
    begin,
    check_layout,
    check_place,
    check_same_recipe,
    committed_samples,
    finish,
    make_shards,
    pending,
    require_space,
)
from synth.errors import DiskSpaceError, InputError, StoreError, TooManyFailuresError
from synth.store.commits import committed_shards
from synth.store.metadata import open_meta
from synth.store.reader import open_store

RECIPE = {"blending": {"sigma": 15.0}, "sources": {"mocap": "cmu"}}


class Block:
    """Samples of `store_samples`, of which some fail."""

    def __init__(self, ids, failing=()):
        self.ids, self.failing = ids, failing

    def samples(self):
        for sample in self.ids.tolist():
            if sample in self.failing:
                yield InputError("no match")
            else:
                yield {"images": store_samples.image(sample)}

    def labels(self):
        return store_samples.labels(int(self.ids[0]), int(self.ids[-1]) + 1)


def plan(path, n=10, recipe_hash="r", inputs=None, recipe=None):
    attributes = {"recipe": recipe or RECIPE, "inputs": inputs or {"image_pool": "p"}}
    return StorePlan(path, store_samples.schema(), n, recipe_hash, attributes, store_samples.TABLES)


def fill(meta, failing=(), stop=False):
    return [
        write_shard(meta.path, shard, lambda ids: Block(ids, failing), stop_on_error=stop)
        for shard in pending(meta)
    ]


def test_shards_are_written_and_sealed(tmp_path):
    meta = begin(plan(tmp_path / "s"))
    assert committed_samples(None) == committed_samples(meta) == 0
    outcomes = fill(meta)
    assert [(o.shard, o.samples, o.failures, o.committed) for o in outcomes] == [
        (0, 3, {}, True),
        (1, 3, {}, True),
        (2, 3, {}, True),
        (3, 1, {}, True),
    ]
    assert committed_samples(meta) == 10
    assert finish(meta.path, 0.0) == 0
    store = open_store(meta.path)
    np.testing.assert_array_equal(store.read_images(range(10)), store_samples.images(10))
    np.testing.assert_array_equal(store.label("joints2d"), store_samples.labels(0, 10)["joints2d"])


def test_blocks_of_a_shard_are_joined(tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.shards.BLOCK", 2)
    meta = begin(plan(tmp_path / "s"))
    fill(meta)
    finish(meta.path, 0.0)
    np.testing.assert_array_equal(open_store(meta.path).label("source"), np.arange(10) % 4)


def test_failed_samples_are_counted_and_tried_again(tmp_path):
    meta = begin(plan(tmp_path / "s"))
    outcomes = fill(meta, failing={4, 7})
    assert [o.failures for o in outcomes] == [{}, {4: "no match"}, {7: "no match"}, {}]
    with pytest.raises(TooManyFailuresError, match=r"2 of 10 samples failed.*0\.1 allows.*4: no match"):
        finish(meta.path, 0.1)
    assert open_meta(meta.path).seal is None
    assert pending(meta) == [1, 2]
    fill(meta, failing={7})
    assert finish(meta.path, 0.1) == 1
    assert open_store(meta.path).valid_ids().tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_stop_on_error_commits_nothing_of_the_shard(tmp_path):
    meta = begin(plan(tmp_path / "s"))
    outcomes = fill(meta, failing={4}, stop=True)
    assert [o.committed for o in outcomes] == [True, False, True, True]
    assert sorted(committed_shards(meta.path)) == [0, 2, 3]
    seen = []
    with pytest.raises(TooManyFailuresError, match="sample 4 failed: no match"):
        make_shards(meta, iter(outcomes), seen.append, 1.0)
    assert [o.shard for o in seen] == [0, 1]


def test_a_run_ends_as_soon_as_too_many_failed(tmp_path):
    meta = begin(plan(tmp_path / "s"))
    outcomes = [ShardOutcome(k, 3, 0.1, "here", {3 * k: "bad"}) for k in range(3)]
    seen = []
    with pytest.raises(TooManyFailuresError, match="2 of 10"):
        make_shards(meta, iter(outcomes), seen.append, 0.1)
    assert len(seen) == 2


def test_another_recipe_is_refused_by_what_differs(tmp_path):
    meta = begin(plan(tmp_path / "s"))
    other = {"blending": {"sigma": 20.0}, "sources": {"mocap": "cmu+hdm05"}}
    with pytest.raises(StoreError, match=r"blending\.sigma is 15\.0 there, 20\.0 now; choose"):
        check_same_recipe(meta, other, ("blending",))
    with pytest.raises(StoreError, match=r"sources\.mocap is cmu there, cmu\+hdm05 now"):
        begin(plan(tmp_path / "s", recipe_hash="q", recipe={**RECIPE, "sources": other["sources"]}))
    with pytest.raises(StoreError, match="image pool changed since it was begun"):
        begin(plan(tmp_path / "s", recipe_hash="q", inputs={"image_pool": "other"}))


def test_a_store_grows_but_neither_shrinks_nor_changes_layout(tmp_path):
    meta = begin(plan(tmp_path / "s", n=4))
    assert begin(plan(tmp_path / "s", n=10)).n == 10
    meta = open_meta(meta.path)
    with pytest.raises(StoreError, match="holds n = 10"):
        check_layout(meta, 4, 3, "zstd:1")
    with pytest.raises(StoreError, match="--shard-size 3, not 5"):
        check_layout(meta, 10, 5, "zstd:1")
    with pytest.raises(StoreError, match="--codec zstd:1, not none"):
        check_layout(meta, 10, 3, "none")


def test_place_and_resume_must_agree(tmp_path):
    path = tmp_path / "s"
    assert check_place(path, "auto") is None
    with pytest.raises(InputError, match="no store at"):
        check_place(path, "require")
    begin(plan(path))
    assert check_place(path, "auto").n == 10
    with pytest.raises(InputError, match="exists") as caught:
        check_place(path, "never")
    assert caught.value.exit_code == 2
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is no store"):
        check_place(tmp_path / "file", "auto")
    with pytest.raises(InputError, match="is no store"):
        check_place(tmp_path, "auto")


def test_space_is_wanted_with_a_twentieth_to_spare(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(stores.shutil, "disk_usage", lambda path: usage(0, 0, 1000))
    require_space(tmp_path / "not" / "there", 950)
    with pytest.raises(DiskSpaceError) as caught:
        require_space(tmp_path / "not" / "there", 960)
    assert caught.value.exit_code == 4
