"""Frames per second of Wav2Lip's published generator: ours as tk-infer runs it, beside the original's eager float32.

python -m benchmarks.wav2lip_generator ORIGINAL_CHECKOUT
Each way at its best batch; the same random weights in both; the largest difference of the pictures is told.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import in_turn, report
from benchmarks.original import import_from

BATCHES = (8, 16, 32)


def main(original: Path) -> None:
    import_from(original)
    from models import Wav2Lip

    from tk_tools.models.wav2lip.networks import Generator
    from tk_tools.models.wav2lip.speaker import Speaker

    torch.manual_seed(0)
    theirs = Wav2Lip().eval()
    for name, tensor in theirs.state_dict().items():  # statistics as after training, not those of a fresh network
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
    net = Generator()
    net.load_state_dict(theirs.state_dict())
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (max(BATCHES), 96, 96, 3), dtype=np.uint8)
    mels = rng.uniform(-4, 4, (max(BATCHES), 1, 80, 16)).astype(np.float32)

    @torch.no_grad()
    def draw_theirs(batch: int) -> np.ndarray:
        faces = crops[:batch, :, :, ::-1].astype(np.float64)
        masked = faces.copy()
        masked[:, 48:] = 0
        inputs = torch.FloatTensor(np.concatenate((masked, faces), axis=3).transpose(0, 3, 1, 2) / 255.0)
        made = theirs(torch.FloatTensor(mels[:batch]), inputs)
        return (made.numpy().transpose(0, 2, 3, 1) * 255.0).astype(np.uint8)[..., ::-1]

    rows = []
    for precision in ("fp32", "bf16"):
        speaker = Speaker(net, precision=precision)
        difference = np.abs(speaker.draw(crops[:4], mels[:4]).astype(int) - draw_theirs(4))
        figures = {}
        for batch in BATCHES:
            ours, other = in_turn(
                lambda speaker=speaker, batch=batch: speaker.draw(crops[:batch], mels[:batch]),
                lambda batch=batch: draw_theirs(batch),
                rounds=3,
            )
            figures[batch] = (batch / ours, batch / other)
        best_ours, best_other = (max(figures, key=lambda batch, k=k: figures[batch][k]) for k in (0, 1))
        ours, other = figures[best_ours][0], figures[best_other][1]
        rows.append(
            {
                "what": f"generator, {precision}",
                "frames_per_second": ours,
                "batch": best_ours,
                "original_frames_per_second": other,
                "original_batch": best_other,
                "ratio": ours / other,
                "largest_difference_levels": int(difference.max()),
                "mean_difference_levels": float(difference.mean()),
            }
        )
    report("wav2lip_generator", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
