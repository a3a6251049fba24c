"""A world where lip sync is known exactly: pictures as bright as the sound is loud, and an expert that sees just that.

Its weights are written by hand: both encoders end in (x, 1 - x) at unit length, where x is the mean brightness of a
window of pictures, or the mean of a window of mel.
"""

from fractions import Fraction

import numpy as np
import torch

from tk_tools.audio.mel import mel
from tk_tools.files.face_file import create_face_file
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.sound import Audio
from tk_tools.nets.sync_expert import SyncExpert, SyncExpertConfig


def make_clip(seed: int, frames: int, early: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Brightness (frames,) uint8 and int16 samples at 16 kHz, which come `early` frames before their pictures."""
    rng = np.random.default_rng(seed)
    level = rng.random(frames)
    place = np.arange(frames * 640) / 640 - 0.5
    loudness = np.interp(place, np.arange(frames), level)
    samples = 30 * 10 ** (2 * loudness) * rng.standard_normal(frames * 640)
    return np.round(255 * level).astype(np.uint8), np.roll(samples, -640 * early).astype(np.int16)


def pictures(level: np.ndarray, size: int = 96) -> np.ndarray:
    """(frames, size, size, 3) uint8."""
    return np.broadcast_to(level[:, None, None, None], (len(level), size, size, 3))


@torch.no_grad()
def loudness_expert() -> SyncExpert:
    """The expert; state dicts of it are files of weights like any other."""
    network = SyncExpert(SyncExpertConfig(widths=(2, 2, 2, 2, 2))).eval()
    for encoder in (network.face_encoder, network.audio_encoder):
        for block in encoder:
            conv = block.conv_block[0]
            conv.weight.zero_()
            conv.bias.zero_()
            height, width = conv.kernel_size
            if not block.residual and encoder is network.face_encoder:
                seen = 15 if conv.in_channels == 15 else 1  # all colours of all frames, then the first channel alone
                conv.weight[0, :seen, height // 2, width // 2] = 1 / seen
            elif not block.residual:
                conv.weight[0, 0] = 1 / (height * width)
    first = network.audio_encoder[0].conv_block[0]
    first.weight[0, 0] /= 8  # mel lies in -4..4
    first.bias[0] = 0.5
    _finish(network.face_encoder, gain=1.0, offset=0.0)
    level, samples = make_clip(seed=1, frames=200)
    columns = mel(samples, "wav2lip")
    windows = np.stack([columns[80 * v // 25 :][:16].T for v in range(190)])[:, None]
    heard = network.audio_encoder(torch.from_numpy(windows))[:, 0, 0, 0].numpy()
    seen = np.array([level[v : v + 5].mean() for v in range(190)]) / 255
    gain, offset = np.polyfit(heard, seen, 1)
    _finish(network.audio_encoder, gain=float(gain), offset=float(offset))
    return network


def _finish(encoder: torch.nn.Sequential, gain: float, offset: float) -> None:
    conv = encoder[-1].conv_block[0]
    conv.weight[0, 0], conv.bias[0] = gain, offset
    conv.weight[1, 0], conv.bias[1] = -gain, 1 - offset


def write_clip(path, level, samples, *, layout="wav2lip", fps=25, rate=16000, valid=None):
    """A NAME.face.h5 of a made clip; `samples` None: without sound."""
    frames = pictures(level)
    valid = np.ones(len(frames), bool) if valid is None else valid
    made = Provenance(params={}, source=Source(name="made", digest="none"))
    audio = None if samples is None else Audio(samples=samples, sample_rate=rate)
    with create_face_file(
        path,
        fps=Fraction(fps),
        layout=layout,
        backend="made",
        source_size=(96, 96),
        made=made,
        audio=audio,
        codec="png",
    ) as writer:
        for frame, good in zip(frames, valid, strict=True):
            writer.append(
                np.ascontiguousarray(frame),
                box=np.array([0, 0, 96, 96]),
                landmarks=None,
                score=1.0,
                transform=np.eye(2, 3),
                valid=bool(good),
            )
    return path
