"""Scores of people, tables of them, the mean pose, files of estimates: cases worked by hand, and a small store."""

from __future__ import annotations

import json
from dataclasses import replace

import evaluation_samples as samples
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synth.errors import InputError
from synth.labels.classes import orientated_poses
from synth.metrics.estimates import Estimates, join_estimates
from synth.metrics.evaluated import compare, spread_rows
from synth.metrics.files import load_estimates, save_estimates
from synth.metrics.markdown import document_lines, table_lines
from synth.metrics.mean_pose import mean_pose, same_for_all
from synth.metrics.people import chosen_people, people_sheet
from synth.metrics.plots import hypothesis_plot
from synth.metrics.scores import DEPTHS, join_scores, score_people
from synth.metrics.tables import measure, summarise
from synth.metrics.truth import read_truth, split_ids, truth_of_joints
from synth.skeletons import BODY13, COCO17, DEEPSKELETON16, H36M17
from synth.store.reader import open_store

NAN = float("nan")
BODY = H36M17.indices(BODY13.joints)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(samples.make_store(tmp_path_factory.mktemp("evaluation") / "people.zarr"))


def moved(truth, joint, by):
    """True poses of `H36M17` with one joint in another place."""
    joints = truth.joints3d.copy()
    joints[:, H36M17.index(joint)] += by
    return joints


# --- errors of people ---


def test_one_wrong_wrist_by_hand():
    truth = samples.random_truth(0, 3)
    there = moved(truth, "left_wrist", [0.0, 0.17, 0.0])
    found = measure(
        Estimates(H36M17, joints3d=there + [0.3, 0.4, 0], absolute3d=there + [0.3, 0.0, 0]), truth
    )
    assert found["mpjpe_mm"] == pytest.approx(170 / 17)
    assert found["centred_mm"] == pytest.approx(170 / 13)
    assert found["absolute_mm"] == pytest.approx((16 * 300 + 1000 * np.hypot(0.3, 0.17)) / 17)
    # 14 joints: head, neck, and six on each side
    assert found["pck3d"] == pytest.approx(13 / 14)
    assert found["auc"] == pytest.approx(13 / 14 * 30 / 31)
    assert found["pixels_px"] is None
    assert found["without_estimate"] == 0


def test_alignment_undoes_turns_and_only_that_of_procrustes_sizes():
    truth = samples.random_truth(1, 3)
    turned = truth.joints3d @ Rotation.from_euler("xyz", [0.5, -1.0, 2.0]).as_matrix().T
    found = measure(Estimates(H36M17, joints3d=turned), truth)
    assert found["centred_mm"] > 100
    assert found["rigid_mm"] == pytest.approx(0, abs=1e-6)
    larger = measure(Estimates(H36M17, joints3d=1.1 * turned), truth)
    assert larger["rigid_mm"] > 10
    assert larger["pa_mpjpe_mm"] == pytest.approx(0, abs=1e-6)
    # the spine isn't one of the 13 joints of the rigid error
    turned[:, H36M17.index("spine")] += 0.2
    bent = measure(Estimates(H36M17, joints3d=turned), truth)
    assert bent["rigid_mm"] == pytest.approx(0, abs=1e-6)
    assert bent["pa_mpjpe_mm"] > 5


def test_a_wrong_shoulder_moves_the_torso_centre():
    truth = samples.random_truth(1, 2)
    joints = moved(truth, "left_shoulder", [0.0, 0.0, 0.4])[:, BODY]
    found = measure(Estimates(BODY13, joints3d=joints), truth)
    # the centre goes along by a quarter: 0.3 m of one joint, 0.1 m of twelve
    assert found["centred_mm"] == pytest.approx((300 + 12 * 100) / 13)
    assert found["mpjpe_mm"] is None
    # laid on the torso centre where there is no pelvis; body13 has 13 of the 14 joints
    assert found["pck3d"] == pytest.approx(12 / 13)


@pytest.mark.parametrize(("skeleton", "joints", "body"), [(COCO17, 12, 12), (DEEPSKELETON16, 16, 13)])
def test_joints_are_compared_by_name(skeleton, joints, body):
    truth = samples.random_truth(2, 4)
    known = [name for name in skeleton.joints if name in H36M17.joints]
    estimate = np.random.default_rng(0).normal(size=(4, len(skeleton), 3))
    estimate[:, skeleton.indices(known)] = truth.joints3d[:, H36M17.indices(known)] + 1.0
    scores = score_people(Estimates(skeleton, joints3d=estimate), truth)
    assert scores.skeleton.joints == tuple(known)
    assert (len(known), len(scores.body)) == (joints, body)
    assert measure(Estimates(skeleton, joints3d=estimate), truth)["centred_mm"] == pytest.approx(0, abs=1e-9)
    assert ("rooted" in scores.arrays) == ("pelvis" in known)


def test_turned_poses_are_those_of_pose_classes():
    truth = samples.random_truth(3, 5)
    turned = truth.turned()[:, BODY]
    np.testing.assert_allclose(turned.reshape(5, -1), orientated_poses(truth.joints3d), atol=1e-6)
    rows = {axes: measure(Estimates(BODY13, joints3d=turned, axes=axes), truth) for axes in ("ray", "camera")}
    assert rows["ray"]["centred_mm"] == pytest.approx(0, abs=1e-9)
    assert rows["camera"]["centred_mm"] > 20
    assert rows["camera"]["rigid_mm"] == pytest.approx(0, abs=1e-6)


def test_people_without_an_estimate_are_counted_and_wrong_in_rates():
    truth = samples.random_truth(4, 4)
    joints = moved(truth, "left_wrist", [0.17, 0, 0])
    joints[1] = NAN
    found = measure(Estimates(H36M17, joints3d=joints), truth)
    assert found["without_estimate"] == 1
    assert found["mpjpe_mm"] == pytest.approx(10)
    assert found["pck3d"] == pytest.approx(3 / 4 * 13 / 14)


def test_pixels_and_heads_by_hand():
    truth = replace(samples.random_truth(5, 2), head_size=np.array([20.0, NAN]))
    truth.joints2d[:, H36M17.index("right_knee")] = NAN
    joints = truth.joints2d.copy()
    joints[:, H36M17.index("left_ankle")] += [6.0, 8.0]
    joints[0, H36M17.index("head")] += [0.0, 10.01]
    scores = score_people(Estimates(H36M17, joints2d=joints), truth)
    table = summarise(scores, truth)
    assert table["pixels_by_group"]["Feet"] == pytest.approx(5)
    assert table["pixels_by_group"]["All"] == pytest.approx((2 * 10 + 10.01) / (2 * 12))
    # only the first person's head size is known: 13 joints, of which the head is off by more than 10 px
    assert table["pckh_by_group"]["Ankle"] == 1
    assert table["pckh_by_group"]["Head"] == 0.5
    assert table["measures"]["pckh"] == pytest.approx(12 / 13)
    assert table["by_joint"]["right_knee"]["pixels_px"] is None


def test_hypotheses_by_hand():
    truth = samples.random_truth(6, 2)
    # torso-centred errors in metres of three hypotheses of two people; the same numbers in pixels
    away = np.array([[0.4, 0.1, 0.2], [0.2, 0.3, 0.1]])
    directions = np.zeros((13, 3))
    directions[: 13 - 4 : 2, 0] = 1.0
    torso = BODY13.indices(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
    directions[torso] = 0.0
    share = (directions[:, 0] > 0).mean()
    solid = truth.joints3d[:, None, BODY] + away[..., None, None] * directions
    flat = truth.joints2d[:, None, BODY] + 10 * away[..., None, None] * [0.6, 0.8]
    estimates = Estimates(
        BODY13,
        joints3d=solid[:, 0],
        ranked=np.array([[7, 3, 1], [2, 8, 4]]),
        classes=np.array([3, -1]),
        hypotheses3d=solid,
        hypotheses2d=flat,
    )
    table = summarise(score_people(estimates, truth), truth)
    assert table["hypotheses"]["k"] == [1, 2, 3]
    assert table["hypotheses"]["rate"] == [0, 1, 1]
    np.testing.assert_allclose(table["hypotheses"]["centred_mm"], 1000 * share * np.array([0.3, 0.15, 0.1]))
    np.testing.assert_allclose(table["hypotheses"]["pixels_px"], [3, 1.5, 1])
    assert table["measures"]["class_rate"] == 0


def test_depths_of_fig_10():
    assert DEPTHS[0] == 1
    assert DEPTHS[-1] == 1000
    assert {5, 10, 50, 100, 500} <= set(DEPTHS)
    truth = samples.random_truth(7, 1)
    found = score_people(Estimates(BODY13, ranked=np.arange(60)[None], classes=np.array([59])), truth)
    assert found.ks[-2:] == (50, 60)
    assert found.arrays["hits"][0, -2:].tolist() == [0, 1]


def test_batches_are_scored_like_the_whole():
    truth = samples.random_truth(8, 7)
    rng = np.random.default_rng(1)
    estimates = Estimates(
        H36M17,
        joints3d=truth.joints3d + rng.normal(scale=0.1, size=truth.joints3d.shape),
        joints2d=truth.joints2d + rng.normal(scale=5, size=truth.joints2d.shape),
        hypotheses3d=truth.joints3d[:, None] + rng.normal(scale=0.1, size=(7, 12, 17, 3)),
    )
    whole = score_people(estimates, truth)
    rows = [np.arange(0, 3), np.arange(3, 7)]
    parts = [score_people(estimates.take(own), truth.take(own)) for own in rows]
    joined = join_scores(parts)
    assert len(joined) == 7
    assert set(joined.arrays) == set(whole.arrays)
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(joined.arrays[name], array)
    np.testing.assert_array_equal(
        join_estimates([estimates.take(own) for own in rows]).joints3d, estimates.joints3d
    )


def test_estimates_of_other_people_are_refused():
    truth = samples.random_truth(9, 3)
    for name, value in (
        ("joints3d", np.zeros((2, 13, 3))),
        ("joints2d", np.zeros((3, 17, 2))),
        ("hypotheses3d", np.zeros((3, 13, 3))),
        ("classes", np.zeros((3, 1), np.int64)),
    ):
        with pytest.raises(InputError, match=f"{name} have shape .*3 people, 13 joints of body13"):
            score_people(Estimates(BODY13, **{name: value}), truth)


def test_a_network_that_says_nothing_of_joints():
    truth = samples.random_truth(0, 2)
    found = compare(np.arange(2), Estimates(H36M17), truth)
    assert set(found.measures.values()) == {None, 0}
    assert len(found.estimates) == 0


# --- what a store knows ---


def test_truth_of_a_store(store):
    ids = split_ids(store, "test")
    assert ids.tolist() == [3, 7, 11, 15, 19, 23]
    truth = read_truth(store, ids)
    expected = samples.people(ids)
    np.testing.assert_array_equal(truth.joints3d, expected["joints3d"])
    np.testing.assert_array_equal(np.isnan(truth.joints2d[:, 0]).all(axis=1), ids % 8 == 3)
    np.testing.assert_array_equal(truth.joints2d[:, 1:], expected["joints2d"][:, 1:])
    assert truth.actions.tolist() == ["", "walking"] * 3
    assert truth.subjects.tolist() == ["S1", "S9", "S11"] * 2
    assert truth.head_size.tolist() == [20.0] * 6
    assert samples.FAILED not in split_ids(store, "all")


def test_splits_that_are_not_there(store):
    with pytest.raises(InputError, match="no samples in split val; it has train 17, val 0, test 6"):
        split_ids(store, "val")
    with pytest.raises(InputError, match="split 'tests': expected train, val, test or all"):
        split_ids(store, "tests")


def test_the_mean_pose_is_that_of_the_training_split(store):
    ids = np.array([i for i in range(samples.PEOPLE) if i % 4 != 3 and i != samples.FAILED])
    truth = samples.people(ids)
    torso = H36M17.indices(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
    centred = truth["joints3d"] - truth["joints3d"][:, torso].mean(axis=1, keepdims=True)
    solid, flat = mean_pose(store)
    np.testing.assert_allclose(solid, centred.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(flat, truth["joints2d"].mean(axis=0), rtol=1e-6)
    everybody = same_for_all(solid, flat, 3)
    assert everybody.joints3d.shape == (3, 17, 3)
    assert same_for_all(np.full((17, 3), NAN), flat, 3).joints3d is None


def test_tables_by_action_and_subject(store):
    ids = split_ids(store, "test")
    truth = read_truth(store, ids)
    joints = truth.joints3d.copy()
    joints[:, 16] += np.arange(6)[:, None] * [0.017, 0, 0]
    table = compare(ids, Estimates(H36M17, joints3d=joints), truth).table()
    assert table["people"] == 6
    assert table["measures"]["mpjpe_mm"] == pytest.approx(2.5)
    assert list(table["by_action"]) == ["walking"]
    assert table["by_action"]["walking"]["mpjpe_mm"] == pytest.approx((1 + 3 + 5) / 3)
    assert {name: row["people"] for name, row in table["by_subject"].items()} == {"S1": 2, "S11": 2, "S9": 2}
    assert table["by_subject"]["S11"]["mpjpe_mm"] == pytest.approx((2 + 5) / 2)
    assert json.loads(json.dumps(table, allow_nan=False)) == table


def test_some_people_are_evenly_spread():
    assert spread_rows(10, 4).tolist() == [0, 2, 5, 7]
    assert np.arange(3)[spread_rows(3, 5)].tolist() == [0, 1, 2]
    with pytest.raises(InputError, match="0 people"):
        spread_rows(3, 0)


# --- Markdown, plots, pictures ---


def test_a_table_lines_up():
    assert table_lines(["", "MPJPE, mm"], [["mean | pose", "1.0"], ["a", "100.0"]]) == [
        r"|              | MPJPE, mm |",
        r"| :----------- | --------: |",
        r"| mean \| pose |       1.0 |",
        r"| a            |     100.0 |",
    ]


def test_columns_without_a_value_are_left_out(store):
    ids = split_ids(store, "test")
    truth = read_truth(store, ids)
    rows = {
        "mean pose": compare(ids, same_for_all(*mean_pose(store), len(ids)), truth),
        "flat": compare(ids, Estimates(H36M17, joints2d=truth.joints2d + [3.0, 4.0]), truth),
    }
    tables = [{"name": name, **row.table()} for name, row in rows.items()]
    document = {"data": [{"title": "people.zarr", "notes": ["A note."], "rows": tables}]}
    text = document_lines(document)
    assert text[:4] == ["# Evaluation", "", "## people.zarr", ""]
    head = text[4]
    assert [cell.strip() for cell in head.split("|")[1:4]] == ["", "joints", "people"]
    assert "2D, px" in head
    assert "absolute" not in head
    flat = next(line for line in text if line.startswith("| flat"))
    assert [cell.strip() for cell in flat.split("|")[-3:-1]] == ["5.0", "100.0"]
    assert "–" in flat
    assert text[-1] == "A note."
    assert "MPJPE by subject, mm:" in text
    assert "MPJPE by subject, mm:" not in document_lines(document, brief=True)


def test_curves_are_plotted_if_there_are_any():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `train`)")
    truth = samples.random_truth(6, 3)
    solid = truth.joints3d[:, None, BODY] + np.zeros((3, 12, 1, 1))
    estimates = Estimates(BODY13, joints3d=solid[:, 0], hypotheses3d=solid)
    row = {"name": "a", **compare(np.arange(3), estimates, truth).table()}
    plot = hypothesis_plot([row])
    assert plot is not None
    assert plot.startswith(b"\x89PNG")
    assert plot == hypothesis_plot([row])
    assert hypothesis_plot([{"name": "b", **compare(np.arange(3), Estimates(H36M17), truth).table()}]) is None


def test_the_best_middling_and_worst_people_are_drawn():
    truth = replace(samples.random_truth(2, 9), K=np.broadcast_to(samples.K, (9, 3, 3)))
    joints = truth.joints3d.copy()
    joints[:, H36M17.index("head"), 2] += 0.013 * np.array([5, 3, 8, 0, 2, 7, 4, 1, 6])
    found = compare(np.arange(9), Estimates(H36M17, joints3d=joints), truth)
    rows, captions = chosen_people(found.scores, per_kind=2)
    assert rows.tolist() == [3, 7, 1, 6, 5, 2]
    assert captions == ["0 mm", "1 mm", "3 mm", "4 mm", "7 mm", "8 mm"]
    sheet = people_sheet(None, truth.take(rows), found.estimates.take(rows), captions, columns=3)
    assert sheet.shape == (2 * (14 + 4 * 224), 3 * 224, 3)
    # the person drawn best looks the same as the truth, from the front and from the side
    first = [sheet[14 + n * 224 : 14 + n * 224 + 220, :220] for n in range(4)]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[2], first[3])
    assert (first[0] != 255).any()


def test_nobody_is_drawn_without_an_estimate():
    truth = samples.random_truth(2, 3)
    for joints in (None, np.full((3, 17, 3), NAN)):
        found = compare(np.arange(3), Estimates(H36M17, joints3d=joints), truth)
        assert chosen_people(found.scores)[1] == []


# --- files ---


def test_a_file_of_estimates_round_trip(tmp_path):
    truth = samples.random_truth(3, 3)
    estimates = Estimates(
        BODY13, joints3d=truth.joints3d[:, BODY], ranked=np.array([[1, 2], [3, 4], [5, 6]]), axes="ray"
    )
    save_estimates(tmp_path / "e.npz", np.array([8, 2, 4]), estimates)
    found = load_estimates(tmp_path / "e.npz", np.array([2, 3, 8]))
    assert (found.skeleton, found.axes, found.joints2d) == (BODY13, "ray", None)
    np.testing.assert_array_equal(found.joints3d[[0, 2]], truth.joints3d[[1, 0]][:, BODY])
    assert np.isnan(found.joints3d[1]).all()
    assert found.ranked.tolist() == [[3, 4], [-1, -1], [1, 2]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": None}, "no array ids"),
        ({"ids": np.array([0.0, 1, 2])}, "different whole numbers"),
        ({"ids": np.array([0, 1, 1])}, "different whole numbers"),
        ({"ids": np.array([7, 8, 9])}, "none of the 3 samples wanted"),
        ({"skeleton": "smpl24"}, "skeleton smpl24: expected one of h36m17, body13"),
        ({"skeleton": None}, "skeleton not given"),
        ({"axes": "world"}, "axes world: expected one of camera, ray"),
        ({"poses": np.zeros(3)}, "unknown array 'poses'"),
        ({"joints3d": np.zeros((2, 17, 3))}, "a row for each of the 3 ids"),
        ({"joints3d": np.array(["a", "b", "c"])}, "expected numbers"),
        ({"joints3d": None}, "no estimates: give one or more of joints3d"),
        ({"joints3d": np.array([None] * 3)}, "cannot be read as an .npz file"),
    ],
)
def test_files_that_hold_something_else(tmp_path, change, message):
    arrays = {"ids": np.arange(3), "skeleton": "h36m17", "joints3d": np.zeros((3, 17, 3)), **change}
    path = tmp_path / "e.npz"
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(InputError, match=message):
        load_estimates(path, np.arange(3))


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "e.npz").write_text("joints")
    for path in (tmp_path / "e.npz", tmp_path / "missing.npz"):
        with pytest.raises(InputError, match=r"npz cannot be read"):
            load_estimates(path, np.arange(3))


def test_joints_alone_are_a_truth():
    truth = truth_of_joints(joints2d=np.zeros((2, 17, 2)))
    assert len(truth) == 2
    assert np.isnan(truth.joints3d).all()
    assert truth.actions.tolist() == ["", ""]
