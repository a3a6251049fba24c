"""The work of tk-embed: the sound of a file, or of all files of a speaker -> NAME.embed.h5, in blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tk_tools.audio.faults import Faults
from tk_tools.audio.mel_presets import GE2E
from tk_tools.audio.recordings import embed_file, embed_recordings
from tk_tools.audio.speaker import average, load_encoder
from tk_tools.audio.speaker_presets import STEPS
from tk_tools.errors import InputError
from tk_tools.files.embed_file import FrontEnd, read_embed_file, write_embed_file
from tk_tools.files.provenance import describe


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
        recordings = embed_recordings(encoder, (source, *others), step)
        left_out = [(path.name, why) for path, why in recordings.left_out.items()]
        if not recordings.embeds:
            return {"left_out": "none of its files can be embedded", "failed": left_out}
        files = [path.name for path in recordings.embeds]
        write_embed_file(target, [(recordings.voice[None], None)], front_end, made=made, files=files, left_out=left_out)
        return {"rows": 1, "files": len(files), "failed": left_out}
    faults = Faults(source, GE2E.fmax)
    heard = embed_file(encoder, source, step, faults)
    if options.per == "window":
        return {"rows": write_embed_file(target, heard, front_end, made=made)} | faults.in_words()
    blocks = [windows.embeds for windows in heard]
    write_embed_file(target, [(average(blocks)[None], None)], front_end, made=made)
    return {"rows": 1, "windows": sum(map(len, blocks))} | faults.in_words()


def failed_before(target: Path) -> dict[str, Any]:
    """What make_embed told of a result that is there already: the files of the speaker that it could not take."""
    try:
        return {"failed": read_embed_file(target).left_out}
    except InputError as error:
        return {"warning": f"{error}; --force makes it again"}
