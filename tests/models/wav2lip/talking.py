"""What the tests of inference are made from: a face that sways, speech-like sound, and a small generator."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
from skimage import data

from tests.golden.golden import draw
from tests.media import ffmpeg
from tk_tools.files.ffmpeg import write_video
from tk_tools.models.wav2lip.networks import Generator
from tk_tools.weights.save import save_safetensors

SIZE = 240


def portrait(shift: int = 0) -> np.ndarray:
    """(240, 240, 3) uint8 RGB: a face of about 100 pixels, moved to the right by `shift`."""
    left = 100 - shift
    return np.ascontiguousarray(data.astronaut()[:SIZE, left : left + SIZE])


def scenery() -> np.ndarray:
    """A picture of the same size without a face."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.stack([x // 2 + 60, y // 2 + 40, (x + y) // 4 + 30], axis=-1).astype(np.uint8)


def write_sound(path: Path, seconds: float, rate: int = 16000, channels: int = 1) -> Path:
    """A wav with a tone that swells like syllables and rises."""
    t = np.arange(round(seconds * rate)) / rate
    wave = 0.3 * np.sin(2 * np.pi * (180 * t + 1500 * t**2)) * (0.5 - 0.5 * np.cos(2 * np.pi * 4 * t))
    soundfile.write(path, np.repeat(wave[:, None], channels, axis=1), rate)
    return path


def write_face(
    path: Path,
    frames: int = 25,
    *,
    fps: Fraction = Fraction(25),
    without: range = range(0),
    rotation: int | None = None,
    sound: Path | None = None,
) -> Path:
    """A clip of the portrait swaying, the pictures in `without` replaced by scenery."""
    pictures = (scenery() if number in without else portrait(round(6 * np.sin(number / 9))) for number in range(frames))
    plain = path.with_name(f"plain-{path.name}") if rotation is not None else path
    if rotation is not None:
        pictures = (np.rot90(picture, k=-rotation // 90) for picture in pictures)
    write_video(plain, pictures, fps=fps, audio=sound, quality=8)
    if rotation is not None:
        ffmpeg("-display_rotation", rotation, "-i", plain, "-c", "copy", path)
        plain.unlink()
    return path


def small_generator(seed: int = 0) -> Generator:
    """An eighth of the published width, drawn: its mouths are noise that follows the sound, never the source's."""
    net = Generator(width=0.125)
    state = {
        key: torch.from_numpy(np.asarray(draw(key, tuple(value.shape), seed))) if value.is_floating_point() else value
        for key, value in net.state_dict().items()
    }
    state["audio_encoder.12.conv_block.0.weight"] *= 30  # so that the sound shows
    net.load_state_dict(state)
    return net.eval()


def write_checkpoint(path: Path, seed: int = 0) -> Path:
    """A safetensors file of the small generator."""
    return save_safetensors(path, small_generator(seed).state_dict(), {})
