"""AlexNet and VGG up to their last convolution: what perceptual distances look at. Key names are torchvision's.

Their published files hold a classifier as well, which `load_features` leaves out, and layers behind the last tap.
Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014; Simonyan and Zisserman,
"Very deep convolutional networks for large-scale image recognition", 2015; torchvision.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from tk_tools.weights.load import load_state_dict, load_strictly

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB in 0..1
DEVIATION = (0.229, 0.224, 0.225)

VGG_STAGES = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions before each 2x2 pool, by the number of layers
_VGG_WIDTHS = (64, 128, 256, 512, 512)


class ImageNetFeatures(nn.Module):
    """A row of layers; `taps` are the numbers of those whose outputs are given, `widths` their channels."""

    def __init__(self, layers: Sequence[nn.Module], taps: Sequence[int]):
        super().__init__()
        self.taps = tuple(taps)
        self.features = nn.Sequential(*layers)
        self.widths = tuple(self.features[tap - 1].out_channels for tap in self.taps)  # a convolution stands before

    def maps(self, images: torch.Tensor) -> Iterator[torch.Tensor]:
        """What forward gives, one by one: large maps need not all be held at a time."""
        x = images
        for number, layer in enumerate(self.features[: self.taps[-1] + 1]):
            x = layer(x)
            if number in self.taps:
                yield x

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """RGB (B, 3, H, W), normalised by MEAN and DEVIATION -> a map (B, C, h, w) for each tap, after its ReLU."""
        return list(self.maps(images))


def make_alexnet() -> ImageNetFeatures:
    """AlexNet (one column) with its five ReLUs."""

    def convolution(channels_in: int, channels_out: int, kernel: int, stride: int = 1, padding: int = 1):
        conv = nn.Conv2d(channels_in, channels_out, kernel_size=kernel, stride=stride, padding=padding)
        return [conv, nn.ReLU()]

    def pool() -> nn.Module:
        return nn.MaxPool2d(kernel_size=3, stride=2)

    layers = [
        *convolution(3, 64, kernel=11, stride=4, padding=2),  # 0, 1
        pool(),
        *convolution(64, 192, kernel=5, padding=2),  # 3, 4
        pool(),
        *convolution(192, 384, kernel=3),  # 6, 7
        *convolution(384, 256, kernel=3),  # 8, 9
        *convolution(256, 256, kernel=3),  # 10, 11
        pool(),
    ]
    return ImageNetFeatures(layers, taps=(1, 4, 7, 9, 11))


def make_vgg(depth: int = 16, tap_first: bool = False) -> ImageNetFeatures:
    """VGG of a depth in VGG_STAGES; its taps are the last ReLU of each stage (of VGG16 relu1_2 ... relu5_3).

    With `tap_first` they are the first of each (relu1_1 ... relu5_1), and the layers end there.
    """
    layers: list[nn.Module] = []
    taps = []
    channels_in = 3
    for channels, count in zip(_VGG_WIDTHS, VGG_STAGES[depth], strict=True):
        start = len(layers)
        for _ in range(count):
            layers += [nn.Conv2d(channels_in, channels, kernel_size=3, padding=1), nn.ReLU()]
            channels_in = channels
        taps.append(start + 1 if tap_first else len(layers) - 1)
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return ImageNetFeatures(layers[: taps[-1] + 1] if tap_first else layers, taps)


def load_features(network: ImageNetFeatures, path: Path, what: str) -> ImageNetFeatures:
    """Fill from torchvision's file, in eval mode. WeightsError: `path` holds another network than `what`."""
    state = {key: tensor for key, tensor in load_state_dict(path).items() if not key.startswith("classifier.")}
    behind = re.compile(r"features\.(\d+)\.")
    state = {
        key: tensor
        for key, tensor in state.items()
        if not (layer := behind.match(key)) or int(layer[1]) < len(network.features)
    }
    return load_strictly(network, state, path=path, what=what).eval()
