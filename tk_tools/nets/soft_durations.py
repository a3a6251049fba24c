"""Durations as a soft alignment that has a gradient, for a loss on speech whose timing was predicted.

Source: Li et al., StyleTTS 2 (2023), section 3.2.5 (differentiable duration modelling), with the bounds of the
published code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def soft_alignment(logits: Tensor, token_lengths: Tensor, *, sigma: float = 1.5) -> Tensor:
    """How much of each frame is spoken on each token, by Gaussians around where the tokens are to lie.

    logits: (batch, tokens, steps), whose sigmoids add up to a token's duration in frames; token_lengths: (batch,);
    sigma: width of the Gaussians in frames. Gives (batch, tokens, frames) as the softmax over an item's tokens, 0 on
    the padding; an item has as many frames as its durations add up to, rounded. ValueError: an item has no frame.
    """
    import torch
    import torch.nn.functional as F

    from tk_tools.nets.padding import padding_mask

    batch, tokens, steps = logits.shape
    absent = padding_mask(token_lengths, tokens)
    durations = logits.sigmoid().sum(dim=2).masked_fill(absent, 0)
    lengths = durations.sum(dim=1).round().long()  # (batch,)
    if int(lengths.min()) < 1:
        raise ValueError("the durations of an item add up to less than half a frame")
    frames = torch.arange(int(lengths.max()), device=logits.device)
    centres = durations.cumsum(dim=1) - durations / 2  # (batch, tokens)
    gaussians = torch.exp(-0.5 * ((frames - (centres[..., None] - 1)) / sigma) ** 2)
    # the published convolution sees no Gaussian beyond the item's last frame
    ended = frames >= lengths[:, None]  # (batch, frames)
    gaussians = gaussians.masked_fill(ended[:, None], 0)
    # Step j of a token weighs its Gaussian j frames later: a convolution of each token by itself.
    scores = F.conv1d(
        F.pad(gaussians, (steps - 1, 0)).view(1, batch * tokens, -1),
        logits.flip(2).reshape(batch * tokens, 1, steps),
        groups=batch * tokens,
    ).view(batch, tokens, -1)
    alignment = scores.masked_fill(absent[..., None], float("-inf")).softmax(dim=1)
    return alignment.masked_fill(ended[:, None], 0)
