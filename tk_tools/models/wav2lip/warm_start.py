"""A generator that begins by copying its reference and by hearing what the expert hears, instead of at random.

Not in the original, which finds both out in its first days of training: for short runs on little data. The published
networks begin at random.
"""

from __future__ import annotations

import torch

from tk_tools.errors import ConfigError
from tk_tools.models.wav2lip.networks import Generator
from tk_tools.nets.blocks import ConvBlock
from tk_tools.nets.sync_expert import SyncExpert

_LIFT = 2.0  # deviations by which a picture's channels are raised, so that a ReLU leaves most of them
_BESIDE = 0.25  # weight that the picture's features begin with beside the sound's, or these would drown on their way up
_RIDGE = 1e-3  # of the fit's diagonal
# Layers of the generator's audio encoder and those of the expert's that do the same (it has one more in between).
_AUDIO_LAYERS = [(layer, layer) for layer in range(11)] + [(11, 12), (12, 13)]


@torch.no_grad()
def warm_start(generator: Generator, expert: SyncExpert) -> Generator:
    """Set the generator's weights in place: its picture is for fit_output to make of the reference, its audio encoder
    is the expert's.

    ConfigError: the two are of different widths.
    """
    try:
        for layer, same in _AUDIO_LAYERS:
            generator.audio_encoder[layer].load_state_dict(expert.audio_encoder[same].state_dict())
    except RuntimeError as error:
        raise ConfigError(
            "warm_start takes over the expert's audio encoder, so both need the same width; set width to the expert's"
        ) from error
    skipped = generator.output_block[0].conv_block[0].in_channels - _channels(generator.face_encoder_blocks[0][0])
    _pass_on(generator.face_encoder_blocks[0][0], count=6, source=0)
    _pass_on(generator.output_block[0], count=6, source=skipped)
    heard = _channels(generator.face_decoder_blocks[0][0])
    for block in generator.face_decoder_blocks[1:]:
        weight = block[0].conv_block[0].weight  # (in, out, 3, 3)
        weight[heard:] *= _BESIDE
        heard = weight.shape[1]
    return generator


@torch.no_grad()
def fit_output(generator: Generator, mel: torch.Tensor, faces: torch.Tensor, target: torch.Tensor) -> None:
    """Set the last layer in place to what comes nearest to `target` (B, 3, 96, 96): weighted least squares.

    mel (B, 1, 80, 16), faces (B, 6, 96, 96) as the generator takes them. Without it the first steps do nothing but mend
    the colours, and what the network is to hear is lost meanwhile. Running statistics of a generator in training mode
    take note of these pictures.
    """
    features = generator.output_block[0](generator.decode(mel, faces)).movedim(1, -1).flatten(end_dim=-2).double()
    features = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
    wanted = target.movedim(1, -1).flatten(end_dim=-2).double().clamp(0.02, 0.98)
    last = generator.output_block[1]
    for colour, value in enumerate(wanted.unbind(dim=1)):
        slope = (value * (1 - value)).square()  # an error before the sigmoid counts for what it does after it
        moments = features.T @ (features * slope[:, None])
        moments += _RIDGE * moments.diagonal().mean() * torch.eye(len(moments))
        solution = torch.linalg.solve(moments, features.T @ (slope * value.logit()))
        last.weight[colour, :, 0, 0] = solution[:-1].float()
        last.bias[colour] = solution[-1].float()


def _channels(block: ConvBlock) -> int:
    return block.conv_block[0].out_channels


def _pass_on(block: ConvBlock, count: int, source: int) -> None:
    """Let the block's first `count` channels be its inputs from `source` on, each raised by _LIFT deviations."""
    convolution, norm = block.conv_block[0], block.conv_block[1]
    middle = convolution.kernel_size[0] // 2
    for channel in range(count):
        convolution.weight[channel] = 0
        convolution.weight[channel, source + channel, middle, middle] = 1
        convolution.bias[channel] = 0
        norm.weight[channel] = 1
        norm.bias[channel] = _LIFT
