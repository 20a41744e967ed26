"""Dictionaries and lifted people through the cache, and the command, on a little real data."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from tiny_data import tiny_root

from pipelines.label_command import main
from pipelines.prepare import Tools
from pipelines.progress import Progress
from pipelines.pseudo3d import LiftPlan, prepare_dictionary, prepare_people
from synth import lifted_sheet
from synth.errors import InputError
from synth.lifting.corrections import Correction, Corrections, format_corrections
from synth.lifting.dictionary import DictionaryOptions
from synth.lifting.lifted import LiftedPeople, LiftedPoses, load_people, motion_clips
from synth.lifting.limbs import LIMB_NAMES, limb_depths
from synth.poses import build_library
from synth.skeletons import H36M17
from synth.sources.images import image_size
from synth.sources.records import AnnotatedImages, MotionClip


class ThisProcess:
    """Runs tasks where it is."""

    map = staticmethod(map)


@pytest.fixture(scope="module")
def plan(data_root, tmp_path_factory):
    root = tiny_root(data_root, tmp_path_factory.mktemp("data"))
    return LiftPlan("lspet", data_root=root, dictionary=DictionaryOptions(atoms=10, max_rounds=30))


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    return Tools(tmp_path_factory.mktemp("cache"), ThisProcess(), Progress("none"))


def test_what_is_there_is_found_again(plan, tools):
    first = prepare_people(plan, tools)
    times = {path: path.stat().st_mtime_ns for path in tools.cache.rglob("*.npz")}
    again = prepare_people(plan, tools)
    assert again.path == first.path
    assert again.people.content_hash == first.people.content_hash
    assert {path: path.stat().st_mtime_ns for path in tools.cache.rglob("*.npz")} == times
    other = LiftPlan("lspet", data_root=plan.data_root, dictionary=DictionaryOptions(atoms=9, max_rounds=30))
    assert prepare_dictionary(other, tools) != prepare_dictionary(plan, tools)


def test_people_make_a_pose_library(plan, tools):
    prepared = prepare_people(plan, tools)
    items = [*prepared.rejections, *motion_clips(prepared.people)]
    clips = [item for item in items if isinstance(item, MotionClip)]
    assert len(clips) == len(prepared.people.images) > 2
    library, rejections = build_library(items, threshold=1e-6)
    assert len(library) == len(clips)
    assert list(prepared.rejections) == rejections
    assert all(subject.startswith("pseudo:lspet/images/im") for subject in library.subjects)
    upright = library.joints[:, H36M17.index("head"), 1] > library.joints[:, H36M17.index("pelvis"), 1]
    assert upright.mean() > 0.5


def test_lifted_people_are_shown_from_their_left(monkeypatch):
    """A hand stretched towards the camera, at the torso's height, is at the picture's left edge from there."""
    drawn = []
    monkeypatch.setattr(
        lifted_sheet, "draw_skeleton", lambda picture, joints, _: drawn.append(joints) or picture
    )
    monkeypatch.setattr(lifted_sheet, "load_image", lambda images, index: np.zeros((50, 60, 3), np.uint8))
    joints = np.zeros((1, 17, 3))
    joints[0, 16] = 0.0, 0.0, -1.0
    zeros = np.zeros((1, 2), np.float32)
    poses = LiftedPoses(joints, zeros, np.full(1, 50.0), zeros, zeros[0], zeros)
    nobody = np.zeros(0, np.int32)
    images = AnnotatedImages("s", Path(), ("a.jpg",), nobody, nobody, joints[:0], zeros[:0], zeros[:0])
    people = LiftedPeople("s", ("a.jpg",), np.zeros(1, np.int32), poses, "d")
    lifted_sheet.lifted_sheet(people, joints, np.ones(1), images, [0])
    np.testing.assert_allclose([view[16, 0] for view in drawn], [109.5, 109.5 - 100 * 0.5**0.5, 9.5])


def test_several_image_sources_at_once_are_refused(plan, tools):
    with pytest.raises(InputError, match="one image source at a time"):
        prepare_people(LiftPlan("mpii-lsp", data_root=plan.data_root), tools)


def test_command(plan, tools, tmp_path, monkeypatch, capsys):
    prepared = prepare_people(plan, tools)
    monkeypatch.setattr("pipelines.pseudo3d_command.cache_dir", lambda: tools.cache)
    monkeypatch.setattr("pipelines.pseudo3d_command.Workers", lambda *_: nullcontext(ThisProcess()))
    image, limb = prepared.people.images[0], LIMB_NAMES.index("head")
    flip = "away" if limb_depths(prepared.people.poses.joints)[0, limb] < 0 else "toward"
    said = tmp_path / "said.toml"
    said.write_text(format_corrections(Corrections("lspet", (Correction(image, 0, "head", flip),))))
    words = ["pseudo3d", "lspet", "--data-root", str(plan.data_root), "--atoms", "9", "--workers", "1"]
    out, sheet = tmp_path / "out.npz", tmp_path / "sheet.png"
    shown = ["--preview", str(sheet), "--preview-people", "2"]
    assert main([*words, "--progress", "none", "--corrections", str(said), "--out", str(out), *shown]) == 0
    assert image_size(sheet.open("rb")) == (2 * (220 + 4), 14 + 3 * (220 + 4))
    printed = capsys.readouterr().out
    assert f"{out}: {len(load_people(out).images)} people of lspet in 3D" in printed
    assert "corrections: 1" in printed
    np.testing.assert_array_equal(load_people(out).person, 0)
    said.write_text("format_version = 3")
    assert main([*words, "--corrections", str(said)]) == 2
