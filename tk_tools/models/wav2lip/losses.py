"""Wav2Lip's losses. Source: cosine_loss of color_syncnet_train.py, get_sync_loss and train of (hq_)wav2lip_train.py.

All are means, in float32 whatever the precision of the networks.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from tk_tools.models.wav2lip.samples import expert_faces
from tk_tools.nets.sync_expert import SyncExpert

MOUTH = (slice(52, 92), slice(22, 74))  # rows and columns of a crop that a speaking mouth and chin change


def picture_loss(
    made: torch.Tensor, target: torch.Tensor, squared: bool = False, mouth_weight: float = 1.0
) -> torch.Tensor:
    """Mean absolute or squared error of (B, 3, T, 96, 96) pictures; those around the mouth count mouth_weight times."""
    error = functional.mse_loss if squared else functional.l1_loss
    if mouth_weight == 1:
        return error(made.float(), target)
    weight = torch.ones(made.shape[-2:], device=made.device)
    weight[MOUTH] = mouth_weight
    return (error(made.float(), target, reduction="none") * (weight / weight.mean())).mean()


def cosine_bce(audio: torch.Tensor, faces: torch.Tensor, in_sync: torch.Tensor) -> torch.Tensor:
    """Binary cross entropy of the cosine itself, taken as the probability of being in sync.

    audio, faces: (B, E) embeddings, not negative; in_sync: (B,) or (B, 1), 1 or 0.
    """
    cosine = functional.cosine_similarity(audio.float(), faces.float(), dim=1)
    return _cross_entropy(cosine, in_sync.float().flatten())


def pairs_bce(audio: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """As cosine_bce, over all pairs of K windows of a clip: (B, K, E) each, K > 1. In sync and off weigh the same."""
    cosines = functional.normalize(audio.float(), dim=2) @ functional.normalize(faces.float(), dim=2).transpose(1, 2)
    count = cosines.shape[1]
    in_sync = torch.eye(count, device=cosines.device).expand_as(cosines)
    weight = in_sync + (1 - in_sync) / (count - 1)
    return _cross_entropy(cosines, in_sync, weight=weight * count / 2)


def _cross_entropy(cosine: torch.Tensor, in_sync: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    # torch refuses what is not in 0..1: rounding takes a cosine past 1 at times, and a NaN must reach the loss, where
    # the loop looks for it.
    probability = torch.nan_to_num(cosine.clamp(min=0.0, max=1.0))
    return functional.binary_cross_entropy(probability, in_sync, weight=weight) + 0 * cosine.sum()


def sync_loss(expert: SyncExpert, mel: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """How far the expert finds (B, 3, 5, 96, 96) pictures from being in sync with (B, 1, 80, 16) sound."""
    return all_in_sync(*expert(mel, expert_faces(made)))


def all_in_sync(audio: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """cosine_bce of embeddings (B, E) against "all in sync"."""
    return cosine_bce(audio, faces, in_sync=torch.ones(len(audio), device=audio.device))


def real_loss(logits: torch.Tensor) -> torch.Tensor:
    """Cross entropy of a discriminator's logits against "all real"; for made pictures, the perceptual loss."""
    return functional.binary_cross_entropy_with_logits(logits.float(), torch.ones_like(logits, dtype=torch.float32))


def fake_loss(logits: torch.Tensor) -> torch.Tensor:
    """Cross entropy of a discriminator's logits against "all made"."""
    return functional.binary_cross_entropy_with_logits(logits.float(), torch.zeros_like(logits, dtype=torch.float32))


def weighted(
    picture: torch.Tensor,
    sync: torch.Tensor | float,
    sync_weight: float,
    perceptual: torch.Tensor | float = 0.0,
    perceptual_weight: float = 0.0,
) -> torch.Tensor:
    """The generator's total: sync and perceptual by their weights, and the pictures' by what is left of 1."""
    return sync_weight * sync + perceptual_weight * perceptual + (1 - sync_weight - perceptual_weight) * picture
