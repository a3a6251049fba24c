"""Lip sync of one clip with any judge: a scorer turns mouth and sound windows into vectors, the rest is common.

Two scorers: the published SyncNet v2 (224 px crops, MFCC), and a Wav2Lip expert (96 px crops, mel),
published or one's own. Clips come as a stream of blocks of frames, so the memory does not grow with their length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import torch

from tk_tools.audio.mel import mel_blocks
from tk_tools.audio.mel_presets import WAV2LIP
from tk_tools.audio.mfcc import FRAME as MFCC_FRAME
from tk_tools.audio.mfcc import HOP as MFCC_HOP
from tk_tools.audio.mfcc import mfcc
from tk_tools.errors import InputError
from tk_tools.files.rates import FRAME_RATE
from tk_tools.metrics.lse import MAX_SHIFT, SyncMeter, SyncResult, least_windows
from tk_tools.metrics.syncnet_v2 import FRAME_SIZE, MFCC_COLUMNS, FoldedSyncNet, SyncNetV2
from tk_tools.nets import sync_expert

SAMPLE_RATE = 16000  # Hz
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAME_RATE
WINDOW = 5  # frames
OVERLAP = WINDOW - 1
MFCC_PER_FRAME = 4
MEL_PER_SECOND = int(WAV2LIP.columns_per_second)


class SyncScorer(Protocol):
    """A judge of lip sync.

    layout: the crop it looks at (a name of tk-crop-face). size: of the crop's side, px. batch: windows at a time.
    spare: how many more frames than its window needs must be there (the published procedure leaves the last one out).
    zeros_beyond_ends: see SyncMeter.
    """

    layout: str
    size: int
    batch: int
    spare: int
    zeros_beyond_ends: bool

    def sound_windows(self, samples: int) -> int:
        """How many windows a sound of that many samples has."""

    def listen(self, samples: np.ndarray) -> object:
        """(samples,) int16 at 16 kHz -> what embed_sound needs."""

    def embed_sound(self, sound: object, first: int, count: int) -> np.ndarray:
        """Windows first .. first + count - 1 -> (count, E)."""

    def embed_faces(self, frames: np.ndarray) -> np.ndarray:
        """RGB crops (n + 4, H, W, 3) uint8 -> (n, E), a vector for each five frames."""


class SyncNetScorer:
    """The published judge, by the published procedure: zeros beyond the ends, the last window left out."""

    layout = "syncnet"
    size = FRAME_SIZE
    batch = 20
    spare = 1
    zeros_beyond_ends = True

    def __init__(self, network: SyncNetV2, device: str = "cpu"):
        self.network = FoldedSyncNet(network).to(device)
        self.device = device

    def sound_windows(self, samples: int) -> int:
        return samples // SAMPLES_PER_FRAME - OVERLAP - self.spare

    def listen(self, samples: np.ndarray) -> np.ndarray:
        """(samples,) int16, as they are."""
        return samples

    @torch.inference_mode()
    def embed_sound(self, sound: np.ndarray, first: int, count: int) -> np.ndarray:
        # One column before the first: pre-emphasis treats the first sample of all in its own way.
        start = max(0, MFCC_PER_FRAME * first - 1)
        stop = MFCC_PER_FRAME * (first + count - 1) + MFCC_COLUMNS
        columns = mfcc(sound[start * MFCC_HOP : (stop - 1) * MFCC_HOP + MFCC_FRAME])[MFCC_PER_FRAME * first - start :]
        windows = np.lib.stride_tricks.sliding_window_view(columns, MFCC_COLUMNS, axis=0)[::MFCC_PER_FRAME][:count]
        x = torch.from_numpy(windows.astype(np.float32)).unsqueeze(1).to(self.device)  # (count, 1, 13, 20)
        return self.network.embed_audio(x).cpu().numpy()

    @torch.inference_mode()
    def embed_faces(self, frames: np.ndarray) -> np.ndarray:
        bgr = _resized(frames, self.size)[..., ::-1]
        x = torch.from_numpy(bgr.astype(np.float32)).permute(0, 3, 1, 2).to(self.device)
        return self.network.embed_lip_frames(x).cpu().numpy()


class ExpertScorer:
    """A Wav2Lip expert. Its vectors have unit length: distances are Euclidean, 0 (in sync) to sqrt(2) (nothing alike).

    Windows without a partner are left out of the mean: no published numbers ask for zeros here, and zeros would pull
    the curve down at its ends.
    """

    layout = "wav2lip"
    size = sync_expert.FACE_SIZE
    batch = 64
    spare = 0
    zeros_beyond_ends = False

    def __init__(self, network: sync_expert.SyncExpert, device: str = "cpu"):
        self.network = network.eval().to(device)
        self.device = device

    def sound_windows(self, samples: int) -> int:
        columns = 1 + samples // WAV2LIP.hop_length
        # The last window v whose columns from int(80 v / 25) on are all there.
        return ((columns - sync_expert.MEL_COLUMNS + 1) * FRAME_RATE - 1) // MEL_PER_SECOND + 1

    def listen(self, samples: np.ndarray) -> np.ndarray:
        """(samples,) int16 -> mel (columns, 80) float32."""
        seconds = (samples[start : start + SAMPLE_RATE] for start in range(0, len(samples), SAMPLE_RATE))
        return np.concatenate(list(mel_blocks(seconds, WAV2LIP)))

    @torch.inference_mode()
    def embed_sound(self, sound: np.ndarray, first: int, count: int) -> np.ndarray:
        starts = np.arange(first, first + count) * MEL_PER_SECOND // FRAME_RATE
        windows = np.lib.stride_tricks.sliding_window_view(sound, sync_expert.MEL_COLUMNS, axis=0)[starts]
        x = torch.from_numpy(np.ascontiguousarray(windows)).unsqueeze(1).to(self.device)  # (count, 1, 80, 16)
        return self.network.embed_audio(x).cpu().numpy()

    @torch.inference_mode()
    def embed_faces(self, frames: np.ndarray) -> np.ndarray:
        bgr = _resized(frames, self.size)[..., ::-1]
        lower = torch.from_numpy(bgr[:, self.size // 2 :].astype(np.float32) / 255).permute(0, 3, 1, 2)
        windows = lower.unfold(0, WINDOW, 1).movedim(-1, 1).flatten(start_dim=1, end_dim=2)  # (n, 15, 48, 96)
        return self.network.embed_face(windows.contiguous().to(self.device)).cpu().numpy()


def _resized(frames: np.ndarray, size: int) -> np.ndarray:
    if frames.shape[1:3] == (size, size):
        return frames
    import cv2

    return np.stack([cv2.resize(f, dsize=(size, size), interpolation=cv2.INTER_LINEAR) for f in frames])


def _rebatched(blocks: Iterable, scorer: SyncScorer) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of frames, or pairs of frames and validity, cut into what the scorer takes at a time: n + 4
    frames of each.
    """
    frames, valid = None, np.ones(0, dtype=bool)
    for block in blocks:
        block, good = block if isinstance(block, tuple) else (block, np.ones(len(block), dtype=bool))
        frames = block if frames is None else np.concatenate([frames, block])
        valid = np.concatenate([valid, good])
        while len(frames) - OVERLAP - scorer.spare >= scorer.batch:
            yield frames[: scorer.batch + OVERLAP], valid[: scorer.batch + OVERLAP]
            frames, valid = frames[scorer.batch :], valid[scorer.batch :]
    if frames is not None and len(frames) > OVERLAP + scorer.spare:
        stop = len(frames) - scorer.spare
        yield frames[:stop], valid[:stop]


def least_frames(max_shift: int = MAX_SHIFT) -> int:
    """The shortest clip, in frames, whose distances mean something at every shift; the same for all judges.

    28 (1.12 s) for 15 frames to both sides: the published judge then has 23 windows. The shortest clips of published
    numbers, those of LRW, have 29 frames.
    """
    return least_windows(max_shift) + OVERLAP + SyncNetScorer.spare


def measure_clip(
    scorer: SyncScorer, blocks: Iterable, samples: np.ndarray, max_shift: int = MAX_SHIFT, least: int = WINDOW
) -> SyncResult:
    """LSE-D, LSE-C, offset and all distances of one clip.

    blocks: RGB crops (n, H, W, 3) uint8 at 25 frames/s in the scorer's layout, any n, or pairs of them and a
    mask (n,) that is False where there is no face; windows that touch such a frame count nowhere.
    samples: int16 at 16 kHz, beginning with the first frame. least: frames that a clip must have (see least_frames; a
    few can be compared, but tell little). Raises InputError when there is less to compare.
    """
    needed = max(least - OVERLAP - scorer.spare, 1)
    most = scorer.sound_windows(len(samples))
    sound = scorer.listen(samples) if most > 0 else None
    meter = SyncMeter(max_shift=max_shift, zeros_beyond_ends=scorer.zeros_beyond_ends)
    done = measured = 0
    for frames, valid in _rebatched(blocks, scorer):
        count = min(len(frames) - OVERLAP, most - done)
        if count <= 0:
            break
        usable = np.lib.stride_tricks.sliding_window_view(valid[: count + OVERLAP], WINDOW).all(axis=1)
        lips = scorer.embed_faces(frames[: count + OVERLAP])
        lips[~usable] = np.nan
        meter.add(lips, scorer.embed_sound(sound, done, count))
        done += count
        measured += int(usable.sum())
    if done < needed:
        frames = needed + OVERLAP + scorer.spare
        raise InputError(
            f"too short to measure: for shifts up to {max_shift} frames, pictures and sound must both last "
            f"{frames / FRAME_RATE:.2f} s ({frames} frames) or more"
        )
    if not measured:
        raise InputError("no five frames in a row with a face")
    if measured < needed:
        raise InputError(
            f"too little of the face to measure: for shifts up to {max_shift} frames it must be there in {needed} "
            f"windows of five frames, and is in {measured}"
        )
    return meter.result()
