"""The catalogue's entries: what each known source is, where it may lie and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from synth.sources import coco, finders, lsp, mpii
from synth.sources.demo.archive import demo_archive, demo_roots
from synth.sources.demo_images.album import demo_album, demo_image_roots, read_album
from synth.sources.finders import Roots
from synth.sources.images import IMAGE_SUFFIXES, Annotations
from synth.sources.motion import MotionItem, acclaim_items, bvh_items
from synth.sources.records import Rejection


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source that this program can read.

    Parameters
    ----------
    name, title, licence, publisher : str
        Name in options, full title, terms of use in a few words, page where the publisher offers it.
    layouts : tuple of str
        Paths under the data root at which it is looked for, for messages.
    find : callable
        Data root -> folders or archives; empty if it isn't there.
    suffixes : tuple of str
        Endings of its files, for the fingerprint.
    embedded : bool
        The program makes the source itself: it is always there, and `find` heeds no data root.
    make : callable, optional
        Makes an embedded source unless it was made before, running its tasks by a `map` that it is given;
        `find` would make it in this process.
    making, tasks : str
        What `make` does and what its tasks are called, to tell how far it is.
    """

    name: str
    title: str
    licence: str
    publisher: str
    layouts: tuple[str, ...]
    find: Callable[[Path], Roots]
    suffixes: tuple[str, ...]
    embedded: bool = False
    make: Callable[[Callable[..., Iterable[Any]]], Path] | None = None
    making: str = ""
    tasks: str = ""


@dataclass(frozen=True, kw_only=True)
class MotionSource(Source):
    """A source of motion clips; `items` lists them in what `find` found."""

    items: Callable[[Roots], list[MotionItem]]


@dataclass(frozen=True, kw_only=True)
class ImageSource(Source):
    """A source of annotated images; `read` gives all people of what `find` found.

    `find` gives the place of the annotations and, where it is another, that of the images.
    """

    read: Callable[[Path], tuple[Annotations, list[Rejection]]]


MOTION_SOURCES = (
    MotionSource(
        name="cmu",
        title="CMU Graphics Lab Motion Capture Database",
        licence="free for all uses, no resale of the data",
        publisher="mocap.cs.cmu.edu",
        layouts=("allasfamc.zip", "all_asfamc/subjects/NN/", "subjects/NN/", "cmu/ with any of these"),
        find=partial(
            finders.find_clips,
            folders=("cmu", "cmu_asfamc", "cmu-mocap", "cmu_mocap", "all_asfamc", "allasfamc", "subjects"),
            archives=("allasfamc.*", "all_asfamc.*"),
            suffix=".amc",
        ),
        items=partial(acclaim_items, "cmu"),
        suffixes=(".asf", ".amc"),
    ),
    MotionSource(
        name="hdm05",
        title="HDM05 Motion Capture Database",
        licence="CC BY-SA 3.0",
        publisher="resources.mpi-inf.mpg.de/HDM05",
        layouts=("hdm05/ (archives or folders of HDM_*.asf and HDM_*.amc)", "HDM05_*/", "hdm05*.zip"),
        find=partial(
            finders.find_clips,
            folders=("hdm05", "hdm05*", "hdm"),
            archives=("hdm05*", "hdm_*"),
            suffix=".amc",
        ),
        items=partial(acclaim_items, "hdm05"),
        suffixes=(".asf", ".amc"),
    ),
    MotionSource(
        name="bvh",
        title="BVH files (CMU's in the cgspeed conversion, or any others)",
        licence="that of whoever recorded them",
        publisher="sites.google.com/a/cgspeed.com/cgspeed/motion-capture",
        layouts=("bvh/ or cmu_bvh/ (folders or archives of .bvh)", "*bvh*.zip"),
        find=partial(
            finders.find_clips,
            folders=("bvh", "*_bvh", "bvh_*", "*-bvh"),
            archives=("*bvh*",),
            suffix=".bvh",
            every=True,
        ),
        items=partial(bvh_items, "bvh"),
        suffixes=(".bvh",),
    ),
    MotionSource(
        name="demo",
        title="Procedural motion of synthetic subjects",
        licence="made by this program, free for all uses",
        publisher="this program",
        layouts=("nothing: made in the cache folder when first used",),
        find=demo_roots,
        items=partial(acclaim_items, "demo"),
        suffixes=(".asf", ".amc"),
        embedded=True,
        make=demo_archive,
        making="making motion",
        tasks="subjects",
    ),
)

IMAGE_SOURCES = (
    ImageSource(
        name="lsp",
        title="Leeds Sports Pose, training half",
        licence="research use",
        publisher="sam.johnson.io/research/lsp.html",
        layouts=(
            "lsp_dataset.zip",
            "lsp_dataset/",
            "lsp_dataset_original/",
            "lsp/ with joints.mat and images/",
        ),
        find=partial(
            finders.find_leeds,
            folders=("lsp", "lsp_dataset", "lsp_dataset_original"),
            archives=("lsp_dataset.*", "lsp_dataset_original.*"),
        ),
        read=lsp.read_lsp,
        suffixes=(".mat", *IMAGE_SUFFIXES),
    ),
    ImageSource(
        name="lspet",
        title="Leeds Sports Pose extended training set",
        licence="research use",
        publisher="sam.johnson.io/research/lspet.html",
        layouts=(
            "lspet_dataset.zip",
            "hr-lspet.zip",
            "lspet_dataset/",
            "hr-lspet/",
            "lspet/ with joints.mat and images/",
        ),
        find=partial(
            finders.find_leeds,
            folders=("lspet", "lspet_dataset", "hr-lspet", "hr_lspet"),
            archives=("lspet_dataset.*", "hr-lspet.*", "hr_lspet.*"),
        ),
        read=lsp.read_lspet,
        suffixes=(".mat", *IMAGE_SUFFIXES),
    ),
    ImageSource(
        name="mpii",
        title="MPII Human Pose, training images",
        licence="simplified BSD",
        publisher="human-pose.mpi-inf.mpg.de",
        layouts=(
            "mpii_human_pose_v1_u12_2/ or .zip, with mpii_human_pose_v1.tar.gz or images/",
            "mpii/ with the .mat (or train.json, train.h5, train_joints.csv) and images/",
        ),
        find=partial(
            finders.find_annotated,
            folders=("mpii", "mpii_human_pose*", "mpii*"),
            archives=("mpii_human_pose_v1_u12*",),
            annotation=mpii.annotation_member,
            image_archives=("mpii_human_pose_v1.*", "images.*"),
        ),
        read=mpii.read_mpii,
        suffixes=(".mat", ".json", ".h5", ".csv", ".txt", *IMAGE_SUFFIXES),
    ),
    ImageSource(
        name="coco",
        title="COCO keypoints, training images",
        licence="annotations CC BY 4.0, photographs Flickr terms",
        publisher="cocodataset.org",
        layouts=("coco/ with annotations/person_keypoints_train2017.json and train2017/ or train2017.zip",),
        find=partial(
            finders.find_annotated,
            folders=("coco", "coco2017", "coco2014", "mscoco"),
            archives=("annotations_trainval*",),
            annotation=coco.annotation_member,
            image_archives=("train2017.*", "train2014.*", "val2017.*", "val2014.*"),
        ),
        read=coco.read_coco,
        suffixes=(".json", *IMAGE_SUFFIXES),
    ),
    ImageSource(
        name="demo",
        title="Rendered photographs of synthetic people",
        licence="made by this program, free for all uses",
        publisher="this program",
        layouts=("nothing: made in the cache folder when first used",),
        find=demo_image_roots,
        read=read_album,
        suffixes=(".json", *IMAGE_SUFFIXES),
        embedded=True,
        make=demo_album,
        making="rendering people",
        tasks="groups",
    ),
)

ALIASES = (("mpii-lsp", ("mpii", "lspet", "lsp")), ("cmu_bvh", ("bvh",)))
"""Names that stand for others."""
