"""Convolutions with large kernels through the discrete Fourier transform, for inference on a processor.

Overlapping tiles are transformed, multiplied frequency by frequency as matrices over the channels, and transformed back
("overlap-save"). With 11x11 kernels that is a twentieth of the multiplications, at single precision's own rounding.
Source: Mathieu, Henaff and LeCun, "Fast Training of Convolutional Networks through FFTs", ICLR 2014.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class FourierConv2d(nn.Module):
    """The convolution with stride 1 and an odd kernel, padded to keep the size, that it is made from:
    (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.kernel = conv.kernel_size[0]
        self.tile = 1 << (2 * self.kernel - 1).bit_length()  # at least half of each tile is new
        spectrum = torch.fft.rfft2(conv.weight.detach(), s=(self.tile, self.tile)).conj()
        self.register_buffer("spectrum", spectrum.permute(2, 3, 1, 0).flatten(end_dim=1).contiguous())
        self.register_buffer("bias", conv.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, channels, height, width = x.shape
        step = self.tile - self.kernel + 1
        rows, columns = -(-height // step), -(-width // step)
        before, after = self.kernel // 2, self.kernel - 1 - self.kernel // 2
        padded = functional.pad(x, (before, columns * step + after - width, before, rows * step + after - height))
        tiles = padded.unfold(2, self.tile, step).unfold(3, self.tile, step)
        found = torch.fft.rfft2(tiles)  # (B, C_in, rows, columns, tile, tile / 2 + 1)
        frequencies = found.shape[4:]
        found = found.permute(4, 5, 0, 2, 3, 1).reshape(len(self.spectrum), -1, channels)
        made = torch.bmm(found, self.spectrum).view(*frequencies, batch, rows, columns, -1).permute(2, 5, 3, 4, 0, 1)
        made = (
            torch.fft.irfft2(made, s=(self.tile, self.tile))[..., :step, :step] + self.bias[:, None, None, None, None]
        )
        made = made.transpose(3, 4).reshape(batch, -1, rows * step, columns * step)
        return made[:, :, :height, :width]
