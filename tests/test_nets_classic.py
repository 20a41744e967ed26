"""AlexNet, VGG-16 and ResNet-50: torchvision's counts and names, narrow variants that learn."""

from __future__ import annotations

import pytest
from nets_samples import draws, overfit, parameter_count, saved_and_loaded, torch, unreached

from synth.errors import InputError
from synth.nets.alexnet import AlexNet
from synth.nets.holistic import classification_loss, regression_loss
from synth.nets.resnet import ResNet50, ResNetTrunk
from synth.nets.vgg import VGG16
from synth.nets.weights import load_weights

ALEXNET = {
    "features.0.weight": (64, 3, 11, 11),
    "features.0.bias": (64,),
    "features.3.weight": (192, 64, 5, 5),
    "features.3.bias": (192,),
    "features.6.weight": (384, 192, 3, 3),
    "features.6.bias": (384,),
    "features.8.weight": (256, 384, 3, 3),
    "features.8.bias": (256,),
    "features.10.weight": (256, 256, 3, 3),
    "features.10.bias": (256,),
    "classifier.1.weight": (4096, 9216),
    "classifier.1.bias": (4096,),
    "classifier.4.weight": (4096, 4096),
    "classifier.4.bias": (4096,),
    "classifier.6.weight": (1000, 4096),
    "classifier.6.bias": (1000,),
}
"""torchvision's names and shapes."""

VGG_CONVOLUTIONS = {
    0: (64, 3),
    2: (64, 64),
    5: (128, 64),
    7: (128, 128),
    10: (256, 128),
    12: (256, 256),
    14: (256, 256),
    17: (512, 256),
    19: (512, 512),
    21: (512, 512),
    24: (512, 512),
    26: (512, 512),
    28: (512, 512),
}
VGG_LINEAR = {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}


def vgg_shapes():
    shapes = {f"features.{n}.weight": (*s, 3, 3) for n, s in VGG_CONVOLUTIONS.items()}
    shapes |= {f"classifier.{n}.weight": s for n, s in VGG_LINEAR.items()}
    return shapes | {name.replace("weight", "bias"): (shape[0],) for name, shape in shapes.items()}


def norm_shapes(name, channels):
    return {f"{name}.{part}": (channels,) for part in ("weight", "bias", "running_mean", "running_var")} | {
        f"{name}.num_batches_tracked": ()
    }


def resnet_shapes():
    """torchvision's ResNet-50, block by block."""
    shapes = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 2048), "fc.bias": (1000,)} | norm_shapes(
        "bn1", 64
    )
    before = 64
    for layer, (blocks, inner) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], start=1):
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            shapes[f"{name}.conv1.weight"] = (inner, before, 1, 1)
            shapes[f"{name}.conv2.weight"] = (inner, inner, 3, 3)
            shapes[f"{name}.conv3.weight"] = (4 * inner, inner, 1, 1)
            for number, channels in ((1, inner), (2, inner), (3, 4 * inner)):
                shapes |= norm_shapes(f"{name}.bn{number}", channels)
            if block == 0:
                shapes[f"{name}.downsample.0.weight"] = (4 * inner, before, 1, 1)
                shapes |= norm_shapes(f"{name}.downsample.1", 4 * inner)
            before = 4 * inner
    return shapes


MODELS = [
    (AlexNet, 61_100_840, ALEXNET),
    (VGG16, 138_357_544, vgg_shapes()),
    (ResNet50, 25_557_032, resnet_shapes()),
]


@pytest.mark.parametrize(("make", "count", "shapes"), MODELS)
def test_parameters_are_torchvision_s(make, count, shapes):
    assert parameter_count(make) == count
    with torch.device("meta"):
        found = {name: tuple(value.shape) for name, value in make().state_dict().items()}
    assert found == shapes


def narrow_shapes(shapes, outputs):
    """The same names with a sixteenth of the channels."""
    last = max(shape[0] for name, shape in shapes.items() if shape == (1000,))
    return {
        name: tuple(
            outputs
            if size == last
            else size
            if size in (3, 5, 7, 11) or (len(shape) == 4 and axis > 1) or size == 1
            else size // 16
            for axis, size in enumerate(shape)
        )
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize(("make", "shapes"), [(make, shapes) for make, _, shapes in MODELS])
def test_weights_by_torchvision_s_names_are_loaded_and_used(make, shapes):
    weights = {name: 0.1 * (torch.rand(shape) + 0.5) for name, shape in narrow_shapes(shapes, 7).items()}
    network = make(7, width=1 / 16).eval()
    load_weights(network, weights)
    for name, value in network.state_dict().items():
        assert torch.equal(value, weights[name].to(value.dtype)), name
    assert network(torch.rand(1, 3, 64, 64)).isfinite().all()


def test_fine_tuning_keeps_the_last_layer_and_takes_the_rest():
    source, network = AlexNet(7, width=1 / 16), AlexNet(3, width=1 / 16)
    last = network.classifier[6].weight.clone()
    load_weights(network, source.state_dict(), skip=("classifier.6.",))
    assert torch.equal(network.classifier[6].weight, last)
    assert torch.equal(network.features[3].weight, source.features[3].weight)


def test_a_trunk_takes_the_weights_of_the_whole_network():
    source, trunk = ResNet50(5, width=1 / 16), ResNetTrunk(width=1 / 16)
    weights = {n: v for n, v in source.state_dict().items() if not n.endswith("num_batches_tracked")}
    load_weights(trunk, weights, skip=("fc.",))
    assert torch.equal(trunk.layer4[2].conv3.weight, source.layer4[2].conv3.weight)


def test_weights_of_another_network_are_refused_by_name():
    network = AlexNet(3, width=1 / 16)
    weights = dict(network.state_dict())
    with pytest.raises(InputError, match=r"classifier.6.bias has shape \(7,\).*\(3,\)"):
        load_weights(network, weights | {"classifier.6.bias": torch.zeros(7)})
    with pytest.raises(InputError, match=r"network has no head.weight and 0 more"):
        load_weights(network, weights | {"head.weight": torch.zeros(7)})
    weights.pop("features.0.bias")
    with pytest.raises(InputError, match=r"lack features.0.bias"):
        load_weights(network, weights)


def test_stages_have_the_sizes_of_a_224_pixel_picture():
    stages = ResNetTrunk(width=1 / 16).stages(torch.zeros(2, 3, 224, 224))
    assert [tuple(s.shape) for s in stages] == [
        (2, 16, 56, 56),
        (2, 32, 28, 28),
        (2, 64, 14, 14),
        (2, 128, 7, 7),
    ]


@pytest.mark.parametrize("make", [AlexNet, VGG16, ResNet50])
def test_gradients_reach_every_parameter_from_220_pixels_and_checkpoints_hold_them(make):
    torch.manual_seed(0)
    network = make(5, width=1 / 8)
    pictures = draws(2, 3, 220, 220)
    scores = network(pictures)
    assert scores.shape == (2, 5)
    assert unreached(network, classification_loss(scores, torch.tensor([1, 4]))) == []
    again = saved_and_loaded(network, make(5, width=1 / 8))
    assert torch.equal(again(pictures), network.eval()(pictures))


@pytest.mark.parametrize(
    ("network", "side", "rate"),
    [
        (lambda: AlexNet(6, width=1 / 8, dropout=0.0), 64, 1e-3),
        (lambda: VGG16(6, width=1 / 16, dropout=0.0), 32, 3e-3),
        (lambda: ResNet50(6, width=1 / 16), 32, 3e-3),
    ],
    ids=["alexnet", "vgg16", "resnet50"],
)
def test_narrow_variants_learn_six_pictures_by_heart(network, side, rate):
    torch.manual_seed(1)
    pictures, classes = draws(6, 3, side, side), torch.arange(6)
    network = network()
    losses = overfit(network, lambda: classification_loss(network(pictures), classes), steps=35, rate=rate)
    assert losses[0] > 1.5
    assert losses[-1] < 0.1


@pytest.mark.parametrize(
    ("network", "side", "rate", "steps"),
    [
        (lambda: AlexNet(65, width=1 / 8, dropout=0.0), 64, 1e-3, 100),
        (lambda: VGG16(65, width=1 / 16, dropout=0.0), 32, 3e-3, 60),
    ],
    ids=["alexnet", "vgg16"],
)
def test_narrow_regressors_learn_three_poses_by_heart(network, side, rate, steps):
    torch.manual_seed(2)
    pictures, vectors = draws(3, 3, side, side), torch.rand(3, 65) * 2 - 1
    known = torch.rand(3, 65) < 0.8
    network = network()
    losses = overfit(network, lambda: regression_loss(network(pictures), vectors, known), steps, rate)
    assert losses[0] ** 0.5 > 0.5
    assert losses[-1] ** 0.5 < 0.05


def test_a_full_size_network_does_a_step():
    network = AlexNet(100, dropout=0.0)
    loss = classification_loss(network(draws(1, 3, 220, 220)), torch.tensor([3]))
    assert unreached(network, loss) == []
