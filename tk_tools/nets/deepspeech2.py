"""DeepSpeech2: a spectrogram -> the scores of 29 letters, 50 a second. Key names of deepspeech.pytorch.

LawDNet's features. Source: Amodei et al., "Deep Speech 2", 2015; SeanNaren/deepspeech.pytorch, release V3.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional

from tk_tools.nets.recurrent import blocks_of, first_state, one_way

BINS = 161
LETTERS = 29  # the blank of CTC, apostrophe, A-Z, space: another order than that of DeepSpeech 0.1.0
CLIP = 20.0
_CHANNELS = 32
_INPUTS = _CHANNELS * 41  # of the first LSTM: 161 bins after two strides of two
_REACH = 5  # columns that either convolution sees on each side
_BLOCK = 3000  # steps, one minute


class DeepSpeech2(nn.Module):
    """Two convolutions, LSTMs both ways whose directions are added, a linear layer; batch norm before each."""

    def __init__(self, hidden: int = 1024, layers: int = 5):
        super().__init__()
        self.conv = nn.Module()
        self.conv.seq_module = nn.Sequential(
            nn.Conv2d(1, _CHANNELS, (41, 11), stride=(2, 2)),
            nn.BatchNorm2d(_CHANNELS),
            nn.Hardtanh(0, CLIP),
            nn.Conv2d(_CHANNELS, _CHANNELS, (21, 11), stride=(2, 1)),
            nn.BatchNorm2d(_CHANNELS),
            nn.Hardtanh(0, CLIP),
        )
        self.rnns = nn.Sequential(*(_Recurrent(hidden, first=layer == 0) for layer in range(layers)))
        self.fc = nn.Sequential(
            _each_step(nn.Sequential(nn.BatchNorm1d(hidden), nn.Linear(hidden, LETTERS, bias=False)))
        )

    def forward(self, spectrogram: Tensor, every: int = 1) -> Tensor:
        """(161, T) of a whole recording -> scores (T', 29) before the softmax of every `every`-th of (T - 1) // 2 + 1
        steps. In blocks; what is kept of the whole is the input and output of one LSTM, about 35 MB a minute.
        """
        steps = spectrogram.new_empty((spectrogram.shape[1] - 1) // 2 + 1, _INPUTS)
        for block in blocks_of(len(steps), _BLOCK):
            steps[block] = self.convolved(spectrogram, block)
        for layer in self.rnns:
            steps = layer(steps)
        return self.fc[0].module(steps[::every])

    def convolved(self, spectrogram: Tensor, block: slice) -> Tensor:
        """(161, T) -> (steps, 1312): what the first LSTM sees at the steps of a block."""
        first, norm1, clip, second, norm2, _ = self.conv.seq_module
        count = (spectrogram.shape[1] - 1) // 2 + 1
        begin, end = max(0, block.start - _REACH), min(count, block.stop + _REACH)
        lower = functional.conv2d(
            _cut(spectrogram, 2 * begin - _REACH, 2 * end - 1 + _REACH)[None, None],
            first.weight, first.bias, first.stride, padding=(20, 0),
        )  # fmt: skip
        lower = clip(norm1(lower))[0]
        upper = functional.conv2d(
            _cut(lower, block.start - _REACH - begin, block.stop + _REACH - begin)[None],
            second.weight, second.bias, second.stride, padding=(10, 0),
        )  # fmt: skip
        return clip(norm2(upper))[0].flatten(0, 1).T


def _cut(columns: Tensor, start: int, stop: int) -> Tensor:
    """Columns start to stop - 1, on the last axis, zeros where there are none."""
    size = columns.shape[-1]
    inside = columns[..., max(0, start) : min(size, stop)]
    return functional.pad(inside, (max(0, -start), max(0, stop - size)))


class _Recurrent(nn.Module):
    def __init__(self, hidden: int, first: bool):
        super().__init__()
        self.batch_norm = None if first else _each_step(nn.BatchNorm1d(hidden))
        self.rnn = nn.LSTM(_INPUTS if first else hidden, hidden, bidirectional=True)

    def forward(self, steps: Tensor) -> Tensor:
        """(T, inputs) -> (T, hidden)."""
        outputs = steps.new_zeros(len(steps), self.rnn.hidden_size)
        for backward in (False, True):
            state, blocks = first_state(self.rnn), blocks_of(len(steps), _BLOCK)
            for block in reversed(blocks) if backward else blocks:
                piece = steps[block] if self.batch_norm is None else self.batch_norm.module(steps[block])
                values, state = one_way(self.rnn, piece, state, backward=backward)
                outputs[block] += values
        return outputs


def _each_step(module: nn.Module) -> nn.Module:
    """A holder that gives the keys of the module the published name."""
    holder = nn.Module()
    holder.module = module
    return holder


def sized_as(state: Mapping[str, Tensor]) -> DeepSpeech2:
    """A network of the width and depth of a state dict; a narrow one, which nothing fits, where it does not tell."""
    layers = {key.split(".")[1] for key in state if key.startswith("rnns.") and key.endswith(".rnn.weight_hh_l0")}
    recurrent = state.get("rnns.0.rnn.weight_hh_l0")
    if not layers or recurrent is None or recurrent.ndim != 2:
        return DeepSpeech2(hidden=1, layers=1)
    return DeepSpeech2(hidden=recurrent.shape[1], layers=len(layers))
