"""What the tests of DiffVC are made from: narrow networks with drawn weights, and voices in closed form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from tests.audio.voices import voice
from tests.golden.golden import draw
from tk_tools.models.diffvc.average_voice import AverageVoiceConfig
from tk_tools.models.diffvc.networks import DiffVC
from tk_tools.models.diffvc.score import ScoreConfig
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.nets.speaker_encoder import SpeakerEncoder

ENCODER = AverageVoiceConfig(channels=24, filters=40, heads=3, layers=2, picture_channels=8)
DECODER = ScoreConfig(channels=8, condition=12)


@torch.no_grad()
def drawn(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """The network with weights that follow from their names, in eval mode."""
    for key, value in network.state_dict().items():
        value.copy_(torch.from_numpy(np.asarray(draw(key, tuple(value.shape), seed))))
    return network.eval()


@torch.no_grad()
def small_diffvc(seed: int = 0, encoder=ENCODER, decoder=DECODER) -> DiffVC:
    """A narrow DiffVC that makes noise, which hangs on all that it is given and stays finite."""
    network = drawn(DiffVC(encoder, decoder), seed)
    network.encoder.postnet.final_conv.weight.sub_(1)  # else all pictures are added up
    network.encoder.postnet.final_conv.bias.sub_(5)
    network.decoder.estimator.final_conv.weight.sub_(1).mul_(5)
    for key, value in network.decoder.named_parameters():
        if key.endswith(".fn.g"):  # attention to what no norm bounds
            value.mul_(0.1)
    return network


def write_published(path: Path, network: torch.nn.Module) -> Path:
    """A state dict as the original's training saves it."""
    torch.save(network.state_dict(), path)
    return path


def write_weights(folder: Path, *, vocoder: bool = False) -> Path:
    """A folder of weights with a drawn speaker encoder under its published name, and a narrow HiFi-GAN if asked for."""
    folder.mkdir(exist_ok=True)
    torch.manual_seed(0)
    torch.save({"step": 1, "model_state": SpeakerEncoder().state_dict()}, folder / "pretrained.pt")
    if vocoder:
        torch.save({"generator": HiFiGAN(HiFiGANConfig(channels=16)).state_dict()}, folder / "generator")
    return folder


def write_voice(path: Path, seconds: float = 2.0, rate: int = 22050, *, f0: float = 120.0, **options) -> Path:
    """A wav of tests.audio.voices.voice."""
    soundfile.write(path, voice(rate, seconds=seconds, f0=f0, **options), rate)
    return path
