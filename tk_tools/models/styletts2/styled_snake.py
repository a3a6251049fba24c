"""Instance norm, style and snake in one, whose gradient is reckoned from the input alone.

Layer by layer they would keep six maps for the gradient, which is most of the memory that a generator is trained in,
and go to and fro between them; here what lies between is made again, on a processor piece by piece in its cache.
Source: snake is Ziyin et al., "Neural networks fail to learn periodic functions and how to fix it", NeurIPS 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tk_tools.models.styletts2.layers import EPSILON

VALUES_AT_ONCE = 1 << 16  # they stay in the processor's cache


def styled_snake(x: Tensor, gamma: Tensor, beta: Tensor, alpha: Tensor) -> Tensor:
    """y + sin(alpha y)^2 / alpha for y = (1 + gamma) norm(x) + beta: x (B, C, T); gamma, beta (B, C, 1);
    alpha (1, C, 1) -> (B, C, T) in the type of x. It has a first derivative alone."""
    return _StyledSnake.apply(x, gamma, beta, alpha)


class _StyledSnake(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, alpha: Tensor) -> Tensor:
        x = x.contiguous()
        rows, style = x.flatten(0, 1), _of_rows(x, gamma, beta, alpha)
        made = torch.empty_like(rows)
        statistics = style.new_empty(len(rows), 2, 1)
        for part, (one_gamma, one_beta, one_alpha), kept, target in _pieces(rows, style, statistics, made):
            mean = part.float().mean(dim=1, keepdim=True)
            centred = part - mean
            scale = (_sum(centred, centred) / part.shape[1] + EPSILON).rsqrt_()
            kept.copy_(torch.stack([mean, scale], dim=1))
            y = torch.addcmul(one_beta, centred, one_gamma * scale)
            target.copy_(y.addcdiv_((one_alpha * y).sin_().square_(), one_alpha))
        ctx.save_for_backward(x, gamma, beta, alpha, statistics)
        return made.view_as(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x, gamma, beta, alpha, statistics = ctx.saved_tensors
        rows, style = x.flatten(0, 1), _of_rows(x, gamma, beta, alpha)
        found, of_style = torch.empty_like(rows), torch.empty_like(style)
        given = gradient.contiguous().flatten(0, 1)
        for part, (one_gamma, one_beta, one_alpha), kept, told, target, own in _pieces(
            rows, style, statistics, given, found, of_style
        ):
            mean, scale = kept.unbind(dim=1)
            normal = (part - mean).mul_(scale)
            y = torch.addcmul(one_beta, normal, one_gamma)
            angle = one_alpha * y
            sine, cosine = angle.sin(), angle.cos_()
            told = told.float()
            bent = cosine.mul_(sine).mul_(told)  # half of the gradient times sin(2 alpha y)
            of_alpha = 2 * _sum(y, bent) / one_alpha - _sum(sine.square_(), told) / one_alpha.square()
            through = torch.add(told, bent, alpha=2)  # of y
            of_gamma, of_beta = _sum(through, normal), through.sum(dim=1, keepdim=True)
            own.copy_(torch.stack([of_gamma, of_beta, of_alpha], dim=1))
            count = part.shape[1]
            through.sub_(of_beta / count).addcmul_(normal, -of_gamma / count)
            target.copy_(through.mul_(one_gamma * scale))
        of_gamma, of_beta, of_alpha = of_style.view(*x.shape[:2], 3, 1).unbind(dim=2)
        return found.view_as(x), of_gamma.to(gamma), of_beta.to(beta), of_alpha.sum(dim=0, keepdim=True).to(alpha)


def _of_rows(x: Tensor, gamma: Tensor, beta: Tensor, alpha: Tensor) -> Tensor:
    """1 + gamma, beta and alpha of each row of (B * C, T): (B * C, 3, 1) float32."""
    return torch.stack([1 + gamma.float(), beta.float(), alpha.float().expand_as(gamma)], dim=2).flatten(0, 1)


def _pieces(rows: Tensor, style: Tensor, *others: Tensor) -> Iterator[tuple]:
    """Some rows at a time, on a processor as many as its cache holds: theirs of each tensor, the second one divided
    into its columns."""
    size = max(1, VALUES_AT_ONCE // rows.shape[1]) if rows.device.type == "cpu" else len(rows)
    for part, own, *rest in zip(*(tensor.split(size) for tensor in (rows, style, *others)), strict=True):
        yield part, own.unbind(dim=1), *rest


def _sum(one: Tensor, other: Tensor) -> Tensor:
    """Of the products in each row: (R, T), (R, T) -> (R, 1)."""
    return torch.linalg.vecdot(one, other).unsqueeze(1)
