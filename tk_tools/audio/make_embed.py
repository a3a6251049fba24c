"""The work of tk-embed: the sound of a file, or of all files of a speaker -> NAME.embed.h5, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tk_tools.audio.mel_presets import GE2E
from tk_tools.audio.speaker import Windows, average, embed_stream, load_encoder
from tk_tools.audio.speaker_presets import STEPS
from tk_tools.errors import InputError
from tk_tools.files.embed_file import FrontEnd, read_embed_file, write_embed_file
from tk_tools.files.provenance import describe
from tk_tools.files.soundtrack import read_audio_blocks

if TYPE_CHECKING:
    from tk_tools.nets.speaker_encoder import SpeakerEncoder


@dataclass(frozen=True)
class EmbedOptions:
    """`preset` of STEPS and `per` of PER, see audio.speaker_presets; `device` of torch."""

    preset: str
    per: str
    device: str = field(default="cpu", metadata={"shapes_content": False})


def make_embed(source: Path, *further: Any) -> dict[str, Any]:
    """make_embed(source, *others, weights, target, options): the speaker embedding of a sound or video file.

    others: with --per speaker the further files of the speaker; those that cannot be embedded are in "failed" of what
    is returned, and nothing is made without any other. weights: the published encoder (ge2e). InputError: no sound, no
    speech or too little of it, or not numbers.
    """
    *others, weights, target, options = further
    encoder = load_encoder(weights, options.device)
    step = STEPS[options.preset]
    front_end = FrontEnd(options.preset, options.per, step, GE2E.hop_length, GE2E.sample_rate)
    made = describe(options, source, *others, weights)
    if options.per == "speaker":
        embeds, left_out = {}, []
        for path in (source, *others):
            try:
                embeds[path.name] = average(windows.embeds for windows in _windows(encoder, path, step))[None]
            except InputError as error:
                left_out.append((path.name, error.message))
        if not embeds:
            return {"left_out": "none of its files can be embedded", "failed": left_out}
        rows = [(average(embeds.values())[None], None)]
        write_embed_file(target, rows, front_end, made=made, files=list(embeds), left_out=left_out)
        return {"rows": 1, "files": len(embeds), "failed": left_out}
    if options.per == "window":
        return {"rows": write_embed_file(target, _windows(encoder, source, step), front_end, made=made)}
    blocks = [windows.embeds for windows in _windows(encoder, source, step)]
    write_embed_file(target, [(average(blocks)[None], None)], front_end, made=made)
    return {"rows": 1, "windows": sum(map(len, blocks))}


def failed_before(target: Path) -> dict[str, Any]:
    """What make_embed told of a result that is there already: the files of the speaker that it could not take."""
    try:
        return {"failed": read_embed_file(target).left_out}
    except InputError as error:
        return {"warning": f"{error}; --force makes it again"}


def _windows(encoder: SpeakerEncoder, path: Path, step: int) -> Iterator[Windows]:
    def waveform() -> Iterator[np.ndarray]:
        return read_audio_blocks(path, rate=GE2E.sample_rate, align=True)

    return embed_stream(encoder, waveform, step=step)
