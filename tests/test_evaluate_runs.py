"""``synth evaluate`` on trained networks, narrow ones that have just been made."""

from __future__ import annotations

import json
import shutil

import evaluation_samples
import pytest
from nets_samples import torch
from people_samples import make_people_store
from test_cli import complains

from synth.cli import main
from synth.store.batches import open_source
from synth.train.checkpoint import Checkpoint, tensors_of, write_checkpoint
from synth.train.tasks import task_classes

LIFT = {"name": "lift", "width": 0.02}
CLASSIFY = {"name": "classify", "classes": "classes-3", "width": 1 / 8, "side": 64}
SSPNET = {"name": "sspnet", "width": 1 / 16, "pyramids": 2, "levels": 2, "side": 64}
NARROW = {
    "lift": LIFT,
    "classify": CLASSIFY,
    "regress": {"name": "regress", "width": 1 / 8, "side": 64},
    "skeleton-maps": {"name": "skeleton-maps", "width": 1 / 16, "side": 64},
    "map-regressor": {"name": "map-regressor", "width": 1 / 16, "side": 64},
    "sspnet": SSPNET,
    "joint2d3d": {"name": "joint2d3d", "width": 1 / 16, "side": 63},
}
"""Narrow options of every task."""


def save_run(path, options, store):
    """A run whose network is as it was made."""
    torch.manual_seed(0)
    task_class, options_class = task_classes(options["name"])
    own = options_class(**{key: value for key, value in options.items() if key != "name"})
    constants = task_class.measure(own, [open_source(store, ())])
    task = task_class(own, constants)
    state = Checkpoint(
        task=options["name"],
        recipe={"task": options},
        sources=[],
        constants=tensors_of(constants),
        network=task.network.state_dict(),
        optimisers={},
        scaler={},
        schedule={},
        step=1,
        epoch=0,
        batch=1,
        history=[],
    )
    write_checkpoint(path, state, keep=1, best=False)
    return path


@pytest.fixture(scope="module")
def poses(tmp_path_factory):
    return evaluation_samples.make_store(tmp_path_factory.mktemp("runs") / "poses.zarr")


@pytest.fixture(scope="module")
def lifter(poses):
    return save_run(poses.parent / "lifter", LIFT, poses)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_people_store(tmp_path_factory.mktemp("pictures") / "pictures.zarr")


@pytest.fixture(scope="module")
def classifier(pictures):
    return save_run(pictures.parent / "classifier", CLASSIFY, pictures)


def test_several_runs_in_one_table(poses, lifter, tmp_path, capsys):
    other = save_run(tmp_path / "other", {**LIFT, "network": "deepbase2"}, poses)
    words = ["evaluate", str(lifter), str(other), "--data", str(poses), "--out", str(tmp_path / "out")]
    assert main([*words, "--device", "cpu", "--progress", "none"]) == 0
    rows = json.loads((tmp_path / "out" / "evaluation.json").read_text())["data"][0]["rows"]
    assert [row["name"] for row in rows] == ["mean pose", "lifter", "other"]
    assert all(row["measures"]["mpjpe_mm"] > 0 for row in rows)
    assert rows[2]["origin"] == {
        "run": str(other),
        "task": {**LIFT, "network": "deepbase2"},
        "step": 1,
        "trained_on": [],
    }
    text = capsys.readouterr().out
    assert all(f"\n| {name} " in text for name in ("mean pose", "lifter", "other"))


def test_a_classifier_is_judged_by_classes_and_hypotheses(pictures, classifier, tmp_path, capsys):
    words = ["evaluate", str(classifier), "--data", str(pictures), "--split", "all", "--out", str(tmp_path)]
    assert main([*words, "--device", "cpu", "--progress", "none"]) == 0
    row = json.loads((tmp_path / "evaluation.json").read_text())["data"][0]["rows"][1]
    # eight people of two classes with poses
    assert row["measures"]["class_rate"] in [k / 8 for k in range(9)]
    assert row["hypotheses"]["k"] == [1, 2]
    assert row["hypotheses"]["rate"] == [row["measures"]["class_rate"], 1]
    capsys.readouterr()
    assert main([*words[:-2], "--top", "1", "--progress", "none"]) == 0
    assert "k = 2" not in capsys.readouterr().out


def test_every_network_in_one_table(pictures, tmp_path, capsys):
    runs = [save_run(tmp_path / name, options, pictures) for name, options in NARROW.items()]
    wide = save_run(tmp_path / "wide", {**NARROW["map-regressor"], "stick_width": 5}, pictures)
    hypotheses = ["--hypotheses", str(runs[4]), "--hypotheses", str(wide)]
    words = [
        "evaluate",
        *map(str, runs),
        *hypotheses,
        "--data",
        str(pictures),
        "--split",
        "all",
        "--top",
        "1",
    ]
    assert main([*words, "--out", str(tmp_path / "out"), "--device", "cpu", "--progress", "none"]) == 0
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    rows = {row["name"]: row for row in document["data"][0]["rows"]}
    assert list(rows) == ["mean pose", *NARROW, "matched", "oracle"]
    known = {name: {key for key, value in row["measures"].items() if value} for name, row in rows.items()}
    for name in ("lift", "classify", "regress", "map-regressor", "sspnet", "joint2d3d", "matched", "oracle"):
        assert {"centred_mm", "rigid_mm", "pa_mpjpe_mm"} <= known[name], name
        assert ("mpjpe_mm" in known[name]) == (name not in ("classify", "regress")), name
    assert [name for name in rows if "absolute_mm" in known[name]] == ["sspnet"]
    assert all("pixels_px" in known[name] for name in ("classify", "regress", "sspnet", "joint2d3d"))
    assert known["skeleton-maps"] == set()
    assert rows["skeleton-maps"]["losses"]["network/loss"] > 0
    curves = [rows[name]["hypotheses"] for name in ("matched", "oracle")]
    assert [curve["k"] for curve in curves] == [[1, 2], [1, 2]]
    assert curves[0]["centred_mm"][1] == curves[1]["centred_mm"][1]  # of the same two poses
    assert rows["classify"]["hypotheses"] == {}  # --top 1 holds for the only task that has the option
    assert "Losses:" in capsys.readouterr().out


def test_a_network_cut_short_says_something_else(pictures, tmp_path, capsys):
    run = save_run(tmp_path / "ssp", SSPNET, pictures)
    words = ["evaluate", str(run), "--data", str(pictures), "--split", "all", "--progress", "none", "--out"]
    found = []
    for name, more in (("whole", []), ("cut", ["--cut", "1"])):
        assert main([*words, str(tmp_path / name), *more]) == 0
        found.append(json.loads((tmp_path / name / "evaluation.json").read_text())["data"][0]["rows"][1])
    assert found[0]["measures"]["mpjpe_mm"] != found[1]["measures"]["mpjpe_mm"]


def test_a_store_without_the_classes_is_told(classifier, tmp_path, capsys):
    store = make_people_store(tmp_path / "bare.zarr")
    shutil.rmtree(store / "labels")
    words = ["evaluate", str(classifier), "--data", str(store), "--split", "all", "--progress", "none"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "no label pass of its classes" in text
    assert "class, %" not in text


def test_mistakes_with_runs_are_one_line(poses, pictures, lifter, classifier, tmp_path, capsys):
    quiet = ["--progress", "none"]
    at_poses, at_pictures = (
        ["--data", str(poses), *quiet],
        ["--data", str(pictures), "--split", "all", *quiet],
    )
    complains(capsys, ["evaluate", str(tmp_path / "no"), *at_poses], 2, "has no checkpoint", "synth train")
    complains(capsys, ["evaluate", str(classifier), *at_poses], 2, "no array 'images'")
    complains(capsys, ["evaluate", str(lifter), *at_poses, "--cut", "3"], 2, "task lift", "no option 'cut'")
    complains(
        capsys, ["evaluate", "--hypotheses", str(lifter), *at_poses], 2, "task lift, expected map-regressor"
    )
    complains(
        capsys, ["evaluate", str(lifter), *at_poses, "--best"], 2, "no checkpoint with a validation loss"
    )
    complains(capsys, ["evaluate", str(classifier), *at_pictures, "--top", "0"], 2, "no whole number")
    other = make_people_store(tmp_path / "other.zarr", shift=0.5)
    words = ["evaluate", str(classifier), "--data", str(other), "--split", "all", *quiet]
    complains(capsys, words, 2, "other classes than the network was trained on", "synth label assign")
