"""What makes conversion fast leaves its numbers as they are."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tk_tools.models.diffvc.average_voice import AverageVoiceConfig
from tk_tools.models.diffvc.blocks import FrameMask
from tk_tools.models.diffvc.fast_layers import MishInPlace, PointwiseConv2d
from tk_tools.models.diffvc.networks import DiffVC, frame_mask
from tk_tools.models.diffvc.score import ConditionedConv2d, ScoreConfig
from tk_tools.nets.winograd import WinogradConv2d, transforms

STEPS = 3


def small() -> DiffVC:
    """A narrow network whose attentions are heard."""
    torch.manual_seed(1)
    encoder = AverageVoiceConfig(channels=16, filters=16, layers=1, picture_channels=16)
    net = DiffVC(encoder, ScoreConfig(channels=64, condition=16))
    for name, parameter in net.named_parameters():
        if name.endswith("fn.g"):
            nn.init.constant_(parameter, 0.1)
        elif name.endswith("final_conv.weight"):
            parameter.data *= 0.1
    return net.eval()


@pytest.fixture(scope="module")
def given():
    """Two sources of 45 and 39 frames and their targets, lengths that are no multiples of anything."""
    rng = np.random.default_rng(2)
    mel, target = (torch.from_numpy(rng.normal(-5, 2, (2, 80, frames)).astype(np.float32)) for frames in (45, 30))
    masks = frame_mask(torch.tensor([45, 39]), 45), frame_mask(torch.tensor([30, 22]), 30)
    embedding = torch.from_numpy(rng.uniform(0, 0.1, (2, 256)).astype(np.float32))
    return mel * masks[0], masks[0], target * masks[1], masks[1], embedding


def same_noise():
    generator = torch.Generator().manual_seed(3)
    return lambda like: torch.randn(like.shape, generator=generator)


@torch.no_grad()
def converted(net: DiffVC, given, solver: str = "ml") -> torch.Tensor:
    return net.convert(*given, solver, STEPS, same_noise())[1]


@pytest.mark.parametrize("solver", ["ml", "pf"])
def test_fast_layers_give_the_network_s_own_numbers(given, solver):
    before = [tensor.clone() for tensor in given]
    plain, fast = converted(small(), given, solver), converted(small().for_inference(), given, solver)
    assert plain.std() > 1
    assert (fast - plain).abs().max() < 2e-5 * plain.abs().max()
    assert all(torch.equal(now, then) for now, then in zip(given, before, strict=True))  # nothing given was changed


def test_bf16_is_near(given):
    plain, short = converted(small(), given), converted(small().for_inference("bf16"), given)
    assert short.dtype == torch.float32
    assert 0 < (short - plain).abs().mean() < 0.05 * plain.std()


def test_a_target_heard_once_serves_any_source(given):
    net, (mel, mask, target, target_mask, embedding) = small().for_inference(), given
    one = target[:1], target_mask[:1], embedding[:1]
    with torch.no_grad():
        heard = net.hear(*one, STEPS)
        each = [net.convert(mel[i : i + 1], mask[i : i + 1], *one, "pf", STEPS, torch.zeros_like)[1] for i in (0, 1)]
        both = net.convert_to(heard, mel, mask, "pf", torch.zeros_like)[1]
    assert torch.allclose(each[0][0], both[0], atol=1e-3)
    alone = net.convert_to(heard, mel[1:], mask[1:], "pf", torch.zeros_like)[1]
    assert torch.allclose(alone, each[1], atol=1e-3)


def test_training_and_inference_mask_alike():
    x = torch.randn(2, 3, 4, 8)
    mask = FrameMask(frame_mask(torch.tensor([7, 5]), 8).unsqueeze(1))
    assert mask.whole == 5
    assert mask.halved().whole == 3
    wanted = x * mask.mask
    assert torch.equal(mask(x), wanted)
    assert not torch.equal(x, wanted)
    with torch.no_grad():
        assert torch.equal(mask(x), wanted)
    assert torch.equal(x, wanted)


@pytest.mark.parametrize("kernel", [1, 3])
def test_constant_channels_need_no_convolution(kernel):
    conv = ConditionedConv2d(2 + 5, 6, kernel_size=kernel, padding=kernel // 2)
    x, numbers = torch.randn(2, 2, 7, 9), torch.randn(2, 5)
    mask = FrameMask(frame_mask(torch.tensor([9, 6]), 9).unsqueeze(1))
    everywhere = torch.cat([x, numbers[:, :, None, None].expand(-1, -1, 7, 9)], dim=1)
    wanted = functional.conv2d(everywhere * mask.mask, conv.weight, conv.bias, padding=conv.padding)
    assert torch.allclose(conv(x, numbers, mask), wanted, atol=1e-5)


def test_transforms_are_a_correlation():
    results, kernels, patches = transforms()
    x, w = np.arange(6.0) ** 2, np.array([1.0, -2.0, 5.0])
    assert np.allclose(results @ ((kernels @ w) * (patches @ x)), np.correlate(x, w))


@pytest.mark.parametrize(("height", "width"), [(4, 4), (20, 27), (1, 9), (10, 300)])
@torch.no_grad()
def test_winograd_is_the_convolution(height, width):
    conv = nn.Conv2d(64, 32, kernel_size=3, padding=1)
    x = torch.randn(2, 64, height, width)
    exact = functional.conv2d(x.double(), conv.weight.double(), conv.bias.double(), padding=1)
    plain, fast = ((y - exact).square().mean().sqrt() for y in (conv(x), WinogradConv2d(conv)(x)))
    assert fast < 5 * plain


@torch.no_grad()
def test_other_layers():
    x = torch.randn(2, 8, 3, 5) * 30
    for conv in (nn.Conv2d(8, 4, kernel_size=1), nn.Conv2d(8, 4, kernel_size=1, bias=False)):
        assert torch.allclose(PointwiseConv2d(conv)(x), conv(x), atol=1e-4)
    assert torch.allclose(MishInPlace()(x.clone()), functional.mish(x), rtol=1e-5, atol=1e-6)
