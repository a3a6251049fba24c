"""The work of tk-eval-lse --fix: a clip whose sound is moved by the offset that was measured, at 25 frames/s."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.errors import InputError, OutputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.face_file import FACE
from tk_tools.files.ffmpeg import VideoWriter
from tk_tools.files.made_from import is_marked_synthetic
from tk_tools.files.media import probe, stream_seconds
from tk_tools.files.provenance import describe
from tk_tools.files.rates import FRAME_RATE
from tk_tools.files.soundtrack import audio_rate, read_audio_blocks
from tk_tools.files.video import VideoReader
from tk_tools.files.wav import write_wav
from tk_tools.metrics.condition import Condition
from tk_tools.metrics.sync_clips import MEASURES, ClipOptions, load_judge, measure_file


@dataclass(frozen=True)
class FixOptions(ClipOptions):
    """judge: expert or syncnet-v2. keep: the condition (see Condition, over MEASURES) on which a clip is fixed, None
    for all. quality: x264's rate factor; low, since the clips are raw material."""

    judge: str = "syncnet-v2"
    keep: str | None = None
    quality: int = 14


def fix_sync(source: Path, weights: Path, target: Path, options: FixOptions) -> dict[str, Any]:
    """Measure a video by the judge in `weights` and write it as `target` (.mp4) with its sound where it belongs.

    The pictures are on an unbroken clock of 25 frames/s, the sound is mono and as long as they are. Facts: those of
    measure_file on the source; "left_out", and nothing is written, where options.keep does not hold.
    InputError: see measure_file. OutputError: it cannot be written.
    """
    if source.name.endswith(FACE.suffix):
        raise InputError("holds crops; give the video itself", path=source)
    made = describe(options, source, weights)
    facts, _ = measure_file(source, load_judge(options.judge, weights, options.device), options)
    if options.keep is not None and not Condition(options.keep, MEASURES)({name: facts[name] for name in MEASURES}):
        why = ", ".join(f"{name} {facts[name]:.4g}" for name in MEASURES[:3])
        stays = {"warning": f"{target} of an earlier run stays, and would be left out now"} if target.exists() else {}
        return facts | {"left_out": why} | stays
    if abs(facts["offset"]) == options.max_shift:
        raise InputError(
            f"has no sync to be found: the best shift, {facts['offset']}, is the last that was tried (lse_c "
            f"{facts['lse_c']:.2g}); look at the clip, or try a larger --max-shift",
            path=source,
        )
    with tempfile.TemporaryDirectory(prefix="tk-fix-") as folder:
        sound = Path(folder, "sound.wav")
        rate = audio_rate(source)
        moved = move_sound(read_audio_blocks(source, align=True), facts["offset"] * rate // FRAME_RATE)
        write_wav(sound, moved, rate)
        reader = VideoReader(source)
        with (
            atomic_path(target, check=lambda path: _check(path, writer.count, target)) as temporary,
            VideoWriter(
                temporary,
                width=reader.info.width,
                height=reader.info.height,
                fps=reader.fps,
                audio=sound,
                audio_seconds=float(stream_seconds(source, "video")),
                metadata={"comment": made.comment(**_mark(source))},
                quality=options.quality,
            ) as writer,
        ):
            for picture in reader:
                writer.write(picture)
    return facts


def _mark(source: Path) -> dict[str, bool]:
    """What is synthetic stays marked."""
    return {"synthetic": True} if is_marked_synthetic(source) else {}


def move_sound(blocks: Iterable[np.ndarray], later: int) -> Iterator[np.ndarray]:
    """Blocks (n,) of samples, `later` samples later: behind silence; or earlier, without the first, where negative."""
    if later > 0:
        blocks = chain([np.zeros(later, np.float32)], blocks)
    skip = max(0, -later)
    for block in blocks:
        rest = block[skip:]
        skip = max(0, skip - len(block))
        if len(rest):
            yield rest


def _check(path: Path, pictures: int, target: Path) -> None:
    info = probe(path)
    if info.frame_count != pictures or not info.has_audio:
        raise OutputError(f"was not written whole: {info.frame_count} of {pictures} pictures", path=target)
