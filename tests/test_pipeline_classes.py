from __future__ import annotations

import json
import shutil

import numpy as np
import pose_samples
import pytest
from store_samples import content

from pipelines import classes_fit
from pipelines.classes import assign_store, make_pose_classes
from pipelines.classes_fit import ClassOptions
from pipelines.cluster import Workers
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from synth.cli import main
from synth.errors import DiskSpaceError, InputError, StoreError
from synth.labels.classes import body_joints, joint_error, load_classes, orientated_poses, picture_poses
from synth.store.create import label_passes
from synth.store.reader import open_store
from synth.store.verify import verify

OPTIONS = ClassOptions(classes=12, curve=(3, 50), tolerance=1e-6)
SLOW = ClassOptions(classes=40, curve=(), tolerance=0.0, sample_per_class=1)
"""Begins with as many poses as classes, so that several iterations are needed."""
NAME = "classes-12"
N = 500


class OwnProcess:
    """Stands for `Workers`: tasks run at once, in this process; it can break off after some of them."""

    count = 1

    def __init__(self, most=None):
        self.left = most

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def require_paths(self, paths):
        pass

    def map(self, function, tasks):
        for task in tasks:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left = None if self.left is None else self.left - 1
            yield function(task)

    unordered = map


@pytest.fixture(autouse=True)
def small_parts(monkeypatch, tmp_path):
    """Parts of two shards, and a cache folder of its own."""
    monkeypatch.setattr(classes_fit, "_PART", 100)
    monkeypatch.setenv("SYNTH_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return pose_samples.make_store(tmp_path_factory.mktemp("poses") / "p.zarr", N)


@pytest.fixture
def store(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "p.zarr")


def make(store, workers=None, options=OPTIONS, name=NAME):
    log = RunLog(store, "test")
    return make_pose_classes(store, name, options, workers or OwnProcess(), Progress("none"), log)


def test_classes_of_a_store(store, tmp_path):
    lines = make(store)
    assert lines[0] == f"sealed {store / 'labels' / NAME}: labels of 500 samples"
    labels = open_store(store / "labels" / NAME)
    classes = load_classes(labels.meta.path)
    made = pose_samples.poses(np.arange(N))
    poses = orientated_poses(made["joints3d"])
    away = ((poses[:, None].astype(np.float64) - classes.means3d.reshape(12, 39)) ** 2).sum(axis=2)
    valid = np.arange(N) != pose_samples.FAILED
    found = labels.label("pose_class")
    np.testing.assert_array_equal(found[valid], away.argmin(axis=1)[valid])
    assert found[pose_samples.FAILED] == -1
    assert np.isnan(labels.label("error3d")[pose_samples.FAILED])
    assert labels.valid_ids().tolist() == np.flatnonzero(valid).tolist()
    check_means(classes, found, made, poses, (made["split"] == 0) & valid)
    error = joint_error(poses.reshape(-1, 13, 3), classes.means3d[found])
    np.testing.assert_allclose(labels.label("error3d")[valid], error[valid], rtol=1e-6)
    assert verify(labels.meta.path).ok
    assert list((tmp_path / "cache" / "classes").iterdir()) == []


def check_means(classes, found, made, poses, train):
    """Counts and means are those of the training samples; k-means has all but converged."""
    np.testing.assert_array_equal(classes.counts, np.bincount(found[train], minlength=12))
    pictures = picture_poses(made["joints2d"])
    for own in range(12):
        mine = train & (found == own)
        np.testing.assert_allclose(classes.means2d[own].ravel(), pictures[mine].mean(axis=0), atol=1e-3)
        np.testing.assert_allclose(classes.means3d[own].ravel(), poses[mine].mean(axis=0), atol=1e-2)


def test_the_error_falls_with_more_classes(store):
    make(store)
    curve = open_store(store / "labels" / NAME).attributes["quantisation"]
    assert [(row["classes"], row["split"], row["poses"]) for row in curve] == [
        (3, "val", 50),
        (3, "test", 50),
        (12, "val", 50),
        (12, "test", 50),
    ]
    assert curve[2]["error3d"] < curve[0]["error3d"]
    assert curve[3]["bound2d"] <= curve[3]["error2d"] < curve[1]["error2d"]


def test_any_partition_and_any_interruption_give_the_same_bytes(store, sealed, tmp_path, monkeypatch):
    make(store, options=SLOW)
    whole = content(store / "labels")
    monkeypatch.setattr(classes_fit, "_PART", 350)
    again = shutil.copytree(sealed, tmp_path / "again.zarr")
    breaks = 0
    for most in (1, 3, 6, 4, 7, 9, 2, 12, 12):
        try:
            make(again, OwnProcess(most), SLOW)
        except KeyboardInterrupt:
            breaks += 1
    assert breaks > 3
    make(again, options=SLOW)
    assert content(again / "labels") == whole


def test_iterations_go_on_where_they_were(store):
    """An interrupted run has left its last centres, and the next one doesn't choose first ones again."""
    with pytest.raises(KeyboardInterrupt):
        make(store, OwnProcess(5 + 5 + 5 + 2), SLOW)  # poses, sample, one iteration and a bit
    folder = next((store.parent / "cache" / "classes").iterdir())
    state = classes_fit._load_state(folder)
    assert len(state.inertias) == 1
    told = [json.loads(line) for line in RunLog(store, "").path.read_text().splitlines()]
    assert [event["iteration"] for event in told if event["event"] == "k-means"] == [1]
    make(store, options=SLOW)
    told = [json.loads(line) for line in RunLog(store, "").path.read_text().splitlines()]
    assert [event["iteration"] for event in told if event["event"] == "k-means"][:3] == [1, 2, 3]


def test_three_processes_give_the_same_bytes(store, sealed, tmp_path):
    make(store, options=SLOW)
    other = shutil.copytree(sealed, tmp_path / "other.zarr")
    with Workers(3) as workers:
        make(other, workers, SLOW)
    assert content(other / "labels") == content(store / "labels")


def test_empty_classes_are_filled_across_parts(store, monkeypatch):
    """First centres of which five lie where nobody is."""

    def far(points, classes, rng):
        return np.concatenate([points[: classes - 5].astype(np.float64), np.full((5, 39), 50.0)])

    monkeypatch.setattr(classes_fit, "initial_centres", far)
    make(store)
    assert (load_classes(store / "labels" / NAME).counts > 0).all()


def test_a_sealed_pass_is_left_and_another_recipe_refused(store):
    make(store)
    before = content(store / "labels")
    assert make(store)[0].endswith("is finished and sealed")
    assert content(store / "labels") == before
    with pytest.raises(StoreError, match=r"begun otherwise \(seed is 0 there, 1 now\): remove it"):
        make(store, options=ClassOptions(classes=12, curve=(3, 50), tolerance=1e-6, seed=1))


def test_stores_that_cannot_have_classes(tmp_path, store):
    unsealed = pose_samples.make_store(tmp_path / "u.zarr", 60, sealed=False)
    with pytest.raises(StoreError, match="not sealed"):
        make(unsealed)
    with pytest.raises(InputError, match="399 training samples, too few for 450 classes"):
        make(store, options=ClassOptions(classes=450))
    make(store)
    with pytest.raises(StoreError, match="is a label pass"):
        make(store / "labels" / NAME)


def test_assigning_another_store(store, tmp_path):
    make(store)
    other = pose_samples.make_store(tmp_path / "o.zarr", 70, shard_size=30)
    source = store / "labels" / NAME
    log, quiet = RunLog(other, "test"), Progress("none")
    assign_store(other, source, "a", "3d", OwnProcess(), quiet, log)
    assign_store(other, source, "b", "2d", OwnProcess(), quiet, log)
    in_space, in_picture = (open_store(other / "labels" / name) for name in "ab")
    np.testing.assert_array_equal(in_space.label("pose_class"), open_store(source).label("pose_class")[:70])
    valid = in_picture.valid_ids()
    assert (in_picture.label("error2d")[valid] <= in_space.label("error2d")[valid] + 1e-4).all()
    assert "error3d" not in in_picture.names
    np.testing.assert_array_equal(in_space.numbers("means3d"), open_store(source).numbers("means3d"))
    with pytest.raises(StoreError, match="by is 3d there, 2d now"):
        assign_store(other, source, "a", "2d", OwnProcess(), quiet, log)


def test_people_known_in_2d_alone_have_a_class_by_2d_alone(store, tmp_path):
    make(store)
    flat = (3, 11, 12)
    other = pose_samples.make_store(tmp_path / "o.zarr", 20, shard_size=10, flat=flat)
    source = store / "labels" / NAME
    for by in ("3d", "2d"):
        assign_store(other, source, by, by, OwnProcess(), Progress("none"), RunLog(other, "test"))
    in_space, in_picture = (open_store(other / "labels" / by).label("pose_class") for by in ("3d", "2d"))
    nobody = np.flatnonzero(in_space < 0).tolist()
    assert nobody == sorted((*flat, pose_samples.FAILED))
    joints = body_joints(open_store(other).label("joints2d"))
    known = np.isfinite(joints).all(axis=-1)
    assert known[list(flat)].sum(axis=1).tolist() == [12] * 3
    away = np.linalg.norm(joints[:, None] - load_classes(source).means2d, axis=-1)
    expected = np.nanmean(away, axis=2).argmin(axis=1)
    valid = np.arange(20) != pose_samples.FAILED
    np.testing.assert_array_equal(in_picture[valid], expected[valid])


def test_the_commands(store, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pipelines.label_options.Workers", lambda count, scheduler: OwnProcess())
    words = ["label", "classes", str(store), "--k", "12", "--curve", "none"]
    assert main([*words, "--progress", "none"]) == 0
    assert "3D error" in capsys.readouterr().out
    made = pose_samples.poses(np.arange(20))
    file, out = tmp_path / "some.npz", tmp_path / "out.npz"
    np.savez(file, joints3d=made["joints3d"], joints2d=made["joints2d"])
    source = str(store / "labels" / NAME)
    assert main(["label", "assign", str(file), "--classes", source, "--out", str(out)]) == 0
    assert "classes of 20 of 20 poses, mean error 0." in capsys.readouterr().out
    expected = open_store(store / "labels" / NAME).label("pose_class")[:20].copy()
    found = np.load(out)["pose_class"]
    rest = np.arange(20) != pose_samples.FAILED
    np.testing.assert_array_equal(found[rest], expected[rest])
    labelled = np.ones((20, 17), bool)
    labelled[4] = False
    np.savez(file, joints2d=made["joints2d"], labelled=labelled)
    assert main(["label", "assign", str(file), "--classes", source, "--out", str(out), "--by", "2d"]) == 0
    assert np.load(out)["pose_class"][4] == -1
    assert "classes of 19 of 20 poses" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["label", "clases"], ["did you mean classes?"]),
        (["label", "classes"], ["STORE"]),
        (["label", "classes", "x.zarr", "--k", "0"], ["'0' is no whole number of 1 or more"]),
        (["label", "classes", "x.zarr", "--curve", "5,x"], ["'5,x'", "'none'"]),
        (["label", "classes", "x.zarr", "--seed", "-1"], ["seed -1: give 0 or more"]),
        (["label", "assign", "x.npz", "--classes", "c"], ["give --out"]),
        (["label", "assign", "x.zarr", "--classes", "c", "--out", "o"], ["--out is for a file of poses"]),
    ],
)
def test_mistakes_are_one_line(words, parts, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert all(part in told for part in parts), told


def test_all_passes_of_a_recipe(store, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pipelines.label_options.Workers", lambda count, scheduler: OwnProcess())
    recipe = tmp_path / "labels.toml"
    recipe.write_text(
        '[[classes]]\nk = 12\ncurve = [3]\n\n[[classes]]\nk = 5\nname = "few"\ncurve = "none"\n'
        f'[assign]\nclasses = "{store / "labels" / "few"}"\nname = "again"\n'
    )
    words = ["label", "all", str(store), "--recipe", str(recipe), "--progress", "none"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[0] == "classes:"
    assert [path.name for path in label_passes(store)] == ["again", "classes-12", "few"]
    few, again = (open_store(store / "labels" / name).label("pose_class") for name in ("few", "again"))
    np.testing.assert_array_equal(few, again)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[classes]\nkk = 3\n", "r.toml: [classes]: unknown option --kk; did you mean --k?"),
        ("[classes]\nk = 0\n", "'0' is no whole number of 1 or more"),
        (
            "[clases]\n",
            "r.toml: clases is no label pass; expected tables named classes, assign, skeleton-maps",
        ),
        ("classes = 3\n", "r.toml: classes is no label pass"),
        ("", "r.toml: names no label pass"),
        ("[classes\n", "r.toml: cannot be read as TOML"),
    ],
)
def test_recipes_of_labels_that_are_wrong(text, complaint, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(text)
    assert main(["label", "all", "x.zarr", "--recipe", "r.toml"]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1


def test_a_full_disk_is_told_before_the_poses_are_copied(store, monkeypatch):
    monkeypatch.setattr("pipelines.stores.free_space", lambda path: 1000)
    with pytest.raises(DiskSpaceError, match=r"set \$SYNTH_CACHE to another disk"):
        make(store)


def test_files_that_hold_no_poses(store, tmp_path, capsys):
    make(store)
    file = tmp_path / "some.npz"
    words = ["label", "assign", str(file), "--classes", str(store / "labels" / NAME), "--out", "o.npz"]
    file.write_bytes(b"no")
    assert main(words) == 2
    assert "cannot be read as an .npz file" in capsys.readouterr().err
    np.savez(file, joints2d=np.zeros((2, 13, 2)))
    assert main(words) == 2
    assert "has no array joints3d or joints3d_torso; it has joints2d" in capsys.readouterr().err
    np.savez(file, joints3d=np.zeros((2, 13, 2)))
    assert main(words) == 2
    assert "joints3d has shape (2, 13, 2), expected (N, 13 or 17, 3)" in capsys.readouterr().err
    words[4] = str(store)
    np.savez(file, joints3d=np.zeros((2, 13, 3)))
    assert main(words) == 2
    assert "holds no pose classes" in capsys.readouterr().err
