"""Norm, style and snake in one give the values and the gradients of one after another, and keep the input alone."""

import pytest
import torch
from torch.nn import functional

from tk_tools.models.styletts2 import styled_snake
from tk_tools.models.styletts2.generator import snake


def one_by_one(x, gamma, beta, alpha):
    return snake(torch.addcmul(beta, 1 + gamma, functional.instance_norm(x, eps=1e-5)), alpha)


def drawn(batch=3, channels=5, length=40):
    torch.manual_seed(0)
    shapes = ((batch, channels, length), (batch, channels, 1), (batch, channels, 1), (1, channels, 1))
    x, gamma, beta, alpha = (torch.randn(shape) for shape in shapes)
    return [tensor.requires_grad_() for tensor in (5 + 3 * x, 0.5 * gamma, beta, 1 + 0.3 * alpha)]


@pytest.mark.parametrize("at_once", [40, 3 * 40, 1 << 16])
def test_values_and_gradients_are_those_of_one_after_another(monkeypatch, at_once):
    monkeypatch.setattr(styled_snake, "VALUES_AT_ONCE", at_once)
    told = torch.linspace(-1, 2, 3 * 5 * 40).view(3, 5, 40)
    results = []
    for function in (styled_snake.styled_snake, one_by_one):
        given = drawn()
        made = function(*given)
        results.append([made, *torch.autograd.grad(made, given, told)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_of_maps_the_input_alone_is_kept_for_the_gradient():
    given, kept = drawn(), []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda tensor: tensor):
        styled_snake.styled_snake(*given)
    assert [tensor.shape for tensor in kept if tensor.numel() >= given[0].numel()] == [given[0].shape]


def test_half_precision_stays_what_it_is_and_near():
    given = drawn()
    halves = [tensor.detach().bfloat16().requires_grad_() for tensor in given]
    whole = [tensor.detach().float().requires_grad_() for tensor in halves]
    made, wanted = styled_snake.styled_snake(*halves), one_by_one(*whole)
    assert made.dtype == torch.bfloat16
    torch.testing.assert_close(made.float(), wanted, rtol=1e-2, atol=1e-2)
    told = torch.ones_like(made)
    for ours, theirs in zip(
        torch.autograd.grad(made, halves, told), torch.autograd.grad(wanted, whole, told.float()), strict=True
    ):
        assert ours.dtype == torch.bfloat16
        torch.testing.assert_close(ours.float(), theirs, rtol=2e-2, atol=2e-2)
