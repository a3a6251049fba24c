"""A convolution of sequences with a large kernel over many channels that is trained sooner on a processor.

Channels that lie together suit the library's convolution, and so it goes forwards and for the gradient of the input;
the gradient of the weights is one matrix product for each place of the kernel.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

LEAST_CHANNELS, LEAST_KERNEL = 128, 7  # with fewer, or with smaller ones, laying out costs what it saves


class LongConv1d(nn.Conv1d):
    """A Conv1d of stride 1 that keeps the length; its state dict is the same, and its numbers but for rounding."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, dilation: int = 1):
        super().__init__(channels_in, channels_out, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        single = x.dtype == weight.dtype == torch.float32 and not torch.is_autocast_enabled(x.device.type)
        pays = min(weight.shape[:2]) >= LEAST_CHANNELS and weight.shape[2] >= LEAST_KERNEL
        if x.device.type == "cpu" and single and pays and torch.is_grad_enabled():
            return _OnRows.apply(x, weight, bias, self.dilation[0])
        return super()._conv_forward(x, weight, bias)


class _OnRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, dilation: int) -> Tensor:
        rows = _rows(x)
        ctx.dilation = dilation
        ctx.save_for_backward(rows, weight)
        return _conv(rows, weight, bias, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        told = _rows(gradient)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _conv(told, weight.flip(2).transpose(0, 1), None, ctx.dilation)
        if ctx.needs_input_grad[1]:
            of_weight = _of_weight(rows, told, weight.shape[2], ctx.dilation)
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=(0, 2))
        return of_x, of_weight, of_bias, None


def _rows(x: Tensor) -> Tensor:
    """(B, C, T) as pictures (B, C, 1, T) of one row whose channels lie together."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def _conv(rows: Tensor, weight: Tensor, bias: Tensor | None, dilation: int) -> Tensor:
    """(B, C_in, 1, T) -> (B, C_out, T), which lies as a sequence does."""
    kernel = _rows(weight)
    padding = dilation * (weight.shape[2] - 1) // 2
    made = functional.conv2d(rows, kernel, bias, padding=(0, padding), dilation=(1, dilation))
    return made.squeeze(2).contiguous()


def _of_weight(rows: Tensor, told: Tensor, kernel: int, dilation: int) -> Tensor:
    """The gradient of the weights: rows (B, C_in, 1, T), told (B, C_out, 1, T) -> (C_out, C_in, kernel)."""
    found = rows.new_zeros(kernel, told.shape[1], rows.shape[1])
    size = rows.shape[3]
    for heard, own in zip(rows.squeeze(2).mT, told.squeeze(2).mT, strict=True):  # (T, C)
        for place, one in enumerate(found):
            later = dilation * (place - kernel // 2)
            begin, end = max(0, -later), min(size, size - later)
            if begin < end:
                one.addmm_(own[begin:end].T, heard[begin + later : end + later])
    return found.permute(1, 2, 0)
