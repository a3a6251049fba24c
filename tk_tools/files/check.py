"""Whether one file is whole and as its kind says, read to the last byte: what tk-check does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tk_tools.errors import InputError
from tk_tools.files.coded import CodedFrames
from tk_tools.files.embed_file import check_embeddings
from tk_tools.files.feature_file import check_features
from tk_tools.files.h5 import check_whole
from tk_tools.files.kinds import open_known
from tk_tools.files.media import probe
from tk_tools.files.soundtrack import clip_samples, read_audio_blocks
from tk_tools.files.video import VideoReader, read_picture


def check_file(path: Path) -> dict[str, Any]:
    """Read all of a file; return its kind and what was counted. InputError names the first fault."""
    path = Path(path)
    return _check_h5(path) if path.suffix == ".h5" else _check_media(path)


def _check_h5(path: Path) -> dict[str, Any]:
    kind, file = open_known(path)
    with file:
        check_whole(file, kind)
        facts: dict[str, Any] = {"kind": kind.name}
        if "video/data" in file:
            facts["frames"] = _check_pictures(file, path)
        if "audio/samples" in file:
            facts["samples"] = int(file["audio/samples"].shape[0])
        if "embed" in file:
            facts["rows"] = check_embeddings(file)
        if "features" in file:
            facts["frames"] = check_features(file)
        return facts


def _check_pictures(file: h5py.File, path: Path) -> int:
    frames = CodedFrames(file)
    offsets = frames.offsets
    if offsets[0] != 0 or (np.diff(offsets) <= 0).any() or offsets[-1] != file["video/data"].shape[0]:
        raise InputError("/video/offsets does not fit /video/data", path=path)
    for index in range(len(frames)):
        frames.read(index, index + 1)
    if "faces/valid" in file and file["faces/valid"].shape[0] != len(frames):
        raise InputError(f"/faces has {file['faces/valid'].shape[0]} rows for {len(frames)} pictures", path=path)
    if "audio/samples" in file:
        sound = file["audio/samples"]
        expected = clip_samples(len(frames), frames.fps, int(sound.attrs["sample_rate"]))
        if abs(sound.shape[0] - expected) > 1:
            raise InputError(f"/audio has {sound.shape[0]} samples, the pictures last {expected}", path=path)
    return len(frames)


def _check_media(path: Path) -> dict[str, Any]:
    info = probe(path)
    if info.is_still:
        read_picture(path)
        return {"kind": "picture", "frames": 1}
    facts: dict[str, Any] = {"kind": "video" if info.has_video else "sound"}
    if info.has_video:
        reader = VideoReader(path, fps=None)
        for _ in reader:
            pass
        facts["frames"] = reader.stored
        if reader.damaged:
            raise InputError(f"{reader.damaged} packets of its pictures are damaged", path=path)
    if info.has_audio:
        facts["samples"] = sum(len(block) for block in read_audio_blocks(path))
    if not (info.has_video or info.has_audio):
        raise InputError("holds neither pictures nor sound", path=path)
    return facts
