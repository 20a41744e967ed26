"""Whole runs of ``synth project`` on a few real clips."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from store_runs import assert_refused, files
from tiny_data import tiny_root

from pipelines.project_recipe import ProjectRecipe, project_hash
from pipelines.project_worker import ProjectBlock, ProjectSpec, open_plan
from pipelines.recipe import Run
from synth.cameras import ViewRange, project_camera_points
from synth.cli import main as synth_main
from synth.query_plan import LIFTED_VIEWS
from synth.splits import SplitCycle
from synth.store.reader import open_store
from synth.store.samples import pose_schema, sample_schema
from synth.store.verify import verify

N = 50


@pytest.fixture(scope="module")
def root(data_root, tmp_path_factory):
    return tiny_root(data_root, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SYNTH_DATA", raising=False)
        yield


def words(root, out, *more):
    made = ["project", "--mocap", "cmu+hdm05", "--data-root", str(root), "--out", str(out), "--seed", "3"]
    return [*made, "--splits", "3:1:0", "--workers", "1", "--progress", "none", "--shard-size", "20", *more]


@pytest.fixture(scope="module")
def base(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("poses") / "p.zarr"
    assert synth_main(words(root, out, "--n", str(N), "--preview", "4")) == 0
    return out


def test_the_store_holds_projected_poses_without_pictures(base):
    store = open_store(base)
    assert verify(base).ok
    assert store.names == (*(spec.name for spec in pose_schema().arrays),)
    missing = {spec.name for spec in sample_schema().arrays} - set(store.names)
    assert {"images", "coverage", "matching_cost", "source_photograph"} <= missing
    assert not any(name.startswith("source_") for name in store.names)
    label = {name: store.label(name) for name in ("joints2d", "joints3d", "joints3d_torso", "K", "split")}
    projected = project_camera_points(label["K"], label["joints3d"])
    np.testing.assert_allclose(projected, label["joints2d"], atol=1e-3)
    torso = [
        store.attributes["skeleton"]["joints"].index(f"{side}_{part}")
        for side in ("left", "right")
        for part in ("shoulder", "hip")
    ]
    np.testing.assert_allclose(label["joints3d_torso"][:, torso].mean(axis=1), 0, atol=1e-6)
    assert np.bincount(label["split"]).tolist() == [50]  # of 1,000 ids the first 750 are of the train split
    assert store.attributes["sources"][0]["name"] == "cmu"
    assert set(store.table("subjects")) >= {"cmu/02", "cmu/03", "cmu/09"}
    assert base.with_name("p-preview.png").is_file()


def test_a_sample_hangs_on_its_id_alone(base, root):
    (library,) = Path(os.environ["SYNTH_CACHE"]).glob("poses/*/library.npz")
    spec = ProjectSpec(library, SplitCycle(750, 250, 0), 3, ViewRange(), LIFTED_VIEWS, ())
    ids = np.array([41, 7, 20])
    labels = ProjectBlock(open_plan(spec), ids).labels()
    store = open_store(base)
    assert {*labels, "valid"} == set(store.names)
    for name, values in labels.items():
        np.testing.assert_array_equal(values, store.label(name)[ids], err_msg=name)
    before = files(base)
    assert synth_main(words(root, base, "--n", str(N))) == 0
    assert files(base) == before


def test_a_plan_writes_nothing(root, tmp_path, capsys):
    out = tmp_path / "p.zarr"
    assert synth_main(words(root, out, "--n", "1000", "--plan-only")) == 0
    told = capsys.readouterr().out
    assert "train: 750 samples of" in told
    assert "size with labels alone" in told
    assert "poses/s" in told
    assert not out.exists()


def test_another_recipe_is_refused(base, root, tmp_path, capsys):
    again = [*words(root, base), "--n", str(N), "--view-roll", "-5", "5"]
    assert_refused(synth_main, again, 5, "begun with another recipe: views.roll", capsys)
    layout = [*words(root, base)[:-1], "10", "--n", str(N)]
    assert_refused(synth_main, layout, 5, "--shard-size 20", capsys)
    pictures = [*words(root, tmp_path / "p.zarr"), "--codec", "none"]
    assert_refused(synth_main, pictures, 2, "unknown option --codec", capsys)


def test_what_decides_samples_is_in_the_hash():
    recipe = ProjectRecipe()
    seeded = recipe.model_copy(update={"output": recipe.output.model_copy(update={"seed": 1})})
    hurried = recipe.model_copy(update={"run": Run(workers=9)})
    assert project_hash(recipe, {"a": "1"}) == project_hash(hurried, {"a": "1"})
    assert len({project_hash(*each) for each in ((recipe, {}), (seeded, {}), (recipe, {"a": "1"}))}) == 3
