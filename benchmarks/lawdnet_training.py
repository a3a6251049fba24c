"""Training steps a second of LawDNet's frame stages at the published width, beside the original's networks and order.

python -m benchmarks.lawdnet_training LAWDNET
A checkout of iPaw-AI-LAB/LawDNet_2024. The same batch and weights for both, VGG19 with random ones; float32, one core,
one thread, processor time, in turn. The difference of the first step's losses tells that both do the same.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.nn import functional

from benchmarks.measure import in_turn, one_core, report
from benchmarks.original_lawdnet import import_from
from tk_tools.dubbing.masks import crop_size, soft_mask
from tk_tools.models.lawdnet.config import FrameConfig
from tk_tools.models.lawdnet.networks import Generator
from tk_tools.models.lawdnet.training import FrameTask
from tk_tools.nets.dinet_discriminator import Discriminator
from tk_tools.nets.perceptual import PerceptualLoss
from tk_tools.train.task import Task

CASES = ((64, 4), (256, 1))  # mouth, batch
ROUNDS = 1  # each takes half a minute
RATE = 1e-4


def original_step(checkout: Path, perception: PerceptualLoss, given: tuple[torch.Tensor, ...], hole: torch.Tensor):
    """(networks, a step in the original's order): discriminator, then generator."""
    judge = import_from(checkout, "Discriminator").Discriminator(3, 64, 4, 256)
    net = import_from(checkout, "LawDNet").LawDNet(source_channel=3, ref_channel=15, audio_channel=29, device="cpu")
    optimizers = [torch.optim.AdamW(each.parameters(), lr=RATE) for each in (net, judge)]
    real, references, audio = given

    def step() -> float:
        made = net(real * hole, references, audio)
        made_half = functional.avg_pool2d(made, 3, 2, 1, count_include_pad=False)
        real_half = functional.interpolate(real, scale_factor=0.5, mode="bilinear")
        optimizers[1].zero_grad()
        told = (judge(made.detach())[1] ** 2).mean() + ((judge(real)[1] - 1) ** 2).mean()
        (told / 2).backward()
        optimizers[1].step()
        optimizers[0].zero_grad()
        pairs = [
            pair
            for one, other in ((real, made), (real_half, made_half))
            for pair in zip(perception.maps(other), perception.maps(one), strict=True)
        ]
        likeness = sum(functional.l1_loss(*pair) for pair in pairs) / len(pairs)
        loss = 10 * likeness + ((judge(made)[1] - 1) ** 2).mean() + functional.mse_loss(made, real)
        loss.backward()
        optimizers[0].step()
        return float(loss.detach())

    return net, judge, step


def our_step(
    generator: Generator, judge: Discriminator, perception: PerceptualLoss, mouth: int, given: tuple[torch.Tensor, ...]
) -> Callable[[], float]:
    """A step of stage frameM, without its data."""
    task = FrameTask.__new__(FrameTask)
    Task.__init__(
        task, FrameConfig(mouth_size=mouth, learning_rate=RATE), Fabric(accelerator="cpu", devices=1), (), (), {}
    )
    task.train_data = range(1000)
    task.set_up(generator, judge, perception)
    return lambda: float(task.learn(*given)["loss"])


def main(checkout: Path) -> None:
    one_core()
    rows = []
    for mouth, batch in CASES:
        torch.manual_seed(0)
        height, width = crop_size(mouth)
        given = torch.rand(batch, 3, height, width), torch.rand(batch, 15, height, width), torch.randn(batch, 29, 5)
        perception = PerceptualLoss()
        net, theirs, step = original_step(checkout, perception, given, torch.tensor(soft_mask(height, width)))
        generator, judge = Generator(), Discriminator()
        generator.load_state_dict(net.state_dict())
        judge.load_state_dict(theirs.state_dict())
        ours = our_step(generator, judge, perception, mouth, given)
        losses: dict[Callable, list[float]] = {ours: [], step: []}
        seconds, original = in_turn(
            lambda ours=ours, kept=losses[ours]: kept.append(ours()),
            lambda step=step, kept=losses[step]: kept.append(step()),
            rounds=ROUNDS,
            clock=time.process_time,
        )
        rows.append(
            {
                "what": f"frame stage, mouth {mouth}, batch {batch}, fp32, one core",
                "steps_per_second": 1 / seconds,
                "original_steps_per_second": 1 / original,
                "ratio": original / seconds,
                "difference_of_first_losses": abs(losses[ours][0] - losses[step][0]),
            }
        )
    report("lawdnet_training", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
