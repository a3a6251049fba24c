"""An LSTM over a sequence of any length, in blocks that hand their state on: the memory of one block, equal numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]


def blocks_of(length: int, size: int) -> list[slice]:
    """The blocks of a sequence, `size` steps each, the last one shorter."""
    return [slice(start, min(length, start + size)) for start in range(0, length, size)]


def first_state(lstm: nn.LSTM) -> State:
    """The state before the first step, zeros."""
    zeros = lstm.weight_hh_l0.new_zeros(1, 1, lstm.hidden_size)
    return zeros, zeros


def one_way(lstm: nn.LSTM, steps: Tensor, state: State, *, backward: bool = False) -> tuple[Tensor, State]:
    """One direction of a one-layer LSTM over a block.

    steps (T, inputs); state: of the step before it in this direction. Returns (T, hidden) in the order of the steps,
    and the state after the block. It calls what nn.LSTM itself calls, which runs no direction alone.
    """
    suffix = "_l0_reverse" if backward else "_l0"
    weights = [getattr(lstm, f"{name}{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    steps = steps.flip(0) if backward else steps
    outputs, *state = torch.lstm(steps[:, None], state, weights, True, 1, 0.0, False, False, False)
    outputs = outputs[:, 0]
    return (outputs.flip(0) if backward else outputs), tuple(state)
