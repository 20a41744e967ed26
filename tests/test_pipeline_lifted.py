"""People of photographs as a source of motion: prepared, described, and whole runs, on a little real data."""

from __future__ import annotations

import dataclasses
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_data import mosaic_words, tiny_root

from pipelines.cluster import Workers
from pipelines.describe import all_rejections
from pipelines.lifted_sources import check_lifted, prepare_lifted
from pipelines.mosaic import prepare
from pipelines.mosaic_command import main, parser
from pipelines.options import option_name, recipe_from
from pipelines.pose_library import check_motion, prepare_poses
from pipelines.prepare import Tools
from pipelines.progress import Progress
from pipelines.recipe import Recipe
from pipelines.recipe_files import with_overrides
from synth.errors import InputError, SourceMissingError
from synth.lifting.corrections import Correction, Corrections, format_corrections
from synth.lifting.limbs import limb_depths
from synth.sources.records import MotionClip, Rejection
from synth.store.reader import open_store

ATOMS = 12


class HereWorkers:
    """Runs tasks in this process."""

    map = staticmethod(map)


@pytest.fixture(scope="module")
def root(data_root, tmp_path_factory):
    return tiny_root(data_root, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("SYNTH_CACHE", str(folder))
        yield folder


@pytest.fixture
def tools(cache):
    return Tools(cache, HereWorkers(), Progress("plain", io.StringIO()))


def recipe(root, mocap="cmu+pseudo:lspet", **pseudo):
    given = {("sources", "mocap"): mocap, ("sources", "images"): "lspet", ("sources", "data_root"): root}
    given |= {("pseudo", key): value for key, value in {"atoms": ATOMS, **pseudo}.items()}
    return with_overrides(Recipe(), given, option_name)


def lifted(root, tools, **pseudo):
    (found,) = prepare_lifted(recipe(root, **pseudo), tools)
    return found


def corrected(tools, root, folder):
    """File that turns over the right forearm of the first person."""
    people = lifted(root, tools).prepared.people
    turn = "away" if limb_depths(people.poses.joints)[0, 3] < 0 else "toward"
    path = folder / "lspet.toml"
    said = Correction(people.images[0], 0, "right_forearm", turn)
    path.write_text(format_corrections(Corrections("lspet", (said,))))
    return path


def test_recorded_and_lifted_poses_share_a_library(root, tools):
    plain = prepare_poses(recipe(root, "cmu"), tools)
    both = prepare_poses(recipe(root), tools)
    photographs = both.library.lifted_subjects
    assert both.library.subjects[:3] == plain.library.subjects == ("cmu/02", "cmu/03", "cmu/09")
    assert photographs.tolist() == [False] * 3 + [True] * (len(both.library.subjects) - 3)
    np.testing.assert_array_equal(both.library.joints[: len(plain.library)], plain.library.joints)
    row = int(np.flatnonzero(photographs[both.library.subject_of])[0])
    image = both.library.subjects[both.library.subject_of[row]].removeprefix("pseudo:lspet/")
    assert both.library.files[both.library.file_of[row]] == f"pseudo:lspet:{image} person 0"
    assert plain.inputs() == {"pose_library": plain.library.content_hash}
    assert set(both.inputs()) == {"pose_library", "pseudo:lspet"}
    assert f"subjects and {photographs.sum()} photographs" in tools.progress.stream.getvalue()


def test_doubtful_and_implausible_people_are_left_out_and_told(root, tools):
    every = list(lifted(root, tools, least_confidence=0.0).clips())
    sure = list(lifted(root, tools, least_confidence=0.25).clips())
    assert sum(isinstance(item, MotionClip) for item in every) > sum(isinstance(i, MotionClip) for i in sure)
    reasons = {item.reason for item in sure if isinstance(item, Rejection)}
    assert {"low confidence", "implausible annotation"} <= reasons
    assert len(every) == len(sure)


def test_options_that_change_poses_change_the_hash(root, tools, tmp_path):
    digests = [
        lifted(root, tools).digest,
        lifted(root, tools, least_confidence=0.1).digest,
        lifted(root, tools, atoms=11).digest,
        lifted(root, tools, dictionary="hdm05+cmu").digest,
        lifted(root, tools, corrections=corrected(tools, root, tmp_path)).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert lifted(root, tools).digest == digests[0]


def test_corrections_from_a_file_or_a_folder_turn_limbs(root, tools, tmp_path):
    path = corrected(tools, root, tmp_path)
    every = {"least_confidence": 0.0}
    plain, *others = (
        {
            item.name: item.joints
            for item in lifted(root, tools, **every, **more).clips()
            if hasattr(item, "joints")
        }
        for more in ({}, {"corrections": path}, {"corrections": tmp_path})
    )
    for said in others:
        moved = [name for name in plain if not np.array_equal(plain[name], said[name])]
        assert moved == [f"{lifted(root, tools).prepared.people.images[0]} person 0"]
    assert lifted(root, tools, corrections=path).described()["corrections"] == 1


def test_the_dictionary_is_learnt_from_what_is_asked_for_recorded_or_found(root, tools, tmp_path):
    assert lifted(root, tools).plan.mocap == "cmu"
    assert lifted(root, tools, dictionary="hdm05+cmu").plan.mocap == "hdm05+cmu"
    assert lifted(root, tools, mocap="pseudo:lspet").plan.mocap == "cmu+hdm05"


def test_what_both_uses_of_a_photograph_leave_out_is_listed_once():
    missing, other = (
        Rejection("lspet", "a.jpg", "missing image", "here"),
        Rejection("lspet", "b.jpg", "black"),
    )
    poses = SimpleNamespace(rejections=(missing,))
    pool = SimpleNamespace(rejections=(dataclasses.replace(missing, detail="elsewhere"), other))
    assert all_rejections(poses, pool) == [missing, other]


def test_mistakes_are_told_before_anything_is_made(root, tmp_path):
    said = tmp_path / "said.toml"
    said.write_text(format_corrections(Corrections("mpii")))
    for error, message, given in (
        (SourceMissingError, "mpii", {"mocap": "pseudo:mpii"}),
        (SourceMissingError, "source bvh", {"dictionary": "bvh"}),
        (InputError, "unknown source 'pseudo:lspet'", {"dictionary": "pseudo:lspet"}),
        (InputError, "corrections are for mpii, --mocap names pseudo:lspet", {"corrections": said}),
        (InputError, "--mocap names no pseudo:SOURCE", {"mocap": "cmu", "corrections": said}),
        (InputError, "holds no lspet.toml", {"corrections": tmp_path}),
        (InputError, "cannot read corrections", {"corrections": tmp_path / "none.toml"}),
    ):
        with pytest.raises(error, match=message):
            check_lifted(recipe(root, **given))
    with pytest.raises(InputError, match="named 2 times"):
        check_motion(recipe(root, "cmu:1+cmu:2"))


@pytest.fixture(scope="module")
def mixed(root, tmp_path_factory):
    """Store of 24 samples by two workers, and the labels of samples of all splits by an engine of its own."""
    out = tmp_path_factory.mktemp("mixed") / "m.zarr"
    more = (
        "--mocap",
        "cmu:0.5+pseudo:lspet:0.5",
        "--pseudo-atoms",
        str(ATOMS),
        "--pseudo-azimuth",
        "-20",
        "40",
    )
    words = mosaic_words(root, out, *more, "--n", "24", "--shard-size", "12", "--attempts", "1")
    assert main([*words, "--workers", "2"]) == 0
    with Workers(1) as workers:
        arguments = parser("synth mosaic").parse_args(words)
        engine = prepare(recipe_from(arguments, Recipe), out, workers, Progress("none")).engine
    batch = engine.prepare(np.concatenate([np.arange(k, k + 100) for k in (0, 800, 900)]))
    return open_store(out), engine.labels(batch, np.zeros(300))


def test_samples_follow_from_their_ids(mixed):
    store, labels = mixed
    for name in set(store.names) & set(labels) - {"coverage"}:
        np.testing.assert_array_equal(store.label(name), labels[name][:24], err_msg=name)


def test_lifted_people_get_their_share_and_their_views(mixed):
    store, labels = mixed
    of_lifted = np.char.startswith(store.table("subjects"), "pseudo:")[labels["subject"]]
    assert of_lifted.mean() == pytest.approx(0.5, abs=0.1)
    degrees = np.rad2deg(labels["view"][:, 0])
    assert -20.001 <= degrees[of_lifted].min() < 0 < degrees[of_lifted].max() <= 40.001
    assert degrees[~of_lifted].max() > 300


def test_splits_share_no_photograph_shown_or_posed(mixed):
    store, labels = mixed
    subjects = np.array(store.table("subjects"))
    photographs = np.array(store.table("photographs"))
    seen = []
    for split in range(3):
        of_split = labels["split"] == split
        used = labels["source_photograph"][of_split]
        posed = np.unique(subjects[labels["subject"][of_split]])
        lifted_from = [name.removeprefix("pseudo:") for name in posed if name.startswith("pseudo:")]
        assert lifted_from
        seen.append({*photographs[used[used >= 0]].tolist(), *lifted_from})
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_attributes_tell_where_lifted_people_are_from(mixed, root):
    attributes = mixed[0].attributes
    train = attributes["counts"]["splits"]["train"]
    assert train["poses_by_share"]["pseudo:lspet"] == train["lifted_photographs"] > 10
    assert not any(name.startswith("pseudo:") for name in train["subjects"])
    assert attributes["lifted"][0]["dictionary_of"] == "cmu"
    assert attributes["recipe"]["views"]["pseudo"]["azimuth"] == [-20.0, 40.0]
    assert str(root) not in json.dumps(attributes)
    licences = {source["name"]: source["licence"] for source in attributes["sources"]}
    assert licences["pseudo:lspet"] == licences["lspet"] == "research use"


def test_lifted_people_alone_make_mosaics_and_what_is_missing_is_told(root, tmp_path, capsys):
    words = mosaic_words(root, tmp_path / "m.zarr", "--mocap", "pseudo:lspet", "--pseudo-atoms", str(ATOMS))
    assert main([*words, "--n", "6", "--splits", "1:0:0", "--workers", "1", "--attempts", "1"]) == 0
    store = open_store(tmp_path / "m.zarr")
    assert {name.partition("/")[0] for name in store.table("subjects")} == {"pseudo:lspet"}
    licences = {(source["kind"], source["name"]) for source in store.attributes["sources"]}
    assert {("motion", "pseudo:lspet"), ("dictionary", "cmu"), ("dictionary", "hdm05")} <= licences
    capsys.readouterr()
    assert main([*words, "--n", "6", "--mocap", "cmu:1+pseudo:lspet"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
