"""The demo's photographs: are labels exact, do the people differ, are they made and read like any other source."""

from __future__ import annotations

import json
import socket
import zipfile

import cv2
import numpy as np
import pytest

from synth.body.archive import PARTS, load_body
from synth.body.backgrounds import background
from synth.body.fitting import posed_joints
from synth.body.person import make_studio
from synth.body.resolve import part_map
from synth.body.visibility import visible_points
from synth.cameras import BODY13_OF_H36M17, CROP, pixels_per_standard_metre
from synth.crops import centred_transforms
from synth.errors import InputError
from synth.occlusion import JOINT_RADII, OCCLUSION_MARGIN, self_occluded
from synth.skeletons import H36M17
from synth.sources import catalog
from synth.sources.demo_images import album, photographs, sittings
from synth.sources.demo_images.sittings import SCALE, SHOTS, SIDE, Group, arrange, draw_person, groups_of
from synth.sources.images import annotated_images

COUNT = 30
WITHIN = {
    "hip": ("torso", "thigh"), "pelvis": ("torso", "thigh"), "spine": ("torso",), "thorax": ("torso", "neck"),
    "neck": ("neck", "torso", "head"), "head": ("head",), "shoulder": ("torso", "upper_arm", "neck"),
    "elbow": ("upper_arm", "forearm"), "wrist": ("forearm", "hand"), "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
}  # fmt: skip
"""Parts in which a joint's pixel may lie; limbs only those of its own side."""


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def sitting(body):
    """Thirty photographs of three people: group, people, sittings."""
    group = Group(seed=0, count=COUNT, number=0)
    people = {number: draw_person(body, 0, number) for number in group.people}
    return group, people, arrange(body, group, people)


@pytest.fixture(scope="module")
def taken(body, sitting):
    """Photographs with the part map of whom is nearest in each."""
    _, people, sittings_ = sitting
    studio = make_studio(SIDE)
    pictures = []
    for number, picture in zip(
        sittings_.images.tolist(), photographs.photograph_all(body, sittings_, people, studio, 0), strict=True
    ):
        mesh = people[int(sittings_.person[len(pictures)])].appearance.mesh
        alone = len(picture.joints) == 1
        pictures.append((number, picture, part_map(studio.samples, mesh) if alone else None))
    return pictures


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A pool of four photographs, made without a network."""
    path = tmp_path_factory.mktemp("album") / "people.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", None)
        album.write_album(path, map, seed=3, count=4)
    return path


def plain(joint):
    return joint.removeprefix("left_").removeprefix("right_")


def fits(joint, part):
    side = joint.partition("_")[0] if plain(joint) != joint else ""
    return plain(part) in WITHIN[plain(joint)] and (plain(part) == part or not side or part.startswith(side))


def test_every_photograph_is_of_one_group():
    for count in (1, 9, 25, 2000):
        numbers = np.concatenate([group.images for group in groups_of(0, count)])
        assert sorted(numbers.tolist()) == list(range(count))


def test_a_hundred_consecutive_photographs_show_a_hundred_people():
    people = [number % sittings.people_of(album.COUNT) for number in range(700, 800)]
    assert len(set(people)) == 100


def test_a_hundred_consecutive_people_wear_forty_outfits(body):
    # sixty of them are enough
    outfits = {draw_person(body, 0, number).appearance.outfit for number in range(60)}
    assert len(outfits) >= 40


def test_no_background_repeats_among_a_hundred():
    seen = []
    R = np.diag([1.0, -1.0, -1.0])
    K = np.array([[16.0, 0.0, 5.5], [0.0, 16.0, 5.5], [0.0, 0.0, 1.0]])
    for number in range(100):
        rng = np.random.default_rng([0, photographs._SHOT_STAGE, number])
        seen.append(background(rng, K, R, np.array([0.0, 1.2, 5.0]), np.zeros(3), 12).image.astype(float))
    apart = [np.abs(a - b).mean() for k, a in enumerate(seen) for b in seen[:k]]
    assert min(apart) > 2.0


def test_visible_joints_lie_in_their_own_body_parts(taken):
    inside = []
    for _, picture, parts in taken:
        if parts is None:
            continue
        for joint, (x, y), visible in zip(H36M17.joints, picture.joints[0], picture.visible[0], strict=True):
            if visible:
                inside.append(fits(joint, PARTS[parts[round(y), round(x)]]))
    assert len(inside) > 200
    assert np.mean(inside) >= 0.97


def test_joints_that_other_rules_call_visible_lie_in_their_own_body_parts(body):
    """The pool's visibility looks at body parts itself; depth alone and the body's capsules know nothing of them."""
    group = Group(seed=0, count=2000, number=5)
    people = {number: draw_person(body, 0, number) for number in group.people}
    drawn, studio = arrange(body, group, people), make_studio(SIDE)
    by_depth, by_capsules, agreed = [], [], []
    for row, picture in enumerate(photographs.photograph_all(body, drawn, people, studio, 0)):
        if len(picture.joints) > 1:
            continue
        person = people[int(drawn.person[row])]
        camera = photographs.Camera(drawn.cameras.K[row], drawn.cameras.R[row], drawn.cameras.t[row])
        points = posed_joints(
            body, person.shape, photographs.pose(person, drawn.transforms[row], camera).transforms
        )
        parts = part_map(studio.samples, person.appearance.mesh)
        near = visible_points(studio.samples, points, camera.K, JOINT_RADII + OCCLUSION_MARGIN)
        hidden = self_occluded(points[None])[0]
        agreed.append(hidden == ~picture.visible[0])
        for k, (joint, (x, y)) in enumerate(zip(H36M17.joints, picture.joints[0], strict=True)):
            if 0 <= round(x) < SIDE and 0 <= round(y) < SIDE:
                own = fits(joint, PARTS[parts[round(y), round(x)]])
                by_depth += [own] if near[k] else []
                by_capsules += [own] if not hidden[k] else []
    assert min(len(by_depth), len(by_capsules)) > 1000
    assert np.mean(by_depth) >= 0.97
    # capsules are thinner than clothed flesh, and to them a chin doesn't hide the thorax: they miss some hidden ones
    assert np.mean(by_capsules) >= 0.93
    assert np.mean(agreed) >= 0.8


def test_both_visible_and_hidden_joints_occur(taken):
    visible = np.concatenate([picture.visible for _, picture, _ in taken])
    assert 0.5 < visible.mean() < 0.95


def test_people_have_the_pools_scale_and_a_crop_with_background_all_round(taken):
    alone = [picture for _, picture, parts in taken if parts is not None]
    joints = np.stack([picture.joints[0][BODY13_OF_H36M17] for picture in alone])
    labelled = np.ones(joints.shape[:2], dtype=bool)
    scale = pixels_per_standard_metre(joints, labelled)
    assert ((scale > SCALE[0] - 2) & (scale < SCALE[1] + 2)).all()
    # where the crop's corners lie in the photograph
    to_crop = centred_transforms(joints, labelled, 100.0 / scale, CROP)
    size = (CROP - 1) / to_crop[:, 0, 0]
    left, top = -to_crop[:, 0, 2] / to_crop[:, 0, 0], -to_crop[:, 1, 2] / to_crop[:, 1, 1]
    outside = np.maximum.reduce([-left, -top, left + size - SIDE, top + size - SIDE])
    assert (outside < 0.06 * SIDE).all()
    assert np.median(outside) < 0


def test_poses_and_views_vary(sitting):
    _, _, drawn = sitting
    elevation = np.degrees(np.arcsin(-drawn.cameras.R[:, 2, 1]))
    assert elevation.min() >= -10.5
    assert elevation.max() <= 46
    assert elevation.std() > 3
    assert (drawn.cameras.R[:, 1, 1] < -0.65).all()
    lens = -np.einsum("nji,nj->ni", drawn.cameras.R, drawn.cameras.t)
    assert lens[:, 1].min() > 0.25


def test_who_stands_in_front_hides_who_stands_behind(body, sitting):
    _, people, drawn = sitting
    row = int(np.argmin(np.ptp(drawn.cameras.t, axis=1)))
    camera = photographs.Camera(drawn.cameras.K[row], drawn.cameras.R[row], drawn.cameras.t[row])
    front = photographs.pose(people[int(drawn.person[row])], drawn.transforms[row], camera)
    behind = photographs.moved(front, np.array([0.0, 0.0, 1.5]))
    studio, rng = make_studio(SIDE), np.random.default_rng(0)
    picture = photographs.photograph(rng, body, [front, behind], camera, studio)
    alone = photographs.photograph(np.random.default_rng(0), body, [front], camera, studio)
    # who is farthest comes first
    np.testing.assert_allclose(picture.joints[1], alone.joints[0])
    np.testing.assert_array_equal(picture.visible[1], alone.visible[0])
    assert picture.visible[0].sum() < 4


def test_companions_stand_beside_and_not_in_the_main_person(body, sitting):
    _, people, drawn = sitting
    nearest = []
    for row in range(len(drawn.images)):
        camera = photographs.Camera(drawn.cameras.K[row], drawn.cameras.R[row], drawn.cameras.t[row])
        other = (row + 1) % len(drawn.images)
        first, second = (
            photographs.pose(people[int(drawn.person[k])], drawn.transforms[k], camera) for k in (row, other)
        )
        beside = photographs._beside(np.random.default_rng(row), first, second, camera)
        ground = np.linalg.svd(camera.R[:, 1][None])[2][1:].T  # any two axes of the ground
        apart = first.vertices[::7] @ ground
        nearest.append(np.linalg.norm(apart[:, None] - (beside.vertices[::7] @ ground)[None], axis=-1).min())
        heights = [figure.vertices @ camera.R[:, 1] for figure in (first, beside)]
        assert abs(heights[0].min() - heights[1].min()) < 1e-4
    assert min(nearest) >= 0.04


def test_companions_move_on_only_if_their_boxes_overlap():
    first = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert photographs._overlap(first, first + [0.75, 0.5]) == pytest.approx(0.3)
    assert photographs._overlap(first, first + [1.0, 0.5]) == 0
    assert photographs._overlap(first, first + [0.0, 1.0]) == 0
    assert photographs._overlap(first, first + [0.0, -2.0]) == 0


def test_archive_is_the_same_however_its_tasks_run(archive, tmp_path):
    again = tmp_path / "again.zip"

    def backwards(function, tasks):
        return list(reversed([function(task) for task in reversed(tasks)]))

    album.write_album(again, backwards, seed=3, count=4)
    assert again.read_bytes() == archive.read_bytes()


def test_archive_is_read_as_any_source(archive):
    annotations, unused = album.read_album(archive)
    images, rejections = annotated_images(annotations, archive)
    assert unused == rejections == []
    assert images.images == tuple(f"images/{n:06d}.jpg" for n in range(4))
    assert len(images.image_of) >= 4
    assert images.labelled.all()
    assert images.exact
    assert 0 < images.occluded.mean() < 0.6
    picture = catalog.load_image(images, 2)
    assert picture.shape == (SIDE, SIDE, 3)
    with zipfile.ZipFile(archive) as packed:
        document = json.loads(packed.read("annotations.json"))
        pixels = cv2.imdecode(np.frombuffer(packed.read("images/000002.jpg"), np.uint8), cv2.IMREAD_COLOR)
    assert document["joints"] == list(H36M17.joints)
    np.testing.assert_array_equal(picture, pixels[..., ::-1])


def test_pool_is_made_once_for_its_code_seed_and_count(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE", str(tmp_path))
    calls = []

    def pretend(function, tasks):
        calls.append(len(tasks))
        return []

    first = album.demo_album(pretend, seed=1, count=25 * SHOTS)
    assert album.demo_album(pretend, seed=1, count=25 * SHOTS) == first
    assert album.demo_album(pretend, seed=2, count=25 * SHOTS) != first
    assert calls == [3, 3]
    with pytest.raises(InputError, match="nobody"):
        album.read_album(first)


def test_damaged_archive_is_told(tmp_path):
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("images/000000.jpg", b"")
    with pytest.raises(InputError, match=r"is damaged .* remove it"):
        album.read_album(path)


def test_demo_is_a_source_of_images_that_needs_no_data_root(archive, monkeypatch):
    monkeypatch.delenv("SYNTH_DATA", raising=False)
    monkeypatch.setattr(album, "demo_album", lambda: archive)
    [images], rejections = catalog.read_images("demo", None)
    assert (images.source, images.root, rejections) == ("demo", archive, [])
