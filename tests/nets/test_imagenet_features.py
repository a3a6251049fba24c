"""AlexNet and VGG bear torchvision's key names, and take its files without their classifiers."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from tests.metrics.networks_drawn import drawn_state
from tk_tools.errors import WeightsError
from tk_tools.nets.imagenet_features import load_features, make_alexnet, make_vgg

KEYS = Path(__file__).parents[1] / "weights" / "published_keys.json.gz"
PUBLISHED = json.loads(gzip.decompress(KEYS.read_bytes()))


def test_vgg19_has_the_published_keys():
    ours = {key: list(value.shape) for key, value in make_vgg(19).state_dict().items()}
    published = PUBLISHED["vgg19"]  # as far as its users need it
    assert published == {key: shape for key, shape in ours.items() if key in published}
    assert len(ours) == 2 * (19 - 3)  # three of its layers are the classifier's


@pytest.mark.parametrize(
    ("network", "shapes"),
    [
        (make_alexnet(), [(64, 15, 15), (192, 7, 7), (384, 3, 3), (256, 3, 3), (256, 3, 3)]),
        (make_vgg(16), [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)]),
        (make_vgg(19), [(64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)]),
    ],
    ids=["alexnet", "vgg16", "vgg19"],
)
def test_a_map_for_each_tap_after_its_relu(network, shapes):
    with torch.inference_mode():
        maps = network(torch.randn(2, 3, 64, 64))
    assert [tuple(each.shape[1:]) for each in maps] == shapes
    assert network.widths == tuple(shape[0] for shape in shapes)
    assert all(each.min() >= 0 for each in maps)


def test_a_published_file_loads_without_its_classifier_and_another_network_is_named(tmp_path):
    state = drawn_state(make_alexnet())
    torch.save(state | {"classifier.1.bias": torch.zeros(4096)}, tmp_path / "alexnet.pth")
    loaded = load_features(make_alexnet(), tmp_path / "alexnet.pth", "AlexNet")
    assert not loaded.training
    assert torch.equal(loaded.features[0].weight, state["features.0.weight"])
    with pytest.raises(WeightsError, match="holds AlexNet, not VGG16"):
        load_features(make_vgg(16), tmp_path / "alexnet.pth", "VGG16")
