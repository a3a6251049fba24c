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

# Mean and deviation of pixels in 0..1; the sigmoid's slope around the mean: five for most of the range.
_MEAN, _DEVIATION, _SLOPE = 0.45, 0.25, 5.0
_LIFT = 2.0  # deviations by which a picture's channels are raised, so that a ReLU leaves most of them
_OTHERS = 0.1  # what the other channels begin with, as a share of their random start
# Layers of the generator's audio encoder and those of the expert's that do the same (it has one more in between).
_AUDIO_LAYERS = [(layer, layer) for layer in range(11)] + [(11, 12), (12, 13)]


@torch.no_grad()
def warm_start(generator: Generator, expert: SyncExpert) -> Generator:
    """Set the generator's weights in place so that it gives back its reference, and its audio encoder to the expert's.

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
    last = generator.output_block[1]
    last.weight.mul_(_OTHERS)
    for colour in range(3):  # channels 3..5 are the reference's
        last.weight[colour, 3 + colour] = _SLOPE * _DEVIATION
        last.bias[colour] = _SLOPE * (_MEAN - 0.5) - _LIFT * _SLOPE * _DEVIATION
    return generator


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
