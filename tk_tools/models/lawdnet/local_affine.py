"""LawDNet's local affine warp: every channel of the features is bent by similarities around its own key points.

The field is made on a coarse grid and resized to the features. In the published code it is scrambled on the way: the
memory of the field, laid out (column, row, xy), is read as (xy, row, column), so x and y alternate along the rows and
points are shuffled. The published weights were trained with that (`warp_field` "published"); "upright" is the field as
the paper means it. Weights of the two kinds are not interchangeable.
Source: Deng et al., "LawDNet: Enhanced Audio-Driven Lip Synthesis via Local Affine Warping Deformation", 2024;
iPaw-AI-LAB/LawDNet_2024, models/LawDNet.py.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

WarpField = Literal["published", "upright"]
GRID = (60, 60)  # rows and columns of the coarse grid
SMALLEST = 1e-30  # square of a distance: the gradient divides by its root, also on the very key point
VALUES_AT_ONCE, GPU_VALUES_AT_ONCE = 1 << 15, 1 << 24  # of the coarse grids of some channels


def cell_centres(count: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """(count,) centres of equal cells in -1..1."""
    return torch.linspace(-1 + 1 / count, 1 - 1 / count, count, device=device)


def coarse_field(
    points: torch.Tensor, radii: torch.Tensor, similarities: torch.Tensor, grid: tuple[int, int] = GRID
) -> torch.Tensor:
    """Where the cells of the coarse grid are taken from: (B, C, columns, rows, 2), x and y in -1..1.

    points: (B, N, C, 2) key points x, y; radii: (B, N, C, 1) of their influence; similarities: (B, N, C, 4) with the
    scale less 1, the angle over pi, and the translation x, y.
    """
    parameters = torch.cat([points, radii, similarities], dim=-1).transpose(1, 2)
    field = _FieldInParts.apply(parameters.flatten(end_dim=1), grid)
    return field.unflatten(0, parameters.shape[:2])


def _field(parameters: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """(K, N, 7) parameters of K channels, in coarse_field's order -> (K, columns, rows, 2)."""
    x = cell_centres(grid[1], parameters.device)[:, None]
    y = cell_centres(grid[0], parameters.device)
    total_x = total_y = total = 0.0
    for point in parameters.unbind(1):
        kx, ky, radius, sigma, angle, tx, ty = point[:, :, None, None].unbind(1)
        dx, dy = x - kx, y - ky  # (K, columns, 1), (K, 1, rows)
        influence = torch.exp((dx**2 + dy**2).sqrt() / -radius)
        turn = math.pi * angle * influence
        scale = 1 + sigma * influence
        cos, sin = scale * turn.cos(), scale * turn.sin()
        weight = influence.exp()  # softmax over the key points; influence is at most 1
        total_x = total_x + weight * (dx * cos + dy * sin + tx * influence + kx)
        total_y = total_y + weight * (dy * cos - dx * sin + ty * influence + ky)
        total = total + weight
    return torch.stack([total_x / total, total_y / total], dim=-1)


class _FieldInParts(torch.autograd.Function):
    """_field for some channels at a time, and its gradient by the formula: what lies between stays in the processor's
    cache, and the memory of training does not hold some thirty arrays of the coarse grid for every key point."""

    @staticmethod
    def forward(ctx, parameters: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        ctx.grid = grid
        step = _channels_at_once(parameters, grid)
        field = torch.cat([_field(part, grid) for part in parameters.split(step)])
        ctx.save_for_backward(parameters, field)
        return field

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        parameters, field = ctx.saved_tensors
        step = _channels_at_once(parameters, ctx.grid)
        parts = (each.split(step) for each in (parameters, field, gradient))
        return torch.cat([_field_gradient(*part, ctx.grid) for part in zip(*parts, strict=True)]), None


def _field_gradient(
    parameters: torch.Tensor, field: torch.Tensor, gradient: torch.Tensor, grid: tuple[int, int]
) -> torch.Tensor:
    """(K, N, 7) parameters, _field's (K, columns, rows, 2) of them and its gradient -> (K, N, 7)."""
    x = cell_centres(grid[1], parameters.device)[:, None]
    y = cell_centres(grid[0], parameters.device)
    points = [point[:, :, None, None].unbind(1) for point in parameters.unbind(1)]
    distances = [((x - point[0]) ** 2 + (y - point[1]) ** 2).clamp(min=SMALLEST).sqrt() for point in points]
    influences = [torch.exp(distance / -point[2]) for distance, point in zip(distances, points, strict=True)]
    weights = [influence.exp() for influence in influences]
    total = sum(weights)
    field_x, field_y = (plane.contiguous() for plane in field.unbind(-1))
    towards_x, towards_y = (plane.contiguous() / total for plane in gradient.unbind(-1))
    found = []
    for point, distance, influence, weight in zip(points, distances, influences, weights, strict=True):
        kx, ky, radius, sigma, angle, tx, ty = point
        dx, dy = x - kx, y - ky
        turn = math.pi * angle * influence
        cos, sin, scale = turn.cos(), turn.sin(), 1 + sigma * influence
        along, across = dx * cos + dy * sin, dy * cos - dx * sin  # the offset, turned
        gx, gy = weight * towards_x, weight * towards_y  # of the key point's own x and y
        stretch, twist = gx * along + gy * across, scale * (gx * across - gy * along)
        own_x, own_y = scale * along + tx * influence + kx, scale * across + ty * influence + ky
        # Of the influence: through the softmax, the scale, the angle and the translation.
        g_influence = gx * (own_x - field_x) + gy * (own_y - field_y)
        g_influence += sigma * stretch + math.pi * angle * twist + tx * gx + ty * gy
        inwards = g_influence * influence / radius  # less the gradient of the distance
        gx_offset = scale * (gx * cos - gy * sin) - inwards * dx / distance
        gy_offset = scale * (gx * sin + gy * cos) - inwards * dy / distance
        each = (
            gx - gx_offset,
            gy - gy_offset,
            inwards * distance / radius,
            influence * stretch,
            math.pi * influence * twist,
            influence * gx,
            influence * gy,
        )
        found.append(torch.stack([part.sum(dim=(1, 2)) for part in each], dim=-1))
    return torch.stack(found, dim=1)


def _channels_at_once(parameters: torch.Tensor, grid: tuple[int, int]) -> int:
    values = VALUES_AT_ONCE if parameters.device.type == "cpu" else GPU_VALUES_AT_ONCE
    return max(1, values // math.prod(grid))


def sampling_grid(field: torch.Tensor, size: tuple[int, int], warp_field: WarpField = "published") -> torch.Tensor:
    """coarse_field's (B, C, columns, rows, 2) -> (B, C, H, W, 2): where each channel's features are taken from."""
    batch, channels, columns, rows, _ = field.shape
    if warp_field == "published":
        planes = field.reshape(batch, 2 * channels, rows, columns)
    else:
        planes = field.permute(0, 1, 4, 3, 2).reshape(batch, 2 * channels, rows, columns)
    if (rows, columns) != tuple(size):
        # Antialiased also where it grows, which is the same resize but for rounding: neighbours of the scrambled field
        # are far apart, so that this rounding is seen in the pictures.
        planes = functional.interpolate(planes, size=size, mode="bilinear", align_corners=False, antialias=True)
    return planes.view(batch, channels, 2, *size).permute(0, 1, 3, 4, 2)


def warp(features: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Each channel of (B, C, H, W) sampled by its own (B, C, H, W, 2): bilinear, 0 outside -> (B, C, H, W)."""
    shape = features.shape
    sampled = functional.grid_sample(
        features.reshape(-1, 1, *shape[2:]),
        grid.flatten(end_dim=1),
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )
    return sampled.view(shape)


class LocalAffineWarp(nn.Module):
    """Warps features (B, C, H, W) by a code (B, code_size). Key names are those of the published checkpoints."""

    def __init__(
        self,
        code_size: int = 256,
        channels: int = 256,
        key_points: int = 5,
        grid: tuple[int, int] = GRID,
        warp_field: WarpField = "published",
    ):
        super().__init__()
        self.channels, self.key_points, self.grid, self.warp_field = channels, key_points, grid, warp_field
        count = key_points * channels
        self.commn_linear = nn.Sequential(nn.Linear(code_size, code_size), nn.ReLU())
        self.kpoints_normalized_layer = nn.Sequential(nn.Linear(code_size, 2 * count), nn.Tanh())
        self.similarity_params_layer = nn.Sequential(nn.Linear(code_size, 4 * count), nn.Tanh())
        self.radius_layer = nn.Sequential(nn.Linear(code_size, count), nn.Sigmoid())

    def parameters_of(self, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The code's key points, radii and similarities, as coarse_field takes them."""
        x = self.commn_linear(code)
        shape = (len(code), self.key_points, self.channels, -1)
        heads = (self.kpoints_normalized_layer, self.radius_layer, self.similarity_params_layer)
        points, radii, similarities = (head(x).view(shape) for head in heads)
        return points, radii, similarities

    def forward(self, features: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) or (1, C, H, W), the same for all; (B, code_size) -> (B, C, H, W)."""
        points, radii, similarities = (each.float() for each in self.parameters_of(code))
        features = features.expand(len(code), -1, -1, -1)
        with torch.autocast(features.device.type, enabled=False):  # half precision misses features by whole pixels
            field = coarse_field(points, radii, similarities, self.grid)
            grid = sampling_grid(field, features.shape[2:], self.warp_field)
            return warp(features.float(), grid).to(features.dtype)
