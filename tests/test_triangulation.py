import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from synth.skeletons import BODY13
from synth.triangulation import VERTEX_MIRROR, mirror_triangles, triangulate

SIZE = 360
CORNERS = [[0, 0], [359, 0], [0, 359], [359, 359]]

steps = st.integers(0, 359 * 4)
poses = hnp.arrays(np.int64, (13, 2), elements=steps).map(lambda quarter: (quarter / 4).astype(np.float32))
# few distinct values: many joints coincide, lie on a line, or on the crop's border
crowded = hnp.arrays(np.float32, (13, 2), elements=st.sampled_from([0, 90, 100.25, 180, 359])).map(np.float32)
flags = hnp.arrays(np.bool_, (13,))


def corners_of(triangles, joints):
    vertices = np.concatenate([joints, np.float32(CORNERS)]).astype(np.float64)
    return vertices[triangles[triangles[:, 0] >= 0]]


def areas(corners):
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]) / 2


def circumcircle(corners):
    """Centre and squared radius, from |p|^2 - 2 c.p = const at the three corners."""
    a, b, c = corners
    centre = np.linalg.solve(2 * np.array([b - a, c - a]), [b @ b - a @ a, c @ c - a @ a])
    return centre, (a - centre) @ (a - centre)


def test_one_joint_in_the_middle_makes_four_triangles():
    joints = np.zeros((13, 2), np.float32)
    joints[7] = 179.5
    triangles = triangulate(joints, np.arange(13) == 7, SIZE)
    assert triangles.dtype == np.int8
    assert triangles.shape == (28, 3)
    found = {tuple(sorted(t)) for t in triangles[:4].tolist()}
    assert found == {(7, 13, 14), (7, 13, 15), (7, 14, 16), (7, 15, 16)}
    assert (triangles[4:] == -1).all()


def test_no_joint_leaves_two_triangles():
    triangles = triangulate(np.zeros((13, 2), np.float32), np.zeros(13, bool), SIZE)
    assert (triangles[:, 0] >= 0).sum() == 2


def test_thirteen_inner_joints_fill_all_rows():
    joints = np.random.default_rng(0).uniform(100, 260, (13, 2)).astype(np.float32)
    assert (triangulate(joints, np.ones(13, bool), SIZE) >= 0).all()


def test_coincident_joints_appear_once():
    joints = np.full((13, 2), 50, np.float32)
    joints[1:] = [200, 120]
    triangles = triangulate(joints, np.ones(13, bool), SIZE)
    used = set(triangles[triangles[:, 0] >= 0].ravel().tolist())
    assert {0, 13, 14, 15, 16} < used
    assert len(used) == 6


@settings(deadline=None, max_examples=150)
@given(st.one_of(poses, crowded), flags)
def test_triangles_cover_the_crop_once(joints, labelled):
    area = areas(corners_of(triangulate(joints, labelled, SIZE), joints))
    assert np.abs(area).sum() == 359.0**2
    assert (area >= 0).all() or (area <= 0).all()


@settings(deadline=None, max_examples=150)
@given(poses, flags)
def test_no_vertex_lies_inside_a_circumcircle(joints, labelled):
    vertices = np.concatenate([joints[labelled], np.float32(CORNERS)]).astype(np.float64)
    for corners in corners_of(triangulate(joints, labelled, SIZE), joints):
        centre, squared_radius = circumcircle(corners)
        squared_distance = ((vertices - centre) ** 2).sum(axis=1)
        assert (squared_distance >= squared_radius * (1 - 1e-9) - 1e-6).all()


@settings(deadline=None, max_examples=50)
@given(poses, flags)
def test_mirrored_triangles_lie_at_the_mirrored_places(joints, labelled):
    triangles = triangulate(joints, labelled, SIZE)
    mirrored_joints = (joints * [-1, 1] + [359, 0]).astype(np.float32)[BODY13.mirror]
    expected = corners_of(triangles, joints) * [-1, 1] + [359, 0]
    assert np.array_equal(corners_of(mirror_triangles(triangles), mirrored_joints), expected)
    assert np.array_equal(mirror_triangles(mirror_triangles(triangles)), triangles)


def test_mirroring_swaps_the_corners():
    assert VERTEX_MIRROR[13:].tolist() == [14, 13, 16, 15]
