"""A convolution that is trained otherwise on a processor gives the numbers of the library's."""

import pytest
import torch
from torch import nn

from tk_tools.models.styletts2 import long_conv
from tk_tools.models.styletts2.long_conv import LongConv1d


@pytest.mark.parametrize(("kernel", "dilation", "length"), [(7, 1, 50), (11, 5, 60), (7, 5, 9), (3, 3, 20)])
def test_values_and_gradients_are_those_of_the_library(kernel, dilation, length, monkeypatch):
    monkeypatch.setattr(long_conv, "LEAST_CHANNELS", 4)
    torch.manual_seed(0)
    ours = LongConv1d(5, 4, kernel, dilation)
    theirs = nn.Conv1d(5, 4, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)
    theirs.load_state_dict(ours.state_dict())
    x, told = torch.randn(3, 5, length, requires_grad=True), torch.randn(3, 4, length)
    found, wanted = (
        [made := layer(x), *torch.autograd.grad(made, [x, layer.weight, layer.bias], told)] for layer in (ours, theirs)
    )
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_it_is_the_librarys_own_where_that_is_sooner_nothing_is_trained_and_in_half_precision(monkeypatch):
    monkeypatch.setattr(long_conv._OnRows, "apply", lambda *_: pytest.fail("not here"))
    layer, x = LongConv1d(5, 4, 7), torch.randn(2, 5, 30)
    layer(x)
    monkeypatch.setattr(long_conv, "LEAST_CHANNELS", 4)
    with torch.no_grad():
        layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x).dtype == torch.bfloat16
