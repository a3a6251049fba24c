"""Convolutions of long sequences with large kernels over many channels, on a processor, with a quarter to a third of
the multiplications.

Overlapping tiles are transformed by a discrete Fourier transform, multiplied frequency by frequency as matrices over
the channels, and transformed back ("overlap-save"); a complex product is three real ones. All three are plain matrix
products, taken over as many tiles at once as stay in the processor's cache, at single precision's own rounding.
Sources: Mathieu, Henaff and LeCun, "Fast Training of Convolutional Networks through FFTs", ICLR 2014; Gauss's three
multiplications, Knuth, The Art of Computer Programming, volume 2, 4.6.4.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_CHANNELS, LEAST_KERNEL = 256, 7  # with fewer the transforms cost what the products save
VALUES_AT_ONCE = 1 << 19  # of the tiles that are taken together


def transforms(tile: int, kernel: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of results (S, P), kernels (P, kernel) and tiles (P, tile): y = results @ ((kernels @ w) * (tiles @ x)) are the
    S = tile - kernel + 1 values of x (tile,) correlated with w (kernel,)."""
    results, kernels, tiles = [], [], []
    for frequency in range(tile // 2 + 1):
        angles = 2 * np.pi * frequency * np.arange(tile) / tile
        cos, sin = np.cos(angles), np.sin(angles)
        if frequency in (0, tile // 2):  # real
            results.append(cos / tile)
            kernels.append(cos)
            tiles.append(cos)
        else:
            results += [2 / tile * (cos - sin), -2 / tile * sin, -2 / tile * cos]
            kernels += [cos, sin - cos, cos + sin]
            tiles += [cos - sin, cos, -sin]
    step = tile - kernel + 1
    return np.stack(results, axis=1)[:step], np.stack(kernels)[:, :kernel], np.stack(tiles)


@cache
def _matrices(tile: int, kernel: int) -> tuple[Tensor, Tensor, Tensor]:
    results, kernels, tiles = transforms(tile, kernel)
    return tuple(torch.from_numpy(matrix).float() for matrix in (results, kernels, tiles))


def pays(conv: nn.Conv2d) -> bool:
    """Whether a convolution of pictures of one row is sooner done so."""
    return min(conv.in_channels, conv.out_channels) >= LEAST_CHANNELS and conv.kernel_size[1] >= LEAST_KERNEL


class FourierRows(nn.Module):
    """The convolution of pictures of one row that it is made from, which has stride 1, an odd kernel and keeps the
    length: (B, C_in, 1, T) -> (B, C_out, 1, T), channels together. In single precision."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.kernel, self.dilation = conv.kernel_size[1], conv.dilation[1]
        self.tile = 16 if self.kernel < 9 else 32
        results, kernels, tiles = _matrices(self.tile, self.kernel)
        weight = conv.weight.detach()[:, :, 0].permute(2, 1, 0)  # (kernel, C_in, C_out)
        self.register_buffer("weight", torch.tensordot(kernels, weight, dims=1).contiguous())
        self.register_buffer("bias", conv.bias.detach())
        self.register_buffer("results", results)
        self.register_buffer("tiles", tiles)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.permute(0, 2, 3, 1)[:, 0]  # (B, T, C_in)
        batch, length, channels = rows.shape
        tile, dilation = self.tile, self.dilation
        step = tile - self.kernel + 1
        count = -(-length // (dilation * step))  # tiles of each phase of the dilation
        before = dilation * (self.kernel // 2)
        whole = dilation * (count * step + self.kernel - 1)
        rows = functional.pad(rows, (0, 0, before, whole - before - length)).contiguous()
        wide = len(self.bias)
        made = rows.new_empty(batch, count, step, dilation, wide)
        products = len(self.tiles)
        together = max(1, VALUES_AT_ONCE // (products * channels))
        for item in range(batch):
            for phase in range(dilation):
                for first in range(0, count, together):
                    some = min(together, count - first)
                    given = rows[item].as_strided(
                        (tile, some, channels),
                        (dilation * channels, step * dilation * channels, 1),
                        rows[item].storage_offset() + (first * step * dilation + phase) * channels,
                    )
                    spectra = self.tiles @ given.reshape(tile, -1)
                    spectra = torch.bmm(spectra.view(products, some, channels), self.weight)
                    found = (self.results @ spectra.view(products, -1)).view(step, some, wide).transpose(0, 1)
                    torch.add(found, self.bias, out=made[item, first : first + some, :, phase])
        made = made.view(batch, -1, wide)[:, :length]
        return made.unsqueeze(1).permute(0, 3, 1, 2)
