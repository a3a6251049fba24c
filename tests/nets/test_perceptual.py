"""The perceptual loss: VGG19's first maps of each stage at two sizes; torchvision's file loads."""

import pytest
import torch
from torch.nn import functional

from tests.metrics.networks_drawn import drawn_state
from tk_tools.errors import WeightsError
from tk_tools.nets.imagenet_features import make_alexnet, make_vgg
from tk_tools.nets.perceptual import PerceptualLoss, load_perceptual_loss


@pytest.fixture(scope="module")
def loss(tmp_path_factory):
    """As loaded from a file like torchvision's, with the layers behind relu5_1 and the classifier."""
    path = tmp_path_factory.mktemp("weights") / "vgg19.pth"
    torch.save(drawn_state(make_vgg(19)) | {"classifier.6.bias": torch.zeros(1000)}, path)
    return load_perceptual_loss(path)


def test_it_is_the_mean_over_ten_pairs_of_maps(loss):
    made, real = torch.rand(2, 2, 3, 40, 36).unbind()
    terms = []
    half = functional.avg_pool2d(made, 3, stride=2, padding=1, count_include_pad=False), functional.avg_pool2d(real, 2)
    for ours, wanted in ((made, real), half):
        terms += [(a - b).abs().mean() for a, b in zip(loss.maps(ours), loss.maps(wanted), strict=True)]
    assert len(terms) == 10
    assert loss(made, real).item() == pytest.approx(torch.stack(terms).mean().item(), rel=1e-5)
    assert loss(made, real) > 0


def test_only_the_made_picture_learns(loss):
    made, real = (torch.rand(1, 3, 32, 32, requires_grad=True) for _ in range(2))
    loss(made, real).backward()
    assert made.grad.abs().max() > 0
    assert real.grad is None
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_another_network_is_named(tmp_path):
    torch.save(drawn_state(make_alexnet()), tmp_path / "vgg19.pth")
    with pytest.raises(WeightsError, match="holds AlexNet, not VGG19"):
        load_perceptual_loss(tmp_path / "vgg19.pth")


def test_maps_end_at_relu5_1():
    assert len(PerceptualLoss().network.features) == 30
