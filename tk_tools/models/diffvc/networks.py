"""DiffVC as a whole: average-voice encoder and diffusion decoder, under the published key names."""

from __future__ import annotations

import torch
from torch import nn

from tk_tools.models.diffvc.average_voice import AverageVoice, AverageVoiceConfig
from tk_tools.models.diffvc.diffusion import add_noise, diffuse, score_loss, times_back, way_back
from tk_tools.models.diffvc.score import ScoreConfig, ScoreNetwork, pad_frames
from tk_tools.nets.noise import Noise

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Decoder(nn.Module):
    """The score network and the diffusion around it."""

    def __init__(self, config: ScoreConfig = ScoreConfig()):
        super().__init__()
        self.estimator = ScoreNetwork(config)
        self.precision = torch.float32  # of the score, when sampling

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
        conditions = self.conditions(reference, reference_mask, reference_mean, embedding, steps)
        return self.sample_with(conditions, start, mask, mean, solver, noise)

    def conditions(
        self,
        reference: torch.Tensor,
        reference_mask: torch.Tensor,
        reference_mean: torch.Tensor,
        embedding: torch.Tensor,
        steps: int,
    ) -> torch.Tensor:
        """What the score network knows of the target in each of N steps: (N, B, condition)."""

        def condition(time: torch.Tensor) -> torch.Tensor:
            heard = diffuse(reference, reference_mean, reference_mask, time)
            with self._autocast(heard):
                return self.estimator.condition(heard, reference_mask, embedding, time).to(heard.dtype)

        times = torch.from_numpy(times_back(steps)).to(reference)
        return torch.stack([condition(time.expand(len(reference))) for time in times])

    def sample_with(
        self,
        conditions: torch.Tensor,
        start: torch.Tensor,
        mask: torch.Tensor,
        mean: torch.Tensor,
        solver: str,
        noise: Noise = torch.randn_like,
    ) -> torch.Tensor:
        """`sample` with the conditions (N, B or 1, condition) of its N steps; those of one target serve any number of
        segments."""
        known = iter(conditions)

        def score(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            condition = next(known).expand(len(x), -1)
            with self._autocast(x):
                return self.estimator.score(x, mask, mean, condition, time).to(x.dtype)

        return way_back(score, start, mean, mask, solver, len(conditions), noise)

    def _autocast(self, x: torch.Tensor) -> torch.autocast:
        return torch.autocast(x.device.type, self.precision, enabled=self.precision != torch.float32)


class DiffVC(nn.Module):
    """Voice conversion from mel to mel."""

    def __init__(self, encoder: AverageVoiceConfig = AverageVoiceConfig(), decoder: ScoreConfig = ScoreConfig()):
        super().__init__()
        self.encoder = AverageVoice(encoder)
        self.decoder = Decoder(decoder)

    def forward(
        self,
        mel: torch.Tensor,
        reference: torch.Tensor,
        embedding: torch.Tensor,
        mask: torch.Tensor,
        time: torch.Tensor,
        noise: torch.Tensor,
    ) -> torch.Tensor:
        """The decoder's training loss, a scalar, at times (B,) with the given noise (B, 80, T); T a multiple of 4.

        mel and reference (B, 80, T), two crops of one utterance, with one mask (B, 1, T); embedding (B, 256): its own.
        """
        with torch.no_grad():
            mean, reference_mean = self.encoder(mel, mask), self.encoder(reference, mask)
        return self.decoder.loss(mel, mask, mean, reference, reference_mean, embedding, time, noise)

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
        return self.convert_to(self.hear(target, target_mask, embedding, steps), mel, mask, solver, noise)

    def hear(
        self, target: torch.Tensor, target_mask: torch.Tensor, embedding: torch.Tensor, steps: int = 30
    ) -> torch.Tensor:
        """What `convert` needs to know of the target, (steps, B, condition); convert_to takes it for many sources."""
        mean = self.encoder(target, target_mask)
        return self.decoder.conditions(target, target_mask, mean, embedding, steps)

    def convert_to(
        self,
        heard: torch.Tensor,
        mel: torch.Tensor,
        mask: torch.Tensor,
        solver: str = "ml",
        noise: Noise = torch.randn_like,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`convert` to a target that `hear` has heard: (steps, B or 1, condition)."""
        frames = mel.shape[-1]
        mean = self.encoder(mel, mask)
        start = diffuse(mel, mean, mask, torch.ones(len(mel), device=mel.device))
        padded_mask, mean, begin = (pad_frames(x) for x in (mask, mean, start))
        begin = begin + noise(begin)
        made = self.decoder.sample_with(heard, begin, padded_mask, mean, solver, noise)
        return start, made[..., :frames]

    def for_inference(self, precision: str = "fp32") -> DiffVC:
        """The same network made ready to convert, in place and for good: nothing can be trained or saved from it.

        Call it on the device that it will run on. precision: fp32, or bf16 for the score network's products (numbers
        then differ in the third digit), faster where the hardware has them. With fp32 on a processor the published
        decoder's weights take 1.6 GB instead of 0.45.
        """
        self.eval().requires_grad_(False)
        self.decoder.precision = PRECISIONS[precision]
        on_processor = next(self.parameters()).device.type == "cpu"
        self.decoder.estimator.for_inference(fast_layers=on_processor and precision == "fp32")
        self.encoder.postnet.to(memory_format=torch.channels_last)
        return self


def frame_mask(lengths: torch.Tensor, frames: int) -> torch.Tensor:
    """Lengths (B,) -> (B, 1, frames): 1 for the first of each, 0 behind."""
    return (torch.arange(frames, device=lengths.device) < lengths[:, None]).unsqueeze(1).float()
