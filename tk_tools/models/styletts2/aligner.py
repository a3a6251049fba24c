"""The text aligner: which mel frames each token is said in, by the attention of a small speech recogniser.

State dicts bear the published keys (Utils/ASR/epoch_00080.pth). Source: Li et al., "StyleTTS", 2022, appendix;
yl4579/StyleTTS2, Utils/ASR; Shen et al., "Tacotron 2", ICASSP 2018 (location-sensitive attention).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy.fft import dct
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.models.styletts2.layers import Projection

START, UNKNOWN = 1, 3
"""Ids that the recogniser begins with, and that stand for a hidden token. (They are marks of the symbol table too.)"""

HIDDEN_SHARE = 0.1  # of the tokens, in training
DROPOUT = 0.2


@dataclass(frozen=True)
class AlignerSizes:
    """The published sizes."""

    bands: int = 80
    channels: int = 256
    symbols: int = 178
    embedding: int = 512
    layers: int = 6
    filters: int = 32  # of the attention's places
    reach: int = 63  # steps that they see


class Heard(NamedTuple):
    """ctc: (B, steps, symbols) logits of what is said at each step of two mel frames; logits: (B, T + 1, symbols) of
    each token from those before it; attention: (B, T + 1, steps), whose first row belongs to START."""

    ctc: Tensor
    logits: Tensor
    attention: Tensor


class _Conv(nn.Module):
    """A convolution that keeps the length (by stride 1), begun by Glorot's rule, under its published name."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride=1, dilation: int = 1, bias: bool = True
    ):
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv1d(
            channels_in, channels_out, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias
        )
        nn.init.xavier_uniform_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class _Cepstrum(nn.Module):
    """Normalised log-mel (B, 80, T) -> its first 40 cosine coefficients (B, 40, T)."""

    def __init__(self, bands: int):
        super().__init__()
        matrix = torch.from_numpy(dct(torch.eye(bands).double().numpy(), type=2, norm="ortho"))
        self.register_buffer("dct_mat", matrix[:, : bands // 2].float())

    def forward(self, mel: Tensor) -> Tensor:
        return self.dct_mat.T @ mel


class _Dilated(nn.Module):
    """Three pairs of convolutions beside their input, ever wider: (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                _Conv(channels, channels, 3, dilation=dilation),
                nn.ReLU(),
                nn.GroupNorm(8, channels),
                nn.Dropout(DROPOUT),
                _Conv(channels, channels, 3),
                nn.ReLU(),
                nn.Dropout(DROPOUT),
            )
            for dilation in (1, 3, 9)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


class _Places(nn.Module):
    """What the attention has looked at, last and so far, (B, 2, T) -> (B, T, C)."""

    def __init__(self, channels: int, sizes: AlignerSizes):
        super().__init__()
        self.location_conv = _Conv(2, sizes.filters, sizes.reach, bias=False)
        self.location_dense = Projection(sizes.filters, channels, bias=False, gain="tanh")

    def forward(self, looked: Tensor) -> Tensor:
        return self.location_dense(self.location_conv(looked).mT)


class _Attention(nn.Module):
    """Where to look next."""

    def __init__(self, channels: int, sizes: AlignerSizes):
        super().__init__()
        self.query_layer = Projection(channels, channels, bias=False, gain="tanh")
        self.memory_layer = Projection(channels, channels, bias=False, gain="tanh")
        self.v = Projection(channels, 1, bias=False)
        self.location_layer = _Places(channels, sizes)

    def forward(self, state: Tensor, keys: Tensor, looked: Tensor, padding: Tensor) -> Tensor:
        """state (B, C), keys (B, T, C), looked (B, 2, T), padding (B, T) -> weights (B, T) that sum to 1."""
        found = torch.tanh(self.query_layer(state).unsqueeze(1) + self.location_layer(looked) + keys)
        return self.v(found).squeeze(-1).masked_fill(padding, float("-inf")).softmax(dim=-1)


class _Recogniser(nn.Module):
    """Spells the tokens one by one, each from those before it and from where it looks."""

    def __init__(self, channels: int, sizes: AlignerSizes):
        super().__init__()
        self.embedding = nn.Embedding(sizes.symbols, sizes.embedding)
        bound = (6 / channels) ** 0.5
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.attention_layer = _Attention(channels, sizes)
        self.decoder_rnn = nn.LSTMCell(channels + sizes.embedding, channels)
        self.project_to_hidden = nn.Sequential(Projection(2 * channels, channels), nn.Tanh())
        self.project_to_n_symbols = nn.Linear(channels, sizes.symbols)

    def forward(self, memory: Tensor, padding: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """memory (B, steps, C), padding (B, steps), tokens (B, T) -> logits and attention of T + 1 turns."""
        batch, steps, channels = memory.shape
        keys = self.attention_layer.memory_layer(memory)
        given = self.embedding(functional.pad(tokens, (1, 0), value=START))
        state = context = memory.new_zeros(batch, channels)
        cell = torch.zeros_like(state)
        weights = sum_so_far = memory.new_zeros(batch, steps)
        states, attention = [], []
        for turn in given.unbind(dim=1):
            state, cell = self.decoder_rnn(torch.cat([turn, context], dim=-1), (state, cell))
            weights = self.attention_layer(state, keys, torch.stack([weights, sum_so_far], dim=1), padding)
            sum_so_far = sum_so_far + weights
            context = (weights.unsqueeze(1) @ memory).squeeze(1)
            states.append(torch.cat([state, context], dim=-1))
            attention.append(weights)
        hidden = self.project_to_hidden(torch.stack(states, dim=1))
        logits = self.project_to_n_symbols(functional.dropout(hidden, 0.5, self.training))
        return logits, torch.stack(attention, dim=1)


class TextAligner(nn.Module):
    """Normalised log-mel (B, 80, frames), front end `styletts2`, an even number of frames, and tokens -> Heard."""

    def __init__(self, sizes: AlignerSizes = AlignerSizes()):
        super().__init__()
        channels, half = sizes.channels, sizes.channels // 2
        self.to_mfcc = _Cepstrum(sizes.bands)
        self.init_cnn = _Conv(sizes.bands // 2, channels, 7, stride=2)
        self.cnns = nn.Sequential(
            *(nn.Sequential(_Dilated(channels), nn.GroupNorm(1, channels)) for _ in range(sizes.layers))
        )
        self.projection = _Conv(channels, half, 1)
        self.ctc_linear = nn.Sequential(Projection(half, channels), nn.ReLU(), Projection(channels, sizes.symbols))
        self.asr_s2s = _Recogniser(half, sizes)

    def features(self, mel: Tensor) -> Tensor:
        """(B, 80, frames) -> (B, C, frames / 2)."""
        return self.projection(self.cnns(self.init_cnn(self.to_mfcc(mel))))

    def forward(self, mel: Tensor, padding: Tensor, tokens: Tensor, hidden: Tensor | None = None) -> Heard:
        """padding (B, frames / 2) bool: True behind each item's end; tokens (B, T) int64; hidden (B, T) bool: tokens
        that it is not told (`draw_hidden`), as the published one was trained."""
        memory = self.features(mel).mT
        told = tokens if hidden is None else tokens.masked_fill(hidden, UNKNOWN)
        return Heard(self.ctc_linear(memory), *self.asr_s2s(memory, padding, told))


def draw_hidden(tokens: Tensor, share: float = HIDDEN_SHARE) -> Tensor:
    """Which tokens to hide, a share of them, drawn: (B, T) bool."""
    return torch.rand(tokens.shape, device=tokens.device) < share
