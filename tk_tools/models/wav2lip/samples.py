"""What one training sample is made of: pictures of five frames, and the mel columns that belong to them.

Pure functions of arrays; which frames are drawn is decided in data. Source: Dataset of color_syncnet_train.py and
wav2lip_train.py of Rudrabha/Wav2Lip. Pictures travel as uint8 RGB and become BGR in 0..1 where a network needs them.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from tk_tools.audio.mel_presets import WAV2LIP
from tk_tools.models.wav2lip.networks import HALF
from tk_tools.nets.sync_expert import FACE_SIZE, FRAMES_PER_WINDOW, MEL_COLUMNS


def first_column(frame: int, fps: Fraction) -> int:
    """The mel column at which `frame` starts (rounded down)."""
    return int(frame * WAV2LIP.columns_per_second / fps)


def mel_window(mel: np.ndarray, frame: int, fps: Fraction) -> np.ndarray | None:
    """(columns, 80) -> the (1, 80, 16) columns from the start of `frame`; None unless all of them exist."""
    start = first_column(frame, fps)
    if frame < 0 or start + MEL_COLUMNS > len(mel):
        return None
    return np.ascontiguousarray(mel[start : start + MEL_COLUMNS].T)[None]


def frame_mels(mel: np.ndarray, first: int, fps: Fraction) -> np.ndarray | None:
    """The sound of each frame of the window at `first`: (5, 1, 80, 16), or None unless all of it exists.

    Each begins one frame before its own, as in the original; so `first` must be at least 1.
    """
    windows = [mel_window(mel, frame, fps) for frame in range(first - 1, first - 1 + FRAMES_PER_WINDOW)]
    return None if any(window is None for window in windows) else np.stack(windows)


def usable_windows(valid: np.ndarray, columns: int, fps: Fraction) -> np.ndarray:
    """First frames of the windows that can be trained on: five valid frames, all sound of frame_mels and mel_window.

    valid: (frames,) bool; columns: of the mel. Returns ascending indices, (windows,) int64.
    """
    if len(valid) < FRAMES_PER_WINDOW:
        return np.zeros(0, dtype=np.int64)
    whole = np.lib.stride_tricks.sliding_window_view(valid, FRAMES_PER_WINDOW).all(axis=1)
    firsts = np.flatnonzero(whole)
    firsts = firsts[firsts >= 1]  # the first frame's sound starts one frame earlier
    last_heard = [first_column(first + FRAMES_PER_WINDOW - 2, fps) + MEL_COLUMNS for first in firsts]
    return firsts[np.asarray(last_heard, dtype=np.int64) <= columns]


def resized(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (96, 96, 3), bilinear; the aspect is not kept, as in the original."""
    import cv2

    if picture.shape[:2] == (FACE_SIZE, FACE_SIZE):
        return picture
    return cv2.resize(picture, dsize=(FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_LINEAR)


def to_network(windows: torch.Tensor) -> torch.Tensor:
    """(B, T, H, W, 3) uint8 RGB -> (B, 3, T, H, W) float32 BGR in 0..1; frames outermost in memory, channels last."""
    frames = windows.transpose(0, 1).flip(-1).contiguous().float().div_(255)  # (T, B, H, W, BGR)
    return frames.permute(1, 4, 0, 2, 3)


def to_pictures(made: torch.Tensor) -> np.ndarray:
    """(B, 3, H, W) BGR in 0..1 -> (B, H, W, 3) uint8 RGB, rounded down as the original does."""
    return (made.float() * 255).byte().flip(1).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def expert_faces(faces: torch.Tensor) -> torch.Tensor:
    """(B, 3, T, 96 or 48, 96) -> (B, 3 T, 48, 96), the lower halves, frame outermost."""
    return faces[..., -HALF:, :].transpose(1, 2).flatten(start_dim=1, end_dim=2)


def generator_faces(target: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Two (B, 3, T, 96, 96) -> (B, 6, T, 96, 96): the target without its rows 48..95, then the reference."""
    batch, _, frames, height, width = target.shape
    joined = target.new_zeros((frames, batch, height, width, 6))
    joined[:, :, :HALF, :, :3] = target[..., :HALF, :].permute(2, 0, 3, 4, 1)
    joined[..., 3:] = reference.permute(2, 0, 3, 4, 1)
    return joined.permute(1, 4, 0, 2, 3)
