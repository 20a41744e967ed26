"""SSP-Net: the parameter-free regression against numpy, where predictions are, cuts, losses, learning."""

from __future__ import annotations

import numpy as np
import pytest
from nets_samples import draws, overfit, parameter_count, saved_and_loaded, torch, unreached

from synth.errors import InputError
from synth.labels.targets import ssp_targets
from synth.nets.root_depth import RootDepth, box_coordinates, root_depth_loss
from synth.nets.soft_argmax import attended_depth, joint_confidence, soft_argmax, spatial_softmax
from synth.nets.sspnet import SSPNet, SspPrediction, predict, sspnet_loss


def small_network(**options):
    return SSPNet(joints=5, width=1 / 12, pyramids=2, levels=3, side=64, **options)


def smallest_network():
    return SSPNet(joints=5, width=1 / 12, pyramids=2, levels=2, side=32)


def places_of(maps):
    """Expected place, mean depth and best window of each map, pixel by pixel."""
    heat, depth = maps
    rows, columns = heat.shape[-2:]
    answer = np.zeros((*heat.shape[:2], 4))
    for n, j in np.ndindex(heat.shape[:2]):
        weights = np.exp(heat[n, j] - heat[n, j].max())
        weights /= weights.sum()
        for row, column in np.ndindex(rows, columns):
            share = weights[row, column]
            where = [
                (column + 0.5) / columns,
                (row + 0.5) / rows,
                1 / (1 + np.exp(-depth[n, j, row, column])),
            ]
            answer[n, j, :3] += share * np.array(where)
        windows = [
            weights[row : row + 2, column : column + 2].sum()
            for row, column in np.ndindex(rows - 1, columns - 1)
        ]
        answer[n, j, 3] = max(windows)
    return answer


def test_coordinates_depth_and_confidence_are_numpy_s():
    maps = 4 * draws(2, 2, 3, 5, 7).numpy()
    expected = places_of(maps)
    found = predict(*torch.from_numpy(maps))
    np.testing.assert_allclose(found.coordinates, expected[..., :3], atol=1e-6)
    np.testing.assert_allclose(found.confidence, expected[..., 3], atol=1e-6)


def test_coordinates_do_not_depend_on_the_size_of_the_map():
    # one peak on the corner of four pixels of 4 x 4, on that of the same place in 8 x 8 and 16 x 16
    for size in (4, 8, 16):
        heat = torch.full((1, 1, size, size), -50.0)
        row, column = size // 4, size // 2
        heat[0, 0, row - 1 : row + 1, column - 1 : column + 1] = 0.0
        weights = spatial_softmax(heat)
        np.testing.assert_allclose(soft_argmax(weights)[0, 0], [0.5, 0.25], atol=1e-6)
        assert joint_confidence(weights).item() == pytest.approx(1)


def test_two_far_peaks_give_low_confidence_and_a_depth_between():
    heat = torch.full((1, 1, 6, 6), -50.0)
    heat[0, 0, 0, 0] = heat[0, 0, 5, 5] = 0.0
    depth = torch.zeros(1, 1, 6, 6)
    depth[0, 0, 5, 5] = 100.0
    weights = spatial_softmax(heat)
    assert joint_confidence(weights).item() == pytest.approx(0.5)
    assert attended_depth(weights, depth).item() == pytest.approx(0.75)


def test_twenty_four_predictions_where_the_papers_table_5_has_them():
    with torch.device("meta"):
        places = SSPNet().places
    assert len(places) == 24
    by_level = [[pyramid for pyramid, where in places if where == level] for level in range(4)]
    # the largest size is predicted by the pyramids that go up, the smallest by those that go down
    assert by_level == [[2, 4, 6, 8], list(range(1, 9)), list(range(1, 9)), [1, 3, 5, 7]]
    assert places[:6] == ((1, 1), (1, 2), (1, 3), (2, 2), (2, 1), (2, 0))


def test_maps_of_the_whole_network_have_32_to_4_pixels():
    with torch.device("meta"):
        network = SSPNet(width=1 / 12)
        shapes = []
        for block in network.blocks:
            block.register_forward_hook(lambda _m, _i, output: shapes.append(tuple(output[1].shape)))
        output = network(torch.empty(1, 3, 256, 256))
    sizes = [4, 8, 16, 32]
    down, up = sizes[2::-1], sizes[1:]
    assert shapes == [(1, 17, s, s) for s in (down + up) * 4]
    assert len(output.predictions) == 24
    assert output.features.shape == (1, network.feature_channels)
    assert parameter_count(SSPNet) == 21_715_808


def test_a_cut_network_gives_the_first_predictions_and_runs_no_more():
    torch.manual_seed(0)
    network = small_network().eval()
    pictures = draws(2, 3, 64, 64)
    ran = []
    for number, block in enumerate(network.blocks):
        block.register_forward_hook(lambda *_, number=number: ran.append(number))
    whole = network(pictures)
    assert ran == [0, 1, 2, 3]
    ran.clear()
    cut = network(pictures, cut=2)
    assert ran == [0, 1]
    assert len(cut.predictions) == 2
    for a, b in zip(cut.predictions, whole.predictions, strict=False):
        assert torch.equal(a.coordinates, b.coordinates)
        assert torch.equal(a.confidence, b.confidence)
    assert torch.equal(cut.features, whole.features)
    for wrong in (0, 5):
        with pytest.raises(InputError, match="there are 4"):
            network(pictures, cut=wrong)


def test_pictures_of_an_odd_size_are_refused():
    with pytest.raises(InputError, match="multiple of 64 px"):
        SSPNet(side=220)


def test_the_loss_is_that_of_equations_11_and_12():
    generator = np.random.default_rng(0)
    target, estimate = generator.random((2, 2, 3, 3), dtype=np.float32)
    known = np.array([[[1, 1, 1], [1, 1, 0], [0, 0, 0]], [[0, 0, 0], [1, 1, 1], [0, 0, 0]]], bool)
    truth, score = np.array([[1, 1, 0], [0, 1, 0]], np.float32), generator.random((2, 3), dtype=np.float32)
    total = 0.0
    for n, j, d in np.argwhere(known):
        away = abs(float(target[n, j, d]) - float(estimate[n, j, d]))
        total += (away + away**2) / 3  # three joints are known
    for n, j in np.ndindex(2, 3):
        right = score[n, j] if truth[n, j] else 1 - score[n, j]
        total += 0.01 * -np.log(right) / 6
    prediction = SspPrediction(torch.from_numpy(estimate), torch.from_numpy(score))
    rest = (torch.from_numpy(target), torch.from_numpy(known), torch.from_numpy(truth))
    assert sspnet_loss([prediction], *rest).item() == pytest.approx(total, rel=1e-5)
    assert sspnet_loss([prediction] * 3, *rest).item() == pytest.approx(3 * total, rel=1e-5)


def test_a_sure_wrong_confidence_and_a_batch_without_joints_have_finite_losses():
    coordinates = torch.zeros(1, 2, 3, requires_grad=True)
    confidence = torch.tensor([[0.0, 1.0]])
    loss = sspnet_loss(
        [SspPrediction(coordinates, confidence)],
        coordinates.detach(),
        torch.zeros(1, 2, 3) > 0,
        1 - confidence,
    )
    loss.backward()
    assert 0 < loss.item() < 1
    assert not coordinates.grad.any()


def two_people():
    """Pictures and targets of two people, the second without depths."""
    generator = np.random.default_rng(3)
    depth = generator.uniform(3.6, 4.4, (2, 5))
    depth[1] = np.nan
    made = ssp_targets(generator.uniform(8, 24, (2, 5, 2)), 32, depth)
    return draws(2, 3, 32, 32), [torch.from_numpy(v) for v in (made.coordinates, made.known, made.confidence)]


def test_gradients_reach_every_parameter_and_checkpoints_hold_them():
    torch.manual_seed(0)
    network = smallest_network()
    pictures, targets = two_people()
    loss = sspnet_loss(network(pictures).predictions, *targets)
    assert unreached(network, loss) == []
    again = saved_and_loaded(network, smallest_network())
    expected = network.eval()(pictures).predictions[-1]
    assert torch.equal(again(pictures).predictions[-1].coordinates, expected.coordinates)


def test_a_narrow_network_learns_two_people_by_heart():
    torch.manual_seed(0)
    network = smallest_network()
    pictures, (coordinates, known, confidence) = two_people()
    overfit(
        network, lambda: sspnet_loss(network(pictures).predictions, coordinates, known, confidence), 50, 2e-2
    )
    network.train()
    with torch.no_grad():
        errors = [
            (prediction.coordinates - coordinates)[known].abs().mean().item()
            for prediction in network(pictures).predictions
        ]
    assert max(errors) < 0.02


def test_root_depth_learns_the_distance_from_the_box():
    torch.manual_seed(0)
    depth = torch.linspace(2, 6, 16)
    K = torch.tensor([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]]).expand(16, 3, 3)
    half = 1000.0 / depth
    corners = torch.stack([500 - half, 500 - half, 500 + half, 500 + half], dim=1)
    boxes = box_coordinates(corners, K)
    np.testing.assert_allclose(boxes[:, 3], 1 / depth, rtol=1e-5)
    np.testing.assert_allclose(boxes[:, 0], -1 / depth, rtol=1e-5)
    network, features, known = RootDepth(6), draws(16, 6), torch.ones(16, dtype=torch.bool)
    losses = overfit(network, lambda: root_depth_loss(network(boxes, features), depth, known), 150, 1e-2)
    assert losses[-1] < 0.1
    assert unreached(network, root_depth_loss(network(boxes, features), depth, known)) == []


def test_unknown_depths_do_not_count():
    estimate = torch.tensor([1.0, 2.0, 3.0])
    depth = torch.tensor([1.5, float("nan"), 3.0])
    loss = root_depth_loss(estimate, depth, torch.tensor([True, False, True]))
    assert loss.item() == pytest.approx((0.5 + 0.25) / 2)
