from __future__ import annotations

import io
import os
from dataclasses import replace

import numpy as np
import pytest
from tiny_data import tiny_root

from pipelines import prepare
from pipelines.options import option_name
from pipelines.pose_library import check_motion, prepare_poses
from pipelines.prepare import Tools, check_images, open_split_index, prepare_indices, prepare_pool
from pipelines.progress import Progress
from pipelines.recipe import Recipe
from pipelines.recipe_files import with_overrides
from synth.errors import InputError, SourceMissingError
from synth.splits import SplitCycle

CYCLE = SplitCycle(600, 200, 200)


class HereWorkers:
    """Runs tasks in this process."""

    def map(self, function, tasks):
        return map(function, tasks)


@pytest.fixture(scope="module")
def root(data_root, tmp_path_factory):
    return tiny_root(data_root, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def tools(cache):
    return Tools(cache, HereWorkers(), Progress("plain", io.StringIO()))


def recipe(root, **sources):
    given = {"mocap": "cmu+hdm05", "images": "lspet", "data_root": root, **sources}
    return with_overrides(Recipe(), {("sources", key): value for key, value in given.items()}, option_name)


def told(tools):
    return tools.progress.stream.getvalue()


def test_poses_are_read_once_and_found_again(root, tools, monkeypatch):
    first = prepare_poses(recipe(root), tools)
    assert first.library.subjects == ("cmu/02", "cmu/03", "cmu/09", "hdm05/bk")
    assert "reading motion: 4 clips" in told(tools)
    monkeypatch.setattr(prepare.catalog, "motion_items", lambda *given: pytest.fail("read again"))
    monkeypatch.setattr(prepare.catalog, "source_fingerprint", lambda *given: pytest.fail("hashed again"))
    again = prepare_poses(recipe(root), tools)
    assert again.path == first.path
    assert again.library.content_hash == first.library.content_hash
    assert again.frames == first.frames > 500


def test_touched_files_with_the_same_content_give_the_same_library(root, tools):
    first = prepare_poses(recipe(root), tools)
    os.utime(root / "allasfamc.zip", ns=(1, 1))
    assert prepare_poses(recipe(root), tools).path == first.path


def test_other_options_give_another_library(root, tools):
    first = prepare_poses(recipe(root), tools)
    other = replace_poses(recipe(root), threshold=0.2)
    assert prepare_poses(other, tools).path != first.path


def replace_poses(base, **fields):
    return base.model_copy(update={"poses": base.poses.model_copy(update=fields)})


def test_pool_is_made_once_and_found_again_with_its_rejections(root, tools, monkeypatch):
    first = prepare_pool(recipe(root), tools)
    assert first.pool.rows + len(first.rejections) >= 60
    monkeypatch.setattr(prepare.catalog, "read_images", lambda *given: pytest.fail("read again"))
    again = prepare_pool(recipe(root), tools)
    assert again.pool.path == first.pool.path
    assert again.rejections == first.rejections


def test_a_removed_pool_is_made_again(root, tools):
    first = prepare_pool(recipe(root), tools)
    for file in first.pool.path.iterdir():
        file.unlink()
    first.pool.path.rmdir()
    assert prepare_pool(recipe(root), tools).pool.digest == first.pool.digest


def test_every_split_gets_an_index_of_its_own_photographs(root, tools):
    pool = prepare_pool(recipe(root), tools).pool
    folders = dict(prepare_indices(pool, CYCLE, "rigid", tools))
    assert list(folders) == [0, 1, 2]
    photographs = []
    for folder in folders.values():
        part = open_split_index(folder)
        assert len(part.index) == len(part.entries) > 0
        np.testing.assert_array_equal(part.index.joints, pool.joints[part.entries])
        photographs.append({pool.photograph_key(entry) for entry in part.entries.tolist()})
    assert sum(map(len, photographs)) == len(set.union(*photographs)) == len(np.unique(pool.photograph))
    names = {folder: folder.stat().st_mtime_ns for folder in folders.values()}
    again = dict(prepare_indices(pool, CYCLE, "rigid", tools))
    assert {folder: folder.stat().st_mtime_ns for folder in again.values()} == names
    other = dict(prepare_indices(pool, replace(CYCLE, train=601), "rigid", tools))
    assert not set(other.values()) & set(folders.values())


def test_sources_that_are_not_there(root):
    with pytest.raises(SourceMissingError, match=r"mpii.*publisher"):
        check_images(recipe(root, images="mpii-lsp"))
    with pytest.raises(InputError, match="unknown source 'lspet'"):
        check_motion(recipe(root, mocap="lspet"))
