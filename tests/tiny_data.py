"""A data root of a few real clips and sixty real photographs, and short ways to run the command on it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import scipy.io

CLIPS = ("02/02.asf", "02/02_03.amc", "03/03.asf", "03/03_02.amc", "09/09.asf", "09/09_06.amc")
PEOPLE = 60


def tiny_root(data_root: Path, folder: Path) -> Path:
    """CMU: three clips of three subjects in an archive; HDM05: one clip; LSP-extended: 60 photographs."""
    root = folder / "tiny_data"
    if root.is_dir():
        return root
    making = folder / "tiny_data_making"
    (making / "hdm05").mkdir(parents=True)
    with (
        zipfile.ZipFile(data_root / "cmu" / "allasfamc.zip") as whole,
        zipfile.ZipFile(making / "allasfamc.zip", "w", zipfile.ZIP_DEFLATED) as few,
    ):
        for clip in CLIPS:
            few.writestr(f"all_asfamc/subjects/{clip}", whole.read(f"all_asfamc/subjects/{clip}"))
    with zipfile.ZipFile(data_root / "hdm05" / "hdm05_asfamc.zip") as whole:
        for name in ("HDM_bk.asf", "HDM_bk_hopBothLegs1hops_020_120.amc"):
            (making / "hdm05" / name).write_bytes(whole.read(f"hdm05/{name}"))
    _photographs(data_root / "lspet", making / "lspet")
    making.rename(root)
    return root


def _photographs(source: Path, target: Path) -> None:
    joints = scipy.io.loadmat(source / "joints.mat")["joints"]
    whole = [k for k in np.flatnonzero((joints[:, 2] == 1).all(axis=0)) if _image(source, k).is_file()]
    chosen = whole[:PEOPLE]
    (target / "images").mkdir(parents=True)
    for number, k in enumerate(chosen):
        shutil.copy(_image(source, k), _image(target, number))
    scipy.io.savemat(target / "joints.mat", {"joints": joints[:, :, chosen]})


def _image(root: Path, number: int) -> Path:
    return root / "images" / f"im{number + 1:05d}.jpg"


def mosaic_words(root: Path, out: Path, *more: str) -> list[str]:
    """Arguments of ``synth mosaic`` for the tiny data."""
    words = ["--mocap", "cmu+hdm05", "--images", "lspet", "--data-root", str(root), "--out", str(out)]
    return [*words, "--seed", "5", "--progress", "none", *more]
