"""What makes inference of DINet and LawDNet fast leaves its numbers as they are."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from tk_tools.nets.dinet_fast import use_fast_layers
from tk_tools.nets.dinet_layers import ConvBlock, PairBlock, ResidualBlock, UpBlock
from tk_tools.nets.fourier_conv import FourierConv2d
from tk_tools.nets.thin_conv import ThinConv2d
from tk_tools.nets.winograd import WinogradConv2d

SIZES = [(1, 1), (7, 33), (26, 20), (41, 5)]


def rounding(conv: nn.Conv2d, fast: nn.Module, x: torch.Tensor) -> tuple[float, float]:
    """Root mean square distance from the exact convolution, of the fast one and of torch's."""
    exact = functional.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=conv.padding)
    return tuple((made - exact).square().mean().sqrt().item() for made in (fast(x), conv(x)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", [7, 11])
@torch.no_grad()
def test_fourier_is_the_convolution(kernel, size):
    conv = nn.Conv2d(24, 16, kernel_size=kernel, padding=kernel // 2)
    fast, plain = rounding(conv, FourierConv2d(conv), torch.randn(2, 24, *size))
    assert fast < 5 * plain


@pytest.mark.parametrize("size", [*SIZES, (9, 2000)])
@torch.no_grad()
def test_thin_is_the_convolution(size):
    conv = nn.Conv2d(24, 3, kernel_size=7, padding=3)
    for memory in (torch.contiguous_format, torch.channels_last):
        fast, plain = rounding(conv, ThinConv2d(conv), torch.randn(2, 24, *size).to(memory_format=memory))
        assert fast < 5 * plain


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_winograd_enlarges(size):
    conv = nn.Conv2d(64, 16, kernel_size=3, padding=1)
    x = torch.randn(2, 64, *size)
    wanted = conv(functional.interpolate(x, scale_factor=2, mode="nearest"))
    assert (WinogradConv2d(conv, enlarge=2)(x) - wanted).abs().max() < 1e-5 * wanted.abs().max()


def drawn_norms(network: nn.Module) -> nn.Module:
    """In eval mode, with the statistics of no fresh network."""
    for key, value in network.state_dict().items():
        if "norm" in key and value.is_floating_point():
            value.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize(
    "block",
    [
        ConvBlock(2, 64, 32, kernel=3, norm=True),
        ConvBlock(2, 64, 64, kernel=11, norm=True),
        ConvBlock(2, 64, 32, stride=2, norm=True),
        ConvBlock(2, 8, 32, norm=True),
        UpBlock(2, 64, 32, norm=True),
        UpBlock(2, 8, 32, norm=True),
        ResidualBlock(2, 64, norm=True),
        ResidualBlock(2, 64),
        ResidualBlock(1, 64, norm=True),
    ],
    ids=lambda block: type(block).__name__,
)
@torch.no_grad()
def test_blocks_keep_their_numbers(block):
    conv = getattr(block, "conv", None) or block.conv1
    x = torch.randn(2, conv.in_channels, *(13, 18)[: conv.weight.dim() - 2])
    network = nn.Sequential(drawn_norms(block))
    wanted, before = network(x), x.clone()
    use_fast_layers(network)
    assert not any(
        isinstance(layer, nn.BatchNorm2d) for layer in network.modules() if layer is not getattr(block, "norm1", None)
    )
    assert (network(x) - wanted).abs().max() < 2e-5 * wanted.abs().max()
    assert torch.equal(x, before)


@pytest.mark.parametrize("norm", [False, True])
@torch.no_grad()
def test_the_share_of_a_pair_s_second_picture(norm):
    network = nn.Sequential(drawn_norms(PairBlock(64, 32, norm=norm)))
    first, second = torch.randn(3, 64, 9, 11), torch.randn(1, 64, 9, 11)
    pair = network[0]
    wanted = pair.finish(pair.conv(torch.cat([first, second.expand_as(first)], dim=1)))
    assert (pair(first, pair.share(second)) - wanted).abs().max() < 1e-5
    use_fast_layers(network)
    assert network[0] is not pair
    assert (network[0](first, network[0].share(second)) - wanted).abs().max() < 1e-5 * (1 + wanted.abs().max())
