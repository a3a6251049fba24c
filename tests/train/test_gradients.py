"""Gradients of several processes become their means, whichever of them took part."""

import torch
from torch import nn

from tk_tools.train.gradients import average_gradients


class Two:
    """Stands in for Fabric in one of two processes; others: what the other one sends, message by message."""

    world_size = 2
    device = torch.device("cpu")

    def __init__(self, *others):
        self.others = list(others)

    def all_reduce(self, tensor, reduce_op):
        total = tensor + self.others.pop(0)
        return total / 2 if reduce_op == "mean" else total


def parameters():
    return [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1, 1)), nn.Parameter(torch.zeros(3))]


def test_means_over_processes_where_none_counts_as_zeros():
    mine, neither, theirs = parameters()
    mine.grad = torch.tensor([2.0, 4.0])
    fabric = Two(torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.0, 0.0, 6.0, 8.0, 0.0]))
    average_gradients(fabric, [mine, neither, theirs])
    assert mine.grad.tolist() == [1.0, 2.0]
    assert neither.grad is None
    assert theirs.grad.tolist() == [3.0, 4.0, 0.0]


def test_without_any_nothing_is_sent():
    fabric = Two(torch.zeros(3))
    average_gradients(fabric, parameters())
    assert fabric.others == []


def test_alone_nothing_changes():
    (one, *_) = parameters()
    one.grad = torch.ones(2)
    fabric = Two()
    fabric.world_size = 1
    average_gradients(fabric, [one])
    assert one.grad.tolist() == [1.0, 1.0]
