"""3x3 convolutions with a quarter of the multiplications, for inference on a processor.

Winograd's minimal filtering F(4x4, 3x3): patches of 6x6 and the weights are transformed, multiplied point by point as
matrices over the channels, and transformed back into 4x4 results. With the points 0, +-3/4, +-3/2 and infinity the
rounding is not twice that of the plain convolution in single precision; half precision would be too coarse.
Sources: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016; Barabasz et al., "Error
Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2020.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
TILE, KERNEL = 4, 3
PATCH = TILE + KERNEL - 1
TILES_AT_ONCE = 256  # their patches stay in the processor's cache


def transforms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of results (4, 6), kernels (6, 3) and patches (6, 6): y = results @ ((kernels @ w) * (patches @ x)) are the four
    values of x (6,) correlated with w (3,)."""
    results, kernels = (np.vander([*POINTS, 0.0], size, increasing=True) for size in (TILE, KERNEL))
    results[-1], kernels[-1] = np.eye(TILE)[-1], np.eye(KERNEL)[-1]  # the point at infinity
    products = np.einsum("pi,pj->ijp", results, kernels).reshape(-1, PATCH)
    wanted = np.stack([np.eye(PATCH)[i + j] for i in range(TILE) for j in range(KERNEL)])
    patches = np.linalg.lstsq(products, wanted, rcond=None)[0]
    return results.T, kernels, patches


class WinogradConv2d(nn.Module):
    """The convolution 3x3 with stride and padding 1 that it is made from: (B, C_in, H, W) -> (B, C_out, H, W).

    With `enlarge` 2 that of the picture doubled by nearest neighbour, (B, C_in, H, W) -> (B, C_out, 2 H, 2 W): a patch
    then holds no more than 4x4 pixels. Takes and gives channels-last pictures; of other layouts the input is copied
    first.
    """

    def __init__(self, conv: nn.Conv2d, enlarge: Literal[1, 2] = 1):
        super().__init__()
        results, kernels, patches = transforms()
        self.enlarge = enlarge
        if enlarge == 2:
            patches = patches @ np.eye(PATCH // 2 + 1)[(np.arange(PATCH) + 1) // 2]
        self.patch = patches.shape[1]
        results, kernels, patches = (
            torch.from_numpy(np.kron(matrix, matrix)) for matrix in (results, kernels, patches)
        )
        weight = conv.weight.detach()
        flat = weight.permute(2, 3, 1, 0).reshape(KERNEL**2, -1).double()
        shape = (PATCH**2, weight.shape[1], weight.shape[0])
        self.register_buffer("weight", (kernels @ flat).to(weight.dtype).view(shape))
        self.register_buffer("bias", conv.bias.detach())
        self.register_buffer("patches", patches.to(weight.dtype))
        self.register_buffer("results", results.to(weight.dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, channels, *size = x.shape
        x = x.permute(0, 2, 3, 1)
        height, width = (side * self.enlarge for side in size)
        rows, columns = -(-height // TILE), -(-width // TILE)
        made = x.new_empty(batch, rows, TILE, columns, TILE, len(self.bias))
        tiles = made.permute(0, 1, 2, 4, 3, 5)  # (B, rows, 4, 4, columns, C_out)
        step = max(1, TILES_AT_ONCE // columns)
        stride = TILE // self.enlarge  # of the patches, in pixels of the input
        for item in range(batch):
            for row in range(0, rows, step):
                target = tiles[item, row : row + step].permute(1, 2, 0, 3, 4)
                top, bottom = row * stride - 1, (row + target.shape[2]) * stride + 1
                strip = functional.pad(
                    x[item, max(0, top) : bottom],
                    (0, 0, 1, columns * stride + 1 - size[1], max(0, -top), max(0, bottom - size[0])),
                )
                patches = strip.unfold(0, self.patch, stride).unfold(1, self.patch, stride).permute(3, 4, 0, 1, 2)
                found = self.patches @ patches.reshape(self.patch**2, -1)
                found = torch.bmm(found.view(PATCH**2, -1, channels), self.weight)
                found = self.results @ found.view(PATCH**2, -1)
                torch.add(found.view(target.shape), self.bias, out=target)
        made = made.view(batch, rows * TILE, columns * TILE, -1)
        return made[:, :height, :width].permute(0, 3, 1, 2)
