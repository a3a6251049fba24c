"""Frames per second of the generators of LawDNet and DINet: ours as tk-infer runs them, beside the originals' own.

python -m benchmarks.lawdnet_generator LAWDNET DINET
Checkouts of iPaw-AI-LAB/LawDNet_2024 and MRzzm/DINet. The same random weights in both, loud enough that every input is
heard, on pictures of 416x320; ours in float32 and in bfloat16, the originals' in float32; the references prepared once,
as for a video. Processor time of one core; where that has no bfloat16 in hardware, its row tells of an emulation.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time

import torch
from torch import nn

from benchmarks.measure import one_core, report, seconds
from benchmarks.original_lawdnet import import_from

SIZE = (416, 320)
BATCHES = (1, 5)


def shaken(network: nn.Module) -> nn.Module:
    """In eval mode, with statistics as after training and weights that let the inputs through."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif sum(side > 1 for side in tensor.shape) >= 2:
            tensor.normal_(std=1.4 / tensor[0].numel() ** 0.5)
    return network.eval()


def as_run(net: nn.Module, precision: str, references: torch.Tensor) -> Callable[..., torch.Tensor]:
    """The generator as tk-infer runs it: pictures and audio -> pictures."""
    net = copy.deepcopy(net)
    if precision == "fp32":
        net.for_inference()

    def arithmetic() -> torch.autocast:
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")

    with arithmetic():
        prepared = net.prepare(references)

    def draw(source: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        with arithmetic():
            return net(source, audio, prepared).float()

    return draw


@torch.inference_mode()
def compare(name: str, theirs: nn.Module, ours: nn.Module) -> list[dict]:
    """A row for each batch and precision."""
    ours.load_state_dict(theirs.state_dict())
    ours.eval()
    references = torch.rand(1, 15, *SIZE)
    ways = {precision: as_run(ours, precision, references) for precision in ("fp32", "bf16")}
    rows = []
    for batch in BATCHES:
        source, audio = torch.rand(batch, 3, *SIZE), torch.randn(batch, 29, 5)
        all_references = references.expand(batch, -1, -1, -1).contiguous()
        wanted = theirs(source, all_references, audio)
        apart = {precision: (draw(source, audio) - wanted).abs() for precision, draw in ways.items()}
        original = seconds(partial(theirs, source, all_references, audio), process_time)
        for precision, draw in ways.items():
            taken = seconds(partial(draw, source, audio), process_time)
            rows.append(
                {
                    "what": f"{name}, batch {batch}, {precision}",
                    "frames_per_second": batch / taken,
                    "original_frames_per_second": batch / original,
                    "ratio": original / taken,
                    "largest_difference": float(apart[precision].max()),
                    "mean_difference": float(apart[precision].mean()),
                }
            )
    return rows


def main(lawdnet: Path, dinet: Path) -> None:
    from tk_tools.models.dinet.networks import Generator as DINet
    from tk_tools.models.lawdnet.networks import Generator as LawDNet

    one_core()
    original = import_from(lawdnet, "LawDNet").LawDNet(source_channel=3, ref_channel=15, audio_channel=29, device="cpu")
    rows = compare("LawDNet", shaken(original), LawDNet())
    original = import_from(dinet, "DINet").DINet(source_channel=3, ref_channel=15, audio_channel=29)
    report("lawdnet_generator", rows + compare("DINet", shaken(original), DINet()))


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:3]))
