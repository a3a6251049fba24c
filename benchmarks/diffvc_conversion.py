"""Conversion of an utterance of 5 s to a target of 3 s by DiffVC, mel to mel: ours as tk-infer runs it, beside the
original's.

python -m benchmarks.diffvc_conversion SPEECH_BACKBONES [STEPS]
STEPS (30) of the solver ml. The same random weights and the same noise in both; one core, one thread, processor time,
in turn.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch

from benchmarks.measure import in_turn, one_core, report
from benchmarks.original_diffvc import import_from
from tk_tools.models.diffvc.networks import DiffVC

FRAMES, TARGET_FRAMES = 430, 258  # 5 s and 3 s
SIZES = (80, 192, 768, 2, 6, 3, 0.1, 4, 128, 128, True, 256, 0.05, 20.0)  # the original's params.py
ROUNDS = 1  # each takes minutes


def main(backbones: Path, steps: int) -> None:
    one_core()
    import_from(backbones)
    from model import DiffVC as Original

    torch.manual_seed(0)
    theirs = Original(*SIZES).eval()
    theirs.decoder.estimator.final_conv.weight.data *= 0.1  # a fresh network's scores lead nowhere
    mel, target = torch.randn(1, 80, FRAMES) * 2 - 5, torch.randn(1, 80, TARGET_FRAMES) * 2 - 5
    embedding = torch.rand(1, 256)
    lengths = torch.tensor([FRAMES]), torch.tensor([TARGET_FRAMES])
    masks = torch.ones(1, 1, FRAMES), torch.ones(1, 1, TARGET_FRAMES)

    def original() -> torch.Tensor:
        torch.manual_seed(1)
        return theirs(mel, lengths[0], target, lengths[1], embedding, steps, "ml")[1]

    rows = []
    precisions = ("fp32", "bf16") if torch.cpu._is_avx512_bf16_supported() else ("fp32",)  # else it is emulated
    for precision in precisions:
        net = DiffVC()
        net.load_state_dict(theirs.state_dict())
        net.for_inference(precision)

        @torch.inference_mode()
        def ours(net: DiffVC = net) -> torch.Tensor:
            torch.manual_seed(1)
            return net.convert(mel, masks[0], target, masks[1], embedding, "ml", steps)[1]

        made, wanted = ours(), original()
        seconds, original_seconds = in_turn(ours, original, rounds=ROUNDS, clock=time.process_time)
        rows.append(
            {
                "what": f"5 s in {steps} steps, {precision}, one core",
                "seconds": seconds,
                "original_seconds": original_seconds,
                "ratio": original_seconds / seconds,
                "largest_difference_of_largest": float((made - wanted).abs().max() / wanted.abs().max()),
            }
        )
    report("diffvc_conversion", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 30)
