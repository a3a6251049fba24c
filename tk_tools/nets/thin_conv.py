"""A convolution to a few channels, such as a picture's, as one product of matrices, for inference on a processor.

Each pixel's products with the whole kernel come first and are then summed where they belong; a library's convolution
computes sixteen channels where three are wanted.
"""

from __future__ import annotations

import torch
from torch import nn

VALUES_AT_ONCE = 1 << 20  # products of a strip of rows, which stay in the processor's cache


class ThinConv2d(nn.Module):
    """The convolution with stride 1 and an odd kernel, padded to keep the size, that it is made from:
    (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.kernel = conv.kernel_size[0]
        # Turned by half a turn: a pixel's products go to the pixels around it.
        weight = conv.weight.detach().flip(2, 3)
        self.register_buffer("weight", weight.permute(0, 2, 3, 1).flatten(end_dim=2).contiguous())
        self.register_buffer("bias", conv.bias.detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, channels, height, width = x.shape
        kernel, border = self.kernel, self.kernel // 2
        made = x.new_empty(batch, len(self.bias), height + 2 * border, width + 2 * border)
        made[:] = self.bias[:, None, None]
        step = max(1, VALUES_AT_ONCE // (len(self.weight) * width))
        for item in range(batch):
            for top in range(0, height, step):
                strip = x[item, :, top : top + step]
                rows = strip.shape[1]
                products = self.weight @ strip.permute(1, 2, 0).reshape(-1, channels).t()
                products = products.view(-1, kernel, kernel, rows, width)
                for down in range(kernel):
                    for right in range(kernel):
                        target = made[item, :, top + down : top + down + rows, right : right + width]
                        target.add_(products[:, down, right])
        return made[:, :, border : border + height, border : border + width]
