"""DINet's generator: published files, references prepared once, faster layers, and AdaAT as it is."""

import copy

import pytest
import torch
from torch.nn import functional

from tk_tools.errors import WeightsError
from tk_tools.models.dinet.networks import AdaAT, DINetConfig, Generator
from tk_tools.models.dinet.published import load_generator


def drawn(config: DINetConfig) -> Generator:
    """In eval mode, with statistics that are not those of a fresh network."""
    torch.manual_seed(0)
    network = Generator(config)
    for key, value in network.state_dict().items():
        if key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("config", [DINetConfig(width=0.25), DINetConfig(width=0.5, audio_channels=80, references=3)])
def test_sizes_are_found(tmp_path, config):
    network = drawn(config)
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": {"net_g": state}, "epoch": 1}, tmp_path / "a.pth")
    loaded = load_generator(tmp_path / "a.pth")
    assert loaded.config == config
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in network.state_dict().items())
    torch.save({"conv.weight": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="is not a DINet generator but an unknown network"):
        load_generator(tmp_path / "a.pth")


@torch.no_grad()
def test_references_prepared_once_and_faster_layers_give_the_same_pictures():
    network = drawn(DINetConfig(width=0.5))
    source, references, audio = torch.rand(3, 3, 60, 36), torch.rand(1, 15, 60, 36), torch.randn(3, 29, 5)
    wanted = network.draw(source, audio, references.expand(3, -1, -1, -1))
    fast = copy.deepcopy(network).for_inference()
    for made in (network.draw(source, audio, network.prepare(references)), fast.draw(source, audio, references)):
        assert (made - wanted).abs().max() < 5e-5 * wanted.abs().max()


@torch.no_grad()
def test_adaat_is_the_original_s_sampling_in_three_dimensions():
    """One sampling of (x, y, channel), coordinates up to the outermost pixels but sampled as up to their edges."""
    torch.manual_seed(1)
    layer = AdaAT(code_size=16, channels=6)
    features, code = torch.rand(2, 6, 9, 11), torch.randn(2, 16)
    depth = torch.linspace(-1, 1, 6).view(1, 6, 1, 1, 1).expand(2, 6, 9, 11, 1)
    grid = torch.cat([layer.grid(code, (9, 11)), depth], dim=-1)
    wanted = functional.grid_sample(features[:, None], grid, align_corners=False)[:, 0]
    assert (layer(features, code) - wanted).abs().max() < 1e-5


def test_every_weight_learns():
    network = Generator(DINetConfig(width=0.25, references=1)).train()
    network(torch.rand(2, 3, 40, 32), torch.randn(2, 29, 5), torch.rand(2, 3, 40, 32)).sum().backward()
    assert [name for name, value in network.named_parameters() if value.grad is None] == []
