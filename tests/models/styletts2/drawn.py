"""What the tests of StyleTTS 2 are made from: narrow networks with drawn weights, in files like the published ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tests.golden.golden import draw, settle_spectral_norms
from tk_tools.models.styletts2.aligner import AlignerSizes, TextAligner
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor, PitchSizes
from tk_tools.models.styletts2.sizes import BertSizes, DecoderSizes, DenoiserSizes, Sizes

BERT = BertSizes(width=64, heads=1, inner=32, embedding=16, positions=40)
ONE_VOICE = Sizes(
    hidden=16,
    style=8,
    layers=2,
    style_channels=4,
    bert=BERT,
    decoder=DecoderSizes(channels=24, residual=4, generator_channels=16),
    denoiser=DenoiserSizes(layers=2, heads=1),
)
MANY_VOICES = replace(
    ONE_VOICE,
    many_voices=True,
    decoder=replace(ONE_VOICE.decoder, kind="hifigan", rates=(10, 5, 3, 2), generator_channels=32),
)
ALIGNER = AlignerSizes(channels=16, symbols=178, embedding=12, layers=2)
PITCH = PitchSizes(channels=(4, 6, 8, 10), features=12)


@torch.no_grad()
def drawn(network: torch.nn.Module) -> torch.nn.Module:
    """The network with weights that follow from their names, in eval mode."""
    state = network.state_dict()
    for key, value in state.items():
        value.copy_(torch.from_numpy(np.asarray(draw(key, tuple(value.shape)))))
    settle_spectral_norms(state)
    return network.eval()


def small(sizes: Sizes = ONE_VOICE) -> StyleTTS2:
    """A narrow StyleTTS 2 whose phonemes last a few steps and whose voice stays finite."""
    network = drawn(StyleTTS2(sizes))
    with torch.no_grad():
        network.predictor.duration_proj.linear_layer.bias.sub_(2.5)
        network.decoder.generator.conv_post.parametrizations.weight.original0.mul_(0.1)
    return network


def write_published(path: Path, network: StyleTTS2, without: tuple[str, ...] = (), prefix: str = "module.") -> Path:
    """A checkpoint as the original's second stage saves it."""
    parts = {name: part.state_dict() for name, part in network.named_children() if name not in without}
    net = parts.pop("diffusion", None)
    if net is not None:
        inner = {key.removeprefix("net."): value for key, value in net.items()}
        parts["diffusion"] = {
            f"{place}.{key}": value for place in ("diffusion.net", "unet") for key, value in inner.items()
        }
    parts["text_aligner"] = drawn(TextAligner(ALIGNER)).state_dict()
    parts["pitch_extractor"] = with_detector(drawn(PitchExtractor(PITCH)).state_dict())
    tree = {name: {prefix + key: value for key, value in state.items()} for name, state in parts.items()}
    torch.save({"net": tree, "optimizer": [("bert", {"state": {}})], "iters": 7, "val_loss": 0.5, "epoch": 1}, path)
    return path


def with_detector(state: dict) -> dict:
    """A pitch extractor's tensors with those of the voice detector, which published files hold as well."""
    beside = ("detector.weight", "detector_conv.0.weight", "bilstm_detector.weight_ih_l0")
    return {**state, **{key: torch.zeros(2, 2) for key in beside}}
