"""``synth evaluate`` on estimates from files: tables, what it writes, one-line complaints. Needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import evaluation_samples as samples
import numpy as np
import pytest
from test_cli import complains

from synth.cli import main
from synth.metrics.truth import read_truth, split_ids
from synth.skeletons import H36M17
from synth.store.reader import open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    return samples.make_store(folder / "people.zarr", {"protocol": "h36m-p2"})


@pytest.fixture(scope="module")
def estimates(store):
    """A file in which everybody's right wrist is 17 mm off, and one person is missing."""
    opened = open_store(store)
    ids = split_ids(opened, "test")
    truth = read_truth(opened, ids)
    joints = truth.joints3d.copy()
    joints[:, H36M17.index("right_wrist"), 0] += 0.017
    path = store.parent / "mine.npz"
    np.savez(
        path,
        ids=ids[1:],
        skeleton="h36m17",
        joints3d=joints[1:],
        joints2d=truth.joints2d[1:] + [3.0, 4.0],
        hypotheses3d=np.stack([joints, truth.joints3d], axis=1)[1:],
    )
    return path


def test_a_table_on_the_terminal_and_in_files(store, estimates, tmp_path, capsys):
    out = tmp_path / "tables"
    words = ["evaluate", "--estimates", str(estimates), "--data", str(store), "--out", str(out)]
    assert main([*words, "--keep-estimates"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "## people.zarr, test split, 6 people, protocol h36m-p2" in captured.out
    row = next(line for line in captured.out.splitlines() if line.startswith("| mine.npz"))
    assert [cell.strip() for cell in row.split("|")[2:5]] == ["17", "6", "1.0"]
    document = json.loads((out / "evaluation.json").read_text())
    names = [row["name"] for row in document["data"][0]["rows"]]
    assert names == ["mean pose", "mine.npz"]
    mean, mine = document["data"][0]["rows"]
    assert mine["measures"]["mpjpe_mm"] == pytest.approx(1.0, rel=1e-6)
    assert mine["measures"]["pixels_px"] == pytest.approx(5.0, rel=1e-6)
    assert mine["measures"]["without_estimate"] == 1
    assert mine["measures"]["pckh"] == pytest.approx(5 / 6)
    assert mine["hypotheses"]["centred_mm"] == pytest.approx([17 / 13, 0], abs=1e-6)
    assert mean["measures"]["mpjpe_mm"] > 50
    assert (out / "evaluation.md").read_text().startswith("# Evaluation\n")
    files = {path.name for path in out.iterdir()}
    assert {"people-people-mine.npz.png", "estimates-people-mine.npz.npz"} <= files
    # what was kept gives the same table again
    again = ["evaluate", "--estimates", str(out / "estimates-people-mine.npz.npz"), "--data", str(store)]
    assert main(again) == 0
    assert "17 |      6 |       1.0 " in capsys.readouterr().out


def test_the_same_files_again(store, estimates, tmp_path, capsys):
    contents = []
    for name in ("a", "b"):
        words = [
            "evaluate",
            "--estimates",
            str(estimates),
            "--data",
            str(store),
            "--out",
            str(tmp_path / name),
        ]
        assert main(words) == 0
        contents.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]


def test_a_store_of_test_samples_alone_has_no_mean_pose(store, estimates, tmp_path, capsys):
    lone = samples.make_store(tmp_path / "lone.zarr", only_test=True)
    words = ["evaluate", "--estimates", str(estimates), "--data", str(store), "--data", str(lone)]
    assert main([*words, "--n", "20"]) == 0
    first, found, second = capsys.readouterr().out.partition("## lone.zarr, test split, 20 people\n")
    assert found
    assert "## people.zarr, test split, 6 people" in first
    assert "| mean pose" in first
    assert "no training samples, hence no mean pose" in second
    assert "| mean pose" not in second


def test_no_torch_is_needed(store, estimates):
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from synth.cli import main\n"
        f"sys.exit(main(['evaluate', '--estimates', {str(estimates)!r}, '--data', {str(store)!r}]))\n"
    )
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "mine.npz" in done.stdout


def test_mistakes_are_one_line(store, estimates, tmp_path, capsys):
    data, file = ["--data", str(store)], ["--estimates", str(estimates)]
    complains(capsys, ["evaluate", *file], 2, "--data", "see synth evaluate --help")
    complains(capsys, ["evaluate", *data], 2, "nothing to evaluate: give runs", "--estimates")
    complains(capsys, ["evaluate", *data, *file, "--split", "tests"], 2, "--split", "'tests'")
    complains(capsys, ["evaluate", *data, *file, "--split", "val"], 2, "no samples in split val", "test 6")
    complains(capsys, ["evaluate", *data, *file, "--n", "0"], 2, "no whole number")
    complains(
        capsys, ["evaluate", *data, "--estimates", str(tmp_path / "no.npz")], 2, "no.npz cannot be read"
    )
    complains(capsys, ["evaluate", *file, "--data", str(tmp_path / "no.zarr")], 5, "no store at")
    complains(capsys, ["evaluate", *data, *file, "--cutt", "3"], 2, "did you mean --cut?")
