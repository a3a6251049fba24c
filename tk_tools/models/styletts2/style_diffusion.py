"""Diffusion of styles: from noise to the acoustic and the prosodic style of a sentence that was never heard.

Source: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", NeurIPS 2022 (the weights
around the network, the noise levels, the ancestral sampler of second order); Ho and Salimans, "Classifier-Free
Diffusion Guidance", 2022; Li et al., NeurIPS 2023, section 3; yl4579/StyleTTS2, Modules/diffusion/sampler.py.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.denoiser import Denoiser
from tk_tools.models.styletts2.sizes import SIGMA_DATA, Sizes
from tk_tools.nets.noise import Noise

NOISIEST, CLEANEST, CURVE = 3.0, 1e-4, 9.0
"""Noise levels of the sampler's first and last step, and how they are bent between them."""

LOG_MEAN, LOG_DEVIATION = -3.0, 1.0  # of the levels in training
NO_TEXT_SHARE = 0.1  # of the items that are trained without their text

FEWEST_STEPS = 2  # noise levels; one is no move


class Move(NamedTuple):
    """Noise levels of one step: it starts at `start`, looks again at `middle`, goes to `end`, and adds `added`."""

    start: float
    middle: float
    end: float
    added: float


def noise_levels(steps: int) -> np.ndarray:
    """The levels NOISIEST to CLEANEST, float64 (steps,)."""
    share = np.arange(steps) / (steps - 1)
    first, last = NOISIEST ** (1 / CURVE), CLEANEST ** (1 / CURVE)
    return (first + share * (last - first)) ** CURVE


def moves(steps: int) -> list[Move]:
    """The steps - 1 moves of the sampler."""
    levels = noise_levels(steps)
    found = []
    for start, goal in itertools.pairwise(levels):
        added = np.sqrt(goal**2 * (start**2 - goal**2) / start**2)
        end = np.sqrt(goal**2 - added**2)
        found.append(Move(float(start), float((start + end) / 2), float(end), float(added)))
    return found


class StyleDiffusion(nn.Module):
    """The denoiser and the diffusion around it. sigma_data: the deviation of the styles that it learns or has learned,
    which weighs its input and output; published checkpoints do not hold it, their configurations do."""

    def __init__(self, sizes: Sizes = Sizes(), sigma_data: float | None = None):
        super().__init__()
        self.net = Denoiser(sizes)
        self.sigma_data = SIGMA_DATA["many" if sizes.many_voices else "one"] if sigma_data is None else sigma_data

    def denoise(
        self,
        noisy: Tensor,
        sigma: Tensor,
        text: Tensor,
        voice: Tensor | None = None,
        guidance: float = 1.0,
        padding: Tensor | None = None,
    ) -> Tensor:
        """A noisy style (B, 2 S) at levels (B,) -> the style that the network takes to be in it.

        text (B, T, width) of PL-BERT; voice (B, 2 S); guidance: how far to go from what it takes without the text;
        padding (B, T) bool: True behind the end of each text.
        """
        sigma = sigma.unsqueeze(-1)
        spread = torch.sqrt(sigma**2 + self.sigma_data**2)
        given = noisy / spread, torch.log(sigma).squeeze(-1) / 4
        if guidance == 1:
            found = self.net(*given, text, voice, padding)
        else:
            both = [torch.cat([part, part]) if part is not None else None for part in (*given, voice, padding)]
            texts = torch.cat([text, self.net.no_text(text)])
            found, without = self.net(*both[:2], texts, *both[2:]).chunk(2)
            found = without + guidance * (found - without)
        return noisy * (self.sigma_data / spread) ** 2 + found * (sigma * self.sigma_data / spread)

    def loss(
        self,
        style: Tensor,
        sigma: Tensor,
        noise: Tensor,
        text: Tensor,
        voice: Tensor | None = None,
        padding: Tensor | None = None,
    ) -> Tensor:
        """The training loss, a scalar: how far styles (B, 2 S) are missed at levels (B,) with noise (B, 2 S).

        text: in an item whose text is withheld (`withheld`) what stands for none. padding: as in `denoise`.
        """
        found = self.denoise(style + sigma.unsqueeze(-1) * noise, sigma, text, voice, padding=padding)
        weight = (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2
        return ((found - style).square().mean(dim=-1) * weight).mean()

    def withheld(self, text: Tensor, which: Tensor) -> Tensor:
        """Texts (B, T, width) of which those of `which` (B,) bool are replaced by what stands for none."""
        return torch.where(which[:, None, None], self.net.no_text(text), text)

    def sample(
        self,
        start: Tensor,
        text: Tensor,
        voice: Tensor | None = None,
        steps: int = 5,
        guidance: float = 1.0,
        noise: Noise = torch.randn_like,
        padding: Tensor | None = None,
    ) -> Tensor:
        """Noise (B, 2 S) of variance 1 -> styles (B, 2 S), in steps - 1 moves; the network is asked twice in each."""

        def at(level: float, x: Tensor) -> Tensor:
            return self.denoise(x, x.new_full((len(x),), level), text, voice, guidance, padding)

        x = start * NOISIEST
        for move in moves(steps):
            slope = (x - at(move.start, x)) / move.start
            halfway = x + slope * (move.middle - move.start)
            slope = (halfway - at(move.middle, halfway)) / move.middle
            x = x + slope * (move.end - move.start)
            x = x + noise(x) * move.added
        return x


def draw_levels(count: int, device: str | torch.device = "cpu") -> Tensor:
    """Noise levels of a training batch: (count,), log-normal."""
    return torch.exp(LOG_MEAN + LOG_DEVIATION * torch.randn(count, device=device))
