"""Training steps a second of DiffVC's decoder at the published size: loss, gradients, their norm clipped, Adam.

python -m benchmarks.diffvc_training SPEECH_BACKBONES
Batches of 8 crops of 128 frames, the same for both, with the means and noises drawn before; one core, one thread,
processor time, in turn. And the memory that a step of tk-train takes at the published batch of 32.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from benchmarks.measure import in_turn, one_core, report, run_timed
from benchmarks.original_diffvc import import_from
from tk_tools.models.diffvc.networks import Decoder

BATCH, FRAMES = 8, 128
ROUNDS = 1  # each takes a minute


def step_of(network: nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """One step of training as the original takes it."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> float:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm=1)
        optimizer.step()
        return float(value.detach())

    return step


def peak_of_a_batch() -> dict:
    """Peak memory of tk-train's decoder at its published sizes, two steps, on made voices."""
    from tk_tools.models.diffvc.average_voice import AverageVoice

    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        encoder, wavs, mels, embeds = (scratch / name for name in ("enc.pt", "wavs", "mels", "embeds"))
        torch.save(AverageVoice().state_dict(), encoder)
        for command in (
            ["tk-demo-data", "-q", "--speakers", "4", "--clips", "12", wavs],
            ["tk-mel", "-q", "--preset", "diffvc", wavs, mels],
            ["tk-embed", "-q", wavs, embeds],
        ):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        settings = ("max_steps=2", "validate_every=2", "validate_batches=1", "sample_steps=1")
        command = ["tk-train", "diffvc", "--stage", "decoder", "--encoder", encoder, "--out", scratch / "run"]
        for setting in settings:
            command += ["--set", setting]
        _, peak = run_timed([*command, mels, embeds])
    return {"what": "tk-train, decoder, batch 32", "peak_mb": peak}


def main(backbones: Path) -> None:
    one_core()
    import_from(backbones)
    from model.diffusion import Diffusion

    torch.manual_seed(0)
    theirs = Diffusion(80, 256, 128, True, 0.05, 20.0)
    net = Decoder()
    net.load_state_dict(theirs.state_dict())
    net.to(memory_format=torch.channels_last)
    mel, mean, reference, reference_mean, noise = (torch.randn(BATCH, 80, FRAMES) for _ in range(5))
    mask, embedding, times = torch.ones(BATCH, 1, FRAMES), torch.rand(BATCH, 256), torch.rand(BATCH)
    given = (mel, mask, mean, reference, reference_mean, embedding, times)
    ours = step_of(net, lambda: net.loss(*given, noise))
    seconds, original_seconds = in_turn(
        ours, step_of(theirs, lambda: theirs.loss_t(*given)), rounds=ROUNDS, clock=time.process_time
    )
    row = {"what": f"decoder, batch {BATCH}, one core", "steps_per_second": 1 / seconds}
    row |= {"original_steps_per_second": 1 / original_seconds, "ratio": original_seconds / seconds}
    report("diffvc_training", [row, peak_of_a_batch()])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
