import dataclasses
from pathlib import Path

import numpy as np
import pytest

from synth.cameras import BODY13_OF_H36M17, STANDARD_LENGTHS
from synth.errors import InputError
from synth.pool_plan import PoolOptions, plan_pool
from synth.skeletons import BODY13
from synth.sources.records import AnnotatedImages

# standing, arms hanging; standard metres, y down, from the middle of the hips
THIGH = STANDARD_LENGTHS["right_hip", "right_knee"]
SHANK = STANDARD_LENGTHS["right_knee", "right_ankle"]
UPPER = STANDARD_LENGTHS["right_shoulder", "right_elbow"]
FOREARM = STANDARD_LENGTHS["right_elbow", "right_wrist"]
TORSO = STANDARD_LENGTHS["right_shoulder", "right_hip"]


def standing(x, y, pixels_per_metre):
    heights = {
        "head": -TORSO - 0.3,
        "shoulder": -TORSO,
        "elbow": -TORSO + UPPER,
        "wrist": -TORSO + UPPER + FOREARM,
        "hip": 0.0,
        "knee": THIGH,
        "ankle": THIGH + SHANK,
    }
    sides = {"right": -0.15, "left": 0.15}
    joints = [(sides.get(j.split("_")[0], 0.0), heights[j.split("_")[-1]]) for j in BODY13.joints]
    return np.array(joints) * pixels_per_metre + [x, y]


def annotated(poses, image_of=None, person=None, source="made", root=Path("nowhere"), images=None):
    count = len(poses)
    joints, labelled = np.zeros((count, 17, 2), np.float32), np.zeros((count, 17), bool)
    joints[:, BODY13_OF_H36M17] = poses
    labelled[:, BODY13_OF_H36M17] = np.isfinite(poses).all(axis=2)
    image_of = np.arange(count) if image_of is None else np.array(image_of)
    return AnnotatedImages(
        source=source,
        root=root,
        images=images or tuple(f"im{k}.png" for k in range(image_of.max() + 1)),
        image_of=image_of.astype(np.int32),
        person=np.zeros(count, np.int32) if person is None else np.array(person, np.int32),
        joints=np.where(labelled[..., None], joints, 0).astype(np.float32),
        labelled=labelled,
        occluded=np.zeros_like(labelled),
    )


def reasons(plan):
    return [(item.item, item.reason) for item in plan.rejections]


def test_person_is_scaled_to_the_pool_and_centred():
    plan = plan_pool([annotated([standing(300, 400, 250.0)])], PoolOptions())
    assert np.allclose(plan.transform[0, :, :2], np.eye(2) * 0.4, atol=1e-6)
    head, ankle = (plan.joints[0, BODY13.index(joint)] for joint in ("head", "right_ankle"))
    assert np.allclose(head[0], 179.5, atol=1e-3)
    assert np.allclose((head[1] + ankle[1]) / 2, 179.5, atol=1e-3)
    assert np.allclose(ankle[1] - head[1], 100 * (0.3 + TORSO + THIGH + SHANK), atol=1e-2)
    assert plan.labelled.all()
    assert plan.rejections == ()


def test_joints_are_on_the_grid():
    plan = plan_pool([annotated([standing(301.37, 222.91, 133.7)])], PoolOptions())
    assert np.array_equal(np.rint(plan.joints * 4096), plan.joints * 4096)


def test_people_of_one_photograph_are_adjacent_and_in_order():
    poses = [standing(300, 300, 150.0)] * 4
    source = annotated(poses, image_of=[1, 0, 1, 0], person=[1, 0, 0, 2])
    plan = plan_pool([source, annotated(poses[:1], source="other")], PoolOptions())
    assert plan.source.tolist() == [0, 0, 0, 0, 1]
    assert plan.image.tolist() == [0, 0, 1, 1, 0]
    assert plan.person.tolist() == [0, 2, 0, 1, 0]


def test_each_filter_lists_its_person():
    good = standing(300, 300, 150.0)
    few, wrong, unmeasured = good.copy(), good.copy(), good.copy()
    few[:6] = np.nan
    wrong[BODY13.index("left_wrist")] += [200, 0]
    unmeasured[BODY13.indices(["right_hip", "left_hip", "right_elbow", "left_elbow"])] = np.nan
    plan = plan_pool([annotated([good, few, wrong, standing(90, 90, 49.0), unmeasured])], PoolOptions())
    assert len(plan) == 1
    assert reasons(plan) == [
        ("im1.png person 0", "too few joints labelled"),
        ("im2.png person 0", "implausible annotation"),
        ("im3.png person 0", "person too small"),
        ("im4.png person 0", "scale not measurable"),
    ]
    assert plan.rejections[0].detail == "7 of 13, at least 8 wanted"
    assert plan.rejections[1].detail == "limb too long"


def test_nothing_is_implausible_where_joints_are_exact():
    far = standing(300, 300, 150.0)
    far[BODY13.index("left_wrist")] += [200, 0]
    few = np.where(np.arange(13)[:, None] < 6, np.nan, far)
    source = dataclasses.replace(annotated([far, few]), exact=True)
    plan = plan_pool([source, annotated([far], source="other")], PoolOptions())
    assert plan.source.tolist() == [0]
    assert reasons(plan) == [
        ("im1.png person 0", "too few joints labelled"),
        ("im0.png person 0", "implausible annotation"),
    ]


def test_joints_outside_the_crop_become_unlabelled():
    large = plan_pool([annotated([standing(300, 300, 150.0)])], PoolOptions(size=200))
    assert large.labelled.all()
    assert large.rejections == ()
    smaller = plan_pool([annotated([standing(300, 300, 150.0)])], PoolOptions(size=160))
    assert [item.item for item in smaller.rejections] == [
        f"im0.png person 0 joint {joint}" for joint in ("right_ankle", "left_ankle", "head")
    ]
    assert (smaller.joints[~smaller.labelled] == 0).all()
    none = plan_pool([annotated([standing(300, 300, 150.0)])], PoolOptions(size=60))
    assert len(none) == 0
    assert reasons(none)[-1] == ("im0.png person 0", "too few joints labelled")


def test_unlabelled_joints_are_zero():
    pose = standing(300, 300, 150.0)
    pose[BODY13.index("head")] = np.nan
    plan = plan_pool([annotated([pose])], PoolOptions())
    assert plan.joints[0, BODY13.index("head")].tolist() == [0, 0]


@pytest.mark.parametrize(
    "wrong", [{"size": 1}, {"pixels_per_metre": 0.0}, {"min_labelled": 14}, {"min_pixels_per_metre": -1.0}]
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        PoolOptions(**wrong)


def test_no_source_is_refused():
    with pytest.raises(InputError, match="at least one source"):
        plan_pool([], PoolOptions())
