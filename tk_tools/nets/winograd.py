"""3x3 convolutions with a quarter of the multiplications, on a processor.

Winograd's minimal filtering F(4x4, 3x3): patches of 6x6 and the weights are transformed, multiplied point by point as
matrices over the channels, and transformed back into 4x4 results. With the points 0, +-3/4, +-3/2 and infinity the
rounding is not twice that of the plain convolution in single precision; half precision would be too coarse.
Its gradients are such sums of products too: of the input, the convolution with the kernels turned round; of the
kernels, a product over the patches.
Sources: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016; Barabasz et al., "Error
Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks", 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)
TILE, KERNEL = 4, 3
PATCH = TILE + KERNEL - 1
TILES_AT_ONCE = 256  # their patches stay in the processor's cache
TRAINED_CHANNELS = 128  # with fewer, the transforms cost what the products save


def transforms() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of results (4, 6), kernels (6, 3) and patches (6, 6): y = results @ ((kernels @ w) * (patches @ x)) are the four
    values of x (6,) correlated with w (3,)."""
    results, kernels = (np.vander([*POINTS, 0.0], size, increasing=True) for size in (TILE, KERNEL))
    results[-1], kernels[-1] = np.eye(TILE)[-1], np.eye(KERNEL)[-1]  # the point at infinity
    products = np.einsum("pi,pj->ijp", results, kernels).reshape(-1, PATCH)
    wanted = np.stack([np.eye(PATCH)[i + j] for i in range(TILE) for j in range(KERNEL)])
    patches = np.linalg.lstsq(products, wanted, rcond=None)[0]
    return results.T, kernels, patches


@cache
def _matrices(dtype: torch.dtype, enlarge: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """`transforms` in two dimensions, of flat pictures: (16, 36), (36, 9) and (36, 36).

    enlarge 2: the patches are those of a picture doubled by nearest neighbour, of which 4x4 pixels are different: the
    last is (36, 16).
    """
    results, kernels, patches = transforms()
    if enlarge == 2:
        patches = patches @ np.eye(PATCH // 2 + 1)[(np.arange(PATCH) + 1) // 2]
    return tuple(torch.from_numpy(np.kron(matrix, matrix)).to(dtype) for matrix in (results, kernels, patches))


def transformed(weight: Tensor) -> Tensor:
    """Kernels (C_out, C_in, 3, 3) as `convolve` takes them: (36, C_out, C_in)."""
    wide, deep = weight.shape[:2]
    _, kernels, _ = _matrices(weight.dtype)
    return (kernels @ weight.permute(2, 3, 0, 1).reshape(KERNEL**2, -1)).view(PATCH**2, wide, deep)


def convolve(x: Tensor, kernels: Tensor, bias: Tensor | None, enlarge: Literal[1, 2] = 1) -> Tensor:
    """The convolution 3x3 with stride and padding 1 of transformed kernels: (B, C_in, H, W) -> (B, C_out, H, W).

    enlarge 2: that of the picture doubled by nearest neighbour, (B, C_in, H, W) -> (B, C_out, 2 H, 2 W). Takes and
    gives channels-last pictures; of other layouts the input is copied first.
    """
    results, _, _ = _matrices(x.dtype)
    batch, _, height, width = x.shape
    height, width = height * enlarge, width * enlarge
    x = x.permute(0, 2, 3, 1)
    rows, columns = -(-height // TILE), -(-width // TILE)
    made = x.new_empty(batch, rows, TILE, columns, TILE, kernels.shape[1])
    tiles = made.permute(2, 4, 0, 1, 3, 5)  # (4, 4, B, rows, columns, C_out)
    for items, strip in _strips(batch, rows, columns):
        target = tiles[:, :, items, strip]
        found = torch.bmm(_patches(x, items, strip, columns, enlarge), kernels.mT).view(PATCH**2, -1)
        found = (results @ found).view(target.shape)
        if bias is None:
            target.copy_(found)
        else:
            torch.add(found, bias, out=target)
    made = made.view(batch, rows * TILE, columns * TILE, -1)
    return made[:, :height, :width].permute(0, 3, 1, 2)


def kernels_gradient(x: Tensor, gradient: Tensor) -> Tensor:
    """The gradient (C_out, C_in, 3, 3) of the kernels, of that of what they made of x."""
    results, kernels, _ = _matrices(x.dtype)
    x, gradient = x.permute(0, 2, 3, 1), gradient.permute(0, 2, 3, 1)
    batch, height, width, deep = x.shape
    wide = gradient.shape[-1]
    rows, columns = -(-height // TILE), -(-width // TILE)
    gradient = functional.pad(gradient, (0, 0, 0, columns * TILE - width, 0, rows * TILE - height))
    tiles = gradient.view(batch, rows, TILE, columns, TILE, wide).permute(2, 4, 0, 1, 3, 5)
    total = x.new_zeros(PATCH**2, wide, deep)
    for items, strip in _strips(batch, rows, columns):
        spread = (results.T @ tiles[:, :, items, strip].reshape(TILE**2, -1)).view(PATCH**2, -1, wide)
        torch.baddbmm(total, spread.mT, _patches(x, items, strip, columns), out=total)
    return (kernels.T @ total.view(PATCH**2, -1)).view(KERNEL, KERNEL, wide, deep).permute(2, 3, 0, 1)


def _strips(batch: int, rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Items and rows of tiles, about TILES_AT_ONCE together: several small pictures, or a part of a large one."""
    together = max(1, TILES_AT_ONCE // (rows * columns))
    step = max(1, TILES_AT_ONCE // columns)
    for item in range(0, batch, together):
        for row in range(0, rows, step):
            yield slice(item, item + together), slice(row, min(rows, row + step))


def _patches(x: Tensor, items: slice, strip: slice, columns: int, enlarge: int = 1) -> Tensor:
    """The transformed patches of some rows of tiles of x (B, H, W, C), or of its double: (36, tiles, C)."""
    _, _, patches = _matrices(x.dtype, enlarge)
    side, stride = 2 + TILE // enlarge, TILE // enlarge  # of a patch, in pixels of x
    height, width, channels = x.shape[1:]
    top, bottom = strip.start * stride - 1, strip.stop * stride + 1
    padding = (0, 0, 1, columns * stride + 1 - width, max(0, -top), max(0, bottom - height))
    part = functional.pad(x[items, max(0, top) : bottom], padding)
    cut = part.unfold(1, side, stride).unfold(2, side, stride).permute(4, 5, 0, 1, 2, 3)
    return (patches @ cut.reshape(side**2, -1)).view(PATCH**2, -1, channels)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return convolve(x, transformed(weight), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, of_weight, of_bias = ctx.needs_input_grad
        turned = transformed(weight.flip(2, 3)).mT if of_x else None
        return (
            convolve(gradient, turned, None) if of_x else None,
            kernels_gradient(x, gradient) if of_weight else None,
            gradient.sum(dim=(0, 2, 3)) if of_bias else None,
        )


class WinogradConv2d(nn.Conv2d):
    """Conv2d 3x3 with stride and padding 1 that trains so where that is sooner: in single precision on a processor,
    with many channels. Elsewhere it is Conv2d."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(channels_in, channels_out, kernel_size=KERNEL, padding=KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        sooner = min(self.in_channels, self.out_channels) >= TRAINED_CHANNELS
        single = x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
        return _Convolution.apply(x, self.weight, self.bias) if sooner and single else super().forward(x)


class FixedWinogradConv2d(nn.Module):
    """The convolution 3x3 with stride and padding 1 that it is made from, for inference: its kernels are transformed
    once, in double precision. enlarge: see `convolve`."""

    def __init__(self, conv: nn.Conv2d, enlarge: Literal[1, 2] = 1):
        super().__init__()
        self.enlarge = enlarge
        weight = conv.weight.detach()
        self.register_buffer("kernels", transformed(weight.double()).to(weight.dtype))
        self.register_buffer("bias", conv.bias.detach())

    def forward(self, x: Tensor) -> Tensor:
        return convolve(x, self.kernels, self.bias, self.enlarge)
