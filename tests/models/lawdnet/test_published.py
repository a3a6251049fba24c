"""Checkpoints of LawDNet load as they are published, at every size, and a wrong one is named."""

import pytest
import torch

from tk_tools.dubbing.judge import load_judge
from tk_tools.dubbing.published import CLIP_JUDGE, FRAME_JUDGE, load_discriminator
from tk_tools.errors import WeightsError
from tk_tools.models.dinet.networks import DINetConfig
from tk_tools.models.dinet.networks import Generator as DINet
from tk_tools.models.lawdnet.networks import Generator, LawDNetConfig
from tk_tools.models.lawdnet.published import load_generator
from tk_tools.nets.dinet_discriminator import Discriminator
from tk_tools.nets.dinet_sync_net import SyncNet
from tk_tools.weights.save import save_safetensors

CONFIGS = [
    LawDNetConfig(width=0.25),
    LawDNetConfig(width=0.5, audio_channels=80, references=3, key_points=2),
    LawDNetConfig(width=0.25, cross_attention=False),
]


def equal(a, b):
    b = b.state_dict()
    return b.keys() == a.state_dict().keys() and all(
        torch.equal(value, b[key]) for key, value in a.state_dict().items()
    )


def parallel(network):
    """As a network trained in parallel is saved."""
    return {f"module.{key}": value for key, value in network.state_dict().items()}


@pytest.mark.parametrize("config", CONFIGS)
def test_sizes_are_found(tmp_path, config):
    network = Generator(config)
    path = tmp_path / "a.pth"
    for kept in (network.state_dict(), {"epoch": 2, "state_dict": {"net_g": parallel(network)}}):
        torch.save(kept, path)
        loaded = load_generator(path)
        assert equal(network, loaded)
        assert loaded.config == config
        assert not loaded.training


def test_a_published_checkpoint_gives_its_three_networks(tmp_path):
    networks = {"net_g": Generator(CONFIGS[0]), "net_dI": Discriminator(3, 0.25), "net_dV": Discriminator(15, 0.25)}
    kept = {
        "epoch": 171,
        "state_dict": {name: parallel(network) for name, network in networks.items()},
        "optimizer": {name: torch.optim.AdamW(network.parameters()).state_dict() for name, network in networks.items()},
    }
    torch.save(kept, tmp_path / "a.pth")
    assert equal(networks["net_g"], load_generator(tmp_path / "a.pth"))
    assert equal(networks["net_dI"], load_discriminator(tmp_path / "a.pth", FRAME_JUDGE))
    assert equal(networks["net_dV"], load_discriminator(tmp_path / "a.pth", CLIP_JUDGE))


@pytest.mark.parametrize(("width", "audio_channels"), [(0.25, 29), (0.5, 80)])
def test_sync_nets_load(tmp_path, width, audio_channels):
    network = SyncNet(audio_channels, width)
    torch.save({"state_dict": {"net": network.state_dict()}}, tmp_path / "a.pth")
    assert equal(network, load_judge(tmp_path / "a.pth").net)


def test_weights_of_ours_tell_the_order_of_their_field(tmp_path):
    network = Generator(LawDNetConfig(width=0.25, warp_field="upright"))
    about = {"model": "lawdnet", "stage": "frame64", "network": "generator", "settings": {"warp_field": "upright"}}
    save_safetensors(tmp_path / "best.safetensors", network.state_dict(), about)
    loaded = load_generator(tmp_path / "best.safetensors")
    assert loaded.config == network.config
    assert {layer.warp_field for layer in loaded.lawLayer_list} == {"upright"}


def judge_of_frames(path):
    return load_discriminator(path, FRAME_JUDGE)


@pytest.mark.parametrize(
    ("made", "load", "words"),
    [
        (DINet(DINetConfig(width=0.25)), load_generator, "holds a DINet generator, not a LawDNet generator"),
        (SyncNet(width=0.25), load_generator, "holds the SyncNet of DINet and LawDNet, not a LawDNet generator"),
        (Generator(CONFIGS[2]), load_judge, "holds a LawDNet generator, not the SyncNet of DINet and LawDNet"),
        (SyncNet(width=0.25), judge_of_frames, "holds the SyncNet of DINet and LawDNet, not a discriminator"),
    ],
)
def test_another_network_is_named(tmp_path, made, load, words):
    torch.save(made.state_dict(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=words):
        load(tmp_path / "a.pth")


def test_a_missing_tensor_is_an_error(tmp_path):
    state = Generator(CONFIGS[0]).state_dict()
    del state["out_conv.4.bias"]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"a LawDNet generator, but not whole .* 1 missing"):
        load_generator(tmp_path / "a.pth")
