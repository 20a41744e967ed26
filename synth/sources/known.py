"""The catalogue's entries: what each known source is, where it may lie and what reads it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from synth.sources import coco, finders, h36m, h36m_images, lsp, mpi_inf_3dhp, mpi_inf_3dhp_images, mpii
from synth.sources.demo.archive import demo_archive, demo_roots
from synth.sources.demo_images.album import demo_album, demo_image_roots, read_album
from synth.sources.images import IMAGE_SUFFIXES
from synth.sources.kinds import ImageSource, MotionSource
from synth.sources.motion import acclaim_items, bvh_items, h36m_items, mpi_inf_3dhp_items

_LSP = ImageSource(
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
)

_H36M_FOLDERS = ("h36m", "human3.6m", "human36m", "human3_6m", "h36m*", "human3.6m*")
_H36M_MOTION = MotionSource(
    name="h36m",
    title="Human3.6M, recorded poses of all subjects",
    licence="academic use, after registration",
    publisher="vision.imar.ro/human3.6m",
    layouts=("h36m/ with data_3d_h36m.npz, or S1/MyPoseFeatures/D3_Positions/*.cdf",),
    find=partial(finders.find_recordings, _H36M_FOLDERS, h36m.pose_members),
    items=partial(h36m_items, "h36m"),
    suffixes=h36m.POSE_SUFFIXES,
)
_H36M_FILMS = ImageSource(
    name="h36m",
    title="Human3.6M, extracted frames of all subjects",
    licence=_H36M_MOTION.licence,
    publisher=_H36M_MOTION.publisher,
    layouts=(
        *_H36M_MOTION.layouts,
        "beside them metadata.xml and extracted frames, such as S1/Directions 1.54138969/000001.jpg",
    ),
    find=partial(finders.find_frames, _H36M_FOLDERS, h36m.pose_members),
    read=h36m_images.read_h36m,
    suffixes=(*h36m.POSE_SUFFIXES, ".xml", *IMAGE_SUFFIXES),
    filmed=True,
)

_3DHP_LICENCE = "non-commercial research, no redistribution"
_3DHP_PUBLISHER = "vcai.mpi-inf.mpg.de/3dhp-dataset"
_3DHP_FOLDERS = ("mpi_inf_3dhp", "mpi-inf-3dhp", "3dhp", "mpi_inf_3dhp*", "mpi-inf-3dhp*")

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
    _H36M_MOTION,
    replace(
        _H36M_MOTION,
        name="h36m-train",
        title="Human3.6M, recorded poses of S1, S5, S6, S7 and S8",
        items=partial(h36m_items, "h36m-train", subjects=h36m.TRAINING_SUBJECTS),
    ),
    MotionSource(
        name="mpi-inf-3dhp",
        title="MPI-INF-3DHP, motion of the training sequences",
        layouts=("mpi_inf_3dhp/ with S1/Seq1/annot.mat and camera.calibration",),
        find=partial(finders.find_recordings, _3DHP_FOLDERS, mpi_inf_3dhp.training_members),
        items=mpi_inf_3dhp_items,
        suffixes=("annot.mat", ".calibration"),
        licence=_3DHP_LICENCE,
        publisher=_3DHP_PUBLISHER,
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
    _LSP,
    replace(
        _LSP,
        name="lsp-test",
        title="Leeds Sports Pose, test half",
        read=partial(lsp.read_lsp, test=True),
        for_testing=True,
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
        licence="annotations CC BY 4.0, images Flickr terms",
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
    _H36M_FILMS,
    replace(
        _H36M_FILMS,
        name="h36m-train",
        title="Human3.6M, extracted frames of S1, S5, S6, S7 and S8",
        read=partial(h36m_images.read_h36m, subjects=h36m.TRAINING_SUBJECTS, source="h36m-train"),
    ),
    ImageSource(
        name="mpi-inf-3dhp",
        title="MPI-INF-3DHP, extracted frames of the training sequences",
        layouts=("mpi_inf_3dhp/ with S1/Seq1/annot.mat and imageFrames/video_0/frame_000001.jpg",),
        find=partial(finders.find_frames, _3DHP_FOLDERS, mpi_inf_3dhp.training_members),
        read=mpi_inf_3dhp_images.read_training,
        suffixes=("annot.mat", *IMAGE_SUFFIXES),
        filmed=True,
        licence=_3DHP_LICENCE,
        publisher=_3DHP_PUBLISHER,
    ),
    ImageSource(
        name="mpi-inf-3dhp-test",
        title="MPI-INF-3DHP, test set",
        layouts=(
            "mpi_inf_3dhp/ or mpi_inf_3dhp_test_set/ with TS1/annot_data.mat and imageSequence/img_000001.jpg",
        ),
        find=partial(finders.find_frames, _3DHP_FOLDERS, mpi_inf_3dhp.testing_members),
        read=mpi_inf_3dhp_images.read_test,
        suffixes=("annot_data.mat", *IMAGE_SUFFIXES),
        for_testing=True,
        filmed=True,
        licence=_3DHP_LICENCE,
        publisher=_3DHP_PUBLISHER,
    ),
    ImageSource(
        name="demo",
        title="Rendered photographs of synthetic people",
        licence="made by this program; in their backgrounds are photographs under CC0, in the public domain, and "
        "under CC BY 2.0 (china by danielbuechele, flower by vultilion, both Flickr, cropped and resized)",
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
