"""The facts of one file, of any kind that the box knows: what tk-info prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.files.coded import CodedFrames
from tk_tools.files.h5 import read_params, read_rows, read_source
from tk_tools.files.kinds import open_known
from tk_tools.files.made_from import is_marked_synthetic, read_provenance
from tk_tools.files.media import probe


def describe_file(path: Path) -> dict[str, Any]:
    """Facts of an HDF5, video, sound or picture file: kind, frames, fps, seconds, width, height, sample_rate, ...

    InputError: missing, damaged, or of no kind that the box knows.
    """
    path = Path(path)
    return _h5_facts(path) if path.suffix == ".h5" else _media_facts(path)


def _h5_facts(path: Path) -> dict[str, Any]:
    kind, file = open_known(path)
    with file:
        source = read_source(file)
        facts: dict[str, Any] = {"kind": kind.name, "schema": kind.schema, "tool": str(file.attrs["tool"])}
        if "video/data" in file:
            frames = CodedFrames(file)
            facts |= {"frames": len(frames), "fps": float(frames.fps), "seconds": float(len(frames) / frames.fps)}
            facts |= {"width": frames.width, "height": frames.height, "codec": frames.codec}
        if "audio/samples" in file:
            facts["sample_rate"] = int(file["audio/samples"].attrs["sample_rate"])
        if "faces/valid" in file:
            facts["faces"] = int(np.count_nonzero(read_rows(file["faces/valid"])))
            facts["layout"] = str(file["faces/box"].attrs["layout"])
            facts["backend"] = str(file["faces/box"].attrs["backend"])
        for name in {"mel", "avgmel"}.intersection(file):
            mel = file[name]
            rate, hop = int(mel.attrs["sample_rate"]), int(mel.attrs["hop_length"])
            facts |= {"frames": mel.shape[0], "bands": mel.shape[1], "preset": str(mel.attrs["preset"])}
            facts |= {"sample_rate": rate, "seconds": mel.shape[0] * hop / rate}
        if "features" in file:
            features = file["features"]
            rate = int(features.attrs["rate"])
            facts |= {"frames": features.shape[0], "fps": rate, "channels": features.shape[1]}
            facts |= {"model": str(features.attrs["model"]), "seconds": features.shape[0] / rate}
        if "embed" in file:
            embed = file["embed"]
            facts |= {"rows": embed.shape[0], "channels": embed.shape[1]}
            facts |= {"preset": str(embed.attrs["preset"]), "per": str(embed.attrs["per"])}
            if "files" in file:
                facts["files"] = file["files"].shape[0]
        if "phones/symbol" in file:
            facts["phones"] = file["phones/symbol"].shape[0]
        if "phones/average" in file:
            facts |= {"bands": file["phones/average"].shape[1], "preset": str(file["phones/average"].attrs["preset"])}
        return facts | {"source": source.in_words, "digest": source.digest, "params": read_params(file)}


def _media_facts(path: Path) -> dict[str, Any]:
    info = probe(path)
    kind = "picture" if info.is_still else "video" if info.has_video else "sound"
    facts: dict[str, Any] = {"kind": kind}
    if info.has_video:
        facts |= {"width": info.width, "height": info.height, "codec": info.video_codec}
    if kind == "video":
        facts |= {"frames": info.frame_count or None, "fps": float(info.fps), "rotation": info.rotation}
    if kind != "picture":
        facts["seconds"] = info.duration
    if info.has_audio:
        facts |= {"sound": info.audio_codec, "sample_rate": info.audio_rate, "channels": info.audio_channels}
        if info.has_video:
            facts["sound_delay"] = round(info.audio_start - info.start, 6)
    facts["marked_synthetic"] = is_marked_synthetic(path)
    if made := read_provenance(path):
        facts |= {"source": made.source.name, "digest": made.source.digest, "params": made.params}
    return facts
