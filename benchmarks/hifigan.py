"""HiFi-GAN V1, mel to waveform: ours as tk-infer runs it, beside the original's with its weight norm removed.

python -m benchmarks.hifigan HIFIGAN
5 s of mel, the same random weights in both; one core, one thread, processor time, in turn.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import torch

from benchmarks.measure import in_turn, one_core, report
from tk_tools.nets.hifigan import HiFiGAN

FRAMES = 430  # 5 s
LOUDER = 2.0  # a fresh network is all but silent


def main(original: Path) -> None:
    one_core()
    if not (original / "config_v1.json").is_file():
        sys.exit(f"{original} is not a checkout of jik876/hifi-gan")
    sys.path.insert(0, str(original))
    from models import Generator

    torch.manual_seed(0)
    theirs = Generator(SimpleNamespace(**json.loads((original / "config_v1.json").read_text()))).eval()
    state = {key: value * LOUDER if key.endswith("_g") else value for key, value in theirs.state_dict().items()}
    theirs.load_state_dict(state)
    net = HiFiGAN()
    net.load_state_dict(state)
    net.for_inference()
    theirs.remove_weight_norm()
    mel = torch.randn(1, 80, FRAMES) * 2 - 5
    with torch.inference_mode():
        difference = float((net(mel) - theirs(mel)).abs().max() / theirs(mel).abs().max())
        seconds, original_seconds = in_turn(lambda: net(mel), lambda: theirs(mel), clock=time.process_time)
    row = {"what": "5 s by V1, fp32, one core", "seconds": seconds, "original_seconds": original_seconds}
    row |= {"ratio": original_seconds / seconds, "largest_difference_of_largest": difference}
    report("hifigan", [row])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
