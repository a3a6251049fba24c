"""SyncNet v2, the published judge of lip sync (file syncnet_v2.model): sound and mouth to vectors, near when in sync.

Right for numbers that papers report; an expert of one's own is in `tk_tools.nets.sync_expert`.
Source: Chung and Zisserman, "Out of time: automated lip sync in the wild", 2016; joonson/syncnet_python.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

FRAME_SIZE = 224  # px
FRAMES_PER_WINDOW = 5
MFCC_COLUMNS = 20  # 0.2 s at 100 columns/s
EMBEDDING = 1024


def _conv2d(channels_in: int, channels_out: int, kernel=3, padding=1) -> list[nn.Module]:
    conv = nn.Conv2d(channels_in, channels_out, kernel_size=kernel, padding=padding)
    return [conv, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]


def _conv3d(channels_in: int, channels_out: int, kernel, stride=1, padding=0) -> list[nn.Module]:
    conv = nn.Conv3d(channels_in, channels_out, kernel_size=kernel, stride=stride, padding=padding)
    return [conv, nn.BatchNorm3d(channels_out), nn.ReLU(inplace=True)]


def _head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, width))


def _spatial_pool(padding=0) -> nn.MaxPool3d:
    return nn.MaxPool3d(kernel_size=(1, 3, 3), stride=(1, 2, 2), padding=padding)


class SyncNetV2(nn.Module):
    """Two towers that end in vectors of one length; published key names."""

    def __init__(self, embedding: int = EMBEDDING):
        super().__init__()
        self.netcnnaud = nn.Sequential(  # (B, 1, 13, 20)
            *_conv2d(1, 64),
            nn.MaxPool2d(kernel_size=1, stride=1),  # does nothing; it holds a place in the numbering of the keys
            *_conv2d(64, 192),
            nn.MaxPool2d(kernel_size=3, stride=(1, 2)),  # 11 x 9
            *_conv2d(192, 384),
            *_conv2d(384, 256),
            *_conv2d(256, 256),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 5 x 4
            *_conv2d(256, 512, kernel=(5, 4), padding=0),  # 1 x 1
        )
        self.netfcaud = _head(embedding)
        self.netcnnlip = nn.Sequential(  # (B, 3, T, 224, 224)
            *_conv3d(3, 96, kernel=(5, 7, 7), stride=(1, 2, 2)),  # T - 4, 109 x 109
            _spatial_pool(),  # 54
            *_conv3d(96, 256, kernel=(1, 5, 5), stride=(1, 2, 2), padding=(0, 1, 1)),  # 26
            _spatial_pool(padding=(0, 1, 1)),  # 13
            *_conv3d(256, 256, kernel=(1, 3, 3), padding=(0, 1, 1)),
            *_conv3d(256, 256, kernel=(1, 3, 3), padding=(0, 1, 1)),
            *_conv3d(256, 256, kernel=(1, 3, 3), padding=(0, 1, 1)),
            _spatial_pool(),  # 6
            *_conv3d(256, 512, kernel=(1, 6, 6)),  # 1
        )
        self.netfclip = _head(embedding)

    def embed_audio(self, mfcc: torch.Tensor) -> torch.Tensor:
        """MFCC windows (B, 1, 13, 20) -> (B, E)."""
        return self.netfcaud(self.netcnnaud(mfcc).flatten(start_dim=1))

    def lip_features(self, lips: torch.Tensor) -> torch.Tensor:
        """Windows of five frames (B, 3, 5, 224, 224), BGR 0..255 -> (B, 512), what goes into the last layers."""
        return self.netcnnlip(lips).flatten(start_dim=1)

    def embed_lips(self, lips: torch.Tensor) -> torch.Tensor:
        """Windows of five frames (B, 3, 5, 224, 224), BGR 0..255 -> (B, E)."""
        return self.netfclip(self.lip_features(lips))


class FoldedSyncNet(nn.Module):
    """The same vectors for inference: batch norms are folded into the convolutions, and a window's five frames are the
    channels of a picture, since beyond the first layer nothing looks along time."""

    def __init__(self, network: SyncNetV2):
        super().__init__()
        network = network.eval()
        self.lips, self.lips_head = _folded(network.netcnnlip), network.netfclip
        self.audio, self.audio_head = _folded(network.netcnnaud), network.netfcaud

    def embed_audio(self, mfcc: torch.Tensor) -> torch.Tensor:
        """MFCC windows (B, 1, 13, 20) -> (B, E)."""
        return self.audio_head(self.audio(_channels_last(mfcc)).flatten(start_dim=1))

    def embed_lip_frames(self, frames: torch.Tensor) -> torch.Tensor:
        """A run of frames (T, 3, 224, 224), BGR 0..255 -> (T - 4, E), one vector for each window of five."""
        windows = frames.unfold(0, FRAMES_PER_WINDOW, 1).movedim(-1, 2).flatten(start_dim=1, end_dim=2)
        return self.lips_head(self.lips(_channels_last(windows)).flatten(start_dim=1))


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) as convolutions are fastest on; by way of the plain order, since strides can be of both."""
    return x.contiguous().contiguous(memory_format=torch.channels_last)


def _folded(tower: nn.Sequential) -> nn.Sequential:
    """Convolutions with their batch norms in them, and no layer that looks along time."""
    layers: list[nn.Module] = []
    rest = list(tower)
    while rest:
        layer = rest.pop(0)
        if isinstance(layer, (nn.Conv2d, nn.Conv3d)):
            layer = fuse_conv_bn_eval(layer, rest.pop(0))
        layers.append(_without_time(layer))
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def _without_time(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.MaxPool3d):
        padding = layer.padding[1:] if isinstance(layer.padding, tuple) else layer.padding
        return nn.MaxPool2d(layer.kernel_size[1:], layer.stride[1:], padding)
    if not isinstance(layer, nn.Conv3d):
        return layer
    weight = layer.weight.detach().flatten(start_dim=1, end_dim=2)  # (out, in * frames, H, W)
    flat = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], layer.stride[1:], layer.padding[1:])
    flat.weight, flat.bias = nn.Parameter(weight), nn.Parameter(layer.bias.detach())
    return flat
