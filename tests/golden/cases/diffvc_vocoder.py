"""HiFi-GAN."""

import torch

from tests.golden.golden import draw
from tk_tools.nets.hifigan import HiFiGAN


@torch.no_grad()
def hifigan(golden):
    network = HiFiGAN().eval()
    drawn = {
        key: torch.from_numpy(draw(key, tuple(shape), golden.salt)) for key, shape in golden.meta["state_dict"].items()
    }
    network.load_state_dict(drawn)
    (mel,) = golden.tensors()
    return {"wav": network.without_weight_norm()(mel)}


CASES = {"hifigan": hifigan}
