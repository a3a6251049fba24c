"""Stage pitch: the pitch extractor learns to tell a tracker's pitch from the mel, and where nobody speaks.

Source: trainer.py and meldataset.py of yl4579/PitchExtractor. Where this differs from them: behind the end of a short
recording there is silence, and so it is called (the original fills up with a mel of 0, which is loud, and calls it
speech), and a validation looks at the middle of each recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.audio.pitch import check_tracker
from tk_tools.models.styletts2.config import PitchConfig
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor, PitchSizes
from tk_tools.models.styletts2.published import load_pitch_extractor
from tk_tools.models.styletts2.sizes import VOICED_FROM
from tk_tools.models.styletts2.training.data import Clip, Recordings, inspect_list
from tk_tools.models.styletts2.training.one_cycle import BETA1, BETA2, WEIGHT_DECAY, OneCycle
from tk_tools.models.styletts2.training.optimisers import adamw
from tk_tools.models.styletts2.training.tracked_pitch import TrackedPitch
from tk_tools.models.styletts2.training.voice_detector import VoiceDetector
from tk_tools.train.clips import Listed
from tk_tools.train.decay import decay
from tk_tools.train.means import Means
from tk_tools.train.task import Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric

ITEM_FRAMES = 192  # of a training item
FLOOR = 1e-5  # added to the mel before its logarithm
SILENT_MEL = (np.log(FLOOR) + 4) / 4
CENTS = 1200.0  # of an octave
HERTZ = 100.0  # what the last layer's first weights are multiplied by


class PitchItems(Recordings):
    """Parts of recordings: `[Draw(index, seed)]` gives mel (80, ITEM_FRAMES), pitch (ITEM_FRAMES,) in Hz, 0 where
    nobody speaks, and silent (ITEM_FRAMES,), 1 there and else 0. fixed: from the middle of each recording, as loud as
    it is. others: as of Recordings."""

    def __init__(self, clips: Sequence[Clip], config: PitchConfig, fixed: bool = False, others: int = 0):
        super().__init__(clips, config, others=others)
        self.fixed, self._lowest = fixed, config.lowest_gain
        self._tracked = TrackedPitch(config.tracker, Path(config.tracked) if config.tracked else None)

    def _item(self, place: int, random: np.random.Generator) -> dict[str, Tensor]:
        samples, bands = self._read(place)
        pitch = self._tracked.of(self.clips[place].path, samples.flatten())
        room = max(0, len(bands) - ITEM_FRAMES)
        start = room // 2 if self.fixed else int(random.integers(room + 1))
        bands, pitch = bands[start : start + ITEM_FRAMES], pitch[start : start + ITEM_FRAMES]
        if not self.fixed:
            bands = quieter(bands, random.uniform(self._lowest, 1.0))
        behind = ITEM_FRAMES - len(bands)
        bands = np.pad(bands, ((0, behind), (0, 0)), constant_values=SILENT_MEL).astype(np.float32)
        pitch = torch.from_numpy(np.pad(pitch, (0, behind)))
        return {"mel": torch.from_numpy(bands.T.copy()), "pitch": pitch, "silent": (pitch == 0).float()}

    @staticmethod
    def collate(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The items of one shape as a batch of them."""
        return {name: torch.stack([item[name] for item in items]) for name in items[0]}


def quieter(bands: np.ndarray, gain: float) -> np.ndarray:
    """The normalised log-mel, of any shape, of the same sound multiplied by `gain`, 0 to 1."""
    power = np.exp(4 * bands - 4) - FLOOR
    return (np.log(FLOOR + gain**2 * np.maximum(power, 0)) + 4) / 4


def new_extractor(sizes: PitchSizes) -> PitchExtractor:
    """One with new weights, whose answers are of the size of Hz from the beginning: at the step sizes of training, the
    last layer would be long in growing so large."""
    extractor = PitchExtractor(sizes)
    with torch.no_grad():
        extractor.classifier.weight.mul_(HERTZ)
    return extractor


class PitchTask(Task):
    """The pitch's smooth L1 distance, and the cross-entropy of silence."""

    main = "pitch_extractor"
    config: PitchConfig

    @classmethod
    def check(cls, config: PitchConfig) -> None:
        check_tracker(config.tracker)

    @classmethod
    def inspect(cls, path: Path, config: PitchConfig) -> Listed:
        return inspect_list(path, config)

    def __init__(
        self,
        config: PitchConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = PitchItems(train, config, others=len(val))
        self.val_data = PitchItems(val, config, fixed=True, others=len(train))
        known = needs.get("init")
        extractor = load_pitch_extractor(known).train() if known else new_extractor(config.sizes.pitch())
        self.set_up(extractor, VoiceDetector(extractor.sizes))

    def set_up(self, extractor: PitchExtractor, detector: VoiceDetector) -> None:
        """Take the networks, their optimiser and its schedule into training."""
        config = self.config
        steps = config.steps(len(self.train_data), self.fabric.world_size)
        both = nn.ModuleList([extractor, detector])
        self.optimizer = self.fabric.setup_optimizers(
            adamw(both, config.learning_rate, (BETA1[0], BETA2), WEIGHT_DECAY)
        )
        self.extractor, self.detector = map(self.fabric.setup_module, both)
        self.extractor.mark_forward_method("with_maps")
        self.modules = {"pitch_extractor": self.extractor, "voice_detector": self.detector}
        self.optimizers = {"adamw": self.optimizer}
        self.schedulers = {"one_cycle": OneCycle(self.optimizer, steps)}

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        losses = self.losses(*self.listen(batch["mel"]), batch)
        self.descend(losses["loss"], self.extractor, self.optimizer)
        decay(self)
        return {name: loss.detach() for name, loss in losses.items()}

    def listen(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Pitch and logits of silence, (B, frames) each, of a mel (B, 80, frames)."""
        pitch, maps = self.extractor.with_maps(mel)
        return pitch, self.detector(maps)

    def losses(self, pitch: Tensor, silence: Tensor, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Scalars: pitch, the smooth L1 distance in Hz; silence, the cross-entropy; loss, their weighted sum."""
        distance = functional.smooth_l1_loss(pitch.float(), batch["pitch"])
        entropy = functional.binary_cross_entropy_with_logits(silence.float(), batch["silent"])
        return {"loss": self.config.pitch_weight * distance + entropy, "pitch": distance, "silence": entropy}

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """hz and cents: mean absolute error where the tracker hears a voice; voicing: share of frames that have a voice
        to one of both alone (to the extractor from VOICED_FROM Hz on, as the decoder takes it); the losses."""
        self.extractor.eval()
        self.detector.eval()
        means = Means(self.fabric)
        for batch in batches:
            pitch, silence = self.listen(batch["mel"])
            means.add(**pitch_errors(pitch.float(), batch["pitch"]), **self.losses(pitch, silence, batch))
        return means.result()


def pitch_errors(pitch: Tensor, true: Tensor) -> dict[str, Tensor]:
    """hz, cents, voicing of pitch and its truth, (B, frames) each, 0 where nobody speaks; scalars."""
    voiced = true > 0
    count = voiced.sum().clamp(min=1)
    off = torch.where(voiced, (pitch - true).abs(), 0)
    octaves = (pitch.clamp(min=VOICED_FROM) / true.clamp(min=VOICED_FROM)).log2().abs()
    return {
        "hz": off.sum() / count,
        "cents": CENTS * torch.where(voiced, octaves, 0).sum() / count,
        "voicing": ((pitch > VOICED_FROM) != voiced).float().mean(),
    }
