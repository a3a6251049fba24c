"""DeepSpeech 0.1.0: MFCCs in a window of 19 frames -> the logits of 29 letters, 50 a second.

The features of DINet, LawDNet, AD-NeRF, VOCA and others. The weights bear the names of the published TensorFlow graph.
Source: Hannun et al., "Deep Speech", 2014; mozilla/DeepSpeech v0.1.0 (DeepSpeech.py, BiRNN).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tk_tools.nets.recurrent import blocks_of, first_state, one_way

CONTEXT = 9  # frames on either side
CEPSTRA = 26
INPUTS = (2 * CONTEXT + 1) * CEPSTRA
LETTERS = 29  # blank space, a-z, apostrophe, and last the blank of CTC
CLIP = 20.0
_BLOCK = 3000  # steps, one minute
_FORGET_BIAS = 1.0  # added by TensorFlow's cell, not part of the stored bias
_CELL = re.compile(r"bidirectional_rnn/(fw|bw)/.+/(kernel|weights|bias|biases)$")


class DeepSpeech(nn.Module):
    """Three dense layers, an LSTM both ways, two dense layers; all but the last are clipped to 0..20."""

    def __init__(self, hidden: int = 2048):
        super().__init__()
        self.dense1 = nn.Linear(INPUTS, hidden)
        self.dense2 = nn.Linear(hidden, hidden)
        self.dense3 = nn.Linear(hidden, 2 * hidden)
        self.lstm = nn.LSTM(2 * hidden, hidden, bidirectional=True)
        self.dense5 = nn.Linear(2 * hidden, hidden)
        self.dense6 = nn.Linear(hidden, LETTERS)

    def forward(self, vectors: Tensor, every: int = 1) -> Tensor:
        """Logits (T', 29) of every `every`-th step, of a whole recording.

        vectors: (T, 494) or, as windows over frames, (T, 19, 26). One of more than a minute goes through in blocks:
        the forward LSTM first alone, for the states between them, then once more beside the backward one, so that
        memory does not grow with the length.
        """
        size = _BLOCK - _BLOCK % every
        blocks = blocks_of(len(vectors), size)
        states = [first_state(self.lstm)]
        for block in blocks[:-1]:
            states.append(one_way(self.lstm, self._lower(vectors[block]), states[-1])[1])
        behind, logits = first_state(self.lstm), []
        for block, state in zip(reversed(blocks), reversed(states), strict=True):
            lower = self._lower(vectors[block])
            ahead, _ = one_way(self.lstm, lower, state)
            back, behind = one_way(self.lstm, lower, behind, backward=True)
            logits.append(self._upper(torch.cat([ahead[::every], back[::every]], dim=1)))
        return torch.cat(logits[::-1])

    def _lower(self, vectors: Tensor) -> Tensor:
        steps = vectors.reshape(len(vectors), INPUTS)
        for dense in (self.dense1, self.dense2, self.dense3):
            steps = dense(steps).clamp_(0, CLIP)
        return steps

    def _upper(self, steps: Tensor) -> Tensor:
        return self.dense6(self.dense5(steps).clamp_(0, CLIP))


def from_graph(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `DeepSpeech` from the constants of the published graph; other constants are passed over.

    TensorFlow keeps (inputs, outputs) matrices, both inputs of an LSTM in one, and its gates as input, candidate,
    forget, output (torch: input, forget, candidate, output). What is missing is left out.
    """
    state = {}
    for layer in (1, 2, 3, 5, 6):
        if f"h{layer}" in tensors and f"b{layer}" in tensors:
            state[f"dense{layer}.weight"] = tensors[f"h{layer}"].T.contiguous()
            state[f"dense{layer}.bias"] = tensors[f"b{layer}"]
    for name, tensor in tensors.items():
        if found := _CELL.match(name):
            suffix = "_l0" if found[1] == "fw" else "_l0_reverse"
            state |= _kernel(tensor, suffix) if tensor.ndim == 2 else _bias(tensor, suffix)
    return state


def _kernel(kernel: Tensor, suffix: str) -> dict[str, Tensor]:
    hidden = kernel.shape[1] // 4
    weight = _gates(kernel.T)
    return {
        f"lstm.weight_ih{suffix}": weight[:, :-hidden].contiguous(),
        f"lstm.weight_hh{suffix}": weight[:, -hidden:].contiguous(),
    }


def _bias(bias: Tensor, suffix: str) -> dict[str, Tensor]:
    bias = _gates(bias)
    forget = torch.zeros(4, len(bias) // 4)
    forget[1] = _FORGET_BIAS
    return {f"lstm.bias_ih{suffix}": bias, f"lstm.bias_hh{suffix}": forget.flatten()}


def _gates(rows: Tensor) -> Tensor:
    inputs, candidate, forget, output = rows.chunk(4)
    return torch.cat([inputs, forget, candidate, output])
