"""Styles in training: those of recordings, and those that the diffusion learns to sample.

Source: train_second.py of yl4579/StyleTTS2. Where this differs from it: a text is withheld from all moves of a sampling
or from none, from the denoiser's loss of a single voice too, and padding is neither heard as sound nor read as text.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tk_tools.models.styletts2.style_diffusion import NO_TEXT_SHARE, StyleDiffusion, draw_levels

SAMPLED_IN = (3, 4)  # noise levels of a sampling in training, drawn for each batch


def heard_styles(encoder: nn.Module, mel: Tensor, lengths: Tensor) -> Tensor:
    """The style (B, S) of each of mels (B, 80, frames), of its own frames alone, which `lengths` (B,) counts."""
    if int(lengths.min()) == mel.shape[-1]:
        return encoder(mel)
    return torch.cat([encoder(own[None, :, :length]) for own, length in zip(mel, lengths.tolist(), strict=True)])


def sample_styles(diffusion: StyleDiffusion, known: Tensor, padding: Tensor, voice: Tensor | None) -> Tensor:
    """Styles (B, 2 S) for texts (B, T, width) of PL-BERT, with gradient; padding (B, T) bool; voice (B, 2 S)."""
    start = torch.randn(len(known), diffusion.net.to_out[1].out_channels, device=known.device)
    steps = SAMPLED_IN[int(torch.randint(len(SAMPLED_IN), ()))]
    text = diffusion.withheld(known, _withheld(known))
    return diffusion.sample(start, text, voice, steps, padding=padding)


def diffusion_loss(
    diffusion: StyleDiffusion, style: Tensor, known: Tensor, padding: Tensor, voice: Tensor | None
) -> Tensor:
    """The denoiser's loss, a scalar, on styles (B, 2 S) at noise levels that are drawn; the others as above."""
    sigma = draw_levels(len(style), style.device)
    text = diffusion.withheld(known, _withheld(known))
    return diffusion.loss(style, sigma, torch.randn_like(style), text, voice, padding)


def _withheld(known: Tensor) -> Tensor:
    return torch.rand(len(known), device=known.device) < NO_TEXT_SHARE
