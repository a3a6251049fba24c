"""Peak memory of tk-train in StyleTTS 2's stages first and second, at the published sizes for LJSpeech, with all that
joins in the course of them (discriminators, WavLM, the decoder, the adversary), so that 16 GB can be reckoned with.

python -m benchmarks.styletts2_memory
Made recordings of 7 s; two batch sizes, clips of 200 mel frames. Each run begins with a small step, which makes the
optimisers' memory, and goes on with one of two batches, the second of which finds the gradients of the first. Weights,
those of WavLM base among them, are drawn. Settings are those that README.md names for 16 GB.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import report, run_timed
from tk_tools.files.wav import write_wav
from tk_tools.models.styletts2.aligner import TextAligner
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.sizes import SAMPLE_RATE

BATCHES, CLIP = (2, 4), 200  # recordings, and mel frames of a clip
COUNT, SECONDS = 12, 7  # recordings: as long as most of LJSpeech, and as the clips that the adversary hears
SAID = "ðɪs ɪz wˌʌt ɪt sˈɛz , ænd nˈoʊbɑːdi hɐz sˈɛd ɪt jˈɛt . " * 2
ALWAYS = {"validate_every": 2, "validate_batches": 1, "checkpoint_every": 1, "loader_workers": 0, "val_share": 0.1}
JOINED = {
    "first": {"adversarial_from": 0.0},
    "second": {"diffusion_from": 0.0, "joint_from": 0.0, "adversary.every": 1},
}
"""All that joins, from the first step on."""


def write_recordings(folder: Path) -> Path:
    """Noise, and the list of what is said in it."""
    folder.mkdir()
    drawn = np.random.default_rng(0)
    lines = []
    for number in range(COUNT):
        wave = 0.1 * drawn.standard_normal(SECONDS * SAMPLE_RATE).astype(np.float32)
        write_wav(folder / f"{number}.wav", [wave], rate=SAMPLE_RATE)
        lines.append(f"{number}.wav|{SAID}|made\n")
    path = folder / "made.phonemes.txt"
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_listeners(folder: Path) -> dict[str, list[str]]:
    """What each stage is begun with: options of tk-train."""
    from transformers import WavLMConfig, WavLMModel

    torch.manual_seed(0)
    torch.save({"model": TextAligner().state_dict()}, folder / "aligner.pth")
    torch.save({"net": PitchExtractor().state_dict()}, folder / "pitch.t7")
    WavLMModel(WavLMConfig()).save_pretrained(folder / "wavlm")
    return {
        "first": ["--aligner", str(folder / "aligner.pth"), "--pitch", str(folder / "pitch.t7")],
        "second": ["--init", str(folder / f"first-{BATCHES[0]}")],
    }


def peak(stage: str, begin: list[str], batch: int, folder: Path) -> float:
    """Of a step of two batches with all that joins, in MB."""

    def command(steps: int, values: Mapping[str, Any], *further: str) -> list[str]:
        settings = ALWAYS | JOINED[stage] | {"wavlm": str(folder / "wavlm"), "max_steps": steps} | values
        assignments = [word for key, value in settings.items() for word in ("--set", f"{key}={json.dumps(value)}")]
        run = ["--out", str(folder / f"{stage}-{batch}"), str(folder / "wavs/made.phonemes.txt")]
        return ["tk-train", "styletts2", "-q", "--stage", stage, *begin, *assignments, *further, *run]

    subprocess.run(command(1, {"batch_size": 1, "max_frames": 80}), check=True, stdout=subprocess.DEVNULL)
    large = command(2, {"batch_size": batch, "max_frames": CLIP, "accumulate": 2}, "--resume")
    return run_timed(large)[1]


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_recordings(folder / "wavs")
        for stage, begin in write_listeners(folder).items():
            fewer, more = (peak(stage, begin, batch, folder) for batch in BATCHES)
            slope = (more - fewer) / (BATCHES[1] - BATCHES[0]) / (CLIP / 100)
            told = {"peak_mb": more, f"peak_mb_of_batch_{BATCHES[0]}": fewer, "mb_of_100_frames": slope}
            rows.append({"what": f"tk-train, stage {stage}, batch {BATCHES[1]}, {CLIP} frames"} | told)
    report("styletts2_memory", rows)


if __name__ == "__main__":
    main()
