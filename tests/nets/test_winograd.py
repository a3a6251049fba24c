"""Winograd's convolutions are the plain ones, with their gradients, to the rounding of single precision."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.winograd import FixedWinogradConv2d, WinogradConv2d, transforms

SIZES = [(4, 4), (20, 27), (1, 9), (10, 300), (66, 65)]


def test_transforms_are_a_correlation():
    results, kernels, patches = transforms()
    x, w = np.arange(6.0) ** 2, np.array([1.0, -2.0, 5.0])
    assert np.allclose(results @ ((kernels @ w) * (patches @ x)), np.correlate(x, w))


def error(found, exact):
    return (found - exact).square().mean().sqrt()


@pytest.mark.parametrize(("height", "width"), SIZES)
@torch.no_grad()
def test_the_fixed_convolution(height, width):
    conv = nn.Conv2d(64, 32, kernel_size=3, padding=1)
    x = torch.randn(2, 64, height, width)
    exact = functional.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)
    assert error(FixedWinogradConv2d(conv)(x), exact) < 5 * error(conv(x), exact) + 1e-6 * exact.std()


@pytest.mark.parametrize(("height", "width"), SIZES)
@torch.no_grad()
def test_the_convolution_of_the_doubled_picture(height, width):
    conv = nn.Conv2d(64, 32, kernel_size=3, padding=1)
    x = torch.randn(2, 64, height, width)
    doubled = functional.interpolate(x, scale_factor=2, mode="nearest")
    exact = functional.conv2d(doubled.double(), conv.weight.double(), conv.bias.double(), padding=1)
    assert error(FixedWinogradConv2d(conv, enlarge=2)(x), exact) < 5 * error(conv(doubled), exact) + 1e-6 * exact.std()


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_the_trained_convolution_and_its_gradients(height, width, memory):
    torch.manual_seed(0)
    conv = WinogradConv2d(128, 160).to(memory_format=memory)
    x = torch.randn(7, 128, height, width).to(memory_format=memory)
    wanted = torch.randn(7, 160, height, width).to(memory_format=memory)

    def results(convolution, dtype):
        given = [tensor.detach().to(dtype).requires_grad_() for tensor in (x, conv.weight, conv.bias)]
        made = convolution(*given)
        return made, *torch.autograd.grad(made, given, wanted.to(dtype))

    def plain(x, weight, bias):
        return functional.conv2d(x, weight, bias, padding=1)

    def ours(x, weight, bias):
        return torch.func.functional_call(conv, {"weight": weight, "bias": bias}, (x,))

    exact = results(plain, torch.float64)
    for found, single, true in zip(results(ours, torch.float32), results(plain, torch.float32), exact, strict=True):
        assert error(found, true) < 6 * error(single, true) + 1e-7 * true.abs().max()


def test_elsewhere_it_is_the_plain_convolution():
    conv = WinogradConv2d(128, 128)
    x = torch.randn(1, 128, 5, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert conv(x).dtype == torch.bfloat16
    double = conv.double()
    assert torch.equal(double(x.double()), functional.conv2d(x.double(), double.weight, double.bias, padding=1))
