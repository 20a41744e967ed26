"""What networks take: pictures of a store resized, cut and normalised, and the pixels that go with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nets_samples import torch

from synth.errors import InputError
from synth.nets.alexnet import AlexNet
from synth.nets.inputs import joints_of, picture_batch, pictures_of, to_box, to_input
from synth.nets.joint2d3d import Joint2d3d
from synth.nets.layers import known_mean, scaled
from synth.nets.sspnet import SSPNet


def spot(x, y, side=220):
    """A black picture whose brightness has its middle at (x, y): a smooth white spot."""
    rows, columns = np.mgrid[:side, :side]
    brightness = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)
    return torch.from_numpy(np.repeat(brightness[None, ..., None], 3, axis=-1).astype(np.uint8))


def middle_of(picture):
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.array([(columns * picture).sum(), (rows * picture).sum()]) / picture.sum()


def test_networks_say_what_they_take():
    with torch.device("meta"):
        assert AlexNet(10).takes.shape == (3, 220, 220)
        assert SSPNet(width=0.1).takes.shape == (3, 256, 256)
        assert Joint2d3d(width=0.1).takes.shape == (3, 225, 225)
    assert joints_of(32).shape == (32,)


def test_pictures_are_normalised_by_channel():
    picture = torch.tensor([0, 255, 51], dtype=torch.uint8).expand(1, 4, 4, 3)
    takes = pictures_of(4)
    found = picture_batch(picture, takes)[0, :, 2, 3]
    np.testing.assert_allclose(
        found, [(0 - 0.485) / 0.229, (1 - 0.456) / 0.224, (0.2 - 0.406) / 0.225], rtol=1e-6
    )
    centred = picture_batch(picture, pictures_of(4, statistics="centred"))[0, :, 0, 0]
    np.testing.assert_allclose(centred, [-1, 1, -0.6], atol=1e-6)


@pytest.mark.parametrize(
    "takes", [pictures_of(256), pictures_of(110), pictures_of(225, frame=250), pictures_of(220)]
)
@pytest.mark.parametrize("place", [(60.0, 150.0), (109.5, 40.0)])
def test_joints_stay_on_what_is_seen(takes, place):
    picture = picture_batch(spot(*place), takes)[0, 0].numpy()
    assert picture.shape == (takes.side, takes.side)
    expected = to_input(place, takes)
    np.testing.assert_allclose(middle_of(picture - picture.min()), expected, atol=0.2)


@settings(deadline=None, max_examples=30)
@given(x=st.floats(-50, 270), frame=st.integers(1, 400), cut=st.integers(0, 30))
def test_pixels_of_the_box_come_back(x, frame, cut):
    takes = pictures_of(max(1, frame - cut), frame=frame)
    np.testing.assert_allclose(to_box(to_input([x, 3.0], takes), takes), [x, 3.0], atol=1e-9)


def test_edges_of_the_box_are_edges_of_the_picture():
    np.testing.assert_allclose(to_input([-0.5, 219.5], pictures_of(256)), [-0.5, 255.5])
    # 250 pixels of which 225 are seen: 12 are cut off on the left, 13 on the right
    np.testing.assert_allclose(to_input([-0.5, 219.5], pictures_of(225, frame=250)), [-12.5, 237.5])


def test_wrong_inputs_are_refused():
    with pytest.raises(InputError, match="takes joints cannot be given pictures"):
        picture_batch(spot(1, 1), joints_of(4))
    with pytest.raises(InputError, match="-1 times as wide"):
        scaled(64, -1)


def test_channels_scale_and_never_vanish():
    assert [scaled(64, width) for width in (1.0, 0.5, 1 / 3, 1e-6)] == [64, 32, 21, 1]


def test_mean_of_known_values():
    values = torch.tensor([1.0, 2.0, 9.0])
    assert known_mean(values, torch.tensor([True, True, False])).item() == 1.5
    assert known_mean(values, torch.zeros(3, dtype=torch.bool)).item() == 0.0
