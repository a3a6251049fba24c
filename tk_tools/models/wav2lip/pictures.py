"""Samples of a generator in training: strips of pictures, and a held-out clip, the made mouth beside the true one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from tk_tools.errors import InputError
from tk_tools.files.face_file import FaceFile
from tk_tools.files.ffmpeg import VideoWriter
from tk_tools.files.wav import write_wav
from tk_tools.models.wav2lip.data import FPS, GeneratorWindows, read_mel, read_pictures
from tk_tools.models.wav2lip.networks import Generator
from tk_tools.models.wav2lip.samples import generator_faces, mel_window, to_network, to_pictures
from tk_tools.nets.sync_expert import FACE_SIZE
from tk_tools.train.task import Draw

STRIPS = 6  # windows shown
SECONDS = 6  # of the sample video
ENLARGED = 2
_BATCH = 25  # frames of the video at a time


@torch.no_grad()
def draw_pictures(generator: Generator, data: GeneratorWindows, folder: Path, device: torch.device) -> None:
    """Write strips.png (a row each: reference, masked input, output, target) and clip.mp4 into `folder`."""
    training = generator.training
    generator.eval()
    try:
        _draw_strips(generator, data, Path(folder) / "strips.png", device)
        _draw_clip(generator, data.clips[0].path, Path(folder) / "clip.mp4", device)
    finally:
        generator.train(training)


def _draw_strips(generator: Generator, data: GeneratorWindows, path: Path, device: torch.device) -> None:
    import cv2

    rows = []
    for index in np.linspace(0, len(data) - 1, min(STRIPS, len(data))).astype(int):
        item = data[Draw(index=int(index), seed=0)]
        target, reference = (to_network(item[name][None].to(device)) for name in ("target", "reference"))
        faces = generator_faces(target, reference)
        made = generator(item["frame_mels"][None].to(device), faces)
        parts = (reference, faces[:, :3], made, target)
        rows.append(
            np.concatenate(
                [np.concatenate(list(to_pictures(part[0].transpose(0, 1))), axis=1) for part in parts], axis=1
            )
        )
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def _draw_clip(generator: Generator, source: Path, path: Path, device: torch.device) -> None:
    """The clip with the mouth drawn anew from its first picture's, truth on the left and made on the right."""
    try:
        with FaceFile(source) as file:
            spectrum = read_mel(file)
            pictures = read_pictures(file, 0, min(len(file), int(SECONDS * FPS)))
            audio = file.audio
    except InputError:
        return  # reported when the clip is next drawn for validation
    heard = [mel_window(spectrum, frame, FPS) for frame in range(len(pictures))]
    count = next((frame for frame, window in enumerate(heard) if window is None), len(heard))
    size = FACE_SIZE * ENLARGED
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch) / "sound.wav"
        write_wav(sound, [audio.samples[: count * audio.sample_rate // int(FPS)]], rate=audio.sample_rate)
        with VideoWriter(path, width=2 * size, height=size, fps=FPS, audio=sound) as video:
            for start in range(0, count, _BATCH):
                true = pictures[start : min(start + _BATCH, count)]
                mels = torch.from_numpy(np.stack(heard[start : start + len(true)])).to(device)
                target = to_network(torch.from_numpy(true)[:, None].to(device))
                reference = to_network(torch.from_numpy(pictures[:1])[:, None].to(device)).expand_as(target)
                made = to_pictures(generator(mels, generator_faces(target, reference)[:, :, 0]))
                for pair in zip(true, made, strict=True):
                    wide = np.concatenate(pair, axis=1)
                    video.write(wide.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1))
