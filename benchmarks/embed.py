"""Sound files to speaker embeddings, ours and Resemblyzer's: short utterances, and one hour; one core.

python -m benchmarks.embed RESEMBLYZER SPEECH
RESEMBLYZER is the unpacked wheel of the package resemblyzer 0.1.4, SPEECH a folder of recordings; the hour is made of
them, one after another. tk-embed --preset resemblyzer gives the same numbers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import in_turn, report, run_timed
from tk_tools.audio.speaker import SAMPLE_RATE, average, embed_stream, load_encoder
from tk_tools.audio.speaker_presets import STEPS
from tk_tools.files.find import AUDIO_SUFFIXES, find_files
from tk_tools.files.soundtrack import read_audio, read_audio_blocks
from tk_tools.files.wav import write_wav

MINUTES = (5, 60)


def main(original: Path, speech: Path) -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    os.environ["OMP_NUM_THREADS"] = "1"
    paths = [found.path for found in find_files(speech, AUDIO_SUFFIXES)]
    report("embed", [_short(original, paths), _hour(original, paths)])


def _short(original: Path, paths: list[Path]) -> dict:
    sys.path.insert(0, str(original))
    import torch
    from resemblyzer import VoiceEncoder, preprocess_wav

    torch.set_num_threads(1)
    theirs, ours = VoiceEncoder("cpu", verbose=False), load_encoder(original / "resemblyzer" / "pretrained.pt")

    def our_way(path: Path) -> np.ndarray:
        windows = embed_stream(
            ours, lambda: read_audio_blocks(path, rate=SAMPLE_RATE, align=True), step=STEPS["resemblyzer"]
        )
        return average(part.embeds for part in windows)

    def their_way(path: Path) -> np.ndarray:
        return theirs.embed_utterance(preprocess_wav(path))

    gap = max(float(np.abs(our_way(path) - their_way(path)).max()) for path in paths)
    seconds = in_turn(lambda: [our_way(path) for path in paths], lambda: [their_way(path) for path in paths])
    ours_rate, original_rate = (len(paths) / taken for taken in seconds)
    return {
        "what": "speaker embeddings of utterances, one core",
        "files_per_second": ours_rate,
        "original_files_per_second": original_rate,
        "ratio": ours_rate / original_rate,
        "files": len(paths),
        "largest_difference": gap,
    }


def _hour(original: Path, paths: list[Path]) -> dict:
    utterances = [read_audio(path, rate=SAMPLE_RATE) for path in paths]
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in MINUTES:
            wav = Path(folder) / f"{minutes}.wav"
            _write_long(wav, utterances, minutes * 60)
            command = ["tk-embed", "--preset", "resemblyzer", "--weights-dir", original / "resemblyzer", wav]
            taken[minutes] = run_timed([*command, wav.with_suffix(".embed.h5")])
        theirs = (
            "import sys; sys.path.insert(0, sys.argv[1]); from resemblyzer import VoiceEncoder, preprocess_wav; "
            "VoiceEncoder('cpu', verbose=False).embed_utterance(preprocess_wav(sys.argv[2]))"
        )
        other = run_timed([sys.executable, "-c", theirs, original, wav])
    return {
        "what": "speaker embedding of one hour, one core",
        "seconds": taken[60][0],
        "original_seconds": other[0],
        "ratio": other[0] / taken[60][0],
        "peak_mb": taken[60][1],
        "original_peak_mb": other[1],
        "peak_mb_of_5_minutes": taken[5][1],
    }


def _write_long(path: Path, utterances: list[np.ndarray], seconds: int) -> None:
    left = seconds * SAMPLE_RATE

    def blocks():
        nonlocal left
        while left > 0:
            for samples in utterances:
                yield samples[:left]
                left -= min(left, len(samples))

    write_wav(path, blocks(), SAMPLE_RATE)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
