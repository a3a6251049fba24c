"""Peak memory of a process that trains StyleTTS 2 at the published sizes for LJSpeech, in single precision on a
processor, with all that joins in the course of a stage: discriminators, WavLM, in stage second the decoder and the
adversary.

python -m benchmarks.styletts2_memory
Two drawn recordings of 7.4 s, clips of 200 mel frames; and one short recording before, by which it can be reckoned what
more frames take. The batch is the last of a step of several (`accumulate`): it finds the optimisers' memory and the
gradients of those before.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.measure import report
from benchmarks.styletts2_training import LOUDER, SETTLING, new_task
from tk_tools.models.styletts2.aligner import AlignerSizes, TextAligner
from tk_tools.models.styletts2.config import FirstConfig, SecondConfig
from tk_tools.models.styletts2.discriminators import WaveDiscriminators
from tk_tools.models.styletts2.hearing import Hearing
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor, PitchSizes
from tk_tools.models.styletts2.sizes import HOP, LJSPEECH
from tk_tools.models.styletts2.training.first import FirstTask, new_parts
from tk_tools.models.styletts2.training.judging import JudgedTask
from tk_tools.models.styletts2.training.second import SecondTask
from tk_tools.models.styletts2.training.system import Judges, System

BATCH, CLIP = 2, 200  # recordings; mel frames of a clip
FRAMES, TOKENS = 592, 100  # of a recording; long enough for the longest clip that the adversary hears
SHORT_FRAMES, SHORT_TOKENS = 160, 30
SHORT_CLIP = SHORT_FRAMES - 2  # a step less than the recording has
STILL = {"learning_rate": 1e-9, "accumulate": 2}  # drawn weights stay sound


def new_hearing() -> Hearing:
    """WavLM base, drawn."""
    from transformers import WavLMConfig, WavLMModel

    return Hearing(WavLMModel(WavLMConfig()))


def first_task() -> FirstTask:
    task = new_task(FirstTask, FirstConfig(max_frames=CLIP, adversarial_from=0.0, **STILL))
    system = settled(new_parts(LJSPEECH, TextAligner(), PitchExtractor()))
    task.set_up(system, WaveDiscriminators(), new_hearing())
    return task


def second_task() -> SecondTask:
    config = SecondConfig(max_frames=CLIP, diffusion_from=0.0, joint_from=0.0, **STILL)
    task = new_task(SecondTask, config)
    task.hearing = new_hearing()
    system = settled(System(LJSPEECH, AlignerSizes(), PitchSizes()))
    task.set_up(system, Judges(features=task.hearing.features))
    return task


TASKS: dict[str, Callable[[], JudgedTask]] = {"first": first_task, "second": second_task}


@torch.no_grad()
def settled(system: torch.nn.Module) -> torch.nn.Module:
    """With a decoder whose first words are within bounds, and spectral norms that know what they divide by."""
    system.get_submodule("decoder.generator.conv_post").parametrizations.weight.original0.mul_(LOUDER)
    for name, part in system.named_children():
        if name in ("style_encoder", "predictor_encoder"):
            for _ in range(SETTLING):
                part.train()(torch.randn(1, 80, 80))
    return system


def drawn_batch(count: int, frames: int, tokens: int) -> dict[str, Tensor]:
    said, lengths = torch.randint(4, LJSPEECH.symbols, (count, tokens)), torch.full((count,), tokens)
    return {
        "wave": 0.1 * torch.randn(count, frames * HOP),
        "mel": 0.5 * torch.randn(count, 80, frames),
        "mel_lengths": torch.full((count,), frames),
        "tokens": said,
        "token_lengths": lengths,
        "other_tokens": said,
        "other_token_lengths": lengths,
    }


def train(stage: str) -> None:
    """In this process: a short step, and one of a short batch and a whole one. Prints its peak memory in MB behind the
    short ones and at the end."""
    torch.manual_seed(0)
    task = TASKS[stage]()
    short = drawn_batch(1, SHORT_FRAMES, SHORT_TOKENS)
    for last, batch in ((True, short), (False, short), (True, drawn_batch(BATCH, FRAMES, TOKENS))):
        task.last_part = last
        before = peak_mb()
        losses = task.step(batch)
    if wrong := [name for name, loss in losses.items() if not loss.isfinite()]:
        sys.exit(f"losses are no numbers: {wrong}")
    if stage == "second" and not task.adversary_steps:
        sys.exit("the adversary has heard nothing")
    print(before, peak_mb())


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    rows = []
    for stage in TASKS:
        command = [sys.executable, "-m", __spec__.name, stage]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        before, peak = map(float, told.split())
        more = (peak - before) / (BATCH * CLIP - SHORT_CLIP) * 100
        row = {"what": f"stage {stage}, all joined, batch {BATCH}, clips of {CLIP} frames"}
        rows.append(row | {"peak_mb": peak, "peak_mb_of_a_short_clip": before, "mb_of_100_frames_more": more})
    report("styletts2_memory", rows)


if __name__ == "__main__":
    train(sys.argv[1]) if len(sys.argv) > 1 else main()
