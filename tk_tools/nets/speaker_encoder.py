"""The GE2E speaker encoder: 1.6 s of mel -> a vector of unit length that says who speaks. Key names of pretrained.pt.

DiffVC is conditioned on it and tk-eval-audio measures with it; its front end is `tk_tools.audio.speaker`.
Source: Wan et al., "Generalized end-to-end loss for speaker verification", 2018; CorentinJ/Real-Time-Voice-Cloning;
resemble-ai/Resemblyzer.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

BANDS = 40
FRAMES = 160  # of a window, 1.6 s at 100 frames/s
EMBEDDING = 256


class SpeakerEncoder(nn.Module):
    """Three LSTM layers, the last state projected; it ends in a ReLU, so no cosine of two embeddings is negative."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(input_size=BANDS, hidden_size=EMBEDDING, num_layers=3, batch_first=True)
        self.linear = nn.Linear(EMBEDDING, EMBEDDING)
        self.similarity_weight = nn.Parameter(torch.tensor([10.0]))
        self.similarity_bias = nn.Parameter(torch.tensor([-5.0]))

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """(B, frames, 40) linear power mel -> (B, 256), unit length."""
        _, (states, _) = self.lstm(mels)
        return functional.normalize(torch.relu(self.linear(states[-1])), dim=1)

    def similarity(self, embeds: torch.Tensor) -> torch.Tensor:
        """(speakers, utterances, 256), unit length -> (speakers, utterances, speakers): scaled cosines with each
        speaker's mean, from which an utterance is left out where it is the speaker's own.
        """
        total = embeds.sum(dim=1)  # (speakers, 256)
        means = functional.normalize(total, dim=1)
        others = functional.normalize(total[:, None] - embeds, dim=2)
        cosines = torch.einsum("sue,ke->suk", embeds, means)
        own = torch.eye(len(embeds), dtype=torch.bool, device=embeds.device)[:, None]
        cosines = torch.where(own, (embeds * others).sum(dim=2, keepdim=True), cosines)
        return cosines * self.similarity_weight + self.similarity_bias

    def loss(self, embeds: torch.Tensor) -> torch.Tensor:
        """The GE2E loss (softmax) of a batch (speakers, utterances, 256): each utterance is to find its speaker."""
        speakers, utterances = embeds.shape[:2]
        targets = torch.arange(speakers, device=embeds.device).repeat_interleave(utterances)
        return functional.cross_entropy(self.similarity(embeds).flatten(0, 1), targets)
