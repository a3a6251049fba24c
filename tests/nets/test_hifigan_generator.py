"""HiFi-GAN's generator trains under the published keys, and gives the same sound when made ready for inference."""

import copy

import pytest
import torch

from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig


@pytest.fixture
def net():
    torch.manual_seed(0)
    return HiFiGAN(HiFiGANConfig(channels=32))


def test_state_dict_goes_out_and_in_under_the_published_keys(net):
    state = net.state_dict()
    assert {key.rsplit(".", 1)[-1] for key in state} == {"weight_g", "weight_v", "bias"}
    other = HiFiGAN(net.config)
    other.load_state_dict(state)
    mel = torch.randn(1, 80, 6)
    assert torch.equal(other(mel), net(mel))


def test_gradients_are_those_of_small_changes(net):
    net = net.double()
    mel = torch.randn(1, 80, 4, dtype=torch.float64)
    direction = torch.randn(1, 1, 1024, dtype=torch.float64)
    (net(mel) * direction).sum().backward()
    for key in ("resblocks.4.convs1.1", "ups.2", "conv_pre"):
        parameter = net.get_submodule(key).parametrizations.weight.original1
        place = parameter.grad.abs().argmax()
        values = []
        for change in (1e-6, -2e-6):
            with torch.no_grad():
                parameter.view(-1)[place] += change
                values.append((net(mel) * direction).sum())
        with torch.no_grad():
            parameter.view(-1)[place] += 1e-6
        assert parameter.grad.view(-1)[place] == pytest.approx(float(values[0] - values[1]) / 2e-6, rel=1e-4)


def test_inference_is_the_same_sound(net):
    mel = torch.randn(2, 80, 9)
    with torch.no_grad():
        wanted = net(mel)
        made = copy.deepcopy(net).for_inference()(mel)
    assert made.shape == wanted.shape == (2, 1, 9 * 256)
    assert wanted.std() > 1e-4
    assert torch.allclose(made, wanted, atol=1e-5 * float(wanted.abs().max()))
