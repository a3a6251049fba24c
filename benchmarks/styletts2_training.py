"""Training steps a second of StyleTTS 2's stage first at the published sizes with iSTFTNet, before and after the
discriminators join, beside the original's networks, losses and order; without WavLM, which would be the same in both.

python -m benchmarks.styletts2_training STYLETTS2
Two recordings of two seconds, clips of 80 mel frames, the same drawn weights for both; float32, one core, one thread,
processor time, in turn. The first step, with nothing dropped and one excitation, warms both up and tells that they do
the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from lightning_fabric import Fabric
from torch import Tensor

from benchmarks.measure import one_core, report, seconds
from benchmarks.original_styletts2 import Batch, build, first_step, import_from, make_trainable
from tk_tools.models.styletts2.aligner import TextAligner
from tk_tools.models.styletts2.config import FirstConfig
from tk_tools.models.styletts2.discriminators import WaveDiscriminators
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.published import of_our_names
from tk_tools.models.styletts2.sizes import HOP, LJSPEECH, SIGMA_DATA
from tk_tools.models.styletts2.training.first import FIRST_PARTS, Drawn, FirstTask, Stretches, new_parts
from tk_tools.train.task import Task

BATCH, CLIP = 2, 80  # recordings; mel frames of a clip: the least of both that the original takes
FRAMES, TOKENS = 160, 30  # of a recording
PITCH = 150.0  # Hz, about which that of a fresh pitch extractor lies then
SETTLING = 8  # rounds in which the style encoder's spectral norms find what they divide by
LOUDER = 0.1  # a fresh iSTFTNet's first words are out of all bounds
APART = 1e-3  # how far the first losses may be, of each


def drawn_batch() -> Batch:
    return Batch(
        0.1 * torch.randn(BATCH, FRAMES * HOP),
        torch.randint(4, LJSPEECH.symbols, (BATCH, TOKENS)),
        torch.full((BATCH,), TOKENS),
        0.5 * torch.randn(BATCH, 80, FRAMES),
        torch.full((BATCH,), FRAMES),
    )


def drawn_model(checkout: Path) -> Any:
    """The original's networks."""
    model, _ = build(checkout, "config.yml", SIGMA_DATA["one"], listeners=True)
    with torch.no_grad():
        model.decoder.generator.conv_post.weight_g *= LOUDER
        model.pitch_extractor.classifier.bias += PITCH
        model.style_encoder.train()
        for _ in range(SETTLING):
            model.style_encoder(torch.randn(1, 1, 80, 80))
        model.style_encoder.eval()
    return model


def our_task(model: Any, joined: bool) -> FirstTask:
    """Stage first with the original's weights, without its data."""
    config = FirstConfig(max_frames=CLIP, adversarial_from=0.0 if joined else 1.0)
    task = FirstTask.__new__(FirstTask)
    Task.__init__(task, config, Fabric(accelerator="cpu", devices=1), (), (), {})
    task.train_data = range(100000)
    system, discriminators = new_parts(LJSPEECH, TextAligner(), PitchExtractor()), WaveDiscriminators()
    for name in (*FIRST_PARTS, "text_aligner", "pitch_extractor"):
        system[name].load_state_dict(of_our_names(name, model[name].state_dict()))
    for name in ("mpd", "msd"):
        getattr(discriminators, name).load_state_dict(model[name].state_dict())
    task.set_up(system, discriminators, None)
    return task


def our_step(task: FirstTask, batch: Batch) -> Callable[[], dict[str, Tensor]]:
    given = {
        "wave": batch.waves,
        "mel": batch.mels,
        "mel_lengths": batch.mel_input_length,
        "tokens": batch.texts,
        "token_lengths": batch.input_lengths,
    }
    clip = Stretches([0] * BATCH, CLIP // 2)
    drawn = Drawn(soft=True, hidden=torch.zeros_like(batch.texts, dtype=torch.bool), clips=clip, heard=clip)
    return lambda: task.learn(given, drawn)


def difference(task: FirstTask, model: Any, ours: Callable, theirs: Callable) -> float:
    """How far the losses of the first step are apart, the farthest, of the original's."""
    task.system.eval()
    model.text_aligner.asr_s2s.random_mask = 0
    model.text_aligner.cnns.train()  # it overwrites what its gradients need, unless a dropout lies between
    shares = {layer: layer.p for layer in model.text_aligner.cnns.modules() if isinstance(layer, torch.nn.Dropout)}
    for layer in shares:
        layer.p = 1e-12
    seen = []
    with task.system["decoder"].generator.m_source.register_forward_hook(lambda _, given, gives: seen.append(gives)):
        found = ours()
    source = seen[0].unsqueeze(-1)
    with mock.patch.object(model.decoder.generator.m_source, "forward", return_value=(source, None, None)):
        wanted = theirs()
    apart = {name: abs(float(found[name]) - value) / value for name, value in wanted.items()}
    if not all(value <= APART for value in apart.values()):  # nor NaN
        sys.exit(f"the first losses are apart: {apart}")
    task.system.train()
    task.system["pitch_extractor"].eval()
    for net in model.values():
        net.train()
    for layer, share in shares.items():
        layer.p = share
    return max(apart.values())


def compared(checkout: Path, joined: bool) -> dict[str, Any]:
    """One row; joined: with the discriminators."""
    torch.manual_seed(0)
    model, batch = drawn_model(checkout), drawn_batch()
    task = our_task(model, joined)
    ours, theirs = our_step(task, batch), first_step(model, batch, CLIP, joined)
    apart = difference(task, model, ours, theirs)
    taken, original = (seconds(step, clock=time.process_time) for step in (ours, theirs))
    return {
        "what": f"stage first, {'with' if joined else 'without'} discriminators, batch {BATCH}, fp32, one core",
        "steps_per_second": 1 / taken,
        "original_steps_per_second": 1 / original,
        "ratio": original / taken,
        "difference_of_first_losses": apart,
    }


def main(checkout: Path) -> None:
    one_core()
    import_from(checkout)
    make_trainable(checkout)
    report("styletts2_training", [compared(checkout, joined) for joined in (False, True)])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
