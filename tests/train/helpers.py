"""What tests of training share: a log that keeps its lines, and trees of tensors that must be equal bit for bit."""

import torch


class Told:
    """Stands in for the command's log."""

    verbosity = 0

    def __init__(self):
        self.lines = []

    def info(self, message):
        self.lines.append(message)

    warn = error = info


def same(first, second):
    """Whether two trees of plain values and tensors are equal bit for bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second
