"""Convolutions of rows through Fourier transforms give what the plain ones give."""

import numpy as np
import pytest
import torch
from torch import nn

from tk_tools.nets.fourier_rows import FourierRows, pays, transforms


@pytest.mark.parametrize(("tile", "kernel"), [(16, 7), (32, 11), (8, 3)])
def test_the_transforms_are_a_correlation(tile, kernel):
    results, kernels, tiles = transforms(tile, kernel)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(tile), rng.standard_normal(kernel)
    np.testing.assert_allclose(results @ ((kernels @ w) * (tiles @ x)), np.correlate(x, w, "valid"), atol=1e-12)


@torch.inference_mode()
@pytest.mark.parametrize(("kernel", "dilation"), [(7, 1), (7, 5), (11, 1), (11, 3)])
@pytest.mark.parametrize("length", [1, 25, 1300])
def test_the_same_as_a_plain_convolution(kernel, dilation, length, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr("tk_tools.nets.fourier_rows.VALUES_AT_ONCE", 20_000)  # several times in the longest
    conv = nn.Conv2d(24, 20, (1, kernel), padding=(0, dilation * (kernel // 2)), dilation=(1, dilation))
    x = torch.randn(2, 24, 1, length).to(memory_format=torch.channels_last)
    wanted, found = conv(x), FourierRows(conv)(x)
    assert found.shape == wanted.shape
    assert (found - wanted).abs().max() < 5e-6 * wanted.abs().max()


def test_it_pays_with_many_channels_and_large_kernels():
    assert pays(nn.Conv2d(256, 256, (1, 7)))
    assert not pays(nn.Conv2d(256, 256, (1, 3)))
    assert not pays(nn.Conv2d(128, 128, (1, 11)))
