from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from synth.errors import InputError
from synth.skeletons import LSP14
from synth.sources.images import annotated_images
from synth.sources.lsp import read_lsp, read_lspet


def test_lsp_counts_hidden_joints_and_leaves_out_its_test_images(tmp_path: Path) -> None:
    joints = np.zeros((3, 14, 2000))
    joints[0], joints[1] = 11, 21
    joints[2, 5, 0] = 1
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": joints})
    people, rejections = read_lsp(tmp_path)
    assert rejections == []
    assert len(people.images) == 1000
    assert (people.images[0], people.images[-1]) == ("im0001.jpg", "im1000.jpg")
    assert people.joints[0, 0].tolist() == [10, 20]
    assert people.labelled.all()
    assert np.argwhere(people.occluded).tolist() == [[0, 5]]
    test, _ = read_lsp(tmp_path, test=True)
    assert test.source == "lsp-test"
    assert (test.images[0], test.images[-1], len(test.images)) == ("im1001.jpg", "im2000.jpg", 1000)
    assert not set(test.images) & set(people.images)


def test_lspet_leaves_out_what_is_not_labelled(tmp_path: Path) -> None:
    joints = np.ones((14, 3, 3))
    joints[4] = [[7, 8, -500], [9, -3, np.nan], [1, 1, 0]]
    (tmp_path / "lspet").mkdir()
    scipy.io.savemat(tmp_path / "lspet" / "joints.mat", {"joints": joints})
    people, _ = read_lspet(tmp_path)
    assert people.images == ["im00001.jpg", "im00002.jpg", "im00003.jpg"]
    assert people.joints[:2, 4].tolist() == [[6, 8], [7, -4]]
    assert np.argwhere(~people.labelled).tolist() == [[2, 4]]
    assert not people.occluded.any()


def test_the_other_sets_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no joints\.mat"):
        read_lsp(tmp_path)
    scipy.io.savemat(tmp_path / "joints.mat", {"joints": np.zeros((14, 3, 5))})
    with pytest.raises(InputError, match=r"shape \(14, 3, 5\), expected \(3, 14, 'N'\) for lsp"):
        read_lsp(tmp_path)
    (tmp_path / "joints.mat").write_bytes(b"no MATLAB file")
    with pytest.raises(InputError, match=r"joints\.mat is no MATLAB file"):
        read_lspet(tmp_path)


def test_real_lspet(data_root: Path) -> None:
    root = data_root / "lspet"
    if not root.is_dir():
        pytest.skip(f"{root} is not here")
    people, _ = read_lspet(root)
    assert people.joints.shape == (8500, 14, 2)
    images, rejections = annotated_images(people, root)
    assert len(images.images) == len(images.image_of) == 6002
    assert (images.labelled.sum(axis=1) >= 11).all()
    missing = [r for r in rejections if r.reason == "missing image"]
    assert len(missing) == 8500 - 6002
    # 96.9 % of these joints were labelled; an inverted flag or a swapped axis would leave few inside.
    assert images.labelled.sum() > 80_000
    assert sum(r.reason == "joint outside the image" for r in rejections) < 50


def test_real_lsp_annotation(data_root: Path) -> None:
    root = data_root / "lsp_annot"
    if not root.is_dir():
        pytest.skip(f"{root} is not here")
    halves = [read_lsp(root, test=test)[0] for test in (False, True)]
    assert [half.joints.shape for half in halves] == [(1000, len(LSP14), 2)] * 2
    # The top of the head is seldom hidden, a wrist often: the flag's meaning.
    hidden = np.concatenate([half.occluded for half in halves]).mean(axis=0)
    assert hidden[LSP14.index("head")] < 0.1 < hidden[LSP14.index("left_wrist")]
