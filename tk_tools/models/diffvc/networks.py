"""DiffVC as a whole: average-voice encoder and diffusion decoder, under the published key names."""

from __future__ import annotations

import torch
from torch import nn

from tk_tools.models.diffvc.average_voice import AverageVoice, AverageVoiceConfig
from tk_tools.models.diffvc.diffusion import Noise, add_noise, diffuse, score_loss, way_back
from tk_tools.models.diffvc.score import ScoreConfig, ScoreNetwork, pad_frames


class Decoder(nn.Module):
    """The score network and the diffusion around it."""

    def __init__(self, config: ScoreConfig = ScoreConfig()):
        super().__init__()
        self.estimator = ScoreNetwork(config)

    def loss(
        self,
        mel: torch.Tensor,
        mask: torch.Tensor,
        mean: torch.Tensor,
        reference: torch.Tensor,
        reference_mean: torch.Tensor,
        embedding: torch.Tensor,
        time: torch.Tensor,
        noise: torch.Tensor,
    ) -> torch.Tensor:
        """The training loss at times (B,) with the given noise (B, 80, T); the reference has the mel's mask."""
        noisy, noise = add_noise(mel, mean, mask, time, noise)
        heard = diffuse(reference, reference_mean, mask, time)
        score = self.estimator(noisy, mask, mean, heard, mask, embedding, time)
        return score_loss(score, noise, mask, time)

    def sample(
        self,
        start: torch.Tensor,
        mask: torch.Tensor,
        mean: torch.Tensor,
        reference: torch.Tensor,
        reference_mask: torch.Tensor,
        reference_mean: torch.Tensor,
        embedding: torch.Tensor,
        solver: str,
        steps: int,
        noise: Noise = torch.randn_like,
    ) -> torch.Tensor:
        """A mel (B, 80, T) in the reference's voice, from noise around the average voice `mean`; T a multiple of 4."""

        def score(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            heard = diffuse(reference, reference_mean, reference_mask, time)
            return self.estimator(x, mask, mean, heard, reference_mask, embedding, time)

        return way_back(score, start, mean, mask, solver, steps, noise)


class DiffVC(nn.Module):
    """Voice conversion from mel to mel."""

    def __init__(self, encoder: AverageVoiceConfig = AverageVoiceConfig(), decoder: ScoreConfig = ScoreConfig()):
        super().__init__()
        self.encoder = AverageVoice(encoder)
        self.decoder = Decoder(decoder)

    def convert(
        self,
        mel: torch.Tensor,
        mask: torch.Tensor,
        target: torch.Tensor,
        target_mask: torch.Tensor,
        embedding: torch.Tensor,
        solver: str = "ml",
        steps: int = 30,
        noise: Noise = torch.randn_like,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The average voice that the way back starts around, and the converted mel, both (B, 80, T).

        mel (B, 80, T) and target (B, 80, R): log-mels of the front end `diffvc`, with masks (B, 1, T) and (B, 1, R);
        embedding (B, 256): GE2E, of the target.
        """
        frames = mel.shape[-1]
        mean = self.encoder(mel, mask)
        target_mean = self.encoder(target, target_mask)
        start = diffuse(mel, mean, mask, torch.ones(len(mel), device=mel.device))
        padded_mask, mean, begin = (pad_frames(x) for x in (mask, mean, start))
        begin = begin + noise(begin)
        made = self.decoder.sample(
            begin, padded_mask, mean, target, target_mask, target_mean, embedding, solver, steps, noise
        )
        return start, made[..., :frames]


def frame_mask(lengths: torch.Tensor, frames: int) -> torch.Tensor:
    """Lengths (B,) -> (B, 1, frames): 1 for the first of each, 0 behind."""
    return (torch.arange(frames, device=lengths.device) < lengths[:, None]).unsqueeze(1).float()
